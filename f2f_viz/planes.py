"""One bit-plane: symbols found by the search, and corrections for the care bits they miss."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.corrections import coded_bits
from f2f_viz.network import XorNetwork
from f2f_viz.packing import pack_mask, pack_planes
from f2f_viz.trellis import TILE_BLOCKS, search_tiles

__all__ = ["Plane", "Progress", "encode_planes", "wrong_bits"]

Progress = Callable[[int, int], None]
Words = NDArray[np.uint64]

FIXED_RATE_WORTH = 0.1
"""Share of a plane's bits that its fixed rate is worth: a zero-rate plane must save more."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One encoded bit-plane.

    Attributes
    ----------
    inverted : bool
        The plane was mostly ones and is stored inverted.
    symbols : ndarray of uint16, shape (l,)
        One n_in-bit symbol a block.
    corrections : ndarray of int64, shape (mismatches,), increasing
        Positions t·n_out + i of the care bits that come out of the decoder wrong.
    zero_rate : bool
        All symbols are 0 and none is stored: zeros are what such a plane mostly holds, and its
        ones are corrections.
    """

    inverted: bool
    symbols: NDArray[np.uint16]
    corrections: NDArray[np.int64]
    zero_rate: bool = False


def wrong_bits(wrong: Words, n_out: int) -> NDArray[np.int64]:
    """List the ones of packed blocks.

    Parameters
    ----------
    wrong : ndarray of uint64, shape (l, words)
        For instance the care bits in which the decoder's output differs from the wanted bits.
    n_out : int

    Returns
    -------
    ndarray of int64, increasing
        Positions t·n_out + i.
    """
    block, word = np.nonzero(wrong)
    ones = np.unpackbits(wrong[block, word].astype("<u8").view(np.uint8), bitorder="little")
    at, bit = np.nonzero(ones.reshape(-1, 64))
    return (block[at] * n_out + word[at] * 64 + bit).astype(np.int64)


def encode_planes(
    words: NDArray[Any],
    care: NDArray[np.bool_],
    network: XorNetwork,
    planes: int,
    *,
    coding: str,
    zero_rate: bool,
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
    planes : int
        Bits of a word, b.
    coding : {"rank", "chunk"}
        How corrections are written (`corrections`).
    zero_rate : bool
        Store no symbols for a plane where that saves more than `FIXED_RATE_WORTH`.
    tile_blocks, threads, progress, cancel
        As in `trellis.search_tiles`.
    """
    n_out = network.n_out
    care_bits = pack_mask(care)
    bits = pack_planes(words, planes) & care_bits
    ones = np.bitwise_count(bits).sum(axis=(1, 2), dtype=np.int64)
    inverted = 2 * ones > int(np.bitwise_count(care_bits).sum())
    bits[inverted] ^= care_bits

    care_positions = np.flatnonzero(care)
    payload = len(words) * network.n_in
    worth = 1 - FIXED_RATE_WORTH

    def cost(plane: Plane) -> int:
        ranks = np.searchsorted(care_positions, plane.corrections)
        return coded_bits(ranks, plane.corrections, care.size, coding)

    zeros = np.zeros(len(words), np.uint16)
    without: dict[int, Plane] = {}
    if zero_rate:
        for p in range(planes):
            without[p] = Plane(bool(inverted[p]), zeros, wrong_bits(bits[p], n_out), True)
    cheap = {p: plane for p, plane in without.items() if cost(plane) <= worth * payload}
    searched = [p for p in range(planes) if p not in cheap]
    found = search_tiles(
        bits[searched], care_bits, network, tile_blocks=tile_blocks, threads=threads,
        progress=progress, cancel=cancel,
    )  # fmt: skip
    raw = network.decode_packed(found.symbols, tile_blocks)
    made = dict(cheap)
    for at, p in enumerate(searched):
        wrong = wrong_bits((raw[at] ^ bits[p]) & care_bits, n_out)
        made[p] = Plane(bool(inverted[p]), found.symbols[at], wrong)
        if p in without and cost(without[p]) <= worth * (payload + cost(made[p])):
            made[p] = without[p]
    return tuple(made[p] for p in range(planes))
