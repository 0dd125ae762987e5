"""A sweep's points: ratio against decoder gates and time of the search, with the Pareto front."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from f2f_viz.analysis.sweep import SweepPoint, front
from f2f_viz.codec.code import Code
from f2f_viz.figures.captions import describe_pruning
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet

__all__ = ["SweepWidget", "describe_matrix", "sweep_data"]


def sweep_data(
    points: Sequence[SweepPoint], labels: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return a row per point.

    Parameters
    ----------
    points : sequence of SweepPoint
    labels : mapping of str to str, optional
        What layers are called, by their names; by these if not given.

    Returns
    -------
    list of dict
        layer (as it is called), pruning (method and rate in words), rate, n_in, n_s,
        order, matrix (in words), sparsity, n_out, gates (shared), naive_gates, ratio, of_bound,
        efficiency, file_ratio, seconds (of CPU), and front: whether it is on the `front`. ratio is
        None where there is nothing to code.
    """
    return [
        {
            "layer": (labels or {}).get(p.layer, p.layer),
            "pruning": describe_pruning(p.settings),
            "sparsity": p.sparsity,
            "rate": p.settings.rate,
            "n_in": p.settings.code.n_in,
            "n_s": p.settings.code.n_s,
            "order": p.settings.code.order,
            "matrix": describe_matrix(p.settings.code),
            "n_out": p.n_out,
            "gates": p.gates,
            "naive_gates": p.naive_gates,
            "ratio": p.ratio if p.ratio < math.inf else None,
            "of_bound": p.of_bound,
            "efficiency": p.efficiency,
            "file_ratio": p.file_ratio,
            "seconds": p.seconds,
            "front": bool(best),
        }
        for p, best in zip(points, front(points), strict=True)
    ]


def describe_matrix(code: Code) -> str:
    """Name the family of a code's matrix, with the weights of its rows where they are chosen."""
    if code.matrix != "light":
        return code.matrix
    return "light " + "/".join("any" if w is None else str(w) for w in code.weights)


class SweepWidget(Widget):
    """The form, the chart and the table; see ``static/sweep.js``."""

    _esm = script(STATIC / "sweep.js")
    _css = sheet(STATIC / "planes.css", STATIC / "sweep.css")

    layers: Any = traitlets.List().tag(sync=True)
    """[name, text] of the layers there are to choose from."""
    layer = traitlets.Unicode().tag(sync=True)
    """The one shown."""
    picked: Any = traitlets.List().tag(sync=True)
    """Those that are ticked in place of it at first."""
    axes: Any = traitlets.Dict().tag(sync=True)
    """[value, text] of the values of the axes that tables list, by axis."""
    plan: Any = traitlets.Dict().tag(sync=True)
    """What a start would measure: points, layers (as they are called), axes ([name, values in
    words] of each), took (how long they may take, in words; empty if nobody knows)."""
    rows: Any = traitlets.List().tag(sync=True)
    done = traitlets.Int(0).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    measured = traitlets.Unicode().tag(sync=True)
    """Whose points those of `rows` are, in words."""
    running = traitlets.Bool(False).tag(sync=True)
    """Set by both sides: the page's button pauses and resumes."""
