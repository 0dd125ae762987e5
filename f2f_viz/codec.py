"""Encode and decode a pruned layer: planes → symbols + corrections, and back bit for bit."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz import blocks as _blocks
from f2f_viz.bitplanes import DTYPES, dtype_name, from_words, to_words, word_bits
from f2f_viz.corrections import CODINGS, coded_bits
from f2f_viz.errors import F2FError
from f2f_viz.network import XorNetwork
from f2f_viz.packing import pack_mask, pack_planes, unpack_planes
from f2f_viz.trellis import TILE_BLOCKS, search_tiles

if TYPE_CHECKING:
    from f2f_viz.report import Report

__all__ = ["Encoded", "Plane", "checksum", "decode", "encode", "encode_planes", "wrong_bits"]

Progress = Callable[[int, int], None]
Words = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Plane:
    """One encoded bit-plane.

    Attributes
    ----------
    inverted : bool
        The plane was mostly ones and is stored inverted.
    symbols : ndarray of uint16, shape (l,)
        One n_in-bit symbol a block.
    corrections : ndarray of int64, shape (mismatches,), increasing
        Positions t·n_out + i of the care bits that come out of the decoder wrong.
    """

    inverted: bool
    symbols: NDArray[np.uint16]
    corrections: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A pruned layer as fixed-to-fixed symbols; `decode` gives it back, `save` writes it.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
        A name of `bitplanes.DTYPES`.
    mask : ndarray of bool, the layer's shape
        True = kept.
    order : {"interleaved", "row"}
    tile_blocks : int
        Blocks of a tile; the register is 0 where a tile starts.
    network : XorNetwork
        The decoder: M, n_in, n_s, n_out.
    planes : tuple of Plane, length b
        Most significant first.
    coding : {"rank", "chunk"}
        How corrections are written down (`corrections`).
    checksum : str
        SHA-256 of the decoded weights' little-endian bytes, pruned weights being +0.
    """

    shape: tuple[int, ...]
    dtype: str
    mask: NDArray[np.bool_]
    order: str
    tile_blocks: int
    network: XorNetwork
    planes: tuple[Plane, ...]
    coding: str
    checksum: str

    @property
    def n_in(self) -> int:
        """Bits of a symbol."""
        return self.network.n_in

    @property
    def n_s(self) -> int:
        """Stages of the shift register."""
        return self.network.n_s

    @property
    def n_out(self) -> int:
        """Bits of a block."""
        return self.network.n_out

    @property
    def size(self) -> int:
        """Weights of the layer."""
        return self.mask.size

    @property
    def blocks(self) -> int:
        """Blocks of a plane, l."""
        return _blocks.block_count(self.size, self.n_out)

    @property
    def symbols(self) -> NDArray[np.uint16]:
        """Symbols of all planes, shape (b, l)."""
        return np.stack([plane.symbols for plane in self.planes])

    @property
    def kept(self) -> int:
        """Kept weights; their bits are the care bits."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def care_positions(self) -> NDArray[np.int64]:
        """Positions t·n_out + i of the care bits of a plane, increasing; shape (kept,)."""
        care = _blocks.to_blocks(self.mask.reshape(-1), self.n_out, self.order)
        return np.flatnonzero(care)

    def ranks(self, plane: Plane) -> NDArray[np.int64]:
        """Return the corrections of a plane counted among its care bits."""
        return np.searchsorted(self.care_positions, plane.corrections).astype(np.int64)

    @cached_property
    def correction_bits(self) -> NDArray[np.int64]:
        """Bits of each plane's corrections as `coding` writes them, shape (b,)."""
        plane_bits = self.blocks * self.n_out
        return np.array(
            [
                coded_bits(self.ranks(p), p.corrections, plane_bits, self.coding)
                for p in self.planes
            ],
            np.int64,
        )

    @cached_property
    def report(self) -> "Report":
        """Sparsity, ratios, efficiency and every stored bit itemised."""
        from f2f_viz.report import report  # it reads the file's layout, which reads this module

        return report(self)


def checksum(weights: NDArray[Any]) -> str:
    """Return the SHA-256 of weights as little-endian bytes in C order."""
    return hashlib.sha256(to_words(weights).tobytes()).hexdigest()


def wrong_bits(raw: Words, bits: Words, care: Words, n_out: int) -> NDArray[np.int64]:
    """Return where the decoder's output differs from a care bit.

    Parameters
    ----------
    raw, bits, care : ndarray of uint64, shape (l, words)
        Decoder output, wanted bits and care bits of one plane, packed.
    n_out : int

    Returns
    -------
    ndarray of int64, increasing
        Positions t·n_out + i.
    """
    wrong = (raw ^ bits) & care
    block, word = np.nonzero(wrong)
    ones = np.unpackbits(wrong[block, word].astype("<u8").view(np.uint8), bitorder="little")
    at, bit = np.nonzero(ones.reshape(-1, 64))
    return (block[at] * n_out + word[at] * 64 + bit).astype(np.int64)


