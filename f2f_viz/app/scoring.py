"""What pruning costs: the score of a network whose layer is pruned so, live."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any

from f2f_viz.analysis.curves import Score, scored
from f2f_viz.app.numbers import Card, grouped
from f2f_viz.samples import accuracy, sample_names, test_set
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["Scorer", "scorer_of"]


@dataclass(frozen=True)
class Scorer:
    """A score, and how it is told.

    Attributes
    ----------
    score : callable
        Takes the layer's weights, float32, as they are after pruning.
    label, meaning : str
    of : int
        The score is a share of so many, such as test images; 0 if it is a number as it is.
    """

    score: Score
    label: str
    meaning: str
    of: int = 0

    def point(self, layer: Layer, settings: Settings | None) -> tuple[float, float]:
        """Return sparsity and score of a layer pruned by settings; as given if there are none.

        A score that fails is not a number.
        """
        try:
            return scored(layer, settings, self.score)
        except Exception:  # whatever somebody's own function raises
            return float("nan"), float("nan")

    def card(self, points: tuple[tuple[float, float], ...]) -> Card:
        """Return the card of the pruned and the dense layer's points; without any, one to wait."""
        value, dense = (score for _, score in points) if points else (float("nan"),) * 2
        unit = "%" * bool(self.of)
        numbers: list[Any] = ["…"]
        if isfinite(value) and self.of:
            right = grouped(round(value * self.of))
            numbers = [f"= {right} / {grouped(self.of)} = {self._text(value)} %"]
        elif isfinite(value):
            numbers = [f"= {self._text(value)}"]
        waits = "…" if not points else "failed"
        return {
            "key": "score",
            "label": self.label,
            "value": self._text(value) if isfinite(value) else waits,
            "unit": unit if isfinite(value) else "",
            "note": f"dense {self._text(dense)} {unit}".strip() if isfinite(dense) else "",
            "meaning": self.meaning,
            "formula": ["correct / all" if self.of else "score(weights after pruning)"],
            "numbers": numbers,
        }

    def _text(self, value: float) -> str:
        return f"{100 * value:.1f}" if self.of else f"{value:.4g}"


def scorer_of(layer: Layer, own: Callable[[Any], float] | None) -> Scorer | None:
    """Return who scores a layer: a function that was given, or of a sample its own network."""
    if own is not None:
        return Scorer(own, "Score", "What the given function says of the layer's weights, pruned.")
    if layer.name not in sample_names() or not layer.source.startswith("sample"):
        return None
    return Scorer(
        partial(accuracy, layer.name),
        "Accuracy",
        "Test digits that the sample network reads right with this layer pruned so, its others "
        "as they are; nothing is trained anew.",
        len(test_set()[1]),
    )
