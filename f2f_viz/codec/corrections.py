"""Corrections: the care bits that the decoder gets wrong, listed and flipped after decoding.

Two codings, both exact and both counted to the bit:

* ``rank``: gaps between mismatches *counted in care bits*, Golomb–Rice coded (Golomb 1966; Rice
  1979): every quotient in unary, then every remainder in k bits. The decoder knows the mask, so
  don't-cares cost nothing to skip.
* ``chunk``: the paper's. The plane is cut into chunks of 512 decoded bits; each mismatch costs a
  flag bit 1 and 9 bits of position, each chunk ends with a flag bit 0 (Park et al. 2022, section
  4 and appendix).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError

__all__ = ["CHUNK_BITS", "CODINGS", "CorrectionCoding", "rice_bits"]

CHUNK_BITS = 9
_MAX_RICE = 40

Positions = NDArray[np.int64]
Ranks = NDArray[np.uint32]


def _gaps(ranks: Ranks) -> Positions:
    at: Positions = ranks.astype(np.int64)
    return np.diff(at, prepend=-1) - 1


def _rice_parameter(gaps: Positions) -> int:
    """Return the k that codes `gaps` in the fewest bits."""
    most = int(gaps.max()).bit_length() + 1 if gaps.size else 1  # larger ones only cost more
    costs = [int((gaps >> k).sum()) + gaps.size * (1 + k) for k in range(min(most, _MAX_RICE))]
    return int(np.argmin(costs))


def rice_bits(rate: float) -> float:
    """Expected bits of one correction when a share `rate` of care bits mismatches.

    The gaps are then geometric: E[bits] = 1 + k + q/(1 − q) with q = (1 − rate)^(2^k), at the
    best k.
    """
    if rate <= 0:
        return 0.0
    if rate >= 1:
        return 1.0
    q = (1.0 - rate) ** (2.0 ** np.arange(_MAX_RICE))
    return float(np.min(1 + np.arange(_MAX_RICE) + q / np.maximum(1 - q, 1e-300)))


def _bits_of(values: Positions, width: int) -> NDArray[np.uint8]:
    """Write each value in `width` bits, least significant first."""
    return ((values[:, None] >> np.arange(width)) & 1).astype(np.uint8).reshape(-1)


def _values_of(bits: NDArray[np.uint8], width: int) -> Positions:
    digits = bits.reshape(-1, width).astype(np.int64)
    return (digits << np.arange(width)).sum(axis=1, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class CorrectionCoding(Choice):
    """A way to write down the corrections of one plane.

    Corrections are given twice: `ranks` (uint32) count them among the plane's care bits,
    `positions` (int64) among all its `plane_bits` = l·n_out bits; shape (corrections,), increasing.

    Attributes
    ----------
    by_rank : bool
        What `unpack` gives: ranks, or positions.
    pack : callable
        ``pack(ranks, positions, plane_bits)`` gives the bytes (uint8, bit 0 first), the bits used
        without the padding of the last byte, and a parameter that `unpack` needs.
    unpack : callable
        ``unpack(packed, count, parameter, plane_bits)`` inverts it; F2FError if the bytes do not
        hold `count` corrections.
    bits : callable
        ``bits(ranks, positions, plane_bits)``: the bits that `pack` uses, without packing.
    expected_bits : callable
        ``expected_bits(rate, kept, plane_bits)``: their expectation where a share `rate` of `kept`
        care bits mismatches.
    """

    by_rank: bool
    pack: Callable[[Ranks, Positions, int], tuple[NDArray[np.uint8], int, int]]
    unpack: Callable[[NDArray[np.uint8], int, int, int], Positions]
    bits: Callable[[Ranks, Positions, int], int]
    expected_bits: Callable[[float, int, int], float]


def _damaged(count: int) -> F2FError:
    return F2FError("damaged corrections", expected=f"{count} corrections", got="other bytes")


def _pack_ranks(
    ranks: Ranks, positions: Positions, plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    gaps = _gaps(ranks)
    k = _rice_parameter(gaps)
    unary_ends = np.cumsum((gaps >> k) + 1)
    unary = np.zeros(int(unary_ends[-1]) if gaps.size else 0, np.uint8)
    unary[unary_ends - 1] = 1
    stream = np.concatenate([unary, _bits_of(gaps & ((1 << k) - 1), k)])
    return np.packbits(stream, bitorder="little"), stream.size, k


def _unpack_ranks(
    packed: NDArray[np.uint8], count: int, parameter: int, plane_bits: int
) -> Positions:
    if not 0 <= parameter < _MAX_RICE:
        raise _damaged(count)
    bits = np.unpackbits(packed, bitorder="little")
    ones = np.flatnonzero(bits)[:count]
    if ones.size < count:
        raise _damaged(count)
    if not count:
        return np.empty(0, np.int64)
    start = int(ones[-1]) + 1
    tail = bits[start : start + count * parameter]
    if tail.size < count * parameter:
        raise _damaged(count)
    low = _values_of(tail, parameter) if parameter else np.zeros(count, np.int64)
    gaps = ((np.diff(ones, prepend=-1) - 1) << parameter) | low
    return np.cumsum(gaps + 1) - 1


def _rank_bits(ranks: Ranks, positions: Positions, plane_bits: int) -> int:
    gaps = _gaps(ranks)
    k = _rice_parameter(gaps)
    return int((gaps >> k).sum()) + gaps.size * (1 + k)


def _pack_chunks(
    ranks: Ranks, positions: Positions, plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    k = CHUNK_BITS
    stream = np.zeros(_chunk_bits(ranks, positions, plane_bits), np.uint8)
    if positions.size:
        # every correction opens with 1, every chunk closes with 0
        starts = np.arange(positions.size) * (k + 1) + (positions >> k)
        digits = _bits_of(positions & ((1 << k) - 1), k).reshape(-1, k)
        opened = np.concatenate([np.ones((len(digits), 1), np.uint8), digits], axis=1)
        stream[starts[:, None] + np.arange(k + 1)] = opened
    return np.packbits(stream, bitorder="little"), stream.size, k


def _unpack_chunks(
    packed: NDArray[np.uint8], count: int, parameter: int, plane_bits: int
) -> Positions:
    bits = np.unpackbits(packed, bitorder="little")
    found: list[int] = []
    at = 0
    for chunk in range(-(-plane_bits >> CHUNK_BITS)):
        if at >= bits.size:
            raise _damaged(count)
        while at < bits.size and bits[at]:
            digits = bits[at + 1 : at + 1 + CHUNK_BITS]
            if digits.size < CHUNK_BITS or len(found) == count:
                raise _damaged(count)
            found.append((chunk << CHUNK_BITS) + int(_values_of(digits, CHUNK_BITS)[0]))
            at += 1 + CHUNK_BITS
        at += 1
    if len(found) != count:
        raise _damaged(count)
    return np.array(found, np.int64)


def _chunk_bits(ranks: Ranks, positions: Positions, plane_bits: int) -> int:
    return int(positions.size * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS))


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
