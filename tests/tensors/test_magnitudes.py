"""The largest magnitudes at any count are the first of a stable sort, with every instruction set."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f2f_viz.codec import _core
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.codec.instruction_set import NAMES
from f2f_viz.tensors import magnitudes
from f2f_viz.tensors.magnitudes import Magnitudes

SETS = NAMES[: _core.best_instruction_set() + 1]


@pytest.fixture(autouse=True, params=[0, magnitudes.FEW], ids=["counted", "sorted"])
def few(request, monkeypatch):
    """Up to how many weights are sorted."""
    monkeypatch.setattr(magnitudes, "FEW", request.param)


@pytest.fixture(params=SETS)
def isa(request, monkeypatch):
    monkeypatch.setenv("F2F_VIZ_ISA", request.param)


def by_sorting(weights, keep):
    """The slow way: sort by |w| downwards, a NaN as infinite, equals as they stand."""
    wide = np.float64 if weights.dtype == np.float64 else np.float32
    magnitude = np.abs(weights.astype(wide)).reshape(-1)
    magnitude[np.isnan(magnitude)] = np.inf
    mask = np.zeros(weights.size, bool)
    mask[np.argsort(-magnitude, kind="stable")[:keep]] = True
    return mask.reshape(weights.shape)


def some(dtype, rng, size):
    """Weights with ties, both zeros, subnormal numbers, infinities and NaNs among them."""
    values = rng.standard_t(3, size) * 0.05
    values[rng.random(size) < 0.3] = 0
    if dtype.startswith(("float", "bfloat")):
        values = values.astype(DTYPES[dtype])
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-40, 6e-8, 0.05, -0.05]
        where = rng.integers(0, size, size // 5)
        values[where] = np.resize(np.array(special).astype(DTYPES[dtype]), where.size)
        return values
    info = ml_dtypes.iinfo(DTYPES[dtype])
    low, high = int(info.min), int(info.max)
    return np.clip(np.rint(values * high * 4), low, high).astype(DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 63, 64, 1000, 4133])
def test_every_count_is_the_start_of_a_stable_sort(isa, dtype, size, monkeypatch):
    monkeypatch.setattr(magnitudes, "PIECE", 100)  # several threads, which share the ties
    monkeypatch.setattr(magnitudes, "MOST", 300)
    weights = some(dtype, np.random.default_rng(size), size)
    ranked = Magnitudes(weights, threads=3)
    for keep in {0, 1, size // 10, size // 3, size // 2, size - 1, size}:
        np.testing.assert_array_equal(ranked.largest(keep), by_sorting(weights, keep))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=80), st.data())
def test_any_bits_of_float32(words, data):
    weights = np.array(words, np.uint32).view(np.float32)
    keep = data.draw(st.integers(0, weights.size))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(Magnitudes(weights).largest(keep), by_sorting(weights, keep))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40), st.data())
def test_any_bits_of_float64(words, data):
    weights = np.array(words, np.uint64).view(np.float64)
    near = weights[0]
    weights = np.concatenate([weights, np.nextafter(near, np.full(3, np.inf)), [near]])
    keep = data.draw(st.integers(0, weights.size))
    np.testing.assert_array_equal(Magnitudes(weights).largest(keep), by_sorting(weights, keep))


def test_neighbours_in_the_last_bit_are_told_apart(isa):
    bits = np.arange(200, dtype=np.uint64) + np.float64(1.5).view(np.uint64)
    weights = np.random.default_rng(0).permutation(bits).view(np.float64)
    for keep in (1, 77, 199):
        np.testing.assert_array_equal(Magnitudes(weights).largest(keep), by_sorting(weights, keep))


def test_other_layouts_and_byte_orders():
    weights = np.random.default_rng(1).normal(size=(40, 30)).astype(np.float32)
    for other in (weights.T, weights[::2, ::3], weights.astype(">f4")):
        np.testing.assert_array_equal(Magnitudes(other).largest(99), by_sorting(other, 99))
    assert Magnitudes(weights[:0]).largest(0).shape == (0, 30)
    scalar = np.array(ml_dtypes.bfloat16(2))
    assert Magnitudes(scalar).largest(1).shape == ()
