"""One bit-plane: symbols found by the search, and corrections for the care bits they miss."""

import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.census import Census
from f2f_viz.codec.corrections import CorrectionCoding
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.kept_words import KeptWords, kept_words, ones_by_plane
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.trellis import TILE_BLOCKS, search_tiles
from f2f_viz.codec.word_decoder import CodedPlanes, decode_blocks
from f2f_viz.errors import Progress, stop_if

__all__ = [
    "Plane",
    "PlanePlan",
    "SearchedPlanes",
    "corrected_planes",
    "encode_planes",
    "plan_planes",
    "search_planes",
]

_AT_ONCE = 1 << 20  # weights searched at a time
_EVEN = 0.05
"""A plane whose share of ones is this near ½ is as good as random: h(0.45) = 0.993."""
SKEWED = 0.9
"""A plane whose ones, as corrections, take at most this many bits per care bit needs no symbols.

Symbols take about one bit per care bit; at a fixed rate, which is worth something to a decoder."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One encoded bit-plane.

    Attributes
    ----------
    inverted : bool
        The plane was mostly ones and is stored inverted.
    symbols : ndarray of uint16, shape (l,)
        One n_in-bit symbol per block.
    corrections : ndarray of uint32, shape (mismatches,), increasing
        Ranks of the care bits that come out of the decoder wrong, 0 being the plane's first care
        bit; `Encoded.positions` tells where they are.
    zero_rate : bool
        All symbols are 0 and none is stored: zeros are what such a plane mostly holds, and its
        ones are corrections.
    """

    inverted: bool
    symbols: NDArray[np.uint16]
    corrections: NDArray[np.uint32]
    zero_rate: bool = False


@dataclass(frozen=True, eq=False)
class PlanePlan:
    """How to store each plane, from its share of ones alone.

    Attributes
    ----------
    kept : int
        Kept weights: care bits of each plane.
    ones : ndarray of int64, shape (b,)
        Those of them that are ones.
    inverted, zero_rate : ndarray of bool, shape (b,)
        As in `Plane`.
    """

    kept: int
    ones: NDArray[np.int64]
    inverted: NDArray[np.bool_]
    zero_rate: NDArray[np.bool_]

    @cached_property
    def searched(self) -> NDArray[np.int64]:
        """Planes that have symbols."""
        return np.flatnonzero(~self.zero_rate)

    @property
    def even(self) -> NDArray[np.bool_]:
        """Which of them are as good as random, and so share one mismatch rate, as one mask."""
        even: NDArray[np.bool_] = np.abs(self.ones / max(self.kept, 1) - 0.5) < _EVEN
        return even & ~self.zero_rate

    @property
    def bits(self) -> NDArray[np.int64]:
        """Which bit of a word each plane is."""
        return np.arange(self.ones.size)[::-1]

    def wanted(self, kept: KeptWords) -> KeptWords:
        """Return what the decoder is to give before corrections: inverted planes inverted."""
        flip = sum(1 << int(bit) for bit in self.bits[self.inverted])
        return replace(kept, words=kept.words ^ kept.words.dtype.type(flip))


def plan_planes(found: Census, size: int, coding: CorrectionCoding | None) -> PlanePlan:
    """Decide which planes to invert and which need no symbols.

    Parameters
    ----------
    found : Census
        Of the words whose bits are the planes.
    size : int
        All weights.
    coding : CorrectionCoding or None
        What lists the ones of planes that go without symbols; None: none may.
    """
    count, ones = found.kept, found.ones
    inverted = 2 * ones > count
    if coding is None:
        return PlanePlan(count, ones, inverted, np.zeros(ones.size, bool))
    nothing = coding.expected_bits(0.0, count, size)  # what a plane costs with symbols, too
    rarer = np.minimum(ones, count - ones) / max(count, 1)
    listed = np.array([coding.expected_bits(share, count, size) - nothing for share in rarer])
    return PlanePlan(count, ones, inverted, listed <= SKEWED * count)


