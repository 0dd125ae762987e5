"""Bokeh figures and our own front-end modules as ipywidgets."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from bokeh.core.serialization import Buffer, BytesRep, Serializer
from bokeh.document.json import PatchJson
from bokeh.io import output_notebook
from bokeh.models import LayoutDOM
from bokeh.protocol.messages.patch_doc import patch_doc
from bokeh.resources import INLINE
from bokeh.util.serialization import make_id
from IPython.core.getipython import get_ipython
from jupyter_bokeh.widgets import BokehModel

from f2f_viz.figures import palette

__all__ = ["FigureWidget", "Headline", "Panel", "Tabs", "load_bokeh", "soon"]

_STATIC = Path(__file__).parent / "static"
_INLINE_BYTES = 4096


def load_bokeh() -> None:
    """Put BokehJS into the notebook's page; the default would fetch it from an outside host."""
    if get_ipython() is not None:
        output_notebook(INLINE, hide_banner=True)


def soon(call: Callable[[], None]) -> None:
    """Call when the event loop comes round, in the order of asking; at once where none runs."""
    try:
        asyncio.get_running_loop().call_soon(call)
    except RuntimeError:
        call()


class _Packer(Serializer):  # type: ignore[misc]
    """Writes small arrays into the text: each buffer costs two messages of its own."""

    def _encode_bytes(self, obj: Any) -> Any:
        if memoryview(obj).nbytes <= _INLINE_BYTES:
            return BytesRep(type="bytes", data=Buffer(make_id(), obj).to_base64())
        return super()._encode_bytes(obj)


class FigureWidget(BokehModel):  # type: ignore[misc]
    """A Bokeh figure whose saved state is always its present one, and whose changes go together.

    jupyter_bokeh sends every change as a patch of its own, in five messages or more, and leaves
    the state that a new page reads as it was when the figure was made.
    """

    def __init__(self, model: LayoutDOM) -> None:
        self._events: list[Any] = []
        model.tags = ["f2f-viz"]  # by which headline.js knows our documents
        super().__init__(model)
        self.add_class("f2f-figure")

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the widget's state, rendered anew where it is asked for."""
        wanted = [key] if isinstance(key, str) else key
        if wanted is None or "render_bundle" in wanted:
            self._trait_values["render_bundle"] = self._model_to_traits(self._model)
        return super().get_state(key, drop_defaults)

    def _document_patched(self, event: Any) -> None:
        if event.setter is self:
            return
        self._events.append(event)
        if len(self._events) == 1:
            soon(self._send_patch)

    def _send_patch(self) -> None:
        events, self._events = self._events, []
        models = self._model.document.models
        packer = _Packer(references=models.synced_references)
        content = PatchJson(events=packer.encode(events))
        models.flush_synced(lambda model: not packer.has_ref(model))
        message = patch_doc(patch_doc.create_header(), {}, content)
        message.add_buffers(*packer.buffers)
        for text in (message.header_json, message.metadata_json, message.content_json):
            self.send({"msg": "patch", "payload": text})
        for buffer in message.buffers:
            self.send({"msg": "patch", "payload": json.dumps(buffer.ref)})
            self.send({"msg": "patch"}, [buffer.to_bytes()])


class Panel(anywidget.AnyWidget):
    """The controls; see ``static/panel.js``. `values` holds what they say, by name."""

    _esm = _STATIC / "panel.js"
    _css = palette.css() + (_STATIC / "app.css").read_text("utf-8")

    values = traitlets.Dict().tag(sync=True)
    errors = traitlets.Dict().tag(sync=True)
    hints = traitlets.Dict().tag(sync=True)
    samples: Any = traitlets.List().tag(sync=True)
    tensors: Any = traitlets.List().tag(sync=True)
    auto_n_out = traitlets.Int(0).tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    as_json = traitlets.Unicode().tag(sync=True)
    as_python = traitlets.Unicode().tag(sync=True)
    as_query = traitlets.Unicode().tag(sync=True)


class Headline(anywidget.AnyWidget):
    """Headline numbers, progress and badge; see ``static/headline.js``."""

    _esm = _STATIC / "headline.js"

    layer = traitlets.Unicode().tag(sync=True)
    cards: Any = traitlets.List().tag(sync=True)
    state = traitlets.Unicode("idle").tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)
    badge = traitlets.Dict().tag(sync=True)
    figures = traitlets.Int(0).tag(sync=True)
    serial = traitlets.Int(0).tag(sync=True)


class Tabs(anywidget.AnyWidget):
    """The tab strip; see ``static/tabs.js``."""

    _esm = _STATIC / "tabs.js"

    tabs: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Int(0).tag(sync=True)
