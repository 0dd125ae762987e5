"""One bit-plane: symbols found by the search, and corrections for the care bits they miss."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _decode
from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.census import Census
from f2f_viz.codec.corrections import CorrectionCoding
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask, pack_planes
from f2f_viz.codec.trellis import TILE_BLOCKS, search_tiles
from f2f_viz.errors import Progress, stop_if

__all__ = ["Plane", "PlanePlan", "encode_planes", "plan_planes", "wanted_bits"]

Words = NDArray[np.uint64]

_AT_ONCE = 1 << 20  # weights encoded at a time
SKEWED = 0.9
"""A plane whose ones, as corrections, take at most this many bits a care bit needs no symbols.

Symbols take about one bit a care bit; at a fixed rate, which is worth something to a decoder."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One encoded bit-plane.

    Attributes
    ----------
    inverted : bool
        The plane was mostly ones and is stored inverted.
    symbols : ndarray of uint16, shape (l,)
        One n_in-bit symbol a block.
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


def ranks_of(ones: Words, care: Words, before: NDArray[np.int64]) -> NDArray[np.uint32]:
    """List ones of packed blocks, counted among the care bits.

    Parameters
    ----------
    ones, care : ndarray of uint64, shape (l, words)
        All ones are care bits.
    before : ndarray of int64, shape (l, words)
        Care bits before each word.
    """
    ranks = np.empty(int(np.bitwise_count(ones).sum(dtype=np.int64)), np.uint32)
    _decode.care_ranks(ones, care, before, ranks)
    return ranks


@dataclass(frozen=True, eq=False)
class PlanePlan:
    """How to store each plane, from its share of ones alone.

    Attributes
    ----------
    ones : ndarray of int64, shape (b,)
        Ones among the care bits of each plane.
    inverted, zero_rate : ndarray of bool, shape (b,)
        As in `Plane`.
    """

    ones: NDArray[np.int64]
    inverted: NDArray[np.bool_]
    zero_rate: NDArray[np.bool_]


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
    ones, count = found.ones, found.kept
    inverted = 2 * ones > count
    if coding is None:
        return PlanePlan(ones, inverted, np.zeros(ones.size, bool))
    nothing = coding.expected_bits(0.0, count, size)  # what a plane costs with symbols, too
    rarer = np.minimum(ones, count - ones) / max(count, 1)
    listed = np.array([coding.expected_bits(share, count, size) - nothing for share in rarer])
    return PlanePlan(ones, inverted, listed <= SKEWED * count)


def wanted_bits(
    words: NDArray[Any], care_bits: NDArray[np.uint64], plan: PlanePlan
) -> NDArray[np.uint64]:
    """Return the packed bits that the decoder is to give, zero where nothing is cared for.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (blocks, n_out)
    care_bits : ndarray of uint64, shape (blocks, ceil(n_out / 64))
    plan : PlanePlan

    Returns
    -------
    ndarray of uint64, shape (b, blocks, ceil(n_out / 64))
    """
    bits = pack_planes(words, plan.ones.size) & care_bits
    bits[plan.inverted] ^= care_bits
    return bits


def encode_planes(
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
) -> tuple[Plane, ...]:
    """Encode the bit-planes of a layer, some tiles at a time: memory does not grow with it.

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
    blocks, searched = layout.blocks, np.flatnonzero(~plan.zero_rate)
    symbols = np.zeros((plan.ones.size, blocks), np.uint16)
    wrong: list[list[NDArray[np.uint32]]] = [[np.empty(0, np.uint32)] for _ in plan.ones]
    step = max(_AT_ONCE // (tile_blocks * layout.n_out), 1) * tile_blocks
    total, kept = -(-blocks // tile_blocks) * searched.size, 0
    for start in range(0, blocks, step):
        chosen = np.arange(start, min(start + step, blocks))
        before = start // tile_blocks * searched.size

        def told(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        care_bits = pack_mask(layout.gather(mask, chosen))
        bits = wanted_bits(words.gather(layout, chosen), care_bits, plan)
        if network.is_plain:
            own = bits[searched, :, 0].astype(np.uint16)
        else:
            own = search_tiles(
                bits[searched], care_bits, network, tile_blocks=tile_blocks, threads=threads,
                progress=told, cancel=cancel,
            ).symbols  # fmt: skip
        symbols[searched, start : start + chosen.size] = own
        counts = np.bitwise_count(care_bits).astype(np.int64)
        care_before = (np.cumsum(counts) - counts.reshape(-1)).reshape(counts.shape) + kept
        kept += int(counts.sum())
        for p, found in zip(searched, own, strict=True):
            bits[p] ^= network.decode_packed(found[None], tile_blocks)[0] & care_bits
        for ranks, missed in zip(wrong, bits, strict=True):
            stop_if(cancel)
            ranks.append(ranks_of(missed, care_bits, care_before))
    return tuple(
        Plane(bool(inverted), own, np.concatenate(ranks), bool(zero_rate))
        for inverted, own, ranks, zero_rate in zip(
            plan.inverted, symbols, wrong, plan.zero_rate, strict=True
        )
    )
