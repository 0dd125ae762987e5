"""What all answers of the app's server have in common, and the simplest ones."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

__all__ = ["HEADERS", "HOSTS", "TEMPLATES", "Answer", "Library", "Refusal"]

HOSTS = ("127.0.0.1", "localhost")
"""What a browser may call this server; another name is a stranger's that leads here."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer; the page's policy lets it load its libraries and run widgets."""
TEMPLATES = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
_WHOLE = jinja2.Environment(loader=TEMPLATES, autoescape=True)


class Answer(RequestHandler):  # type: ignore[misc]
    """Carries the headers, and says errors in words."""

    def set_default_headers(self) -> None:
        """Set them."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **keys: Any) -> None:
        """Show what is wrong."""
        error = keys.get("exc_info", (None, None))[1]
        said = error.log_message if isinstance(error, HTTPError) and error.log_message else ""
        title = f"{status_code} {HTTPStatus(status_code).phrase}"
        self.finish(_WHOLE.get_template("error.html.j2").render(title=title, said=said))


class Refusal(Answer):
    """What is served under no other address, or to another Host."""

    def prepare(self) -> None:
        """Refuse."""
        if self.request.host_name in HOSTS:
            raise HTTPError(404)
        raise HTTPError(403, "This server answers to 127.0.0.1 and localhost only.")


class Library(Answer, StaticFileHandler):  # type: ignore[misc]
    """A file of a library."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return the file that an address names; no file has a NUL in its name."""
        if "\0" in path:
            raise HTTPError(404)
        found: str = super().get_absolute_path(root, path)
        return found

    def set_extra_headers(self, path: str) -> None:
        """Have a browser ask whether it changed: another version may serve on this port."""
        self.set_header("Cache-Control", "no-cache")
