"""What the kept weights of a layer hold: all that deciding how to store its planes looks at."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _select
from f2f_viz.codec.bitplanes import field_bits, word_bits
from f2f_viz.codec.instruction_set import instruction_set
from f2f_viz.codec.parallel import in_pieces

__all__ = ["Census", "census"]

PIECE = 1 << 18  # fewest weights that are worth a thread


@dataclass(frozen=True, eq=False)
class Census:
    """Counts over the kept weights.

    Attributes
    ----------
    kept : int
        How many there are.
    ones : ndarray of int64, shape (b,)
        Ones of each plane, most significant first.
    values : ndarray of int64, shape (2^width,)
        How often the field (`bitplanes.field_bits`) has each value.
    """

    kept: int
    ones: NDArray[np.int64]
    values: NDArray[np.int64]

    def with_ranks(self, ranks: NDArray[np.uint16], dtype: str) -> "Census":
        """Return what it would be with the field's values replaced by their places in `ranks`."""
        shift, width = field_bits(dtype)
        values = np.zeros_like(self.values)
        values[: ranks.size] = self.values[ranks]
        digits = np.arange(values.size)[:, None] >> np.arange(width)[::-1] & 1
        ones = self.ones.copy()
        top = ones.size - shift - width
        ones[top : top + width] = values @ digits
        return Census(self.kept, ones, values)


def census(
    words: NDArray[Any], mask: NDArray[np.bool_], dtype: str, threads: int | None = None
) -> Census:
    """Count in one pass over a layer.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (size,)
    mask : ndarray of bool, shape (size,)
        True = kept.
    dtype : str
        A name of `bitplanes.DTYPES`.
    threads : int, optional
    """
    shift, width = field_bits(dtype)
    isa, bits = instruction_set(), words.itemsize * 8
    words = words.astype(words.dtype.newbyteorder("="), copy=False)
    octets, flags = words.view(np.uint8), np.ascontiguousarray(mask).view(np.uint8)

    def count(start: int, stop: int) -> NDArray[np.int64]:
        found = np.zeros(bits + (1 << width), np.int64)
        _select.census(
            octets, words.itemsize, flags, start, stop, shift, width, found[:bits], found[bits:],
            isa,
        )  # fmt: skip
        return found

    pieces = in_pieces(count, words.size, PIECE, threads)
    found: NDArray[np.int64] = sum(pieces, np.zeros(bits + (1 << width), np.int64))
    values = found[bits:]
    return Census(int(values.sum()), found[: word_bits(dtype)][::-1].copy(), values)
