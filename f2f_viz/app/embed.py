"""Bokeh figures and our own front-end modules as ipywidgets."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets
from bokeh.io import output_notebook
from bokeh.models import LayoutDOM
from bokeh.resources import INLINE
from IPython.core.getipython import get_ipython
from jupyter_bokeh.widgets import BokehModel

from f2f_viz.figures import palette

__all__ = ["FigureWidget", "Headline", "Panel", "Tabs", "load_bokeh"]

_STATIC = Path(__file__).parent / "static"


def load_bokeh() -> None:
    """Put BokehJS into the notebook's page; the default would fetch it from an outside host."""
    if get_ipython() is not None:
        output_notebook(INLINE, hide_banner=True)


class FigureWidget(BokehModel):  # type: ignore[misc]
    """A Bokeh figure whose saved state is always its present one.

    jupyter_bokeh sends changes as patches and leaves the state that a new page reads as it was
    when the figure was made.
    """

    def __init__(self, model: LayoutDOM) -> None:
        super().__init__(model)
        self.add_class("f2f-figure")

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the widget's state, rendered anew where it is asked for."""
        wanted = [key] if isinstance(key, str) else key
        if wanted is None or "render_bundle" in wanted:
            self._trait_values["render_bundle"] = self._model_to_traits(self._model)
        return super().get_state(key, drop_defaults)


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
