"""The product from symbols is that of the decoded layer."""

import ml_dtypes
import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError

RNG = np.random.default_rng(0)


def layer(dtype, shape):
    if "int" in dtype:
        info = ml_dtypes.iinfo(DTYPES[dtype])
        return RNG.integers(int(info.min), int(info.max) + 1, shape).astype(DTYPES[dtype])
    return RNG.normal(size=shape).astype(DTYPES[dtype])


def wide(weights):
    return weights.astype(np.float64).reshape(len(weights), -1)


@pytest.mark.parametrize("order", ["row", "interleaved"])
@pytest.mark.parametrize("n_s", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_format(dtype, n_s, order):
    weights = layer(dtype, (70, 90))
    mask = RNG.random(weights.shape) < 0.2
    encoded = f2f.encode(weights, mask, n_s=n_s, order=order)
    for x in (RNG.normal(size=90), RNG.normal(size=(90, 3)).astype(np.float32)):
        found, expected = f2f.matmul(encoded, x), wide(f2f.decode(encoded)) @ x
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert found.dtype == (np.float64 if "float64" in (dtype, x.dtype.name) else np.float32)


@pytest.mark.parametrize("order", ["row", "interleaved"])
def test_many_tiles(order):
    weights = layer("float32", (400, 2500))
    encoded = f2f.encode(weights, f2f.prune(weights, 0.7), n_s=0, order=order, recode=False)
    assert encoded.blocks > 3 * encoded.tile_blocks
    x = RNG.normal(size=2500)
    np.testing.assert_allclose(f2f.matmul(encoded, x), wide(f2f.decode(encoded)) @ x, rtol=1e-9)


def test_more_axes_are_columns():
    weights = layer("float32", (8, 4, 3, 3))
    encoded = f2f.encode(weights, f2f.prune(weights, 0.5), n_s=0)
    x = RNG.normal(size=(36, 2))
    np.testing.assert_allclose(f2f.matmul(encoded, x), wide(f2f.decode(encoded)) @ x)


def test_whole_numbers_stay_whole():
    weights = layer("int8", (20, 30))
    encoded = f2f.encode(weights, f2f.prune(weights, 0.5), n_s=0)
    x = RNG.integers(-(2**40), 2**40, 30)
    found = f2f.matmul(encoded, x)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, f2f.decode(encoded).astype(np.int64) @ x)


def test_scales_make_it_real_values():
    quantized = f2f.quantize(
        f2f.Layer("w", layer("float32", (40, 50)), "float32", ""), "int8", "channel"
    )
    mask = RNG.random((40, 50)) < 0.5
    encoded = f2f.encode(quantized.layer, mask, n_s=0, scales=quantized.scales)
    x = RNG.normal(size=(50, 2))
    real = quantized.dequantize() * mask  # in float32, each weight rounded
    bound = 2**-23 * abs(real) @ abs(x)
    assert (abs(f2f.matmul(encoded, x) * encoded.scales - real @ x) <= bound).all()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 4)])
def test_nothing_kept_or_nothing_there(shape):
    weights = np.ones(shape, np.float32)
    encoded = f2f.encode(weights, np.zeros(shape, bool), n_s=0)
    found = f2f.matmul(encoded, np.full(shape[1], np.inf))
    np.testing.assert_array_equal(found, np.zeros(shape[0]))


@pytest.mark.parametrize(
    "x",
    [
        np.ones(3),
        np.ones((5, 4)),
        np.ones((4, 2, 2)),
        1.0,
        "abcd",
        None,
        [None] * 4,
        np.ones(4, complex),
    ],
)
def test_what_does_not_fit_is_said(x):
    encoded = f2f.encode(np.ones((3, 4), np.float32), np.ones((3, 4), bool), n_s=0)
    with pytest.raises(F2FError, match="x"):
        f2f.matmul(encoded, x)
    with pytest.raises(F2FError, match="two axes"):
        f2f.matmul(f2f.encode(np.ones(4, np.float32), np.ones(4, bool), n_s=0), np.ones(4))


def test_small_floats_multiply():
    encoded = f2f.encode(np.ones((3, 4), np.float32), np.ones((3, 4), bool), n_s=0)
    np.testing.assert_array_equal(f2f.matmul(encoded, np.ones(4, ml_dtypes.bfloat16)), [4, 4, 4])


def test_whole_numbers_that_int64_cannot_hold_are_refused():
    weights = np.full((2, 3), -128, np.int8)
    encoded = f2f.encode(weights, np.ones((2, 3), bool), n_in=4)
    most = ((1 << 63) - 1) // (255 * 3)
    for x in (np.full(3, most), np.full(3, -most), np.full(3, most, np.uint64)):
        assert f2f.matmul(encoded, x).tolist() == (weights.astype(object) @ x.tolist()).tolist()
    for x in (np.full(3, most + 1), np.array([0, 0, -(2**63)]), np.full(3, 2**63 + 1, np.uint64)):
        with pytest.raises(f2f.F2FError, match="sums of whole numbers"):
            f2f.matmul(encoded, x)


def test_a_wide_x_gives_float64():
    encoded = f2f.encode(np.ones((2, 3), np.float32), np.ones((2, 3), bool), n_in=4)
    for wide in (np.float64, ">f8", np.longdouble):
        assert f2f.matmul(encoded, np.ones(3, wide)).dtype == np.float64
