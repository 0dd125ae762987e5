"""Why the register helps: the same blocks, searched with each register length."""

from typing import Any

from bokeh.models import BasicTicker, ColumnDataSource, GridBox, HoverTool, Range1d, Span

from f2f_viz.figures.palette import STAGE_MARKERS, Theme, palette
from f2f_viz.figures.style import MARK, blank, tip
from f2f_viz.text import counted

__all__ = ["RegistersChart", "registers_table"]


def registers_table(data: dict[str, Any]) -> dict[str, list[int]]:
    """Return `decoder.register_data` as columns: n_s, cycle, mismatches."""
    start, n, stages = data["start"], data["n"], data["stages"]
    return {
        "n_s": [stage["n_s"] for stage in stages for _ in range(n)],
        "cycle": [start + i for _ in stages for i in range(n)],
        "mismatches": [wrong for stage in stages for wrong in stage["wrong"]],
    }


class RegistersChart:
    """One chart a register length: the care bits that each block gets wrong.

    Parameters
    ----------
    data : dict
        `decoder.register_data`.
    plane, cycle : int
        What it is of, and the cycle that is marked.
    theme : {"light", "dark"}

    Attributes
    ----------
    root : bokeh grid
    """

    def __init__(
        self, data: dict[str, Any], plane: int, cycle: int, theme: Theme = "light"
    ) -> None:
        colours = palette(theme)
        start, stages = data["start"], data["stages"]
        most = max((wrong for stage in stages for wrong in stage["wrong"]), default=0)
        cycles = list(range(start, start + data["n"]))
        x_range = Range1d(start - 1, start + data["n"])
        y_range = Range1d(0, most + 0.9)
        plots = []
        for stage in stages:
            n_s, wrong = stage["n_s"], stage["wrong"]
            last = stage is stages[-1]
            plot = blank(
                colours, title=f"n_s = {n_s}: {counted(sum(wrong), 'correction')}", panel=True,
                x=f"cycle t of plane {plane}" if last else "", x_range=x_range,
                y_range=y_range, min_border_left=44,
            )  # fmt: skip
            some = [(t, k) for t, k in zip(cycles, wrong, strict=True) if k]
            source = ColumnDataSource(
                {"cycle": [t for t, _ in some], "wrong": [k for _, k in some]}
            )
            tint = colours.stages[n_s]
            plot.segment("cycle", 0, "cycle", "wrong", source=source, color=tint, line_width=1.5)
            drawn = plot.scatter(
                "cycle", "wrong", source=source, marker=STAGE_MARKERS[n_s], size=6, color=tint
            )
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    tooltips=tip(colours, ("cycle", "@cycle"), ("corrections", "@wrong")),
                )
            )
            now = Span(
                location=cycle, dimension="height", line_color=colours.symbol, line_width=6,
                line_alpha=0.35, level="underlay", tags=[MARK],
            )  # fmt: skip
            plot.add_layout(now)
            plot.yaxis.ticker = BasicTicker(min_interval=1, desired_num_ticks=3)
            plot.xaxis.ticker = BasicTicker(min_interval=1)
            plot.xaxis.visible = last
            plots.append(plot)
        sizes = ["1fr"] * (len(plots) - 1) + ["1.7fr"]  # the last has the axis of all
        self.root = GridBox(
            children=[(plot, i, 0) for i, plot in enumerate(plots)],
            rows={i: {"size": size} for i, size in enumerate(sizes)},
            sizing_mode="stretch_both",
        )
