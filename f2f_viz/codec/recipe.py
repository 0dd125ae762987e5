"""The decoder that stores the fewest bits: how long a block, and whether to code at all.

A longer block has fewer symbols and more mismatches. At floor(n_in / (1 − S)) symbols take one bit
per care bit, but the sum of symbols and corrections is least at somewhat longer blocks: on random
bits at S = 0.9, n_in = 8 and n_s = 2 it falls from 1.045 bits per care bit to 1.027 at 1.1 times
the length. It hardly falls further, and ever more of it would be corrections, so longer blocks than
`LENGTHS` are not tried. Where little is pruned, the sum can exceed the planes
themselves; they are then stored plainly (`XorNetwork.plain`). Planes that have symbols are alike,
so one decoder serves them all.
"""

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import dtype_name, to_words
from f2f_viz.codec.blocks import MAX_N_OUT, Layout, default_n_out, fewest_blocks
from f2f_viz.codec.census import census
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.exponent_ranks import CodedWords, rank_table
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import PlanePlan, SearchedPlanes, plan_planes, search_planes
from f2f_viz.codec.sampling import Sample, sample_mismatches
from f2f_viz.codec.trellis import search_seconds

__all__ = ["LENGTHS", "Recipe", "make_recipe"]

LENGTHS = (1.0, 1.05, 1.1, 1.2)
"""Block lengths worth a trial, as multiples of the paper's."""

TRIAL_SECONDS = 0.03
"""CPU time of the sample that a length is tried by; what takes less is tried whole."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that is decided of a layer before its symbols are searched.

    Attributes
    ----------
    code : Code
        What was asked for; in row order where planes are stored plainly.
    words : CodedWords
        Their bits are the planes.
    plan : PlanePlan
    network : XorNetwork
    layout : Layout
    found : SearchedPlanes or None
        Where blocks of this length were tried on the whole layer: what came of it.
    sample : Sample or None
        Where they were tried on a sample of it.
    """

    code: Code
    words: CodedWords
    plan: PlanePlan
    network: XorNetwork
    layout: Layout
    found: SearchedPlanes | None = None
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
    layer = _Layer.of(weights, mask, code, threads)
    paper = default_n_out(code.n_in, layer.plan.kept, mask.size)
    if network is not None:
        return layer.recipe(network)
    plain = XorNetwork.plain(code.n_in, code.n_s)
    if code.n_out is None and code.plain and not layer.coded.size:
        return layer.recipe(plain)  # no symbol needs a matrix
    nothing_to_fit = not layer.plan.kept or not layer.coded.size
    if code.n_out is not None or nothing_to_fit or not (code.fit_n_out or code.plain):
        return layer.recipe(code.network(code.n_out or paper))
    lengths = layer.lengths(paper) if code.fit_n_out else [paper]
    stored, best = layer.least(lengths, threads, cancel)
    if code.plain and stored >= layer.plain_bits:
        return layer.recipe(plain)
    return best


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer as its recipe is made: parts that all block lengths share."""

    code: Code
    shape: tuple[int, ...]
    words: CodedWords
    flat: NDArray[np.bool_]
    plan: PlanePlan

    @classmethod
    def of(
        cls, weights: NDArray[Any], mask: NDArray[np.bool_], code: Code, threads: int | None
    ) -> "_Layer":
        dtype, flat = dtype_name(weights.dtype), mask.reshape(-1)
        words, ranks = to_words(weights), None
        found = census(words, flat, dtype, threads)
        if code.recode:
            ranks = rank_table(found.values)
            found = found.with_ranks(ranks, dtype)
        coding = CODINGS[code.coding] if code.zero_rate else None
        plan = plan_planes(found, flat.size, coding)
        return cls(code, weights.shape, CodedWords(words, dtype, ranks), flat, plan)

    @property
    def coded(self) -> NDArray[np.int64]:
        """Planes that have symbols."""
        return self.plan.searched

    @property
    def plain_bits(self) -> int:
        """Bits of those planes stored as they are."""
        n_in = self.code.n_in
        return self.coded.size * fewest_blocks(self.shape, n_in) * n_in

    def recipe(self, network: XorNetwork) -> Recipe:
        # planes that are stored as they are need no order that evens blocks out
        code = replace(self.code, order="row") if network.is_plain else self.code
        layout = Layout(self.shape, network.n_out, code.order)
        return Recipe(code, self.words, self.plan, network, layout)

    def lengths(self, paper: int) -> list[int]:
        """Block lengths worth a trial."""
        most = min(MAX_N_OUT, max(paper, self.flat.size))  # one that holds the layer is enough
        return sorted({min(int(paper * by), most) for by in LENGTHS})

    def least(
        self, lengths: list[int], threads: int | None, cancel: threading.Event | None
    ) -> tuple[float, Recipe]:
        """Return the fewest bits that blocks of one of these lengths store, and their recipe.

        What is stored falls with the length and then rises, and mostly still falls at the longest:
        trials go down from there until one stores no less.
        """
        *shorter, longest = lengths
        best = self.tried(longest, threads, cancel)
        for length in reversed(shorter):
            trial = self.tried(length, threads, cancel)
            if trial[0] >= best[0]:
                break
            best = trial
        return best

    def tried(
        self, length: int, threads: int | None, cancel: threading.Event | None
    ) -> tuple[float, Recipe]:
        """Return what blocks of a length store, in bits, and their recipe."""
        recipe = self.recipe(self.code.network(length))
        network, layout = recipe.network, recipe.layout  # a small matrix may happen to be plain
        blocks = layout.blocks
        whole = search_seconds(network.n_in, network.n_s, blocks, self.coded.size)
        sample = found = None
        if whole > TRIAL_SECONDS:
            sample = sample_mismatches(
                self.words, self.flat, layout, network, self.plan,
                seconds=min(TRIAL_SECONDS, whole / 2), threads=threads, cancel=cancel,
            )  # fmt: skip
        if sample is not None:
            rates = sample.rates
        else:
            found = search_planes(
                self.words, self.flat, layout, network, self.plan, threads=threads, cancel=cancel
            )
            rates = found.mismatches / self.plan.kept
        coding = CODINGS[self.code.coding]
        corrections = [
            coding.expected_bits(rate, self.plan.kept, blocks * length)
            for rate in rates[self.coded]
        ]
        stored = self.coded.size * blocks * self.code.n_in + sum(corrections)
        return stored, replace(recipe, found=found, sample=sample)
