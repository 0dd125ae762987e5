"""The way of the selected bit in words: from its weight to what becomes of it."""

from typing import Any

import numpy as np

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.selection import Selection
from f2f_viz.codec.trace import trace

__all__ = ["parts_of", "trail"]


def trail(analysis: Analysis, at: Selection) -> list[dict[str, str]]:
    """Return the stations of a bit's way, in order.

    Parameters
    ----------
    analysis : Analysis
    at : Selection
        One that the analysis has (`Selection.within`).

    Returns
    -------
    list of dict
        text; kind: what its colour means, a name of `palette.Palette`; tab: the view that shows
        it. Empty where a layer has no weights.
    """
    a = analysis
    if not a.blocks:
        return []
    index = int(a.layout.weights(np.array([at.cycle]))[0, at.bit])
    kept = index >= 0 and bool(a.mask.reshape(-1)[index])
    plane = a.planes[at.plane]
    found = [
        (_weight(a, index, kept), "kept" if kept else "dont_care", "Mask"),
        (f"block {at.cycle}, bit {at.bit}", "kept", "Decoder"),
        (f"plane {at.plane}, {plane.name}", "kept", "Planes"),
    ]
    if a.encoded is None:
        found.append(("symbols come with the exact search", "dont_care", "Decoder"))
    else:
        found += _decoded(a, at)
    return [{"text": text, "kind": kind, "tab": tab} for text, kind, tab in found]


def _weight(a: Analysis, index: int, kept: bool) -> str:
    if index < 0:
        return "padding after the last weight"
    place = ",".join(str(int(i)) for i in np.unravel_index(index, a.mask.shape))
    value = f"{a.layer.weights.reshape(-1)[index]:.4g}".replace("-", "−")
    return f"w[{place}] = {value}{'' if kept else ', pruned'}"


def _decoded(a: Analysis, at: Selection) -> list[tuple[str, str, str]]:
    """Say what the decoder makes of the bit."""
    assert a.encoded is not None
    t: Any = trace(a.encoded, at.plane, at.cycle, at.cycle + 1)
    given = bool(t.raw[0, at.bit])
    filled = given ^ bool(t.inverted)
    if a.planes[at.plane].payload:
        found = [(f"symbol 0x{int(t.symbols[0]):0{-(-a.n_in // 4)}X}", "symbol", "Decoder")]
        said = f"gates give {given:d}" + (f", inverted {filled:d}" if t.inverted else "")
    else:
        found = [("no symbol, so no gates", "dont_care", "Planes")]
        said = f"filled with {filled:d}"
    if t.mismatch[0, at.bit]:
        found.append((f"{said}: mismatch", "mismatch", "Decoder"))
        found.append((f"corrected to {not filled:d}", "corrected", "Decoder"))
    elif t.care[0, at.bit]:
        found.append((f"{said}: as wanted", "kept", "Decoder"))
    else:
        found.append((f"{said}: don't-care", "dont_care", "Decoder"))
    return found


def parts_of(analysis: Analysis, at: Selection) -> tuple[str, ...]:
    """Return the stored parts that tell the bit: names of `bits.PARTS`.

    The mask says whether it is kept; if so, its plane's symbols, or else a correction, what it is.
    """
    if analysis.encoded is None or not analysis.blocks:
        return ("mask",)
    t = trace(analysis.encoded, at.plane, at.cycle, at.cycle + 1)
    coded = bool(t.care[0, at.bit] and analysis.planes[at.plane].payload)
    parts = {
        "payload": coded,
        "corrections": bool(t.mismatch[0, at.bit]),
        "mask": True,
        "matrix": coded,
    }
    return tuple(part for part, takes in parts.items() if takes)
