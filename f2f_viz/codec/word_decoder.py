"""The decoder in software: symbols of all planes to the words of weights (cython_core/decode)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _decode
from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.instruction_set import decoding_set
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask
from f2f_viz.codec.parallel import between
from f2f_viz.errors import F2FError

__all__ = ["CodedPlanes", "Field", "WordDecoder", "all_symbols", "decode_blocks"]

LARGE = 1 << 23  # bytes from which a layer is written past the caches
PIECE = 1 << 20  # least weights a thread is worth starting for
_PADDING = 64  # bytes behind the kept words that kernels may read

Rows = NDArray[np.uint64]
Starts = NDArray[np.int64]


class Field(NamedTuple):
    """Bits of a word that hold a rank: bits shift … shift + width − 1."""

    shift: int
    width: int
    values: NDArray[np.uint16]


class CodedPlanes(NamedTuple):
    """All planes of a layer, most significant first, as the decoder wants them.

    Attributes
    ----------
    network : XorNetwork
    symbols : sequence of (ndarray of uint16, shape (l,), or None)
        Below 2^n_in; None where all are 0. At most 64 planes.
    corrections : sequence of ndarray of uint32, increasing
        Care ranks to flip: corrections counted among the plane's care bits.
    inverted : sequence of bool
    word : dtype
        Of unsigned words, at least as many bits as planes.
    tile_blocks : int
        The register is 0 where a tile starts.
    field : Field or None
        Values for ranks, if they were recoded; ranks beyond them give 0.
    """

    network: XorNetwork
    symbols: Sequence[NDArray[np.uint16] | None]
    corrections: Sequence[NDArray[np.uint32]]
    inverted: Sequence[bool]
    word: np.dtype[Any]
    tile_blocks: int
    field: Field | None = None


def all_symbols(planes: Sequence[NDArray[np.uint16]]) -> NDArray[np.uint16]:
    """Return the symbols of all planes, shape (b, l).

    Raises
    ------
    F2FError
        If their lengths differ.
    """
    lengths = {plane.size for plane in planes}
    if len(lengths) != 1:
        raise F2FError("planes of a layer", expected="one number of blocks", got=sorted(lengths))
    return np.stack(planes)


def _kernel(planes: CodedPlanes, layout: Layout) -> _decode.Layer:
    """Check what the kernels rely on, and hand it over."""
    network, count, itemsize = planes.network, len(planes.symbols), planes.word.itemsize
    if not 1 <= count <= 8 * itemsize or not count == len(planes.corrections) == len(
        planes.inverted
    ):
        raise F2FError("planes of a layer", expected=f"1 to {8 * itemsize}", got=count)
    blocks = layout.blocks
    lengths = {blocks, *(own.size for own in planes.symbols if own is not None)}
    if len(lengths) != 1:
        raise F2FError(
            "symbols of a plane", expected=f"{blocks}, one per block", got=sorted(lengths)
        )
    step = back = 0
    if layout.entry.spread:
        step, back = layout.step, layout.step_back
    shift, width, values = 0, 0, None
    if planes.field is not None:
        shift, width, known = planes.field
        values = np.zeros(max(1 << width, 256), np.uint16)  # whole vectors are read
        values[: known.size] = known
    invert = sum(1 << (count - 1 - p) for p, flag in enumerate(planes.inverted) if flag)
    return _decode.Layer(
        layout.size, blocks, network.n_out, planes.tile_blocks, step, back, itemsize, network.n_in,
        network.row_bytes,
        [None if own is None else np.ascontiguousarray(own) for own in planes.symbols],
        [np.ascontiguousarray(own) for own in planes.corrections],
        invert, values, shift, width,
    )  # fmt: skip


def _check(status: int) -> None:
    if status == 1:
        raise F2FError("symbol too large", expected="below 2^n_in", got="others")
    if status == 2:
        raise F2FError(
            "damaged corrections", expected="increasing places among care bits", got="others"
        )
    if status == 3:
        raise MemoryError


def _in_pieces(run: Callable[[int, int], Any], stop: int, pieces: int, step: int = 1) -> list[Any]:
    """Call run(first, last) for pieces of 0 … stop that begin at multiples of `step`."""
    edges = [min(-(-stop * k // (pieces * step)) * step, stop) for k in range(pieces + 1)]
    return between(edges, run)


class WordDecoder:
    """Decodes a layer, again and again: what the kernels want to know is put together once.

    It keeps the mask by blocks and the kept weights before each, an eighth of the mask's bytes and
    eight bytes a block.

    Parameters
    ----------
    planes : CodedPlanes
    mask : ndarray of bool, shape (size,)
        True = kept; other words are 0.
    layout : Layout
    threads : int
    """

    def __init__(
        self, planes: CodedPlanes, mask: NDArray[np.bool_], layout: Layout, *, threads: int = 1
    ):
        self._planes, self._mask, self._layout = planes, mask, layout
        self._layer: _decode.Layer | None = None
        if not mask.size or (not layout.entry.spread and layout.step != 1):
            return  # nothing to do, or an order that the kernels do not place by themselves
        blocks, words = layout.blocks, -(-planes.network.n_out // 64)
        self._layer = layer = _kernel(planes, layout)
        self._flags, level = mask.view(np.uint8), decoding_set()
        self._rows, self._start = (
            np.empty((blocks, words), np.uint64),
            np.empty(blocks + 1, np.int64),
        )
        pieces = max(1, min(threads, mask.size // PIECE))
        _in_pieces(
            lambda a, b: layer.rows(self._flags, a, b, self._rows, level), blocks, pieces, 64
        )
        layer.starts(self._rows, self._start, level)

    def decode(self, out: NDArray[Any], *, threads: int = 1) -> None:
        """Decode the layer.

        Parameters
        ----------
        out : ndarray of planes.word's size, shape (size,), contiguous
            Takes the words.
        threads : int

        Raises
        ------
        F2FError
            If a symbol is too large, or corrections are not increasing places among care bits.
        """
        layer = self._layer
        if layer is None:
            _decode_any(self._planes, self._mask, out, self._layout)
            return
        flags, rows, start = self._flags, self._rows, self._start
        to, level = out.view(np.uint8), decoding_set()
        blocks, itemsize = self._layout.blocks, self._planes.word.itemsize
        pieces = max(1, min(threads, self._mask.size // PIECE))
        kept = self._kept(layer, pieces)
        large = to.size >= LARGE
        if not large and self._layout.entry.spread:
            _decode.clear(to)

        def place(first: int, last: int) -> None:
            size = self._layout.n_out * _decode.WINDOW * itemsize if large else 0
            window = np.empty(size, np.uint8) if large else None
            layer.place(flags, rows, start, kept, first, last, window, to, level)

        _in_pieces(place, blocks, pieces, 64)

    def rows(self, blocks: NDArray[np.int64]) -> Rows:
        """Return the care bits of blocks, packed as in `packing`."""
        if self._layer is None:
            return pack_mask(self._layout.gather(self._mask, blocks))
        found: Rows = self._rows[self._layout.address(blocks)]
        return found

    def _kept(self, layer: _decode.Layer, pieces: int) -> NDArray[np.uint8]:
        """Decode the kept words, in order of blocks, and some bytes behind them."""
        rows, start, level = self._rows, self._start, decoding_set()
        kept = np.empty(int(start[-1]) * self._planes.word.itemsize + _PADDING, np.uint8)
        for status in _in_pieces(
            lambda a, b: layer.words(rows, start, a, b, kept, level), self._layout.blocks, pieces
        ):
            _check(status)
        return kept

    def in_turn(self, step: int) -> Iterator[NDArray[Any]]:
        """Yield the words in C order, `step` at a time: of all only the kept are in memory.

        Errors as of `decode`.
        """
        word, size = self._planes.word, self._mask.size
        if self._layer is None:
            whole = np.empty(size, word)
            self.decode(whole)
            yield from (whole[at : at + step] for at in range(0, size, step))
            return
        kept = self._kept(self._layer, 1)[: int(self._start[-1]) * word.itemsize].view(word)
        counts = np.bitwise_count(self._rows).astype(np.uint16)
        before = np.cumsum(counts, axis=1, dtype=np.uint16) - counts
        for at in range(0, size, step):
            flags = self._mask[at : at + step]
            own = np.flatnonzero(flags)
            block, bit = self._layout.positions(own + at)
            row, column = self._layout.address(block), bit >> 6
            below = self._rows[row, column] & (np.uint64(1) << (bit & 63).astype(np.uint64)) - 1
            rank = self._start[block] + before[row, column] + np.bitwise_count(below)
            words = np.zeros(flags.size, word)
            words[own] = kept[rank]
            yield words


def _decode_any(
    planes: CodedPlanes, mask: NDArray[np.bool_], out: NDArray[Any], layout: Layout
) -> None:
    """Decode a layer in an order that the kernels do not place by themselves."""
    if not mask.size:
        return
    care = layout.gather(mask)
    kept = decode_blocks(planes, pack_mask(care), layout.starts(mask))
    words = out.view(planes.word)
    words[:] = 0
    words[layout.weights()[care]] = kept


def decode_blocks(planes: CodedPlanes, rows: Rows, start: Starts) -> NDArray[Any]:
    """Decode some bits of successive blocks, the first at the start of a tile.

    Parameters
    ----------
    planes : CodedPlanes
        Symbols of these blocks alone.
    rows : ndarray of uint64, shape (blocks, ceil(n_out / 64))
        The bits wanted, packed as in `packing`.
    start : ndarray of int64, shape (blocks + 1,)
        Bits wanted before each block, from any number on; corrections count from 0 as it does.

    Returns
    -------
    ndarray of planes.word, shape (bits wanted,)
        In order of blocks.
    """
    itemsize = planes.word.itemsize
    count = int(start[-1] - start[0])
    if (np.bitwise_count(rows).sum(axis=1, dtype=np.int64) != np.diff(start)).any():
        raise F2FError("bits of blocks", expected="as many as were counted", got="others")
    kept = np.empty(count * itemsize + _PADDING, np.uint8)
    blocks = len(rows)
    if blocks:
        n_out = planes.network.n_out
        layer = _kernel(planes, Layout((blocks * n_out,), n_out, "row"))
        _check(layer.words(rows, start, 0, blocks, kept, decoding_set()))
    return kept[: count * itemsize].view(planes.word)
