"""A sweep's points for print: ratio against the decoder's gates, each n_s in its colour."""

from collections.abc import Sequence
from typing import Any

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, LabelSet, NumeralTickFormatter

from f2f_viz.analysis.sweep import SweepPoint
from f2f_viz.figures.palette import STAGE_MARKERS, Theme, palette
from f2f_viz.figures.style import FONT, blank, quiet_legend, tip
from f2f_viz.figures.sweep import sweep_data

__all__ = ["SweepChart"]

_MOST_LABELLED = 16


class SweepChart:
    """Share of the bound 1 / (1 − S) against gates; the front is rimmed and joined.

    Parameters
    ----------
    points : sequence of SweepPoint
    theme : {"light", "dark"}
    narrow : bool
        Short labels.

    Attributes
    ----------
    root : bokeh figure
    """

    def __init__(
        self, points: Sequence[SweepPoint], theme: Theme = "light", narrow: bool = False
    ) -> None:
        colours = palette(theme)
        rows = sweep_data(points)
        self.root = plot = blank(
            colours, title="Ratio against decoder gates",
            x=f"{'' if narrow else 'shared '}XOR gates of the decoder (numbers: n_in)",
            y="share of 1/(1 − S)",
        )  # fmt: skip
        plot.yaxis.formatter = NumeralTickFormatter(format="0 %")
        plot.x_range.range_padding = 0.14
        plot.y_range.range_padding = 0.16
        self._join(rows, colours.dont_care)
        for n_s in sorted({row["n_s"] for row in rows}):
            mine = [row for row in rows if row["n_s"] == n_s]
            names = ("gates", "of_bound", "ratio", "n_in", "layer", "pruning")
            data: dict[str, list[Any]] = {name: [row[name] for row in mine] for name in names}
            data["rim"] = [colours.ink if row["front"] else colours.surface for row in mine]
            data["text"] = [str(row["n_in"]) for row in mine]
            # the front bends to the upper left: its numbers there, the others' away from it
            data["x_shift"] = [-14 if row["front"] else 7 for row in mine]
            data["y_shift"] = [4 if row["front"] else -14 for row in mine]
            source = ColumnDataSource(data)
            drawn = plot.scatter(
                "gates", "of_bound", source=source, marker=STAGE_MARKERS[n_s % 4], size=9,
                fill_color=colours.stages[n_s % 4], line_color="rim", line_width=1.2,
                legend_label=f"n_s = {n_s}",
            )  # fmt: skip
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    tooltips=tip(
                        colours,
                        ("layer", "@layer"),
                        ("pruning", "@pruning"),
                        ("n_in", "@n_in"),
                        ("ratio", "@ratio{0.00}"),
                        ("gates", "@gates"),
                    ),
                )
            )
            if len(rows) <= _MOST_LABELLED:
                plot.add_layout(
                    LabelSet(
                        x="gates", y="of_bound", text="text", source=source, x_offset="x_shift",
                        y_offset="y_shift", text_font=value(FONT),
                        text_font_size=value("10px"), text_color=colours.muted,
                    )
                )  # fmt: skip
        quiet_legend(plot, colours)

    def _join(self, rows: list[dict[str, Any]], tint: str) -> None:
        """Draw a line along the front of each layer and sparsity."""
        fronts: dict[Any, list[tuple[int, float]]] = {}
        for row in rows:
            if row["front"]:
                key = row["layer"], round(row["sparsity"], 2)
                fronts.setdefault(key, []).append((row["gates"], row["of_bound"]))
        for front in fronts.values():
            gates, shares = zip(*sorted(front), strict=True)
            self.root.line(
                gates, shares, line_color=tint, line_width=1.4, legend_label="Pareto front"
            )
