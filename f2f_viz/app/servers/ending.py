"""How a server ends: at once, whatever it is doing, with its kernels and its folder."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

__all__ = ["end", "end_on_signals"]


def end(kernels: Iterable[int], folder: Path) -> NoReturn:
    """End this process, its kernels (leaders of process groups), and its folder."""
    for pid in kernels:
        with suppress(OSError):  # it has ended
            if sys.platform == "win32":
                os.kill(pid, signal.SIGTERM)  # at once, there
            else:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # a kernel that still runs could write into the folder again
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def end_on_signals(kernels: Callable[[], Iterable[int]], folder: Path) -> None:
    """End so on SIGTERM, SIGINT and, where it is known, SIGHUP.

    All is done in the signal's own handler: an event loop that is kept busy would never come to a
    callback, and an exception can be lost on its way out.

    Parameters
    ----------
    kernels : callable
        Returns the process ids of the kernels that run then.
    folder : Path
    """

    def handler(number: int, _: FrameType | None) -> NoReturn:
        if number == signal.SIGINT:
            print(file=sys.stderr)  # after the terminal's ^C
        end(kernels(), folder)

    for number in {signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)}:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a script's background job
            signal.signal(number, handler)
