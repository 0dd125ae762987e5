"""Ranks instead of values: the exponents that occur among kept weights, most frequent first.

Pruned by magnitude, kept weights share a few exponents. Writing the rank of an exponent in its
place makes the upper exponent planes constant, and they then cost nothing. Integers are recoded
whole. This is past the paper; `encode(recode=False)` leaves it out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import field_bits

__all__ = ["from_ranks", "rank_table", "to_ranks"]

Words = NDArray[Any]


def _split(words: Words, dtype: str) -> tuple[Words, int, Any]:
    shift, width = field_bits(dtype)
    low = words.dtype.type((1 << width) - 1)
    return (words >> words.dtype.type(shift)) & low, shift, low


def _join(words: Words, field: Words, shift: int, low: Any) -> Words:
    kind = words.dtype.type
    return (words & ~kind(low << kind(shift))) | (field.astype(words.dtype) << kind(shift))


def rank_table(kept: Words, dtype: str) -> NDArray[np.uint16]:
    """Return the field's values that occur among kept words, most frequent first.

    Parameters
    ----------
    kept : ndarray of unsigned words, shape (kept,)
    dtype : str
        A name of `bitplanes.DTYPES`; its field is the exponent, or the whole of an integer.

    Returns
    -------
    ndarray of uint16, shape (values,)
        Values as frequent as each other stand in increasing order.
    """
    field, _, low = _split(kept, dtype)
    counts = np.bincount(field.astype(np.int64), minlength=int(low) + 1)
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
