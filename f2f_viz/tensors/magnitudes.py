r"""The largest \|w\| of a layer, at any count: a sort's answer for the price of a look.

Magnitudes order as integers: of a float the bits without the sign, a NaN counted as infinite. Their
upper 16 bits are the *keys*, which are counted once. A count to keep then names, in the histogram,
the key at which the line falls; one pass marks all keys above and lists the few weights of that
key, among which the line is found. The kernels are in cython_core/select.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _select
from f2f_viz.codec.bitplanes import dtype_name, field_bits, to_words, word_bits
from f2f_viz.codec.instruction_set import instruction_set
from f2f_viz.codec.parallel import in_pieces

__all__ = ["Magnitudes"]

Counts = NDArray[np.int64]

PIECE = 1 << 18  # fewest weights that are worth a thread
MOST = 1 << 31  # weights that one histogram of 32 bits counts
FEW = 1 << 12  # weights that are sorted sooner than counted
_KEY = 16  # bits of a key


def _ordered_words(weights: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """Return words whose bits order as the weights' magnitudes.

    Returns
    -------
    words : ndarray of uint16, uint32 or uint64, shape (size,)
    bits, largest : int
        A magnitude is min(lower `bits` bits of the word, largest).
    """
    name = dtype_name(weights.dtype)
    if weights.dtype.itemsize == 1 and name.startswith("float"):
        magnitude = to_words(weights) & np.uint8((1 << word_bits(name) - 1) - 1)
        infinite = 0x7C if name == "float8_e5m2" else 0x7F
        return np.minimum(magnitude, np.uint8(infinite)).astype(np.uint16), _KEY, infinite
    if weights.dtype.itemsize == 1:  # integers; int8 has no +128
        wide = np.abs(np.ascontiguousarray(weights).reshape(-1).astype(np.int16))
        return wide.view(np.uint16), _KEY, (1 << _KEY) - 1
    words = to_words(weights)
    shift, width = field_bits(name)
    native = words.astype(words.dtype.newbyteorder("="), copy=False)
    return native, shift + width, ((1 << width) - 1) << shift


class Magnitudes:
    r"""The \|w\| of a layer, ready to be cut at any count; two bytes per weight beside the weights.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
        They are looked at again: not to be changed while this is in use.
    threads : int, optional
        Default: the CPUs of this process.
    """

    def __init__(self, weights: NDArray[Any], threads: int | None = None):
        self.shape, self.size, self._threads = weights.shape, weights.size, threads
        if not self.size:
            return
        words, bits, largest = _ordered_words(weights)
        self._order: NDArray[np.intp] | None = None
        if self.size <= FEW:
            least_first = np.minimum(words & words.dtype.type((1 << bits) - 1), largest)
            self._order = np.argsort(~least_first, kind="stable")
            return
        self._words, self._bits, self._most = words, words.dtype.type((1 << bits) - 1), largest
        self._kernels = _select.Magnitudes(
            words.view(np.uint8), words.itemsize, int(self._bits), largest, max(bits - _KEY, 0),
            np.empty(self.size, np.uint16),
        )  # fmt: skip
        self._keys = np.sum(in_pieces(self._count, self.size, PIECE, threads), axis=0)

    def _count(self, start: int, stop: int) -> Counts:
        """Write the keys of a piece; return how often each occurs."""
        isa, counts = instruction_set(), np.zeros(_select.KEYS, np.int64)
        for at in range(start, stop, MOST):
            own = np.zeros((_select.SPREAD, _select.KEYS), np.uint32)
            self._kernels.count(at, min(at + MOST, stop), own, isa)
            counts += own.sum(axis=0, dtype=np.int64)
        return counts

    def largest(self, keep: int) -> NDArray[np.bool_]:
        r"""Mark the `keep` largest \|w\|, equals as they stand in C order.

        Parameters
        ----------
        keep : int
            0 to size.

        Returns
        -------
        ndarray of bool, the layer's shape
        """
        if keep in (0, self.size):
            return np.full(self.shape, keep > 0)
        if self._order is not None:
            mask = np.zeros(self.size, bool)
            mask[self._order[:keep]] = True
            return mask.reshape(self.shape)
        isa, mask = instruction_set(), np.empty(self.size, bool)
        above = self._keys.sum() - np.cumsum(self._keys)
        key = int(np.argmax(above < keep))

        def mark(start: int, stop: int) -> NDArray[np.int64]:
            at = np.empty(min(int(self._keys[key]), stop - start), np.int64)
            return at[: self._kernels.mark(start, stop, key, mask.view(np.uint8), at, isa)]

        at = np.concatenate(in_pieces(mark, self.size, PIECE, self._threads))
        mask[self._first(at, keep - int(above[key]))] = True
        return mask.reshape(self.shape)

    def _first(self, at: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Choose the `count` ≥ 1 largest of some weights, the first of equals."""
        own = np.minimum(self._words[at] & self._bits, self._most)
        least = np.partition(own, at.size - count)[at.size - count]
        larger, equal = at[own > least], at[own == least]
        return np.concatenate([larger, equal[: count - larger.size]])
