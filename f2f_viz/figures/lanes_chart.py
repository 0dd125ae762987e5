"""Lanes side by side, as a picture for paper: who works and who waits, and how that scales."""

from math import floor
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import Column, ColumnDataSource, LayoutDOM, Legend, LegendItem, Range1d, Row
from bokeh.plotting import figure

from f2f_viz.figures.lanes import COUNTS, SCHEMES, lanes_table, schedules
from f2f_viz.figures.palette import Palette, Theme, palette
from f2f_viz.figures.style import FONT, MARK, blank, quiet_legend
from f2f_viz.hardware.lanes import Schedule
from f2f_viz.text import counted

__all__ = ["LanesChart", "percent", "told"]

_SHOWN = 16
"""Lanes that are drawn at most, the first ones."""
_SPAN = 160
"""Cycles that are drawn at most."""
_BAND = 0.7
"""Of the height that a scheme has, what its lanes take; its name stands above."""
_MARKERS = ("square", "triangle", "diamond", "plus", "circle")
_DASHES = ("solid", "dashed", "dotted", "solid", "solid")


def _bars(found: Schedule, shown: int, span: int, corrects: bool) -> dict[str, list[Any]]:
    """Return bars of the first lanes and cycles: lane, start, stop and kind."""
    kinds = []
    for lane in range(shown):
        own = (found.lane == lane) & (found.stop > found.start)
        start, stop = found.start[own], found.stop[own]
        worked = start + 1 if corrects else stop
        before = np.concatenate([[0], stop])
        for kind, first, last in (
            ("busy", start, worked),
            ("corrects", worked, stop),
            ("waits", before, np.append(start, found.cycles)),
        ):
            seen = (last > first) & (first < span)
            kinds += [
                (lane, int(a), int(min(b, span)), kind)
                for a, b in zip(first[seen], last[seen], strict=True)
            ]
    return {n: [bar[i] for bar in kinds] for i, n in enumerate(("lane", "start", "stop", "kind"))}


def _short(name: str) -> str:
    return name.replace(", rows", "").replace(", lanes", "").replace(", blocks and", " with")


def _cut(number: float) -> str:
    return f"{floor(10 * number + 1e-9) / 10:,.1f}"


def percent(share: float) -> str:
    """Return a share of an ideal in percent: cut, not rounded, for less is not all of it."""
    return f"{_cut(100 * share)}\u2009%"


def told(found: Schedule) -> str:
    """Say how long a schedule takes, and how near that is to its ideal."""
    if not found.cycles:
        return "nothing to do"
    taken = counted(found.cycles, "cycle")
    return f"{taken}, ideal {_cut(found.ideal)}: {percent(found.share)}"


class LanesChart:
    """Schedules of all schemes, and the share of its own ideal that each reaches.

    Parameters
    ----------
    data : dict
        What `lanes.lanes_data` returned.
    lanes : int
    theme : {"light", "dark"}
    narrow : bool
        The charts below each other.

    Attributes
    ----------
    root : bokeh row or column
    """

    def __init__(
        self, data: dict[str, Any], lanes: int, theme: Theme = "light", narrow: bool = False
    ) -> None:
        colours = palette(theme)
        charts: list[LayoutDOM] = [
            self._lanes(schedules(data, lanes), lanes, colours, narrow),
            self._shares(lanes_table(data, lanes), lanes, colours, narrow),
        ]
        layout = Column if narrow else Row
        self.root = layout(children=charts, sizing_mode="stretch_both")

    def _lanes(self, found: list[Schedule], lanes: int, colours: Palette, narrow: bool) -> figure:
        shown = min(lanes, _SHOWN)
        span = min(_SPAN, max(1, *(one.cycles for one in found)))
        of = f" (the first {shown} drawn)" if shown < lanes else ""
        plot = blank(
            colours, title=f"{counted(lanes, 'lane')}{of}", x="cycles", x_range=Range1d(0, span),
            min_border_left=14,
            y_range=Range1d(len(found), -0.35),
        )  # fmt: skip
        plot.yaxis.visible = False
        plot.ygrid.visible = False
        fills = {"busy": colours.kept, "corrects": colours.corrected, "waits": colours.surface}
        drawn: dict[str, Any] = {}
        for row, (name, one) in enumerate(zip(SCHEMES, found, strict=True)):
            bars = _bars(one, shown, span, corrects=one is found[-1])
            high = _BAND / shown
            for kind, fill in fills.items():
                own = [i for i, k in enumerate(bars["kind"]) if k == kind]
                place = {n: [bars[n][i] for i in own] for n in ("start", "stop")}
                place["y"] = [row + (bars["lane"][i] + 0.5) * high for i in own]
                bars_of = plot.hbar(
                    y="y", left="start", right="stop", height=0.9 * high,
                    source=ColumnDataSource(place), fill_color=fill, line_color=None,
                    hatch_pattern="/" if kind == "waits" else " ", hatch_color=colours.muted,
                    hatch_scale=4,
                )  # fmt: skip
                if own or kind not in drawn:
                    drawn[kind] = bars_of
            words = _short(name) if narrow else f"{_short(name)}: {told(one)}"
            plot.text(
                [0], [row - 0.03], [words], text_color=colours.ink,
                text_font=value(FONT), text_font_size=value("10px"),
            )  # fmt: skip
        meaning = {"work": "busy", "a further correction": "corrects", "waits": "waits"}
        items = [LegendItem(label=text, renderers=[drawn[kind]]) for text, kind in meaning.items()]
        plot.add_layout(Legend(items=items))
        quiet_legend(plot, colours)
        return plot

    def _shares(
        self, table: dict[str, list[Any]], lanes: int, colours: Palette, narrow: bool
    ) -> figure:
        plot = blank(
            colours, title="Share of its own ideal", panel=True, x="lanes", y="", x_axis_type="log",
            y_range=Range1d(0, 1.04), x_range=Range1d(0.85, 300),
        )  # fmt: skip
        plot.xaxis.ticker = [count for count in COUNTS if count in (1, 4, 16, 64, 256)]
        plot.yaxis.ticker = [0, 0.25, 0.5, 0.75, 1]
        plot.yaxis.major_label_overrides = {
            tick: f"{100 * tick:g}\u2009%" for tick in (0, 0.25, 0.5, 0.75, 1)
        }
        tints = (colours.muted,) * 3 + (colours.mask, colours.symbol)
        for name, tint, marker, dash in zip(SCHEMES, tints, _MARKERS, _DASHES, strict=True):
            own = [i for i, scheme in enumerate(table["scheme"]) if scheme == name]
            x, y = ([table[column][i] for i in own] for column in ("lanes", "share"))
            label = _short(name)
            plot.line(x, y, line_color=tint, line_dash=dash, line_width=1.5, legend_label=label)
            plot.scatter(
                x, y, marker=marker, size=6, fill_color=tint, line_color=tint, legend_label=label
            )
        plot.segment(lanes, 0, lanes, 1.04, line_color=colours.ink, line_dash="dashed", tags=[MARK])
        quiet_legend(plot, colours)
        return plot
