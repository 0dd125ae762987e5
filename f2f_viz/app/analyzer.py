"""The analyzer: one widget, the same in JupyterLab, marimo and under Voilà."""

import asyncio
import os
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import anywidget
import traitlets
from IPython.display import display

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.app import address, session
from f2f_viz.app.bokeh_widget import soon
from f2f_viz.app.chooser import Chooser
from f2f_viz.app.filler import Filler
from f2f_viz.app.numbers import badge, cards, describe_layer, describe_pinned, seconds
from f2f_viz.app.parts import Headline
from f2f_viz.app.runner import Progress, Runner
from f2f_viz.app.scoring import scorer_of
from f2f_viz.app.selection import Selection
from f2f_viz.app.stage import Stage
from f2f_viz.app.still import Bundle, Still, bundle, nothing
from f2f_viz.app.tabs import TABS, Link
from f2f_viz.app.tour import Scene, read_tour
from f2f_viz.app.touring import Touring
from f2f_viz.app.trail import trail
from f2f_viz.app.view_settings import ViewSettings
from f2f_viz.app.words import views
from f2f_viz.arguments import checked
from f2f_viz.errors import F2FError
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet
from f2f_viz.figures.lesson import lesson
from f2f_viz.figures.palette import Theme
from f2f_viz.hardware.gates import gates
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, load_layer, split_name
from f2f_viz.tensors.objects import is_path
from f2f_viz.text import sound

__all__ = ["Analyzer"]

_HERE = Path(__file__).parent / "static"
_DRAWN_SECONDS = 2.0
_QUICK_WEIGHTS, _QUICK_BITS = 1 << 16, 16
"""Layers and registers that are searched in a blink."""
_SHEETS = (
    _HERE / "app.css",
    _HERE / "model.css",
    STATIC / "decoder.css",
    STATIC / "drawing.css",
    STATIC / "lanes.css",
    STATIC / "planes.css",
    STATIC / "sweep.css",
    STATIC / "unfolding.css",
)
_STEPS = ("pruning", "block length", "sampled tiles")
Job = tuple[Layer, Settings]


def _work(
    job: Job, *, begun: Analysis | None, progress: Progress | None, cancel: threading.Event | None
) -> Analysis:
    analysis = analyze(*job, preview=begun is None, begun=begun, progress=progress, cancel=cancel)
    gates(analysis.network)  # kept: sharing those of a wide code takes a quarter of a second
    return analysis


def _path_of(layer: Any) -> str | None:
    """Return the file that a layer is given as, if a page can name it."""
    path = os.fspath(split_name(layer)[0]) if is_path(layer) else None
    return path if isinstance(path, str) and sound(path) == path else None


class _Of(traitlets.Instance[Any]):
    """An instance, or our own error."""

    def error(self, obj: Any, value: Any, *_: Any) -> NoReturn:
        wanted = f"a {getattr(self.klass, '__name__', '')}"
        raise F2FError(self.name or "", expected=wanted, got=type(value).__name__)


class _LayerTrait(_Of):
    """A layer, taken from whatever `load_layer` takes."""

    def validate(self, obj: Any, value: Any) -> Any:
        return super().validate(obj, load_layer(value))


