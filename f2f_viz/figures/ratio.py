"""Ratio against sparsity: the bound, what each register length reaches, and where we stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.figures.palette import STAGE_MARKERS, Palette, Theme, palette
from f2f_viz.figures.style import blank, quiet_legend

__all__ = [
    "STAGES",
    "CurvePoint",
    "RatioView",
    "bound_data",
    "curve_data",
    "distortion_data",
    "point_of",
]

STAGES = (0, 1, 2)


@dataclass(frozen=True)
class CurvePoint:
    """What one register length reaches at one sparsity, measured on the layer."""

    n_s: int
    sparsity: float
    ratio: float
    of_bound: float
    delta: float
    rate: float
    exact: bool


def point_of(analysis: Analysis) -> CurvePoint:
    """Reduce an analysis to its point.

    `delta` is δ, mismatched care bits / care bits, and `rate` the payload bits a care bit,
    n_in / (n_out·(1 − S)).
    """
    kept = float(analysis.mask.mean()) or 1.0
    return CurvePoint(
        n_s=analysis.network.n_s,
        sparsity=analysis.sparsity,
        ratio=analysis.ratio.value,
        of_bound=analysis.of_bound.value,
        delta=1 - analysis.efficiency.value,
        rate=analysis.network.n_in / (analysis.n_out * kept),
        exact=analysis.exact,
    )


def bound_data(low: float = 0.3, high: float = 0.99) -> dict[str, Any]:
    """Return the bound 1 / (1 − S) on a grid of sparsities."""
    sparsity = np.linspace(low, high, 200)
    return {"sparsity": sparsity, "ratio": 1 / (1 - sparsity)}


def curve_data(points: Iterable[CurvePoint], n_s: int) -> dict[str, list[Any]]:
    """Return the points of one register length by increasing sparsity, as columns."""
    chosen = sorted((p for p in points if p.n_s == n_s), key=lambda p: p.sparsity)
    names = ("sparsity", "ratio", "of_bound", "delta", "rate")
    return {name: [getattr(p, name) for p in chosen] for name in names}


def distortion_data(most: float = 0.08) -> dict[str, Any]:
    """Return the rate–distortion limit of random care bits: R / q = 1 − h(δ)."""
    delta = np.linspace(0, most, 200)
    return {"delta": delta, "rate": 1 - binary_entropy(delta)}


class RatioView:
    """Three figures: ratio, share of the bound, and rate against distortion.

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
        colours = palette(theme)
        self._here = ColumnDataSource(curve_data([], 0))
        self._curves = [ColumnDataSource(curve_data([], n)) for n in STAGES]
        self._points: Sequence[CurvePoint] = ()
        self._lines: list[Any] = []
        ratio = blank(
            colours, title="Ratio", x="sparsity S",
            y="dense / coded bits" if narrow else "ratio, dense / (payload + corrections)",
            y_axis_type="log", x_range=(0.28, 1),
        )  # fmt: skip
        ratio.line(
            "sparsity", "ratio", source=ColumnDataSource(bound_data()), color=colours.reference,
            line_dash="dashed", line_width=1.5, legend_label="bound 1 / (1 − S)",
        )  # fmt: skip
        ratio.yaxis.ticker = [1, 2, 3, 5, 10, 20, 50, 100]
        of_bound = blank(
            colours,
            title="Share of the bound 1 / (1 − S)",
            x="sparsity S",
            y="achieved / maximum ratio",
            x_range=ratio.x_range,
        )
        of_bound.yaxis.formatter = NumeralTickFormatter(format="0 %")
        distortion = blank(
            colours, title="Rate against distortion", x="δ, care bits corrected / care bits",
            y="payload bits a care bit",
        )  # fmt: skip
        distortion.line(
            "delta", "rate", source=ColumnDataSource(distortion_data()), color=colours.reference,
            line_dash="dashed", line_width=1.5, legend_label="limit 1 − h(δ)",
        )  # fmt: skip
        self._title = ratio.title
        self._draw(ratio, "sparsity", "ratio", colours)
        self._draw(of_bound, "sparsity", "of_bound", colours)
        self._draw(distortion, "delta", "rate", colours)
        quiet_legend(ratio, colours, "top_left")
        quiet_legend(distortion, colours, "bottom_left")
        of_bound.legend.visible = False
        of_bound.y_range.update(default_span=0.2, range_padding=0.2)
        distortion.y_range.range_padding = 0.2
        self._keys = [
            item
            for plot in (ratio, distortion)
            for item in plot.legend[0].items
            if item.label.value.startswith("n_s")
        ]
        if narrow:
            self.root = column(ratio, of_bound, distortion, sizing_mode="stretch_both")
        else:
            right = column(of_bound, distortion, sizing_mode="stretch_both")
            self.root = row(ratio, right, sizing_mode="stretch_both", spacing=24)

    def _draw(self, plot: Any, x: str, y: str, colours: Palette) -> None:
        for n_s, source in zip(STAGES, self._curves, strict=True):
            tint, marker = colours.stages[n_s], STAGE_MARKERS[n_s]
            if x == "sparsity":
                line = plot.line(x, y, source=source, color=tint, line_width=1.6)
                self._lines.append(line)
            drawn = plot.scatter(
                x, y, source=source, marker=marker, size=7, color=tint, legend_label=f"n_s = {n_s}"
            )
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    tooltips=[
                        ("n_s", str(n_s)),
                        ("S", "@sparsity{0.000}"),
                        ("ratio", "@ratio{0.00}"),
                        ("of the bound", "@of_bound{0.0 %}"),
                        ("efficiency", "1 − @delta{0.0000}"),
                    ],
                )
            )
        plot.scatter(
            x, y, source=self._here, marker="circle", size=17, fill_alpha=0, line_width=2.5,
            line_color=colours.symbol, legend_label="now",
        )  # fmt: skip

    def update(self, analysis: Analysis) -> None:
        """Mark where this analysis stands."""
        self._here.data = curve_data([point_of(analysis)], analysis.network.n_s)

    def show_curve(self, points: Sequence[CurvePoint], done: int, total: int) -> None:
        """Show measured points, some of a grid."""
        for n_s, source in zip(STAGES, self._curves, strict=True):
            source.data = curve_data(points, n_s)
        for line in self._lines:  # a chord between far points would cross the bound
            line.visible = done == total
        for item in self._keys:  # no word of curves that a file does not have
            item.visible = bool(points) or done < total
        waiting = "" if done == total else f" — measuring, {done} of {total}"
        self._title.text = f"Ratio, measured on this layer{waiting}"
