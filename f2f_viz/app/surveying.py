"""The model tab: a row per tensor of the model, estimated in the background as they come."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import traitlets

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.plan import Plan, is_codable, plan_of
from f2f_viz.analysis.survey import SurveyRow, csv_text, survey_row
from f2f_viz.app.filler import Filler
from f2f_viz.app.numbers import seconds
from f2f_viz.app.sources import Model
from f2f_viz.arguments import in_range
from f2f_viz.codec.parallel import workers
from f2f_viz.errors import Cancelled, F2FError
from f2f_viz.figures.front_end import Widget, script
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import layer_of
from f2f_viz.tensors.loaders import Entry
from f2f_viz.tensors.pruning import METHODS

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
    exact: bool


@dataclass(frozen=True, eq=False)
class _Found:
    """What a layer would take by some settings, or why that cannot be said."""

    name: str
    settings: Settings
    row: SurveyRow | None
    problem: str = ""

    @property
    def exact(self) -> bool:
        """Whether no search would tell more."""
        return self.row is None or self.row.exact


class ModelWidget(Widget):
    """The table; see ``static/model.js``. Rows go by messages, so that no notebook saves them."""

    _esm = script(_STATIC / "model.js")

    name = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Unicode().tag(sync=True)
    """The tensor that is the layer shown."""
    order = traitlets.Unicode().tag(sync=True)
    """The block order of the settings."""
    pruning = traitlets.Unicode().tag(sync=True)
    """How the settings prune, in words: a rate, or a method that has none."""
    rated = traitlets.Bool(True).tag(sync=True)
    """Whether it is a rate."""
    together = traitlets.Bool(False).tag(sync=True)
    """Whether the rate is one over all layers."""
    working = traitlets.Unicode().tag(sync=True)
    """What can be done to it: stop, go, or nothing."""
    status = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    """What was asked for and cannot be."""
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
    sweep : callable
        Takes the names of siblings that are to be swept.
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
        sweep: Callable[[list[str]], None],
        busy: Callable[[], bool],
    ) -> None:
        self.root = ModelWidget()
        self.root.on_msg(self._asked)
        self._find_model = model
        self._change, self._sweep_over = change, sweep
        self._model: Model | None = None
        self._settings = Settings()
        self._rates: dict[str, float | None] = {}
        self._plan: Plan | None = None
        self._found: dict[str, _Found] = {}
        self._searching: frozenset[str] = frozenset()
        self._shares: dict[str, float] = {}
        self._began = 0.0
        self._stopped = False
        self._serial = 0
        self._listed: Any = None
        self._key: tuple[int, frozenset[str]] = 0, frozenset()
        self._seen = 0
        self._unsent: list[str] = []
        self._planning: asyncio.Task[None] | None = None
        self._sending: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filler: Filler[_Job, _Found] = Filler(self._measure, self._show, busy, workers(None))

    # ---- from the analyzer -----------------------------------------------------------------

    def update(self, analysis: Analysis) -> None:
        """Take the model and the settings of another analysis."""
        try:
            model = self._find_model()
        except F2FError as error:
            self._begin(None)
            self.root.problem = str(error)
            return
        beside = {} if model is None else model.siblings
        shown = (name for name, s in beside.items() if s.name == analysis.given.name)
        self.root.shown = next(shown, "")
        if model is not self._model:
            self._begin(model)
        elif analysis.settings == self._settings:
            return
        self._settings = analysis.settings
        method = METHODS.pick(self._settings.method)
        with self.root.hold_sync():
            self.root.order = self._settings.code.order
            self.root.rated = method.rated
            self.root.pruning = f"{self._settings.rate:.3f}" if method.rated else method.label
        self._plan_anew()

    def fill(self) -> None:
        """Estimate what is not estimated yet."""
        self._loop = asyncio.get_running_loop()
        if self._model is None or self._planning is not None or self._stopped:
            return
        if self._plan is None:
            self._planning = self._loop.create_task(self._make_plan(self._serial))
            return
        if self._key != (key := (self._serial, self._searching)):
            self._key, self._seen = key, 0
        self._filler.request(key, self._jobs(self._plan))
        self._tell()

    def pause(self) -> None:
        """Stop measuring; `fill` goes on."""
        self._filler.pause()
        self._tell()

    # ---- what to measure -------------------------------------------------------------------

    def _begin(self, model: Model | None) -> None:
        """Take another model: of the one before nothing is left."""
        self._model, self._found, self._rates = model, {}, {}
        with self.root.hold_sync():
            self.root.name = "" if model is None else model.name
            self.root.together = False
            self.root.status = self.root.working = ""
            self.root.progress, self.root.totals = 1.0, {}
        self._plan_anew()
        self._send_all()

    def _plan_anew(self) -> None:
        """Have all rows looked at again; what they show is old until then."""
        self._filler.pause()
        if self._sending is not None:
            self._sending.cancel()
        self._plan = self._planning = self._sending = None
        self._unsent = []
        self._searching, self._shares, self._stopped = frozenset(), {}, False
        self._serial += 1
        self.root.problem = ""
        self.root.send({"kind": "old", "serial": self._serial})

    async def _make_plan(self, serial: int) -> None:
        assert self._model is not None
        problem, plan = "", None
        for together in (True, False) if self.root.together else (False,):
            try:
                plan = await asyncio.to_thread(
                    plan_of, self._model.entries, self._settings, rates=self._rates,
                    together=together,
                )  # fmt: skip
                break
            except F2FError as error:
                problem = str(error)
        if serial != self._serial:
            return
        self._plan, self._planning = plan, None
        with self.root.hold_sync():
            self.root.together &= not problem
            self.root.problem = problem
        self._send_plan()
        if plan is not None:
            self.fill()

    def _jobs(self, plan: Plan) -> list[_Job]:
        """Return what is to be measured: estimates first, then what is to be searched whole."""
        assert self._model is not None
        entries = self._model.entries
        return [
            _Job(name, entries[name], settings, exact)
            for exact in (False, True)
            for name, settings in plan.layers.items()
            if (name in self._searching) == exact and not self._is_done(name)
        ]

    def _is_new(self, name: str) -> bool:
        """Whether what is known of a layer is of its settings."""
        found, plan = self._found.get(name), self._plan
        return found is not None and plan is not None and found.settings == plan.layers.get(name)

    def _known(self) -> list[SurveyRow]:
        """Return the rows that are of their layers' settings, in the model's order."""
        layers = self._plan.layers if self._plan is not None else ()
        rows = (self._found[name].row for name in layers if self._is_new(name))
        return [row for row in rows if row is not None]

    def _is_done(self, name: str) -> bool:
        return self._is_new(name) and (name not in self._searching or self._found[name].exact)

    def _measure(self, job: _Job, cancel: threading.Event) -> _Found:
        """Look at one layer, in a thread."""
        last = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal last
            if self._loop is not None and time.monotonic() > last + _PAUSE:
                last = time.monotonic()
                self._loop.call_soon_threadsafe(self._went, job, cancel, done / max(total, 1))

        alone = job.exact and len(self._searching) == 1
        try:
            row = survey_row(
                layer_of(job.entry), job.settings, job.exact, threads=None if alone else 1,
                progress=progress if job.exact else None, cancel=cancel,
            )  # fmt: skip
        except Cancelled:
            raise
        except F2FError as error:
            return _Found(job.name, job.settings, None, str(error))
        return _Found(job.name, job.settings, row)

    # ---- what is found ---------------------------------------------------------------------

    def _show(self, found: Sequence[_Found], done: int, total: int) -> None:
        for one in found[self._seen :]:
            self._found[one.name] = one
            self._unsent.append(one.name)
        self._seen = len(found)
        if done == total:
            self._send_new()
        elif self._sending is None:  # a page has better to do than to draw every row alone
            self._sending = asyncio.get_running_loop().call_later(_PAUSE, self._send_new)

    def _went(self, job: _Job, cancel: threading.Event, share: float) -> None:
        if not cancel.is_set():
            self._shares[job.name] = share
            self._tell()

    def _send_new(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._sending = None
        self._send(self._unsent)
        self._unsent = []
        self._tell()

    def _tell(self) -> None:
        """Say how far it is, in words."""
        if self._plan is None or self._model is None:
            return
        layers, carried, known = self._plan.layers, self._plan.carried, self._known()
        with self.root.hold_sync():
            self.root.status, self.root.progress = self._progress(self._plan)
            left = not all(map(self._is_done, layers))
            self.root.working = "" if not left else "go" if self._stopped else "stop"
            self.root.totals = {
                "layers": len(layers),
                "known": len(known),
                "exact": sum(row.exact for row in known),
                "dense": sum(row.dense_bytes for row in known),
                "coded": sum(row.bytes for row in known),
                "carried": len(carried),
                "carried_bytes": sum(self._model.entries[name].info.nbytes for name in carried),
            }

    def _progress(self, plan: Plan) -> tuple[str, float]:
        """Return how far it is, in words and as a share."""
        known, total = sum(map(self._is_new, plan.layers)), len(plan.layers)
        stopped = "stopped, " if self._stopped else ""
        if known < total:
            return f"{stopped}estimating from samples: {known:,} of {total:,} layers", known / total
        done = [name for name in self._searching if self._is_done(name)]
        if len(done) == len(self._searching):
            return "", 1.0
        sizes = {name: math.prod(self._shape(name)) for name in self._searching}
        shares = self._shares | dict.fromkeys(done, 1.0)
        share = sum(sizes[n] * shares.get(n, 0.0) for n in sizes) / max(sum(sizes.values()), 1)
        words = f"{stopped}searching whole: {len(done):,} of {len(sizes):,} layers, {share:.0%}"
        words = words.replace("%", "\u2009% of their weights")
        gone = time.monotonic() - self._began
        if share and not self._stopped:
            words += f", {seconds(gone * (1 - share) / share)} left"
        return words, share

    def _shape(self, name: str) -> tuple[int, ...]:
        assert self._model is not None
        return self._model.entries[name].info.shape

    # ---- the page --------------------------------------------------------------------------

    def _send_plan(self) -> None:
        """Send what has become of the tensors, if that is new, and the rows that still hold."""
        if self._listed != (self._plan is None, self._own()):
            self._send_all()
        else:
            self._send([name for name in self._found if self._is_new(name)])

    def _own(self) -> dict[str, str]:
        """Return how tensors are pruned that have their own way, and why others are carried."""
        if self._plan is None:
            return {}
        own = {}
        for name, settings in self._plan.layers.items():
            method = METHODS.pick(settings.method)
            if settings.method != self._settings.method:
                own[name] = method.label
            elif method.rated and settings.rate != self._settings.rate:
                own[name] = f"{settings.rate:.3f}"
        return own | self._plan.carried

    def _send_all(self) -> None:
        """Send the list of tensors, and what is known of each."""
        model, plan, own = self._model, self._plan, self._own()
        self._listed = plan is None, own
        carried = {} if plan is None else plan.carried
        tensors = [
            {
                "name": name,
                "shape": list(entry.info.shape),
                "dtype": entry.info.dtype,
                "bytes": entry.info.nbytes,
                "why": carried.get(name, ""),
                "own": own.get(name, ""),
                "rated": plan is not None
                and name in plan.layers
                and METHODS.pick(plan.layers[name].method).rated,
                "opens": name in model.siblings,
                "codable": is_codable(entry.info),
            }
            for name, entry in model.entries.items()
        ] if model is not None else []  # fmt: skip
        self.root.send(
            {
                "kind": "tensors",
                "serial": self._serial,
                "tensors": tensors,
                "rows": self._rows(list(self._found)),
            }
        )

    def _send(self, names: Sequence[str]) -> None:
        new = [name for name in names if self._is_new(name)]
        if new:
            rows = self._rows(new)
            self.root.send({"kind": "found", "serial": self._serial, "rows": rows})

    def _rows(self, names: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        """Return names and what their rows show, in pairs: a script's objects have own names."""
        rows = []
        for name in names:
            found = self._found[name]
            data = {"problem": found.problem} if found.row is None else row_data(found.row)
            rows.append((name, data | {"old": not self._is_new(name)}))
        return rows

    def _asked(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content["kind"] == "hello":
            self._send_all()
        elif self._model is not None:
            _ASKED[content["kind"]](self, content)

    def _open(self, content: dict[str, Any]) -> None:
        assert self._model is not None
        if (sibling := self._model.siblings.get(content["name"])) is not None:
            self._change(sibling.choose)

    def _sweep(self, content: dict[str, Any]) -> None:
        assert self._model is not None
        known = self._model.siblings
        self._sweep_over([known[name].name for name in content["names"] if name in known])

    def _set_rates(self, content: dict[str, Any]) -> None:
        """Take a rate for some tensors; None carries them, and "" is what the settings say."""
        assert self._model is not None
        rate, entries = content["rate"], self._model.entries
        if rate is not None and rate != "":
            try:
                rate = in_range("rate", rate, float, 0, 1)
            except F2FError as error:  # it would stand in the way of every plan to come
                self.root.problem = str(error)
                return
        names = [n for n in content["names"] if n in entries and is_codable(entries[n].info)]
        rates = {name: own for name, own in self._rates.items() if name not in names}
        self._rates = rates if rate == "" else rates | dict.fromkeys(names, rate)
        self._plan_anew()
        self.fill()

    def _set_together(self, content: dict[str, Any]) -> None:
        self.root.together = bool(content["on"])
        self._plan_anew()
        self.fill()

    def _search(self, content: dict[str, Any]) -> None:
        """Search some layers whole, or all."""
        if self._plan is None:
            return
        names = [name for name in content["names"] if name in self._plan.layers]
        self._searching = frozenset(names or self._plan.layers)
        self._shares, self._began, self._stopped = {}, time.monotonic(), False
        self.fill()

    def _stop(self, _: dict[str, Any]) -> None:
        self._stopped = True
        self.pause()

    def _go(self, _: dict[str, Any]) -> None:
        self._stopped = False
        self._began = time.monotonic()
        self.fill()

    def _save_rows(self, _: dict[str, Any]) -> None:
        self._hand_out("survey.csv", csv_text(self._known()).encode())

    def _save_plan(self, _: dict[str, Any]) -> None:
        if self._plan is not None:
            self._hand_out("plan.json", self._plan.to_json())

    def _hand_out(self, name: str, data: bytes) -> None:
        stem = self.root.name.replace("/", "-").partition(".")[0]
        self.root.send({"kind": "file", "name": f"{stem}-{name}"}, [data])


_ASKED: dict[str, Callable[[ModelView, dict[str, Any]], None]] = {
    "open": ModelView._open,
    "sweep": ModelView._sweep,
    "rates": ModelView._set_rates,
    "together": ModelView._set_together,
    "search": ModelView._search,
    "stop": ModelView._stop,
    "go": ModelView._go,
    "csv": ModelView._save_rows,
    "plan": ModelView._save_plan,
}
"""What the page asks, by its kind."""
