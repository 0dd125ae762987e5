"""How many care bits a block holds: n_u against Binomial(n_out, 1 − S), for every block order."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, GlyphRenderer, GridBox, HoverTool, Range1d, VBar
from bokeh.plotting import figure

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.entropy import block_stats, n_u_binomial
from f2f_viz.figures.palette import Palette, Theme, palette
from f2f_viz.figures.style import LIGHT, blank, quiet_legend, tip

__all__ = ["HistogramView", "histogram_data"]


def histogram_data(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """Return the distribution of n_u in each block order.

    Returns
    -------
    dict of order to dict
        n_u : ndarray of int64, shape (k,), all counts from 0 to the largest that matters;
        share : ndarray of float64, shape (k,), blocks with so many care bits / all blocks;
        binomial : ndarray of float64, shape (k,), Binomial(n_out, 1 − S);
        dispersion, lag1 : float (`entropy.BlockStats`).
    """
    binomial = n_u_binomial(analysis.n_out, analysis.sparsity)
    matters = np.flatnonzero(binomial > 1e-4)
    top = max(
        [int(matters[-1]) if matters.size else 0]
        + [int(n_u.max()) for n_u in analysis.n_u_orders.values() if n_u.size]
    )
    found = {}
    for order in ORDERS:
        n_u = analysis.n_u_orders[order]
        stats = block_stats(n_u, analysis.n_out)
        found[order] = {
            "n_u": np.arange(top + 1),
            "share": np.bincount(n_u, minlength=top + 1) / max(n_u.size, 1),
            "binomial": binomial[: top + 1],
            "dispersion": stats.dispersion,
            "lag1": stats.lag1,
        }
    return found


class HistogramView:
    """A histogram for each order: the chosen one is drawn full, the others pale.

    Parameters
    ----------
    theme : {"light", "dark"}
    narrow : bool
        Short titles and labels.
    on_select : callable, optional
        Called with the number of care bits whose bar the user clicked, of the chosen order.

    Attributes
    ----------
    root : bokeh grid
    """

    def __init__(
        self,
        theme: Theme = "light",
        narrow: bool = False,
        on_select: Callable[[int], None] | None = None,
    ) -> None:
        self._narrow, self._on_select = narrow, on_select
        self._order = ""
        self._marked: int | None = None
        self._marks: dict[str, ColumnDataSource] = {}
        self._passing: dict[str, ColumnDataSource] = {}
        self._sources: dict[str, ColumnDataSource] = {}
        self._plots: dict[str, figure] = {}
        self._bars: dict[str, GlyphRenderer[VBar]] = {}
        self._ranges = Range1d(-0.5, 1), Range1d(0, 1)
        for order in ORDERS:
            self._add(order, palette(theme))
        sizes = ["1fr"] * (len(ORDERS) - 1) + ["1.4fr"]  # the last has the axis of all
        self.root = GridBox(
            children=[(plot, i, 0) for i, plot in enumerate(self._plots.values())],
            rows={i: {"size": size} for i, size in enumerate(sizes)},
            sizing_mode="stretch_both",
        )

    def _add(self, order: str, colours: Palette) -> None:
        """Draw one order's histogram, still empty, below those before."""
        first, *_, last = ORDERS
        x_range, y_range = self._ranges
        plot = blank(
            colours,
            title=order,
            panel=True,
            x="n_u, care bits of a block" if order == last else "",
            y="share" if self._narrow else "share of blocks",
            x_range=x_range,
            y_range=y_range,
            name=order,
            tags=[LIGHT],
        )
        self._plots[order] = plot
        self._draw(order, plot, colours)
        plot.on_event(Tap, lambda event: self._tapped(order, event))
        plot.yaxis.formatter.use_scientific = False
        plot.yaxis.ticker.desired_num_ticks = 3
        plot.xaxis.visible = order == last
        if order == first:
            self._key(plot, colours)

    def _key(self, plot: figure, colours: Palette) -> None:
        """Add the legend, of glyphs that stay as they are.

        Bokeh builds a legend anew for every change of what it names: one of the bars themselves
        was built eight times for each step of a slider.
        """
        nowhere = {"x": [np.nan], "y": [np.nan]}
        plot.vbar(
            "x", top="y", source=ColumnDataSource(nowhere), legend_label="blocks",
            fill_color=colours.kept, line_color=None,
        )  # fmt: skip
        binomial = {"source": ColumnDataSource(nowhere), "legend_label": "binomial"}
        _draw_binomial(plot, "x", "y", colours, **binomial)
        quiet_legend(plot, colours)

    def _draw(self, order: str, plot: figure, colours: Palette) -> None:
        """Draw bars, the marked bar and the binomial."""
        source = ColumnDataSource({"n_u": [], "share": [], "binomial": []})
        mark = ColumnDataSource({"n_u": [], "share": []}, name="n_u marked")
        bars = plot.vbar(
            "n_u", top="share", width=0.86, source=source, fill_color=colours.kept,
            line_color=None,
        )  # fmt: skip
        plot.vbar(
            "n_u", top="share", width=0.86, source=mark, fill_color=colours.symbol,
            line_color=colours.ink, line_width=1.5,
        )  # fmt: skip
        passing = ColumnDataSource({"n_u": [], "share": []}, name="n_u passing")
        plot.vbar(
            "n_u", top="share", width=0.86, source=passing, fill_color=None,
            line_color=colours.symbol, line_width=2.5,
        )  # fmt: skip
        _draw_binomial(plot, "n_u", "binomial", colours, source=source)
        tooltips = tip(
            colours,
            ("care bits", "@n_u"),
            ("blocks", "@share{0.00 %}"),
            ("binomial", "@binomial{0.00 %}"),
        )
        plot.add_tools(HoverTool(renderers=[bars], tooltips=tooltips))
        self._sources[order], self._bars[order] = source, bars
        self._marks[order], self._passing[order] = mark, passing

    def update(self, analysis: Analysis) -> None:
        """Show another analysis."""
        data = histogram_data(analysis)
        self._order = analysis.layout.order
        x_range, y_range = self._ranges
        x_range.end = max(len(next(iter(data.values()))["n_u"]) - 0.5, 1)
        y_range.end = 1.1 * max(
            float(max(d["share"].max(), d["binomial"].max())) for d in data.values()
        )
        for order, shown in data.items():
            self._sources[order].data = {k: shown[k] for k in ("n_u", "share", "binomial")}
            chosen = order == analysis.layout.order
            self._bars[order].glyph.fill_alpha = 1.0 if chosen else 0.45
            more = "" if self._narrow else f" × binomial, lag-1 {shown['lag1']:.2f}"
            title = f"{order.capitalize()}: variance {shown['dispersion']:.2f}{more or ' ×'}"
            self._plots[order].title.text = title.replace("-0", "−0")
        self._draw_mark(self._marks, self._marked)

    def mark(self, n_u: int | None) -> None:
        """Light the bar of the blocks with so many care bits, in the chosen order."""
        self._marked = n_u
        self._draw_mark(self._marks, n_u)

    def light(self, n_u: int | None) -> None:
        """Outline a bar in passing, beside the marked one."""
        self._draw_mark(self._passing, n_u)

    def at(self, order: str, x: float) -> int | None:
        """Return of how many care bits the bar at a place is; None outside the chosen order."""
        n_u = int(np.floor(x + 0.5))
        shown = order == self._order and 0 <= n_u < len(self._sources[order].data["share"])
        return n_u if shown else None

    def _draw_mark(self, marks: dict[str, ColumnDataSource], lit: int | None) -> None:
        for order, source in marks.items():
            shares = self._sources[order].data["share"]
            n_u = lit if order == self._order else None
            at = [] if n_u is None or n_u >= len(shares) else [n_u]
            source.data = {"n_u": at, "share": [shares[n] for n in at]}

    def _tapped(self, order: str, event: Tap) -> None:
        n_u = None if event.x is None else self.at(order, event.x)
        if self._on_select is not None and n_u is not None:
            self._on_select(n_u)


def _draw_binomial(plot: figure, x: str, y: str, colours: Palette, **options: Any) -> None:
    plot.line(x, y, width=1.4, color=colours.reference, **options)
    plot.scatter(x, y, size=4, marker="diamond", color=colours.reference, **options)
