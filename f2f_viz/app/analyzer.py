"""The analyzer: one widget, the same in JupyterLab and under Voilà."""

import asyncio
import json
import threading
import traceback
from typing import Any

import ipywidgets as widgets

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.app import controls, sources
from f2f_viz.app.embed import Headline, Panel, Tabs, load_bokeh, soon
from f2f_viz.app.numbers import badge, cards, describe_layer, seconds
from f2f_viz.app.runner import Progress, Runner
from f2f_viz.app.tabs import TABS, Link, Tab
from f2f_viz.errors import F2FError
from f2f_viz.settings import PRESETS, Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["Analyzer"]

_DRAWN_SECONDS = 2.0
Job = tuple[Layer, Settings]


def _work(
    job: Job, *, preview: bool, progress: Progress | None, cancel: threading.Event | None
) -> Analysis:
    return analyze(*job, preview=preview, progress=progress, cancel=cancel)


class Analyzer(widgets.Box):  # type: ignore[misc]
    """Choose a layer, prune it, encode it losslessly, watch it being decoded.

    Parameters
    ----------
    layer : Layer, optional
        The first sample layer if not given.
    settings : Settings, optional

    Attributes
    ----------
    settings : Settings
        May be set; the controls follow.
    layer : Layer
        May be set.
    analysis : Analysis or None
        The newest result: a preview first (``analysis.exact`` is False), then the exact one.

    Notes
    -----
    Work begins when the page that shows the widget is ready, or at `settled`.
    """

    def __init__(self, layer: Layer | None = None, settings: Settings | None = None) -> None:
        load_bokeh()
        self._layer = self._given = layer or sources.load(
            {"source": "sample", "sample": None}, None
        )
        self._settings = settings or Settings()
        self.analysis: Analysis | None = None
        self._uploads = sources.Uploads()
        self._changing = False
        self._theme: Any = "light"
        self._tabs: dict[str, Tab] = {}
        self._stale_tabs: set[str] = set()
        self._at = 0, 0  # the plane and cycle that views show
        self._connected = False
        self._drawn = asyncio.Event()

        options = sources.sample_options()
        self._panel = Panel(
            samples=options,
            presets=PRESETS,
            values={
                "source": "sample" if layer is None else "given",
                "sample": options[0][0],
                "path": "",
                "tensor": None,
                "opened": 0,
                **self._settings.to_dict(),
            },
        )
        self._loaded: tuple[Any, ...] = self._wanted_layer()
        self._headline = Headline(badge=badge(None))
        self._strip = Tabs(tabs=list(TABS))
        self._boxes = [widgets.Box() for _ in TABS]
        stack = widgets.Box(self._boxes)
        stack.add_class("f2f-stack")
        main = widgets.Box([self._headline, self._strip, stack])
        main.add_class("f2f-main")
        super().__init__([self._panel, main])
        self.add_class("f2f-app")
        self.add_class("f2f")

        self._runner: Runner[Job, Analysis] = Runner(
            _work,
            is_exact=lambda analysis: analysis.exact,
            publish=self._publish,
            fail=self._fail,
            tell=self._tell,
            cancelled=self._cancelled,
        )
        self._panel.observe(self._controls_changed, "values")
        self._panel.on_msg(self._panel_said)
        self._headline.on_msg(self._page_said)
        self._strip.observe(self._tab_chosen, "selected")
        self._show_tab()
        self._describe()

    # ---- state ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in force: the controls', while they are valid."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        if not isinstance(settings, Settings):
            raise F2FError("settings", expected="a Settings", got=type(settings).__name__)
        self._panel.values = {**self._panel.values, **settings.to_dict()}

    @property
    def layer(self) -> Layer:
        """The layer under analysis."""
        return self._layer

    @layer.setter
    def layer(self, layer: Layer) -> None:
        self._given = layer
        values = {**self._panel.values, "source": "given"}
        if values == self._panel.values:
            self._layer = layer
            self._request()
        else:
            self._panel.values = values

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
        if self.analysis is None or not self.analysis.exact:
            raise F2FError(self._headline.status or "no exact analysis")
        return self.analysis

    # ---- controls to work ----------------------------------------------------------------

    def _wanted_layer(self) -> tuple[Any, ...]:
        values = self._panel.values
        source = values["source"]
        named = values["sample"] if source == "sample" else values["path"]
        return source, named, values["tensor"], values["opened"]

    def _controls_changed(self, _: Any = None) -> None:
        if self._changing:
            return
        self._changing = True
        try:
            fresh = self._wanted_layer() != self._loaded and self._load()
            settings = controls.read_settings(self._panel.values)
        except F2FError as error:
            self._panel.errors = {error.field or "settings": str(error)}
            self._set_state("failed", "see the message beside the control")
            return
        finally:
            self._changing = False
        mended = bool(self._panel.errors)
        self._panel.errors = {}
        if fresh or settings != self._settings or mended:
            self._settings = settings
            self._panel.hints = controls.hints(settings)
            self._request()

    def _load(self) -> bool:
        """Take the layer that the controls name; False if they name none yet."""
        self._loaded = ()
        values = dict(self._panel.values)
        source = values["source"]
        if source in ("path", "upload"):
            path = values["path"] if source == "path" else self._uploads.path
            self._panel.tensors = []
            if not path:
                return False
            self._panel.tensors = sources.tensor_options(path, source)
        if source == "given":
            self._layer = self._given
        else:
            self._layer = sources.load(values, self._uploads.path)
        if source == "sample":
            dense = "/dense/" in self._layer.name
            if dense != (values["method"] != "zeros"):
                values["method"] = "magnitude" if dense else "zeros"
        elif source != "given":
            values["tensor"] = self._layer.name
        self._panel.values = values
        self._loaded = self._wanted_layer()
        return True

    def _request(self) -> None:
        self._describe()
        self._set_state("stale", "preview…")
        self._runner.request((self._layer, self._settings))

    def _describe(self) -> None:
        layer, values = self._layer, self._panel.values
        self._headline.layer = describe_layer(layer, self._settings.number_format)
        with self._panel.hold_sync():
            self._panel.as_json = json.dumps(self._settings.to_dict(), indent=2) + "\n"
            self._panel.as_python = controls.as_python(layer, values, self._settings)
            self._panel.as_query = controls.as_query(values, self._settings)

    # ---- work to screen ------------------------------------------------------------------

    def _set_state(self, state: str, status: str) -> None:
        with self._headline.hold_sync():
            self._headline.state = state
            self._headline.status = status
            if state != "preview":
                self._headline.progress = 0.0

    async def _publish(self, analysis: Analysis) -> None:
        await self._wait_drawn()
        self.analysis = analysis
        self._stale_tabs = set(self._tabs)
        self._show_tab()
        self._panel.auto_n_out = analysis.n_out
        self._show_numbers(analysis)
        self._ask_drawn()

    def _show_numbers(self, analysis: Analysis) -> None:
        with self._headline.hold_sync():
            self._headline.cards = cards(analysis)
            self._headline.badge = badge(analysis)
            if analysis.exact:
                self._set_state("exact", f"exact, {seconds(analysis.seconds)}")
            else:
                self._set_state("preview", "≈ preview; exact search…")

    def _tell(self, done: int, total: int, left: float) -> None:
        if self._headline.state == "preview":
            with self._headline.hold_sync():
                self._headline.progress = done / max(total, 1)
                if left != float("inf"):
                    self._headline.status = f"≈ preview; exact in {seconds(left)}"

    def _cancelled(self) -> None:
        self._set_state("cancelled", "cancelled: the preview stands")

    def _fail(self, job: Job, error: Exception) -> None:
        field = getattr(error, "field", "")
        if field:
            self._panel.errors = {field: str(error)}
        text = str(error) if isinstance(error, F2FError) else f"{type(error).__name__}: {error}"
        if not isinstance(error, F2FError):
            traceback.print_exception(error)
        self._set_state("failed", text)

    # ---- tabs ----------------------------------------------------------------------------

    def _tab_chosen(self, _: Any) -> None:
        try:
            self._show_tab()
        except Exception as error:  # nobody else would tell
            self._fail((self._layer, self._settings), error)
        self._ask_drawn()

    def _show_tab(self) -> None:
        """Build the chosen tab when first seen, bring it up to date, hide the others."""
        chosen = self._strip.selected
        name = self._strip.tabs[chosen]
        for index, box in enumerate(self._boxes):
            box.layout.display = None if index == chosen else "none"
        for other, tab in self._tabs.items():
            if other != name and tab.pause is not None:
                tab.pause()
        if self.analysis is None:
            return
        if name not in self._tabs:
            link = Link(
                theme=self._theme,
                select=self._select,
                choose_plane=self._choose_plane,
                open_plane=self._open_plane,
                busy=lambda: self._runner.busy,
                where=lambda: self._at,
                change=self._change,
                siblings=lambda: sources.siblings(
                    self._panel.values, self._panel.tensors, self._uploads.path, self._layer
                ),
            )
            tab = self._tabs[name] = TABS[name](link, self.analysis)
            self._boxes[chosen].children = [tab.root]
        elif name in self._stale_tabs:
            for view in self._tabs[name].views.values():
                view.update(self.analysis)
        if "trellis" in self._tabs[name].views:
            self._tabs[name].views["trellis"].go(*self._at)
        self._stale_tabs.discard(name)
        fill = self._tabs[name].fill
        if fill is not None and self.analysis.exact:
            fill(self.analysis)

    def _open_plane(self, plane: int) -> None:
        """Show a plane in the decoder."""
        self._choose_plane(plane)
        self._strip.selected = self._strip.tabs.index("Decoder")

    def _choose_plane(self, plane: int) -> None:
        self._at = plane, self._at[1]
        self._follow()

    def _select(self, block: int) -> None:
        """Show a block in every view there is."""
        last = self.analysis.blocks - 1 if self.analysis is not None else 0
        self._at = self._at[0], min(block, last)
        self._follow()

    def _follow(self) -> None:
        plane, cycle = self._at
        views = {name: view for tab in self._tabs.values() for name, view in tab.views.items()}
        if "mask" in views:
            views["mask"].select(cycle)
        if "decoder" in views:
            views["decoder"].root.set_trait("plane", plane)
            views["decoder"].root.set_trait("cycle", cycle)
        if "trellis" in views and self._strip.tabs[self._strip.selected] == "Trellis":
            views["trellis"].go(plane, cycle)

    def _change(self, values: dict[str, Any]) -> None:
        # the layer first: another one may change the pruning method
        named = {name: values[name] for name in controls.LAYER if name in values}
        for change in (named, values):
            self._panel.values = {**self._panel.values, **change}

    # ---- the page ------------------------------------------------------------------------

    def _ask_drawn(self) -> None:
        """Have the page say when it has drawn what was sent; patches to figures not yet there
        would be lost, and a slow page would fall behind.
        """
        self._drawn.clear()
        soon(self._send_serial)  # after the figures' patches

    def _send_serial(self) -> None:
        with self._headline.hold_sync():
            self._headline.figures = sum(tab.figures for tab in self._tabs.values())
            self._headline.serial += 1

    async def _wait_drawn(self) -> None:
        if self._connected and self._headline.serial:
            try:
                await asyncio.wait_for(self._drawn.wait(), _DRAWN_SECONDS)
            except TimeoutError:
                self._connected = False  # no page: do not wait for it again

    def _page_said(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind = content.get("kind")
        if kind == "ping":
            self._headline.send({"kind": "pong"})
        elif kind == "cancel":
            self._runner.cancel()
        elif kind == "drawn":
            self._connected = True
            if content.get("serial") == self._headline.serial:
                self._drawn.set()
        elif kind == "theme":
            self._retheme(content["theme"])
        elif kind == "ready":
            self._connected = True
            self._retheme(content["theme"])
            if self.analysis is None and not self._runner.busy:
                linked = controls.from_query(content.get("query", ""))
                self._panel.values = {**self._panel.values, **linked}
                if not self._runner.busy and not self._panel.errors:
                    self._request()

    def _retheme(self, theme: Any) -> None:
        if theme == self._theme:
            return
        self._theme = theme
        self._tabs.clear()
        for box in self._boxes:
            box.children = []
        self._show_tab()
        self._ask_drawn()

    def _panel_said(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        kind = content.get("kind")
        if kind == "settings":
            try:
                loaded = Settings.from_dict(json.loads(content["text"]))
            except (ValueError, TypeError) as error:
                self._panel.errors = {"settings": f"not settings: {error}"}
                return
            self.settings = loaded
        elif kind == "upload":
            whole = self._uploads.receive(content, buffers[0] if buffers else b"")
            self._panel.send({"kind": "received", "id": content["id"]})
            if whole:
                self._panel.values = {
                    **self._panel.values,
                    "tensor": None,
                    "opened": self._panel.values["opened"] + 1,
                }
