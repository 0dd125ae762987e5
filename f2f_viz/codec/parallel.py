"""Which instruction set the kernels use, and how work is cut among threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from f2f_viz.codec import _select
from f2f_viz.errors import F2FError

__all__ = ["ISA", "in_pieces", "workers"]

ISA = min(int(os.environ.get("F2F_VIZ_ISA", "2")), _select.best_isa())
"""What the selection kernels use: 0 portable, 1 AVX2, 2 AVX-512. All give the same result."""
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
    """Call ``run(start, stop)`` for pieces of 0 … size, each in a thread; results in order.

    Parameters
    ----------
    run : callable
    size : int
    least : int
        Smallest piece that is worth a thread.
    threads : int, optional
    """
    count = max(1, min(workers(threads), size // least))
    if count == 1:
        return [run(0, size)]
    edges = [size * k // count for k in range(count + 1)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, edges[:-1], edges[1:]))
