"""What each view shows, in texts whose words of the glossary explain themselves.

Texts lie in ``texts/``, TOML; the glossary is ``docs/glossary.md`` itself, installed as the guide
is.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from f2f_viz.app import guide

__all__ = ["TEXTS", "explained", "glossary", "view_names", "views"]

TEXTS = Path(__file__).parent / "texts"
Piece = list[str]
"""A text and, of a word of the glossary, what it means; else an empty text."""


@cache
def _views() -> dict[str, dict[str, str]]:
    return tomllib.loads((TEXTS / "views.toml").read_text("utf-8"))


def view_names() -> list[str]:
    """Return the names of the tabs that there are texts for."""
    return list(_views())


def views() -> dict[str, dict[str, Any]]:
    """Return what each tab shows, by its name.

    Returns
    -------
    dict of str to dict
        sentence and more: pieces (`explained`); chapter: where the guide tells the rest, as the end
        of an address.
    """
    return {
        name: {
            "sentence": explained(view["sentence"]),
            "more": explained(view["more"]),
            "chapter": guide.anchor(view["chapter"]),
        }
        for name, view in _views().items()
    }


@cache
def glossary() -> dict[str, str]:
    """Return what the words of the glossary mean, by the word in lower case."""
    found = {}
    entries = re.findall(r"^(\S.*)\n: ((?:.*\n)(?:  .*\n)*)", guide.text("glossary.md"), re.M)
    for words, meaning in entries:
        plain = re.sub(r"\s+", " ", re.sub(r"[*`]|\[(.*?)\]\(.*?\)", r"\1", meaning)).strip()
        for word in words.split(", "):
            if len(word) > 1:  # a letter alone may be a word of its own
                found[word.lower()] = plain
    return found


@cache
def _pattern() -> re.Pattern[str]:
    longest = sorted(glossary(), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(s?)(?![\w-])", re.I)


def explained(text: str) -> list[Piece]:
    """Cut a text into pieces, so that each word of the glossary is one where it first occurs."""
    return list(_pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    seen: set[str] = set()
    at = 0
    for found in _pattern().finditer(text):
        word = found[1].lower()
        if word in seen:
            continue
        seen.add(word)
        if found.start() > at:
            yield [text[at : found.start()], ""]
        yield [found[0], glossary()[word]]
        at = found.end()
    if at < len(text):
        yield [text[at:], ""]
