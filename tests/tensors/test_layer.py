"""Loading layers: every format gives the same numbers, and bad input one clear error."""

import json
import os
import zipfile

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import list_tensors, load_layer
from f2f_viz.tensors.loaders import entries

RNG = np.random.default_rng(0)
NAMED = ["float64", "float32", "float16", "int8", "uint8"]


def weights(dtype, shape=(6, 5)):
    bits = DTYPES[dtype].itemsize * 8
    words = RNG.integers(0, 2**bits, shape, dtype=f"u{bits // 8}")
    return words.view(DTYPES[dtype])


def same_bits(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", [*NAMED, "bfloat16"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "compressed.npz", "safetensors"])
@pytest.mark.parametrize("shape", [(6, 5), (7,), (), (0, 4), (2, 3, 4)])
def test_round_trip(tmp_path, dtype, suffix, shape):
    wanted = weights(dtype, shape)
    path = tmp_path / f"w.{suffix}"
    if suffix == "npy":
        np.save(path, wanted)
    elif suffix == "safetensors":
        save_file({"w": wanted}, path)
    else:
        (np.savez if suffix == "npz" else np.savez_compressed)(path, w=wanted)
    [info] = list_tensors(path)
    assert (info.name, info.shape, info.dtype) == ("w", shape, dtype)
    assert info.nbytes == wanted.nbytes
    layer = load_layer(path)
    assert (layer.name, layer.dtype, layer.source) == ("w", dtype, str(path))
    same_bits(layer.weights, wanted)
    assert layer.weights.flags.c_contiguous
    assert layer.weights.flags.aligned


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_other_orders_become_c_order_and_little_endian(tmp_path, dtype, suffix):
    wanted = weights(dtype)
    stored = np.asfortranarray(wanted.astype(wanted.dtype.newbyteorder(">")))
    path = tmp_path / f"w.{suffix}"
    np.save(path, stored) if suffix == "npy" else np.savez(path, w=stored)
    same_bits(load_layer(path).weights, wanted)


def test_default_is_the_largest_floating_matrix(tmp_path):
    path = tmp_path / "m.safetensors"
    tensors = {
        "embedding": np.zeros(999, np.float32),
        "ids": np.zeros((99, 99), np.int64),
        "small": np.zeros((3, 3), np.float32),
        "big": np.zeros((9, 9), np.float32),
        "mask": np.zeros((99, 99), np.uint8),
    }
    save_file(tensors, path)
    assert load_layer(path).name == "big"
    assert {info.name: info.dtype for info in list_tensors(path)}["ids"] == "int64"
    np.savez(tmp_path / "n.npz", a=tensors["mask"][:3], b=tensors["mask"], c=tensors["ids"])
    assert load_layer(tmp_path / "n.npz").name == "b"


def test_named_tensor_and_close_matches(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, **{"ffn1.weight": np.ones((2, 2)), "ffn2.weight": np.zeros(3)})
    assert load_layer(path, "ffn2.weight").weights.shape == (3,)
    with pytest.raises(F2FError, match=r"no tensor 'ffn1.weigth'.*ffn1\.weight"):
        load_layer(path, "ffn1.weigth")


def test_only_what_is_asked_for_is_read(tmp_path):
    # 1 TiB cannot be read: a sparse file shows that only the tensor asked for is, or a piece.
    path = tmp_path / "huge.safetensors"
    size = 1 << 40
    header = b'{"huge":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]},' % (
        size,
        size,
    ) + b'"last":{"dtype":"U8","shape":[3],"data_offsets":[%d,%d]}}' % (size, size + 3)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.seek(size, 1)
        file.write(b"abc")
    assert load_layer(path, "last").weights.tobytes() == b"abc"
    assert not any(next(entries(path)["huge"].pieces()))


def _saved_as(suffix, path, values):
    """Files whose data can be overwritten in place; the weights are the last bytes, or nearly."""
    if suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez(path, w=values)
    elif suffix == "safetensors":
        save_file({"w": values}, path)
    elif suffix == "pt":
        torch = pytest.importorskip("torch")
        torch.save({"w": torch.from_numpy(values)}, path)
    else:
        onnx = pytest.importorskip("onnx")
        tensor = onnx.numpy_helper.from_array(values, "w")
        graph = onnx.helper.make_graph([], "g", [], [], [tensor])
        onnx.save(
            onnx.helper.make_model(graph), path, save_as_external_data=True, size_threshold=0,
            location="data.bin",
        )  # fmt: skip
        return path.with_name("data.bin")
    return path


@pytest.mark.parametrize("change", ["cut short", "overwritten", "replaced"])
@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "pt", "onnx"])
def test_a_file_that_changes_between_listing_and_reading_is_refused(tmp_path, suffix, change):
    values = np.arange(100_000, dtype=np.float32).reshape(100, 1000)
    path = tmp_path / f"m.{suffix}"
    data = _saved_as(suffix, path, values)
    (entry,) = entries(path).values()
    np.testing.assert_array_equal(entry.read(), values)
    if change == "cut short":
        os.truncate(data, 5000)
    elif change == "overwritten":
        with data.open("r+b") as file:
            file.seek(data.stat().st_size // 2)
            file.write(b"another")
        os.utime(data, ns=(0, data.stat().st_mtime_ns + 1))  # clocks may be coarse
    else:
        (tmp_path / "other").write_bytes(data.read_bytes())
        (tmp_path / "other").replace(data)
    with pytest.raises(F2FError) as problem:
        entry.read()
    assert "\n" not in str(problem.value)
    with pytest.raises(F2FError):
        list(entry.pieces())


def saved(tmp_path, array, **kwargs):
    np.save(tmp_path / "w.npy", array, **kwargs)
    return tmp_path / "w.npy"


def test_unsupported_formats(tmp_path):
    for array in (np.zeros(3, complex), np.zeros(3, np.int64), np.zeros(3, bool), np.array("ab")):
        with pytest.raises(F2FError, match="unsupported number format: expected one of float64"):
            load_layer(saved(tmp_path, array))
    with pytest.raises(F2FError, match="unsupported"):
        load_layer(saved(tmp_path, np.zeros(3, ml_dtypes.float8_e4m3)))
    with pytest.raises(F2FError, match="unsupported"):
        load_layer(saved(tmp_path, np.zeros(3, [("a", "f4"), ("b", "f4")])))


def test_pickles_are_refused(tmp_path):
    path = saved(tmp_path, np.array([{}, []], object), allow_pickle=True)
    for function in (list_tensors, load_layer):
        with pytest.raises(F2FError, match="Python objects"):
            function(path)
    np.savez(tmp_path / "o.npz", w=np.array([None]), a=np.ones((2, 2), np.float32))
    assert {i.name: i.dtype for i in list_tensors(tmp_path / "o.npz")} == {
        "w": "object",
        "a": "float32",
    }
    assert load_layer(tmp_path / "o.npz").name == "a"  # the rest is read
    with pytest.raises(F2FError, match="unsupported number format"):
        load_layer(tmp_path / "o.npz", "w")
    with pytest.raises(F2FError, match="Python objects"):
        entries(tmp_path / "o.npz")["w"].read()


def with_dimensions(kind, count, folder):
    """Write a file whose tensor w claims 0 numbers in so many dimensions."""
    path, shape = folder / f"w.{kind}", [0, *[1] * (count - 1)]
    if kind in ("npy", "npz"):
        fields = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}).encode()
        data = b"\x93NUMPY\x02\x00" + len(fields).to_bytes(4, "little") + fields
        if kind == "npy":
            path.write_bytes(data)
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("w.npy", data)
    elif kind == "safetensors":
        about = {"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}
        header = json.dumps(about).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header)
    elif kind == "onnx":
        onnx = pytest.importorskip("onnx")
        graph = onnx.helper.make_graph([], "g", [], [])
        graph.initializer.add(name="w", data_type=1, dims=shape)
        path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    else:
        torch = pytest.importorskip("torch")
        torch.save({"w": torch.zeros(shape)}, path)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "onnx", "pt"])
