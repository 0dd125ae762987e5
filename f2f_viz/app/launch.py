"""Serve the analyzer: Voilà on loopback for `f2f-viz app`, JupyterLab for `f2f-viz lab`."""

import logging
import os
import secrets
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import Any

import tornado.ioloop
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from f2f_viz.errors import F2FError

__all__ = ["launch", "launch_lab"]

_HERE = Path(__file__).parent
_LOOPBACK = "127.0.0.1"
# A message over the limit closes the socket without a word, so leave room for uploaded layers.
_MAX_MESSAGE = 256 * 1024 * 1024


def _sockets(port: int | None) -> list[Any]:
    try:
        return list(bind_sockets(port or 0, _LOOPBACK))
    except (OSError, OverflowError) as error:
        raise F2FError(
            "cannot listen",
            expected=f"a free port on {_LOOPBACK}",
            got=str(port),
            hint="leave the port out to take any free one",
        ) from error


def _open_browser(url: str) -> None:
    # webbrowser may block until a text-mode browser ends
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def launch(port: int | None = None, browser: bool = True) -> None:
    """Serve the analyzer until interrupted, and print its URL once it serves.

    Parameters
    ----------
    port : int, optional
        Port on 127.0.0.1; any free one by default.
    browser : bool
        Open the page in the user's browser.

    Raises
    ------
    F2FError
        If the port cannot be taken.
    """
    # the template is found like any Jupyter data file; voila reads the path when it is imported
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(_HERE / "jupyter"), os.environ.get("JUPYTER_PATH")])
    )
    from voila.app import Voila
    from voila.tornado.handler import TornadoVoilaHandler

    sockets = _sockets(port)
    token = secrets.token_hex(16)
    url = f"http://{_LOOPBACK}:{sockets[0].getsockname()[1]}/?token={token}"

    class Page(TornadoVoilaHandler):  # type: ignore[misc]
        async def get(self, path: str | None = None) -> Any:
            # Sets the cookie that the page must show when it leaves, to end its kernel; Voilà
            # checks for it and never sets it.
            self.xsrf_token  # noqa: B018
            return await super().get(path)

    class Server(Voila):  # type: ignore[misc]
        def init_handlers(self) -> list[Any]:
            return [
                (route, Page if handler is TornadoVoilaHandler else handler, *options)
                for route, handler, *options in super().init_handlers()
            ]

        def listen(self) -> None:
            HTTPServer(self.app).add_sockets(sockets)
            self.ioloop = tornado.ioloop.IOLoop.current()
            self.ioloop.add_callback(print, url, flush=True)
            if browser:
                self.ioloop.add_callback(_open_browser, url)
            try:
                self.ioloop.start()
            except KeyboardInterrupt:
                print(file=sys.stderr)
            finally:
                self.stop()

    # a page that closes amid a message is no news
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    server = Server(
        token=token,
        ip=_LOOPBACK,
        notebook_path=str(_HERE / "analyzer.ipynb"),
        root_dir=str(_HERE),
        log_level="ERROR",
        tornado_settings={
            "websocket_max_message_size": _MAX_MESSAGE,
            # no keep-alive on loopback: jupyter_server's own takes a slow page for a dead one
            "ws_ping_interval": 0,
        },
    )
    server.config.VoilaConfiguration.template = "f2f"
    server.config.VoilaConfiguration.file_allowlist = []
    # Lab's button for Voilà previews: of no use here, and made for another JupyterLab
    server.config.VoilaConfiguration.extension_denylist = ["@voila-dashboards/jupyterlab-preview"]
    server.config.KernelManager.transport = "ipc"
    # a page that closes ends its kernel; one that crashes leaves it to these
    server.config.MappingKernelManager.cull_idle_timeout = 120
    server.config.MappingKernelManager.cull_interval = 30
    server.config.VoilaConfiguration.show_tracebacks = True
    server.initialize([])
    # a kernel that is ended has no time to tidy up: its uploads go with the server's own folder
    with tempfile.TemporaryDirectory(prefix="f2f-viz-") as scratch:
        os.environ["TMPDIR"] = scratch
        server.start()


def launch_lab(port: int | None = None, browser: bool = True) -> None:
    """Open JupyterLab on the notebooks, until interrupted.

    Parameters
    ----------
    port : int, optional
        Port on 127.0.0.1; any free one by default.
    browser : bool
        Open the page in the user's browser.

    Raises
    ------
    F2FError
        If the port cannot be taken.
    """
    from jupyterlab.labapp import LabApp

    notebooks = _HERE.parents[1] / "notebooks"
    sockets = _sockets(port)
    free = sockets[0].getsockname()[1]
    for socket in sockets:
        socket.close()
    token = secrets.token_hex(16)
    app = LabApp.initialize_server(
        argv=[
            f"--ServerApp.ip={_LOOPBACK}",
            f"--ServerApp.port={free}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={notebooks if notebooks.is_dir() else Path.cwd()}",
            f"--ServerApp.open_browser={browser}",
            f"--ServerApp.tornado_settings={{'websocket_max_message_size': {_MAX_MESSAGE}}}",
            "--ServerApp.allow_root=True",
            # nothing asks an outside host
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
            "--ServerApp.log_level=ERROR",
        ]
    )
    app.io_loop = tornado.ioloop.IOLoop.current()
    app.io_loop.add_callback(print, f"http://{_LOOPBACK}:{free}/lab?token={token}", flush=True)
    app.start()
