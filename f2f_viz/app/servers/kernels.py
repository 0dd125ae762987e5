"""The kernels of the app's pages, and the messages that reach them."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.web import HTTPError
from traitlets.config import Config

from f2f_viz.app.servers.answers import Answer
from f2f_viz.app.servers.isolation import isolate_kernel

__all__ = ["MOST_KERNELS", "Connection", "Kernels", "Socket", "pids"]

_MODULE = "f2f_viz.app.servers.kernel"
_PROTOCOL = "v1.kernel.websocket.jupyter.org"
_MIN_OFFSETS = 6  # of the channel's name, header, parent header, metadata, content, and the end
_MAX_OFFSETS = 1024
_MAX_HEADER = 65536  # bytes; the server itself parses it
MOST_KERNELS = 32
"""Pages that may be open at once."""
_MAX_IPC = 60  # of the 107 bytes of a Unix socket's path, what a kernel's own name leaves
_ALLOWED = [  # nothing that executes
    "comm_open",
    "comm_close",
    "comm_msg",
    "comm_info_request",
    "kernel_info_request",
    "shutdown_request",
]


class _OneKernel(KernelSpecManager):  # type: ignore[misc]
    """Knows this Python's kernel and looks for no other."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            # -P: no module from the current folder
            argv=[
                sys.executable,
                "-P",
                "-m",
                "f2f_viz.app.servers.kernel",
                "-f",
                "{connection_file}",
            ],
            display_name="f2f-viz",
            language="python",
        )


class Kernels(AsyncMappingKernelManager):  # type: ignore[misc]
    """A kernel for each page, with a folder of its own that goes when the kernel goes.

    Parameters
    ----------
    folder : Path
        Of the server.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reserved: set[str] = set()
        transport = "ipc" if len(os.fsencode(folder)) <= _MAX_IPC else "tcp"
        super().__init__(
            root_dir=str(folder),
            connection_dir=str(folder),
            kernel_spec_manager=_OneKernel(),
            allowed_message_types=_ALLOWED,
            # a page that closes ends its kernel; one that crashes leaves it to these
            cull_idle_timeout=120,
            cull_interval=30,
            config=Config({"KernelManager": {"transport": transport}}),
        )

    def reserve(self) -> str:
        """Return the id of a kernel to be started, with a folder.

        Raises
        ------
        HTTPError
            503 if there are too many.
        """
        if len(self._reserved) >= MOST_KERNELS:
            raise HTTPError(503, f"{MOST_KERNELS} pages are open: close some, and reload this one")
        kernel_id: str = self.new_kernel_id()
        self._reserved.add(kernel_id)
        (self._folder / kernel_id).mkdir()
        return kernel_id

    async def start(self, kernel_id: str) -> Any:
        """Start a reserved kernel and return its manager."""
        own = self._folder / kernel_id
        environment = isolate_kernel(own, session=self._folder / "opened")
        await self.start_kernel(
            kernel_id=kernel_id, kernel_name="f2f", cwd=str(own), env=environment
        )
        return self.get_kernel(kernel_id)

    async def end(self, kernel_id: str) -> None:
        """End a kernel, whatever it is doing, and remove its files."""
        if kernel_id in self:
            await self.shutdown_kernel(kernel_id, now=True)
        self._forget(kernel_id)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, and its files."""
        self._forget(kernel_id)
        return super().remove_kernel(kernel_id)

    def _forget(self, kernel_id: str) -> None:
        self._reserved.discard(kernel_id)
        shutil.rmtree(self._folder / kernel_id, ignore_errors=True)


def pids(kernels: Any) -> Iterator[int]:
    """Yield the process ids of a kernel manager's kernels; each leads a process group."""
    for kernel_id in kernels.list_kernel_ids():
        provisioner = kernels.get_kernel(kernel_id).provisioner
        if provisioner is not None and provisioner.pid:
            yield provisioner.pid


class Connection(ZMQChannelsWebsocketConnection):  # type: ignore[misc]
    """Takes messages of one protocol, after a look at their frame.

    Jupyter's own believes the counts that a client sends: one that is wrong makes it loop and grow.
    """

    kernel_ws_protocol = _PROTOCOL

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Hand a message to the kernel; close the socket of a client that sends what is none."""
        try:
            _check_frame(incoming_msg)
            super().handle_incoming_message(incoming_msg)
        except Exception:
            self.websocket_handler.close(1007, "not a kernel message")


def _check_frame(message: Any) -> None:
    """Raise ValueError unless the offsets at a message's start lie within it, in order."""
    if not isinstance(message, bytes):
        raise ValueError("text")
    count = int.from_bytes(message[:8], "little")
    if not _MIN_OFFSETS <= count <= _MAX_OFFSETS:
        raise ValueError("count")
    offsets = [int.from_bytes(message[8 * i : 8 * (i + 1)], "little") for i in range(1, count + 1)]
    bounds = [8 * (count + 1), *offsets, len(message)]
    if bounds != sorted(bounds) or offsets[2] - offsets[1] > _MAX_HEADER:
        raise ValueError("offsets")


class Socket(Answer, KernelWebsocketHandler):  # type: ignore[misc]
    """The page's way to its kernel, for clients that speak the protocol."""

    async def pre_get(self) -> None:
        """Refuse other clients before a connection is made."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if _PROTOCOL not in (name.strip() for name in offered.split(",")):
            raise HTTPError(400, f"the subprotocol is {_PROTOCOL}")
        await super().pre_get()
