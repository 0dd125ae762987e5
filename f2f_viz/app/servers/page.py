"""The page of the app: who is shown it, and how it comes to hold the analyzer."""

import secrets
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jinja2
import nbformat
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from f2f_viz.app.servers import libraries
from f2f_viz.app.servers.answers import TEMPLATES, Answer

__all__ = ["Closing", "Page"]

_NOTEBOOK = Path(__file__).parents[1] / "analyzer.ipynb"
_THEMES = ("light", "dark")
_IN_PARTS = jinja2.Environment(loader=TEMPLATES, autoescape=True, enable_async=True)
_PAGE_POLICY = (
    "default-src 'none'; "
    "script-src 'self' 'nonce-{nonce}' blob: 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline' blob:; "
    "img-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self' data: blob:; "
    "worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page(Answer, JupyterHandler):  # type: ignore[misc]
    """The analyzer's page, in a kernel of its own; `tour` is the path of another tour."""

    def initialize(self, tour: str | None = None) -> None:
        """Take what the application is served with."""
        self._tour = tour

    def get_login_url(self) -> str:
        """Have no login page."""
        raise HTTPError(
            403,
            "The token is missing: open the complete address that f2f-viz printed when it started.",
        )

    def set_cors_headers(self) -> None:
        """Set none: no other page may read this one."""

    @authenticated  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Show the page; take the token out of the address first, a cookie serves from then on."""
        query = parse_qsl(self.request.query, keep_blank_values=True)
        others = [(name, value) for name, value in query if name != "token"]
        if others != query:
            self.redirect("/" + (f"?{urlencode(others)}" if others else ""))
            return
        kernel_id = self.kernel_manager.reserve()
        try:
            await self._show(kernel_id, dict(others).get("theme"))
        except StreamClosedError:  # gone before it was shown
            await self.kernel_manager.end(kernel_id)

    async def _show(self, kernel_id: str, theme: str | None) -> None:
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", _PAGE_POLICY.format(nonce=nonce))
        self.set_header("Cache-Control", "no-store")
        self.xsrf_token  # noqa: B018  sets the cookie that the page shows when it ends its kernel
        parts = _IN_PARTS.get_template("page.html.j2").generate_async(
            nonce=nonce,
            theme=theme if theme in _THEMES else _THEMES[0],
            run=partial(self._run, kernel_id),
            config=partial(_config, kernel_id),
        )
        async for part in parts:
            self.write(part)
            await self.flush()

    async def _run(self, kernel_id: str) -> list[Any]:
        """Start a kernel, run the notebook in it, return what it shows."""
        notebook = nbformat.read(_NOTEBOOK, 4)
        if self._tour is not None:
            notebook.cells[0].source = f"import f2f_viz\n\nf2f_viz.Analyzer(tour={self._tour!r})"
        client = NotebookClient(notebook, km=await self.kernel_manager.start(kernel_id))
        client.kc = await client.async_start_new_kernel_client()
        try:
            for index, cell in enumerate(notebook.cells):
                await client.async_execute_cell(cell, index, store_history=False)
        except CellExecutionError as error:
            return [{"data": {"text/plain": str(error)}, "metadata": {}}]
        finally:
            client.kc.stop_channels()
        return [output for cell in notebook.cells for output in cell.outputs if "data" in output]


def _config(kernel_id: str, theme: str) -> dict[str, Any]:
    """Return what the page's JupyterLab reads from the page."""
    return {
        "appUrl": "voila/",
        "appVersion": version("voila"),
        "baseUrl": "/",
        "disabledExtensions": [],
        "extensionConfig": {},
        "federated_extensions": libraries.extensions(),
        "fullLabextensionsUrl": "/voila/labextensions",
        "fullMathjaxUrl": None,  # its extension fails where it finds neither key
        "mathjaxConfig": None,
        "fullStaticUrl": "/voila/static",
        "jupyterLabTheme": theme,
        "kernelId": kernel_id,
        "progressiveRendering": False,
        "terminalsAvailable": False,
        "themesUrl": "/voila/api/themes",
    }


class Closing(APIHandler):  # type: ignore[misc]
    """Ends the kernel of a page that is left."""

    @authenticated  # type: ignore[untyped-decorator]
    async def post(self, kernel_id: str) -> None:
        """End it."""
        await self.kernel_manager.end(kernel_id)
        self.set_status(204)
        self.finish()
