"""Output files, written as a careful tool writes them: whole or not at all, by one process."""

import errno
import hashlib
import os
import secrets
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from f2f_viz.errors import F2FError

__all__ = ["Check", "Name", "claim", "write_atomically", "write_folder"]

_TEMPORARY = ".f2f-viz-"
"""How the names of files that are not finished begin, where they need one."""
Name = str | os.PathLike[str]
Check = Callable[[IO[bytes]], None]
"""Reads a new file back from its start, and raises if it is not what it should be."""


def write_atomically(
    path: Name, data: bytes | Iterable[bytes], *, check: Check | None = None
) -> None:
    """Write a file, or its parts in order: it is there whole, or not at all.

    It has no name until all is written and checked, so that a process that is killed leaves
    nothing. A new file obeys umask; one that is there keeps its mode, and its owner where that is
    allowed. A symbolic link is followed. Pipes and character devices are written to.

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
    # An abstract socket's name ends with its process, however that ends: no lock file stays.
    which = f"{folder.st_dev} {folder.st_ino} {name}".encode(errors="surrogateescape")
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            lock.bind(b"\0f2f-viz " + hashlib.sha256(which).hexdigest().encode())
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise F2FError(f"another process is writing {path}", hint="wait for it") from None
        yield


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
    with _nameless(target.parent) as (file, temporary):
        _fill(file, pieces, check)
        if there is not None:
            _take_after(file, there)
        _give_name(file, temporary, target)


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
    handle = os.open(stream, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as out:
        shutil.copyfileobj(file, out)


@contextmanager
def _nameless(folder: Path) -> Iterator[tuple[IO[bytes], Path | None]]:
    """Open a file of a folder without a name; with one where the file system must have it."""
    temporary = None
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as problem:
        if problem.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
        temporary = _fresh(folder)
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file, temporary
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _fresh(folder: Path) -> Path:
    return folder / f"{_TEMPORARY}{secrets.token_hex(8)}"


def _take_after(file: IO[bytes], there: os.stat_result) -> None:
    """Give a file the owner and the mode of the one that it replaces."""
    with suppress(PermissionError):
        os.fchown(file.fileno(), there.st_uid, there.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))


def _give_name(file: IO[bytes], temporary: Path | None, target: Path) -> None:
    if temporary is None:  # a file without a name cannot replace one
        temporary = _fresh(target.parent)
        # given a folder, link follows the link that /proc shows
        os.link(f"/proc/self/fd/{file.fileno()}", temporary, src_dir_fd=file.fileno())
    try:
        os.replace(temporary, target)
    except OSError:
        temporary.unlink()
        raise