@dataclass(frozen=True, eq=False)
class SearchedPlanes:
    """What the search found.

    Attributes
    ----------
    kept : KeptWords
        What the decoder is to give.
    symbols : ndarray of uint16, shape (b, l)
    mismatches : ndarray of int64, shape (b,)
        Care bits that come out wrong, of the planes that have symbols.
    seconds : float
        CPU time of the search.
    """

    kept: KeptWords
    symbols: NDArray[np.uint16]
    mismatches: NDArray[np.int64]
    seconds: float


def search_planes(
    words: CodedWords,
    mask: NDArray[np.bool_],
    layout: Layout,
    network: XorNetwork,
    plan: PlanePlan,
    *,
    tile_blocks: int = TILE_BLOCKS,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> SearchedPlanes:
    """Search the symbols of a layer, some tiles at a time: memory does not grow with it.

    Parameters
    ----------
    words : CodedWords
    mask : ndarray of bool, shape (size,)
    layout : Layout
    network : XorNetwork
    plan : PlanePlan
    tile_blocks, threads, progress, cancel
        As in `trellis.search_tiles`.
    """
    kept = plan.wanted(kept_words(words, mask, layout, threads=threads))
    blocks, searched = layout.blocks, plan.searched
    symbols = np.zeros((plan.ones.size, blocks), np.uint16)
    mismatches, cpu = np.zeros(plan.ones.size, np.int64), list[float]()
    step = max(_AT_ONCE // (tile_blocks * layout.n_out), 1) * tile_blocks
    total = -(-blocks // tile_blocks) * searched.size
    for start in range(0, blocks, step):
        own, before = kept.part(start, min(start + step, blocks)), start // tile_blocks
        bits = own.planes(plan.bits[searched], threads)
        if network.is_plain:
            symbols[searched, start : start + len(own.rows)] = bits[:, :, 0]
            continue

        def told(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before * searched.size + done, total)

        found = search_tiles(
            bits, own.rows, network, tile_blocks=tile_blocks, threads=threads, progress=told,
            cancel=cancel, cpu=cpu,
        )  # fmt: skip
        symbols[searched, start : start + len(own.rows)] = found.symbols
        mismatches[searched] += found.mismatches.sum(axis=1)
    stop_if(cancel)
    return SearchedPlanes(kept, symbols, mismatches, sum(cpu))


def corrected_planes(
    found: SearchedPlanes, network: XorNetwork, plan: PlanePlan, *, tile_blocks: int = TILE_BLOCKS
) -> tuple[Plane, ...]:
    """Return the planes: their symbols, and the corrections that these need."""
    kept, symbols = found.kept, found.symbols
    missed = kept.words ^ _before_corrections(kept, network, symbols, plan, tile_blocks)
    return tuple(
        Plane(bool(inverted), own, wrong, bool(zero_rate))
        for inverted, own, wrong, zero_rate in zip(
            plan.inverted, symbols, ones_by_plane(missed, plan.bits), plan.zero_rate, strict=True
        )
    )


def encode_planes(
    words: CodedWords,
    mask: NDArray[np.bool_],
    layout: Layout,
    network: XorNetwork,
    plan: PlanePlan,
    **options: Any,
) -> tuple[Plane, ...]:
    """Encode the bit-planes of a layer; parameters as of `search_planes`."""
    found = search_planes(words, mask, layout, network, plan, **options)
    tile_blocks = options.get("tile_blocks", TILE_BLOCKS)
    return corrected_planes(found, network, plan, tile_blocks=tile_blocks)


def _before_corrections(
    kept: KeptWords,
    network: XorNetwork,
    symbols: NDArray[np.uint16],
    plan: PlanePlan,
    tile_blocks: int,
) -> NDArray[Any]:
    """Decode the kept words, planes still inverted and nothing corrected."""
    none = np.empty(0, np.uint32)
    planes = CodedPlanes(
        network,
        [None if zero else own for zero, own in zip(plan.zero_rate, symbols, strict=True)],
        [none] * plan.ones.size,
        [False] * plan.ones.size,
        kept.words.dtype,
        tile_blocks,
    )
    return decode_blocks(planes, kept.rows, kept.start)
