import os
import shutil
import subprocess

import ml_dtypes
import numpy as np
import pytest

import f2f_viz as f2f

DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "int8": np.int8}


@pytest.fixture(scope="session")
def simulate():
    """Return a function that runs a folder's testbench and gives its last line."""
    if shutil.which("iverilog") is None:
        message = "no Icarus Verilog on PATH: run tools/ensure_iverilog.sh"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)

    def run(folder, stall=0, vcd=""):
        sources = ["f2f_xor.v", "f2f_lane.v", "f2f_lane_tb.v"]
        made = subprocess.run(
            ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "sim", *sources],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert made.stderr == ""
        command = [
            "vvp",
            "-n",
            "sim",
            *[f"+stall={stall}"] * bool(stall),
            *[f"+vcd={vcd}"] * bool(vcd),
        ]
        done = subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=120
        )
        assert "arning" not in done.stdout + done.stderr
        return done.stdout.splitlines()[-1]

    return run


@pytest.fixture
def encoded_layer():
    """Return a function that encodes a layer whose weights are mostly negative: planes invert."""

    def make(dtype, n_s, order, size=(30, 50), seed=3):
        rng = np.random.default_rng(seed)
        weights = rng.normal(-1.5, 1, size) * (20 if dtype == "int8" else 0.1)
        weights = weights.astype(DTYPES[dtype])
        mask = rng.random(size) < 0.15
        return (
            weights,
            mask,
            f2f.encode(weights, mask, f2f.Code.paper(n_s=n_s, n_out=53, order=order)),
        )

    return make
