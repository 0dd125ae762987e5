"""Quantizing on request."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.errors import F2FError
from f2f_viz.files import layer_file
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.quantize import NUMBER_FORMATS, describe_format, in_format, quantize
from tests import independent_decoder

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
        ([1], "float32", "int3", "tensor", "int8, int4, bfloat16, float16, float32"),
        ([1], "float32", "int8", "row", "granularity"),
        ([1], "int8", "int4", "tensor", "already"),
        ([np.nan], "float32", "int8", "tensor", "NaN"),
        ([1e6], "float32", "float16", "tensor", "range"),
        ([1e6, np.inf, np.nan], "float32", "float16", "tensor", "range"),
        (1.0, "float32", "int8", "channel", "scalar"),
    ],
)
def test_refusals(weights, dtype, to, per, match):
    with pytest.raises(F2FError, match=match) as caught:
        quantize(layer(weights, dtype), to, per)
    assert caught.value.field == "number_format"


WEIGHTS = np.random.default_rng(8).normal(size=(24, 30)) * np.logspace(-2, 0, 24)[:, None]


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
def test_an_analysis_prunes_what_is_stored_and_codes_what_was_quantized(number_format):
    given = layer(WEIGHTS)
    settings = f2f.Settings(number_format=number_format, rate=0.7, n_in=5)
    a = f2f.analyze(given, settings)
    assert a.given is given
    np.testing.assert_array_equal(a.mask, f2f.prune(given.weights, 0.7))
    coded = in_format(given, number_format)
    assert a.layer.dtype == coded.layer.dtype == a.encoded.dtype
    decoded = f2f.decode(a.encoded)
    np.testing.assert_array_equal(decoded, np.where(a.mask, coded.layer.weights, 0))
    assert a.bit_exact
    integer = number_format.startswith("int")
    assert (a.encoded.scales is None) == (not integer)
    if integer:
        real = decoded.astype(np.float32) * a.encoded.scales
        error = abs(real - given.weights)[a.mask]
        step = np.broadcast_to(a.encoded.scales, a.mask.shape)[a.mask]
        assert (error <= 0.501 * step).all()
    assert sum(a.bits.values()) == 8 * len(layer_file.to_bytes(a.encoded))
    again = f2f.analyze(given, f2f.Settings.from_dict(settings.to_dict()))
    assert layer_file.to_bytes(again.encoded) == layer_file.to_bytes(a.encoded)
    preview = f2f.analyze(given, settings, preview=True)
    assert (preview.layer.dtype, preview.ratio) == (a.layer.dtype, a.ratio)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (1, 7), (6, 2, 3), (0, 4)])
@pytest.mark.parametrize("per", ["tensor", "channel"])
def test_scales_come_back_from_the_file(shape, per, tmp_path):
    if shape == () and per == "channel":
        return
    given = layer(np.random.default_rng(1).normal(size=shape))
    small = quantize(given, "int8", per)
    mask = np.ones(shape, bool)
    encoded = f2f.encode(small.layer.weights, mask, n_in=2, scales=small.scales)
    f2f.save(encoded, tmp_path / "w.f2f")
    found = f2f.open(tmp_path / "w.f2f")
    real = f2f.decode(found) * found.scales
    np.testing.assert_array_equal(real.astype(np.float32), small.dequantize())
    data = (tmp_path / "w.f2f").read_bytes()
    raw = independent_decoder.decode(data)
    assert raw == small.layer.weights.tobytes()


def test_scales_that_do_not_fit_are_refused():
    with pytest.raises(F2FError, match=r"scales.*\(3,\)"):
        f2f.encode(np.ones((2, 2), np.int8), np.ones((2, 2), bool), scales=np.ones(3, np.float32))
    good = f2f.encode(
        np.ones((2, 2), np.int8), np.ones((2, 2), bool), scales=np.ones((2, 1), np.float32)
    )
    for wrong in (np.ones(3), np.array([1, np.inf]), np.array([0, 1])):
        with pytest.raises(F2FError, match="scales"):
            dataclasses.replace(good, scales=wrong.astype(np.float32))
        lying = dataclasses.replace(good)
        object.__setattr__(lying, "scales", wrong.astype(np.float32))
        with pytest.raises(F2FError, match="scales"):
            layer_file.from_bytes(layer_file.to_bytes(lying))


def test_words_for_formats():
    assert describe_format("float32", "stored") == "float32"
    assert describe_format("float32", "int8/channel") == "float32 → int8, a scale per channel"
    assert describe_format("float32", "bfloat16") == "float32 → bfloat16"


def test_the_command_line_quantizes_one_tensor_and_keeps_scales(run, tmp_path):
    np.save(tmp_path / "w.npy", WEIGHTS.astype(np.float32))
    out = tmp_path / "w.f2f"
    options = ("--number-format", "int8/channel", "--n-in", 4, "--rate", 0.5)
    run("encode", tmp_path / "w.npy", "-o", out, *options)
    assert "safetensors" in run("decode", out, "-o", tmp_path / "x.npy", code=1)
    run("decode", out, "-o", tmp_path / "x.safetensors")
    found = load_file(tmp_path / "x.safetensors")
    small = quantize(layer(WEIGHTS), "int8", "channel")
    mask = f2f.prune(WEIGHTS.astype(np.float32), 0.5)
    np.testing.assert_array_equal(found["w"], np.where(mask, small.layer.weights, 0))
    np.testing.assert_array_equal(found["w_scale"], small.scales)
    save_file(
        {"a": np.ones((4, 4), np.float32), "b": np.ones((4, 4), np.float32)},
        tmp_path / "m.safetensors",
    )
    small = ("--number-format", "int4", "--n-in", 4)
    said = run("encode", tmp_path / "m.safetensors", "-o", tmp_path / "m.f2f", *small, code=1)
    assert "encode one tensor" in said
    assert not (tmp_path / "m.f2f").exists()
