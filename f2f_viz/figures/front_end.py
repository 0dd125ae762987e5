"""Front-end modules of our widgets, each with what all of them share before it."""

import base64
import gzip
import sys
from pathlib import Path
from typing import Any

import anywidget

from f2f_viz.figures.palette import css

__all__ = ["STATIC", "Widget", "packed", "script", "sheet", "source"]

STATIC = Path(__file__).parent / "static"
_UNPACK = """const letters = atob("{gz}"), gz = new Uint8Array(letters.length);
for (let i = 0; i < gz.length; i++) gz[i] = letters.charCodeAt(i);
const whole = new Blob([gz]).stream().pipeThrough(new DecompressionStream("gzip"));
const text = await new Response(whole).text();
const url = URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }}));
const code = await import(/* webpackIgnore: true */ /* @vite-ignore */ url);
URL.revokeObjectURL(url);
export default code.default;
"""


def packed(*paths: Path) -> str:
    """Return an ES module of parts that follow each other, as one that unpacks itself.

    A notebook that is saved with its widgets holds the code of each of them.
    """
    # the last line names it to a browser's tools
    text = f"{source(*paths)}//# sourceURL=f2f-viz/{paths[-1].name}\n"
    return _UNPACK.format(gz=base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode())


def script(*paths: Path) -> str:
    """Return an ES module as anywidget takes it, behind what all of ours share."""
    return packed(STATIC / "dom.js", *paths)


def sheet(*paths: Path) -> str:
    """Return style sheets for a widget that may stand alone: colours, letters and buttons first."""
    return css() + source(STATIC / "basics.css", *paths)


def source(*paths: Path) -> str:
    """Return scripts, or style sheets, as one."""
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

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the widget's state, its code too; ``ipywidgets.embed`` leaves defaults out."""
        return super().get_state(key, False)
