"""Text that others wrote, such as names of tensors and files, in what we write.

One way each for a terminal, for pages and images, and for programs, so that no name breaks out of
its place: `shown`, `markup`, `strict_json`; bytes of any of them are `utf8`.
"""

import html
import json
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "counted", "markup", "once", "shown", "sound", "strict_json", "times", "utf8", "well_formed",
]  # fmt: skip

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def counted(number: int, of: str) -> str:
    """Return a number of things in words: ``1 lane``, ``1,024 lanes``."""
    return f"{number:,} {of}{'s' * (number != 1)}"


def _escaped(text: str) -> str:
    return ascii(text)[1:-1]


def shown(text: str) -> str:
    r"""Return a text of one line in which what is not printable is escaped.

    Control characters, escape sequences of terminals, marks that turn the direction of writing and
    lone surrogates come out as ``\x1b`` and the like.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def well_formed(xml: str) -> str:
    """Return XML, or HTML, in which characters that XML forbids are escaped as in `shown`."""
    return _NOT_XML.sub(lambda found: _escaped(found[0]), xml)


def markup(text: str) -> str:
    """Return a text as it stands in HTML or XML, between tags or as an attribute's value."""
    return html.escape(well_formed(text))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def strict_json(value: Any, **how: Any) -> str:
    """Return JSON that every parser takes: ASCII, and null for what is infinite or no number.

    Parameters
    ----------
    value
        Mappings, lists, tuples, texts, numbers, booleans, None.
    **how
        As ``json.dumps`` takes it.
    """
    return json.dumps(_finite(value), allow_nan=False, **how)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, as ``json.loads``'s ``object_pairs_hook``.

    Raises
    ------
    ValueError
        If a name stands in it twice: parsers keep the last in silence, or the first.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise ValueError(f"in JSON expected each name once, got {twice:.100} twice")
    return found


def times(value: float, digits: int = 2, *, nothing: str = "nothing to code") -> str:
    """Write a ratio of bits; where no bits are coded there is none, and that is said."""
    return nothing if value == math.inf else f"{value:.{digits}f}"


def sound(text: str) -> str:
    r"""Return a text that UTF-8 can hold: lone surrogates become ``\udc80`` and the like."""
    return text if text.isascii() else utf8(text).decode()


def utf8(text: str) -> bytes:
    r"""Encode a text; lone surrogates become ``\udc80`` and the like, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")
