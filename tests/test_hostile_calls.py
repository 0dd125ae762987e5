"""Whatever a caller gives, the answer is right, or an F2FError: no crash, no other exception."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import f2f_viz as f2f
from tests import hostile_calls


def test_every_public_function_with_hostile_arguments(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_calls"],
        capture_output=True, text=True, timeout=600, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.endswith(" 0 wrong\n")


def test_every_public_function_is_called(tmp_path):
    called = {name.split(" ")[0].split(".")[0] for name, _, _ in hostile_calls.calls(tmp_path)}
    results = {  # are returned
        "Analysis", "BitEncoding", "Gates", "Report", "Survey", "SurveyRow", "Sweep", "SweepPoint", "TensorInfo", "Trace",
    }  # fmt: skip
    others = {"Cancelled", "F2FError", "sample_names"}  # take nothing
    assert called >= set(f2f.__all__) - results - others


@pytest.fixture(scope="module")
def encoded():
    weights = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
    return f2f.encode(weights, f2f.prune(weights, 0.8), n_in=4, n_s=1)


def with_plane(encoded, **changed):
    planes = list(encoded.planes)
    at = next(p for p, own in enumerate(planes) if own.corrections.size > 2 and not own.zero_rate)
    planes[at] = replace(
        planes[at], **{name: make(getattr(planes[at], name)) for name, make in changed.items()}
    )
    return replace(encoded, planes=tuple(planes))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda e: replace(e, tile_blocks=0), "tile_blocks"),
        (lambda e: replace(e, planes=e.planes[:-1]), "planes"),
        (lambda e: replace(e, shape=(60, 40)), "mask"),
        (lambda e: replace(e, dtype="float16"), "planes"),
        (lambda e: replace(e, network=f2f.XorNetwork.random(5, 20, 1)), "network"),
        (lambda e: replace(e, ranks=np.array([256], np.uint16)), "ranks"),
        (lambda e: replace(e, scales=np.zeros((), np.float32)), "scales"),
        (lambda e: replace(e, checksum="0"), "checksum"),
        (lambda e: with_plane(e, symbols=lambda own: own[:-1]), "symbols"),
        (lambda e: with_plane(e, symbols=lambda own: own | 16), "symbol"),
        (lambda e: with_plane(e, symbols=lambda own: own.astype(np.int64)), "symbols"),
        (lambda e: with_plane(e, zero_rate=lambda own: True), "stores none"),
        (lambda e: with_plane(e, corrections=lambda own: own[::-1]), "corrections"),
        (lambda e: with_plane(e, corrections=lambda own: own + np.uint32(e.kept)), "corrections"),
        (lambda e: with_plane(e, corrections=lambda own: -own.astype(np.int64)), "corrections"),
    ],
)
def test_a_layer_that_does_not_fit_itself_is_refused(encoded, spoil, says):
    with pytest.raises(f2f.F2FError, match=says):
        spoil(encoded)


def test_nobody_writes_to_an_encoded_layer_by_mistake(encoded):
    for array in (encoded.mask, encoded.planes[0].symbols, encoded.planes[0].corrections):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 1
