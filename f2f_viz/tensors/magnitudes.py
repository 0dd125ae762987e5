r"""The largest \|w\| of a layer, at any count: a sort's answer for the price of a look.

Magnitudes order as integers: of a float the bits without the sign, a NaN counted as infinite. Their
upper 16 bits are the *keys*, which are counted once. A count to keep then names, in the histogram,
the key at which the line falls; only weights of that key are looked at closer, digit by digit (a
radix select). The kernels are in cython_core/select.
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
_DIGIT = 16  # bits of a key, and of each further digit


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
        return np.minimum(magnitude, np.uint8(infinite)).astype(np.uint16), _DIGIT, infinite
    if weights.dtype.itemsize == 1:  # integers; int8 has no +128
        wide = np.abs(np.ascontiguousarray(weights).reshape(-1).astype(np.int16))
        return wide.view(np.uint16), _DIGIT, (1 << _DIGIT) - 1
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
        self._low = max(bits - _DIGIT, 0)  # bits below the key
        self._kernels = _select.Magnitudes(
            words.view(np.uint8), words.itemsize, (1 << bits) - 1, largest, self._low,
            np.empty(self.size, np.uint16),
        )  # fmt: skip
        isa = instruction_set()
        self._keys = self._counted(
            (_select.SPREAD, _select.KEYS),
            lambda start, stop, counts: self._kernels.count(start, stop, counts, isa),
        ).sum(axis=0)

    def _counted(self, shape: tuple[int, ...], run: Any) -> Counts:
        """Sum the histograms that run(start, stop, counts) makes of pieces of the layer."""

        def count(start: int, stop: int) -> Counts:
            counts = np.zeros(shape, np.int64)
            for at in range(start, stop, MOST):
                own = np.zeros(shape, np.uint32)
                run(at, min(at + MOST, stop), own)
                counts += own
            return counts

        return np.sum(in_pieces(count, self.size, PIECE, self._threads), axis=0)

    def _cut(self, keep: int) -> tuple[int, int]:
        """Return the `keep`-th largest magnitude, and how many that equal it are to be kept."""
        isa = instruction_set()
        counts, least, low = self._keys, 0, self._low
        while True:
            larger = counts.sum() - np.cumsum(counts)
            digit = int(np.argmax(larger < keep))
            keep -= int(larger[digit])
            least = least * counts.size + digit
            if not low:
                return least, keep
            above, low, prefix = low, max(low - _DIGIT, 0), least
            counts = self._counted(
                (1 << (above - low),),
                lambda start, stop, own, prefix=prefix, above=above, low=low: self._kernels.digits(
                    start, stop, prefix, above, low, own, isa
                ),
            )

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
        least, ties = self._cut(keep)
        isa, mask = instruction_set(), np.empty(self.size, bool)

        def equals(start: int, stop: int) -> tuple[int, int]:
            return stop, self._kernels.equal(start, stop, least, isa)

        before = {0: 0}  # equals before each piece
        for stop, own in in_pieces(equals, self.size, PIECE, self._threads):
            before[stop] = own + list(before.values())[-1]

        def mark(start: int, stop: int) -> None:
            left = max(ties - before[start], 0)
            self._kernels.mark(start, stop, least, left, mask.view(np.uint8), isa)

        in_pieces(mark, self.size, PIECE, self._threads)
        return mask.reshape(self.shape)
