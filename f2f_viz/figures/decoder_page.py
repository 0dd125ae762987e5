"""The decoder as one self-contained page: step and play with no kernel and no network."""

import base64
import json
import re

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures import palette
from f2f_viz.figures.decoder import (
    code_data,
    heavy_cycles,
    matrix_bytes,
    mismatch_cycles,
    register_data,
    window_data,
)
from f2f_viz.figures.front_end import STATIC, script, style
from f2f_viz.text import markup

__all__ = ["decoder_page"]

CYCLES = 192


def _first_cycles(analysis: Analysis) -> int:
    return min(analysis.blocks, CYCLES)


def decoder_page(analysis: Analysis, theme: palette.Theme, about: str, plane: int = 0) -> str:
    """Return the page.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    theme : {"light", "dark"}
    about : str
        JSON, kept in the page's metadata.
    plane : int
        The bit-plane shown.
    """
    cycles = _first_cycles(analysis)
    window = window_data(analysis, plane, 0, cycles)
    wrong = mismatch_cycles(analysis, plane)
    heavy = heavy_cycles(analysis)
    code = code_data(analysis)
    code |= {"blocks": cycles, "only": plane}
    state = {
        "code": code,
        "matrix": matrix_bytes(analysis),
        "window": window,
        "registers": register_data(analysis, plane, 0, cycles),
        "mismatch_cycles": wrong[wrong < cycles].tobytes(),
        "heavy_cycles": heavy[heavy < cycles].tobytes(),
        "plane": plane,
        "cycle": 0,
        "bit": 0,
    }
    text = json.dumps(state, default=lambda raw: {"bytes": base64.b64encode(raw).decode()})
    replace = {
        "$THEME": theme,
        "$ABOUT": markup(about),
        "$CSS": palette.css() + style(STATIC / "decoder.css"),
        "$LAYER": markup(analysis.layer.name),
        "$PLANE": analysis.planes[plane].name,
        "$N_IN": str(analysis.network.n_in),
        "$N_OUT": str(analysis.n_out),
        "$N_S": str(analysis.network.n_s),
        "$SCRIPT": script(STATIC / "decoder.js").replace("export default { render };", ""),
        "$STATE": text.replace("<", "\\u003c"),
    }
    page = (STATIC / "decoder_page.html").read_text("utf-8")
    # in one pass: a layer's name may hold the name of another place
    return re.sub("|".join(map(re.escape, replace)), lambda found: replace[found[0]], page)
