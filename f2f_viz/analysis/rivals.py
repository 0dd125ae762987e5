"""Other formats for pruned weights, each written out as the buffers it would really store.

Every function takes a `Pruned` layer and returns its buffers, or None where the format does not
apply. Index widths are the smallest whole bytes that hold them, whatever libraries use.
"""

import lzma
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import constriction
import numpy as np
from numcodecs import Shuffle, Zstd
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import dtype_name, field_bits, pack_words, to_words, word_bits

__all__ = [
    "Pruned",
    "bitmask",
    "coo",
    "csr",
    "dense",
    "entropy_coded",
    "entropy_mask_zstd",
    "n_of_m",
    "range_coded",
    "shuffled_zstd",
    "xz",
    "zipnn",
    "zstd",
]

ZSTD_LEVEL = 19
PIECE = 1 << 18  # values range-coded at a time
Buffer = NDArray[Any] | bytes


@dataclass(frozen=True, eq=False)
class Pruned:
    """A layer and its mask, as the formats want them.

    Attributes
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
    mask : ndarray of bool, the same shape
        True = kept.
    """

    weights: NDArray[Any]
    mask: NDArray[np.bool_]

    @cached_property
    def dtype(self) -> str:
        """Name of the number format."""
        return dtype_name(self.weights.dtype)

    @cached_property
    def words(self) -> NDArray[Any]:
        """All weights as unsigned words, pruned ones 0; shape (size,)."""
        return to_words(self.weights) * self.mask.reshape(-1)

    @cached_property
    def kept(self) -> NDArray[Any]:
        """Words of the kept weights in C order, shape (kept,)."""
        return self.words[self.mask.reshape(-1)]

    @cached_property
    def rows(self) -> int:
        """Rows of the layer seen as a matrix: its first axis."""
        return self.mask.shape[0] if self.mask.ndim > 1 else 1

    @cached_property
    def columns(self) -> int:
        """Columns of that matrix: all other axes."""
        return self.mask.size // self.rows if self.rows else 0

    def stored(self, words: NDArray[Any]) -> NDArray[Any]:
        """Words as stored: formats smaller than a byte are packed."""
        return words if word_bits(self.dtype) >= 8 else pack_words(words, self.dtype)


def smallest(values: NDArray[Any], limit: int) -> NDArray[Any]:
    """Return indices in the narrowest unsigned type that holds 0 … limit."""
    return values.astype(np.min_scalar_type(max(limit, 0)))


def range_coded(values: NDArray[Any]) -> list[Buffer]:
    """Range-code values by their own frequencies (constriction), the table included.

    Parameters
    ----------
    values : ndarray of bool, uint8 or uint16, shape (size,)

    Returns
    -------
    list of buffers
        The values that occur, how often each, and the coder's words.
    """
    often = np.bincount(values)
    found = np.flatnonzero(often).astype(values.dtype)
    counts = often[often > 0]
    table: list[Buffer] = [found, smallest(counts, int(counts.max(initial=0)))]
    if found.size < 2:
        return table
    model = constriction.stream.model.Categorical(counts / counts.sum(), perfect=False)
    encoder = constriction.stream.queue.RangeEncoder()
    index = (np.cumsum(often > 0) - 1).astype(np.int32)
    for at in range(0, values.size, PIECE):  # it keeps Python's lock; others want it, too
        encoder.encode(index[values[at : at + PIECE].astype(np.uint16)], model)
    return [*table, encoder.get_compressed()]


def dense(layer: Pruned) -> list[Buffer]:
    """All weights, zeros too."""
    return [layer.stored(layer.words)]


def bitmask(layer: Pruned) -> list[Buffer]:
    """One bit per weight, then the kept values."""
    return [np.packbits(layer.mask), layer.stored(layer.kept)]


def csr(layer: Pruned) -> list[Buffer]:
    """Compressed sparse rows: row starts, column of each kept value, values."""
    matrix = layer.mask.reshape(layer.rows, layer.columns)
    starts = np.concatenate([[0], np.cumsum(matrix.sum(axis=1))])
    return [
        smallest(starts, int(starts[-1])),
        smallest(np.nonzero(matrix)[1], layer.columns - 1),
        layer.stored(layer.kept),
    ]


