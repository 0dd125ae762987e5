"""Undo and redo."""

import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["History", "Times"]

_SOON = 1.0
"""Seconds within which changes of the same names are one step, such as those of a drag."""
Values = Mapping[str, Any]
Times = tuple[float, float]


class History:
    """What values were, and were before one went back.

    Parameters
    ----------
    values : mapping
        What stands at first.
    clock : callable
        Seconds since 1970, as pages tell them.
    """

    def __init__(self, values: Values, clock: Callable[[], float] = time.time) -> None:
        self._now = dict(values)
        self._past: list[Values] = []
        self._future: list[Values] = []
        self._clock = clock
        self._changed: set[str] = set()
        self._at = clock()

    @property
    def now(self) -> Values:
        """What stands."""
        return dict(self._now)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to go back to."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is something that was undone."""
        return bool(self._future)

    def note(self, values: Values, made: Times | None = None) -> bool:
        """Take what stands now; return whether that is a step of its own.

        Parameters
        ----------
        values : mapping
        made : (float, float), optional
            When the first and the last change were made, which may be long before they are heard;
            now if not given.
        """
        changed = {name for name in values if values[name] != self._now.get(name)}
        if not changed:
            return False
        first, last = made or (self._clock(),) * 2
        goes_on = changed == self._changed and first - self._at < _SOON
        if not goes_on:
            self._past.append(self._now)
        self._changed, self._at, self._now = changed, last, dict(values)
        self._future.clear()
        return not goes_on

    def undo(self) -> Values:
        """Go one step back; return what stands then."""
        return self._go(self._past, self._future)

    def redo(self) -> Values:
        """Undo an `undo`."""
        return self._go(self._future, self._past)

    def _go(self, there: list[Values], here: list[Values]) -> Values:
        if there:
            here.append(self._now)
            self._now = dict(there.pop())
            self._changed = set()
        return self._now
