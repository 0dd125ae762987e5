"""Which files an address may name: those that this session has opened.

An address may come from anybody. Under the app a session is the server's life, as its pages share
one list; in a notebook it is the kernel's.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from f2f_viz.settings import FIELDS, Settings

__all__ = ["SESSION", "admit", "remember", "remember_files"]

SESSION = "F2F_VIZ_SESSION"
"""Environment variable that names the file of the list."""
_FILES = ("path", *(name for name, field in FIELDS.items() if field.read is not None))
here: set[str] = set()
"""Real paths that this process has opened, where no file is shared."""


def remember_files(settings: Settings) -> None:
    """Note the files that pruning by these settings has read."""
    for path in settings.files:
        remember(path)


def remember(path: str) -> None:
    """Note that this file was opened."""
    real = os.path.realpath(path)
    if (shared := os.environ.get(SESSION)) is None:
        here.add(real)
    elif real not in _opened():
        with Path(shared).open("a", encoding="ascii") as file:
            file.write(json.dumps(real) + "\n")


def _opened() -> set[str]:
    if (shared := os.environ.get(SESSION)) is None:
        return here
    try:
        return set(map(json.loads, Path(shared).read_text("ascii").splitlines()))
    except FileNotFoundError:
        return set()


def admit(linked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an address's values without the files it may not name, and what to say of those.

    Parameters
    ----------
    linked : mapping
        Controls' values (`address.read_query`).

    Returns
    -------
    values : dict
    refused : dict
        A message by the control's name.
    """
    opened = _opened()
    values, refused = dict(linked), {}
    for name in _FILES:
        path = values.get(name)
        if path is not None and os.path.realpath(str(path)) not in opened:
            refused[name] = (
                f"the address names {path}, which was not opened here before: "
                "an address alone opens no file, so enter the path if you want it"
            )
            values[name] = "" if name == "path" else None
            if name == "path":
                values.pop("tensor", None)
    return values, refused
