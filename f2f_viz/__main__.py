"""The command ``f2f-viz``, also ``python -m f2f_viz``; while it loads, Ctrl-C ends it in a line."""

import os
import signal
from typing import Any, NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:  # a script's background job ignores it
        signal.signal(signal.SIGINT, _end)
    from f2f_viz.cli.main import main

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    main()


def _end(*_: Any) -> NoReturn:
    os.write(2, b"f2f-viz: interrupted\n")
    os._exit(130)  # modules that are half loaded take no exception well


if __name__ == "__main__":
    main()
