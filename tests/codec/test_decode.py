"""Decoding a layer whole, into memory at hand, and in part."""

import dataclasses
import hashlib
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.decode import verified_sha256

CODES = [{"n_s": 0}, {"n_s": 1, "recode": True, "zero_rate": True}, {"n_s": 2, "plain": True}]


def layer(dtype, shape, seed=0, **code):
    weights = np.random.default_rng(seed).normal(scale=20, size=shape).astype(dtype)
    mask = f2f.prune(weights, 0.8)
    return f2f.encode(weights, mask, n_in=5, **code), np.where(mask, weights, weights.dtype.type(0))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int8, ml_dtypes.int4]
)
def test_out_and_parts_equal_the_whole(dtype, order, code):
    encoded, dense = layer(dtype, (31, 7, 12), order=order, **code)
    encoded = dataclasses.replace(encoded)
    assert f2f.decode(encoded).tobytes() == dense.tobytes()
    out = np.ones_like(dense)
    assert f2f.decode(encoded, out=out, threads=2) is out
    assert out.tobytes() == dense.tobytes()
    assert (
        b"".join(words.tobytes() for words in encoded.word_decoder.in_turn(100)) == dense.tobytes()
    )
    for start, stop in [(0, 0), (0, 1), (30, 31), (3, 9), (0, 31)]:
        rows = f2f.decode_rows(encoded, start, stop)
        assert rows.dtype == dense.dtype
        assert rows.shape == dense[start:stop].shape
        assert rows.tobytes() == dense[start:stop].tobytes()


@pytest.mark.parametrize("order", ORDERS)
def test_parts_across_tiles(order):
    encoded, dense = layer(np.float16, (300, 420), order=order, n_s=2)
    assert encoded.blocks > 2 * encoded.tile_blocks
    for start in (0, 1, 17, 123, 299):
        np.testing.assert_array_equal(
            f2f.decode_rows(encoded, start, min(start + 3, 300)), dense[start : start + 3]
        )
    seen = np.zeros(dense.size, bool)
    for tile in range(-(-encoded.blocks // encoded.tile_blocks)):
        index, weights = f2f.decode_tile(encoded, tile)
        np.testing.assert_array_equal(weights, dense.reshape(-1)[index])
        seen[index] = True
    assert seen.all()


@pytest.mark.parametrize("order", ORDERS)
def test_parts_read_no_other_symbol(order):
    """Symbols elsewhere are others, and would spoil what they were read for."""
    encoded, dense = layer(np.float16, (300, 350), order=order, n_s=1)
    tile = encoded.tile_blocks
    spoilt = []
    for plane in encoded.planes:
        symbols = plane.symbols ^ np.uint16(0 if plane.zero_rate else 31)
        symbols[tile : 2 * tile] = plane.symbols[tile : 2 * tile]
        spoilt.append(dataclasses.replace(plane, symbols=symbols))
    index, weights = f2f.decode_tile(dataclasses.replace(encoded, planes=tuple(spoilt)), 1)
    np.testing.assert_array_equal(weights, dense.reshape(-1)[index])
    if order == "row":
        first = -(-tile * encoded.n_out // 350) + 1
        some = dataclasses.replace(encoded, planes=tuple(spoilt))
        np.testing.assert_array_equal(
            f2f.decode_rows(some, first, first + 1), dense[first : first + 1]
        )


def test_out_must_fit():
    encoded, dense = layer(np.float32, (20, 30), n_s=1)
    fixed = np.empty_like(dense)
    fixed.flags.writeable = False
    for out in (
        dense.astype(np.float64), dense.reshape(-1), dense.T, np.empty((20, 60), np.float32)[:, ::2],
        fixed, dense.astype(">f4"), dense.tolist(),
    ):  # fmt: skip
        with pytest.raises(f2f.F2FError, match="out "):
            f2f.decode(encoded, out=out)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 1), (0, 21)])
def test_rows_must_exist(start, stop):
    encoded, _ = layer(np.float32, (20, 30), n_s=1)
    with pytest.raises(f2f.F2FError, match="no such rows"):
        f2f.decode_rows(encoded, start, stop)


def test_empty_and_scalar_layers():
    for shape in ((0, 5), (5, 0), (1,), ()):
        weights = np.ones(shape, np.float32)
        encoded = f2f.encode(weights, np.ones(shape, bool), n_in=4, n_s=1)
        out = np.zeros(shape, np.float32)
        assert f2f.decode(encoded, out=out).shape == shape
        np.testing.assert_array_equal(out, weights)
        if shape:
            assert f2f.decode_rows(encoded, 0, shape[0]).shape == shape
    with pytest.raises(f2f.F2FError, match="no such rows"):
        f2f.decode_rows(encoded, 0, 1)


@pytest.mark.parametrize("order", ORDERS)
def test_a_layer_is_verified_with_few_of_its_weights_in_memory(order):
    encoded, dense = layer(np.float32, (1500, 1400), order=order, n_s=0, n_out=24)
    assert encoded.blocks > 2 * encoded.tile_blocks
    _ = encoded.word_decoder
    tracemalloc.start()
    try:
        digest = verified_sha256(encoded)
        assert tracemalloc.get_traced_memory()[1] < dense.nbytes
    finally:
        tracemalloc.stop()
    assert digest == hashlib.sha256(dense.tobytes()).hexdigest()
    flipped = [*encoded.planes]
    flipped[-1] = dataclasses.replace(flipped[-1], inverted=not flipped[-1].inverted)
    with pytest.raises(f2f.F2FError, match="not those that were encoded"):
        verified_sha256(dataclasses.replace(encoded, planes=tuple(flipped)))
