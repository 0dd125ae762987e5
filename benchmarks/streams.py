"""Random streams, and the textbook C yardstick run on them."""

import subprocess
from pathlib import Path

import numpy as np

from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask


def stream(rng, blocks, n_out, keep):
    """Random wanted bits and care flags, bool (blocks, n_out)."""
    return rng.random((blocks, n_out)) < 0.5, rng.random((blocks, n_out)) < keep


def packed(bits, care):
    """A stream as `search_tiles` takes it."""
    return pack_mask(bits)[None], pack_mask(care)


def compile_yardstick(folder):
    """Compile the yardstick as issue 4 says: -O2 -mpopcnt."""
    program = Path(folder) / "yardstick"
    source = Path(__file__).with_name("yardstick.c")
    subprocess.run(["cc", "-O2", "-mpopcnt", source, "-o", program], check=True)
    return program


def _text(rows):
    return ["".join("01"[int(bit)] for bit in row) for row in rows]


def _run(program, network: XorNetwork, bits, care):
    lines = [f"{network.n_in} {network.n_s} {network.n_out} {len(bits)}", *_text(network.matrix)]
    for want, flags in zip(_text(bits), _text(care), strict=True):
        lines += [want, flags]
    done = subprocess.run(
        [program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def run_yardstick(program, network: XorNetwork, bits, care):
    """Least mismatches and CPU seconds of the plain search."""
    least, seconds = _run(program, network, bits, care)
    return int(least), float(seconds)


def step_times(folder, network: XorNetwork, bits, care):
    """Care bits of each block, and microseconds of its step."""
    program = Path(folder) / "steps"
    source = Path(__file__).with_name("steps.c")
    core = source.parents[1] / "cython_core"
    tile, flags = core / "search" / "tile.c", ["-O3", "-march=native", "-DNDEBUG", f"-I{core}"]
    subprocess.run(["cc", *flags, source, tile, "-o", program], check=True)
    found = np.array(_run(program, network, bits, care), float).reshape(-1, 2)
    return found[:, 0].astype(int), found[:, 1]


def rng(*seed):
    return np.random.default_rng(seed)


def convolutions():
    """63 float32 convolutions of 432 to 147,456 weights, as a detector of text has."""
    random, tensors = np.random.default_rng(14), {}
    for i, size in enumerate(np.geomspace(432, 147_456, 63)):
        kernel = int(random.choice([1, 3, 5])) if size > 2000 else 3
        inner = max(round((size / kernel**2) ** 0.5), 1)
        shape = (max(round(size / kernel**2 / inner), 1), inner, kernel, kernel)
        weights = random.normal(size=shape).astype(np.float32)
        tensors[f"stage{i // 16}.block{i % 16}.conv.weight"] = weights
    return tensors
