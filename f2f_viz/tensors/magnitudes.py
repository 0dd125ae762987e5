r"""The largest \|w\| of a layer, at any count: a sort's answer for the price of a look.

Magnitudes order as integers: of a float the bits without the sign, a NaN counted as infinite. Their
upper 16 bits are the *keys*, which are counted once. A count to keep then names, in the histogram,
the key at which the line falls; only weights of that key are looked at more closely, digit by digit
(a radix select). The kernels are in cython_core/select.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _select
from f2f_viz.codec.bitplanes import dtype_name, field_bits, to_words
from f2f_viz.codec.parallel import ISA, in_pieces

__all__ = ["Magnitudes"]

_PIECE = 1 << 18  # fewest weights that are worth a thread
_MOST = 1 << 31  # weights counted in one histogram of 32 bits
_DIGIT = 16


def _magnitude_words(weights: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """Return words of at least 16 bits whose magnitudes order as the weights', and where they are.

    Returns
    -------
    words : ndarray of uint16, uint32 or uint64, shape (size,)
    mask, largest : int
        The magnitude of a word is min(word & mask, largest).
    """
    name = dtype_name(weights.dtype)
    if weights.dtype.itemsize == 1:
        # ml_dtypes' int4 knows no abs; int16 holds that of −128
        return np.abs(weights.astype(np.int16)).reshape(-1).view(np.uint16), 0xFFFF, 0xFFFF
    words = to_words(weights)
    words = words.astype(words.dtype.newbyteorder("="), copy=False)
    shift, width = field_bits(name)
    return words, (1 << (shift + width)) - 1, ((1 << width) - 1) << shift


class Magnitudes:
    r"""The \|w\| of a layer, ready to be cut at any count.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
        Not to be changed while this is in use: it is looked at again.
    threads : int, optional
        Default: the CPUs of this process.
    """

    def __init__(self, weights: NDArray[Any], threads: int | None = None):
        self.shape, self._threads = weights.shape, threads
        self._words, mask, self._largest = _magnitude_words(weights)
        self._bits = mask.bit_length()
        self._shift = max(self._bits - _DIGIT, 0)
        self._magnitude = _select.Magnitude(mask, self._largest, self._shift)
        self._keys = np.empty(self._words.size, np.uint16)

        def count(start: int, stop: int) -> NDArray[np.int64]:
            counts = np.zeros(_select.KEYS, np.int64)
            for at in range(start, stop, _MOST):
                own = np.zeros((_select.SPREAD, _select.KEYS), np.uint32)
                end = min(at + _MOST, stop)
                _select.keys(self._words, self._magnitude, at, end, self._keys, own, ISA)
                counts += own.sum(axis=0, dtype=np.int64)
            return counts

        self._counts = self._sum(count)

    def _sum(self, run: Any) -> Any:
        return sum(in_pieces(run, self._words.size, _PIECE, self._threads))

    def _digits(self, prefix: int, above: int, low: int) -> NDArray[np.int64]:
        """Count the digit of bits above − 1 … low among magnitudes that begin with `prefix`."""

        def count(start: int, stop: int) -> NDArray[np.int64]:
            counts = np.zeros(1 << (above - low), np.int64)
            for at in range(start, stop, _MOST):
                own = np.zeros(counts.size, np.uint32)
                _select.digits(
                    self._words, self._keys, self._magnitude, at, min(at + _MOST, stop),
                    prefix, above, low, own, ISA,
                )  # fmt: skip
                counts += own
            return counts

        return self._sum(count)

    def _threshold(self, keep: int) -> tuple[int, int]:
        """Return the keep-th largest magnitude, and how many equal to it are kept."""
        counts, prefix, low = self._counts, 0, self._shift
        while True:
            above = counts.sum() - np.cumsum(counts)  # larger than each digit
            digit = int(np.argmax(above < keep))
            prefix, keep = prefix << _width(counts) | digit, keep - int(above[digit])
            if not low:
                return prefix, keep
            counts, low = self._digits(prefix, low, max(low - _DIGIT, 0)), max(low - _DIGIT, 0)

    def largest(self, keep: int) -> NDArray[np.bool_]:
        r"""Mark the `keep` largest \|w\|, equals from the first in C order.

        Parameters
        ----------
        keep : int
            0 to size.

        Returns
        -------
        ndarray of bool, the layer's shape
        """
        size = self._words.size
        if keep in (0, size):
            return np.full(self.shape, keep > 0)
        least, ties = self._threshold(keep)
        mask, before = np.empty(size, bool), 0

        def equal(start: int, stop: int) -> int:
            return _select.equal(
                self._words, self._keys, self._magnitude, start, stop, least, ISA
            )

        def mark(start: int, stop: int, ties: int) -> None:
            _select.mark(
                self._words, self._keys, self._magnitude, start, stop, least, ties,
                mask.view(np.uint8), ISA,
            )  # fmt: skip

        ...
        return mask.reshape(self.shape)


def _width(counts: NDArray[np.int64]) -> int:
    return counts.size.bit_length() - 1
