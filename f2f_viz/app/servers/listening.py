"""Where the servers listen: loopback, and nowhere else."""

import socket
import threading
import webbrowser
from typing import Any

from tornado.netutil import bind_sockets

from f2f_viz.errors import F2FError

__all__ = ["LOOPBACK", "MAX_MESSAGE", "listen", "open_browser"]

LOOPBACK = "127.0.0.1"
MAX_MESSAGE = 256 * 1024 * 1024
"""Bytes of a message; one over the limit closes the socket without a word, so that uploads fit."""


def listen(port: int | None) -> list[Any]:
    """Return sockets on `port`, or on any free one, whose connections send at once.

    Raises
    ------
    F2FError
        If the port cannot be taken.
    """
    try:
        sockets = list(bind_sockets(port or 0, LOOPBACK))
    except (OSError, OverflowError) as error:
        raise F2FError(
            "cannot listen",
            expected=f"a free port on {LOOPBACK}",
            got=str(port),
            hint="leave the port out to take any free one",
        ) from error
    for own in sockets:
        # or a short message may wait until the page acknowledges the one before; accepted
        # connections inherit it
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    return sockets


def open_browser(url: str) -> None:
    """Open the page in the user's browser."""
    # webbrowser may block until a text-mode browser ends
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
