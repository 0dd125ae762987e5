"""The sweep tab: a grid of exact analyses, filled live, paused, resumed; a click loads a point."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.sweep import SweepPoint, grid, sweep
from f2f_viz.app.filler import Filler
from f2f_viz.app.numbers import seconds
from f2f_viz.app.sources import Sibling
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.network import MATRICES
from f2f_viz.errors import F2FError
from f2f_viz.figures.sweep import SweepWidget, sweep_data
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.pruning import METHODS

__all__ = ["SweepView", "legal_grid"]

_AXES = ("method", "rate", "n_in", "n_s", "order", "matrix")
_PAUSE = 0.4
"""Seconds between what is shown of a sweep."""
Job = tuple[Sibling, Settings]


def legal_grid(settings: Settings, choices: Mapping[str, Sequence[Any]]) -> list[Settings]:
    """Return the settings of a grid, quick ones first, without those that are not legal.

    Parameters
    ----------
    settings : Settings
        What the grid does not name, or names no value of; n_out is chosen by itself.
    choices : mapping of str to sequence
        Values of method, rate, n_in, n_s, order and matrix. Methods that know no rate appear once.
    """
    now = settings.to_dict()
    axes = [choices.get(axis) or [now[axis]] for axis in _AXES]
    found = []
    for values in sorted(product(*axes), key=lambda v: v[2] * v[3]):
        point = dict(zip(_AXES, values, strict=True))
        if not METHODS.pick(point["method"]).rated:
            point["rate"] = settings.rate
        try:
            found += grid(settings, n_out=[None], **{axis: [v] for axis, v in point.items()})
        except F2FError:
            continue
    return list(dict.fromkeys(found))


class SweepView:
    """Sweeps the layer of the analysis shown, and those beside it.

    Parameters
    ----------
    change : callable
        Takes the controls' values of a point that was clicked.
    busy : callable
        While it is true nothing is measured.
    siblings : callable
        Returns the layers there are to choose from.

    Attributes
    ----------
    root : SweepWidget
    """

    def __init__(
        self,
        change: Callable[[dict[str, Any]], None],
        busy: Callable[[], bool],
        siblings: Callable[[], list[Sibling]],
    ) -> None:
        methods = [[m.name, m.label] for m in METHODS.values() if not m.needs]
        orders = [[order.name, order.label] for order in ORDERS.values()]
        matrices = [[matrix.name, matrix.label] for matrix in MATRICES.values()]
        self.root = SweepWidget(axes={"method": methods, "order": orders, "matrix": matrices})
        self.root.on_msg(self._asked)
        self.root.observe(self._switched, "running")
        self._change = change
        self._siblings = siblings
        self._analysis: Analysis | None = None
        self._ticked: tuple[Sequence[str], dict[str, Any]] = (), {}
        self._points: Sequence[SweepPoint] = ()
        self._jobs: list[Job] = []
        self._loaded: tuple[Sibling, Layer] | None = None
        self._started = 0
        self._count = 0, 0
        self._sending: asyncio.TimerHandle | None = None
        self._filler: Filler[Job, SweepPoint] = Filler(self._measure, self._show, busy)

    def update(self, analysis: Analysis) -> None:
        """Take the layer and the other settings of another analysis, for the next start."""
        self._analysis = analysis
        layers = [[s.name, s.text] for s in self._siblings()]
        with self.root.hold_sync():
            self.root.layer = analysis.given.name
            if layers != self.root.layers:
                self.root.layers, self.root.picked = layers, []
            self._tell_whose()
            self._plan()

    def pick(self, names: Sequence[str]) -> None:
        """Have layers ticked that were chosen elsewhere."""
        self.root.picked = list(names)

    def pause(self) -> None:
        """Stop measuring; it may be resumed."""
        self.root.running = False

    def _measure(self, job: Job, cancel: threading.Event) -> SweepPoint:
        sibling, settings = job
        if self._loaded is None or self._loaded[0] is not sibling:
            self._loaded = sibling, sibling.load()
        return next(sweep([self._loaded[1]], [settings], cancel=cancel))

    def _show(self, points: Sequence[SweepPoint], done: int, total: int) -> None:
        self._points, self._count = points, (done, total)
        if done in (0, total):
            self._send()
        elif self._sending is None:  # a page has better to do than to draw every point alone
            self._sending = asyncio.get_running_loop().call_later(_PAUSE, self._send)

    def _send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None
        done, total = self._count
        with self.root.hold_sync():
            self.root.rows = sweep_data(self._points, self._measured())
            self.root.done, self.root.total = done, total
            self._tell_whose()
            self.root.running &= done < total

    def _measured(self) -> dict[str, str]:
        """Return what the layers measured are called, by name."""
        return {s.name: s.label for s, _ in self._jobs}

    def _tell_whose(self) -> None:
        """Say of which layers the points are, and whether the one shown is among them."""
        layers = self._measured()
        whose = next(iter(layers.values())) if len(layers) == 1 else f"{len(layers)} layers"
        other = self._analysis is not None and self._analysis.given.name not in layers
        self.root.measured = f"of {whose}{', not the layer shown' * other}" if layers else ""

    def _grid(self, analysis: Analysis) -> tuple[list[Sibling], list[Settings]]:
        """Return the layers and settings that are ticked."""
        names, choices = self._ticked
        wanted = names or [analysis.given.name]
        layers = [s for s in self._siblings() if s.name in wanted]
        return layers, legal_grid(analysis.settings, choices)

    def _plan(self) -> None:
        """Say what a start would measure."""
        if (analysis := self._analysis) is None:
            return
        layers, settings = self._grid(analysis)
        points = [one.to_dict() for one in settings]
        tables: dict[str, Any] = {"method": METHODS, "order": ORDERS, "matrix": MATRICES}
        axes = [
            [
                axis,
                [
                    tables[axis].pick(value).label if axis in tables else str(value)
                    for value in dict.fromkeys(point[axis] for point in points)
                ],
            ]
            for axis in _AXES
        ]
        count = len(layers) * len(settings)
        took = seconds(count * analysis.seconds) if analysis.exact else ""
        self.root.plan = {
            "points": count,
            "layers": [s.label for s in layers],
            "axes": axes,
            "took": took,
        }

    def _start(self, analysis: Analysis) -> None:
        self.pause()
        layers, settings = self._grid(analysis)
        self._jobs = [(sibling, one) for sibling in layers for one in settings]
        self._loaded = None
        self._started += 1
        self._show([], 0, len(self._jobs))
        self.root.running = bool(self._jobs)

    def _load(self, point: SweepPoint) -> None:
        choose = next((s.choose for s, _ in self._jobs if s.name == point.layer), {})
        self._change(point.settings.to_dict() | choose)

    def _asked(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind = content["kind"]
        if kind in ("plan", "start"):
            self._ticked = content["layers"], content["grid"]
            self._plan()
        if kind == "start" and self._analysis is not None:
            self._start(self._analysis)
        elif kind == "load":
            self._load(self._points[content["row"]])

    def _switched(self, change: Any) -> None:
        """Go on or stand still: the page's button sets `running`, and so do we."""
        if change["new"]:
            self._filler.request(self._started, self._jobs)
        else:
            self._filler.pause()
            if self._sending is not None:
                self._send()
