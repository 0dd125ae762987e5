"""Efficiency against the decoder's gates: what dense matrices, light ones and registers buy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, LabelSet, Range1d

from f2f_viz.analysis.sweep import SweepPoint, pareto
from f2f_viz.figures.palette import STAGE_MARKERS, Theme, palette
from f2f_viz.figures.style import FONT, blank, quiet_legend, tip

__all__ = ["GatesChart", "gates_data", "gates_sentence"]

_TICKS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001)
"""Shares of care bits corrected, where the axis of efficiency has a mark."""


def gates_data(points: Sequence[SweepPoint]) -> dict[str, list[Any]]:
    """Return points of `analysis.sweep.measure_gates` as columns.

    Returns
    -------
    dict of lists
        n_s; rows (ones of a row on x_t / on each older symbol, in words); efficiency; gates
        (shared), naive_gates, depth; flip_flops of the history; front: no other point has a higher
        efficiency at no more gates.
    """
    front = pareto(np.array([(-p.efficiency, p.gates) for p in points], float).reshape(-1, 2))
    return {
        "n_s": [p.settings.code.n_s for p in points],
        "rows": [_rows(p) for p in points],
        "efficiency": [p.efficiency for p in points],
        "gates": [p.gates for p in points],
        "naive_gates": [p.naive_gates for p in points],
        "depth": [p.depth for p in points],
        "flip_flops": [p.settings.code.n_in * p.settings.code.n_s for p in points],
        "front": front.tolist(),
    }


def _rows(point: SweepPoint) -> str:
    code = point.settings.code
    if code.matrix != "light":
        return "dense"
    newest, *older = code.weights
    used = [*older, *[older[-1]] * code.n_s][: code.n_s] if older else []
    same = used[:1] if len(set(used)) == 1 else used
    return "/".join([f"≤{newest}", *map(str, same)])


def gates_sentence(points: Sequence[SweepPoint]) -> str:
    """Say whether a longer register with a light matrix beats a dense matrix, if it does."""
    for n_s in (2, 1):
        dense = [p for p in points if p.settings.code.n_s == n_s - 1 and _rows(p) == "dense"]
        light = [p for p in points if p.settings.code.n_s == n_s and _rows(p) != "dense"]
        for rival in dense:
            better = [p for p in light if p.efficiency > rival.efficiency and p.gates < rival.gates]
            if better:
                best = min(better, key=lambda p: p.gates)
                return (
                    f"n_s = {n_s} with rows {_rows(best)} reaches {best.efficiency:.2%} with "
                    f"{best.gates} gates, more than the dense matrix at n_s = {n_s - 1}, "
                    f"{rival.efficiency:.2%} with {rival.gates}: a register stage is cheaper than "
                    "a dense matrix."
                )
    return ""


class GatesChart:
    """Efficiency against shared gates, a line for each register length.

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
        table = gates_data(points)
        # what is corrected, on a logarithmic axis, tells 99.3 % from 99.6 %
        wrong = np.maximum(1 - np.array(table["efficiency"]), 1e-5)
        low, high = 0.75 * float(wrong.min()), 1.5 * float(wrong.max())
        self.root = plot = blank(
            colours, title="Efficiency against decoder gates", y="efficiency E", y_axis_type="log",
            x="shared XOR gates" if narrow else "shared XOR gates of the decoder "
            "(words: ones of a row of M on xₜ / on each older symbol)",
            y_range=Range1d(high, low),
        )  # fmt: skip
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        plot.yaxis.ticker = ticks
        plot.ygrid.ticker = plot.yaxis[0].ticker
        plot.yaxis.major_label_overrides = {tick: f"{100 - 100 * tick:g} %" for tick in ticks}
        most = max(table["gates"])
        plot.x_range = Range1d(0, 1.2 * most)
        for n_s in sorted(set(table["n_s"])):
            mine = [i for i, own in enumerate(table["n_s"]) if own == n_s]
            mine.sort(key=lambda i: table["gates"][i])
            data = {name: [column[i] for i in mine] for name, column in table.items()}
            data["wrong"] = [float(wrong[i]) for i in mine]
            data["percent"] = [f"{100 * own:.2f} %" for own in data["efficiency"]]
            source, tint = ColumnDataSource(data), colours.stages[n_s % 4]
            plot.line("gates", "wrong", source=source, line_color=tint, line_width=1.2)
            drawn = plot.scatter(
                "gates", "wrong", source=source, marker=STAGE_MARKERS[n_s % 4], size=9,
                fill_color=tint, line_color=colours.surface, legend_label=f"n_s = {n_s}",
            )  # fmt: skip
            names = {
                "n_s": "n_s", "ones of a row": "rows", "efficiency E": "percent",
                "gates": "gates", "were none shared": "naive_gates", "depth": "depth",
                "flip-flops": "flip_flops",
            }  # fmt: skip
            tips = tip(colours, *((text, f"@{{{name}}}") for text, name in names.items()))
            plot.add_tools(HoverTool(renderers=[drawn], tooltips=tips))
            # lines rise to the right: words of the highest stand above it, of others below
            top = n_s == max(table["n_s"])
            if narrow:  # no room for all
                data["rows"] = [""] * (len(mine) - 1) + data["rows"][-1:]
            data["first"], data["last"] = [*data["rows"][:-1], ""], [""] * (len(mine) - 1)
            data["last"] += data["rows"][-1:]
            source.data = data
            beside: tuple[str, int, int] = ("right", -2, 5) if top else ("left", 5, -16)
            for name, (align, x_offset, y_offset) in (
                ("first", beside),
                ("last", ("left", 7, -6)),
            ):
                plot.add_layout(
                    LabelSet(
                        x="gates", y="wrong", text=name, source=source, x_offset=x_offset,
                        y_offset=y_offset, text_align=align, text_font=value(FONT),
                        text_font_size=value("10px"), text_color=colours.muted,
                    )
                )  # fmt: skip
        quiet_legend(plot, colours)
