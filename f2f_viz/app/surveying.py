"""The model tab: a row per tensor of the model, estimated in the background as they come."""

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import traitlets

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.plan import Plan, plan_of
from f2f_viz.analysis.survey import SurveyRow, survey_row
from f2f_viz.app.filler import Filler
from f2f_viz.app.sources import Model
from f2f_viz.codec.parallel import workers
from f2f_viz.errors import Cancelled, F2FError
from f2f_viz.figures.front_end import Widget, script
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import layer_of
from f2f_viz.tensors.loaders import Entry

__all__ = ["ModelView", "row_data"]

_STATIC = Path(__file__).parent / "static"
_PAUSE = 0.3
"""Seconds between what is shown of a survey."""


def row_data(row: SurveyRow) -> dict[str, Any]:
    """Return what a row shows of an estimate or a search, as JSON values.

    Returns
    -------
    dict
        zeros, sparsity, dispersion (by order), bytes, exact; efficiency, ratio and of_bound, each
        with the ends of its interval. None for what is no finite number.
    """
    estimates = {name: getattr(row, name) for name in ("efficiency", "ratio", "of_bound")}
    return {
        "zeros": row.zeros,
        "sparsity": row.sparsity,
        "dispersion": {order: _finite(value) for order, value in row.dispersion.items()},
        "bytes": row.bytes,
        "exact": row.exact,
        **{name: [*map(_finite, (e.value, e.low, e.high))] for name, e in estimates.items()},
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass(frozen=True, eq=False)
class _Job:
    name: str
    entry: Entry
    settings: Settings


@dataclass(frozen=True, eq=False)
class _Found:
    """What a layer would take by some settings, or why that cannot be said."""

    name: str
    settings: Settings
    row: SurveyRow | None
    problem: str = ""


class ModelWidget(Widget):
    """The table; see ``static/model.js``. Rows go by messages, so that no notebook saves them."""

    _esm = script(_STATIC / "model.js")

    name = traitlets.Unicode().tag(sync=True)
    order = traitlets.Unicode().tag(sync=True)
    """The block order of the settings."""
    status = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    """Why there are no rows; empty if there are."""
    progress = traitlets.Float(1.0).tag(sync=True)
    totals = traitlets.Dict().tag(sync=True)
    """layers, known: how many there are, and of how many this is known: dense and coded, in bytes,
    and exact, how many of those were searched whole; carried and carried_bytes."""


class ModelView:
    """Surveys the model of the layer shown.

    Parameters
    ----------
    model : callable
        Returns the model, the same as long as it is that; None if there is none.
    change : callable
        Takes the controls' values of a layer that is to be opened.
    busy : callable
        While it is true nothing is measured.

    Attributes
    ----------
    root : ModelWidget
    """

    def __init__(
        self,
        model: Callable[[], Model | None],
        change: Callable[[dict[str, Any]], None],
        busy: Callable[[], bool],
    ) -> None:
        self.root = ModelWidget()
        self.root.on_msg(self._asked)
        self._find_model = model
        self._change = change
        self._model: Model | None = None
        self._settings = Settings()
        self._plan: Plan | None = None
        self._found: dict[str, _Found] = {}
        self._listed: dict[str, str] = {}
        self._serial = 0
        self._seen = 0
        self._planning: asyncio.Task[None] | None = None
        self._sending: asyncio.TimerHandle | None = None
        self._filler: Filler[_Job, _Found] = Filler(_measure, self._show, busy, workers(None))

    # ---- from the analyzer -----------------------------------------------------------------

    def update(self, analysis: Analysis) -> None:
        """Take the model and the settings of another analysis."""
        try:
            model = self._find_model()
        except F2FError as error:
            self._forget(None)
            self.root.problem = str(error)
            return
        if model is not self._model:
            self._forget(model)
        elif analysis.settings == self._settings:
            return
        self._settings = analysis.settings
        self.root.order = analysis.settings.code.order
        self._plan_anew()

    def fill(self) -> None:
        """Estimate what is not estimated yet."""
        if self._model is None or self._planning is not None:
            return
        if self._plan is None:
            self._planning = asyncio.get_running_loop().create_task(self._make_plan(self._serial))
        else:
            self._filler.request(self._serial, self._jobs())
            self._tell()

    def pause(self) -> None:
        """Stop measuring; `fill` goes on."""
        self._filler.pause()
        self._tell()

    # ---- what to measure -------------------------------------------------------------------

    def _forget(self, model: Model | None) -> None:
        self._model, self._plan, self._found = model, None, {}
        self.root.name = "" if model is None else model.name
        self._plan_anew()
        self._send_all()

    def _plan_anew(self) -> None:
        """Have all rows looked at again; what they show is old until then."""
        self._filler.pause()
        if self._sending is not None:
            self._sending.cancel()
        self._plan = self._planning = self._sending = None
        self._serial += 1
        self._seen = 0
        self.root.send({"kind": "old", "serial": self._serial})

    async def _make_plan(self, serial: int) -> None:
        assert self._model is not None
        problem, plan = "", None
        try:
            plan = await asyncio.to_thread(plan_of, self._model.entries, self._settings)
        except F2FError as error:
            problem = str(error)
        if serial != self._serial:
            return
        self._plan, self._planning = plan, None
        self.root.problem = problem
        if plan is None or plan.carried != self._listed:
            self._send_all()
        else:
            self._send([name for name in self._found if self._is_new(name)])
        if plan is not None:
            self.fill()

    def _jobs(self) -> list[_Job]:
        """Return what is to be measured: the layers of which nothing is known by their settings."""
        assert self._model is not None
        assert self._plan is not None
        entries = self._model.entries
        return [
            _Job(name, entries[name], settings)
            for name, settings in self._plan.layers.items()
            if not self._is_new(name)
        ]

    def _is_new(self, name: str) -> bool:
        found = self._found.get(name)
        return (
            found is not None
            and self._plan is not None
            and found.settings == self._plan.layers.get(name)
        )

    # ---- what is found ---------------------------------------------------------------------

    def _show(self, found: Sequence[_Found], done: int, total: int) -> None:
        for one in found[self._seen :]:
            self._found[one.name] = one
        if done == total:
            self._send_new(found)
        elif self._sending is None:  # a page has better to do than to draw every row alone
            self._sending = asyncio.get_running_loop().call_later(_PAUSE, self._send_new, found)

    def _send_new(self, found: Sequence[_Found]) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None
        names = [one.name for one in found[self._seen :] if self._is_new(one.name)]
        self._seen = len(found)
        self._send(names)
        self._tell()

    def _send(self, names: Sequence[str]) -> None:
        self.root.send({"kind": "found", "serial": self._serial, "rows": self._rows(names)})

    def _tell(self) -> None:
        """Say how far it is, in words."""
        if self._plan is None or self._model is None:
            return
        layers, carried = self._plan.layers, self._plan.carried
        new = [self._found[name] for name in layers if self._is_new(name)]
        rows = [found.row for found in new if found.row is not None]
        doing = "estimating from samples" if self._filler.running else "paused"
        going = len(new) < len(layers)
        with self.root.hold_sync():
            self.root.status = f"{doing}: {len(new):,} of {len(layers):,} layers" * going
            self.root.progress = len(new) / max(len(layers), 1)
            self.root.totals = {
                "layers": len(layers),
                "known": len(rows),
                "exact": sum(row.exact for row in rows),
                "dense": sum(row.dense_bytes for row in rows),
                "coded": sum(row.bytes for row in rows),
                "carried": len(carried),
                "carried_bytes": sum(self._model.entries[name].info.nbytes for name in carried),
            }

    # ---- the page --------------------------------------------------------------------------

    def _send_all(self) -> None:
        """Send the list of tensors, and what is known of each."""
        plan, entries = self._plan, self._model.entries if self._model is not None else {}
        self._listed = {} if plan is None else plan.carried
        opened = self._model.siblings if self._model is not None else {}
        tensors = [
            {
                "name": name,
                "shape": list(entry.info.shape),
                "dtype": entry.info.dtype,
                "bytes": entry.info.nbytes,
                "why": "" if plan is None else plan.carried.get(name, ""),
                "opens": name in opened,
            }
            for name, entry in entries.items()
        ]
        self.root.send(
            {
                "kind": "tensors",
                "serial": self._serial,
                "planned": plan is not None,
                "tensors": tensors,
                "rows": self._rows(self._found),
            }
        )

    def _rows(self, names: Sequence[str] | dict[str, _Found]) -> dict[str, Any]:
        rows = {}
        for name in names:
            found = self._found[name]
            data = {"problem": found.problem} if found.row is None else row_data(found.row)
            rows[name] = data | {"old": not self._is_new(name)}
        return rows

    def _asked(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind = content["kind"]
        if kind == "hello":
            self._send_all()
        elif kind == "open" and self._model is not None and content["name"] in self._model.siblings:
            self._change(self._model.siblings[content["name"]].choose)


def _measure(job: _Job, cancel: threading.Event) -> _Found:
    try:
        row = survey_row(layer_of(job.entry), job.settings, threads=1, cancel=cancel)
    except Cancelled:
        raise
    except F2FError as error:
        return _Found(job.name, job.settings, None, str(error))
    return _Found(job.name, job.settings, row)
