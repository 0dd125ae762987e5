"""An environment in which neither a folder nor a user nor the system configures our servers.

Jupyter, IPython, Voilà and Bokeh read settings from files in many folders, and from variables that
name more. The servers keep none of those variables, and point the folders at an empty one.
"""

import os
from pathlib import Path

from f2f_viz.app.session import SESSION

__all__ = ["isolate", "isolate_kernel"]

_FOREIGN = ("JUPYTER", "JPY_", "VOILA", "ANYWIDGET", "BOKEH")
_FOREIGN_KERNEL = (*_FOREIGN, "IPYTHON", "PYTHONSTARTUP", "PYTHONINSPECT")


def _without(prefixes: tuple[str, ...]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}


def _own(folder: Path) -> dict[str, str]:
    return {
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "TMPDIR": str(folder),
    }


def isolate(folder: Path) -> None:
    """Free this process of foreign settings; call it before anything of Jupyter is imported.

    Parameters
    ----------
    folder : Path
        Takes what Jupyter writes, temporary files included.
    """
    kept = _without(_FOREIGN)
    os.environ.clear()
    os.environ.update(kept | _own(folder))


def isolate_kernel(folder: Path, session: Path) -> dict[str, str]:
    """Return the environment of a kernel of the app.

    Parameters
    ----------
    folder : Path
        Takes all that the kernel writes but `session`, the list of files that pages have opened.
    session : Path
    """
    own = {"IPYTHONDIR": str(folder / "ipython"), SESSION: str(session)}
    return _without(_FOREIGN_KERNEL) | _own(folder) | own
