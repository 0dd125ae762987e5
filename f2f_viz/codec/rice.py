"""Golomb–Rice coding of increasing numbers, such as corrections and kept weights.

The gaps between them: every quotient by 2^k in unary, then every remainder in k bits (Golomb 1966;
Rice 1979). Split like that, both parts unpack by vectors.
"""

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _coding
from f2f_viz.codec.instruction_set import decoding_set

__all__ = ["LIMIT", "pack_rice", "rice_bits", "rice_cost", "unpack_rice"]

LIMIT = 1 << 32
"""Numbers are below."""

Numbers = NDArray[np.uint32]


def rice_bits(rate: float) -> float:
    """Expected bits of one number where a share `rate` of all numbers below a limit is coded.

    The gaps are then geometric: E[bits] = 1 + k + q/(1 − q) with q = (1 − rate)^(2^k), at the
    best k.
    """
    if rate <= 0:
        return 0.0
    if rate >= 1:
        return 1.0
    least = float("inf")
    for k in range(_coding.RICE_MOST + 1):
        q = (1.0 - rate) ** (1 << k)
        bits = 1 + k + q / max(1 - q, 1e-300)
        if bits >= least:  # they fall to the best k and rise from there
            break
        least = bits
    return least


def rice_cost(numbers: Numbers) -> tuple[int, int]:
    """Return the k that codes `numbers` in the fewest bits, and those bits."""
    return _coding.rice_bits(np.ascontiguousarray(numbers))


def pack_rice(numbers: Numbers) -> tuple[NDArray[np.uint8], int, int]:
    """Code increasing numbers.

    Returns
    -------
    packed : ndarray of uint8
        Bit 0 first.
    bits : int
    k : int
    """
    numbers = np.ascontiguousarray(numbers)
    k, bits = _coding.rice_bits(numbers)
    packed = np.zeros(-(-bits // 8), np.uint8)
    _coding.rice_pack(numbers, k, packed)
    return packed, bits, k


def unpack_rice(
    packed: NDArray[np.uint8], count: int, k: int, limit: int
) -> tuple[Numbers, int] | None:
    """Invert `pack_rice`.

    Parameters
    ----------
    packed : ndarray of uint8
        May be longer.
    count, k : int
    limit : int
        All numbers are below, at most `LIMIT`.

    Returns
    -------
    numbers : ndarray of uint32, shape (count,)
    bits : int
        That they took. None in place of both where the bytes hold no such numbers.
    """
    if not (0 <= k <= _coding.RICE_MOST and 0 <= count <= min(8 * packed.size, limit)):
        return None
    numbers = np.empty(count, np.uint32)
    if not count:
        return numbers, 0
    bits = _coding.rice_unpack(np.ascontiguousarray(packed), k, limit, numbers, decoding_set())
    return None if bits < 0 else (numbers, bits)
