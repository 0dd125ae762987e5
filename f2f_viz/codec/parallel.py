"""Work cut among threads: kernels run without Python's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from f2f_viz.errors import F2FError

__all__ = ["between", "in_pieces", "workers"]

Found = TypeVar("Found")


def workers(threads: int | None) -> int:
    """Return how many threads to use: as many as asked for, else the CPUs of this process.

    Raises
    ------
    F2FError
        If fewer than one is asked for.
    """
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if threads < 1:
        raise F2FError("threads out of range", expected="at least 1", got=threads)
    return threads


def in_pieces(
    run: Callable[[int, int], Found], size: int, least: int, threads: int | None = None
) -> list[Found]:
    """Call ``run(start, stop)`` for pieces of 0 … size, a thread each.

    Parameters
    ----------
    run : callable
    size : int
        Nothing is called where it is 0.
    least : int
        Smallest piece that is worth a thread.
    threads : int, optional

    Returns
    -------
    list
        What the calls returned, in order. The same arguments cut the same pieces.
    """
    count = min(workers(threads), max(size // least, 1))
    return between([size * k // count for k in range(count + 1)], run) if size else []


def between(edges: Sequence[int], run: Callable[[int, int], Found]) -> list[Found]:
    """Call ``run(start, stop)`` between each edge and the next, a thread each if there are many."""
    if len(edges) == 2:
        return [run(*edges)]
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        return list(pool.map(run, edges[:-1], edges[1:]))
