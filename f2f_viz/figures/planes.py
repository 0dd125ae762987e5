"""Bit-plane by bit-plane: how random it is, how well it fits, what it takes."""

from typing import Any

import traitlets

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet

__all__ = ["PlanesView", "PlanesWidget", "planes_data"]


def planes_data(analysis: Analysis) -> list[dict[str, Any]]:
    """Return a row per plane, most significant first.

    Returns
    -------
    list of dict
        index, name, ones, entropy (bits per care bit), inverted, symbols (False where the plane
        stores none), efficiency, mismatches, payload, corrections, per_bit (stored bits a
        care bit).
    """
    return [
        {
            "index": p.index,
            "name": p.name,
            "ones": float(p.ones),
            "entropy": float(p.entropy),
            "inverted": bool(p.inverted),
            "symbols": bool(p.payload),
            "efficiency": float(p.efficiency),
            "mismatches": float(p.mismatches),
            "payload": float(p.payload),
            "corrections": float(p.corrections),
            "per_bit": p.bits / p.care_bits if p.care_bits else 0.0,
        }
        for p in analysis.planes
    ]


class PlanesWidget(Widget):
    """A table with bars; see ``static/planes.js``."""

    _esm = script(STATIC / "planes.js")
    _css = sheet(STATIC / "planes.css")

    rows: Any = traitlets.List().tag(sync=True)
    exact = traitlets.Bool(False).tag(sync=True)
    plane = traitlets.Int(0).tag(sync=True)
    """The selected one."""


class PlanesView:
    """The planes of an analysis.

    Attributes
    ----------
    root : PlanesWidget
    """

    def __init__(self) -> None:
        self.root = PlanesWidget()

    def update(self, analysis: Analysis) -> None:
        """Show another analysis."""
        with self.root.hold_sync():
            self.root.exact = analysis.exact
            self.root.rows = planes_data(analysis)
