"""The trellis of a small code: states over time, the cheapest way into each, and the way chosen.

A state is what the register remembers, (x_{t−1}, …, x_{t−n_s}), hence 2^(n_in·n_s) of them. Every
block adds to a state's cost the care bits that the best arriving symbol gets wrong (Viterbi; Park
et al. 2022, section 4).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    Legend,
    LegendItem,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.palettes import interp_palette
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.trace import trace
from f2f_viz.figures.captions import why_nothing
from f2f_viz.figures.palette import Palette, Theme, palette
from f2f_viz.figures.style import FONT, MARK, blank, quiet_legend, tip

__all__ = ["MOST_STATES", "TrellisView", "costs_at", "states_of", "trellis_data", "why_none"]

MOST_STATES = 64
WINDOW = 24
_MOST_LABELLED = 16
"""States whose nodes are large enough to hold a number."""


def states_of(analysis: Analysis) -> int:
    """Return the number of states of the analysis' code."""
    return 1 << analysis.network.n_in * analysis.network.n_s


def why_none(analysis: Analysis, plane: int) -> str:
    """Say why the trellis of a plane of an exact analysis cannot be drawn; empty if it can."""
    assert analysis.encoded is not None
    if nothing := why_nothing(analysis):
        return nothing
    states = states_of(analysis)
    if states == 1:
        return "No register, one state: choose n_s ≥ 1 to see a trellis"
    if states > MOST_STATES:
        return f"{states:,} states are too many to draw: choose n_in · n_s ≤ 6"
    if analysis.encoded.planes[plane].zero_rate:
        return _no_symbols(analysis)
    if analysis.network.is_plain:
        return "Stored as they are, the bits of this layer take less: there was nothing to search"
    return ""


def _no_symbols(analysis: Analysis) -> str:
    text = "This plane stores no symbols, so there was nothing to search"
    having = [p.index for p in analysis.planes if p.payload]
    return f"{text}: choose plane {having[0]} in the decoder" if having else f"{text}, nor does any"


def trellis_data(
    analysis: Analysis, plane: int, cycle: int, length: int = WINDOW
) -> dict[str, dict[str, NDArray[Any]]]:
    """Run the forward search from the tile's start, and return a window of it around a cycle.

    Parameters
    ----------
    analysis : Analysis
        An exact one, of a code with at most `MOST_STATES` states.
    plane : int
    cycle : int
    length : int
        Cycles shown.

    Returns
    -------
    dict
        nodes: time, state, cost, excess (cost − the least at that time), reached states only; a
        state at time t is the register before symbol x_t, and the last time follows the window.
        survivors: time, state (before), next_state, symbol: the cheapest way into each state.
        path: the same for the way that the encoder chose.
    """
    first, stop = _window(analysis, cycle, length)
    assert analysis.encoded is not None
    nodes, survivors = [], []
    for now, (cost, ways) in enumerate(_forward(analysis, plane, first, stop), first):
        nodes.append(_reached(now, cost))
        if now < stop:
            survivors.append({"time": np.full(ways["state"].size, now)} | ways)
    register = trace(analysis.encoded, plane, first, stop).register
    return {
        "nodes": _joined(nodes),
        "survivors": _joined(survivors),
        "path": _path(analysis.network, first, register),
    }


def costs_at(analysis: Analysis, plane: int, cycle: int) -> NDArray[np.float64]:
    """Return the least mismatches of each state before a cycle, from the start of its tile.

    Returns
    -------
    ndarray of float64, shape (states,)
        inf where no way leads.
    """
    return next(_forward(analysis, plane, cycle, cycle))[0]


def _forward(
    analysis: Analysis, plane: int, first: int, stop: int
) -> Iterator[tuple[NDArray[np.float64], dict[str, NDArray[Any]]]]:
    """Yield the costs of cycles first … stop, each with the ways on from it; none from the last."""
    assert analysis.encoded is not None
    tile_start = first - first % analysis.tile_blocks
    t = trace(analysis.encoded, plane, tile_start, stop)
    outputs, following = _transitions(analysis.network)
    wanted = t.output ^ t.inverted
    cost = np.full(states_of(analysis), np.inf)
    cost[0] = 0
    for now, want, care in zip(range(tile_start, stop), wanted, t.care, strict=True):
        wrong = (outputs[..., care] != want[care]).sum(axis=-1)
        after, ways = _step(cost, wrong, following)
        if now >= first:
            yield cost, ways
        cost = after
    yield cost, {}


