"""The bit-planes as a figure for print: small multiples over the planes, one quantity each."""

from itertools import groupby
from typing import Any

from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    FixedTicker,
    GridBox,
    HoverTool,
    Legend,
    LegendItem,
    Range1d,
    Span,
)

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.planes import planes_data
from f2f_viz.figures.style import blank, quiet_legend, tip

__all__ = ["PlaneChart", "chart_data", "plane_fields"]

_TITLES = {
    "ones": ("Share of ones", ", stored inverted above the dashes"),
    "entropy": ("Entropy, bits per care bit", ""),
    "efficiency": ("Efficiency, %", " of care bits right before correction"),
    "mismatches": ("Corrections", ""),
    "payload_end": ("Stored bits per care bit", "; random bits need 1 (dashed)"),
}
_TOOLTIPS = [
    ("plane", "@index, @name"),
    ("share of ones", "@ones{0.0 %}"),
    ("entropy", "@entropy{0.000}"),
    ("efficiency", "@share_right"),
    ("corrections", "@mismatches{0,0}"),
    ("stored bits per care bit", "@per_bit{0.000}"),
]


def chart_data(analysis: Analysis) -> dict[str, list[Any]]:
    """Return what is drawn, an entry per plane, most significant first.

    Returns
    -------
    dict of lists
        index, name, ones, entropy (bits per care bit), efficiency (%, NaN where the plane stores no
        symbols), share_right (the efficiency in words), mismatches, payload_end and per_bit (stored
        bits per care bit: of the payload, and of all; corrections lie between).
    """
    rows, planes = planes_data(analysis), analysis.planes
    return {name: [row[name] for row in rows] for name in ("index", "name", "ones", "entropy")} | {
        "efficiency": [100 * row["efficiency"] if row["symbols"] else float("nan") for row in rows],
        "share_right": [
            f"{100 * row['efficiency']:.2f} %" if row["symbols"] else "none, it stores no symbols"
            for row in rows
        ],
        "mismatches": [row["mismatches"] for row in rows],
        "payload_end": [p.payload / p.care_bits if p.care_bits else 0.0 for p in planes],
        "per_bit": [row["per_bit"] for row in rows],
    }


def plane_fields(names: list[str]) -> list[tuple[str, int, int]]:
    """Group planes by the field of the number they belong to.

    Returns
    -------
    list of (str, int, int)
        Field (sign, exponent, mantissa, bit, rank), its first plane, and one past its last.
    """
    fields, at = [], 0
    for name, group in groupby(names, key=lambda name: name.split()[0]):
        stop = at + len(list(group))
        fields.append((name, at, stop))
        at = stop
    return fields


class PlaneChart:
    """Five charts, one under the other, over the same planes.

    Parameters
    ----------
    theme : {"light", "dark"}
    narrow : bool
        Short titles.

    Attributes
    ----------
    root : bokeh grid
    """

    def __init__(self, theme: Theme = "light", narrow: bool = False) -> None:
        self._colours = colours = palette(theme)
        self._source = ColumnDataSource(
            {name: [] for name in ("index", "name", "ones", "entropy", "efficiency", "share_right",
                                   "mismatches", "payload_end", "per_bit")}
        )  # fmt: skip
        self._x_range = Range1d(-0.5, 0.5)
        fills = {
            "ones": colours.kept, "entropy": colours.register, "mismatches": colours.corrected,
            "payload_end": colours.symbol,
        }  # fmt: skip
        self._plots = {}
        for name, (title, more) in _TITLES.items():
            last = name == "payload_end"
            plot = blank(
                colours, title=title if narrow else title + more, panel=True,
                x="bit-plane" if last else "",
                x_range=self._x_range, y_range=Range1d(0, 1.05), min_border_left=44,
                min_border_right=8, min_border_bottom=7,  # half of the number of the axis' end
            )  # fmt: skip
            plot.title.text_font_style = "normal"
            plot.title.text_font_size = "11.5px"
            plot.yaxis.ticker.desired_num_ticks = (
                2 if narrow or name in ("efficiency", "mismatches") else 3
            )
            plot.yaxis.formatter.use_scientific = False
            plot.xaxis.visible = last
            if name == "efficiency":
                plot.segment("index", 100, "index", name, source=self._source, color=colours.line)
                drawn = plot.scatter("index", name, source=self._source, size=5, color=colours.kept)
            else:
                drawn = plot.vbar(
                    "index", top=name, width=0.74, source=self._source, line_color=None,
                    fill_color=fills[name],
                )  # fmt: skip
            plot.add_tools(HoverTool(renderers=[drawn], tooltips=tip(colours, *_TOOLTIPS)))
            self._plots[name] = plot
        self._mark("ones", 0.5)
        self._mark("payload_end", 1.0)
        self._stack(drawn)
        self.root = GridBox(
            children=[(plot, i, 0) for i, plot in enumerate(self._plots.values())],
            rows={i: {"size": size} for i, size in enumerate(["1fr"] * 4 + ["1.9fr"])},
            sizing_mode="stretch_both",
        )  # the last has the axis of all and a legend

    def _mark(self, name: str, location: float) -> None:
        span = Span(
            location=location, dimension="width", line_color=self._colours.reference,
            line_dash="dashed", line_width=1.2,
        )  # fmt: skip
        self._plots[name].add_layout(span)

    def _stack(self, payload: Any) -> None:
        plot, colours = self._plots["payload_end"], self._colours
        corrections = plot.vbar(
            "index", bottom="payload_end", top="per_bit", width=0.74, source=self._source,
            line_color=None, fill_color=colours.corrected,
        )  # fmt: skip
        parts = {"payload": payload, "corrections": corrections}
        plot.add_layout(Legend(items=[LegendItem(label=k, renderers=[parts[k]]) for k in parts]))
        quiet_legend(plot, colours)

    def update(self, analysis: Analysis) -> None:
        """Show another analysis."""
        data = chart_data(analysis)
        count = len(data["index"])
        self._source.data = data
        self._x_range.update(start=-0.5, end=count - 0.5)
        worst = min([e for e in data["efficiency"] if e == e], default=99.0)
        self._plots["efficiency"].y_range.update(start=min(worst, 99.5) - 0.3, end=100.2)
        self._plots["mismatches"].y_range.end = 1.1 * max([*data["mismatches"], 1.0])
        self._plots["payload_end"].y_range.end = 1.1 * max([*data["per_bit"], 1.0])
        fields = plane_fields(data["name"])
        for plot in self._plots.values():
            plot.center = [m for m in plot.center if not isinstance(m, BoxAnnotation)]
            for _, start, stop in fields[::2]:
                plot.add_layout(
                    BoxAnnotation(
                        left=start - 0.5, right=stop - 0.5, level="underlay", line_color=None,
                        fill_color=self._colours.pruned, fill_alpha=0.55,
                    )
                )  # fmt: skip
        axis = self._plots["payload_end"].xaxis
        starts = [start for _, start, _ in fields if start == 0 or start >= 3]  # numbers need room
        axis.ticker = FixedTicker(ticks=sorted({*starts, count - 1}))
        axis.axis_label = "bit-plane: " + ", ".join(
            f"{start} {field}" if stop - start == 1 else f"{start}–{stop - 1} {field}"
            for field, start, stop in fields
        )
