"""Loading PyTorch checkpoints, ONNX models and folders of shards."""

import collections
import json
import os
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from f2f_viz.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.layers import list_tensors, load_layer

RNG = np.random.default_rng(1)
WEIGHTS = {
    name: RNG.integers(0, 256, (6, 5 * DTYPES[name].itemsize), np.uint8).view(DTYPES[name])
    for name in ("float64", "float32", "float16", "bfloat16", "int8", "uint8")
}
INT4 = RNG.integers(-8, 8, (3, 5)).astype(DTYPES["int4"])


def same_bits(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert a.tobytes() == b.tobytes()


# PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def to_torch(torch, array):
    if array.dtype == DTYPES["bfloat16"]:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def test_torch_dtypes(torch, tmp_path):
    path = tmp_path / "m.pth"
    torch.save({name: to_torch(torch, array) for name, array in WEIGHTS.items()}, path)
    assert [info.name for info in list_tensors(path)] == list(WEIGHTS)
    for info in list_tensors(path):
        assert (info.dtype, info.shape) == (info.name, WEIGHTS[info.name].shape)
        same_bits(load_layer(path, info.name).weights, WEIGHTS[info.name])


def test_torch_nested_shared_transposed_and_cyclic(torch, tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    inner = collections.OrderedDict(weight=torch.nn.Parameter(weight), turned=weight.T)
    content = {"epoch": 3, "model": inner, "again": inner, "list": [weight[1:]], "x": "text"}
    content["self"] = content
    path = tmp_path / "m.pt"
    torch.save(content, path)
    assert [i.name for i in list_tensors(path)] == ["model.weight", "model.turned", "list.0"]
    same_bits(load_layer(path, "model.turned").weights, np.ascontiguousarray(weight.numpy().T))
    same_bits(load_layer(path, "list.0").weights, weight.numpy()[1:])


def test_torch_bare_tensor_is_named_after_the_file(torch, tmp_path):
    torch.save(torch.ones(2, 2), tmp_path / "w.pt")
    assert load_layer(tmp_path / "w.pt").name == "w"


def test_torch_refuses_code_old_files_compression_and_claims(torch, tmp_path):
    path = tmp_path / "m.pt"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"w": Evil()}, path)
    with pytest.raises(F2FError, match="cannot read"):
        list_tensors(path)
    assert not (tmp_path / "executed").exists()

    torch.save({"w": torch.ones(3)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(F2FError, match=r"not a PyTorch checkpoint of version 1\.6"):
        list_tensors(path)

    torch.save({"w": torch.ones(1).expand(10**12)}, path)
    assert list_tensors(path)[0].shape == (10**12,)
    with pytest.raises(F2FError, match="not all stored"):
        load_layer(path)

    torch.save({"w": torch.ones(3)}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "z.pt", "w", 8) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    with pytest.raises(F2FError, match="compressed"):
        list_tensors(tmp_path / "z.pt")


def test_torch_unsupported_tensors_are_listed_but_not_loaded(torch, tmp_path):
    torch.save({"i": torch.ones(3, dtype=torch.int64), "m": torch.empty(3, device="meta")},
               tmp_path / "m.pt")  # fmt: skip
    assert [i.dtype for i in list_tensors(tmp_path / "m.pt")] == [
        "int64",
        "strided float32 on meta",
    ]
    with pytest.raises(F2FError, match="unsupported number format"):
        load_layer(tmp_path / "m.pt")


@pytest.mark.parametrize("library", ["torch", "onnx"])
def test_a_missing_library_is_named_with_its_extra(library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    path = tmp_path / ("m.pt" if library == "torch" else "m.onnx")
    path.write_bytes(b"")
    with pytest.raises(F2FError, match=rf'pip install "f2f-viz\[{library}\]"'):
        list_tensors(path)


# ONNX


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


def save_onnx(onnx, path, arrays, **options):
    from onnx import helper, numpy_helper

    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([], "g", [], [], tensors)
    onnx.save(helper.make_model(graph), path, **options)


@pytest.mark.parametrize("external", [False, True])
def test_onnx_dtypes(onnx, tmp_path, external):
    path = tmp_path / "m.onnx"
    arrays = {**WEIGHTS, "int4": INT4, "empty": np.zeros((0, 3), np.float32)}
    options = {"save_as_external_data": True, "location": "m.data", "size_threshold": 0}
    save_onnx(onnx, path, arrays, **(options if external else {}))
    assert (tmp_path / "m.data").exists() == external
    assert [info.name for info in list_tensors(path)] == list(arrays)
    for name, array in arrays.items():
        same_bits(load_layer(path, name).weights, array)


def test_onnx_typed_fields(onnx, tmp_path):
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, (2, 2), [1, 2, 3, 4])
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    assert load_layer(tmp_path / "m.onnx").weights.tolist() == [[1, 2], [3, 4]]


def test_onnx_names_are_unique(onnx, tmp_path):
    tensor = onnx.numpy_helper.from_array(np.ones(2, np.float32), "w")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor, tensor])
    (tmp_path / "m.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(F2FError, match="2 tensors have the name w"):
        list_tensors(tmp_path / "m.onnx")


def external_model(onnx, path, location, **fields):
    tensor = onnx.TensorProto(name="w", dims=[2, 2], data_type=1, data_location=1)
    for key, value in {"location": location, **fields}.items():
        tensor.external_data.add(key=key, value=str(value))
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())


