"""The live lesson: one page that searches, draws and steps with no kernel and no network."""

import base64
import gzip
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from f2f_viz.analysis.prepare import encode_layer
from f2f_viz.analysis.report import report
from f2f_viz.arguments import checked
from f2f_viz.codec.code import Code
from f2f_viz.figures import palette
from f2f_viz.figures.front_end import STATIC, sheet, source
from f2f_viz.figures.lesson_data import LESSON, lesson_code, lesson_data, worker_script
from f2f_viz.files.atomic import write_atomically
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, load_layer
from f2f_viz.text import markup, strict_json, utf8

__all__ = ["lesson", "lesson_html"]

_VIEWS = ("decoder", "unfolding", "lanes")
"""Views of the analyzer that need no kernel."""
_STORED = ("payload", "corrections", "mask")


@checked
def lesson(
    layer: Any,
    path: str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    theme: palette.Theme | None = None,
) -> None:
    """Write a page in which the pruning rate, n_in, n_s and block order of a layer are live.

    It needs no kernel and no network: the exact search runs in the browser, as WebAssembly. It
    starts from a plain code, with no ranks and no fitted blocks, at the settings' rate, n_in, n_s,
    order and matrix.

    Parameters
    ----------
    layer : Layer
        Or what else `load_layer` takes: an array, a tensor, a module, a path. The page holds its
        weights: some 7 bytes of text for each float32 that a rate of 0.5 keeps.
    path
        The .html file to write.
    settings : Settings, optional
        Where the page starts; n_in 4 to 8, n_s 0 to 2. A method that has no rate, or
        whose higher rates keep what lower ones prune, leaves the page without that slider.
    theme : {"light", "dark"}, optional
        The system's if not given; a button of the page changes it.

    Raises
    ------
    F2FError
        For settings that the page does not offer, or a layer of more than 4,194,304 weights.
    """
    page = lesson_html(load_layer(layer), settings or Settings(), theme)
    write_atomically(path, utf8(page))


def lesson_html(
    layer: Layer,
    settings: Settings,
    theme: palette.Theme | None = None,
    about: str = "",
    start: Mapping[str, int] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    layer, settings, theme
        As of `lesson`.
    about : str
        JSON that is kept in the page's metadata; the layer and settings if not given.
    start : mapping of str to int, optional
        Where the decoder begins: plane, cycle, bit.
    """
    made = lesson_data(layer, settings)
    parts = {name: _zipped(array.tobytes()) for name, array in made.parts.items()}
    wasm = (LESSON / "search.wasm").read_bytes()
    values = made.values | {
        "parts": parts | {"wasm": _zipped(wasm)},
        "default": _default(layer, settings),
        "start": made.values["start"] | dict(start or {}),
    }
    about = about or strict_json(
        {
            "layer": layer.name,
            "source": layer.source,
            "settings": settings.to_dict(),
            "f2f_viz": version("f2f-viz"),
        }
    )
    names = ("layer.js", "views.js", "runner.js", "tour.js", "page.js")
    own = [(LESSON / name).read_text("utf-8") for name in names]
    replaced = {
        "$THEME": f"f2f-{theme}" if theme else "",
        "$ABOUT": markup(about),
        "$CSS": sheet(*(STATIC / f"{name}.css" for name in _VIEWS), LESSON / "page.css"),
        "$LAYER": markup(layer.name),
        "$SHAPE": "\u00a0×\u00a0".join(map(str, layer.weights.shape)) or "one weight",
        "$DATA": strict_json(values).replace("<", "\\u003c"),
        "$WORKER": worker_script(),
        "$SCRIPT": "".join(
            [source(STATIC / "dom.js", STATIC / "player.js"), *map(_apart, _VIEWS), *own]
        ),
    }
    page = (LESSON / "page.html").read_text("utf-8")
    # in one pass: a layer's name may hold the name of another place
    return re.sub("|".join(map(re.escape, replaced)), lambda found: replaced[found[0]], page)


def _apart(view: str) -> str:
    """Return a view of the analyzer as a constant of its name, what it defines within it."""
    module = (STATIC / f"{view}.js").read_text("utf-8")
    return f"const {view} = (() => {{\n{module}}})();\n".replace("export default {", "return {")


def _zipped(raw: bytes) -> str:
    """Return bytes as the page holds them."""
    return base64.b64encode(gzip.compress(raw, 9, mtime=0)).decode()


def _default(layer: Layer, settings: Settings) -> str:
    """Say what the package's default makes of the layer, where the page starts."""
    plain = lesson_code(settings)
    usual = replace(Code(), n_in=plain.n_in, n_s=plain.n_s, order=plain.order)
    taken = []
    for code in (plain, usual):
        found = report(encode_layer(layer, replace(settings, code=code)))
        taken.append(sum(found.bits[part] for part in _STORED) / layer.weights.size)
    return (
        f"This page codes plainly, so that nothing is hidden: at S = {found.sparsity:.2f}, "
        f"n_in = {plain.n_in} and n_s = {plain.n_s} it stores {taken[0]:.2f} bits per weight. "
        f"f2f.Code(), the package's default, stores {taken[1]:.2f}: exponents and whole integers "
        "as ranks, the most frequent first, which makes most of their planes constant; planes that "
        "are nearly constant without symbols; blocks somewhat longer where symbols and "
        "corrections together then take fewer bits."
    )
