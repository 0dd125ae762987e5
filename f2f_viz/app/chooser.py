"""What the controls name: a layer, loaded when another is named, and settings."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from f2f_viz.app import address, controls, guide, session, sources
from f2f_viz.app.history import History, Times
from f2f_viz.app.parts import Panel
from f2f_viz.errors import F2FError
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["Chooser"]

_LAYER = (*address.LAYER, "opened")
"""Controls' values that name the layer; `opened` counts how often somebody opened one."""


class Chooser:
    """The panel of controls, and the layer and settings that it names.

    Parameters
    ----------
    layer : Layer, optional
        The first sample layer if not given.
    settings : Settings
    path : str, optional
        The file that the layer is of; then the others of it can be chosen, too.
    chosen : callable
        Called when `layer` or `settings` have changed, or an error is mended; takes whether that is
        a step of its own, which `undo` undoes.
    failed : callable
        Called when the controls name what cannot be; the message stands beside the control.

    Attributes
    ----------
    panel : Panel
    layer : Layer
    settings : Settings
        The controls', while they are valid.
    """

    def __init__(
        self,
        layer: Layer | None,
        settings: Settings,
        *,
        path: str | None = None,
        chosen: Callable[[bool], None],
        failed: Callable[[], None],
    ) -> None:
        samples = sources.sample_options()
        start = {
            "source": "sample" if layer is None else "given" if path is None else "path",
            "sample": samples[0][0],
            "path": path or "",
            "tensor": None if layer is None or path is None else layer.name,
            "opened": 0,
            **settings.to_dict(),
        }
        self.layer = self._given = layer or sources.load(start, None)
        self.settings = settings
        self.panel = Panel(
            samples=samples,
            choices=controls.choices(),
            options=controls.shown_options(),
            help=controls.help_texts(),
            stages=controls.stages(),
            presets=controls.presets(),
            values=start,
        )
        if path is not None:
            self.panel.tensors = sources.tensor_options(path, "path")
            session.remember(path)
        self._uploads = sources.Uploads()
        self._model: sources.Model | None = None
        self._chosen, self._failed = chosen, failed
        self._changing = self._putting = self._undoing = self._news = False
        self._loaded = self._named()
        self._history = History(self.panel.values)
        self._describe()
        self.panel.observe(self._changed, "values")
        self.panel.on_msg(self._said)

    # ---- from Python -----------------------------------------------------------------------

    def put(self, values: Mapping[str, Any], made: Times | None = None) -> None:
        """Set controls by name; the layer first, for another one may change the pruning method.

        `made` is when somebody did so, as `History.note` takes it.
        """
        named = {name: value for name, value in values.items() if name in _LAYER}
        rest = {name: value for name, value in values.items() if name not in _LAYER}
        self._putting = True
        try:
            for change in (named, rest):
                self.panel.values = {**self.panel.values, **change}
        finally:
            self._putting = False
        self._tell(made)

    def undo(self, again: bool = False) -> None:
        """Go one step back; forward if `again`. From what was refused, to what stood before it."""
        if self._strayed and not again:
            self.put(self._history.now)
            return
        self._undoing = True
        self.put(self._history.redo() if again else self._history.undo())
        self._undoing = False
        self._mark()

    @property
    def uploaded(self) -> bool:
        """Whether there is a file to be chosen by the source "upload"."""
        return self._uploads.path is not None

    def give(self, layer: Layer) -> None:
        """Take a layer from Python."""
        if layer is self.layer:
            return
        self._given = layer
        self._loaded = ()
        self.panel.values = {**self.panel.values, "source": "given"}
        self._changed()

    def siblings(self) -> list[sources.Sibling]:
        """Return the layers beside the one chosen."""
        return sources.siblings(
            self.panel.values, self.panel.tensors, self._uploads.path, self.layer
        )

    def model(self) -> sources.Model:
        """Return the model that the layer chosen is of, the same while it stays that.

        Raises
        ------
        F2FError
            If its file cannot be read any more.
        """
        self._model = sources.model_of(
            self.panel.values, self.siblings(), self._uploads.path, self.layer, self._model
        )
        return self._model

    @property
    def has_model(self) -> bool:
        """Whether the layer chosen is one of several of a model."""
        source = self.panel.values["source"]
        return source == "sample" or (source != "given" and len(self.panel.tensors) > 1)

    def show_error(self, error: Exception) -> None:
        """Say beside the control at fault what is wrong, if the error names one."""
        field = getattr(error, "field", "")
        if field:
            self.panel.errors = {field: str(error)}

    # ---- from the page ---------------------------------------------------------------------

    def _named(self) -> tuple[Any, ...]:
        values = self.panel.values
        source = values["source"]
        named = values["sample"] if source == "sample" else values["path"]
        return source, named, values["tensor"], values["opened"]

    def _changed(self, _: Any = None) -> None:
        if self._changing:
            return
        self._changing = True
        try:
            fresh = self._named() != self._loaded and self._load()
            settings = controls.read_settings(self.panel.values)
        except F2FError as error:
            self.panel.errors = {error.field or "settings": str(error)}
            self._news = False
            self._mark()
            self._failed()
            return
        finally:
            self._changing = False
        mended = bool(self.panel.errors)
        self.panel.errors = {}
        if fresh or settings != self.settings or mended:
            self.settings = settings
            self._describe()
            self._news = True
        if not self._putting:
            self._tell()

    def _tell(self, made: Times | None = None) -> None:
        if not self._news:
            return
        self._news = False
        step = self._history.note(self.panel.values, made) or self._undoing
        self._mark()
        self._chosen(step)

    def _mark(self) -> None:
        self.panel.can_undo = self._history.can_undo or self._strayed
        self.panel.can_redo = self._history.can_redo and not self._strayed

    @property
    def _strayed(self) -> bool:
        """Whether the controls say what was refused."""
        return bool(self.panel.errors) and self.panel.values != self._history.now

    def _load(self) -> bool:
        """Take the layer that the controls name; False if they name none yet."""
        self._loaded = ()
        values = dict(self.panel.values)
        source = values["source"]
        if source in ("path", "upload"):
            path = values["path"] if source == "path" else self._uploads.path
            self.panel.tensors = []
            if not path:
                return False
            self.panel.tensors = sources.tensor_options(path, source)
        if source == "given":
            self.layer = self._given
        else:
            self.layer = sources.load(values, self._uploads.path)
        if source == "sample":
            values["method"] = sources.own_method(self.layer.name, values["method"])
        elif source != "given":
            values["tensor"] = self.layer.name
        if source == "path":
            session.remember(values["path"])
        self.panel.values = values
        self._loaded = self._named()
        return True

    def _describe(self) -> None:
        panel, settings = self.panel, self.settings
        with panel.hold_sync():
            panel.hints = controls.hints(settings)
            panel.as_json = json.dumps(settings.to_dict(), indent=2) + "\n"
            panel.as_python = controls.as_python(self.layer, panel.values, settings)

    def _said(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        if content["kind"] == "set":
            try:
                first, last = content["made"]
                self.put(content["change"], (first / 1000, last / 1000))
            finally:
                self.panel.send({"kind": "heard", "view": content["view"]})
        elif content["kind"] in ("undo", "redo"):
            self.undo(again=content["kind"] == "redo")
        elif content["kind"] == "settings":
            try:
                loaded = Settings.from_dict(json.loads(content["text"]))
            except (ValueError, TypeError, RecursionError) as error:
                self.panel.errors = {"settings": f"not settings: {error}"}
                return
            self.put(loaded.to_dict())
        elif content["kind"] == "guide":
            self.panel.send({"kind": "guide", "page": guide.page()})
        elif content["kind"] == "given up":
            self._uploads.give_up(content["id"])
        elif content["kind"] == "upload":
            whole = self._uploads.receive(content, buffers[0] if buffers else b"")
            self.panel.send({"kind": "received", "id": content["id"]})
            if whole:
                opened = {"tensor": None, "opened": self.panel.values["opened"] + 1}
                self.panel.values = {**self.panel.values, **opened}