def coo(layer: Pruned) -> list[Buffer]:
    """Coordinates: row and column, or one flat index where that is narrower; values."""
    row, column = np.nonzero(layer.mask.reshape(layer.rows, layer.columns))
    pair = [smallest(row, layer.rows - 1), smallest(column, layer.columns - 1)]
    flat = [smallest(np.flatnonzero(layer.mask), layer.mask.size - 1)]
    index = min(pair, flat, key=lambda arrays: sum(array.nbytes for array in arrays))
    return [*index, layer.stored(layer.kept)]


def n_of_m(layer: Pruned, n: int = 2, m: int = 4) -> list[Buffer] | None:
    """Exactly n values a group of m along the rows, each with its place in ⌈log2 m⌉ bits.

    None where a group holds more than n kept weights; fewer are filled up with zeros, as the
    hardware wants it.
    """
    if not layer.mask.size or layer.columns % m:
        return None
    groups = layer.mask.reshape(-1, m)
    if groups.sum(axis=1).max() > n:
        return None
    # kept weights first, then pruned ones (zeros) to fill the group; places in order
    places = np.sort(np.argsort(~groups, axis=1, kind="stable")[:, :n], axis=1)
    values = np.take_along_axis(layer.words.reshape(-1, m), places, axis=1).reshape(-1)
    width = (m - 1).bit_length()
    digits = places.reshape(-1, 1) >> np.arange(width) & 1
    return [np.packbits(digits.astype(np.uint8).reshape(-1)), layer.stored(values)]


def zstd(layer: Pruned) -> list[Buffer]:
    """Zstandard of the pruned tensor's bytes."""
    return [Zstd(ZSTD_LEVEL).encode(np.ascontiguousarray(layer.stored(layer.words)))]


def xz(layer: Pruned) -> list[Buffer]:
    """LZMA of the pruned tensor's bytes."""
    return [lzma.compress(layer.stored(layer.words).tobytes(), preset=6)]


def _shuffled(words: NDArray[Any]) -> Buffer:
    shuffled = Shuffle(words.itemsize).encode(words) if words.size else b""
    return Zstd(ZSTD_LEVEL).encode(shuffled) if words.size else b""


def shuffled_zstd(layer: Pruned) -> list[Buffer]:
    """Zstandard after sorting the pruned tensor's bytes by their place in the word."""
    return [_shuffled(layer.stored(layer.words))]


def zipnn(layer: Pruned) -> list[Buffer] | None:
    """ZipNN of the pruned tensor (Hershcovitch et al. 2024, arXiv 2411.05239), if installed."""
    if layer.dtype not in ("float32", "float16", "bfloat16") or find_spec("zipnn") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses a deprecated part of torch
        from zipnn import ZipNN

        codec = ZipNN(input_format="byte", bytearray_dtype=layer.dtype)
        return [codec.compress(bytearray(layer.words.tobytes()))]


def entropy_mask_zstd(layer: Pruned) -> list[Buffer]:
    """Range-coded mask, then byte-shuffled Zstandard of the kept values."""
    return [*range_coded(layer.mask.reshape(-1)), _shuffled(layer.stored(layer.kept))]


def entropy_coded(layer: Pruned) -> list[Buffer]:
    """Range-coded mask and exponents (whole integers) of kept values, other bits as they are."""
    shift, width = field_bits(layer.dtype)
    field = layer.kept >> shift & (1 << width) - 1
    rest = word_bits(layer.dtype) - width
    low = layer.kept & ((1 << shift) - 1)
    sign = layer.kept >> (shift + width) << shift
    return [
        *range_coded(layer.mask.reshape(-1)),
        *range_coded(smallest(field, (1 << width) - 1)),
        _packed(low | sign, rest),
    ]


def _packed(words: NDArray[Any], width: int) -> NDArray[np.uint8]:
    """Write the low `width` bits of each word one after another."""
    if not width:
        return np.empty(0, np.uint8)
    digits = np.unpackbits(words[:, None].view(np.uint8), axis=1, bitorder="little")
    return np.packbits(digits[:, :width])


def nbytes(buffers: Sequence[Buffer]) -> int:
    """Return the bytes of all buffers."""
    return sum(len(b) if isinstance(b, bytes) else b.nbytes for b in buffers)
