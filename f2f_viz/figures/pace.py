"""What a fixed rate gives: units side by side, on rows that vary and on blocks that do not."""

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Row
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.mask import mask_matrix
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.style import blank
from f2f_viz.hardware.lanes import Schedule, csr_lockstep, f2f_blocks

__all__ = ["PaceView", "pace_data"]

LANES = 8
_BARS = ("lane", "start", "stop", "kind")
_TURNS = 5
"""Rows that are drawn of each unit."""


def pace_data(analysis: Analysis, lanes: int = LANES) -> dict[str, dict[str, Any]]:
    """Return what each unit does at first: rows as CSR has them, and blocks.

    Parameters
    ----------
    analysis : Analysis
        Exact.
    lanes : int
        Units side by side.

    Returns
    -------
    dict of dict
        csr, f2f: lane, start, stop (cycles), kind ("busy", "waits" or "corrects") of each bar;
        cycles, the end of what is shown; share, of the time of the whole layer that units are busy.
    """
    encoded = analysis.encoded
    assert encoded is not None
    rows = csr_lockstep(np.count_nonzero(mask_matrix(analysis.mask), axis=1), lanes)
    wrong = [
        np.bincount(encoded.positions(plane) // analysis.n_out, minlength=analysis.blocks)
        for plane in encoded.planes
        if not plane.zero_rate
    ]
    blocks = f2f_blocks(np.concatenate([np.zeros(0, np.int64), *wrong]), lanes)
    ends = np.unique(rows.stop)
    seen = int(rows.start[min(_TURNS * lanes, rows.start.size - 1)]) or int(ends.max(initial=1))
    return {
        "csr": _bars(rows, seen, waits=True),
        "f2f": _bars(blocks, min(seen, max(blocks.cycles, 1)), waits=False),
    }


def _bars(schedule: Schedule, cycles: int, waits: bool) -> dict[str, Any]:
    """Return the bars of the first cycles; `waits`: what is free before the next turn is shown."""
    shown = schedule.start < cycles
    lane, start, stop = (v[shown] for v in (schedule.lane, schedule.start, schedule.stop))
    pieces: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], str]] = []
    if waits:
        turn_end = np.maximum.reduceat(stop, np.arange(0, stop.size, schedule.lanes))
        until = turn_end[np.arange(stop.size) // schedule.lanes]
        pieces += [(lane, start, stop, "busy"), (lane, stop, until, "waits")]
    else:
        first = np.minimum(start + 1, stop)
        pieces += [(lane, start, first, "busy"), (lane, first, stop, "corrects")]
    kept = [(a, b, c, np.full(a.size, kind)) for a, b, c, kind in pieces]
    columns = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
    wide = columns[2] > columns[1]
    return {n: c[wide] for n, c in zip(_BARS, columns, strict=True)} | {
        "cycles": cycles,
        "share": schedule.share,
    }


class PaceView:
    """Two charts of units against time.

    Parameters
    ----------
    theme : {"light", "dark"}

    Attributes
    ----------
    root : bokeh row
    """

    def __init__(self, theme: Theme = "light") -> None:
        colours = palette(theme)
        self._fill = {
            "busy": colours.kept,
            "waits": colours.surface,
            "corrects": colours.corrected,
        }
        self._line = {"busy": colours.surface, "waits": colours.muted, "corrects": colours.surface}
        self._plots, self._sources = {}, {}
        for name, meaning in (
            ("csr", "hollow: the unit waits"),
            ("f2f", "striped: it corrects a bit"),
        ):
            source = ColumnDataSource({k: [] for k in (*_BARS, "fill", "line", "hatch")})
            plot = blank(
                colours, title="", panel=True, x=f"cycles ({meaning})", y="unit",
                x_range=Range1d(0, 1), y_range=Range1d(LANES - 0.4, -0.6),
            )  # fmt: skip
            bars = plot.hbar(
                y="lane", left="start", right="stop", height=0.78, source=source,
                fill_color="fill", line_color="line", hatch_pattern="hatch",
                hatch_color=colours.surface,
            )  # fmt: skip
            plot.add_tools(HoverTool(renderers=[bars], tooltips=[("unit", "@lane"), ("", "@kind")]))
            plot.ygrid.visible = False
            plot.yaxis.ticker = [0, LANES - 1]
            plot.xaxis.ticker.desired_num_ticks = 4
            self._plots[name], self._sources[name] = plot, source
        self.root = Row(children=list(self._plots.values()), sizing_mode="stretch_both")

    def update(self, analysis: Analysis) -> None:
        """Show another exact analysis."""
        data = pace_data(analysis)
        for name, title in (
            ("csr", "CSR, a row a unit: busy {:.0%}"),
            ("f2f", "F2F, a block a cycle: busy {:.0%}"),
        ):
            shown = data[name]
            plot, kinds = self._plots[name], shown["kind"]
            if not kinds.size:
                title = f"{title.split(',')[0]}: nothing to do"
            plot.title.text = title.format(shown["share"]).replace("%", "\u2009%")
            plot.x_range.end = shown["cycles"]
            self._sources[name].data = {k: shown[k] for k in _BARS} | {
                "fill": [self._fill[kind] for kind in kinds],
                "line": [self._line[kind] for kind in kinds],
                "hatch": ["/" if kind == "corrects" else " " for kind in kinds],
            }
