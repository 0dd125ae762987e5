"""The export tab: a figure as it will be printed, and as a file that the browser saves."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import traitlets

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.bokeh_widget import FigureWidget
from f2f_viz.app.selection import Selection
from f2f_viz.errors import Cancelled, F2FError
from f2f_viz.figures.captions import code_for
from f2f_viz.figures.catalogue import FIGURES, figure, why_not
from f2f_viz.figures.figure import IMAGES, WIDTH_MM, Figure, to_bytes
from f2f_viz.figures.front_end import Widget, script
from f2f_viz.figures.options import OPTIONS, PLACE
from f2f_viz.figures.style import TEXT_PT

__all__ = ["ExportView"]


@dataclass(frozen=True)
class _Asked:
    """What the form says."""

    figure: str = next(iter(FIGURES))
    form: str = "svg"
    theme: Any = "light"
    width_mm: float = WIDTH_MM
    font_pt: float = TEXT_PT
    scale: float = 2.0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """What `figure` takes beside the analysis: the options that the figure has."""
        given, takes = self.options, FIGURES[self.figure].options
        return {
            name: given[name]
            for name in takes
            if name in given and given[name] != OPTIONS[name].default
        }

    @property
    def sizes(self) -> dict[str, Any]:
        """What `Figure.save` takes beside the path."""
        if self.form not in IMAGES:
            return {}
        sizes = {"width_mm": self.width_mm, "font_pt": self.font_pt}
        return sizes | ({"scale": self.scale} if self.form == "png" else {})


class ExportWidget(Widget):
    """The form and what it gives; see ``static/export.js``."""

    _esm = script(Path(__file__).parent / "static" / "export.js")

    figures: Any = traitlets.Dict().tag(sync=True)
    options: Any = traitlets.Dict().tag(sync=True)
    place: Any = traitlets.Dict().tag(sync=True)
    """The plane, cycle and bit that the views show."""
    reason = traitlets.Unicode().tag(sync=True)
    """Why there is no such file; empty if there is one."""
    working = traitlets.Unicode().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    size = traitlets.Unicode().tag(sync=True)
    preview = traitlets.Unicode().tag(sync=True)
    """The figure's widget, as anywidget names it."""
    drawing = traitlets.Unicode().tag(sync=True)
    """In place of it an SVG image."""
    ground = traitlets.Unicode("light").tag(sync=True)