def test_onnx_external_data_stay_in_the_folder(onnx, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "secret").write_bytes(bytes(16))
    (model / "link").symlink_to(tmp_path / "secret")
    for location in ("../secret", str(tmp_path / "secret"), "link", "", "."):
        external_model(onnx, model / "m.onnx", location)
        with pytest.raises(F2FError, match="outside the model's folder"):
            load_layer(model / "m.onnx")
    (model / "sub").mkdir()
    (model / "sub" / "data").write_bytes(np.arange(5, dtype="f4").tobytes())
    external_model(onnx, model / "m.onnx", "sub/data", offset=4, length=16)
    assert load_layer(model / "m.onnx").weights.tolist() == [[1, 2], [3, 4]]
    for fields in ({"offset": 5}, {"offset": -1}, {"length": 15}, {"length": 2**62}):
        external_model(onnx, model / "m.onnx", "sub/data", **fields)
        with pytest.raises(F2FError, match="does not fit"):
            load_layer(model / "m.onnx")
    external_model(onnx, model / "m.onnx", "absent")
    with pytest.raises(F2FError, match="no file"):
        load_layer(model / "m.onnx")


# Shards


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"a": np.ones((2, 2), "f4")}, folder / "1.safetensors")
    save_file({"b": np.ones((3, 3), "f4"), "c": np.zeros(1, "f4")}, folder / "2.safetensors")
    return folder


def write_index(folder, where):
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return path


def test_shards(shards):
    index = write_index(shards, {"b": "2.safetensors", "a": "1.safetensors"})
    for path in (shards, index):
        assert [info.name for info in list_tensors(path)] == ["b", "a"]
        assert load_layer(path).name == "b"
        assert load_layer(path, "a").weights.shape == (2, 2)


def test_shards_bad_references(shards):
    save_file({"a": np.ones(2)}, shards.parent / "out.safetensors")
    (shards / "link.safetensors").symlink_to(shards.parent / "out.safetensors")
    (shards / "loop.safetensors").symlink_to(shards / "loop.safetensors")
    outside = str(shards.parent / "out.safetensors")
    for name in ("../out.safetensors", outside, "link.safetensors", "x/../1.safetensors", ".."):
        write_index(shards, {"a": name})
        with pytest.raises(F2FError, match="outside its folder"):
            list_tensors(shards)
    for name in ("model.safetensors.index.json", "absent.safetensors", "loop.safetensors"):
        write_index(shards, {"a": name})
        with pytest.raises(F2FError, match=r"no safetensors file|cannot read"):
            list_tensors(shards)
    write_index(shards, {"a": "1.safetensors", "b": "1.safetensors"})
    with pytest.raises(F2FError, match=r"tensor b is not in 1\.safetensors"):
        list_tensors(shards)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 1}}', "[" * 100_000]
)
def test_shards_bad_index(shards, text):
    write_index(shards, {}).write_text(text)
    with pytest.raises(F2FError, match="cannot read"):
        list_tensors(shards)


def test_a_folder_without_index(tmp_path):
    with pytest.raises(F2FError, match="not a sharded model"):
        list_tensors(tmp_path)
