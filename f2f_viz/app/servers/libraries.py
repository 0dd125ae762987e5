"""The browser libraries that the page loads, each from the package that ships it.

Jupyter looks for them in folders of the user and of the system too, where others may lie.
"""

import json
import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from f2f_viz.errors import F2FError

__all__ = ["extensions", "folders"]

_EXTENSIONS = {  # JupyterLab's: distribution, and folder below share/jupyter
    "@jupyter-widgets/jupyterlab-manager": ("jupyterlab_widgets", "labextensions"),
    "@voila-dashboards/widgets-manager8": ("voila", "voila/labextensions"),
    "anywidget": ("anywidget", "labextensions"),
}


def _shipped(distribution: str, folder: str) -> Path:
    """Return the folder share/jupyter/`folder` as this distribution ships it."""
    inside = f"share/jupyter/{folder}/"
    try:
        shipped = files(distribution) or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        before, found, _ = file.as_posix().partition(inside)
        if found:
            return Path(str(file.locate())).parents[_depth(file.as_posix(), before + found)]
    fallback = Path(sys.prefix) / inside  # packages of systems that keep no list of files
    if not fallback.is_dir():
        raise F2FError(
            f"{distribution} is not whole", expected=inside, got="no such folder",
            hint=f"pip install --force-reinstall {distribution}",
        )  # fmt: skip
    return fallback


def _depth(path: str, folder: str) -> int:
    return path.removeprefix(folder).count("/")


@cache
def _extension_folders() -> dict[str, Path]:
    return {
        name: _shipped(distribution, f"{folder}/{name}")
        for name, (distribution, folder) in _EXTENSIONS.items()
    }


def extensions() -> list[dict[str, Any]]:
    """Return what the page's JupyterLab is told of its extensions."""
    told = []
    for name, folder in _extension_folders().items():
        build = json.loads((folder / "package.json").read_text("utf-8"))["jupyterlab"]["_build"]
        told.append({"name": name, **build})
    return told


def folders() -> dict[str, Path]:
    """Return the folder behind each address, a pattern; its files are served to anybody."""
    return {
        "/voila/static/": _shipped("voila", "voila/templates/base/static"),
        "/lab/": _shipped("nbconvert", "nbconvert/templates/lab/static"),
        **{
            f"/voila/labextensions/{re.escape(name)}/": folder
            for name, folder in _extension_folders().items()
        },
    }