class ExportView:
    """Exports the analysis shown.

    Parameters
    ----------
    where : callable
        Returns the plane, cycle and bit that the views show.

    Attributes
    ----------
    root : ExportWidget
    """

    def __init__(self, where: Callable[[], Selection]) -> None:
        self.root = ExportWidget(
            figures={
                name: [entry.label, entry.help, list(entry.formats), list(entry.options)]
                for name, entry in FIGURES.items()
            },
            options={
                name: [option.label, option.help, option.kind.__name__, option.default]
                for name, option in OPTIONS.items()
            },
        )
        self.root.on_msg(self._heard)
        self.follow(where())
        self._analysis: Analysis | None = None
        self._asked = _Asked()
        self._made: Figure | None = None
        self._shown: FigureWidget | None = None
        self._points: dict[Any, Any] = {}
        self._cancel = threading.Event()
        self._making: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def update(self, analysis: Analysis) -> None:
        """Take another analysis."""
        if self._analysis is None or self._analysis.given is not analysis.given:
            self._points = {}
        self._analysis = analysis
        self._show()

    def follow(self, at: Selection) -> None:
        """Take another plane, cycle and bit."""
        self.root.place = {name: getattr(at, name) for name in PLACE}

    def pause(self) -> None:
        """Stop measuring."""
        self._cancel.set()

    def resume(self) -> None:
        """Measure what was stopped."""
        if self._made is None and self._cancel.is_set():
            self._show()

    def _heard(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content["kind"] == "cancel":
            self.pause()
        elif content["kind"] == "export":
            self._start(self._export())
        else:
            self._asked = _Asked(**content["asked"])
            self._show()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- what is chosen --------------------------------------------------------------------

    def _show(self) -> None:
        """Show what is chosen, or why it cannot be."""
        self.pause()
        self._cancel = cancel = threading.Event()
        self._made = None
        analysis, asked = self._analysis, self._asked
        if analysis is None:
            return
        entry = FIGURES[asked.figure]
        reason = why_not(entry, analysis, asked.form, **asked.chosen)
        if entry.measure is not None and not analysis.exact:
            reason = reason or "it waits for the exact search"
        # without a browser there is no file, but there is something to see
        drawable = not reason or not why_not(entry, analysis, "html", **asked.chosen)
        self.root.reason = reason
        if drawable and (entry.measure is None or analysis.exact):
            self._making = self._start(self._make(analysis, asked, cancel))
        else:
            self._clear()

    def _clear(self) -> None:
        with self.root.hold_sync():
            self.root.caption = self.root.code = self.root.size = self.root.working = ""
            self.root.preview = self.root.drawing = ""
        if self._shown is not None:
            self._shown.close()
            self._shown = None

    async def _make(self, analysis: Analysis, asked: _Asked, cancel: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        key = asked.figure, analysis.settings

        def told(done: int, total: int) -> None:
            text = f"measuring, {done} of {total}" if done < total else ""
            loop.call_soon_threadsafe(self._tell, cancel, text)

        def make() -> Figure:
            entry, more = FIGURES[asked.figure], {}
            if entry.measure is not None:
                if key not in self._points:
                    told(0, 1)
                    self._points[key] = entry.measure(analysis, progress=told, cancel=cancel)
                more["points"] = self._points[key]
            return figure(asked.figure, analysis, theme=asked.theme, **asked.chosen, **more)

        try:
            made = await asyncio.to_thread(make)
        except Cancelled:
            if cancel is self._cancel:
                self._clear()
                self.root.reason = "measuring was stopped: choose the figure again to begin anew"
            return
        except F2FError as error:
            if cancel is self._cancel:
                self._clear()
                self.root.reason = str(error)
            return
        if not cancel.is_set():
            self._preview(made, asked)

    def _tell(self, cancel: threading.Event, text: str) -> None:
        if cancel is self._cancel and not cancel.is_set():
            self.root.working = text

    def _preview(self, made: Figure, asked: _Asked) -> None:
        """Draw it as it is printed, to the millimetre."""
        self._made = made
        older, self._shown = self._shown, None
        width, height = made.pixels(asked.width_mm)
        drawing = ""
        if made.draw is not None:
            root = made.sized(asked.width_mm, font_pt=asked.font_pt)
            self._shown = FigureWidget(root, f"print-{made.name}")
        elif made.vector is not None:
            drawing = made.vector(width, height, asked.font_pt / 72 * 96)
        theme = {"theme": asked.theme} if asked.theme != "light" else {}
        with self.root.hold_sync():
            self.root.working = ""
            self.root.caption = made.caption
            self.root.code = code_for(
                made.name, made.analysis, {**asked.chosen, **theme}, made.filename(asked.form),
                asked.sizes,
            )  # fmt: skip
            self.root.size = f"{width / 96 * 25.4:.0f} × {height / 96 * 25.4:.0f} mm"
            self.root.ground = asked.theme
            self.root.preview = f"anywidget:{self._shown.model_id}" if self._shown else ""
            self.root.drawing = drawing
        if older is not None:
            older.close()

    async def _export(self) -> None:
        if self._making is not None:  # of what was chosen last
            await asyncio.wait([self._making])
        made, asked = self._made, self._asked
        if made is None:
            self.root.send({"kind": "failed", "text": self.root.reason or "nothing is drawn yet"})
            return
        try:
            data = await asyncio.to_thread(to_bytes, made, asked.form, **asked.sizes)
        except F2FError as error:
            self.root.send({"kind": "failed", "text": str(error)})
        else:
            self.root.send({"kind": "file", "name": made.filename(asked.form)}, [data])
