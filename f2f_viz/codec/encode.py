"""Encode and decode a pruned layer: planes → symbols + corrections, and back bit for bit."""

import hashlib
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import blocks as _blocks
from f2f_viz.codec.bitplanes import dtype_name, to_words
from f2f_viz.codec.corrections import CODINGS, coded_bits
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import Plane, Progress, encode_planes
from f2f_viz.codec.recipe import Recipe, make_recipe
from f2f_viz.codec.trellis import TILE_BLOCKS
from f2f_viz.codec.word_decoder import all_symbols, care_starts
from f2f_viz.errors import F2FError

if TYPE_CHECKING:
    from f2f_viz.analysis.report import Report

__all__ = ["Encoded", "checksum", "encode", "encode_recipe"]


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
    mask_coding : {"range", "bitmap"}
        How the mask is written down (`mask_coding`).
    ranks : ndarray of uint16 or None
        If exponents are stored as ranks (`recoding`): the exponents, by rank.
    checksum : str
        SHA-256 of the decoded weights' little-endian bytes, pruned weights being +0.
    scales : ndarray of float32 or None
        Of quantized weights (`quantize`): the value of one step, shape () or (shape[0], 1, …).
    """

    shape: tuple[int, ...]
    dtype: str
    mask: NDArray[np.bool_]
    order: str
    tile_blocks: int
    network: XorNetwork
    planes: tuple[Plane, ...]
    coding: str
    mask_coding: str
    ranks: NDArray[np.uint16] | None
    checksum: str
    scales: NDArray[np.float32] | None = None

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
        return all_symbols([plane.symbols for plane in self.planes])

    @property
    def kept(self) -> int:
        """Kept weights; their bits are the care bits."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def care_positions(self) -> NDArray[np.int64]:
        """Positions t·n_out + i of the care bits of a plane, increasing; shape (kept,)."""
        care = _blocks.to_blocks(self.mask.reshape(-1), self.n_out, self.order)
        return np.flatnonzero(care)

    @cached_property
    def care_starts(self) -> NDArray[np.int64]:
        """Care bits before each block of a plane, shape (l + 1,)."""
        return care_starts(self.mask.reshape(-1), self.n_out, self.order)

    def positions(self, plane: Plane) -> NDArray[np.int64]:
        """Return the positions t·n_out + i of the corrections of a plane."""
        return self.care_positions[plane.corrections]

    @cached_property
    def correction_bits(self) -> NDArray[np.int64]:
        """Bits of each plane's corrections as `coding` writes them, shape (b,)."""
        plane_bits = self.blocks * self.n_out
        return np.array(
            [
                coded_bits(p.corrections, self.positions(p), plane_bits, self.coding)
                for p in self.planes
            ],
            np.int64,
        )

    @cached_property
    def report(self) -> "Report":
        """Sparsity, ratios, efficiency and every stored bit itemised."""
        from f2f_viz.analysis.report import (
            report,  # it reads the file's layout, which reads this module
        )

        return report(self)


def encode(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    n_in: int = 8,
    n_s: int = 2,
    n_out: int | None = None,
    fit_n_out: bool = False,
    plain: bool = False,
    order: str = "interleaved",
    seed: int = 0,
    coding: str = "rank",
    mask_coding: str = "range",
    recode: bool = False,
    zero_rate: bool = False,
    scales: NDArray[np.float32] | None = None,
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
    fit_n_out : bool
        If `n_out` is not given, take the length that stores the fewest bits (`fit`).
    plain : bool
        If `n_out` is not given, store planes as they are (M the identity, n_out = n_in) where
        symbols and corrections would take more, as they can where little is pruned.
    order : {"interleaved", "row"}
        Which weight is which bit of which block (`blocks`); ``row`` is the paper's.
    seed : int
        Of the decoder's matrix.
    coding : {"rank", "chunk"}
        How corrections are written (`corrections`); ``chunk`` is the paper's.
    mask_coding : {"range", "bitmap"}
        How the mask is written (`mask_coding`).
    recode : bool
        Store exponents (whole integers) as ranks (`recoding`).
    zero_rate : bool
        Store skewed planes without symbols (`planes`).
    scales : ndarray of float32, optional
        Of quantized weights, shape () or (shape[0], 1, …): kept, so that real values can be told.
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

    Examples
    --------
    >>> weights = np.linspace(-1, 1, 1000, dtype=np.float32)
    >>> encoded = encode(weights, abs(weights) > 0.8, n_in=4, n_s=1)
    >>> encoded.kept, encoded.n_out, encoded.blocks
    (200, 20, 50)
    >>> bool((decode(encoded) == weights * (abs(weights) > 0.8)).all())
    True
    """
    weights, mask = np.asarray(weights), np.asarray(mask)
    dtype_name(weights.dtype)  # or it says which formats there are
    if mask.shape != weights.shape:
        raise F2FError("the mask has another shape", expected=weights.shape, got=mask.shape)
    if mask.dtype != np.bool_:
        raise F2FError("the mask is not boolean", expected="bool", got=mask.dtype)
    for name, value, known in (
        ("coding", coding, CODINGS),
        ("mask_coding", mask_coding, MASK_CODINGS),
    ):
        if value not in known:
            raise F2FError(
                f"unknown {name}", expected=f"one of {', '.join(known)}", got=repr(value)
            )
    by_channel = (*weights.shape[:1], *[1] * (weights.ndim - 1))
    if scales is not None and scales.shape not in ((), by_channel):
        raise F2FError("scales", expected="one, or one for each first index", got=scales.shape)
    if n_out is not None and not 1 <= n_out <= _blocks.MAX_N_OUT:
        raise F2FError("block length", expected=f"1 ≤ n_out ≤ {_blocks.MAX_N_OUT}", got=n_out)
    recipe = make_recipe(
        weights, mask, n_in=n_in, n_s=n_s, n_out=n_out, fit_n_out=fit_n_out, plain=plain,
        order=order, seed=seed, recode=recode, zero_rate=zero_rate, threads=threads, cancel=cancel,
    )  # fmt: skip
    return encode_recipe(
        weights, mask, recipe, order=order, coding=coding, mask_coding=mask_coding, scales=scales,
        threads=threads, progress=progress, cancel=cancel,
    )  # fmt: skip


def encode_recipe(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    recipe: Recipe,
    *,
    order: str,
    coding: str,
    mask_coding: str,
    scales: NDArray[np.float32] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Encoded:
    """Encode a layer of which `fit.make_recipe` has decided how; parameters as in `encode`."""
    flat, network = mask.reshape(-1), recipe.network
    planes = encode_planes(
        _blocks.to_blocks(recipe.words, network.n_out, order),
        _blocks.to_blocks(flat, network.n_out, order),
        network, recipe.plan, threads=threads, progress=progress, cancel=cancel,
    )  # fmt: skip
    return Encoded(
        shape=weights.shape,
        dtype=dtype_name(weights.dtype),
        mask=mask.copy(),
        order=order,
        tile_blocks=TILE_BLOCKS,
        network=network,
        planes=planes,
        coding=coding,
        mask_coding=mask_coding,
        ranks=recipe.ranks,
        checksum=_sha256(to_words(weights) * flat),
        scales=scales,
    )


def checksum(weights: NDArray[Any]) -> str:
    """Return the SHA-256 of weights as little-endian bytes in C order."""
    return _sha256(to_words(weights))


def _sha256(words: NDArray[Any]) -> str:
    return hashlib.sha256(words.tobytes()).hexdigest()
