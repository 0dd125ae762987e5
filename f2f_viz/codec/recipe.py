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
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import blocks as _blocks
from f2f_viz.codec.bitplanes import dtype_name, to_words, word_bits
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
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
    code : Code
        What was asked for.
    words : ndarray of unsigned words, shape (size,)
        Their bits are the planes.
    ranks : ndarray of uint16 or None
        If exponents are stored as ranks (`exponent_ranks`): the exponents, by rank.
    plan : PlanePlan
    network : XorNetwork
    sample : Sample or None
        What `sample_mismatches` gave, where blocks of this length were tried by it.
    """

    code: Code
    words: NDArray[Any]
    ranks: NDArray[np.uint16] | None
    plan: PlanePlan
    network: XorNetwork
    sample: Sample | None = None


def make_recipe(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    code: Code,
    *,
    network: XorNetwork | None = None,
    threads: int | None = None,
    cancel: threading.Event | None = None,
) -> Recipe:
    """Decide how to code a layer; parameters as in `encode.encode`."""
    layer = _Layer.of(weights, mask, code)
    paper = _blocks.default_n_out(code.n_in, layer.kept, mask.size)
    if network is not None:
        return layer.recipe(network)
    nothing_to_fit = not layer.kept or not layer.coded.size
    if code.n_out is not None or nothing_to_fit or not (code.fit_n_out or code.plain):
        return layer.recipe(layer.drawn(code.n_out or paper))
    lengths = layer.lengths(paper) if code.fit_n_out else [paper]
    trials = [layer.tried(length, threads, cancel) for length in lengths]
    stored, best = min(trials, key=lambda trial: trial[0])
    if code.plain and stored >= layer.plain_bits:
        return layer.recipe(XorNetwork.plain(code.n_in, code.n_s))
    return best


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer as its recipe is made: parts that all block lengths share."""

    code: Code
    words: NDArray[Any]
    ranks: NDArray[np.uint16] | None
    flat: NDArray[np.bool_]
    plan: PlanePlan
    kept: int

    @classmethod
    def of(cls, weights: NDArray[Any], mask: NDArray[np.bool_], code: Code) -> "_Layer":
        dtype, flat = dtype_name(weights.dtype), mask.reshape(-1)
        words, ranks = to_words(weights), None
        if code.recode:
            ranks = rank_table(words[flat], dtype)
            words = to_ranks(words, ranks, dtype)
        kept_words = words[flat]
        coding = CODINGS[code.coding] if code.zero_rate else None
        plan = plan_planes(kept_words, word_bits(dtype), flat.size, coding)
        return cls(code, words, ranks, flat, plan, kept_words.size)

    @property
    def coded(self) -> NDArray[np.int64]:
        """Planes that have symbols."""
        return np.flatnonzero(~self.plan.zero_rate)

    @property
    def plain_bits(self) -> int:
        """Bits of those planes stored as they are."""
        n_in = self.code.n_in
        return self.coded.size * _blocks.block_count(self.flat.size, n_in) * n_in

    def drawn(self, length: int) -> XorNetwork:
        """Draw the decoder of blocks of this length."""
        return XorNetwork.random(self.code.n_in, length, self.code.n_s, seed=self.code.seed)

    def recipe(self, network: XorNetwork, sample: Sample | None = None) -> Recipe:
        return Recipe(self.code, self.words, self.ranks, self.plan, network, sample)

    def lengths(self, paper: int) -> list[int]:
        """Block lengths worth a trial."""
        near = {min(int(paper * by), _blocks.MAX_N_OUT - 1) for by in LENGTHS}
        return sorted({self._evener(length) for length in near})

    def _evener(self, length: int) -> int:
        return length + (self._dispersion(length) > CLEARLY * self._dispersion(length + 1))

    def _dispersion(self, length: int) -> float:
        return block_stats(care_per_block(self.flat, length, self.code.order), length).dispersion

    def tried(
        self, length: int, threads: int | None, cancel: threading.Event | None
    ) -> tuple[float, Recipe]:
        """Return what blocks of a length store, in bits, and their recipe."""
        network, order = self.drawn(length), self.code.order
        sample = sample_mismatches(
            self.words, self.flat, network, self.plan, order=order, threads=threads, cancel=cancel
        )
        if sample is not None:
            rates = sample.rates
        else:
            planes = encode_planes(
                _blocks.to_blocks(self.words, length, order),
                _blocks.to_blocks(self.flat, length, order),
                network, self.plan, threads=threads, cancel=cancel,
            )  # fmt: skip
            rates = np.array([plane.corrections.size / self.kept for plane in planes])
        blocks = _blocks.block_count(self.flat.size, length)
        coding = CODINGS[self.code.coding]
        corrections = [
            coding.expected_bits(rate, self.kept, blocks * length) for rate in rates[self.coded]
        ]
        stored = self.coded.size * blocks * self.code.n_in + sum(corrections)
        return stored, self.recipe(network, sample)
