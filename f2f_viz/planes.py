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

SKEWED = 0.9
"""A plane whose ones, as corrections, take at most this many bits a care bit needs no symbols.

Symbols take about one bit a care bit, at a fixed rate, which is worth something to a decoder."""


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
        Store no symbols for a plane that is `SKEWED` enough.
    tile_blocks, threads, progress, cancel
        As in `trellis.search_tiles`.
    """
    n_out = network.n_out
    care_bits = pack_mask(care)
    bits = pack_planes(words, planes) & care_bits
    ones = np.bitwise_count(bits).sum(axis=(1, 2), dtype=np.int64)
    inverted = 2 * ones > int(np.bitwise_count(care_bits).sum())
    bits[inverted] ^= care_bits

    made: dict[int, Plane] = {}
    if zero_rate:
        care_positions = np.flatnonzero(care)
        zeros = np.zeros(len(words), np.uint16)
        for p in range(planes):
            wrong = wrong_bits(bits[p], n_out)
            ranks = np.searchsorted(care_positions, wrong)
            if coded_bits(ranks, wrong, care.size, coding) <= SKEWED * care_positions.size:
                made[p] = Plane(bool(inverted[p]), zeros, wrong, zero_rate=True)
    searched = [p for p in range(planes) if p not in made]
    found = search_tiles(
        bits[searched], care_bits, network, tile_blocks=tile_blocks, threads=threads,
        progress=progress, cancel=cancel,
    )  # fmt: skip
    raw = network.decode_packed(found.symbols, tile_blocks)
    for at, p in enumerate(searched):
        wrong = wrong_bits((raw[at] ^ bits[p]) & care_bits, n_out)
        made[p] = Plane(bool(inverted[p]), found.symbols[at], wrong)
    return tuple(made[p] for p in range(planes))
