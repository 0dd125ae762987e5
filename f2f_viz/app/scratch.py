"""Folders of our own among the temporary files, and those that killed processes left there."""

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from f2f_viz.errors import F2FError

__all__ = ["own_folder"]

_PREFIX = "f2f-viz-"
_LOCK = ".lock"


@cache
def own_folder() -> Path:
    """Return a folder that lasts as long as this process; clear those whose process has ended.

    The folder's lock is held until the process ends, however it ends: so the next that asks for a
    folder can tell what was left behind from what is in use.

    Raises
    ------
    F2FError
        If no temporary folder can be written to.
    """
    try:
        _clear(Path(tempfile.gettempdir()))
        # under another name until it is locked: nobody may take it for one left behind
        fresh = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
        lock = os.open(fresh / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = fresh.rename(fresh.with_name(fresh.name.removeprefix(".")))
    except OSError as error:
        raise F2FError(
            "no temporary folder",
            expected="one that can be written to",
            got=str(error),
            hint="set TMPDIR",
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _clear(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        folder = lock.parent
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            continue
        try:
            held = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # its process lives
        finally:
            os.close(held)