def test_dimensions_are_as_many_as_numpy_takes(kind, tmp_path):
    path = with_dimensions(kind, 64, tmp_path)
    [info] = list_tensors(path)
    assert len(info.shape) == 64
    assert load_layer(path, "w").weights.shape == info.shape
    for count in (65, 2000 if kind.startswith("np") else 50_000):
        with pytest.raises(F2FError, match=f"too many dimensions.*at most 64.*got {count}"):
            list_tensors(with_dimensions(kind, count, tmp_path))


def test_a_layer_of_many_dimensions_comes_back(tmp_path):
    wanted = weights("float32", (2, *[1] * 62, 5))
    f2f.save(f2f.encode(wanted, wanted != 0), tmp_path / "w.f2f")
    same_bits(f2f.decode(f2f.open(tmp_path / "w.f2f")), wanted)


def test_a_tensor_named_behind_its_file_is_told_how_to_be_given(tmp_path):
    np.save(tmp_path / "w.npy", np.ones((2, 2)))
    with pytest.raises(F2FError, match=r"no such file.*the tensor of .*w\.npy: --tensor a:b"):
        list_tensors(f"{tmp_path}/w.npy:a:b")
    with pytest.raises(F2FError, match="no such file"):
        list_tensors(f"{tmp_path}/w.npy" + 100_000 * ":")


def test_no_file_no_suffix_no_tensor(tmp_path):
    with pytest.raises(F2FError, match="no such file"):
        load_layer(tmp_path / "absent.npy")
    with pytest.raises(F2FError, match=r"folder .* is not one model"):
        load_layer(tmp_path)
    (tmp_path / "w.csv").write_text("1,2")
    with pytest.raises(F2FError, match=r"\.npy, \.npz, \.safetensors.*got \.csv"):
        load_layer(tmp_path / "w.csv")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(F2FError, match="no tensor"):
        load_layer(tmp_path / "empty.npz")


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 7, 40, 0.5, -1])
def test_truncated(tmp_path, suffix, keep):
    path = tmp_path / f"w.{suffix}"
    array = weights("float32", (20, 30))
    if suffix == "safetensors":
        save_file({"w": array}, path)
    else:
        (np.save if suffix == "npy" else np.savez)(path, array)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(F2FError, match=str(path)):
        load_layer(path)
