"""Output files, written as a careful tool writes them: whole or not at all, by one process."""

import errno
import hashlib
import os
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import NO_WAIT

__all__ = ["Check", "Name", "claim", "path_of", "write_atomically", "write_folder"]

_TEMPORARY = ".f2f-viz-"
"""How the names of files that are not finished begin, where they need one."""
Name = str | os.PathLike[str]
Check = Callable[[IO[bytes]], None]
"""Reads a new file back from its start, and raises if it is not what it should be."""


def write_atomically(
    path: Name, data: bytes | Iterable[bytes], *, check: Check | None = None
) -> None:
    """Write a file, or its parts in order: it is there whole, or not at all.

    On Linux it has no name until all is written and checked, so that a process that is killed
    leaves nothing. A new file obeys umask; one that is there keeps its mode, and its owner where
    that is allowed. A symbolic link is followed. Pipes and character devices are written to.

    Parameters
    ----------
    path
    data : bytes or iterable of bytes
    check : callable, optional
        Called with the new file, open for reading, before it takes its name.

    Raises
    ------
    F2FError
        If it cannot be written: to a folder, disk or socket, over a read-only file, where there
        is no folder or no room.
    """
    with _failing(path):
        _write(path, data, check)


@contextmanager
def claim(path: Name, *inputs: Name, force: bool = False) -> Iterator[Path]:
    """Hold the right to write a file while it is being made, which may take hours.

    Parameters
    ----------
    path
    *inputs
        Files that it is made of.
    force : bool
        It may replace one of them.

    Yields
    ------
    Path
        Where the file will be: links are followed.

    Raises
    ------
    F2FError
        If another process holds it, it is one of the inputs, or it cannot be written.
    """
    with _failing(path):
        target, there = _look(path)
        if there and not force and any(_same(there, other) for other in inputs):
            raise F2FError(
                f"{path} would replace what it is made of",
                hint="name another file, or --force (force=True)",
            )
        if there and not stat.S_ISREG(there.st_mode):
            yield target
            return
        folder = os.stat(target.parent)
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with _alone(folder, target.name, path):
        yield target


@contextmanager
def _alone(folder: os.stat_result, name: str, path: Name) -> Iterator[None]:
    """Keep other processes from a name in a folder."""
    if sys.platform != "linux":  # w, W and another spelling of é may be one file there
        name = unicodedata.normalize("NFC", name).casefold()
    which = f"{folder.st_dev} {folder.st_ino} {name}".encode(errors="surrogateescape")
    try:
        lock = _lock(hashlib.sha256(which).hexdigest())
    except BlockingIOError:
        raise F2FError(f"another process is writing {path}", hint="wait for it") from None
    with lock:
        yield


def _lock(key: str) -> AbstractContextManager[Any]:
    """Hold a key until it is let go, or the process ends.

    Raises
    ------
    BlockingIOError
        If it is held.
    F2FError
        If there is no place for a lock.
    """
    if sys.platform == "linux":
        # An abstract socket's name ends with its process, however that ends: no lock file stays.
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0f2f-viz {key}".encode())
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                lock.close()
                raise BlockingIOError from None
        return lock
    else:
        from filelock import FileLock, Timeout

        file = "a file in the temporary folder"
        try:
            file = os.path.join(tempfile.gettempdir(), f"f2f-viz-{key}.lock")
            return FileLock(file).acquire(timeout=0)
        except (OSError, NotImplementedError) as problem:  # such as another user's
            if isinstance(problem, Timeout) and os.path.exists(file):
                raise BlockingIOError from None
            reason = getattr(problem, "strerror", None) or "no file can be made there"
            raise F2FError(
                f"cannot lock {file}: {reason}",
                hint="name a folder of your own for temporary files (TMPDIR, on Windows TEMP)",
            ) from None


