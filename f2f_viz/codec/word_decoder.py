"""The decoder in software: table rows of every register stage, straight into the weights' words."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _decode
from f2f_viz.codec import blocks as _blocks
from f2f_viz.codec.instruction_set import AVX512, instruction_set
from f2f_viz.codec.network import XorNetwork
from f2f_viz.errors import F2FError

__all__ = ["all_symbols", "correct_words", "decode_words"]

SIMD = _decode.has_simd()
"""Whether AVX-512 with GFNI is used; the portable path gives the same words."""
_PIECE = 1 << 20  # least weights a thread is worth starting for


def _check_planes(planes: Sequence[Any], most: int) -> None:
    if len(planes) > most:
        raise F2FError("planes of a layer", expected=f"at most {most}", got=len(planes))


def all_symbols(planes: Sequence[NDArray[np.uint16]]) -> NDArray[np.uint16]:
    """Return the symbols of all planes, shape (b, l), block by block in memory, as decoding wants.

    Parameters
    ----------
    planes : sequence of ndarray of uint16, shape (l,)
        At most 64.

    Raises
    ------
    F2FError
        If they are too many, or their lengths differ.
    """
    _check_planes(planes, 64)
    lengths = {plane.size for plane in planes}
    if len(lengths) != 1:
        raise F2FError("planes of a layer", expected="one number of blocks", got=sorted(lengths))
    by_block = np.empty((planes[0].size, len(planes)), np.uint16)
    _decode.by_block([np.ascontiguousarray(plane) for plane in planes], by_block)
    return by_block.T


def decode_words(
    symbols: NDArray[np.uint16],
    network: XorNetwork,
    inverted: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    word: np.dtype[Any],
    *,
    tile_blocks: int,
    order: str,
    threads: int = 1,
) -> NDArray[Any]:
    """Decode symbols to the words of weights, corrections still to be made.

    Parameters
    ----------
    symbols : ndarray of uint16, shape (b, l)
        Below 2^n_in.
    network : XorNetwork
    inverted : ndarray of bool, shape (b,)
        Planes to invert.
    mask : ndarray of bool, shape (size,)
        True = kept; other words are 0.
    word : dtype
        uint8, uint16, uint32 or uint64.
    tile_blocks : int
        Blocks of a tile.
    order : {"interleaved", "row"}
    threads : int

    Returns
    -------
    ndarray of `word`, shape (size,)
    """
    words = np.empty(mask.size, word)
    blocks = symbols.shape[1]
    if not blocks:
        return words
    network.check_symbols(symbols)
    tables = network.tables
    by_block = np.ascontiguousarray(symbols.T)
    invert = np.where(inverted, ~np.uint64(0), np.uint64(0))
    # t·g mod l is the address of block t, so the block at the next address is g⁻¹ further
    stride = 0 if order == "row" else pow(_blocks.stride(blocks), -1, blocks) if blocks > 1 else 1

    simd = SIMD and instruction_set() == AVX512

    def run(start: int, stop: int) -> None:
        width = tables.shape[2]
        _decode.decode_range(
            tables, by_block, invert, mask.view(np.uint8), network.n_out, tile_blocks, stride,
            start, stop, simd, np.zeros(-(-len(symbols) // 8) * 8 * width, np.uint64),
            np.empty(_decode.RUN * width * 64, word), words,
        )  # fmt: skip

    pieces = max(1, min(threads, mask.size // _PIECE))
    edges = [blocks * piece // pieces for piece in range(pieces + 1)]
    if pieces == 1:
        run(0, blocks)
    else:
        with ThreadPoolExecutor(pieces) as pool:
            list(pool.map(run, edges[:-1], edges[1:]))
    return words


def correct_words(
    words: NDArray[Any], corrections: Sequence[NDArray[np.int64]], n_out: int, order: str
) -> None:
    """Flip the corrected bits, in place.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (size,)
    corrections : sequence of ndarray of int64, length b
        Of each plane, most significant first: increasing positions t·n_out + i ≥ 0; those of the
        padding are passed over.
    n_out : int
    order : {"interleaved", "row"}

    Raises
    ------
    F2FError
        If there are more planes than bits of a word.
    """
    _check_planes(corrections, 8 * words.itemsize)
    if not words.size:
        return
    blocks = _blocks.block_count(words.size, n_out)
    step = 0 if order == "row" else _blocks.stride(blocks)
    _decode.correct(words, list(corrections), n_out, blocks, step)
