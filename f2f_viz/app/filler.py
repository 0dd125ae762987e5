"""Fill a grid of measurements in the background, some at a time; the newest grid wins."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from f2f_viz.errors import Cancelled, F2FError

__all__ = ["Filler"]

Job = TypeVar("Job")
Result = TypeVar("Result")

_NICE = 5


def _stand_back() -> None:
    """Let page and server have the cores first; on Linux a priority is a thread's own."""
    if sys.platform == "linux":
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(ours + _NICE, 19))


_aside = ThreadPoolExecutor(thread_name_prefix="filler", initializer=_stand_back)
"""Threads that stand back, and so do those that they start."""


class Filler(Generic[Job, Result]):
    """Run `work` over a list of jobs in a thread, and show the results as they come.

    Parameters
    ----------
    work : callable
        ``work(job, cancel) → result``, run in a thread; a job that raises `F2FError` is one the
        layer does not allow, and is left out.
    show : callable
        ``show(results, done, total)``, called on the loop after every job.
    busy : callable
        While it is true no new job begins: the user's own work goes first.
    threads : int
        Jobs at a time; results come in the order in which they end.
    """

    def __init__(
        self,
        work: Callable[[Job, threading.Event], Result],
        show: Callable[[Sequence[Result], int, int], None],
        busy: Callable[[], bool],
        threads: int = 1,
    ) -> None:
        self._work = work
        self._show = show
        self._busy = busy
        self._threads = threads
        self._key: Hashable = None
        self._left: list[Job] = []
        self._begun: list[Job] = []
        self._total = 0
        self._results: list[Result] = []
        self._cancel = threading.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a job runs or is about to."""
        return self._task is not None and not self._task.done()

    def request(self, key: Hashable, jobs: Sequence[Job]) -> None:
        """Measure a grid; one that was paused goes on where it stopped."""
        if key != self._key:
            self.pause()
            self._key, self._left, self._total, self._results = key, list(jobs), len(jobs), []
        if self._left and not self.running:
            self._cancel = threading.Event()
            self._task = asyncio.get_running_loop().create_task(self._run(self._cancel))

    def pause(self) -> None:
        """Stop; a later request of the same grid goes on."""
        self._cancel.set()
        self._task = None
        self._left, self._begun = self._begun + self._left, []

    async def _run(self, cancel: threading.Event) -> None:
        await asyncio.gather(*(self._fill(cancel) for _ in range(self._threads)))

    async def _fill(self, cancel: threading.Event) -> None:
        while self._left and not cancel.is_set():
            if self._busy():
                await asyncio.sleep(0.05)
                continue
            job = self._left.pop(0)
            self._begun.append(job)
            found: list[Result] = []
            try:
                loop = asyncio.get_running_loop()
                found = [await loop.run_in_executor(_aside, self._work, job, cancel)]
            except Cancelled:
                return
            except F2FError:
                pass
            if cancel.is_set():
                return
            self._begun.remove(job)
            self._results += found
            left = len(self._left) + len(self._begun)
            self._show(self._results, self._total - left, self._total)
