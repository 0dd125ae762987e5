"""The sweep tab: a grid of exact analyses, filled live, paused, resumed; a click loads a point."""

import threading
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from f2f_viz.analysis import Analysis
from f2f_viz.app.filler import Filler
from f2f_viz.errors import F2FError
from f2f_viz.figures.sweep import SweepWidget, sweep_data
from f2f_viz.layers import Layer
from f2f_viz.settings import Settings
from f2f_viz.sweep import SweepPoint, grid, sweep

__all__ = ["SweepView", "legal_grid"]

_AXES = ("rate", "n_in", "n_s", "order")
Job = tuple[Layer, Settings]


def legal_grid(settings: Settings, choices: dict[str, Sequence[Any]]) -> list[Settings]:
    """Return the settings of a grid, quick ones first, without those that are not legal.

    Parameters
    ----------
    settings : Settings
        What the grid does not name; n_out is chosen by itself.
    choices : dict of str to sequence
        Values of rate, n_in, n_s and order.
    """
    found = []
    for values in sorted(product(*(choices[axis] for axis in _AXES)), key=lambda v: v[1] * v[2]):
        try:
            point = {axis: [value] for axis, value in zip(_AXES, values, strict=True)}
            found += grid(settings, n_out=[None], **point)
        except F2FError:
            continue
    return found


def _measure(job: Job, cancel: threading.Event) -> SweepPoint:
    layer, settings = job
    return next(sweep([layer], [settings], cancel=cancel))


class SweepView:
    """Sweeps the layer of the analysis shown.

    Attributes
    ----------
    root : SweepWidget
    """

    def __init__(self, change: Callable[[dict[str, Any]], None], busy: Callable[[], bool]) -> None:
        self.root = SweepWidget()
        self.root.on_msg(self._asked)
        self._change = change
        self._analysis: Analysis | None = None
        self._jobs: list[Job] = []
        self._started = 0
        self._filler: Filler[Job, SweepPoint] = Filler(_measure, self._show, busy)

    def update(self, analysis: Analysis) -> None:
        """Take the layer and the other settings of another analysis, for the next start."""
        self._analysis = analysis

    def pause(self) -> None:
        """Stop measuring; it may be resumed."""
        self._filler.pause()
        self.root.running = False

    def _show(self, points: Sequence[SweepPoint], done: int, total: int) -> None:
        with self.root.hold_sync():
            self.root.rows = sweep_data(points)
            self.root.done, self.root.total = done, total
            self.root.running = done < total

    def _asked(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind = content["kind"]
        if kind == "start" and self._analysis is not None:
            self._started += 1
            layer = self._analysis.given
            self._jobs = [(layer, s) for s in legal_grid(self._analysis.settings, content)]
            self._show([], 0, len(self._jobs))
        if kind == "pause":
            self.pause()
        elif kind == "load":
            row = self.root.rows[content["row"]]
            self._change({axis: row[axis] for axis in _AXES} | {"n_out": None})
        elif self._jobs:
            self.root.running = True
            self._filler.request(self._started, self._jobs)
