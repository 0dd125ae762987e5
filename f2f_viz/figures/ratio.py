"""Ratio against sparsity: the bound, what each register length reaches, and where we stand."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.layouts import column, row
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    LinearAxis,
    LinearScale,
    NumeralTickFormatter,
    Plot,
    Range1d,
)

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.curves import STAGES, CurvePoint, point_of
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.figures.palette import STAGE_MARKERS, Theme, palette
from f2f_viz.figures.style import FONT, MARK, blank, quiet_legend, tip

__all__ = [
    "RatioView",
    "bound_data",
    "curve_data",
    "distortion_data",
    "plane_bound_data",
]


def bound_data(low: float = 0.3, high: float = 0.99) -> dict[str, Any]:
    """Return the bound 1 / (1 − S) on a grid of sparsities."""
    sparsity = np.linspace(low, high, 200)
    return {"sparsity": sparsity, "ratio": 1 / (1 - sparsity)}


def curve_data(points: Iterable[CurvePoint], n_s: int) -> dict[str, list[Any]]:
    """Return the points of one register length by increasing sparsity, as columns."""
    chosen = sorted((p for p in points if p.n_s == n_s), key=lambda p: p.sparsity)
    return {field.name: [getattr(p, field.name) for p in chosen] for field in fields(CurvePoint)}


def plane_bound_data(points: Iterable[CurvePoint]) -> dict[str, list[float]]:
    """Return the planes' entropy bound by increasing sparsity, finite ones."""
    found = {p.sparsity: p.plane_bound for p in points if np.isfinite(p.plane_bound)}
    return {"sparsity": sorted(found), "ratio": [found[s] for s in sorted(found)]}


def distortion_data(most: float = 0.08) -> dict[str, Any]:
    """Return the rate–distortion limit of random care bits: R / q = 1 − h(δ)."""
    delta = np.linspace(0, most, 200)
    return {"delta": delta, "rate": 1 - binary_entropy(delta)}