def encode_planes(
    words: NDArray[Any],
    care: NDArray[np.bool_],
    network: XorNetwork,
    planes: int,
    *,
    tile_blocks: int = TILE_BLOCKS,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Plane, ...]:
    """Encode the bit-planes of blocked weights.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (blocks, n_out)
    care : ndarray of bool, shape (blocks, n_out)
    network : XorNetwork
    planes : int
        Bits of a word, b.
    tile_blocks, threads, progress, cancel
        As in `trellis.search_tiles`.
    """
    care_bits = pack_mask(care)
    bits = pack_planes(words, planes) & care_bits
    total = int(np.bitwise_count(care_bits).sum())
    ones = np.bitwise_count(bits).sum(axis=(1, 2), dtype=np.int64)
    inverted = 2 * ones > total
    bits[inverted] ^= care_bits
    found = search_tiles(
        bits, care_bits, network, tile_blocks=tile_blocks, threads=threads, progress=progress,
        cancel=cancel,
    )  # fmt: skip
    raw = network.decode_packed(found.symbols, tile_blocks)
    return tuple(
        Plane(
            bool(inverted[p]),
            found.symbols[p],
            wrong_bits(raw[p], bits[p], care_bits, words.shape[1]),
        )
        for p in range(planes)
    )


def encode(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    n_in: int = 8,
    n_s: int = 2,
    n_out: int | None = None,
    order: str = "interleaved",
    seed: int = 0,
    coding: str = "rank",
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Encoded:
    """Encode a pruned layer losslessly, fixed to fixed.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
    mask : ndarray of bool, the same shape
        True = kept. Only kept weights are preserved.
    n_in : int
        Bits of a symbol.
    n_s : int
        Stages of the decoder's shift register; 0 is the combinational decoder.
    n_out : int, optional
        Bits of a block; floor(n_in / (1 − S)) if not given, S the mask's sparsity.
    order : {"interleaved", "row"}
        Which weight is which bit of which block (`blocks`); ``row`` is the paper's.
    seed : int
        Of the decoder's matrix.
    coding : {"rank", "chunk"}
        How corrections are written (`corrections`); ``chunk`` is the paper's.
    threads : int, optional
        One a core if not given.
    progress : callable, optional
        Called as ``progress(done, total)``.
    cancel : threading.Event, optional
        Set it to stop; `Cancelled` is raised.

    Returns
    -------
    Encoded

    Raises
    ------
    F2FError
        For an unsupported dtype, a mask of another shape, or parameters out of range.
    """
    weights = np.asarray(weights)
    dtype = dtype_name(weights.dtype)
    mask = np.asarray(mask)
    if mask.shape != weights.shape:
        raise F2FError("the mask has another shape", expected=weights.shape, got=mask.shape)
    if mask.dtype != np.bool_:
        raise F2FError("the mask is not boolean", expected="bool", got=mask.dtype)
    if coding not in CODINGS:
        raise F2FError(
            "unknown coding of corrections",
            expected=f"one of {', '.join(CODINGS)}",
            got=repr(coding),
        )
    if n_out is None:
        n_out = _blocks.default_n_out(n_in, int(np.count_nonzero(mask)), mask.size)
    elif not 1 <= n_out <= _blocks.MAX_N_OUT:
        raise F2FError("block length", expected=f"1 ≤ n_out ≤ {_blocks.MAX_N_OUT}", got=n_out)
    network = XorNetwork.random(n_in, n_out, n_s, seed=seed)
    kept_words = to_words(weights) * mask.reshape(-1)
    planes = encode_planes(
        _blocks.to_blocks(kept_words, n_out, order),
        _blocks.to_blocks(mask.reshape(-1), n_out, order),
        network,
        word_bits(dtype),
        threads=threads,
        progress=progress,
        cancel=cancel,
    )
    return Encoded(
        shape=weights.shape,
        dtype=dtype,
        mask=mask.copy(),
        order=order,
        tile_blocks=TILE_BLOCKS,
        network=network,
        planes=planes,
        coding=coding,
        checksum=hashlib.sha256(kept_words.tobytes()).hexdigest(),
    )


def decode(encoded: Encoded) -> NDArray[Any]:
    """Decode a layer: kept weights bit for bit, pruned ones +0.

    Returns
    -------
    ndarray, the layer's dtype and shape
    """
    network = encoded.network
    bits = network.decode_packed(encoded.symbols, encoded.tile_blocks)
    for p, plane in enumerate(encoded.planes):
        if plane.inverted:
            bits[p] = ~bits[p]
        block, bit = np.divmod(plane.corrections, encoded.n_out)
        np.bitwise_xor.at(bits[p], (block, bit // 64), np.uint64(1) << (bit % 64).astype(np.uint64))
    itemsize = DTYPES[encoded.dtype].itemsize
    blocked = unpack_planes(bits, encoded.n_out, np.dtype(f"<u{itemsize}"))
    words = _blocks.from_blocks(blocked, encoded.size, encoded.order)
    words = words * encoded.mask.reshape(-1).astype(words.dtype)
    return from_words(words, encoded.dtype, encoded.shape)
