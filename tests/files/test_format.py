"""docs/format.md is enough to decode: a decoder written from it alone agrees, bit for bit."""

import runpy
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save_file

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.code import PRESETS
from f2f_viz.codec.mask_coding import pack_mask_bits
from f2f_viz.files import layer_file
from f2f_viz.models.decode import decode_model
from f2f_viz.models.encode import encode_model
from tests import independent_decoder
from tests.independent_decoder import decode, range_decode

HERE = Path(__file__).parents[1]
GOLDEN = HERE / "golden"


def encoded_bytes(weights, rate, preset, **options):
    code = PRESETS[preset].code
    return layer_file.to_bytes(f2f.encode(weights, f2f.prune(weights, rate), code, **options))


def assert_decodes(data, weights, rate):
    raw = decode(data)
    mask = f2f.prune(weights, rate).reshape(-1)
    assert raw == (to_words(weights) * mask).tobytes()


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize(
    "dtype",
    [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int8, np.uint8, ml_dtypes.int4],
)
def test_another_decoder_agrees(preset, dtype):
    weights = (np.random.default_rng(0).normal(size=(19, 23)) * 3).clip(0 if dtype is np.uint8 else -7, 7)  # fmt: skip
    weights = weights.astype(dtype)
    assert_decodes(encoded_bytes(weights, 0.7, preset, n_in=4, n_s=2), weights, 0.7)


@pytest.mark.parametrize(
    ("n_in", "n_s", "n_out"), [(8, 0, 70), (8, 1, 80), (1, 3, 5), (12, 0, 129)]
)
@pytest.mark.parametrize("order", ["row", "interleaved"])
def test_another_decoder_agrees_on_every_code(n_in, n_s, n_out, order):
    weights = np.random.default_rng(1).normal(size=700).astype(np.float16)
    data = encoded_bytes(weights, 0.9, "default", n_in=n_in, n_s=n_s, n_out=n_out, order=order)
    assert_decodes(data, weights, 0.9)


def test_another_decoder_reads_past_a_name():
    weights = np.random.default_rng(5).normal(size=(21, 40)).astype(np.float16)
    layer = f2f.Layer("bündel.0.weight" * 10, weights, "float16", "here")
    encoded = f2f.encode(layer, f2f.prune(weights, 0.8))
    assert encoded.name == layer.name
    assert_decodes(layer_file.to_bytes(encoded), weights, 0.8)


def test_another_decoder_reads_planes_stored_plainly():
    weights = np.random.default_rng(4).normal(size=(21, 40)).astype(np.float16)
    data = encoded_bytes(weights, 0.05, "default", n_s=0)
    assert layer_file.from_bytes(data).network.is_plain
    assert_decodes(data, weights, 0.05)


def test_another_decoder_restarts_the_register_at_tiles():
    weights = np.random.default_rng(2).integers(-8, 8, 9000).astype(np.int8)
    data = encoded_bytes(weights, 0.0, "paper", n_in=2, n_s=2, n_out=2)  # 4500 blocks, two tiles
    assert_decodes(data, weights, 0.0)


def test_another_decoder_reads_the_golden_files():
    for name in (GOLDEN / "SHA256SUMS").read_text().split()[1::2]:
        decode((GOLDEN / name).read_bytes())  # it compares the checksum itself


def test_another_decoder_reads_models(tmp_path):
    rng = np.random.default_rng(3)
    tensors = {
        "b": rng.normal(size=(20, 30)).astype(np.float32),
        "c": rng.normal(size=(33, 40)).astype(np.float32),
        "a": rng.normal(size=(8, 9)).astype(np.float16),
        "bias": np.arange(5, dtype=np.int64),
        "small": np.ones((2, 2), np.float32),
    }
    save_file(tensors, tmp_path / "m.safetensors", metadata={"made": "here"})
    encode_model(tmp_path / "m.safetensors", tmp_path / "m.f2f", f2f.Settings(rate=0.8, n_s=1))
    opened = decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert len(opened.schemes) > 1  # one matrix for all the same
    assert opened.matrix_bits == max(scheme.matrix_bits for scheme in opened.schemes)
    again = independent_decoder.decode_model((tmp_path / "m.f2f").read_bytes())
    assert again == (tmp_path / "back.safetensors").read_bytes()
    assert load(again)["bias"].tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.floats(0, 1), st.integers(0, 2**32))
def test_another_range_decoder_agrees(size, keep, seed):
    mask = np.random.default_rng(seed).random(size) < keep
    kept = int(mask.sum())
    if kept in (0, size):
        return
    packed, _ = pack_mask_bits(mask, "range")
    assert range_decode(packed.tobytes(), kept, size) == mask.tolist()


def test_the_other_decoder_is_independent():
    """It runs where nothing of this package can be imported."""
    name = "float32-ranks.f2f"
    block = "import sys; sys.modules['f2f_viz'] = None; sys.modules['constriction'] = None; "
    run = "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    printed = subprocess.run(
        [sys.executable, "-c", block + run, HERE / "independent_decoder.py", GOLDEN / name],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    sums = (GOLDEN / "SHA256SUMS").read_text().split()
    assert printed == sums[sums.index(name) - 1]


def test_golden_files_hold_what_their_script_says():
    """All but what depends on which of equally good symbols a search prefers."""
    run = runpy.run_path(GOLDEN / "make.py")
    assert set(run["FILES"]) == {path.name for path in GOLDEN.glob("*.f2f")}
    for name in run["FILES"]:
        golden, made = f2f.open(GOLDEN / name), run["make"](name)
        headers = [layer_file.parts(encoded)[1] for encoded in (golden, made)]
        for header in headers:
            del header["parameters"]
        assert headers[0] == headers[1], name
        assert golden.network == made.network, name
        assert golden.name == made.name == f"µ.{name}"
        np.testing.assert_array_equal(golden.mask, made.mask)
        np.testing.assert_array_equal(golden.scales, made.scales)
        assert f2f.decode(golden).tobytes() == f2f.decode(made).tobytes()
    plain = f2f.open(GOLDEN / "int8-plain.f2f")
    assert plain.network.is_plain