class Analyzer(Widget):
    """Choose a layer, prune it, encode it losslessly, watch it being decoded.

    Parameters
    ----------
    layer : Layer, optional
        Or what else `load_layer` takes: an array, a tensor, a module, a path; of a file the other
        layers can be chosen, too. The first sample layer if not given.
    settings : Settings, optional
    score : callable, optional
        ``score(weights) → float`` says what a network reaches with the layer's weights after
        pruning (float32, the layer's shape), the more the better; a card and a curve show it. Of
        a sample layer the accuracy of its network if not given.
    tour : path, optional
        A file of a tour of one's own, in place of the shipped one.

    Attributes
    ----------
    settings : Settings
        In force: the controls', while they are valid. May be set; the controls follow.
    layer : Layer
        May be set.
    analysis : Analysis or None
        The newest result: a preview first (``analysis.exact`` is False), then the exact one.
    selection : Selection
        The plane, cycle and bit that the views point at; may be set.
    view_settings : ViewSettings
        How the views are set and how far they were played; may be set.
    tab : str
        The view that is seen; may be set.
    state : dict
        All of the above as plain values: source, sample, path and tensor of the layer, the keywords
        of `Settings`, tab, plane, cycle and bit, the fields of `ViewSettings`, and the step of the
        tour, 0 for none. May be set; what is not named is then as it was at the start. In the app
        it lives in the address.
    pinned : Analysis or None
        The headline shows later results as differences from it; may be set.

    Notes
    -----
    All are traits, to `observe` and to `traitlets.link`. Work begins when the page that shows the
    widget is ready, or at `settled`. One may be shown several times, and several in one page.
    """

    _esm = script(_HERE / "presenter.js", _HERE / "shell.js")
    _css = sheet(*_SHEETS)

    settings = _Of(Settings)
    layer = _LayerTrait(Layer)
    analysis = traitlets.Instance(Analysis, allow_none=True, read_only=True)
    selection = _Of(Selection)
    view_settings = _Of(ViewSettings)
    tab = traitlets.Enum(tuple(TABS), "Mask").tag(sync=True)

    state = traitlets.Dict()
    pinned = traitlets.Instance(Analysis, allow_none=True)

    tabs: Any = traitlets.List(list(TABS), read_only=True).tag(sync=True)
    about: Any = traitlets.Dict(read_only=True).tag(sync=True)
    """What each tab shows (`words.views`)."""
    needless: Any = traitlets.List().tag(sync=True)
    """Tabs that a layer like this one does not need."""
    panel = anywidget.WidgetTrait().tag(sync=True)
    headline = anywidget.WidgetTrait().tag(sync=True)
    tour = anywidget.WidgetTrait().tag(sync=True)
    views = traitlets.Dict().tag(
        sync=True,
        to_json=lambda views, _: {
            name: [f"anywidget:{part.model_id}" for part in parts] for name, parts in views.items()
        },
    )
    notes = traitlets.Dict().tag(sync=True)
    """Of tabs that show what is not the newest: what they show, in words."""
    trail: Any = traitlets.List().tag(sync=True)
    """The selected bit's way in words (`trail.trail`)."""
    serial = traitlets.Int(0).tag(sync=True)
    """The page answers it when all that was sent before is drawn."""
    location = traitlets.Dict().tag(sync=True)
    """search: what the page's address ends in; push: whether it is a new entry of the browser's
    history; serial: of the page's newest wish to go elsewhere that this heeds."""

    @checked
    def __init__(
        self,
        layer: Any = None,
        settings: Settings | None = None,
        *,
        score: Callable[[Any], float] | None = None,
        tour: Any = None,
    ) -> None:
        self._connected = False
        self._drawn = asyncio.Event()
        self._look: tuple[Theme, bool] = "light", False
        self._going = False
        self._asked = 0
        self._lit: Selection | None = None
        self._foreign: list[tuple[str, str]] = []
        self._start: dict[str, Any] = {}
        self._chooser = Chooser(
            None if layer is None else load_layer(layer),
            settings or Settings(),
            path=_path_of(layer),
            chosen=self._chosen,
            failed=self._refused,
        )
        self._runner = self._new_runner()
        self._score = score
        self._points: tuple[tuple[float, float], ...] = ()
        self._scores = self._new_scores()
        self._touring = Touring(read_tour(tour), self._go_step, self._scene)
        super().__init__(
            settings=self._chooser.settings,
            layer=self._chooser.layer,
            selection=Selection(),
            view_settings=ViewSettings(),
            panel=self._chooser.panel,
            headline=Headline(badge=badge(None)),
            tour=self._touring.bar,
        )
        self.set_trait("about", views())
        self._stage = Stage(self, self._link())
        self._start = self._state_now()
        self.set_trait("state", self._start)
        self._follow_traits()
        self._still = Still(f"f2f-viz-{self.model_id}")
        self._describe()

    def _new_runner(self) -> Runner[Job, Analysis]:
        return Runner(
            _work,
            is_exact=lambda analysis: analysis.exact,
            worth=lambda job, newer: job[0] is newer[0],
            publish=self._publish,
            seen=self._wait_drawn,
            fail=self._fail,
            tell=self._tell,
            cancelled=self._cancelled,
        )

    def _new_scores(self) -> Filler[Any, tuple[float, float]]:
        return Filler(self._measure_score, self._show_score, lambda: self._runner.busy)

    def _link(self) -> Link:
        """Return what the tabs see of the analyzer, and may ask of it."""
        return Link(
            theme="light",
            where=lambda: self.selection,
            select=self._select,
            view=lambda: self.view_settings,
            set_view=self._set_view,
            show=lambda name: self.set_trait("tab", name),
            change=self._chooser.put,
            busy=lambda: self._runner.busy,
            siblings=self._chooser.siblings,
            model=self._chooser.model,
            hurried=lambda: self._runner.busy and self.headline.state == "stale",
            scorer=lambda: scorer_of(self.layer, self._score),
        )

    def _follow_traits(self) -> None:
        """Do what follows when a trait is set, or the page says something."""
        self.observe(lambda change: self._chooser.put(change["new"].to_dict()), "settings")
        self.observe(lambda change: self._chooser.give(change["new"]), "layer")
        self.observe(self._selected, "selection")
        self.observe(self._view_set, "view_settings")
        self.observe(self._tab_chosen, "tab")
        self.observe(lambda change: self._go(change["new"]), "state")
        self.observe(lambda _: self._show_numbers(), "pinned")
        self.headline.on_msg(self._headline_said)
        self.on_msg(self._page_said)

    def _ipython_display_(self) -> None:
        """Show it; in a notebook with a picture beside it, for when no kernel runs."""
        data, _ = self._repr_mimebundle_() or ({}, {})
        data = {**data, "text/plain": f"f2f-viz: {self.headline.layer}"}
        display(data, raw=True)  # type: ignore[no-untyped-call]
        if session.SESSION not in os.environ:  # nobody saves the app's page
            self._still.show(self._picture())

    def _picture(self) -> Bundle:
        """Return a picture of the result, of a small layer's even before there is one."""
        if self.analysis is not None and self.analysis.exact:
            return bundle(self.analysis)
        code = self.settings.code
        if self.layer.weights.size > _QUICK_WEIGHTS or code.n_in * (code.n_s + 1) > _QUICK_BITS:
            return nothing("f2f-viz: run this notebook to see the analyzer.")
        try:
            return bundle(analyze(self.layer, self.settings))
        except F2FError as error:
            return nothing(f"f2f-viz: {error}")

    def close(self) -> None:
        """Stop all work and leave the pages."""
        if self.comm is not None:
            self._still.stop()
            self._runner.cancel()
            self._scores.pause()
            self._stage.close()
            self.panel.close()
            self.headline.close()
            self.tour.close()
        super().close()

    async def settled(self) -> Analysis:
        """Wait for the exact analysis of the newest settings.

        Raises
        ------
        F2FError
            If the settings do not fit the layer, or the search was cancelled.
        """
        if self.analysis is None and not self._runner.busy:
            self._request()
        await self._runner.settled()
        if self.analysis is None or not self.analysis.exact or self.headline.state == "failed":
            raise F2FError(self.headline.status or "no exact analysis")
        await self._still.drawn()
        return self.analysis

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the live lesson of this layer, beginning at these settings.

        Parameters
        ----------
        path
            The .html file; it needs no kernel and no network (`f2f_viz.lesson`).

        Raises
        ------
        F2FError
            For settings that the lesson does not offer, or a layer that is too large for it.
        """
        lesson(self.layer, path, self.settings)

    # ---- controls to work ------------------------------------------------------------------

    def _chosen(self, step: bool) -> None:
        self.layer, self.settings = self._chooser.layer, self._chooser.settings
        self._moved(step)
        self._request()

    def _refused(self) -> None:
        self._runner.cancel()
        self._stand("failed", "see the message beside the control")

    def _request(self) -> None:
        self._describe()
        self._stand("stale", "preview…")
        self._runner.request((self.layer, self.settings))

    def _describe(self) -> None:
        self.headline.layer = describe_layer(self.layer, self.settings.number_format)
        self.needless = [] if self._chooser.has_model else ["Model"]

    def _select(self, **fields: int) -> None:
        selection = replace(self.selection, **fields)
        self.selection = selection.within(self.analysis) if self.analysis else selection

    def _selected(self, change: Any) -> None:
        self._stage.follow(change["new"])
        self._show_trail()
        self._moved(False)
        self._touring.look()

    def _set_view(self, **fields: Any) -> None:
        self.view_settings = replace(self.view_settings, **fields)

    def _view_set(self, _: Any) -> None:
        self._stage.follow(self.selection)
        self._moved(False)
        self._touring.look()

    def _light(self, told: Mapping[str, Any] | None) -> None:
        """Show in passing what the pointer is on, and tell the page its way; a click keeps it."""
        a, at = self.analysis, None
        if a is not None and a.blocks and told is not None:
            if "figure" in told:
                at = self._stage.aim(told["figure"], told["plot"], told["x"], told["y"])
            else:
                at = replace(self.selection, **told)
            at = at and at.within(a)
        if at != self._lit:
            self._lit = at
            self._stage.light(at)
        self.send({"kind": "lit", "trail": trail(a, at) if a is not None and at else []})

    def _show_trail(self) -> None:
        if self.analysis is not None:
            self.trail = trail(self.analysis, self.selection.within(self.analysis))

    # ---- where it stands -------------------------------------------------------------------

    def _state_now(self) -> dict[str, Any]:
        settings, values = self._chooser.settings, self._chooser.panel.values
        step = self._touring.step
        places = {**vars(self.selection), **vars(self.view_settings)}
        return address.state_of(values, settings, self.tab, places, step)

    @traitlets.validate("state")
    def _checked_state(self, proposal: Any) -> dict[str, Any]:
        if not self._start:
            return proposal["value"]
        state = address.whole(proposal["value"], self._start)
        Settings.from_dict({name: state[name] for name in Settings.names()})
        if state["tab"] not in TABS:
            raise F2FError("tab", expected=f"one of {', '.join(TABS)}", got=repr(state["tab"]))
        return state

    def _moved(self, push: bool) -> None:
        """Write down where it stands: in `state`, and in the address of our own page."""
        if self._going or not self._start:
            return
        state = self._state_now()
        self._going = True  # the state follows here, it does not lead
        self.state = state
        self._going = False
        query = [*self._foreign, ("", address.query_of(state, self._start))]
        search = "&".join(text if not name else urlencode([(name, text)]) for name, text in query)
        search = f"?{search.strip('&')}".rstrip("?")
        self.location = {"search": search, "push": push, "serial": self._asked}

    def _go(self, state: Mapping[str, Any], push: bool = True) -> None:
        """Go where a state says: one step, whatever it changes."""
        if self._going:
            return
        self._going = True
        try:
            tab, at = state["tab"], {name: state[name] for name in address.SELECTION}
            view = {name: state[name] for name in address.VIEW}
            others = {"tab", "step", *at, *view}
            self._chooser.put({n: v for n, v in state.items() if n not in others})
            self._touring.resume(state["step"])
            self.view_settings = ViewSettings(**view)
            self.tab, self.selection = tab, Selection(**at)
        finally:
            self._going = False
        self._moved(push)
        self._touring.look()

    def _follow(self, query: str) -> None:
        """Go where an address says, but for files that were not opened here."""
        named, refused = session.admit(address.read_query(query, self._start))
        if named.get("source") == "upload" and not self._chooser.uploaded:
            refused["upload"] = (
                "the file that was uploaded here has gone with its page: choose it again"
            )
        if named.get("tab") not in TABS:
            named.pop("tab", None)
        self._foreign = address.foreign(query, self._start)
        self._go(address.whole(named, self._start), push=False)
        errors = self._chooser.panel.errors
        self._chooser.panel.errors = {**errors, **refused}

    def _go_step(self, named: Mapping[str, Any]) -> None:
        """Go where the tour says; leaving it, only out of it."""
        if "tab" in named:
            self._go(address.whole(named, self._start))
        else:
            self._moved(True)

    def _scene(self) -> Scene | None:
        """Return what the page shows, once that is exact, of the settings chosen, and all there."""
        a = self.analysis
        if (
            self._going
            or a is None
            or not a.exact
            or a.settings != self.settings
            or a.given is not self.layer
        ):
            return None
        return Scene(a, self.selection.within(a), self.tab, self.view_settings)

    # ---- work to screen --------------------------------------------------------------------

    def _stand(self, state: str, status: str) -> None:
        """Say how the work stands; numbers of other settings lose their badge."""
        self.headline.tell(state, status)
        if state in ("stale", "failed"):
            self.headline.badge = badge(None)
        if state == "failed":
            self._stage.say(f"Not of these settings: {status}", all_old=True)
        elif state == "stale":
            self._stage.wait(f"Not of these settings: {status}")
        elif state == "cancelled":
            self._stage.say("The search was cancelled; this shows the result before.")

    async def _publish(self, analysis: Analysis) -> None:
        await self._wait_drawn()
        self.set_trait("analysis", analysis)
        self.selection = self.selection.within(analysis)
        self._show_trail()
        self._ask_score(analysis)
        session.remember_files(analysis.settings)
        if self._lit is not None:
            self._lit = None
            self._stage.light(None)  # of another layout
        self._stage.take(analysis)
        self._chooser.panel.auto_n_out = analysis.n_out
        with self.headline.hold_sync():
            self._show_numbers()
            self.headline.badge = badge(analysis)
            if analysis.exact:
                self._still.keep(analysis)
                self._stand("exact", f"exact, {seconds(analysis.seconds)}")
            else:
                self._stand("preview", "≈ preview; exact search…")
        self._touring.look()
        self._ask_drawn()

    def _measure_score(self, job: Any, _: threading.Event) -> tuple[float, float]:
        scorer = scorer_of(job[0], self._score)
        return (0.0, 0.0) if scorer is None else scorer.point(*job)

    def _show_score(self, points: Sequence[tuple[float, float]], done: int, total: int) -> None:
        if done == total:
            self._points = tuple(points)
            self._show_numbers()

    def _ask_score(self, analysis: Analysis) -> None:
        """Have the layer scored as it is pruned, and as it was."""
        self._points = ()
        jobs = [(analysis.given, analysis.settings), (analysis.given, None)]
        key = (id(analysis.given), analysis.settings)
        if scorer_of(analysis.given, self._score) is None:
            self._scores.request(None, [])
        elif analysis.exact:
            self._scores.request(key, jobs)

    def _show_numbers(self) -> None:
        with self.headline.hold_sync():
            if self.analysis is not None:
                scorer = scorer_of(self.analysis.given, self._score)
                last = [] if scorer is None else [scorer.card(self._points)]
                self.headline.cards = cards(self.analysis, self.pinned) + last
            self.headline.pinned = describe_pinned(self.analysis, self.pinned)

    def _tell(self, done: int, total: int, left: float) -> None:
        if total == 0:
            return
        share = f"{done / total:.0%}".replace("%", "\u2009%")
        if self.headline.state == "stale":
            self.headline.tell("stale", f"preview: {_STEPS[done]}, {share}", done / total)
        elif self.headline.state == "preview":
            ending = "" if left == float("inf") else f", {seconds(left)} left"
            self.headline.tell("preview", f"≈ preview; search {share}{ending}", done / total)

    def _cancelled(self) -> None:
        a = self.analysis
        if a is not None and a.given is self.layer and a.settings == self.settings:
            self._stand("cancelled", "cancelled: the preview stands")
        else:
            self._stand("failed", "cancelled before there was a result")

    def _fail(self, job: Job, error: Exception) -> None:
        self._chooser.show_error(error)
        if isinstance(error, F2FError):
            self._stand("failed", str(error))
        else:
            traceback.print_exception(error)
            self._stand("failed", f"{type(error).__name__}: {error}")

    def _tab_chosen(self, _: Any) -> None:
        self._moved(True)
        try:
            self._stage.show()
        except Exception as error:  # nobody else would tell
            self._fail((self.layer, self.settings), error)
        self._touring.look()
        self._ask_drawn()

    # ---- the page --------------------------------------------------------------------------

    def _ask_drawn(self) -> None:
        """Have the page say when it has drawn what was sent: a slow page slows the work down."""
        self._drawn.clear()
        soon(lambda: self.set_trait("serial", self.serial + 1))  # after the figures' patches

    async def _wait_drawn(self) -> None:
        if self._connected and self.serial:
            try:
                await asyncio.wait_for(self._drawn.wait(), _DRAWN_SECONDS)
            except TimeoutError:
                self._connected = False  # no page: do not wait for it again

    def _headline_said(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content["kind"] == "ping":
            self.headline.send({"kind": "pong"})
        elif content["kind"] == "cancel":
            self._runner.cancel()
        elif content["kind"] == "pin":
            self.pinned = self.analysis
        elif content["kind"] == "unpin":
            self.pinned = None

    def _page_said(self, _: Any, content: dict[str, Any], __: Any) -> None:
        self._connected = True
        kind = content["kind"]
        if kind == "drawn":
            if content["serial"] == self.serial:
                self._drawn.set()
            return
        if kind in ("undo", "redo"):
            self._chooser.undo(again=kind == "redo")
            return
        if kind == "tour":
            self._touring.start()
            return
        if kind == "light":
            self._light(content["at"])
            return
        if kind == "step":
            cycle = self.selection.cycle + content["by"]
            self._select(cycle=cycle % max(self.analysis.blocks if self.analysis else 1, 1))
            return
        look = content["theme"], content.get("large", self._look[1])
        if look != self._look:
            self._look = look
            self._stage.dress(*look)
            self._ask_drawn()
        if kind == "go":
            self._asked = content["serial"]
            self._follow(content["query"])
        elif kind == "ready" and self.analysis is None and not self._runner.busy:
            if content["query"]:
                self._follow(content["query"])
            if not self._runner.busy and self.headline.state != "failed":
                self._request()
