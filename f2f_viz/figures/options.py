"""What a person chooses of a figure, beside its size: Python, CLI and Export tab read one table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError, named
from f2f_viz.figures.palette import Theme

__all__ = ["LOOK", "OPTIONS", "PLACE", "Look", "Option"]


@dataclass(frozen=True, kw_only=True)
class Option(Choice):
    """Something to choose of figures that name it in their `options`.

    Attributes
    ----------
    kind : type
        int, bool or str.
    default : int, bool or str
    least, most : int or None
        The least number that is taken, and the greatest.
    """

    kind: type
    default: Any
    least: int | None = None
    most: int | None = None

    def checked(self, given: Any) -> Any:
        """Return a value as Python's own `kind`.

        Raises
        ------
        F2FError
            If it is of another.
        """
        known = {int: int | np.integer, bool: bool | np.bool_, str: str}[self.kind]
        odd = self.kind is int and isinstance(given, bool | np.timedelta64)
        if not isinstance(given, known) or odd or not self._within(given):
            wanted = self.kind.__name__ + "".join(
                f" {sign} {bound}"
                for sign, bound in (("≥", self.least), ("≤", self.most))
                if bound is not None
            )
            raise F2FError(f"figure option {self.name}", expected=wanted, got=named(given))
        return self.kind(given)

    def _within(self, given: Any) -> bool:
        return (self.least is None or int(given) >= self.least) and (
            self.most is None or int(given) <= self.most
        )


OPTIONS = Choices(
    "figure option",
    [
        Option(
            name="plane",
            label="Plane",
            help="The bit-plane; 0, the most significant, if not given.",
            kind=int,
            default=0,
        ),
        Option(
            name="cycle",
            label="Cycle",
            help="The cycle it is drawn at or about; 0 if not given.",
            kind=int,
            default=0,
        ),
        Option(
            name="bit",
            label="Output bit",
            help="The bit of the block; 0 if not given.",
            kind=int,
            default=0,
        ),
        Option(
            name="length",
            label="Cycles",
            help="How many cycles are drawn, where there is room; of a VCD file, how many blocks.",
            kind=int,
            default=12,
            least=1,
        ),
        Option(
            name="lanes",
            label="Lanes",
            help="How many lanes work side by side, 1 to 256.",
            kind=int,
            default=16,
            least=1,
            most=256,
        ),
        Option(
            name="grid",
            label="Block edges",
            help="Whether block edges are drawn, where they are not too many.",
            kind=bool,
            default=False,
        ),
        Option(
            name="title",
            label="Title",
            help="Whether the title stands over the figure.",
            kind=bool,
            default=True,
        ),
        Option(
            name="legend",
            label="Legend",
            help="Whether colours and shapes are explained.",
            kind=bool,
            default=True,
        ),
        Option(
            name="marks",
            label="Mark of settings or cycle",
            help="Whether the settings' own point, or the cycle drawn at, is marked.",
            kind=bool,
            default=True,
        ),
        Option(
            name="font",
            label="Font",
            help="A font family to use where it is installed, such as Times New Roman.",
            kind=str,
            default="",
        ),
    ],
)
"""All options, in the order in which they are asked for."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a figure looks, whatever it shows; the fields are options of `OPTIONS`, and the theme."""

    theme: Theme = "light"
    title: bool = True
    legend: bool = True
    marks: bool = True
    font: str = ""


PLACE = ("plane", "cycle", "bit")
"""Options that say where in the decoder it is drawn."""
LOOK = ("title", "legend", "marks", "font")
"""Options that are fields of `Look`; others are arguments of what makes a figure."""
