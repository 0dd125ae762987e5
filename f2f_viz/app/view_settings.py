"""How views are set and how far they were played, beside the bit that all of them point at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from f2f_viz.errors import F2FError
from f2f_viz.figures.lanes import MOST_LANES
from f2f_viz.figures.unfolding import CODES

__all__ = ["ALLOWED", "ViewSettings", "is_count"]


def is_count(value: Any) -> bool:
    """Tell whether a value is a whole number from 0; true is none."""
    return type(value) is int and value >= 0


ALLOWED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "lanes": (
        f"a whole number from 1 to {MOST_LANES}",
        lambda value: is_count(value) and 1 <= value <= MOST_LANES,
    ),
    "clock": ("a whole number from 0, or null", lambda value: value is None or is_count(value)),
    "trellis": (f"one of {', '.join(CODES)}", lambda value: value in CODES),
    "unfolded": ("a whole number from 0", is_count),
}
"""Of each field what it may be, in words and as a test."""


@dataclass(frozen=True)
class ViewSettings:
    """What somebody set in a view.

    Attributes
    ----------
    lanes : int
        How many lanes are drawn.
    clock : int or None
        Clock cycle of the lanes; None where the view puts it.
    trellis : str
        Whose trellis: ``small``, a code of its own, or ``layer``.
    unfolded : int
        Steps that the small code's trellis is unfolded.

    Raises
    ------
    F2FError
        For a value that a field cannot have.
    """

    lanes: int = 16
    clock: int | None = None
    trellis: str = "small"
    unfolded: int = 1

    def __post_init__(self) -> None:
        for name, (expected, allowed) in ALLOWED.items():
            if not allowed(value := getattr(self, name)):
                raise F2FError(name, expected=expected, got=repr(value))
