"""A trellis that unfolds block by block: a small code's, and the layer's own where it is small."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.trace import trace
from f2f_viz.codec.trellis import encode_bits
from f2f_viz.figures.captions import why_nothing
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet
from f2f_viz.figures.trellis import costs_at, why_none

__all__ = ["UnfoldingView", "layer_unfolding", "small_code", "small_unfolding", "unfolding"]

BLOCKS = 6
"""Blocks of the small code."""
WINDOW = 12
"""Blocks of the layer's own code that are unfolded at a time."""
_N_IN, _N_S, _MOST_OUT = 2, 1, 24
_CARED = 3
"""Care bits of its blocks, about: more than a symbol has bits, or there were nothing to weigh."""
_LOOKED_AT = 1 << 18
"""Weights of a layer that the small code's are chosen from."""
Bits = NDArray[np.bool_]


def unfolding(
    bits: Bits,
    care: Bits,
    network: XorNetwork,
    *,
    path: Sequence[int] | None = None,
    costs: NDArray[np.float64] | None = None,
    state: int = 0,
    first: int = 0,
    about: str = "",
) -> dict[str, Any]:
    """Return what the page needs to unfold the search of some blocks.

    Parameters
    ----------
    bits, care : ndarray of bool, shape (blocks, n_out)
        Wanted bits, and which of them matter.
    network : XorNetwork
        Of at most 16 columns.
    path : sequence of int, optional
        Symbols that the encoder takes; the best ones, if not given.
    costs : ndarray of float64, shape (states,), optional
        Least mismatches so far of each state, inf where no way leads; 0 in state 0, if not given.
    state : int
        The state in which the encoder is before the first block.
    first : int
        The first block's number.
    about : str

    Returns
    -------
    dict
        n_in, n_s, n_out, first, about; costs; whole, whether it begins in state 0 and its path is
        the best of these blocks; path; states, through which it leads, from before the first block;
        blocks: of each the care bits, their rows of M as integers (bit j meets bit j of
        [x_t; x_{t−1}; …]), and the wanted bits.
    """
    whole = path is None
    if path is None:
        path = encode_bits(bits, care, network).symbols.tolist()
    if costs is None:
        costs = np.full(1 << network.n_in * network.n_s, np.inf)
        costs[0] = 0
    states = [state]
    for symbol in path:
        states.append((states[-1] << network.n_in | symbol) & (costs.size - 1))
    rows = _row_numbers(network)
    return {
        "n_in": network.n_in,
        "n_s": network.n_s,
        "n_out": network.n_out,
        "first": first,
        "about": about,
        "whole": whole,
        "costs": [int(cost) if np.isfinite(cost) else None for cost in costs],
        "path": list(path),
        "states": states,
        "blocks": [
            {
                "care": np.flatnonzero(cares).tolist(),
                "rows": rows[cares].tolist(),
                "wanted": wanted[cares].astype(int).tolist(),
            }
            for wanted, cares in zip(bits, care, strict=True)
        ],
    }


def small_code() -> dict[str, Any]:
    """Return what a page needs to choose the blocks of `small_unfolding` by itself.

    Returns
    -------
    dict
        n_in, n_s; blocks, cared, looked_at, which blocks are chosen; rows, by n_out the rows of M
        as integers.
    """
    rows = {
        n_out: _row_numbers(XorNetwork.random(_N_IN, n_out, _N_S))
        for n_out in range(_N_IN, _MOST_OUT + 1)
    }
    return {
        "n_in": _N_IN,
        "n_s": _N_S,
        "blocks": BLOCKS,
        "cared": _CARED,
        "looked_at": _LOOKED_AT,
        "rows": {n_out: own.tolist() for n_out, own in rows.items()},
    }


def _row_numbers(network: XorNetwork) -> NDArray[np.int64]:
    """Return the rows of M as integers: bit j meets bit j of [x_t; x_{t−1}; …]."""
    numbers: NDArray[np.int64] = network.matrix.astype(np.int64) @ (
        1 << np.arange(network.matrix.shape[1])
    )
    return numbers


