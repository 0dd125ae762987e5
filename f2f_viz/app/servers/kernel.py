"""The kernel of a page: IPython's, but it runs no file of anybody's, and ends with its server."""

import ctypes
import os
import signal
import sys
from typing import Any

from ipykernel.kernelapp import IPKernelApp

__all__ = ["PageKernel"]

_PR_SET_PDEATHSIG = 1


class PageKernel(IPKernelApp):  # type: ignore[misc]
    """No configuration file, no startup file, whoever wrote them."""

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Load none."""

    def _run_startup_files(self) -> None:
        """Run none."""


def _end_with(parent: int) -> None:
    """Have the kernel killed when its server ends, though that be killed itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # on Windows the parent may be a virtual environment's launcher; ipykernel looks after that
    if sys.platform != "win32" and os.getppid() != parent:
        sys.exit()


if __name__ == "__main__":
    _end_with(int(os.environ["JPY_PARENT_PID"]))
    PageKernel.launch_instance()
