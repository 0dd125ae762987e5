"""What an encoded layer is: planes of symbols and corrections, the mask and the decoder."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import Plane
from f2f_viz.codec.word_decoder import all_symbols

__all__ = ["Encoded"]


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
        SHA-256 of the decoded weights' little-endian bytes, pruned weights being +0.
    scales : ndarray of float32 or None
        Of quantized weights (`quantize`): the value of one step, shape () or (shape[0], 1, …).
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
        return np.flatnonzero(self.layout.gather(self.mask.reshape(-1)))

    @cached_property
    def care_starts(self) -> NDArray[np.int64]:
        """Care bits before each block of a plane, shape (l + 1,)."""
        return self.layout.starts(self.mask.reshape(-1))

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
