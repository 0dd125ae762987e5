"""Background work: a preview, then the exact search; the newest request wins, one at a time."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from f2f_viz.errors import Cancelled

__all__ = ["Runner"]

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


class Work(Protocol[Job, Result]):  # type: ignore[misc]
    """What runs in a thread."""

    def __call__(
        self,
        job: Job,
        *,
        begun: Result | None,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> Result: ...


class Runner(Generic[Job, Result]):
    """Run `work` for the newest job only.

    Everything but `work` happens on the loop that called `request`, so it may touch widgets.
    A preview is let finish even if a newer job waits (a drag then shows every preview there is
    time for); an exact search is cancelled at once.

    Parameters
    ----------
    work : callable
        ``work(job, begun=, progress=, cancel=)``, run in a thread; `begun` is the job's preview
        where the exact result is wanted, None where that preview is.
    is_exact : callable
        Whether a preview was already the exact result.
    worth : callable
        ``worth(job, newer)``: whether a preview of `job` is still worth seeing before `newer`.
    publish : coroutine function
        Shows a result; awaited, so that a slow screen slows the work down.
    seen : coroutine function
        Returns when what was shown is on the screen: the exact search would take the page's cores.
    fail : callable
        Called as ``fail(job, error)``.
    tell : callable
        Called as ``tell(done, total, seconds_left)`` some times a second.
    cancelled : callable
        Called when the user left what ran; its results are not shown any more.
    """

    def __init__(
        self,
        work: Work[Job, Result],
        *,
        is_exact: Callable[[Result], bool],
        worth: Callable[[Job, Job], bool],
        publish: Callable[[Result], Awaitable[None]],
        seen: Callable[[], Awaitable[None]],
        fail: Callable[[Job, Exception], None],
        tell: Callable[[int, int, float], None],
        cancelled: Callable[[], None],
    ) -> None:
        self._work = work
        self._is_exact = is_exact
        self._worth = worth
        self._publish = publish
        self._seen = seen
        self._fail = fail
        self._tell = tell
        self._cancelled = cancelled
        self._wanted: Job | None = None
        self._running: Job | None = None
        self._newer, self._left = threading.Event(), threading.Event()
        self._looking: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def request(self, job: Job) -> None:
        """Ask for a job; it replaces one that waits and cancels an exact search that runs."""
        self._wanted = job
        self._supersede()
        if self._running is not None and not self._worth(self._running, job):
            self._left.set()
        self.start()

    def start(self) -> None:
        """Begin if there is something to do and an event loop to do it on."""
        if self._wanted is None or (self._task is not None and not self._task.done()):
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a script without a loop: `settled` starts it
        self._task = loop.create_task(self._run())

    def cancel(self) -> None:
        """Leave what runs and waits; that is told at once, the thread may take a little longer."""
        if not self.busy or (self._left.is_set() and self._wanted is None):
            return
        self._wanted = None
        self._supersede()
        self._left.set()
        self._cancelled()

    @property
    def busy(self) -> bool:
        """Whether something runs or waits."""
        return self._wanted is not None or (self._task is not None and not self._task.done())

    def _supersede(self) -> None:
        self._newer.set()
        if self._looking is not None:
            self._looking.cancel()

    async def settled(self) -> None:
        """Wait until nothing is wanted and nothing runs."""
        self.start()
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while self._wanted is not None:
            job, self._wanted = self._wanted, None
            self._running = job
            self._newer, self._left = threading.Event(), threading.Event()
            try:
                await self._do(job, self._newer, self._left)
            except Cancelled:
                continue
            except Exception as error:
                if self._wanted is None and not self._left.is_set():
                    self._fail(job, error)
        self._running = None

    async def _do(self, job: Job, newer: threading.Event, left: threading.Event) -> None:
        loop = asyncio.get_running_loop()

        def tell(over: threading.Event, *told: Any) -> None:
            # by the time the loop hears of it another job may stand there
            loop.call_soon_threadsafe(lambda: over.is_set() or self._tell(*told))

        def step(done: int, total: int) -> None:
            tell(left, done, total, float("inf"))

        preview = await asyncio.to_thread(self._work, job, begun=None, progress=step, cancel=left)
        if left.is_set():
            return
        await self._publish(preview)
        if newer.is_set() or self._is_exact(preview):
            return
        self._looking = asyncio.ensure_future(self._seen())
        await asyncio.wait({self._looking})
        if newer.is_set():
            return
        started = last = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < 0.1:
                return
            last = now
            remaining = (now - started) * (total - done) / done if done else float("inf")
            tell(newer, done, total, remaining)

        exact = await asyncio.to_thread(
            self._work, job, begun=preview, progress=progress, cancel=newer
        )
        if not newer.is_set():
            await self._publish(exact)