class RatioView:
    """Three figures: ratio, share of the planes' bound, and rate against distortion.

    Parameters
    ----------
    theme : {"light", "dark"}
    narrow : bool
        Below each other, for one column.

    Attributes
    ----------
    root : bokeh row, or column
    """

    def __init__(self, theme: Theme = "light", narrow: bool = False) -> None:
        self._colours = palette(theme)
        self._here = ColumnDataSource(curve_data([], 0))
        self._curves = [ColumnDataSource(curve_data([], n)) for n in STAGES]
        self._random = ColumnDataSource(bound_data())
        self._planes = ColumnDataSource(plane_bound_data([]))
        self._points: Sequence[CurvePoint] = ()
        self._point: CurvePoint | None = None
        self._lines: list[Any] = []
        self._scores = ColumnDataSource({"sparsity": [], "score": []})
        self._score_axis = LinearAxis(y_range_name="score", visible=False)
        self._score_range, self._score_format = Range1d(0, 1), NumeralTickFormatter(format="0 %")
        coded = "dense / coded bits" if narrow else "dense / (payload + corrections)"
        ratio = self._ratio(coded)
        of_bound = self._of_bound(ratio)
        distortion = self._distortion()
        self._plot, self._title = ratio, ratio.title
        first, last = ratio.legend[0], distortion.legend[0]
        self._keys = [
            item for item in (*first.items, *last.items) if item.label.value.startswith("n_s")
        ]
        last.items = [  # the rest says the first
            item for item in last.items if item.label.value.startswith("1 −")
        ]
        if narrow:
            self.root = column(ratio, of_bound, distortion, sizing_mode="stretch_both")
        else:
            right = column(of_bound, distortion, sizing_mode="stretch_both")
            self.root = row(ratio, right, sizing_mode="stretch_both", spacing=16)

    def _ratio(self, label: str) -> Any:
        """Draw the ratio against sparsity, with both bounds."""
        colours = self._colours
        plot = blank(
            colours, title="Ratio", x="sparsity S", y=label, y_axis_type="log",
            x_range=Range1d(0.28, 1), name="ratio",
        )  # fmt: skip
        plot.line(
            "sparsity", "ratio", source=self._random, color=colours.reference,
            line_dash="dashed", line_width=1.5, legend_label="1/(1 − S), random bits",
        )  # fmt: skip
        bound = {"source": self._planes, "legend_label": "plane-entropy bound"}
        line = plot.line(
            "sparsity", "ratio", color=colours.muted, line_dash="dotted", line_width=1.5, **bound
        )
        plot.scatter(
            "sparsity", "ratio", marker="dash", size=10, line_color=colours.muted, line_width=1.5,
            **bound,
        )  # fmt: skip
        self._lines.append(line)
        plot.yaxis.ticker = [1, 2, 3, 5, 10, 20, 50, 100]
        self._draw_scores(plot)
        plot.xaxis.ticker.desired_num_ticks = 5
        self._draw(plot, "sparsity", "ratio")
        quiet_legend(plot, colours)
        plot.y_range.range_padding = 0.14
        own = [one for one in plot.renderers if one.data_source is not self._scores]
        plot.y_range.renderers = own  # ratios alone: the score has its range
        return plot

    def _draw_scores(self, plot: Any) -> None:
        """Make the curve of a score, with an axis of its own at the right; hidden until shown."""
        colours = self._colours
        plot.extra_y_ranges = {"score": self._score_range}
        plot.extra_y_scales = {"score": LinearScale()}  # not the ratio's, which is logarithmic
        self._score_axis.update(
            formatter=self._score_format,
            axis_line_color=colours.line,
            major_tick_line_color=colours.line,
            minor_tick_line_color=None,
            major_label_text_color=colours.muted,
            major_label_text_font=FONT,
            major_label_text_font_size="11px",
            axis_label_text_color=colours.muted,
            axis_label_text_font=FONT,
            axis_label_text_font_style="normal",
            axis_label_text_font_size="11.5px",
        )
        plot.add_layout(self._score_axis, "right")
        look = {"source": self._scores, "y_range_name": "score", "color": colours.corrected}
        line = plot.line(
            "sparsity", "score", line_width=1.5, legend_label="score", name="scores", **look
        )
        marks = plot.scatter("sparsity", "score", marker="star", size=9, **look)
        self._score_item = plot.legend[0].items[-1]
        self._score_item.update(renderers=[line, marks], visible=False)

    def show_scores(
        self, points: Sequence[tuple[float, float]], label: str = "", share: bool = False
    ) -> None:
        """Show a score over sparsity, on an axis of its own.

        Parameters
        ----------
        points : sequence of (sparsity, score)
            Those that are no numbers are left out.
        label : str
            What the score is; without, there is none, nor an axis.
        share : bool
            Whether a score is one, from 0 to 1.
        """
        found = sorted(point for point in points if np.isfinite(point).all())
        self._scores.data = {
            "sparsity": [sparsity for sparsity, _ in found],
            "score": [score for _, score in found],
        }
        self._plot.min_border_right = 80 if label else 12
        self._score_axis.update(visible=bool(label), axis_label=label)
        self._score_item.update(visible=bool(label), label=value(label))
        self._score_format.format = "0 %" if share else "0.[000]"
        scores = [score for _, score in found]
        low, high = (0.0, 1.0) if share or not found else (min(scores), max(scores))
        room = 0.05 * (high - low or 1)
        self._score_range.update(start=low - room, end=high + room)

    def _of_bound(self, ratio: Any) -> Any:
        """Draw the share of the planes' bound, beside the ratio."""
        plot = blank(
            self._colours,
            title="Of the plane-entropy bound",
            x="sparsity S",
            y="ratio / bound",
            x_range=ratio.x_range,
        )
        plot.yaxis.formatter = NumeralTickFormatter(format="0 %")
        plot.xaxis.ticker.desired_num_ticks = 5
        self._draw(plot, "sparsity", "of_plane_bound")
        plot.legend.visible = False
        plot.y_range.update(default_span=0.1, range_padding=0.2)
        return plot

    def _distortion(self) -> Any:
        """Draw the rate against the share of care bits that are wrong, with its limit."""
        colours = self._colours
        plot = blank(
            colours, title="Rate against distortion", x="δ, care bits corrected / care bits",
            y="payload per care bit",
        )  # fmt: skip
        plot.line(
            "delta", "rate", source=ColumnDataSource(distortion_data()), color=colours.reference,
            line_dash="dashed", line_width=1.5, legend_label="1 − h(δ), limit of random bits",
        )  # fmt: skip
        self._draw(plot, "delta", "rate")
        quiet_legend(plot, colours)
        plot.y_range.range_padding = 0.2
        return plot

    def _draw(self, plot: Any, x: str, y: str) -> None:
        colours = self._colours
        for n_s, source in zip(STAGES, self._curves, strict=True):
            tint, marker = colours.stages[n_s], STAGE_MARKERS[n_s]
            if x == "sparsity":
                line = plot.line(x, y, source=source, color=tint, line_width=1.6)
                self._lines.append(line)
            look = {"marker": marker, "size": 7, "color": tint}
            drawn = plot.scatter(x, y, source=source, **look)
            # the legend shows a point that is nowhere: of those that come there is none at first
            plot.scatter([np.nan], [np.nan], legend_label=f"n_s = {n_s}", **look)
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    tooltips=tip(
                        colours,
                        ("n_s", str(n_s)),
                        ("S", "@sparsity{0.000}"),
                        ("ratio", "@ratio{0.00}"),
                        ("of 1 / (1 − S)", "@of_bound{0.0 %}"),
                        ("of the plane-entropy bound", "@of_plane_bound{0.0 %}"),
                        ("1 − efficiency", "@delta{0.00 %}"),
                    ),
                )
            )
        ring = plot.scatter(
            x, y, source=self._here, marker="circle", size=17, fill_alpha=0, line_width=2.5,
            line_color=colours.symbol, legend_label="these settings",
        )  # fmt: skip
        ring.tags = [MARK]

    def update(self, analysis: Analysis) -> None:
        """Mark where this analysis stands."""
        self._point = point = point_of(analysis)
        self._here.data = curve_data([point], point.n_s)
        low = min(0.3, point.sparsity)
        self._random.data = bound_data(low)
        for plot in self.root.select({"type": Plot}):
            if plot.xaxis[0].axis_label == "sparsity S":
                plot.x_range.start = low - 0.02
        self._bound()

    def show_curve(self, points: Sequence[CurvePoint], done: int, total: int) -> None:
        """Show measured points, some of a grid."""
        self._points = points
        for n_s, source in zip(STAGES, self._curves, strict=True):
            source.data = curve_data(points, n_s)
        self._bound()
        for line in self._lines:  # a chord between far points would cross the bound
            line.visible = done == total
        for item in self._keys:  # no word of curves that a file does not have
            item.visible = bool(points) or done < total
        waiting = f"Ratio: measured {done} of {total}"  # both fit where the view is narrow
        self._title.text = "Ratio, measured on this layer" if done == total else waiting

    def _bound(self) -> None:
        here = () if self._point is None else (self._point,)
        self._planes.data = plane_bound_data([*self._points, *here])
