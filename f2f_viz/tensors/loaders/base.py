"""What every loader gives: a list of entries, each knowing its tensor and how to read it.

Data are read, never mapped: a mapped file that another program cuts short kills the process
(SIGBUS), and one that it overwrites changes under the reader. Whether a file is still the one that
was listed is seen by its `Fingerprint`, before and after.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError, named
from f2f_viz.text import sound

__all__ = [
    "MOST_DIMENSIONS",
    "NO_WAIT",
    "Entry",
    "Fingerprint",
    "Span",
    "TensorInfo",
    "bad_file",
    "by_name",
    "changed",
    "checked_shape",
    "file_sha256",
    "is_cached_blob",
    "is_storage",
    "leaves",
    "native",
    "open_regular",
    "reading",
    "storage_dtype",
]


MOST_DIMENSIONS = 64
"""NumPy's arrays have no more."""
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""Flag of `os.open` with which a pipe is not waited for; Windows has none."""
_CHUNK = 1 << 24
_LONGEST_PREFIX = 1000


@dataclass(frozen=True)
class Fingerprint:
    """What changes when a file is written to, cut short or replaced.

    Attributes
    ----------
    size : int
        Bytes.
    modified : int
        Nanoseconds since 1970.
    inode : int
    """

    size: int
    modified: int
    inode: int

    @classmethod
    def of(cls, file: IO[bytes] | Path) -> "Fingerprint":
        """Look at an open file, or at what has a name now."""
        found = os.stat(file if isinstance(file, Path) else file.fileno())
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


def open_regular(path: Path) -> IO[bytes]:
    """Open a file to read it; pipes and devices, which block or never end, are refused.

    Raises
    ------
    F2FError
    """
    try:
        handle = os.open(path, os.O_RDONLY | NO_WAIT)
    except (OSError, ValueError) as problem:  # ValueError: NUL in the name
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise F2FError(f"cannot read {path}: {reason}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise F2FError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; while it stays as it is, it is read once.

    Raises
    ------
    F2FError
        If it cannot be read.
    """
    with open_regular(path) as file:
        return _sha256_of(path, Fingerprint.of(file))


@lru_cache
def _sha256_of(path: Path, _: Fingerprint) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def changed(path: Path) -> F2FError:
    """Return the error for a file that another program writes to."""
    return F2FError(
        f"{path} changed while it was read",
        expected="the same size, time and inode",
        got="others",
        hint="wait until it is written, and try again",
    )


@dataclass(frozen=True)
class Span:
    """Bytes of a file as it was when it was listed.

    Attributes
    ----------
    path : Path
    fingerprint : Fingerprint
    offset, nbytes : int
    """

    path: Path
    fingerprint: Fingerprint
    offset: int
    nbytes: int

    def part(self, begin: int, nbytes: int) -> "Span":
        """Return some of it, from its byte `begin` on."""
        return Span(self.path, self.fingerprint, self.offset + begin, nbytes)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with open_regular(self.path) as file:
            if Fingerprint.of(file) != self.fingerprint:
                raise changed(self.path)
            file.seek(self.offset)
            yield file
            if Fingerprint.of(file) != self.fingerprint:
                raise changed(self.path)

    def read(self) -> NDArray[np.uint8]:
        """Read all of it.

        Raises
        ------
        F2FError
            If the file is another one by now.
        """
        data = np.empty(self.nbytes, np.uint8)
        with self._opened() as file:
            if file.readinto(data.data) != self.nbytes:  # type: ignore[attr-defined]
                raise changed(self.path)
        return data

    def pieces(self) -> Iterator[bytes]:
        """Yield it in pieces; errors as of `read`."""
        with self._opened() as file:
            for at in range(0, self.nbytes, _CHUNK):
                piece = file.read(min(_CHUNK, self.nbytes - at))
                if len(piece) != min(_CHUNK, self.nbytes - at):
                    raise changed(self.path)
                yield piece