def write_folder(
    path: Name, files: Mapping[str, bytes | Iterable[bytes]], *, mark: str, force: bool = False
) -> None:
    """Write the files of a folder: they get their names when all are written.

    Parameters
    ----------
    path
        Made if it is not there.
    files : mapping of str to bytes or iterable of bytes
    mark : str
        The file by which a folder is known as one of this kind, whose files may be replaced.
    force : bool
        Those of any other folder may be, too.

    Raises
    ------
    F2FError
        If something else is there, another process writes it, or it cannot be written.
    """
    with _failing(path), ExitStack() as undo:
        if not os.fspath(path) or "\0" in os.fspath(path):
            raise F2FError("the output", expected="a folder's name", got=repr(path))
        folder = Path(os.path.realpath(path))
        if not folder.is_dir():
            try:
                folder.mkdir(parents=True)
            except OSError as problem:
                raise F2FError(f"cannot make the folder {path}: {problem.strerror}") from None
            undo.callback(_remove_empty, folder)
        with _alone(os.stat(folder), "", path):
            own = [file for file in folder.iterdir() if file.name.startswith(_TEMPORARY)]
            others = len(list(folder.iterdir())) > len(own)
            if others and not force and not (folder / mark).is_file():
                raise F2FError(
                    f"{path} holds other files",
                    hint="name a new or an empty folder, or --force (force=True)",
                )
            for left in own:  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=folder) as made:
                for name, data in files.items():
                    _write(Path(made) / name, data)
                for name in files:
                    os.replace(Path(made) / name, folder / name)


def _write(path: Name, data: bytes | Iterable[bytes], check: Check | None = None) -> None:
    """Write as `write_atomically` does, but an `OSError` is the caller's, who knows the name."""
    pieces = [data] if isinstance(data, bytes) else data
    target, there = _look(path)
    if there is not None and not stat.S_ISREG(there.st_mode):
        with tempfile.TemporaryFile() as file:
            _fill(file, pieces, check)
            _pour(file, target)
        return
    fresh = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
    try:
        with _new(fresh) as file:
            _fill(file, pieces, check)
            if there is not None:
                _take_after(file, there)
            if not _has_name(file):
                # given a folder, link follows the link that /proc shows
                os.link(path_of(file), fresh, src_dir_fd=file.fileno())
        os.replace(fresh, target)  # a closed file: Windows moves no other
    finally:
        with suppress(OSError):  # it has its own name now, or never had one
            fresh.unlink()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it is not empty
        folder.rmdir()


def _same(there: os.stat_result, other: Name) -> bool:
    return os.path.exists(other) and os.path.samestat(there, os.stat(other))


@contextmanager
def _failing(path: Name) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise F2FError(f"cannot write {path}: {problem.strerror}") from None


def _look(path: Name) -> tuple[Path, os.stat_result | None]:
    """Follow links to where a file is or will be, and tell what is there."""
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise F2FError("the output", expected="a file's name", got=repr(path))
    target = Path(os.path.realpath(path))
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return target, None
    mode = there.st_mode
    if stat.S_ISDIR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise F2FError(f"cannot write {path}", expected="a file", got="a folder, disk or socket")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    # a pipe that is /dev/stdout has no other name
    return target if stat.S_ISREG(mode) else Path(path), there


def _fill(file: IO[bytes], pieces: Iterable[bytes], check: Check | None) -> None:
    file.writelines(pieces)
    file.flush()
    file.seek(0)
    if check is not None:
        check(file)
        file.seek(0)


def _pour(file: IO[bytes], stream: Path) -> None:
    """Copy to a pipe or device; a pipe that nobody reads is an error and no wait."""
    handle = os.open(stream, os.O_WRONLY | NO_WAIT)
    if sys.platform != "win32":
        os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as out:
        shutil.copyfileobj(file, out)


def _new(path: Path) -> IO[bytes]:
    """Open a new file: without its name where the system can, else with it."""
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.fdopen(os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
        except OSError as problem:
            if problem.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
                raise
    return path.open("x+b")


def path_of(file: IO[bytes]) -> Path:
    """Return a path by which the file that a `Check` is given can be opened again."""
    return Path(file.name if _has_name(file) else f"/proc/self/fd/{file.fileno()}")


def _has_name(file: IO[bytes]) -> bool:
    return isinstance(file.name, str)


def _take_after(file: IO[bytes], there: os.stat_result) -> None:
    """Give a file the owner and the mode of the one that it replaces; Windows has neither."""
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.fchown(file.fileno(), there.st_uid, there.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
