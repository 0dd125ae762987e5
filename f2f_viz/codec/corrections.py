"""Corrections: the care bits that the decoder gets wrong, listed and flipped after decoding.

Two codings, both exact and both counted to the bit:

* ``rank``: gaps between mismatches *counted in care bits*, Golomb–Rice coded
  (`rice`). The decoder knows the mask, so don't-cares cost nothing to skip.
* ``chunk``: the paper's. The plane is cut into chunks of 512 decoded bits; each mismatch costs a
  flag bit 1 and 9 bits of position, each chunk ends with a flag bit 0 (Park et al. 2022, section
  4 and appendix).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec import _coding
from f2f_viz.codec.rice import pack_rice, rice_bits, rice_cost, unpack_rice
from f2f_viz.errors import F2FError

__all__ = ["CHUNK_BITS", "CODINGS", "CorrectionCoding"]

CHUNK_BITS = 9

Positions = NDArray[np.int64]
Ranks = NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True)
class CorrectionCoding(Choice):
    """A way to write down the corrections of one plane.

    `ranks` (uint32) count corrections among the plane's care bits, ``positions()`` (int64) among
    all its `plane_bits` = l·n_out bits; shape (corrections,), increasing.

    Attributes
    ----------
    by_rank : bool
        What `unpack` gives: ranks, or positions.
    pack : callable
        ``pack(ranks, positions, plane_bits)`` gives the bytes (uint8, bit 0 first), the bits used
        without the padding of the last byte, and a parameter that `unpack` needs.
    unpack : callable
        ``unpack(packed, count, parameter, limit)`` inverts it; F2FError if the bytes do not hold
        `count` corrections, increasing and below `limit`.
    bits : callable
        ``bits(ranks, plane_bits)``: the bits that `pack` uses, without packing.
    expected_bits : callable
        ``expected_bits(rate, kept, plane_bits)``: their expectation where a share `rate` of `kept`
        care bits mismatches.
    """

    by_rank: bool
    pack: Callable[[Ranks, Callable[[], Positions], int], tuple[NDArray[np.uint8], int, int]]
    unpack: Callable[[NDArray[np.uint8], int, int, int], Ranks | Positions]
    bits: Callable[[Ranks, int], int]
    expected_bits: Callable[[float, int, int], float]


def _damaged(count: int) -> F2FError:
    return F2FError("damaged corrections", expected=f"{count} corrections", got="other bytes")


def _pack_ranks(
    ranks: Ranks, positions: Callable[[], Positions], plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    return pack_rice(ranks)


def _unpack_ranks(packed: NDArray[np.uint8], count: int, parameter: int, limit: int) -> Ranks:
    found = unpack_rice(packed, count, parameter, limit)
    if found is None:
        raise _damaged(count)
    return found


def _rank_bits(ranks: Ranks, plane_bits: int) -> int:
    return rice_cost(ranks)[1]


def _pack_chunks(
    ranks: Ranks, positions: Callable[[], Positions], plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    bits = _chunk_bits(ranks, plane_bits)
    packed = np.zeros(-(-bits // 8), np.uint8)
    _coding.chunk_pack(positions(), CHUNK_BITS, plane_bits, packed)
    return packed, bits, CHUNK_BITS


def _unpack_chunks(packed: NDArray[np.uint8], count: int, parameter: int, limit: int) -> Positions:
    if not 0 <= count <= min(8 * packed.size, limit):
        raise _damaged(count)
    found = np.empty(count, np.int64)
    if _coding.chunk_unpack(np.ascontiguousarray(packed), CHUNK_BITS, limit, found) < 0:
        raise _damaged(count)
    return found


def _chunk_bits(ranks: Ranks, plane_bits: int) -> int:
    return ranks.size * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS)


CODINGS = Choices(
    "coding",
    [
        CorrectionCoding(
            name="rank",
            label="Rank",
            help="Gaps between mismatches counted in care bits, Golomb–Rice coded.",
            cost="decoding them needs the mask",
            by_rank=True,
            pack=_pack_ranks,
            unpack=_unpack_ranks,
            bits=_rank_bits,
            expected_bits=lambda rate, kept, plane_bits: rate * kept * rice_bits(rate),
        ),
        CorrectionCoding(
            name="chunk",
            label="Chunk (the paper's)",
            help="The position of each mismatch in its chunk of 512 bits, and a flag bit a chunk.",
            cost="10 bits a correction, 1 a chunk",
            by_rank=False,
            pack=_pack_chunks,
            unpack=_unpack_chunks,
            bits=_chunk_bits,
            expected_bits=lambda rate, kept, plane_bits: (
                rate * kept * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS)
            ),
        ),
    ],
)
"""The known codings of corrections."""
