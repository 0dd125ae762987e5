"""The decoder, cycle by cycle: what the shift register holds and what the XOR gates give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.encoded import Encoded
from f2f_viz.errors import F2FError

__all__ = ["Trace", "trace"]

Bits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trace:
    """Cycles start … start + n − 1 of the decoder of one plane.

    Attributes
    ----------
    plane, start : int
    inverted : bool
        The plane is stored inverted: its output is the complement of `raw`.
    symbols : ndarray of uint16, shape (n,)
        The symbol x_t that enters at each cycle.
    register : ndarray of uint16, shape (n, n_s + 1)
        x_t, x_{t−1}, …, x_{t−n_s}; 0 before a tile's start.
    raw : ndarray of bool, shape (n, n_out)
        y_t = M·[x_t; …; x_{t−n_s}] mod 2.
    output : ndarray of bool, shape (n, n_out)
        Final bits: `raw`, inverted if the plane is, corrections flipped.
    care : ndarray of bool, shape (n, n_out)
        Bits of kept weights; the others are don't-cares.
    mismatch : ndarray of bool, shape (n, n_out)
        Care bits that the gates get wrong, hence corrected.
    weight_index : ndarray of int64, shape (n, n_out)
        Flat index of each bit's weight in C order; −1 for padding.
    """

    plane: int
    start: int
    inverted: bool
    symbols: NDArray[np.uint16]
    register: NDArray[np.uint16]
    raw: Bits
    output: Bits
    care: Bits
    mismatch: Bits
    weight_index: NDArray[np.int64]

    @property
    def n_u(self) -> NDArray[np.int64]:
        """Care bits of each block, shape (n,)."""
        return self.care.sum(axis=1, dtype=np.int64)


@checked
def trace(encoded: Encoded, plane: int, start: int, stop: int) -> Trace:
    """Run the decoder of one plane over some cycles.

    Parameters
    ----------
    encoded : Encoded
    plane : int
        0 is the most significant.
    start, stop : int
        Cycles (blocks), 0 ≤ start ≤ stop ≤ l.

    Returns
    -------
    Trace

    Raises
    ------
    F2FError
        If the plane or the cycles are not there.
    """
    if not 0 <= plane < len(encoded.planes):
        raise F2FError("no such plane", expected=f"0 to {len(encoded.planes) - 1}", got=plane)
    if not 0 <= start <= stop <= encoded.blocks:
        raise F2FError(
            "no such cycles", expected=f"0 ≤ start ≤ stop ≤ {encoded.blocks}", got=(start, stop)
        )
    chosen = encoded.planes[plane]
    n_in, n_s, n_out = encoded.n_in, encoded.n_s, encoded.n_out
    cycle = np.arange(start, stop)[:, None]
    stage = np.arange(n_s + 1)[None, :]
    filled = cycle % encoded.tile_blocks >= stage
    register = np.where(filled, chosen.symbols[np.where(filled, cycle - stage, 0)], 0).astype(
        np.uint16
    )
    cells = (register[:, :, None] >> np.arange(n_in, dtype=np.uint16) & 1).reshape(
        len(cycle), n_in * (n_s + 1)
    )
    raw = (cells.astype(np.int64) @ encoded.network.matrix.astype(np.int64).T & 1).astype(bool)

    index = encoded.layout.weights(np.arange(start, stop))
    care = (index >= 0) & encoded.mask.reshape(-1)[index] if encoded.size else index >= 0
    positions = encoded.positions(chosen)
    first, last = np.searchsorted(positions, [start * n_out, stop * n_out])
    mismatch = np.zeros_like(raw)
    mismatch.reshape(-1)[positions[first:last] - start * n_out] = True
    return Trace(
        plane=plane,
        start=start,
        inverted=chosen.inverted,
        symbols=chosen.symbols[start:stop],
        register=register,
        raw=raw,
        output=raw ^ chosen.inverted ^ mismatch,
        care=care,
        mismatch=mismatch,
        weight_index=index,
    )