def small_unfolding(analysis: Analysis) -> dict[str, Any]:
    """Unfold a code of four states on some weights of the layer, whatever its settings are.

    Of its planes the most random one is taken, and of the first weights a run of blocks with about
    `_CARED` care bits each.

    Returns
    -------
    dict
        As `unfolding`; only `reason` where nothing is kept or there is nothing to code.
    """
    if nothing := why_nothing(analysis):
        return {"reason": nothing}
    size = min(analysis.mask.size, _LOOKED_AT)
    mask = analysis.mask.reshape(-1)[:size]
    kept = int(np.count_nonzero(mask))
    if not kept:
        return {"reason": "No weight is kept, so every way costs nothing"}
    n_out = max(_N_IN, min(_N_IN * size // kept, _MOST_OUT))
    blocks = -(-size // n_out)
    padded = np.zeros(blocks * n_out, bool)
    padded[:size] = mask
    care = padded.reshape(blocks, n_out)
    run = min(BLOCKS, blocks)
    cared = np.convolve(care.sum(axis=1), np.ones(run, np.int64), "valid")
    first = int(np.abs(cared - _CARED * run).argmin())
    plane = max(analysis.planes, key=lambda plane: plane.entropy)
    start, stop = first * n_out, min((first + run) * n_out, size)
    words = to_words(analysis.layer.weights).reshape(-1)[start:stop].astype(np.uint64)
    bits = np.zeros(run * n_out, bool)
    bits[: stop - start] = words >> np.uint64(len(analysis.planes) - 1 - plane.index) & np.uint64(1)
    return unfolding(
        bits.reshape(run, n_out),
        care[first : first + run],
        XorNetwork.random(_N_IN, n_out, _N_S),
        about=f"A code of its own beside the layer's: n_in = {_N_IN}, n_s = {_N_S}, n_out = "
        f"{n_out}, on {run} blocks of plane {plane.index} ({plane.name}), weights {start} to "
        f"{stop - 1} of the layer. The settings stay as they are.",
    )


def layer_unfolding(analysis: Analysis, plane: int, cycle: int) -> dict[str, Any]:
    """Unfold the exact search of the layer's own code about a cycle.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    plane, cycle : int

    Returns
    -------
    dict
        As `unfolding`; only `reason` where it cannot be drawn.
    """
    if reason := why_none(analysis, plane):
        return {"reason": reason}
    assert analysis.encoded is not None
    network, tile = analysis.network, analysis.tile_blocks
    within = cycle % tile
    first = cycle - within % WINDOW
    stop = min(first + WINDOW, cycle - within + tile, analysis.blocks)
    t = trace(analysis.encoded, plane, first, stop)
    before = t.register[0, 1:].astype(np.int64) << network.n_in * np.arange(network.n_s)
    return unfolding(
        t.output ^ t.inverted,
        t.care,
        network,
        path=t.symbols.tolist(),
        costs=costs_at(analysis, plane, first),
        state=int(before.sum()),
        first=first,
        about=f"The search in plane {plane} ({analysis.planes[plane].name}), blocks {first} to "
        f"{stop - 1} of {analysis.blocks}: {1 << network.n_in * network.n_s} states, "
        f"{1 << network.n_in} symbols. Costs count from the start of the tile.",
    )


CODES = ("small", "layer")
"""Whose trellis may be seen: the small code's, or the layer's own."""


class UnfoldingWidget(Widget):
    """The trellis, to step and to play; see ``static/unfolding.js``."""

    _esm = script(STATIC / "player.js", STATIC / "unfolding.js")
    _css = sheet(STATIC / "decoder.css", STATIC / "unfolding.css")

    small = traitlets.Dict().tag(sync=True)
    layer = traitlets.Dict().tag(sync=True)
    cycle = traitlets.Int(0).tag(sync=True)
    """Which block of the layer; steps of its own code set it."""
    code: Any = traitlets.Enum(CODES, CODES[0]).tag(sync=True)
    step = traitlets.Int(1).tag(sync=True)
    """Of the small code's trellis."""


class UnfoldingView:
    """The small code's trellis and the layer's own.

    Attributes
    ----------
    root : UnfoldingWidget
    """

    def __init__(self) -> None:
        self.root = UnfoldingWidget()
        self._analysis: Analysis | None = None
        self._at = 0, 0

    def show(self, data: dict[str, Any]) -> None:
        """Show one trellis, as `unfolding` returned it."""
        self.root.small = data

    def update(self, analysis: Analysis) -> None:
        """Show another analysis; a preview leaves the last one standing."""
        if analysis.encoded is None:
            return
        self._analysis = analysis
        self.show(small_unfolding(analysis))
        self._show_layer()

    def go(self, plane: int, cycle: int) -> None:
        """Move to a cycle of a plane."""
        seen = self.root.layer
        plane_before, self._at = self._at[0], (plane, cycle)
        first = seen.get("first", 0)
        if plane == plane_before and first <= cycle < first + len(seen.get("blocks", ())):
            self.root.cycle = cycle
        else:
            self._show_layer()

    def _show_layer(self) -> None:
        a, (plane, cycle) = self._analysis, self._at
        if a is None or plane >= len(a.planes) or cycle >= max(a.blocks, 1):
            return
        with self.root.hold_sync():
            self.root.layer = layer_unfolding(a, plane, cycle)
            self.root.cycle = cycle
