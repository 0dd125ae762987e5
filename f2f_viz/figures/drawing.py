"""Lines, boxes and text as SVG, and the widget that shows them: what needs no chart library.

One drawing serves a page, whose theme colours it through variables, and a file, which no browser
has to draw.
"""

from dataclasses import fields
from typing import Any

import traitlets

from f2f_viz.figures.front_end import STATIC, Widget, script, sheet
from f2f_viz.figures.options import Look
from f2f_viz.figures.palette import Palette
from f2f_viz.figures.style import FONT
from f2f_viz.text import markup

__all__ = ["LIVE", "PAGE", "TEXT", "Drawing", "DrawingWidget", "text_width", "wrapped"]

MONO = "'DejaVu Sans Mono', ui-monospace, Menlo, Consolas, monospace"
TEXT = 11
"""Usual size of its letters, in pixels."""
LIVE = Look()
"""How a drawing looks in a page."""
PAGE = Palette(**{f.name: f"var(--f2f-{f.name.replace('_', '-')})" for f in fields(Palette)})
"""The colours of the page that a drawing stands in."""

_WIDTHS = {"sans": 0.6, "mono": 0.61}
"""Of a letter over its size, on average at most."""


def text_width(words: str, size: float = TEXT, font: str = "sans") -> float:
    """Return about how wide words are, in pixels; seldom less than they are."""
    return len(words) * size * _WIDTHS[font]


def wrapped(words: str, width: float, size: float = TEXT) -> list[str]:
    """Cut a sentence into lines that fit."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class Drawing:
    """A picture that is put together piece by piece, in CSS pixels from the top left.

    Parameters
    ----------
    width, height : float
        Its own size; `svg` may show it larger or smaller.
    label : str
        What it shows, for who does not see it.
    font : str
        A family for its words, before the usual one.
    """

    def __init__(self, width: float, height: float, label: str, font: str = "") -> None:
        self.width, self.height = width, height
        self._label = label
        self._families = {"sans": f"{font!r}, {FONT}" if font else FONT, "mono": MONO}
        self._parts: list[str] = []

    def text(
        self, x: float, y: float, words: str, fill: str, *, size: float = TEXT, font: str = "sans",
        anchor: str = "start", bold: bool = False, halo: str = "",
    ) -> None:  # fmt: skip
        """Write words whose base line is at y; at a halo of that colour a line behind stops."""
        family = f"{'bold ' * bold}{size:g}px {self._families[font]}"
        around = f"paint-order:stroke;stroke:{halo};stroke-width:3px;stroke-linejoin:round;"
        look = f"fill:{fill};font:{family};{around * bool(halo)}text-anchor:{anchor}"
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" style="{markup(look)}">{markup(words)}</text>'
        )

    def path(
        self, d: str, stroke: str = "none", *, fill: str = "none", width: float = 1.2,
        opacity: float = 1, name: str = "",
    ) -> None:  # fmt: skip
        """Draw a path, in the language of SVG's ``d``; `name` is its class."""
        look = f"stroke:{stroke};fill:{fill};stroke-width:{width:g};opacity:{opacity:g}"
        kind = f' class="{name}"' * bool(name)
        self._parts.append(f'<path{kind} d="{d}" style="{look}"/>')

    def hit(self, x: float, y: float, width: float, height: float, about: str, **go: int) -> None:
        """Make a place that takes clicks: `go` is where they lead, such as ``cycle=3``."""
        data = " ".join(f'data-{name}="{value}"' for name, value in go.items())
        tip = f"<title>{markup(about)}</title>"
        self._parts.append(
            f'<rect class="f2f-hit" {data} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" style="fill:transparent">{tip}</rect>'
        )

    def svg(self, width: float | None = None) -> str:
        """Return the picture, so many pixels wide; as it is drawn, if not given."""
        larger = width / self.width if width else 1
        size = f'width="{self.width * larger:g}" height="{self.height * larger:g}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
            f'aria-label="{markup(self._label)}"><g transform="scale({larger:g})">'
            f"{''.join(self._parts)}</g></svg>"
        )


class DrawingWidget(Widget):
    """Shows a drawing, and sends where a click leads; see ``static/drawing.js``."""

    _esm = script(STATIC / "drawing.js")
    _css = sheet(STATIC / "drawing.css")

    about: Any = traitlets.Unicode().tag(sync=True)
    """What one is looking at, and what to try."""
    svg = traitlets.Unicode().tag(sync=True)
    width = traitlets.Int(900).tag(sync=True)
    """Pixels that the page has for it; the page sets it."""
