"""Time products with a pruned matrix, dense, by CSR and from symbols; write products.json, its picture.

    python -m benchmarks.products          (--quick for a glance, nothing written; --draw: only the picture)

The paper's algorithms 1 (CSR) and 2 (`f2f.matmul`) beside the dense product, one thread each: W is
2048 × 2048 float32, pruned by magnitude, x a vector or 64 columns. Dense is NumPy's (OpenBLAS), CSR is SciPy's,
and PyTorch's where it is installed (its CPU build multiplies sparse matrices by MKL). CPU time, in turn, again and again, and the
least of all rounds: other work on the machine only adds.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import f2f_viz as f2f
from benchmarks.machine import machine
from benchmarks.picture import draw_products
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.layer_file import to_bytes

FILE = Path(__file__).with_name("products.json")
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "products.svg"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
RATES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
COLUMNS = (1, 64)
N_S = 1

Ways = dict[str, tuple[Callable[[Any], Any], int]]
"""What multiplies by x, and how many bytes W takes for it."""


def ways(weights: np.ndarray, mask: np.ndarray) -> Ways:
    """All ways to multiply by the pruned weights."""
    pruned = weights * mask
    csr = scipy.sparse.csr_array(pruned)
    stored = csr.data.nbytes + csr.indices.nbytes + csr.indptr.nbytes
    encoded = f2f.encode(weights, mask, n_s=N_S)
    size, buffer = len(to_bytes(encoded)), np.empty_like(weights)
    f2f.decode(encoded, out=buffer)
    assert np.array_equal(buffer, pruned)
    found: Ways = {
        "dense": (lambda x: pruned @ x, pruned.nbytes),
        "CSR, SciPy": (lambda x: csr @ x, stored),
        "F2F decoded, then dense": (lambda x: f2f.decode(encoded, out=buffer) @ x, size),
        "F2F, matmul": (lambda x: f2f.matmul(encoded, x), size),
    }
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        parts = map(
            torch.from_numpy, (csr.indptr, csr.indices, csr.data)
        )  # MKL's own whole numbers
        with warnings.catch_warnings(action="ignore"):  # "in beta state"
            sparse = torch.sparse_csr_tensor(*parts, size=csr.shape)
        found["CSR, PyTorch (MKL)"] = lambda x: (sparse @ torch.from_numpy(x)).numpy(), stored
    return found


def timed(found: Ways, x: np.ndarray, rounds: int) -> dict[str, float]:
    """Least CPU milliseconds of each."""
    least = dict.fromkeys(found, float("inf"))
    for attempt in range(rounds + 1):  # the first warms
        for name, (run, _) in found.items():
            began = time.process_time()
            run(x)
            spent = time.process_time() - began
            if attempt:
                least[name] = min(least[name], 1e3 * spent)
    return least


def measure(side: int, rates: tuple[float, ...], rounds: int) -> list[dict[str, Any]]:
    """Rows by S and columns of x."""
    random, rows = np.random.default_rng(9), []
    weights = random.standard_normal((side, side), dtype=np.float32)
    for rate in rates:
        mask = f2f.prune(weights, rate)
        found = ways(weights, mask)
        for k in COLUMNS:
            x = random.standard_normal((side, k), dtype=np.float32)
            x = x[:, 0].copy() if k == 1 else x
            want = (weights * mask).astype(np.float64) @ x
            for name, (run, _) in found.items():
                assert np.allclose(run(x), want, rtol=1e-3, atol=1e-3), name
            least = timed(found, x, rounds)
            rows += [
                {
                    "rate": rate,
                    "columns": k,
                    "way": name,
                    "ms": round(least[name], 4),
                    "bytes": size,
                }
                for name, (_, size) in found.items()
            ]
            print(rate, k, {name: round(spent, 3) for name, spent in least.items()}, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a glance; writes nothing")
    parser.add_argument("--draw", action="store_true", help="draw what was measured")
    chosen = parser.parse_args()
    if os.environ | ONE_THREAD != os.environ:  # libraries read it when they are loaded
        program = [sys.executable, "-m", "benchmarks.products", *sys.argv[1:]]
        os.execve(sys.executable, program, os.environ | ONE_THREAD)
    if not chosen.draw:
        side, rates, rounds = (512, (0.5, 0.9), 3) if chosen.quick else (2048, RATES, 15)
        rows = measure(side, rates, rounds)
        if chosen.quick:
            return
        found = {"machine": machine(), "side": side, "n_s": N_S, "rows": rows}
        write_atomically(FILE, json.dumps(found, indent=1).encode() + b"\n")
    draw_products(json.loads(FILE.read_text())["rows"], PICTURE)


if __name__ == "__main__":
    main()
