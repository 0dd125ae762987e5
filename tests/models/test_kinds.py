"""No tensor of a kind that is not coded refuses a model: it is carried byte for byte."""

import json
import warnings

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES, pack_words, to_words, unpack_words, word_bits

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(64, 64)).astype(np.float32)
SETTINGS = f2f.Settings(n_s=0, rate=0.8)


def round_trip(model, folder, suffix="safetensors"):
    account = f2f.encode_model(model, folder / "m.f2f", SETTINGS)
    f2f.decode_model(folder / "m.f2f", folder / f"back.{suffix}")
    return account, folder / f"back.{suffix}"


def numbers(dtype, shape=(64, 64)):
    if "int" not in dtype:
        return RNG.normal(size=shape).astype(DTYPES[dtype])
    info = ml_dtypes.iinfo(DTYPES[dtype])
    return RNG.integers(int(info.min), int(info.max) + 1, shape).astype(DTYPES[dtype])


@pytest.mark.parametrize("dtype", [name for name in DTYPES if word_bits(name) <= 8])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_numbers_smaller_than_a_byte_are_packed_low_first(dtype, count):
    words = to_words(numbers(dtype, (count,)))
    octets = pack_words(words, dtype)
    assert octets.size == -(-count * word_bits(dtype) // 8)
    np.testing.assert_array_equal(unpack_words(octets, dtype, count), words)
    if count > 1 and word_bits(dtype) == 4:
        assert octets[0] == words[0] | words[1] << 4


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
def test_eight_bit_floats_are_weights(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    held = torch.from_numpy(WEIGHTS).to(getattr(torch, dtype))
    save_file({"w": held, "w_scale_inv": torch.ones(8, 8)}, tmp_path / "m.safetensors")
    torch.save({"w": held}, tmp_path / "m.pt")
    for model in (tmp_path / "m.safetensors", tmp_path / "m.pt", {"w": held}):
        layer = f2f.load_layer(model, "w")
        assert layer.dtype == dtype
        account, back = round_trip(model, tmp_path)
        assert [one.name for one in account.layers] == ["w"]
        mask = f2f.prune(layer, 0.8)
        expected = np.where(mask, layer.weights.view(np.uint8), 0)
        np.testing.assert_array_equal(f2f.load_layer(back, "w").weights.view(np.uint8), expected)


def test_four_bit_floats_of_safetensors(tmp_path):
    held = numbers("float4_e2m1fn")
    data = pack_words(to_words(held), "float4_e2m1fn").tobytes()
    header = {"w": {"dtype": "F4", "shape": [64, 64], "data_offsets": [0, len(data)]}}
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)
    layer = f2f.load_layer(path)
    assert layer.weights.tobytes() == held.tobytes()
    _, back = round_trip(path, tmp_path)
    assert back.read_bytes() == path.read_bytes()


def test_onnx_tensors_of_every_kind(tmp_path):
    onnx = pytest.importorskip("onnx")
    kinds = {
        name: number for name, number in onnx.TensorProto.DataType.items() if number not in (0, 8)
    }
    made = {}
    for name, number in kinds.items():
        try:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(number)
            made[name] = onnx.numpy_helper.from_array(np.ones(15, dtype), name)
        except (KeyError, TypeError, ValueError, NotImplementedError):
            continue  # which this version of onnx cannot write
    assert {"UINT4", "INT4", "FLOAT8E4M3FN", "COMPLEX64"} <= set(made)
    made["w"] = onnx.numpy_helper.from_array(WEIGHTS, "w")
    graph = onnx.helper.make_graph([], "g", [], [], list(made.values()))
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    account, back = round_trip(tmp_path / "m.onnx", tmp_path, "onnx")
    assert "w" in {one.name for one in account.layers}
    decoded = {tensor.name: tensor for tensor in onnx.load(back).graph.initializer}
    for name, tensor in made.items():
        if name in account.carried:
            assert decoded[name].raw_data == tensor.raw_data, name
            assert decoded[name].data_type == tensor.data_type


@pytest.mark.parametrize("held", ["file", "objects"])
def test_torch_tensors_of_every_kind(tmp_path, held):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = {
            "w": torch.from_numpy(WEIGHTS),
            "coo": torch.eye(4).to_sparse(),
            "quantized": torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.quint8),
            "meta": torch.empty(3, device="meta"),
            "complex": torch.ones(3, dtype=torch.complex128),
            "ids": torch.arange(5),
            "flags": torch.ones(3, dtype=torch.bool),
        }
        source = model
        if held == "file":
            source = tmp_path / "m.pt"
            torch.save(model, source)
        account, back = round_trip(source, tmp_path)
    assert account.layers[0].name == "w"
    found = load_file(back)
    assert set(found) == set(model)
    np.testing.assert_array_equal(found["ids"], np.arange(5))
    np.testing.assert_array_equal(found["quantized"], [10] * 4)
    assert found["complex"].tobytes() == np.ones(3, np.complex128).tobytes()
    assert found["meta"].size == 0


def test_an_archive_with_python_objects(tmp_path):
    np.savez(tmp_path / "m.npz", w=WEIGHTS, names=np.array(["a", None], object))
    account, back = round_trip(tmp_path / "m.npz", tmp_path)
    assert account.carried == ("names",)
    assert account.reasons["names"] == "its number format is not coded"
    pickled = load_file(back)["names"].tobytes()
    assert (tmp_path / "m.npz").read_bytes().count(pickled) == 1


@pytest.mark.parametrize("dtype", [name for name in DTYPES if word_bits(name) < 8])
@pytest.mark.parametrize("suffix", ["npy", "safetensors"])
def test_a_layer_of_numbers_smaller_than_a_byte_is_decoded_by_command(tmp_path, run, dtype, suffix):
    """Files that have no such numbers get all their values, one a byte."""
    weights = numbers(dtype)
    mask = f2f.prune(weights, 0.5)
    f2f.save(f2f.encode(weights, mask, n_s=0), tmp_path / "w.f2f")
    out = tmp_path / f"w.{suffix}"
    if (dtype, suffix) == ("float4_e2m1fn", "npy"):
        assert "write .safetensors" in run("decode", tmp_path / "w.f2f", "-o", out, code=1)
        return
    run("decode", tmp_path / "w.f2f", "-o", out)
    expected = np.where(mask, weights.astype(float), 0)
    np.testing.assert_array_equal(f2f.load_layer(out).weights.astype(float), expected)
