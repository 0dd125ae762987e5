"""Weights from the objects that people hold: the same numbers everywhere, or one clear error."""

import collections
import sys

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.errors import F2FError
from f2f_viz.tensors.objects import KINDS

DENSE = np.random.default_rng(0).normal(size=(64, 96)).astype(np.float32)
SPARSE = np.where(abs(DENSE) > 0.8, DENSE, np.float32(0))
FEW = f2f.Settings(n_s=0, rate=0.5)


class Jax:
    """As JAX's arrays are: NumPy takes them by a method, and of bfloat16 too."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class Capsule:
    """Nothing but DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def torch_of(array):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.array(array))


def module_of(array):
    torch = pytest.importorskip("torch")
    linear = torch.nn.Linear(array.shape[1], array.shape[0])
    linear.weight.data = torch_of(array)
    return torch.nn.Sequential(torch.nn.ReLU(), linear)


HELD = {
    "ndarray": lambda a, path: a,
    "Fortran order, big-endian": lambda a, path: np.asfortranarray(a.astype(">f4")),
    "numbers": lambda a, path: a.astype(np.float64).tolist(),
    "tensor": lambda a, path: torch_of(a),
    "strided tensor": lambda a, path: torch_of(a.T).T,
    "parameter": lambda a, path: pytest.importorskip("torch").nn.Parameter(torch_of(a)),
    "sparse tensor": lambda a, path: torch_of(a).to_sparse(),
    "module": lambda a, path: module_of(a),
    "state dict": lambda a, path: module_of(a).state_dict(),
    "csr_matrix": lambda a, path: scipy.sparse.csr_matrix(a),
    "coo_array": lambda a, path: scipy.sparse.coo_array(a),
    "JAX": lambda a, path: Jax(a),
    "DLPack": lambda a, path: Capsule(a),
    "Layer": lambda a, path: f2f.Layer("w", a, "float32", "here"),
    "mapping": lambda a, path: {"epoch": 3, "model": collections.OrderedDict(w=a)},
    "path": lambda a, path: path,
    "text": lambda a, path: str(path),
    "list of files": lambda a, path: [path],
}


@pytest.fixture(params=HELD)
def held(request, tmp_path):
    """What holds SPARSE."""
    np.save(tmp_path / "w.npy", SPARSE)
    return HELD[request.param](SPARSE, tmp_path / "w.npy")


