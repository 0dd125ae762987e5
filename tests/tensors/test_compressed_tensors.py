"""Checkpoints of compressed-tensors: weights where bitmasks and packed words stand."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.tensors.layer import load_mask

RNG = np.random.default_rng(6)


def weights(shape, dtype=np.float16, keep=0.3):
    values = RNG.integers(1, 100, shape).astype(dtype)
    return values * (RNG.random(shape) < keep).astype(dtype)


def bitmask(w, layer="l"):
    """As the library writes ``sparse-bitmask``."""
    kept = w != 0
    counts = kept.sum(-1).reshape(-1)
    return {
        f"{layer}.shape": np.array(w.shape),
        f"{layer}.compressed": w[kept],
        f"{layer}.bitmask": np.packbits(kept, axis=-1, bitorder="little"),
        f"{layer}.row_offsets": np.cumsum(counts) - counts,
    }


def two_of_four(w):
    """As the library writes ``sparse-24-bitmask``: two of four, be they zero or not."""
    order = np.argsort(-np.abs(w.reshape(-1, 4)), axis=1, kind="stable")
    kept = np.zeros((w.size // 4, 4), bool)
    np.put_along_axis(kept, order[:, :2], True, axis=1)
    kept = kept.reshape(w.shape)
    parts = {
        "l.shape": np.array(w.shape).reshape(-1, 1),
        "l.compressed": w[kept].reshape(len(w), -1),
        "l.bitmask": np.packbits(kept, axis=-1, bitorder="little"),
    }
    return parts, w * kept


def packed(w, bits):
    """As the library writes ``pack-quantized``: each row fills whole words of 32 bits, low first."""
    columns = w.shape[1]
    words = np.zeros((len(w), -(-columns * bits // 32)), np.uint32)
    for j in range(columns):
        value = (w[:, j].astype(np.int64) + (1 << bits - 1)).astype(np.uint32)
        words[:, j * bits // 32] |= value << np.uint32(j * bits % 32)
    return {"l.weight_packed": words.view(np.int32), "l.weight_shape": np.array(w.shape)}


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, "bfloat16"])
@pytest.mark.parametrize("shape", [(24, 40), (9, 13), (12, 7), (4, 3, 10)])
def test_a_bitmask_and_its_values_are_a_weight_and_its_mask(tmp_path, dtype, shape):
    w = weights(shape, DTYPES.get(dtype, dtype))
    beside = {"l.bias": np.ones(5, np.float32), "l.weight_scale": np.ones(1, np.float32)}
    save_file(bitmask(w) | beside, tmp_path / "m.safetensors")
    infos = {info.name: info for info in f2f.list_tensors(tmp_path / "m.safetensors")}
    assert infos.keys() == {"l.weight", "l.bias", "l.weight_scale"}
    assert infos["l.weight"].shape == shape
    assert infos["l.weight"].nbytes == w.nbytes
    layer = f2f.load_layer(tmp_path / "m.safetensors", "l.weight")
    assert layer.weights.tobytes() == w.tobytes()
    account = f2f.encode_model(tmp_path / "m.safetensors", tmp_path / "m.f2f")
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    back = f2f.load_layer(tmp_path / "back.safetensors", "l.weight")
    assert back.weights.tobytes() == w.tobytes()  # it was pruned by its bitmask, not anew
    assert account.reasons.keys() == {"l.bias", "l.weight_scale"}


def test_two_of_four_weights(tmp_path):
    parts, expected = two_of_four(weights((16, 32), keep=0.8))
    save_file(parts, tmp_path / "m.safetensors")
    layer = f2f.load_layer(tmp_path / "m.safetensors")
    assert layer.name == "l.weight"
    np.testing.assert_array_equal(layer.weights, expected)
    f2f.encode_model(tmp_path / "m.safetensors", tmp_path / "m.f2f")
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    np.testing.assert_array_equal(load_file(tmp_path / "back.safetensors")["l.weight"], expected)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("columns", [64, 72, 33, 20])
def test_packed_numbers_are_opened_and_their_bytes_carried(tmp_path, bits, columns):
    w = RNG.integers(-(1 << bits - 1), 1 << bits - 1, (6, columns))
    path = tmp_path / "m.safetensors"
    save_file(packed(w, bits) | {"l.weight_scale": np.ones((6, 1), np.float32)}, path)
    layer = f2f.load_layer(path, "l.weight_packed")
    assert layer.dtype == f"int{bits}"
    np.testing.assert_array_equal(layer.weights.astype(int), w)
    f2f.encode_model(path, tmp_path / "m.f2f")
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == path.read_bytes()


def test_numbers_that_do_not_say_how_they_are_packed_stay_words(tmp_path):
    w = RNG.integers(-2, 2, (6, 64))
    zeros = {"l.weight_zero_point": np.ones((1, 6), np.int32)}  # a pruned weight would be no 0
    cases = {
        "zero points": packed(w, 4) | zeros,
        "bytes": packed(w, 8),
        "two or four bits": packed(w[:, :8], 4),
        "no shape": {"l.weight_packed": packed(w, 4)["l.weight_packed"]},
    }
    for tensors in cases.values():
        save_file(tensors, tmp_path / "m.safetensors")
        found = {info.name: info.dtype for info in f2f.list_tensors(tmp_path / "m.safetensors")}
        assert found["l.weight_packed"] == "int32"


@pytest.mark.parametrize("wrong", ["rows", "columns", "values", "huge", "negative", "no shape"])
def test_parts_that_do_not_fit_stay_what_they_are(tmp_path, wrong):
    parts = bitmask(weights((8, 16)))
    parts |= {
        "rows": {"l.shape": np.array([9, 16])},
        "columns": {"l.shape": np.array([8, 17])},
        "values": {"l.compressed": np.ones(8 * 16 + 1, np.float32)},
        "huge": {"l.shape": np.array([2**62, 2**62])},
        "negative": {"l.shape": np.array([-8, -16])},
        "no shape": {"l.shape": np.ones((8, 16), np.float32)},
    }[wrong]
    path = tmp_path / "m.safetensors"
    save_file(parts, path)
    assert {info.name for info in f2f.list_tensors(path)} == parts.keys()
    f2f.encode_model(path, tmp_path / "m.f2f")
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert load_file(tmp_path / "back.safetensors").keys() == parts.keys()


def test_a_bitmask_that_keeps_other_weights_than_there_are_is_refused(tmp_path):
    parts = bitmask(weights((8, 16)))
    parts["l.bitmask"] ^= 1
    save_file(parts, tmp_path / "m.safetensors")
    with pytest.raises(f2f.F2FError, match=r"l\.bitmask keeps other than"):
        f2f.load_layer(tmp_path / "m.safetensors")
    with pytest.raises(f2f.F2FError, match=r"l\.bitmask keeps other than"):
        f2f.encode_model(tmp_path / "m.safetensors", tmp_path / "m.f2f")
    assert not (tmp_path / "m.f2f").exists()


def test_folders_of_one_file_and_parts_in_two_shards(tmp_path):
    w = weights((24, 40))
    parts = bitmask(w)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text("{}")
    save_file(parts, tmp_path / "one" / "model.safetensors")
    where = {}
    for i, name in enumerate(parts):
        where[name] = f"model-{i % 2}.safetensors"
        kept = {n: t for n, t in parts.items() if list(parts).index(n) % 2 == i % 2}
        save_file(kept, tmp_path / "two" / where[name])
    index = json.dumps({"weight_map": where})
    (tmp_path / "two" / "model.safetensors.index.json").write_text(index)
    for folder in ("one", "two"):
        np.testing.assert_array_equal(f2f.load_layer(tmp_path / folder).weights, w)


def test_the_mask_is_the_bitmask(tmp_path):
    save_file(bitmask(w := weights((24, 40))), tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_mask(str(tmp_path / "m.safetensors")), w != 0)
