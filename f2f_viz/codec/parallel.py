"""Work cut among threads: kernels run without Python's lock."""

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from f2f_viz.errors import F2FError

__all__ = ["as_finished", "between", "in_pieces", "workers"]

Found = TypeVar("Found")
Item = TypeVar("Item")

_MOST = 1024  # threads
_POLL = 0.1  # seconds between looks at progress and cancel


def workers(threads: int | None) -> int:
    """Return how many threads to use: as many as asked for, up to 1024, else this process's CPUs.

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
    return min(threads, _MOST)


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


def as_finished(
    run: Callable[[Item], Found],
    items: Sequence[Item],
    threads: int,
    *,
    poll: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> Generator[tuple[Item, Found], None, None]:
    """Call ``run(item)``, some at a time and in order; yield each with its result as it comes.

    Parameters
    ----------
    run : callable
    items : sequence
        None of them None.
    threads : int
    poll : callable
        Called before each result, and some ten times a second between; what it raises ends all.
    stop : threading.Event, optional
        Set where all ends early; what has begun looks at it, and is waited for. If not given,
        nobody waits: it ends by itself, or with the process.
    """
    left, taking, ending = iter(items), threading.Lock(), stop or threading.Event()
    found: SimpleQueue[tuple[Item, Future[Found]]] = SimpleQueue()

    def work() -> None:
        while not ending.is_set():
            with taking:
                mine = next(left, None)
            if mine is None:
                return
            done: Future[Found] = Future()
            try:
                done.set_result(run(mine))
            except BaseException as problem:  # it is raised where the result is awaited
                done.set_exception(problem)
            found.put((mine, done))
            if done.exception():
                ending.set()

    pool = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(items)))]
    try:
        for thread in pool:
            thread.start()
        for _ in items:
            item, result = _await(found, poll)
            yield item, result.result()
    finally:
        ending.set()
        for thread in pool if stop else ():
            thread.join()


def _await(queue: "SimpleQueue[Found]", poll: Callable[[], None]) -> Found:
    while True:
        poll()
        with suppress(Empty):
            return queue.get(timeout=_POLL)
