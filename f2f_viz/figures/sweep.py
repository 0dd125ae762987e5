"""A sweep's points: ratio against encode time and decoder gates, with the Pareto front."""

from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from f2f_viz.figures.decoder import STATIC
from f2f_viz.sweep import SweepPoint, pareto

__all__ = ["SweepWidget", "sweep_data"]


def sweep_data(points: Sequence[SweepPoint]) -> list[dict[str, Any]]:
    """Return a row a point.

    Returns
    -------
    list of dict
        rate, n_in, n_s, order, n_out, gates, ratio, of_bound, efficiency, file_ratio, seconds, and
        front: whether no point of the same rate has a higher ratio at no more time and gates.
    """
    rows: list[dict[str, Any]] = [
        {
            "rate": p.settings.rate,
            "n_in": p.settings.n_in,
            "n_s": p.settings.n_s,
            "order": p.settings.order,
            "n_out": p.n_out,
            "gates": p.gates,
            "ratio": p.ratio,
            "of_bound": p.ratio / p.max_ratio,
            "efficiency": p.efficiency,
            "file_ratio": p.file_ratio,
            "seconds": p.seconds,
        }
        for p in points
    ]
    for rate in {row["rate"] for row in rows}:
        chosen = [row for row in rows if row["rate"] == rate]
        costs = np.array([(-row["ratio"], row["seconds"], row["gates"]) for row in chosen])
        for row, flag in zip(chosen, pareto(costs), strict=True):
            row["front"] = bool(flag)
    return rows


class SweepWidget(anywidget.AnyWidget):
    """The form, the chart and the table; see ``static/sweep.js``."""

    _esm = STATIC / "sweep.js"
    _css = STATIC / "planes.css"

    rows: Any = traitlets.List().tag(sync=True)
    done = traitlets.Int(0).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
