"""Front-end modules of our widgets, each with what all of them share before it."""

import base64
import sys
from pathlib import Path
from typing import Any

import anywidget

from f2f_viz.figures.palette import css

__all__ = ["STATIC", "Widget", "script", "sheet", "style"]

STATIC = Path(__file__).parent / "static"


def script(*paths: Path) -> str:
    """Return an ES module as anywidget takes it, of parts that follow each other."""
    return "".join(path.read_text("utf-8") for path in (STATIC / "dom.js", *paths))


def sheet(*paths: Path) -> str:
    """Return style sheets for a widget that may stand alone: colours, letters and buttons first."""
    return css() + style(STATIC / "basics.css", *paths)


def style(*paths: Path) -> str:
    """Return style sheets as one."""
    return "".join(path.read_text("utf-8") for path in paths)


class Widget(anywidget.AnyWidget):
    """What all our widgets are: an anywidget that may be made at any time.

    marimo serves the code of a widget as a file of the cell that runs, and has no place for one
    that is made while none does, such as a view that is built when it is first seen. Code that is
    a URL needs no place.
    """

    _esm = "export default { render() {} };"

    def __init__(self, **traits: Any) -> None:
        marimo = sys.modules.get("marimo")
        if marimo is not None and marimo.running_in_notebook():
            code = base64.b64encode(str(self._esm).encode()).decode()
            traits["_esm"] = f"data:text/javascript;base64,{code}"
        super().__init__(**traits)
