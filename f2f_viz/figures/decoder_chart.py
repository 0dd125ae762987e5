"""The decoder at one cycle, as a drawing: register, XOR network, output bits and their states."""

from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, Legend, LegendItem, Range1d

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.network import symbol_name
from f2f_viz.codec.trace import trace
from f2f_viz.figures.palette import SIGNS, Theme, palette
from f2f_viz.figures.style import FONT, blank, mix, quiet_legend
from f2f_viz.text import counted

__all__ = ["DecoderChart", "cycle_data"]

_GAP = 0.6
"""Space between register stages, and between lanes, in rows."""
_REGISTER = 4
"""Columns that the register takes, and the wires from it."""


def cycle_data(analysis: Analysis, plane: int, cycle: int) -> dict[str, list[int]]:
    """Return the output bits of a cycle as columns.

    Returns
    -------
    dict of lists
        bit, gates (what the XOR gates give), care, mismatch, output (what leaves the decoder:
        inverted if the plane is, and corrected), weight (its flat index, −1 for padding).
    """
    assert analysis.encoded is not None
    t = trace(analysis.encoded, plane, cycle, cycle + 1)
    return {
        "bit": list(range(analysis.n_out)),
        "gates": t.raw[0].astype(int).tolist(),
        "care": t.care[0].astype(int).tolist(),
        "mismatch": t.mismatch[0].astype(int).tolist(),
        "output": t.output[0].astype(int).tolist(),
        "weight": t.weight_index[0].tolist(),
    }


class DecoderChart:
    """M with the register beside it, ones full and zeros pale; below it the bits that come out.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    plane, cycle : int
    theme : {"light", "dark"}
    narrow : bool
        A short title.

    Attributes
    ----------
    root : bokeh figure
    """

    def __init__(
        self,
        analysis: Analysis,
        plane: int,
        cycle: int,
        theme: Theme = "light",
        narrow: bool = False,
    ) -> None:
        assert analysis.encoded is not None
        self._colours = colours = palette(theme)
        network = analysis.network
        n_in, n_s, n_out = network.n_in, network.n_s, network.n_out
        t = trace(analysis.encoded, plane, cycle, cycle + 1)
        register = t.register[0].astype(int)
        data = cycle_data(analysis, plane, cycle)
        care, wrong = sum(data["care"]), sum(data["mismatch"])
        stats = f"{counted(care, 'care bit')}, {wrong} corrected"
        about = f"Plane {plane}, cycle {cycle}"
        rows = n_in * (n_s + 1)
        self.root = plot = blank(
            colours,
            title=about if narrow else f"{about}: one symbol makes {n_out} bits, {stats}",
            x="output bit i",
            x_range=Range1d(-_REGISTER - 0.5, n_out - 0.3),
            y_range=Range1d(1, 0),
        )
        heights = [row + row // n_in * _GAP for row in range(rows)]
        items: dict[str, list[Any]] = {}
        ticks: dict[float, str] = {}
        for k in range(n_s + 1):
            mine = range(k * n_in, (k + 1) * n_in)
            tint = colours.register if k else colours.symbol
            on = [bool(register[k] >> (row % n_in) & 1) for row in mine]
            ticks[heights[k * n_in] + (n_in - 1) / 2] = f"{symbol_name(k)} = {register[k]}"
            fills = [tint if bit else mix(colours.surface, tint, 0.3) for bit in on]
            name = "register" if k else "symbol"
            cells = self._cells([-2.5] * n_in, [heights[row] for row in mine], fills, 2.6, 0.86)
            items.setdefault(name, []).append(cells)
            ones = [(i, row) for row in mine for i in np.flatnonzero(network.matrix[:, row])]
            self._cells(
                [i for i, _ in ones],
                [heights[row] for _, row in ones],
                [fills[row % n_in] for _, row in ones],
                0.8,
                0.74,
            )
        at = heights[-1] + 1 + 2 * _GAP
        for lane in ["gates", *["inverted"] * t.inverted, "output"]:
            for name, cells in self._lane(data, lane, at).items():
                items.setdefault(name, []).append(cells)
            ticks[at] = {"gates": "gates give"}.get(lane, lane)
            at += 1.4 + _GAP
        plot.y_range.update(start=at + 0.2, end=-0.9)
        plot.yaxis.ticker = FixedTicker(ticks=list(ticks))
        plot.yaxis.major_label_overrides = ticks
        plot.yaxis.axis_line_color = plot.yaxis.major_tick_line_color = None
        plot.xaxis.ticker = FixedTicker(ticks=[*range(0, n_out, 8 if n_out > 24 else 4)])
        plot.grid.visible = False
        self._explain(items)

    def _cells(
        self, x: list[Any], y: list[Any], fill: list[str], width: float, height: float
    ) -> Any:
        source = ColumnDataSource({"x": x, "y": y, "fill": fill})
        return self.root.rect(
            "x", "y", width, height, source=source, fill_color="fill", line_color=None
        )

    def _lane(self, data: dict[str, list[int]], lane: str, at: float) -> dict[str, Any]:
        """Draw a row of output bits; return what was drawn by its meaning."""
        bits = data["output"] if lane == "output" else data["gates"]
        bits = [bit ^ (lane == "inverted") for bit in bits]
        fault = "corrected" if lane == "output" else "mismatch"
        groups: dict[str, list[int]] = {}
        for i, (care, wrong) in enumerate(zip(data["care"], data["mismatch"], strict=True)):
            kind = "dont_care" if not care else fault if wrong else "care"
            groups.setdefault(kind, []).append(i)
        drawn = {}
        for kind, mine in groups.items():
            tint = getattr(self._colours, kind)
            pale = mix(self._colours.surface, tint, 0.35)
            fills = [tint if bits[i] else pale for i in mine]
            drawn[kind] = self._cells(list(mine), [at] * len(mine), fills, 0.84, 1.0)
            if kind == fault:
                below = lane == "output"
                self.root.text(
                    mine, [at + (0.6 if below else -0.5)] * len(mine),
                    text=[SIGNS[kind]] * len(mine), text_color=tint, text_font=value(FONT),
                    text_font_size=value("9px"), text_align="center",
                    text_baseline="top" if below else "bottom",
                )  # fmt: skip
        return drawn

    def _explain(self, items: dict[str, list[Any]]) -> None:
        names = {"dont_care": "don't-care", "care": "care bit"}
        names |= {kind: f"{kind} {SIGNS[kind]}" for kind in ("mismatch", "corrected")}
        wanted = ("symbol", "register", "care", "dont_care", "mismatch", "corrected")
        colours = self._colours
        legend = Legend(
            items=[
                LegendItem(
                    label=names.get(name, name), renderers=[self._key(getattr(colours, name))]
                )
                for name in wanted
                if name in items
            ]
        )
        self.root.add_layout(legend)
        quiet_legend(self.root, colours)

    def _key(self, tint: str) -> Any:
        """Make a swatch of a colour: cells are many, full and pale."""
        return self.root.rect(x=[-99], y=[-99], width=1, height=1, fill_color=tint, line_color=None)
