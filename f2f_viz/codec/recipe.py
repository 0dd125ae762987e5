"""The decoder that stores the fewest bits: how long a block, and whether to code at all.

A longer block has fewer symbols and more mismatches. At floor(n_in / (1 − S)) symbols take one bit
a care bit, but the sum of symbols and corrections is least at somewhat longer blocks: on random
bits at S = 0.9, n_in = 8 and n_s = 2 it falls from 1.045 bits a care bit to 1.027 at 1.1 times the
length. It hardly falls further, and ever more of it would be corrections, so longer blocks than
`LENGTHS` are not tried. Of a length and the next, that counts whose blocks hold their care bits
more evenly: interleaved, the weights of a block lie l apart, and where l is a multiple of a row's
length they are all of one column, and alike. Where little is pruned, the sum can exceed the planes
themselves; they are then stored plainly (`XorNetwork.plain`). Planes that have symbols are alike,
so one decoder serves them all.
"""

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import blocks as _blocks
from f2f_viz.codec.bitplanes import dtype_name, to_words, word_bits
from f2f_viz.codec.corrections import rice_bits
from f2f_viz.codec.entropy import block_stats, care_per_block
from f2f_viz.codec.exponent_ranks import rank_table, to_ranks
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import PlanePlan, encode_planes, plan_planes
from f2f_viz.codec.sampling import Sample, sample_mismatches

__all__ = ["LENGTHS", "Recipe", "make_recipe"]

LENGTHS = (1.0, 1.05, 1.1, 1.2)
"""Block lengths to try, as multiples of the paper's."""

CLEARLY = 1.1
"""Dispersion of n_u must be this many times the next length's to pass a length over."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that is decided of a layer before its symbols are searched.

    Attributes
    ----------
    words : ndarray of unsigned words, shape (size,)
        Their bits are the planes.
    ranks : ndarray of uint16 or None
        If exponents are stored as ranks (`recoding`): the exponents, by rank.
    plan : PlanePlan
    network : XorNetwork
    sample : Sample or None
        What `sample_mismatches` gave, where blocks of this length were tried by it.
    """

    words: NDArray[Any]
    ranks: NDArray[np.uint16] | None
    plan: PlanePlan
    network: XorNetwork
    sample: Sample | None = None


def make_recipe(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    n_in: int,
    n_s: int,
    n_out: int | None,
    fit_n_out: bool,
    plain: bool,
    order: str,
    seed: int,
    recode: bool,
    zero_rate: bool,
    threads: int | None = None,
    cancel: threading.Event | None = None,
) -> Recipe:
    """Decide how to code a layer; parameters as in `codec.encode`."""
    dtype = dtype_name(weights.dtype)
    flat = mask.reshape(-1)
    words, ranks = to_words(weights), None
    if recode:
        ranks = rank_table(words[flat], dtype)
        words = to_ranks(words, ranks, dtype)
    plan = plan_planes(words[flat], word_bits(dtype), zero_rate)
    kept = int(np.count_nonzero(flat))
    coded = np.flatnonzero(~plan.zero_rate)

    def recipe(length: int) -> Recipe:
        return Recipe(words, ranks, plan, XorNetwork.random(n_in, length, n_s, seed=seed))

    paper = _blocks.default_n_out(n_in, kept, flat.size)
    if n_out is not None or not kept or not coded.size or not (fit_n_out or plain):
        return recipe(n_out or paper)

    def tried(length: int) -> tuple[float, Recipe]:
        trial = recipe(length)
        sample = sample_mismatches(
            words, flat, trial.network, plan, order=order, threads=threads, cancel=cancel
        )
        if sample is not None:
            rates = sample.rates
        else:
            planes = encode_planes(
                _blocks.to_blocks(words, length, order),
                _blocks.to_blocks(flat, length, order),
                trial.network, plan, threads=threads, cancel=cancel,
            )  # fmt: skip
            rates = np.array([plane.corrections.size / kept for plane in planes])
        symbols = _blocks.block_count(flat.size, length) * n_in
        stored = sum(symbols + kept * rate * rice_bits(rate) for rate in rates[coded])
        return stored, replace(trial, sample=sample)

    def dispersion(length: int) -> float:
        return block_stats(care_per_block(flat, length, order), length).dispersion

    def evener(length: int) -> int:
        return length + (dispersion(length) > CLEARLY * dispersion(length + 1))

    lengths = {paper}
    if fit_n_out:
        lengths = {evener(min(int(paper * by), _blocks.MAX_N_OUT - 1)) for by in LENGTHS}
    stored, best = min(map(tried, sorted(lengths)), key=lambda trial: trial[0])
    if plain and stored >= coded.size * _blocks.block_count(flat.size, n_in) * n_in:
        return Recipe(words, ranks, plan, XorNetwork.plain(n_in, n_s))
    return best
