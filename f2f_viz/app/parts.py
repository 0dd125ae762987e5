"""The widgets that the analyzer is made of, beside its figures: controls, headline, bars."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from f2f_viz.figures.front_end import Widget, script

__all__ = ["Bar", "Headline", "Panel"]

_STATIC = Path(__file__).parent / "static"


class Panel(Widget):
    """The controls; see ``static/panel.js``. `values` holds what they say, by name.

    A page sends what somebody changed, and is told when that is heard.
    """

    _esm = script(_STATIC / "panel.js")

    values = traitlets.Dict().tag(sync=True)
    errors = traitlets.Dict().tag(sync=True)
    hints = traitlets.Dict().tag(sync=True)
    samples: Any = traitlets.List().tag(sync=True)
    tensors: Any = traitlets.List().tag(sync=True)
    auto_n_out = traitlets.Int(0).tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    help = traitlets.Dict().tag(sync=True)
    stages: Any = traitlets.List().tag(sync=True)
    presets: Any = traitlets.List().tag(sync=True)
    as_json = traitlets.Unicode().tag(sync=True)
    as_python = traitlets.Unicode().tag(sync=True)
    can_undo = traitlets.Bool(False).tag(sync=True)
    can_redo = traitlets.Bool(False).tag(sync=True)


class Headline(Widget):
    """Headline numbers, progress and badge; see ``static/headline.js``."""

    _esm = script(_STATIC / "headline.js")

    layer = traitlets.Unicode().tag(sync=True)
    cards: Any = traitlets.List().tag(sync=True)
    state = traitlets.Unicode("idle").tag(sync=True)
    """idle, stale (no number of these settings yet), preview, exact, cancelled or failed."""
    status = traitlets.Unicode("").tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)
    badge = traitlets.Dict().tag(sync=True)
    pinned: Any = traitlets.List().tag(sync=True)
    """What is pinned and what differs from it now, two texts; empty if nothing is."""
    held = traitlets.Unicode("").tag(sync=True)
    """Key of the card whose formula stays in sight."""

    def tell(self, state: str, status: str, progress: float = 0.0) -> None:
        """Say how the work stands."""
        with self.hold_sync():
            self.state, self.status, self.progress = state, status, progress


class Bar(Widget):
    """A sentence on what is shown now, and the view's own buttons and checks.

    Parameters
    ----------
    text : str, optional
    buttons : dict of str to callable, optional
        By label.
    checks : dict of str to callable, optional
        By label; called with what is checked, which at first is all.
    """

    _esm = script(_STATIC / "bar.js")

    text = traitlets.Unicode().tag(sync=True)
    buttons: Any = traitlets.List().tag(sync=True)
    checks = traitlets.Dict().tag(sync=True)
    off = traitlets.Dict().tag(sync=True)
    """Checks that change nothing now, and what to do about it."""

    def __init__(
        self,
        text: str = "",
        buttons: dict[str, Callable[[], None]] | None = None,
        checks: dict[str, Callable[[bool], None]] | None = None,
    ) -> None:
        self._buttons, self._checks = buttons or {}, checks or {}
        super().__init__(
            text=text, buttons=list(self._buttons), checks=dict.fromkeys(self._checks, True)
        )
        self.on_msg(lambda _, content, __: self._buttons[content["pressed"]]())
        self.observe(self._checked, "checks")

    def _checked(self, change: Any) -> None:
        for label, checked in change["new"].items():
            if checked != change["old"][label]:
                self._checks[label](checked)
