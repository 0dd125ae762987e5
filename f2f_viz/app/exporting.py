"""The export tab: figures as files, made in a thread and saved by the browser."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.selection import Selection
from f2f_viz.errors import F2FError
from f2f_viz.figures.catalogue import FIGURES, figure
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.front_end import script
from f2f_viz.figures.options import PLACE

__all__ = ["ExportView"]


class ExportWidget(anywidget.AnyWidget):
    """The form; see ``static/export.js``."""

    _esm = script(Path(__file__).parent / "static" / "export.js")

    figures: Any = traitlets.Dict().tag(sync=True)


class ExportView:
    """Exports the analysis shown.

    Parameters
    ----------
    where : callable
        Returns the plane and cycle that the views show.

    Attributes
    ----------
    root : ExportWidget
    """

    def __init__(self, where: Callable[[], Selection]) -> None:
        figures = {
            name: [
                entry.label,
                list(entry.formats),
                [o for o in PLACE if o in entry.options],
            ]
            for name, entry in FIGURES.items()
        }
        self.root = ExportWidget(figures=figures)
        self._where = where
        self.root.on_msg(self._asked)
        self._analysis: Analysis | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def update(self, analysis: Analysis) -> None:
        """Take another analysis."""
        self._analysis = analysis

    def _asked(self, _: Any, content: dict[str, Any], __: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._export(content))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _export(self, asked: dict[str, Any]) -> None:
        name, form = asked["figure"], asked["form"]
        assert self._analysis is not None
        at = self._where()
        places = set(PLACE) & set(FIGURES.pick(name).options)
        options = {option: getattr(at, option) for option in places}

        def make(analysis: Analysis) -> tuple[str, bytes]:
            made = figure(name, analysis, theme=asked["theme"], **options)
            sizes = {size: asked[size] for size in ("width_mm", "scale", "font_pt")}
            return made.filename(form), to_bytes(made, form, **sizes)

        try:
            filename, data = await asyncio.to_thread(make, self._analysis)
        except F2FError as error:
            self.root.send({"kind": "failed", "text": str(error)})
        else:
            self.root.send({"kind": "file", "name": filename}, [data])
