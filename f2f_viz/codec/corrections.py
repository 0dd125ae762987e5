"""Corrections: the care bits that the decoder gets wrong, listed and flipped after decoding.

Two codings, both exact and both counted to the bit:

* ``rank``: gaps between mismatches *counted in care bits*, Golomb–Rice coded (Golomb 1966; Rice
  1979): every quotient in unary, then every remainder in k bits. The decoder knows the mask, so
  don't-cares cost nothing to skip.
* ``chunk``: the paper's. The plane is cut into chunks of 512 decoded bits; each mismatch costs a
  flag bit 1 and 9 bits of position, each chunk ends with a flag bit 0 (Park et al. 2022, section
  4 and appendix).
"""

import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError

__all__ = [
    "CHUNK_BITS",
    "CODINGS",
    "coded_bits",
    "pack_corrections",
    "rice_bits",
    "unpack_corrections",
]

CODINGS = ("rank", "chunk")
CHUNK_BITS = 9
_MAX_RICE = 40

Positions = NDArray[np.int64]
Ranks = NDArray[np.uint32]


def _gaps(ranks: Ranks) -> Positions:
    at: Positions = ranks.astype(np.int64)
    return np.diff(at, prepend=-1) - 1


def _rice_parameter(gaps: Positions) -> int:
    """Return the k that codes `gaps` in the fewest bits."""
    costs = [int((gaps >> k).sum()) + gaps.size * (1 + k) for k in range(_MAX_RICE)]
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


def pack_corrections(
    ranks: Ranks, positions: Positions, plane_bits: int, coding: str
) -> tuple[NDArray[np.uint8], int, int]:
    """Code the corrections of one plane.

    Parameters
    ----------
    ranks : ndarray of uint32, shape (corrections,), increasing
        Mismatches counted among the plane's care bits, in block order.
    positions : ndarray of int64, the same shape
        The same mismatches counted among all the plane's bits.
    plane_bits : int
        All bits of the plane, l·n_out.
    coding : {"rank", "chunk"}

    Returns
    -------
    packed : ndarray of uint8
        Bytes, bit 0 first.
    bits : int
        Bits used, without the padding of the last byte.
    parameter : int
        Rice's k; 9 for ``chunk``.
    """
    if coding == "rank":
        gaps = _gaps(ranks)
        k = _rice_parameter(gaps)
        unary_ends = np.cumsum((gaps >> k) + 1)
        unary = np.zeros(int(unary_ends[-1]) if gaps.size else 0, np.uint8)
        unary[unary_ends - 1] = 1
        stream = np.concatenate([unary, _bits_of(gaps & ((1 << k) - 1), k)])
    else:
        k = CHUNK_BITS
        chunks = -(-plane_bits >> k)
        # every correction opens with 1, every chunk closes with 0
        starts = positions.size and np.arange(positions.size) * (k + 1) + (positions >> k)
        stream = np.zeros(positions.size * (k + 1) + chunks, np.uint8)
        if positions.size:
            offsets = np.asarray(starts)[:, None] + np.arange(k + 1)
            digits = _bits_of(positions & ((1 << k) - 1), k).reshape(-1, k)
            stream[offsets] = np.concatenate([np.ones((len(digits), 1), np.uint8), digits], axis=1)
    return np.packbits(stream, bitorder="little"), stream.size, k


def unpack_corrections(
    packed: NDArray[np.uint8], count: int, parameter: int, coding: str, plane_bits: int
) -> Positions:
    """Invert `pack_corrections`.

    Parameters
    ----------
    packed : ndarray of uint8
    count : int
        Number of corrections.
    parameter : int
        Rice's k.
    coding : {"rank", "chunk"}
    plane_bits : int
        All bits of the plane, l·n_out.

    Returns
    -------
    ndarray of int64, shape (count,)
        Ranks for ``rank``, positions for ``chunk``.

    Raises
    ------
    F2FError
        If the bytes do not hold `count` corrections.
    """
    bits = np.unpackbits(packed, bitorder="little")
    damaged = F2FError("damaged corrections", expected=f"{count} corrections", got="other bytes")
    if coding == "chunk":
        found: list[int] = []
        at = 0
        for chunk in range(-(-plane_bits >> CHUNK_BITS)):
            if at >= bits.size:
                raise damaged
            while at < bits.size and bits[at]:
                digits = bits[at + 1 : at + 1 + CHUNK_BITS]
                if digits.size < CHUNK_BITS or len(found) == count:
                    raise damaged
                found.append((chunk << CHUNK_BITS) + int(_values_of(digits, CHUNK_BITS)[0]))
                at += 1 + CHUNK_BITS
            at += 1
        if len(found) != count:
            raise damaged
        return np.array(found, np.int64)
    if not 0 <= parameter < _MAX_RICE:
        raise damaged
    ones = np.flatnonzero(bits)[:count]
    if ones.size < count:
        raise damaged
    if not count:
        return np.empty(0, np.int64)
    start = int(ones[-1]) + 1
    tail = bits[start : start + count * parameter]
    if tail.size < count * parameter:
        raise damaged
    low = _values_of(tail, parameter) if parameter else np.zeros(count, np.int64)
    gaps = ((np.diff(ones, prepend=-1) - 1) << parameter) | low
    return np.cumsum(gaps + 1) - 1


def coded_bits(ranks: Ranks, positions: Positions, plane_bits: int, coding: str) -> int:
    """Return the bits that `pack_corrections` uses, without packing them."""
    if coding == "chunk":
        return int(positions.size * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS))
    gaps = _gaps(ranks)
    k = _rice_parameter(gaps)
    return int((gaps >> k).sum()) + gaps.size * (1 + k)