def test_the_same_weights_by_every_entrance(held, tmp_path):
    layer = f2f.load_layer(held)
    np.testing.assert_array_equal(layer.weights, SPARSE)
    assert layer.weights.flags.c_contiguous
    assert layer.name in {info.name for info in f2f.list_tensors(held)}
    mask = f2f.prune(SPARSE, 0.5)
    np.testing.assert_array_equal(f2f.prune(held, 0.5), mask)
    own = f2f.prune(SPARSE, 0, "zeros")
    np.testing.assert_array_equal(f2f.prune(SPARSE, 0, "mask", mask=held), own)
    np.testing.assert_array_equal(f2f.prune_together({"a": held}, 0.5)["a"], mask)
    np.testing.assert_array_equal(f2f.decode(f2f.encode(held, own, n_s=0)), SPARSE)
    if not isinstance(held, np.ndarray):  # of which only booleans are a mask
        np.testing.assert_array_equal(f2f.encode(SPARSE, held, n_s=0).mask, own)
    ratio = f2f.analyze(layer.weights, FEW).ratio
    assert f2f.analyze(held, FEW).ratio == ratio
    (point,) = f2f.sweep(held, FEW)
    assert point.ratio == ratio.value
    f2f.encode_model(held, tmp_path / "m.f2f", FEW)
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "m.safetensors")
    decoded = load_file(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(decoded[layer.name], SPARSE * mask)


def test_the_analyzer_takes_them(held):
    analyzer = f2f.Analyzer(held)
    np.testing.assert_array_equal(analyzer.layer.weights, SPARSE)
    analyzer.layer = DENSE
    np.testing.assert_array_equal(analyzer.layer.weights, DENSE)
    analyzer.close()


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float64", "int8", "uint8"])
def test_number_formats_of_torch(name):
    torch = pytest.importorskip("torch")
    tensor = torch.arange(12).reshape(3, 4).to(getattr(torch, name))
    layer = f2f.load_layer(tensor)
    assert layer.dtype == name
    np.testing.assert_array_equal(layer.weights.astype(int), np.arange(12).reshape(3, 4))
    encoded = f2f.encode(torch.nn.Parameter(tensor, requires_grad=False), tensor > 3, n_s=0)
    np.testing.assert_array_equal(f2f.decode(encoded) != 0, tensor > 3)


def test_bfloat16_of_jax():
    layer = f2f.load_layer(Jax(np.ones((2, 2), ml_dtypes.bfloat16)))
    assert layer.dtype == "bfloat16"


def test_a_mask_of_floats_as_torch_prunes_with():
    mask = torch_of(abs(DENSE) > 1).float()
    np.testing.assert_array_equal(f2f.encode(DENSE, mask, n_s=0).mask, abs(DENSE) > 1)


def test_lists_of_several(tmp_path):
    for name in "ab":
        save_file({name: DENSE}, tmp_path / f"{name}.safetensors")
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    assert [info.name for info in f2f.list_tensors(files)] == ["a", "b"]
    assert [point.layer for point in f2f.sweep(files, FEW)] == ["a", "b"]
    with pytest.raises(F2FError, match="two tensors have the name a"):
        f2f.list_tensors([files[0], files[0]])
    assert [info.name for info in f2f.list_tensors([DENSE, SPARSE])] == ["0", "1"]


def test_a_model_in_memory_is_coded_by_an_executor_as_without(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    model = {"a": DENSE, "b": SPARSE, "c": DENSE[0]}
    f2f.encode_model(model, tmp_path / "m.f2f", FEW)
    with ThreadPoolExecutor(2) as executor:
        f2f.encode_model(model, tmp_path / "n.f2f", FEW, executor=executor)
    assert (tmp_path / "m.f2f").read_bytes() == (tmp_path / "n.f2f").read_bytes()


@pytest.mark.parametrize("wrong", [None, 3, object(), len, np.ndarray, {1, 2}, b"abc"])
@pytest.mark.parametrize(
    "function",
    [
        f2f.list_tensors,
        f2f.load_layer,
        lambda wrong: f2f.prune(wrong, 0.5),
        lambda wrong: f2f.encode(wrong, DENSE > 0),
        lambda wrong: f2f.encode(DENSE, wrong),
        f2f.analyze,
        lambda wrong: f2f.sweep(wrong, FEW),
        lambda wrong: f2f.encode_model(wrong, "never.f2f"),
    ],
)
def test_a_wrong_object_is_told_what_is_taken(function, wrong):
    with pytest.raises(F2FError, match="cannot be taken from this object: expected a path, a Lay"):
        function(wrong)


def test_an_object_that_cannot_be_read_says_so():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("on another machine")

    with pytest.raises(F2FError, match="Broken in memory: on another machine"):
        f2f.load_layer(Broken())
    torch = pytest.importorskip("torch")
    with pytest.raises(F2FError, match="torch Tensor in memory"):
        f2f.load_layer(torch.empty(3, device="meta"))


def test_every_kind_is_tried_above():
    kinds = {kind.name for kind in KINDS.values()}
    assert kinds == {"path", "layer", "tensor", "module", "sparse", "array", "mapping", "list"}


# ---- tables ------------------------------------------------------------------------------------


def test_dataframes(tmp_path):
    pandas = pytest.importorskip("pandas")
    from f2f_viz.analysis.compare import compare

    frame = f2f.sweep(DENSE, [FEW, FEW.replace(rate=0.7)]).to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["rate"].tolist() == [0.5, 0.7]
    assert {"layer", "ratio", "n_s", "gates"} <= set(frame)
    account = f2f.encode_model({"a": DENSE, "b": SPARSE}, tmp_path / "m.f2f", FEW)
    frame = account.to_dataframe()
    assert frame["name"].tolist() == [layer.name for layer in account.layers]
    assert frame["payload bits"].sum() == account.bits["payload"]
    rows = compare(DENSE, DENSE > 0)
    assert rows.to_dataframe()["bytes"].tolist()[0] == DENSE.nbytes
    assert rows.to_dataframe()["name"].tolist() == [row.name for row in rows]


def test_dataframes_name_the_extra_that_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(F2FError, match=r'needs pandas \(pip install "f2f-viz\[pandas\]"\)'):
        f2f.sweep(DENSE, FEW).to_dataframe()
