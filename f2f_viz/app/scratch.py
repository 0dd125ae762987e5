"""Folders of our own among the temporary files, and those that killed processes left there."""

import atexit
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from f2f_viz.errors import F2FError

__all__ = ["own_folder"]

_PREFIX = "f2f-viz-"
_LOCK = ".lock"
_MADE = re.compile(rf"^\.?{_PREFIX}(?=.*[0-9_])[a-z0-9_]{{8}}$")
"""Names by `mkdtemp`, save those few that might be words."""
_WEEK = 7 * 86400


@cache
def own_folder() -> Path:
    """Return a folder that lasts as long as this process; clear those whose process has ended.

    The folder's lock is held until the process ends, however it ends: so the next that asks for a
    folder can tell what was left behind from what is in use. On Windows what was left behind stays.

    Raises
    ------
    F2FError
        If no temporary folder can be written to.
    """
    try:
        folder = _made()
    except OSError as error:
        raise F2FError(
            "no temporary folder",
            expected="one that can be written to",
            got=str(error),
            hint="set TMPDIR",
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


if sys.platform == "win32":

    def _made() -> Path:
        return Path(tempfile.mkdtemp(prefix=_PREFIX))

else:
    import fcntl

    def _made() -> Path:
        _clear(Path(tempfile.gettempdir()))
        # under another name until it is locked: nobody may take it for one left behind
        fresh = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
        lock = os.open(fresh / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return fresh.rename(fresh.with_name(fresh.name.removeprefix(".")))

    def _clear(parent: Path) -> None:
        for folder in parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):  # another process clears it too
                if _is_own(folder) and (
                    _is_free(folder) if (folder / _LOCK).exists() else _is_old(folder)
                ):
                    shutil.rmtree(folder, ignore_errors=True)
        for folder in parent.glob(f".{_PREFIX}*"):
            with suppress(OSError):
                if _is_own(folder) and _is_old(folder):
                    shutil.rmtree(folder, ignore_errors=True)

    def _is_own(folder: Path) -> bool:
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()

    def _is_free(folder: Path) -> bool:
        """Tell whether the process that holds a folder's lock has ended."""
        held = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(held)
        return True

    def _is_old(folder: Path) -> bool:
        """Tell a folder without a lock that `mkdtemp` made, and nobody touched for a week."""
        mode, within = stat.S_IMODE(folder.stat().st_mode), folder.rglob("*")
        last = max(place.lstat().st_mtime for place in (folder, *within))
        return mode == 0o700 and bool(_MADE.search(folder.name)) and time.time() - last > _WEEK