def _window(analysis: Analysis, cycle: int, length: int) -> tuple[int, int]:
    """Return the first cycle shown, and the one after the last."""
    tile = analysis.tile_blocks
    tile_start = cycle - cycle % tile
    first = max(tile_start, min(cycle - length // 2, analysis.blocks - length))
    return first, min(first + length, tile_start + tile, analysis.blocks)


def _transitions(network: XorNetwork) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return what every symbol gives out in every state, and the state it leads to.

    Returns
    -------
    outputs : ndarray of bool, shape (symbols, states, n_out)
    following : ndarray of int64, shape (symbols, states)
    """
    n_in, n_s = network.n_in, network.n_s
    states = 1 << n_in * n_s
    # bit j of symbol x_{t-k} meets column n_in·k + j
    word = np.arange(1 << n_in)[:, None] | np.arange(states) << n_in
    cells = word[..., None] >> np.arange(n_in * (n_s + 1)) & 1
    outputs = (cells @ network.matrix.astype(np.int64).T & 1).astype(bool)
    return outputs, word & (states - 1)


def _step(
    cost: NDArray[np.float64], wrong: NDArray[np.int64], following: NDArray[np.int64]
) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Go one block on: the least cost of every next state, and the way into each."""
    states = cost.size
    total, target = (wrong + cost).reshape(-1), following.reshape(-1)
    order = np.argsort(total, kind="stable")
    _, best = np.unique(target[order], return_index=True)
    chosen = order[best]
    chosen = chosen[np.isfinite(total[chosen])]
    after = np.full(states, np.inf)
    after[target[chosen]] = total[chosen]
    ways = {"state": chosen % states, "next_state": target[chosen], "symbol": chosen // states}
    return after, ways


def _reached(now: int, cost: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the nodes of a time: states that a way leads to."""
    state = np.flatnonzero(np.isfinite(cost))
    own = cost[state]
    time = np.full(state.size, now)
    return {"time": time, "state": state, "cost": own, "excess": own - cost.min()}


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _path(
    network: XorNetwork, first: int, register: NDArray[np.integer[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the encoder's way, of what symbol and register hold from cycle `first` on."""
    n_in, n_s = network.n_in, network.n_s
    symbol = register[:, 0].astype(np.int64)
    before = (register[:, 1:].astype(np.int64) << n_in * np.arange(n_s)).sum(axis=1)
    return {
        "time": first + np.arange(symbol.size),
        "state": before,
        "next_state": (before << n_in | symbol) & ((1 << n_in * n_s) - 1),
        "symbol": symbol,
    }


class TrellisView:
    """The trellis around the decoder's cycle, or how to get a code small enough to draw.

    Parameters
    ----------
    theme : {"light", "dark"}
    length : int
        Cycles shown.
    narrow : bool
        A short title.

    Attributes
    ----------
    root : bokeh figure
    reason : str
        Why nothing is drawn; empty where something is.
    """

    def __init__(self, theme: Theme = "light", length: int = WINDOW, narrow: bool = False) -> None:
        self._narrow = narrow
        colours = palette(theme)
        self._length = length
        self.reason = ""
        self._analysis: Analysis | None = None
        self._plane = self._cycle = 0
        empty: dict[str, list[Any]] = {"x0": [], "y0": [], "x1": [], "y1": [], "symbol": []}
        self._nodes = ColumnDataSource(
            {k: [] for k in ("time", "state", "cost", "excess", "text", "ink", "rim")}
        )
        self._survivors, self._path = ColumnDataSource(empty), ColumnDataSource(empty)
        self._inks, self._rims = (colours.surface, colours.ink), (colours.surface, colours.symbol)
        self._now = Span(
            location=0,
            dimension="height",
            line_color=colours.symbol,
            line_width=20,
            line_alpha=0.25,
            level="underlay",
            tags=[MARK],
        )
        self.root = plot = blank(
            colours, title="Trellis", x="cycle t", y="state", y_range=Range1d(-1, 1)
        )
        plot.add_layout(self._now)
        plot.xaxis.ticker = BasicTicker(min_interval=1)
        plot.xgrid.visible = False
        ends = ("x0", "y0", "x1", "y1")
        survivors = plot.segment(*ends, source=self._survivors, color=colours.dont_care)
        path = plot.segment(*ends, source=self._path, color=colours.symbol, line_width=3.5)
        self._circles = self._draw_nodes(colours)
        drawn = {
            "survivor": survivors,
            "cheapest way": path,
            "state, blue: low cost": self._circles,
        }
        plot.add_layout(Legend(items=[LegendItem(label=k, renderers=[drawn[k]]) for k in drawn]))
        quiet_legend(plot, colours)

    def _draw_nodes(self, colours: Palette) -> Any:
        """Draw the states as circles, blue where the cost is low, with what they say."""
        steps = interp_palette((colours.kept, colours.pruned), 8)
        shade = LinearColorMapper(palette=steps, low=0, high=4)
        nodes = self.root.scatter(
            "time", "state", source=self._nodes, line_color="rim", line_width=1.5,
            fill_color={"field": "excess", "transform": shade},
        )  # fmt: skip
        self.root.text(
            "time", "state", text="text", source=self._nodes, text_color="ink", text_align="center",
            text_baseline="middle", text_font=value(FONT), text_font_size=value("9px"),
        )  # fmt: skip
        self.root.add_tools(
            HoverTool(
                renderers=[nodes],
                tooltips=tip(
                    colours,
                    ("cycle", "@time"),
                    ("state", "@state"),
                    ("cost: mismatches so far", "@cost"),
                    ("above the best", "@excess"),
                ),
            )
        )
        return nodes

    def update(self, analysis: Analysis) -> None:
        """Show another analysis, at the same plane and cycle where they exist."""
        self._analysis = analysis
        self.go(self._plane, self._cycle)

    def go(self, plane: int, cycle: int) -> None:
        """Move to a cycle of a plane."""
        a = self._analysis
        if a is None or a.encoded is None:
            return
        self._plane = plane = min(plane, len(a.planes) - 1)
        self._cycle = cycle = max(min(cycle, a.blocks - 1), 0)
        self.reason = reason = why_none(a, plane)
        self.root.visible = not reason
        if reason:
            self.root.title.text = reason
            for source in (self._nodes, self._survivors, self._path):
                source.data = {name: [] for name in source.data}
            return
        data = trellis_data(a, plane, cycle, self._length)
        nodes = data["nodes"]
        states = states_of(a)
        labelled = states <= _MOST_LABELLED
        self.root.y_range.update(start=-0.05 * states, end=1.02 * states)
        ticks = {states * quarter // 4 for quarter in range(4)} | {states - 1}
        self.root.yaxis.ticker = FixedTicker(ticks=sorted(ticks))
        self._circles.glyph.size = 14 if labelled else 6
        path = data["path"]
        chosen = set(zip(path["time"], path["state"], strict=True))
        chosen |= set(zip(path["time"] + 1, path["next_state"], strict=True))
        on_path = [at in chosen for at in zip(nodes["time"], nodes["state"], strict=True)]
        self._nodes.data = dict(nodes) | {
            "text": [f"{cost:.0f}" if labelled else "" for cost in nodes["cost"]],
            "ink": [self._inks[int(excess > 1)] for excess in nodes["excess"]],
            "rim": [self._rims[int(on)] for on in on_path],
        }
        self._survivors.data = _segments(data["survivors"])
        self._path.data = _segments(data["path"])
        self._now.location = cycle
        least = int(nodes["cost"][nodes["time"] == cycle].min())
        about = f"Plane {plane}, cycle {cycle}"
        self.root.title.text = (
            about if self._narrow else f"{about}: {states} states, least cost {least:,}"
        )


def _segments(ways: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {
        "x0": ways["time"],
        "y0": ways["state"],
        "x1": ways["time"] + 1,
        "y1": ways["next_state"],
        "symbol": ways["symbol"],
    }
