"""A grid of settings, measured: ratio against encode time and decoder gates."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import numpy as np
import traitlets

from f2f_viz.analysis import Analysis
from f2f_viz.figures.decoder import STATIC, gate_cost

__all__ = ["SweepPoint", "SweepWidget", "pareto", "sweep_data", "sweep_point"]


@dataclass(frozen=True)
class SweepPoint:
    """One exact analysis of a sweep.

    Attributes
    ----------
    rate, n_in, n_s, order
        Its settings.
    n_out, gates : int
        Block length, and XOR gates of the decoder.
    ratio, of_bound, efficiency, file_ratio : float
        As in `Analysis`.
    seconds : float
        Wall time of the analysis.
    """

    rate: float
    n_in: int
    n_s: int
    order: str
    n_out: int
    gates: int
    ratio: float
    of_bound: float
    efficiency: float
    file_ratio: float
    seconds: float


def sweep_point(analysis: Analysis) -> SweepPoint:
    """Reduce an exact analysis to its row."""
    settings = analysis.settings
    return SweepPoint(
        rate=settings.rate,
        n_in=settings.n_in,
        n_s=settings.n_s,
        order=settings.order,
        n_out=analysis.n_out,
        gates=gate_cost(analysis.network)[0],
        ratio=analysis.ratio.value,
        of_bound=analysis.of_bound.value,
        efficiency=analysis.efficiency.value,
        file_ratio=analysis.file_ratio,
        seconds=analysis.seconds,
    )


def pareto(good: Sequence[float], costs: Sequence[Sequence[float]]) -> list[bool]:
    """Return which points no other point beats.

    Parameters
    ----------
    good : sequence of float, length n
        The more the better.
    costs : sequence of n sequences of float
        The less the better, each.

    Returns
    -------
    list of bool, length n
        True where no point is at least as good in all and better in one.
    """
    values = np.array([(-g, *cost) for g, cost in zip(good, costs, strict=True)])
    return [
        not any((other <= mine).all() and (other < mine).any() for other in values)
        for mine in values
    ]


def sweep_data(points: Sequence[SweepPoint]) -> list[dict[str, Any]]:
    """Return a row a point, with ``front``: whether it is on the Pareto front of its rate."""
    rows = [asdict(point) | {"front": False} for point in points]
    for rate in {point.rate for point in points}:
        chosen = [row for row in rows if row["rate"] == rate]
        front = pareto(
            [row["ratio"] for row in chosen], [(row["seconds"], row["gates"]) for row in chosen]
        )
        for row, flag in zip(chosen, front, strict=True):
            row["front"] = flag
    return rows


class SweepWidget(anywidget.AnyWidget):
    """The form, the chart and the table; see ``static/sweep.js``."""

    _esm = STATIC / "sweep.js"
    _css = STATIC / "planes.css"

    rows: Any = traitlets.List().tag(sync=True)
    done = traitlets.Int(0).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
