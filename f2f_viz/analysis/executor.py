"""Layers that an executor works on: each is read where its task runs; results as they come.

A worker may be another machine with other files of these names, so all that it reads it checks by
digests of what is read here.
"""

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from f2f_viz.codec.encode import sha256
from f2f_viz.errors import F2FError, stop_if
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, files_of, layer_of
from f2f_viz.tensors.loaders import Entry, listed, split_name
from f2f_viz.tensors.loaders.base import file_sha256
from f2f_viz.tensors.objects import is_path
from f2f_viz.tensors.roles import with_mask

__all__ = ["Work", "on_executor"]

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)
Item = TypeVar("Item")
Read = Callable[[], Layer]
_POLL = 0.2  # seconds between looks at cancel
_AGAIN = "run again; what was written is not done anew"


class Work(Protocol[Found_co]):
    """What a task does to a layer, by settings whose files it may read."""

    def __call__(self, layer: Layer, *, settings: Settings) -> Found_co: ...  # noqa: D102


def on_executor(
    executor: Executor,
    tasks: Iterable[tuple[Item, Any, Entry, Settings, Work[Found]]],
    cancel: threading.Event | None,
) -> Generator[tuple[Item, Found], None, None]:
    """Work on layers where an executor likes; yield what was found, as it comes.

    Whatever goes wrong, the tasks that wait are called off; those that have begun still end.

    Parameters
    ----------
    executor : Executor
    tasks : iterable of (item, source, entry, settings, work)
        Each yields ``(item, work(layer, settings=settings))``. The layer is that of the entry; of a
        source that is a path it is read there, from the same path, of another the numbers are
        sent.
    cancel : threading.Event or None

    Raises
    ------
    F2FError
        If a worker or the scheduler died, a worker reads something else than what is read here, or
        as `work` does.
    Cancelled
        If `cancel` was set.
    """
    waiting: dict[Future[Found], Item] = {}
    reading: dict[tuple[str, str], Read] = {}  # of one layer a sweep has many tasks
    try:
        for item, source, entry, own, work in tasks:
            stop_if(cancel)
            settings = own.anywhere()
            files = {path: file_sha256(path) for path in files_of(*settings.files)}
            read = _reader(source, entry, reading)
            try:
                waiting[executor.submit(_run, read, files, settings, work)] = item
            except RuntimeError as problem:  # it was shut down, or a worker died
                raise F2FError(f"the executor takes no tasks: {problem}", hint=_AGAIN) from None
        while waiting:
            timeout = _POLL if cancel else None
            ended, _ = wait(waiting, timeout=timeout, return_when=FIRST_COMPLETED)
            stop_if(cancel)
            # what was found beside a failure is not lost with it
            for future in sorted(ended, key=lambda future: future.exception() is not None):
                yield waiting.pop(future), future.result()
    except BrokenExecutor as problem:
        raise F2FError(f"a worker died: {problem}", hint=_AGAIN) from None
    except CancelledError:  # not by this function
        raise F2FError("the executor called its tasks off", hint=_AGAIN) from None
    finally:
        for future in waiting:
            future.cancel()


def _run(read: Read, files: dict[Path, str], settings: Settings, work: Work[Found]) -> Found:
    for path, digest in files.items():
        if (found := file_sha256(path)) != digest:
            raise _other(str(path), digest, found)
    return work(read(), settings=settings)


def _reader(source: Any, entry: Entry, known: dict[tuple[str, str], Read]) -> Read:
    if not is_path(source):
        return partial(_itself, layer_of(entry))
    path, info = os.path.abspath(split_name(source)[0]), entry.info
    if (path, info.name) not in known:
        digest = sha256(layer_of(entry).weights)
        known[path, info.name] = partial(
            _read_again, Path(path), info.name, info.shape, info.dtype, digest
        )
    return known[path, info.name]


def _itself(layer: Layer) -> Layer:
    return layer


def _read_again(path: Path, name: str, shape: tuple[int, ...], dtype: str, digest: str) -> Layer:
    listing = listed(path)
    info = listing[name].info if name in listing else None
    what = f"tensor {name} of {path}"
    if info is None or (info.shape, info.dtype) != (shape, dtype):
        raise _other(what, f"{dtype} {shape}", f"{info.dtype} {info.shape}" if info else "none")
    layer = layer_of(with_mask(listing, name))
    if (found := sha256(layer.weights)) != digest:
        raise _other(what, digest, found)
    return layer


def _other(what: str, expected: str, got: str) -> F2FError:
    return F2FError(
        f"{what} is another one when a worker reads it",
        expected=expected,
        got=got,
        hint="workers must see the same files",
    )
