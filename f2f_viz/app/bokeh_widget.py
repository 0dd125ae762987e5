"""Bokeh figures as widgets: BokehJS once a page, changes over a widget's own comm."""

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import bokeh
import traitlets
from bokeh.core.serialization import Buffer, Serialized, Serializer
from bokeh.document import Document
from bokeh.document.json import PatchJson
from bokeh.models import DataRange1d, LayoutDOM

from f2f_viz.figures.front_end import Widget, packed

__all__ = ["FigureWidget", "soon"]

_STATIC = Path(__file__).parent / "static"


def soon(call: Callable[[], None]) -> None:
    """Call when the event loop comes round, in the order of asking; at once where none runs."""
    try:
        asyncio.get_running_loop().call_soon(call)
    except RuntimeError:
        call()


@cache
def _bokehjs() -> bytes:
    script = Path(bokeh.__file__).parent / "server/static/js/bokeh.min.js"
    return gzip.compress(script.read_bytes(), 9, mtime=0)


class _BokehJS(Widget):
    """BokehJS, compressed, once a kernel: the pages take it from here, and no host is asked."""

    gz = traitlets.Bytes().tag(sync=True)
    _only: "ClassVar[_BokehJS | None]" = None

    @classmethod
    def only(cls) -> "_BokehJS":
        if cls._only is None or cls._only.comm is None:  # closed with all other widgets
            cls._only = cls(gz=_bokehjs())
        return cls._only


def _text(content: Any) -> str:
    return json.dumps(
        content,
        default=lambda value: value.ref if isinstance(value, Buffer) else value,
        separators=(",", ":"),
    )


def _message(content: Any, buffers: Sequence[Buffer]) -> tuple[dict[str, Any], list[bytes]]:
    message = {"text": _text(content), "ids": [buffer.id for buffer in buffers]}
    return message, [buffer.to_bytes() for buffer in buffers]


def _packed(message: dict[str, Any], buffers: list[bytes]) -> dict[str, Any]:
    """Compress a message as saved notebooks hold it: its text, then its buffers."""
    parts = [message["text"].encode(), *buffers]
    return {
        "revision": message["revision"],
        "ids": message["ids"],
        "sizes": [len(part) for part in parts],
        "gz": gzip.compress(b"".join(parts), 6, mtime=0),
    }


class FigureWidget(Widget):
    """A Bokeh figure, live in any page that shows anywidgets.

    Every view holds a document of its own, brought to the same revision: what changes here
    together goes to them as one numbered patch, and what changes in one of them comes here and
    goes to the others. A view that misses a number asks for the whole document.

    Parameters
    ----------
    model : bokeh LayoutDOM
    name : str
        A class of the element it is drawn in.
    """

    # text: anywidget keeps each widget whose code is a path, to tell it of changes of the file
    _esm = packed(_STATIC / "figure.js")

    name = traitlets.Unicode().tag(sync=True)
    version = traitlets.Unicode(bokeh.__version__).tag(sync=True)
    library = anywidget.WidgetTrait().tag(sync=True)
    whole = traitlets.Any(None).tag(sync=True)
    """The document as it is when somebody asks for the state."""

    def __init__(self, model: LayoutDOM, name: str = "") -> None:
        self.model = model
        self._changes: list[Any] = []
        self._revision = 0
        self._views: set[str] = set()
        if model.document is None:
            Document().add_root(model)
        self._document = model.document
        super().__init__(name=name, library=_BokehJS.only())
        self._document.on_change_dispatch_to(self)
        self.on_msg(self._heard)

    def close(self) -> None:
        """Leave the document, and the pages."""
        if self.comm is not None:
            self._document.remove_on_change(self)
            self.layout.close()
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the widget's state, with the document as it is now."""
        wanted = [key] if isinstance(key, str) else key
        if wanted is None or "whole" in wanted:
            self._send_changes()
            self._trait_values["whole"] = _packed(*self._whole())
        state = super().get_state(key, drop_defaults)
        self._trait_values["whole"] = None
        return state

    def _whole(self) -> tuple[dict[str, Any], list[bytes]]:
        done: Serialized[Any] = self._document.to_json()
        message, buffers = _message(done.content, done.buffers or [])
        return {"revision": self._revision, **message}, buffers

    # ---- to the pages: Bokeh calls this by its name ----------------------------------------

    def _document_patched(self, event: Any) -> None:
        if event.setter is self:
            return
        self._changes.append(event)
        if len(self._changes) == 1:
            soon(self._send_changes)

    def _send_changes(self) -> None:
        changes, self._changes = self._changes, []
        if not changes or self.comm is None:
            return
        models = self._document.models
        packer = Serializer(references=models.synced_references)
        content = PatchJson(events=packer.encode(changes))
        models.flush_synced(lambda model: not packer.has_ref(model))
        self._send_patch(*_message(content, packer.buffers))

    def _send_patch(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        self._revision += 1
        self.send({"kind": "patch", "revision": self._revision, **message}, buffers)

    # ---- from a page -----------------------------------------------------------------------

    def _heard(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        kind, view = content["kind"], content["view"]
        self._send_changes()
        if kind == "open":
            self._views.add(view)
            if content["revision"] != self._revision:
                message, parts = self._whole()
                self.send({"kind": "whole", "to": view, **message}, parts)
        elif kind == "gone":
            self._views.discard(view)
        elif kind == "patch":
            parts = [bytes(part) for part in buffers]
            named = [Buffer(*pair) for pair in zip(content["ids"], parts, strict=True)]
            patch = json.loads(content["text"])
            patch["events"] = [e for e in patch["events"] if not self._is_computed(e)]
            self._document.apply_json_patch(Serialized(patch, named), setter=self)
            # to the other views: what changed, not what happened
            patch["events"] = [e for e in patch["events"] if e["kind"] != "MessageSent"]
            if patch["events"] and len(self._views) > 1:
                message = {"text": _text(patch), "ids": content["ids"], "from": view}
                self._send_patch(message, parts)

    def _is_computed(self, event: dict[str, Any]) -> bool:
        """Whether a view tells the ends of a range that it found by the data shown.

        Each finds them itself: in the document they would be fixed for every view to come.
        """
        if event["kind"] != "ModelChanged" or event["attr"] not in ("start", "end"):
            return False
        return isinstance(self._document.get_model_by_id(event["model"]["id"]), DataRange1d)
