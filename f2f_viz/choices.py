"""Choices: whatever a user can pick by name is one entry of one table.

Settings, command line, app, sweep and documentation read the tables: a new entry appears in all of
them. Each table stands in the module of what it lists, with the functions that do the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from f2f_viz.arguments import in_range
from f2f_viz.errors import F2FError, named

__all__ = ["Choice", "Choices", "checked_flag", "checked_number"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An entry of a table.

    Attributes
    ----------
    name : str
        What settings, files and the command line say.
    label : str
        What a control shows.
    help : str
        One line: what it does.
    cost : str
        One line: what it costs, in bits or time.
    wire : int
        The entry's number in files, for ever; −1 where files do not tell.
    """

    name: str
    label: str
    help: str
    cost: str = ""
    wire: int = -1


Entry = TypeVar("Entry", bound=Choice)


class Choices(dict[str, Entry], Generic[Entry]):
    """A table of choices by name, in the order in which they are offered.

    Parameters
    ----------
    field : str
        The setting that names an entry.
    entries : sequence of Choice
    """

    def __init__(self, field: str, entries: Sequence[Entry]):
        super().__init__((entry.name, entry) for entry in entries)
        self.field = field

    def pick(self, name: object) -> Entry:
        """Return an entry.

        Raises
        ------
        F2FError
            If no entry has the name.
        """
        if isinstance(name, str) and name in self:
            return self[name]
        raise F2FError(
            self.field.replace("_", " "),
            expected=f"one of {', '.join(self)}",
            got=named(name),
            field=self.field,
        )

    def add(self, entry: Entry) -> None:
        """Add an entry at run time.

        Raises
        ------
        F2FError
            If the name is taken.
        """
        if entry.name in self:
            raise F2FError(f"the {self.field} {entry.name!r} is there already", hint="name it anew")
        self[entry.name] = entry


def checked_flag(owner: object, *names: str) -> None:
    """Check fields of a frozen dataclass that are True or False."""
    for name in names:
        value = getattr(owner, name)
        if not isinstance(value, bool | np.bool_):
            raise F2FError(name, expected="True or False", got=named(value), field=name)
        object.__setattr__(owner, name, bool(value))


def checked_number(
    owner: object, name: str, kind: type, low: float, high: float, hint: str = ""
) -> None:
    """Check a number of a frozen dataclass, and keep it as Python's own `kind`."""
    object.__setattr__(owner, name, in_range(name, getattr(owner, name), kind, low, high, hint))
