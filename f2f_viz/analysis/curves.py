"""What every register length reaches on a layer at a grid of rates: points of ratio curves."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.analysis.prepare import prepare
from f2f_viz.codec.trellis import max_n_in
from f2f_viz.errors import F2FError, Progress
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.pruning import METHODS, usual_method

__all__ = [
    "STAGES",
    "CurvePoint",
    "Score",
    "curve_settings",
    "measure_curves",
    "point_of",
    "score_settings",
    "scored",
]

STAGES = (0, 1, 2)
_RATES = (0.9, 0.7, 0.95, 0.5, 0.8, 0.85, 0.6, 0.97)
Score = Callable[[NDArray[np.float32]], Any]
"""Called with a layer's weights after pruning; returns a number, the more the better."""


@dataclass(frozen=True)
class CurvePoint:
    """What one register length reaches at one sparsity, measured on the layer.

    Attributes
    ----------
    n_s : int
    sparsity, ratio : float
        Ratio is dense bits / (payload + corrections).
    plane_bound : float
        Dense bits / the planes' entropy: what no plane-wise code of these bits can pass.
    of_bound, of_plane_bound : float
        Ratio / (1 / (1 − S)), the bound of random care bits, and ratio / `plane_bound`; NaN where
        no plane holds a bit.
    delta, rate : float
        δ, mismatched care bits / care bits, and payload bits per care bit, n_in / (n_out·(1 − S)),
        of the planes that have symbols; where none has, or has care bits, the rate is NaN.
    exact : bool
        False where a sample was searched.
    """

    n_s: int
    sparsity: float
    ratio: float
    plane_bound: float
    of_bound: float
    of_plane_bound: float
    delta: float
    rate: float
    exact: bool


def point_of(analysis: Analysis) -> CurvePoint:
    """Reduce an analysis to its point."""
    searched = analysis.bits["payload"] and analysis.kept
    care = analysis.n_out * analysis.kept / analysis.size if searched else nan  # of a block
    entropy = sum(plane.care_bits * plane.entropy for plane in analysis.planes)
    ratio = analysis.ratio.value
    return CurvePoint(
        n_s=analysis.network.n_s,
        sparsity=analysis.sparsity,
        ratio=ratio,
        plane_bound=analysis.dense_bits / entropy if entropy else float("inf"),
        of_bound=analysis.of_bound.value,
        of_plane_bound=ratio * entropy / analysis.dense_bits if entropy else nan,
        delta=1 - analysis.efficiency.value,
        rate=analysis.network.n_in / care,
        exact=analysis.exact,
    )


def curve_settings(settings: Settings) -> list[Settings]:
    """Return the grid: every register length at every rate, quick ones first."""
    method = settings.method if METHODS.pick(settings.method).rated else usual_method(False)
    return [
        settings.replace(
            method=method, rate=rate, n_s=n_s, n_in=min(settings.code.n_in, max_n_in(n_s))
        )
        for n_s in STAGES
        for rate in _RATES
    ]


def score_settings(settings: Settings) -> list[Settings]:
    """Return the rates of the grid; a score does not depend on the code."""
    return [one for one in curve_settings(settings) if one.code.n_s == STAGES[0]]


def scored(layer: Layer, settings: Settings | None, score: Score) -> tuple[float, float]:
    """Return the sparsity and the score of a layer that is pruned and rounded by settings.

    Parameters
    ----------
    layer : Layer
    settings : Settings or None
        None leaves the layer as it is.
    score : callable
    """
    if settings is None:
        return 0.0, float(score(layer.weights.astype(np.float32)))
    ready = prepare(layer, settings)
    weights = ready.layer.weights.astype(np.float32)
    if ready.scales is not None:
        weights = weights * ready.scales
    pruned = np.where(ready.mask, weights, np.float32(0))
    return 1 - float(ready.mask.mean() if ready.mask.size else 0), float(score(pruned))


def measure_curves(
    analysis: Analysis,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[CurvePoint, ...]:
    """Measure the grid on the layer of an analysis, from samples where it is large.

    Parameters
    ----------
    analysis : Analysis
    progress : callable, optional
        Called as ``progress(done, total)``, in points.
    cancel : threading.Event, optional

    Raises
    ------
    Cancelled
        If `cancel` was set.
    """
    jobs = curve_settings(analysis.settings)
    points = []
    for done, settings in enumerate(jobs, 1):
        with suppress(F2FError):  # settings that the layer does not allow have no point
            points.append(point_of(analyze(analysis.given, settings, preview=True, cancel=cancel)))
        if progress is not None:
            progress(done, len(jobs))
    return tuple(points)
