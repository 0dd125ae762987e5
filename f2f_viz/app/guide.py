"""The guide as one page that needs no host: a section for each control, then the chapters.

The chapters are ``docs/guide.md`` itself, installed beside this module; what the controls offer is
read from the tables.
"""

import base64
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

import mistune

from f2f_viz.app.controls import LAYER_FIELDS
from f2f_viz.codec.code import PRESETS
from f2f_viz.figures.front_end import source
from f2f_viz.figures.palette import css
from f2f_viz.settings import FIELDS, Field
from f2f_viz.text import markup

__all__ = ["anchor", "page", "text"]

_CHAPTERS = {
    "1. Why irregular sparsity hurts": ("method", "rate", "per", "threshold", "pattern"),
    "2. One equation": ("n_in", "n_out", "matrix", "weights", "matrix_seed"),
    "3. A register evens it out": ("n_s",),
    "5. Corrections: lossless": ("coding",),
    "6. Planes and order": ("number_format", "order"),
    "7. Past the paper": ("mask_coding", "recode", "zero_rate", "fit_n_out", "plain"),
}
"""Headings of the guide, and the settings that they tell more of."""
_MORE = {name: title for title, names in _CHAPTERS.items() for name in names}

_STYLE = Path(__file__).parent / "static" / "guide.css"


@cache
def page() -> str:
    """Return the page, HTML; control NAME is explained at ``#NAME``."""
    chapters = _with_anchors(_linked(_rendered(text("guide.md"))))
    body = f"<h1>Controls</h1>{_controls()}{chapters}"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>f2f-viz, the guide'
        f"</title><style>{css()}{source(_STYLE)}</style></head>"
        f'<body class="f2f">{body}</body></html>'
    )


def text(name: str) -> str:
    """Return a page of the documentation, as installed beside this module."""
    return (files("f2f_viz.app") / "pages" / name).read_text("utf-8")


def _rendered(text: str) -> str:
    return str(mistune.html(text))


def _linked(html: str) -> str:
    """Put pictures in, and leave out links to pages that are not here."""

    def picture(found: re.Match[str]) -> str:
        data = base64.b64encode(text(found[1]).encode()).decode()
        return f'src="data:image/svg+xml;base64,{data}"'

    html = re.sub(r'src="images/([\w.-]+)"', picture, html)
    return re.sub(r'<a href="[\w/]+\.md(?:#[\w-]*)?">(.*?)</a>', r"\1", html, flags=re.S)


def _with_anchors(html: str) -> str:
    def heading(found: re.Match[str]) -> str:
        return f'<h2 id="{anchor(found[1])}">{found[1]}</h2>'

    return re.sub(r"<h2>(.*?)</h2>", heading, html)


def anchor(title: str) -> str:
    """Return the end of the address of a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _controls() -> str:
    own = "".join(
        f'<h3 id="{name}">{markup(label)}</h3><p>{markup(help_text)}</p>'
        for name, (label, help_text) in LAYER_FIELDS.items()
    )
    presets = _table((p.label, p.help, p.cost) for p in PRESETS.values())
    code = f'<h3 id="presets">Presets</h3><p>Named ways to code.</p>{presets}'
    return own + "".join(map(_section, FIELDS.values())) + code


def _section(field: Field) -> str:
    parts = [f'<h3 id="{field.name}">{markup(field.label)}</h3><p>{markup(field.help)}']
    if field.kind in (int, float) and field.high < 2**63 - 1:
        parts.append(f" From {field.low:g} to {field.high:g}.")
    parts.append(f" In Python and on the command line: <code>{field.name}</code>.</p>")
    if field.choices is not None:
        parts.append(_table((c.label, c.help, c.cost) for c in field.choices.values()))
    if field.name in _MORE:
        title = _MORE[field.name]
        parts.append(f'<p>More: <a href="#{anchor(title)}">{markup(title)}</a></p>')
    return "".join(parts)


def _table(rows: Iterable[Iterable[str]]) -> str:
    lines = ("".join(f"<td>{markup(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
