"""Whole numbers, flags and columns of numbers as bytes, as the headers of .f2f files hold them.

A number takes seven bits a byte (LEB128), so that a small one takes one byte. A column holds one
for each plane; neighbours are alike, so what is written is how each differs from the one before, in
as many bits as that needs (an exponential Golomb code: Teuhola 1978).
"""

from itertools import pairwise

from f2f_viz.errors import F2FError

__all__ = ["Reader", "column", "flags", "number"]

_MOST = 63
"""Bits of a number."""


def number(value: int) -> bytes:
    """Write a whole number, seven bits a byte, the lowest first; all bytes but the last + 128."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def flags(values: list[int]) -> bytes:
    """Write flags as a bit string."""
    return sum(flag << p for p, flag in enumerate(values)).to_bytes(-(-len(values) // 8), "little")


def column(values: list[int]) -> bytes:
    """Write numbers as a byte with k and a bit string of the differences.

    A difference d is folded to v = 2d, or −2d − 1 if negative. With n + 1 the bits of v + 2^k, that
    takes n − k zero bits, a one, and the n lowest bits of v + 2^k.
    """
    steps = [after - before for before, after in pairwise([0, *values])]
    folded = [2 * step if step >= 0 else -2 * step - 1 for step in steps]
    middle = sorted(folded)[len(folded) // 2].bit_length() if folded else 0
    return min((_golomb(folded, max(middle + by, 0)) for by in (-2, -1, 0, 1)), key=len)


def _golomb(values: list[int], k: int) -> bytes:
    bits = at = 0
    for value in values:
        shifted = value + (1 << k)
        n = shifted.bit_length() - 1
        bits |= (1 | (shifted ^ 1 << n) << 1) << at + n - k
        at += 2 * n - k + 1
    return bytes([k]) + bits.to_bytes(-(-at // 8), "little")


class Reader:
    """Reads numbers and bytes one after another, and never past the end.

    Parameters
    ----------
    data : bytes-like
    at : int
        Where to begin.
    """

    def __init__(self, data: memoryview, at: int = 0):
        self.data, self.at = data, at

    @property
    def left(self) -> int:
        """Bytes that are not yet read."""
        return len(self.data) - self.at

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        if count > self.left:
            raise F2FError("damaged file", expected=f"{count} bytes more", got="fewer")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """Return the next number."""
        value = 0
        for shift in range(0, _MOST, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise F2FError("damaged file, numbers", expected=f"below 2^{_MOST}", got="more")

    def numbers(self, most: int) -> list[int]:
        """Return as many numbers as the next one says, at most so many."""
        count = self.number()
        if count > most:
            raise F2FError("damaged file, numbers", expected=f"<= {most}", got=count)
        return [self.number() for _ in range(count)]

    def flags(self, count: int) -> list[int]:
        """Return flags; the rest of their last byte is 0."""
        packed = int.from_bytes(self.take(-(-count // 8)), "little")
        if packed >> count:
            raise F2FError("damaged file, flags", expected=f"{count} flags", got="more")
        return [packed >> p & 1 for p in range(count)]

    def column(self, count: int) -> list[int]:
        """Return the numbers of a column."""
        damaged = F2FError("damaged file, columns", expected="differences", got="other bits")
        k, value, used, found = self.take(1)[0], 0, 0, []
        most = -(-count * 2 * (_MOST + 2) // 8)
        bits = int.from_bytes(self.data[self.at : self.at + most], "little")
        for _ in range(count):
            zeros = (bits & -bits).bit_length() - 1
            n = zeros + k
            if zeros < 0 or n > _MOST + 1:
                raise damaged
            bits >>= zeros + 1
            folded = (bits & (1 << n) - 1) + (1 << n) - (1 << k)
            bits >>= n
            used += zeros + 1 + n
            value += -(folded + 1 >> 1) if folded & 1 else folded >> 1
            if not 0 <= value < 1 << _MOST:
                raise damaged
            found.append(value)
        self.take(-(-used // 8))
        return found
