"""Errors that say what was expected, what came, and how to mend it; progress and cancel."""

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Cancelled", "F2FError", "Progress", "stop_if"]

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``."""


class F2FError(ValueError):
    """A bad input, told as expected and got.

    Parameters
    ----------
    message
        One sentence for a person, without "expected" and "got".
    expected, got
        What the parameter must be, and what it was.
    hint
        How to mend it, if that is not plain from `expected`.
    field
        The setting at fault, so that the app can say it beside the control.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: Any = None,
        got: Any = None,
        hint: str = "",
        field: str = "",
    ):
        self.expected = expected
        self.got = got
        self.field = field
        text = message
        if expected is not None:
            text += f": expected {expected}, got {got!s:.300}"
        if hint:
            text += f" ({hint})"
        super().__init__(text)


class Cancelled(Exception):
    """The caller's cancel event was set; no result was made."""


def stop_if(cancel: threading.Event | None) -> None:
    """Raise `Cancelled` if the event was set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled
