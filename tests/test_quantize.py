"""Quantizing on request."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from f2f_viz.errors import F2FError
from f2f_viz.layers import Layer
from f2f_viz.quantize import quantize

FINITE = st.floats(-1e6, 1e6, width=32)
MATRICES = arrays(np.float32, array_shapes(min_dims=1, max_dims=3), elements=FINITE)


def layer(weights, dtype="float32"):
    return Layer("w", np.asarray(weights, dtype), dtype, "test")


@given(MATRICES, st.sampled_from(["int8", "int4"]), st.sampled_from(["tensor", "channel"]))
def test_integers_are_within_half_a_step(weights, to, per):
    small = quantize(layer(weights), to, per)
    largest = {"int8": 127, "int4": 7}[to]
    assert small.layer.dtype == to == small.layer.weights.dtype.name
    assert small.layer.weights.shape == weights.shape
    steps = small.layer.weights.astype(int)
    assert abs(steps).max() <= largest
    assert (steps[weights == 0] == 0).all()
    error = abs(small.dequantize().astype(float) - weights)
    assert (error <= small.scales * 0.5001 + 1e-37).all()
    shape = (len(weights), *[1] * (weights.ndim - 1)) if per == "channel" else ()
    assert small.scales.shape == shape
    assert small.scales.dtype == np.float32


def test_known_values():
    small = quantize(layer([[-1.27, 0.635], [0, 0.07]]), "int8")
    assert small.layer.weights.tolist() == [[-127, 64], [0, 7]]
    small = quantize(layer([[-7, 3], [0.7, 0.1]]), "int4", "channel")
    assert small.layer.weights.astype(int).tolist() == [[-7, 3], [7, 1]]
    assert small.scales.ravel() == pytest.approx([1, 0.1])
    assert "float32 → int4 per channel" in small.layer.source
    assert quantize(layer([0.1]), "bfloat16").dequantize().tolist() == [0.10009765625]
    assert quantize(layer([0.1]), "float16").dequantize() == np.float32(np.float16(0.1))


def test_extremes():
    assert (
        quantize(layer([[0, 0], [0, 0]]), "int8", "channel").layer.weights.tolist() == [[0, 0]] * 2
    )
    assert quantize(layer([]), "int4").layer.weights.size == 0
    assert quantize(layer([1e-45]), "int8").scales > 0
    assert np.isinf(quantize(layer([np.inf, -1]), "float16").dequantize()[0])


@pytest.mark.parametrize(
    ("weights", "dtype", "to", "per", "match"),
    [
        ([1], "float32", "int3", "tensor", "int8, int4, bfloat16, float16"),
        ([1], "float32", "int8", "row", "granularity"),
        ([1], "int8", "int4", "tensor", "already"),
        ([np.nan], "float32", "int8", "tensor", "NaN"),
        ([1e6], "float32", "float16", "tensor", "range"),
        (1.0, "float32", "int8", "channel", "scalar"),
    ],
)
def test_refusals(weights, dtype, to, per, match):
    with pytest.raises(F2FError, match=match):
        quantize(layer(weights, dtype), to, per)
