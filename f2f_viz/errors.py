"""Errors that say what was expected, what came, and how to mend it; progress and cancel."""

import os
import reprlib
import threading
from collections.abc import Callable
from typing import Any

from f2f_viz.text import shown

__all__ = ["Cancelled", "F2FError", "Progress", "named", "stop_if"]

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``."""


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 100

    def repr_instance(self, x: Any, level: int) -> str:
        if hasattr(x, "dtype") and hasattr(x, "shape"):
            many = x.shape or x.dtype == object
            return f"{x.dtype} of shape {x.shape}" if many else f"{x.dtype} {x!s:.40}"
        if isinstance(x, os.PathLike) or type(x).__name__.endswith("DType"):
            return str(x)
        return x.__name__ if isinstance(x, type) else type(x).__name__

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 4096 else "a huge number"

    def repr1(self, x: Any, level: int) -> str:
        plain = x is None or isinstance(x, bool | float)
        return repr(x) if plain else super().repr1(x, level)


_brief = _Brief()


def named(value: Any) -> str:
    """Say in a few words what a value is, whatever it is."""
    return _brief.repr(value)


_LONGEST = 900  # characters of a message


class F2FError(ValueError):
    """A bad input, told as expected and got, in one printable line.

    Parameters
    ----------
    message
        One sentence for a person, without "expected" and "got".
    expected, got
        What the parameter must be, and what it was.
    hint
        How to mend it, if that is not clear from `expected`.
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
            got_text = got if isinstance(got, str) else named(got)
            text += f": expected {expected}, got {got_text:.300}"
        if hint:
            text += f" ({hint})"
        text = shown(text)
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST - 100]} … {text[-95:]}"
        super().__init__(text)


class Cancelled(Exception):
    """The caller's cancel event was set; no result was made."""


def stop_if(cancel: threading.Event | None) -> None:
    """Raise `Cancelled` if the event was set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled
