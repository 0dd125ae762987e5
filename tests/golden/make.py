"""Write the golden files of a format version, once: ``python tests/golden/make.py``.

A file that is there is never written again: a reader of any later version must decode it as it is.
SHA256SUMS holds "<sha256 of the decoded weights' little-endian bytes>  <name>" a line; an int4
weight is a byte whose high half is zero.
"""

import sys
from pathlib import Path

import ml_dtypes
import numpy as np

import f2f_viz as f2f
from f2f_viz.settings import PRESETS

HERE = Path(__file__).parent


def weights(dtype, shape=(24, 50), seed=1):
    """Heavy-tailed numbers, with the special ones of a float format among them."""
    values = np.random.default_rng(seed).standard_t(4, shape) * 0.05
    if np.dtype(dtype) in (np.int8, ml_dtypes.int4):
        low, high = (-128, 127) if np.dtype(dtype) == np.int8 else (-8, 7)
        return np.clip(np.round(values * high * 8), low, high).astype(dtype)
    values = values.astype(dtype)
    if values.size:
        values.reshape(-1)[:4] = [np.inf, -np.inf, np.nan, 6e-8]
    return values


def options(preset, n_s, **changes):
    chosen = {name: value for name, value in PRESETS[preset].items() if value is not None}
    return chosen | {"n_s": n_s} | changes


FILES = {
    "v1-float32-best.f2f": (weights(np.float32), 0.9, options("best", 1)),
    "v1-float16-paper.f2f": (weights(np.float16), 0.8, options("paper", 2)),
    "v1-bfloat16-best.f2f": (weights(ml_dtypes.bfloat16), 0.9, options("best", 1, n_in=5)),
    "v1-int8-best.f2f": (weights(np.int8), 0.7, options("best", 0)),
    "v1-int4-row.f2f": (weights(ml_dtypes.int4), 0.6, options("best", 1, order="row", n_out=19)),
    "v1-empty.f2f": (weights(np.float32, (0, 3)), 0.9, options("paper", 1)),
    "v1-all-pruned.f2f": (weights(np.float32), 1.0, options("best", 1)),
    "v1-none-pruned.f2f": (weights(np.float16, (9, 7)), 0.0, options("paper", 1)),
}


def main():
    there = [name for name in (*FILES, "SHA256SUMS") if (HERE / name).exists()]
    if there:
        sys.exit(f"golden files are written once; there already: {', '.join(there)}")
    lines = []
    for name, (values, rate, chosen) in FILES.items():
        encoded = f2f.encode(values, f2f.prune(values, rate), **chosen)
        f2f.save(encoded, HERE / name)
        lines.append(f"{encoded.checksum}  {name}\n")
    (HERE / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
