"""Ranks instead of values: the exponents that occur among kept weights, most frequent first.

Pruned by magnitude, kept weights share a few exponents. Writing the rank of an exponent in its
place makes the upper exponent planes constant, and they then cost nothing. Integers are recoded
whole. This is past the paper; `encode(recode=False)` leaves it out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import field_bits

__all__ = ["CodedWords", "from_ranks", "rank_table", "to_ranks"]

Words = NDArray[Any]


def _split(words: Words, dtype: str) -> tuple[Words, int, Any]:
    shift, width = field_bits(dtype)
    low = words.dtype.type((1 << width) - 1)
    return (words >> words.dtype.type(shift)) & low, shift, low


def _join(words: Words, field: Words, shift: int, low: Any) -> Words:
    kind = words.dtype.type
    return (words & ~kind(low << kind(shift))) | (field.astype(words.dtype) << kind(shift))


def rank_table(counts: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Return the field's values that occur among kept words, most frequent first.

    Parameters
    ----------
    counts : ndarray of int64, shape (2^width,)
        How often each occurs (`census`); the field is the exponent, or the whole of an integer.

    Returns
    -------
    ndarray of uint16, shape (values,)
        Values as frequent as each other stand in increasing order.
    """
    values = np.flatnonzero(counts)
    return values[np.argsort(-counts[values], kind="stable")].astype(np.uint16)


def to_ranks(words: Words, table: NDArray[np.uint16], dtype: str) -> Words:
    """Replace the field of every word by its rank in the table (0 for values not in it)."""
    field, shift, low = _split(words, dtype)
    ranks = np.zeros(int(low) + 1, words.dtype)
    ranks[table] = np.arange(table.size)
    return _join(words, ranks[field], shift, low)


def from_ranks(words: Words, table: NDArray[np.uint16], dtype: str) -> Words:
    """Invert `to_ranks` for every word whose rank is in the table; others get value 0."""
    field, shift, low = _split(words, dtype)
    values = np.zeros(int(low) + 1, words.dtype)
    values[: table.size] = table
    return _join(words, values[field], shift, low)


@dataclass(frozen=True, eq=False)
class CodedWords:
    """The words whose bits are the planes: a layer's own, or with ranks in their field.

    Attributes
    ----------
    own : ndarray of unsigned words, shape (size,)
        The layer's.
    dtype : str
        A name of `bitplanes.DTYPES`.
    ranks : ndarray of uint16 or None
        The field's values by rank.
    """

    own: Words
    dtype: str
    ranks: NDArray[np.uint16] | None

    def coded(self, words: Words) -> Words:
        """Return some of the layer's own words as they are coded."""
        return words if self.ranks is None else to_ranks(words, self.ranks, self.dtype)
