"""The kept weights of a layer in the order of its blocks: what the search is made for.

All else of the encoder works on them alone, that is on a tenth of the layer at S = 0.9. Kernels are
in cython_core/decode: they are the decoder's, run the other way.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _decode
from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.instruction_set import decoding_set
from f2f_viz.codec.packing import pack_mask
from f2f_viz.codec.parallel import in_pieces

__all__ = ["KeptWords", "kept_words", "ones_by_plane"]

PIECE = 1 << 13  # fewest blocks that are worth a thread


@dataclass(frozen=True, eq=False)
class KeptWords:
    """The kept weights of successive blocks.

    Attributes
    ----------
    rows : ndarray of uint64, shape (blocks, ceil(n_out / 64))
        Care bits, packed as in `packing`.
    start : ndarray of int64, shape (blocks + 1,)
        Care bits before each block.
    words : ndarray of unsigned words, shape (kept,)
        As they are coded, in order of blocks.
    """

    rows: NDArray[np.uint64]
    start: NDArray[np.int64]
    words: NDArray[Any]

    def part(self, first: int, last: int) -> "KeptWords":
        """Return those of blocks first … last − 1."""
        start = self.start[first : last + 1]
        words = self.words[start[0] : start[-1]]
        return KeptWords(self.rows[first:last], start - start[0], words)

    def planes(self, bits: NDArray[np.int64], threads: int | None = None) -> NDArray[np.uint64]:
        """Return bit-planes, packed, zero where nothing is cared for.

        Parameters
        ----------
        bits : ndarray of int64, shape (planes,)
            Which bit of the words each plane is.
        threads : int, optional

        Returns
        -------
        ndarray of uint64, shape (planes, blocks, ceil(n_out / 64))
        """
        out = np.empty((bits.size, *self.rows.shape), np.uint64)
        wanted, words = bits.astype(np.uint8), self.words.view(np.uint8)
        size, level = self.words.itemsize, decoding_set()

        def cut(first: int, last: int) -> None:
            own = words[self.start[first] * size :]
            _decode.planes(wanted, size, self.rows, own, first, last, out, level)

        in_pieces(cut, len(self.rows), PIECE, threads)
        return out


def kept_words(
    words: CodedWords,
    mask: NDArray[np.bool_],
    layout: Layout,
    chosen: NDArray[np.int64] | None = None,
    *,
    threads: int | None = None,
) -> KeptWords:
    """Take the kept weights of blocks.

    Parameters
    ----------
    words : CodedWords
    mask : ndarray of bool, shape (size,)
        True = kept.
    layout : Layout
    chosen : ndarray of int64, optional
        Which blocks; all if not given.
    threads : int, optional
    """
    known = layout.entry.spread or layout.step == 1  # to the kernels
    if chosen is None and known and layout.blocks:
        return _of_all(words, mask, layout, threads)
    care = layout.gather(mask, chosen)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(care.sum(axis=1, dtype=np.int64))])
    return KeptWords(pack_mask(care), start, words.coded(words.own[layout.weights(chosen)[care]]))


def _of_all(
    words: CodedWords, mask: NDArray[np.bool_], layout: Layout, threads: int | None
) -> KeptWords:
    blocks, n_out, level, own = layout.blocks, layout.n_out, decoding_set(), words.own
    step, back = (layout.step, layout.step_back) if layout.entry.spread else (0, 0)
    kernel = _decode.Layer(
        layout.size, blocks, n_out, 1, step, back, own.itemsize, 1, np.zeros((1, 1, 1), np.uint8),
        [], [], 0, None, 0, 0,
    )  # fmt: skip
    flags, dense = np.ascontiguousarray(mask).view(np.uint8), own.view(np.uint8)
    rows = np.empty((blocks, -(-n_out // 64)), np.uint64)
    start = np.empty(blocks + 1, np.int64)
    in_pieces(lambda a, b: kernel.rows(flags, a, b, rows, level), blocks, PIECE, threads)
    kernel.starts(rows, start, level)
    kept = np.empty(int(start[-1]), own.dtype)
    if kept.size:
        to = kept.view(np.uint8)
        in_pieces(
            lambda a, b: kernel.take(rows, start, dense, a, b, to, level), blocks, PIECE, threads
        )
    return KeptWords(rows[layout.address()], start, words.coded(kept))


def ones_by_plane(words: NDArray[Any], bits: NDArray[np.int64]) -> list[NDArray[np.uint32]]:
    """List which words have each bit.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (kept,)
    bits : ndarray of int64, shape (planes,)

    Returns
    -------
    list of ndarray of uint32, increasing
        For each bit in turn.
    """
    words = words.astype(words.dtype.newbyteorder("="), copy=False)
    counts = np.zeros(64, np.int64)
    _decode.ones(words, 0, counts, None)
    ends = np.cumsum(counts)
    at = ends - counts
    found = np.empty(max(int(ends[-1]), 1), np.uint32)
    _decode.ones(words, 0, at, found)
    return [found[ends[q] - counts[q] : ends[q]] for q in bits]
