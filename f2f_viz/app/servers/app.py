"""The server of the app: one page, its kernels, and the libraries that the page loads.

It is put together from Jupyter's parts and obeys no configuration: there is nothing in it that
would read one.
"""

import asyncio
import logging
import os
import re
import secrets
from typing import Any

from f2f_viz.app.scratch import own_folder
from f2f_viz.app.servers.ending import end_on_signals
from f2f_viz.app.servers.isolation import isolate
from f2f_viz.app.servers.listening import LOOPBACK, MAX_MESSAGE, listen, open_browser

__all__ = ["serve_app"]

_QUIET = {"asyncio": logging.CRITICAL, "tornado": logging.ERROR, "traitlets": logging.ERROR}


def serve_app(port: int | None = None, browser: bool = True, tour: str | None = None) -> None:
    """Serve the analyzer until interrupted, and print its URL once it serves.

    Parameters
    ----------
    port : int, optional
        Port on 127.0.0.1; any free one by default.
    browser : bool
        Open the page in the user's browser.
    tour : path, optional
        Of a tour that pages offer in place of the shipped one; the caller has read it.

    Raises
    ------
    F2FError
        If the port cannot be taken, or no temporary folder written to.
    """
    sockets = listen(port)
    folder = own_folder()
    isolate(folder)
    # Jupyter's modules read the environment when they are imported
    from f2f_viz.app.servers.kernels import Kernels, pids

    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    token = secrets.token_hex(16)
    tour = None if tour is None else os.path.realpath(tour)
    url = f"http://{LOOPBACK}:{sockets[0].getsockname()[1]}/?token={token}"

    async def serve() -> None:
        from tornado.httpserver import HTTPServer

        kernels = Kernels(folder)
        end_on_signals(lambda: pids(kernels), folder)
        HTTPServer(application(kernels, token, tour)).add_sockets(sockets)
        print(url, flush=True)
        if browser:
            open_browser(url)
        await asyncio.Event().wait()

    asyncio.run(serve())


def application(kernels: Any, token: str, tour: str | None = None) -> Any:
    """Return the application: who may ask (Host, token), and for what.

    Parameters
    ----------
    kernels : Kernels
    token : str
        Opens the page; a cookie does from then on.
    tour : str, optional
        Path of the tour that pages offer.
    """
    from jupyter_server.auth import AllowAllAuthorizer
    from jupyter_server.auth.identity import IdentityProvider
    from jupyter_server.services.kernels.handlers import KernelHandler
    from tornado.web import Application

    from f2f_viz.app.servers import libraries
    from f2f_viz.app.servers.answers import HEADERS, HOSTS, Library, Refusal
    from f2f_viz.app.servers.kernels import Connection, Socket
    from f2f_viz.app.servers.page import Closing, Page

    kernel_id = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
    identity = IdentityProvider(
        token=token, cookie_options={"samesite": "Lax", "expires_days": None}
    )
    made = Application(
        default_handler_class=Refusal,
        log_function=lambda _: None,
        base_url="/",
        headers=HEADERS,
        kernel_manager=kernels,
        kernel_websocket_connection_class=Connection,
        identity_provider=identity,
        authorizer=AllowAllAuthorizer(identity_provider=identity),
        cookie_secret=secrets.token_bytes(32),
        websocket_max_message_size=MAX_MESSAGE,
        # no keep-alive on loopback: Jupyter's own takes a slow page for a dead one
        ws_ping_interval=0,
    )
    made.add_handlers(
        f"^({'|'.join(map(re.escape, HOSTS))})$",
        [
            (r"/", Page, {"tour": tour}),
            (rf"/api/kernels/{kernel_id}", KernelHandler),
            (rf"/api/kernels/{kernel_id}/channels", Socket),
            (rf"/voila/api/shutdown/{kernel_id}", Closing),
            *(
                (rf"{address}(.*)", Library, {"path": str(path)})
                for address, path in libraries.folders().items()
            ),
        ],
    )
    return made