@dataclass(frozen=True)
class TensorInfo:
    """A tensor in a file, as its header tells it; nothing of its data is read.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        A name of `f2f_viz.codec.bitplanes.DTYPES`, or another that cannot be loaded as a layer.
    nbytes : int
        Bytes of the data, unpacked.
    role : str
        What it is for, a name of `f2f_viz.tensors.roles.ROLES`; of a loader's, "" where the file
        does not say.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    role: str = ""


@dataclass(frozen=True)
class Entry:
    """A tensor of a file and how to read it, alone, when it is asked for.

    Attributes
    ----------
    info : TensorInfo
    path : Path or None
        The file that lists it; None of an object in memory.
    reader : callable
        Returns the data; `read` is for others.
    span : Span or None
        Where the data lie as they are, C-ordered and little-endian, if they lie anywhere so.
    origin : str
        Of an object in memory, what it is in words.
    stored : callable or None
        Returns the bytes that a model's file carries, where these are not those of `read`: packed
        numbers, or Python objects that nobody opens.
    stored_bytes : int or None
        How many those of `pieces` are, if not ``info.nbytes``.
    mask : Entry or None
        Another tensor of the model that is zero where this one is pruned.
    """

    info: TensorInfo
    path: Path | None
    reader: Callable[[], NDArray[Any]]
    span: Span | None = None
    origin: str = ""
    stored: Callable[[], bytes] | None = None
    stored_bytes: int | None = None
    mask: "Entry | None" = None

    def told(self, info: TensorInfo) -> "Entry":
        """Return it with another `info`; as `replace` does in thrice the time."""
        return Entry(
            info, self.path, self.reader, self.span, self.origin, self.stored, self.stored_bytes,
            self.mask,
        )  # fmt: skip

    @property
    def source(self) -> str:
        """The file, or another origin that a person understands."""
        return self.origin or str(self.path)

    def read(self) -> NDArray[Any]:
        """Return the data, C-ordered and little-endian."""
        with reading(self.source):
            return self.reader()

    def pieces(self) -> Iterator[bytes]:
        """Yield the data as bytes, a few at a time where the file allows."""
        if self.span is not None:
            yield from self.span.pieces()
            return
        if self.stored is not None:
            with reading(self.source):
                yield self.stored()
            return
        flat = np.ascontiguousarray(self.read()).reshape(-1)
        step = max(_CHUNK // max(flat.itemsize, 1), 1)
        for at in range(0, flat.size, step):
            yield flat[at : at + step].tobytes()


def bad_file(path: Path | str, reason: object) -> F2FError:
    """Return the error for a file that is not what its suffix says."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return F2FError(f"cannot read {path}: {lines[0][:300]}")


def by_name(path: Path | str, found: Iterable[Entry]) -> dict[str, Entry]:
    """Return entries by their names, which UTF-8 can hold; `F2FError` if two have the same."""
    known = dict[str, Entry]()
    for entry in found:
        if (name := sound(entry.info.name)) != entry.info.name:
            entry = entry.told(replace(entry.info, name=name))
        if name in known:
            raise F2FError(
                f"cannot read {path}: two tensors have the name {name}",
                expected="each name once",
                got="it twice",
            )
        known[name] = entry
    return known


def checked_shape(shape: Iterable[int], name: str, path: Path | str) -> tuple[int, ...]:
    """Return a shape that a file claims, before anything is multiplied.

    Raises
    ------
    F2FError
        If it has more dimensions than NumPy's arrays, or a size is no whole number >= 0.
    """
    claimed = tuple(shape)
    if len(claimed) > MOST_DIMENSIONS:
        raise F2FError(
            f"cannot read {path}: tensor {name} has too many dimensions",
            expected=f"at most {MOST_DIMENSIONS}",
            got=len(claimed),
        )
    for size in claimed:
        if type(size) is not int or size < 0:  # True is an int of Python's, and no size
            raise F2FError(
                f"cannot read {path}: shape {named(claimed)} of tensor {name}",
                expected="whole numbers >= 0",
                got=size,
            )
    return claimed


def is_cached_blob(folder: Path, file: Path) -> bool:
    """Tell whether links lead from a folder of Hugging Face's cache to the same model's blobs.

    There ``MODEL/snapshots/REVISION/model.safetensors`` links to ``MODEL/blobs/HASH``.
    """
    place = file.resolve().parent
    return any(
        above.name == "snapshots" and place == above.parent / "blobs"
        for above in folder.resolve().parents
    )


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into one `F2FError` that names it.

    A format library met with arbitrary bytes raises errors of many types, so `Exception` is what
    must be caught here; `MemoryError` is one of them, KeyboardInterrupt is not.
    """
    try:
        yield
    except F2FError:
        raise
    except Exception as error:
        raise bad_file(path, error) from error


def leaves(content: Any, name: str, is_leaf: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """Walk nested containers, each once: they may be shared, or hold themselves.

    Parameters
    ----------
    content
        A leaf, or mappings and lists of them; what is neither is passed over.
    name : str
        Of a leaf that stands alone; others have dotted names.
    is_leaf : callable
    """
    seen: set[int] = set()
    stack = [("", content)]
    while stack:
        prefix, item = stack.pop()
        if is_leaf(item):
            yield prefix or name, item
        elif isinstance(item, Mapping | list | tuple) and id(item) not in seen:
            if len(prefix) > _LONGEST_PREFIX:
                raise F2FError(
                    "tensors are nested too deep",
                    expected=f"names of at most {_LONGEST_PREFIX} characters",
                    got=f"{prefix[:40]}…",
                )
            seen.add(id(item))
            pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
            inner = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in pairs]
            stack.extend(reversed(inner))


def storage_dtype(name: str) -> np.dtype[Any]:
    """Return the dtype of a name in `TensorInfo`, which need not be a layer's: bool, int64."""
    return DTYPES[name] if name in DTYPES else np.dtype(name).newbyteorder("<")


def is_storage(name: str) -> bool:
    """Tell whether `storage_dtype` knows a name."""
    try:
        storage_dtype(name)
    except TypeError:
        return False
    return True


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array C-ordered, aligned and little-endian; itself where it is so already."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.asarray(np.require(little, requirements=["C", "ALIGNED"]))
