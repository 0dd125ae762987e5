"""The block length that stores the fewest bits.

A longer block has fewer symbols and more mismatches. At floor(n_in / (1 − S)) symbols take one bit
a care bit, but the sum of symbols and corrections is least at somewhat longer blocks: on random
bits at S = 0.9, n_in = 8 and n_s = 2 it falls from 1.045 bits a care bit to 1.027 at 1.1 times the
length. It hardly falls further, and ever more of it would be corrections, so longer blocks than
`LENGTHS` are not tried. Planes that have symbols are alike, so one length serves them all.
"""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz import blocks as _blocks
from f2f_viz.corrections import rice_bits
from f2f_viz.network import XorNetwork
from f2f_viz.planes import PlanePlan, encode_planes
from f2f_viz.preview import sample_mismatches

__all__ = ["LENGTHS", "choose_n_out"]

LENGTHS = (1.0, 1.05, 1.1, 1.2)
"""Block lengths to try, as multiples of the paper's."""


def choose_n_out(
    words: NDArray[Any],
    mask: NDArray[np.bool_],
    plan: PlanePlan,
    *,
    n_in: int,
    n_s: int,
    n_out: int | None,
    fit_n_out: bool,
    order: str,
    seed: int,
    threads: int | None = None,
    cancel: threading.Event | None = None,
) -> int:
    """Choose the block length.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (size,)
    mask : ndarray of bool, any shape of that size
    plan : PlanePlan
    n_in, n_s, n_out, fit_n_out, order, seed, threads, cancel
        As in `codec.encode`.

    Returns
    -------
    int
        `n_out` if given; else the paper's length, or with `fit_n_out` that multiple of it which
        stores the fewest symbols and corrections, judged by sampled tiles (`preview`).
    """
    kept = int(np.count_nonzero(mask))
    paper = _blocks.default_n_out(n_in, kept, mask.size)
    if n_out is not None or not fit_n_out or not kept or plan.zero_rate.all():
        return n_out or paper

    def stored_bits(length: int) -> float:
        network = XorNetwork.random(n_in, length, n_s, seed=seed)
        sample = sample_mismatches(
            words, mask, network, plan, order=order, threads=threads, cancel=cancel
        )
        if sample is not None:
            rates = sample.rates
        else:
            flat = mask.reshape(-1)
            planes = encode_planes(
                _blocks.to_blocks(words, length, order),
                _blocks.to_blocks(flat, length, order),
                network, plan, threads=threads, cancel=cancel,
            )  # fmt: skip
            rates = np.array([plane.corrections.size / kept for plane in planes])
        symbols = _blocks.block_count(mask.size, length) * n_in
        return sum(symbols + kept * rate * rice_bits(rate) for rate in rates[~plan.zero_rate])

    lengths = sorted({min(int(paper * factor), _blocks.MAX_N_OUT) for factor in LENGTHS})
    return min(lengths, key=stored_bits)
