"""Layers that an executor works on: each is read where its task runs; results as they come."""

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
from typing import Any, TypeVar

from f2f_viz.errors import F2FError, stop_if
from f2f_viz.tensors.layer import Layer, layer_of
from f2f_viz.tensors.loaders import Entry, listed, split_name
from f2f_viz.tensors.objects import is_path
from f2f_viz.tensors.roles import with_mask

__all__ = ["on_executor"]

Found = TypeVar("Found")
Item = TypeVar("Item")
Read = Callable[[], Layer]
_POLL = 0.2  # seconds between looks at cancel
_AGAIN = "run again; what was written is not done anew"


def on_executor(
    executor: Executor,
    tasks: Iterable[tuple[Item, Any, Entry, Callable[[Layer], Found]]],
    cancel: threading.Event | None,
) -> Generator[tuple[Item, Found], None, None]:
    """Work on layers where an executor likes; yield what was found, as it comes.

    Whatever goes wrong, the tasks that wait are called off; those that have begun still end.

    Parameters
    ----------
    executor : Executor
    tasks : iterable of (item, source, entry, work)
        Each yields ``(item, work(layer))``. The layer is that of the entry; of a source that is a
        path it is read there, from the same path, of another the numbers are sent.
    cancel : threading.Event or None

    Raises
    ------
    F2FError
        If a worker or the scheduler died, a tensor is not what was listed, or as `work` does.
    Cancelled
        If `cancel` was set.
    """
    waiting: dict[Future[Found], Item] = {}
    try:
        for item, source, entry, work in tasks:
            stop_if(cancel)
            read = _reader(source, entry)
            try:
                waiting[executor.submit(_run, read, work)] = item
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


def _run(read: Read, work: Callable[[Layer], Found]) -> Found:
    return work(read())


def _reader(source: Any, entry: Entry) -> Read:
    if not is_path(source):
        return partial(_itself, layer_of(entry))
    path, info = os.path.abspath(split_name(source)[0]), entry.info
    return partial(_read_again, Path(path), info.name, info.shape, info.dtype)


def _itself(layer: Layer) -> Layer:
    return layer


def _read_again(path: Path, name: str, shape: tuple[int, ...], dtype: str) -> Layer:
    found = listed(path)
    info = found[name].info if name in found else None
    if info is None or (info.shape, info.dtype) != (shape, dtype):
        raise F2FError(f"tensor {name} of {path} is another one when it is read again")
    return layer_of(with_mask(found, name))
