"""One bit-plane: symbols found by the search, and corrections for the care bits they miss."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _decode
from f2f_viz.codec.corrections import CorrectionCoding
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask, pack_planes
from f2f_viz.codec.trellis import TILE_BLOCKS, search_tiles
from f2f_viz.errors import Progress, stop_if

__all__ = ["Plane", "PlanePlan", "encode_planes", "plan_planes", "wanted_bits"]

Words = NDArray[np.uint64]

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


def plan_planes(
    kept: NDArray[Any], planes: int, size: int, coding: CorrectionCoding | None
) -> PlanePlan:
    """Decide which planes to invert and which need no symbols.

    Parameters
    ----------
    kept : ndarray of unsigned words, shape (kept,)
    planes : int
        Bits of a word, b.
    size : int
        All weights.
    coding : CorrectionCoding or None
        What lists the ones of planes that go without symbols; None: none may.
    """
    bits = np.unpackbits(kept.view(np.uint8), bitorder="little").reshape(
        kept.size, 8 * kept.itemsize
    )
    ones = bits.sum(axis=0, dtype=np.int64)[:planes][::-1]
    inverted = 2 * ones > kept.size
    if coding is None:
        return PlanePlan(ones, inverted, np.zeros(planes, bool))
    count = kept.size
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
    words: NDArray[Any],
    care: NDArray[np.bool_],
    network: XorNetwork,
    plan: PlanePlan,
    *,
    tile_blocks: int = TILE_BLOCKS,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Plane, ...]:
    """Encode the bit-planes of blocked weights.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (blocks, n_out)
    care : ndarray of bool, shape (blocks, n_out)
    network : XorNetwork
    plan : PlanePlan
    tile_blocks, threads, progress, cancel
        As in `trellis.search_tiles`.
    """
    care_bits = pack_mask(care)
    bits = wanted_bits(words, care_bits, plan)
    searched = np.flatnonzero(~plan.zero_rate)
    symbols = np.zeros((plan.ones.size, len(words)), np.uint16)
    if network.is_plain:
        symbols[searched] = bits[searched, :, 0]
    else:
        symbols[searched] = search_tiles(
            bits[searched], care_bits, network, tile_blocks=tile_blocks, threads=threads,
            progress=progress, cancel=cancel,
        ).symbols  # fmt: skip
    stop_if(cancel)
    bits[searched] ^= network.decode_packed(symbols[searched], tile_blocks) & care_bits
    counts = np.bitwise_count(care_bits).astype(np.int64).reshape(-1)
    before = (np.cumsum(counts) - counts).reshape(care_bits.shape)
    found = []
    for inverted, own, wrong, zero_rate in zip(
        plan.inverted, symbols, bits, plan.zero_rate, strict=True
    ):
        stop_if(cancel)
        ranks = ranks_of(wrong, care_bits, before)
        found.append(Plane(bool(inverted), own, ranks, bool(zero_rate)))
    return tuple(found)
