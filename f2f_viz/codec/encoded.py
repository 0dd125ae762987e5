"""What an encoded layer is: planes of symbols and corrections, the mask and the decoder."""

import re
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked_fields
from f2f_viz.codec.bitplanes import DTYPES, field_bits, word_bits
from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.entropy import max_ratio
from f2f_viz.codec.network import MOST_TILE_BLOCKS, XorNetwork
from f2f_viz.codec.planes import Plane
from f2f_viz.codec.word_decoder import CodedPlanes, Field, WordDecoder, all_symbols
from f2f_viz.display import html_table, text_line
from f2f_viz.errors import F2FError
from f2f_viz.text import sound

__all__ = ["CHECKSUM_BYTES", "Encoded"]

CHECKSUM_BYTES = 8
"""Of a layer's SHA-256 so many are kept, to tell a wrong decoder; files have whole digests."""


def _unfit(what: str, expected: Any, got: Any) -> F2FError:
    return F2FError(f"{what} of an encoded layer", expected=expected, got=got)


def _expect(good: Any, what: str, expected: Any, got: Any) -> None:
    if not good:
        raise _unfit(what, expected, got)


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
    code : Code
        How it was chosen to be coded; `network` has the n_out that came of it.
    tile_blocks : int
        Blocks of a tile; the register is 0 where a tile starts.
    network : XorNetwork
        The decoder: M, n_in, n_s, n_out.
    planes : tuple of Plane, length b
        Most significant first.
    ranks : ndarray of uint16 or None
        If exponents are stored as ranks (`exponent_ranks`): the exponents, by rank.
    checksum : str
        First 8 bytes of the SHA-256 of the decoded weights' little-endian bytes, pruned weights
        being +0; in hexadecimal.
    scales : ndarray of float32 or None
        Of quantized weights (`quantize`): the value of one step, shape () or (shape[0], 1, …).
    name : str
        Of the tensor; empty if it has none.

    Raises
    ------
    F2FError
        If the parts do not fit each other, so that whatever decodes may rely on it. The arrays
        cannot be written to afterwards.
    """

    shape: tuple[int, ...]
    dtype: str
    mask: NDArray[np.bool_]
    code: Code
    tile_blocks: int
    network: XorNetwork
    planes: tuple[Plane, ...]
    ranks: NDArray[np.uint16] | None
    checksum: str
    scales: NDArray[np.float32] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        checked_fields(self, Encoded)
        object.__setattr__(self, "name", sound(self.name))  # files can then hold it
        _expect(self.dtype in DTYPES, "number format", f"one of {', '.join(DTYPES)}", self.dtype)
        _expect(self.mask.shape == self.shape, "mask", f"shape {self.shape}", self.mask.shape)
        _expect(0 < self.tile_blocks <= MOST_TILE_BLOCKS, "tile_blocks",
                f"1 to {MOST_TILE_BLOCKS}", self.tile_blocks)  # fmt: skip
        own, chosen = (self.n_in, self.n_s), (self.code.n_in, self.code.n_s)
        _expect(own == chosen, "network", f"the code's n_in, n_s = {chosen}", own)
        _expect(re.fullmatch(f"[0-9a-f]{{{2 * CHECKSUM_BYTES}}}", self.checksum), "checksum",
                f"{2 * CHECKSUM_BYTES} hex digits", repr(self.checksum))  # fmt: skip
        planes = word_bits(self.dtype)
        _expect(len(self.planes) == planes, "planes", f"{planes}, one per bit", len(self.planes))
        for plane in self.planes:
            self._check(plane, self.blocks)
        if self.ranks is not None:
            most = 1 << field_bits(self.dtype)[1]
            fits = self.ranks.ndim == 1 and self.ranks.size <= most and (self.ranks < most).all()
            _expect(fits, "ranks", f"up to {most} numbers below {most}", "others")
        if self.scales is not None:
            by_row = (*self.shape[:1], *[1] * (len(self.shape) - 1))
            _expect(self.scales.shape in ((), by_row), "scales",
                    "one, or one for each first index", self.scales.shape)  # fmt: skip
            positive = (np.isfinite(self.scales) & (self.scales > 0)).all()
            _expect(positive, "scales", "finite numbers > 0", "others")
        self._freeze()

    def _check(self, plane: Plane, blocks: int) -> None:
        """Check one plane; what it should be is said only where it is not: there are up to 64."""
        if not isinstance(plane, Plane):
            raise _unfit("planes", "each a Plane", type(plane).__name__)
        at, symbols = plane.corrections, plane.symbols
        if not (isinstance(plane.inverted, bool) and isinstance(plane.zero_rate, bool)):
            raise _unfit("flags", "True or False", "others")
        fits = isinstance(symbols, np.ndarray) and symbols.dtype == np.uint16
        if not fits or symbols.shape != (blocks,):
            raise _unfit("symbols", f"uint16 of shape ({blocks},)", "others")
        if not plane.zero_rate:
            self.network.check_symbols(symbols)
        elif symbols.any():
            raise _unfit("symbols", "0 in a plane that stores none", "others")
        fits = isinstance(at, np.ndarray) and at.dtype == np.uint32 and at.ndim == 1
        if not fits or (at.size and not (at[-1] < self.kept and (at[1:] > at[:-1]).all())):
            raise _unfit("corrections", f"uint32, increasing, below {self.kept}", "others")

    def _freeze(self) -> None:
        """Keep own views of all arrays, which nobody writes to by mistake."""

        def frozen(array: NDArray[Any] | None) -> Any:
            if array is None or not array.flags.writeable:
                return array
            view = array.view()
            view.flags.writeable = False
            return view

        for name in ("mask", "ranks", "scales"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for plane in self.planes:
            object.__setattr__(plane, "symbols", frozen(plane.symbols))
            object.__setattr__(plane, "corrections", frozen(plane.corrections))

    def __reduce__(self) -> tuple[Any, ...]:
        # Without what is kept to decode again, and checked anew: arrays are writeable by then.
        return Encoded, tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        return text_line("Encoded", self._facts())

    def _repr_html_(self) -> str:
        return html_table("Encoded layer", self._facts())

    def _facts(self) -> dict[str, str]:
        """Say in short what it is."""
        return {
            "layer": f"{'×'.join(map(str, self.shape)) or 'scalar'} {self.dtype}",
            "S": f"{self.sparsity:.4f}",
            "code": f"n_in {self.n_in}, n_s {self.n_s}, n_out {self.n_out}, {self.order}",
            "ratio": f"{self.ratio:.3f}",
            "efficiency": f"{self.efficiency:.4f}",
        }

    @property
    def order(self) -> str:
        """Name of the block order."""
        return self.code.order

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

    @cached_property
    def layout(self) -> Layout:
        """Which weight is which bit of which block."""
        return Layout(self.shape, self.n_out, self.code.order)

    @property
    def blocks(self) -> int:
        """Blocks of a plane, l."""
        return self.layout.blocks

    @property
    def coded_planes(self) -> CodedPlanes:
        """All planes as the decoder wants them."""
        field = None
        if self.ranks is not None:
            field = Field(*field_bits(self.dtype), self.ranks)
        return CodedPlanes(
            self.network,
            [None if plane.zero_rate else plane.symbols for plane in self.planes],
            [plane.corrections for plane in self.planes],
            [plane.inverted for plane in self.planes],
            np.dtype(f"<u{DTYPES[self.dtype].itemsize}"),
            self.tile_blocks,
            field,
        )

    @cached_property
    def word_decoder(self) -> WordDecoder:
        """The decoder, ready to decode the layer again and again."""
        return WordDecoder(self.coded_planes, self.mask.reshape(-1), self.layout)

    @property
    def symbols(self) -> NDArray[np.uint16]:
        """Symbols of all planes, shape (b, l)."""
        return all_symbols([plane.symbols for plane in self.planes])

    @cached_property
    def kept(self) -> int:
        """Kept weights; their bits are the care bits."""
        return int(np.count_nonzero(self.mask))

    @property
    def sparsity(self) -> float:
        """S, pruned weights / all weights."""
        return 1 - self.kept / self.size if self.size else 0.0

    @property
    def max_ratio(self) -> float:
        """1 / (1 − S), the entropy bound on `ratio`."""
        return max_ratio(self.kept, self.size)

    @property
    def dense_bits(self) -> int:
        """Bits of all weights, in all planes."""
        return self.size * len(self.planes)

    @property
    def kept_bits(self) -> int:
        """Bits of the kept weights, in all planes."""
        return self.kept * len(self.planes)

    @property
    def care_bits(self) -> int:
        """Care bits of the planes that have symbols."""
        return self.kept * sum(not plane.zero_rate for plane in self.planes)

    @property
    def mismatches(self) -> int:
        """Those of the care bits that the decoder gets wrong."""
        return sum(plane.corrections.size for plane in self.planes if not plane.zero_rate)

    @property
    def efficiency(self) -> float:
        """E, matched care bits / all care bits; 1 where there is none."""
        return 1 - self.mismatches / self.care_bits if self.care_bits else 1.0

    @property
    def payload_bits(self) -> int:
        """Bits of the symbols: n_in for each block of the planes that have any."""
        return self.n_in * sum(p.symbols.size for p in self.planes if not p.zero_rate)

    @property
    def ratio(self) -> float:
        """The paper's accounting: dense bits / (payload + corrections)."""
        coded = self.payload_bits + int(self.correction_bits.sum())
        return self.dense_bits / coded if coded else float("inf")

    @cached_property
    def care_positions(self) -> NDArray[np.int64]:
        """Positions t·n_out + i of the care bits of a plane, increasing; shape (kept,)."""
        return np.flatnonzero(self.layout.gather(self.mask.reshape(-1)))

    @cached_property
    def care_starts(self) -> NDArray[np.int64]:
        """Care bits before each block of a plane, shape (l + 1,)."""
        return self.layout.starts(self.mask.reshape(-1))

    @cached_property
    def correction_starts(self) -> NDArray[np.int64]:
        """Corrections of each plane before each tile, shape (b, tiles + 1)."""
        edges = np.append(self.care_starts[: self.blocks : self.tile_blocks], self.kept)
        return np.array([np.searchsorted(plane.corrections, edges) for plane in self.planes])

    def positions(self, plane: Plane) -> NDArray[np.int64]:
        """Return the positions t·n_out + i of the corrections of a plane."""
        return self.care_positions[plane.corrections]

    @cached_property
    def correction_bits(self) -> NDArray[np.int64]:
        """Bits of each plane's corrections as the code writes them, shape (b,)."""
        coding = CODINGS[self.code.coding]
        plane_bits = self.blocks * self.n_out
        return np.array(
            [
                coding.bits(p.corrections, partial(self.positions, p), plane_bits)
                for p in self.planes
            ],
            np.int64,
        )
