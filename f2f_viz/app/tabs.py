"""What stands in each tab: which views, and how they are laid out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import ipywidgets as widgets

from f2f_viz.analysis import Analysis
from f2f_viz.app.embed import FigureWidget
from f2f_viz.figures.bits import BitsView
from f2f_viz.figures.decoder import DecoderView
from f2f_viz.figures.histogram import HistogramView
from f2f_viz.figures.mask import MaskView
from f2f_viz.figures.palette import Theme

__all__ = ["TABS", "Link", "Tab"]


class View(Protocol):
    """What draws itself from an analysis."""

    root: Any

    def update(self, analysis: Analysis) -> None: ...


@dataclass
class Link:
    """What the views say to each other: the block chosen in one is shown in all."""

    theme: Theme
    select: Callable[[int], None]


@dataclass
class Tab:
    """One tab, built: its widget, its views, and how many Bokeh roots it draws."""

    root: widgets.Widget
    views: dict[str, View]
    figures: int = 0


def _box(name: str, *children: widgets.Widget) -> widgets.Box:
    box = widgets.Box(children)
    box.add_class("f2f-view")
    box.add_class(f"f2f-view-{name}")
    return box


def _figure(name: str, model: Any) -> widgets.Widget:
    widget = FigureWidget(model)
    widget.add_class(f"f2f-figure-{name}")
    return widget


# Views are updated before they become widgets: a page that is still drawing one misses patches.


def _mask(link: Link, analysis: Analysis) -> Tab:
    views: dict[str, View] = {
        "mask": MaskView(link.theme, link.select),
        "histogram": HistogramView(link.theme),
        "bits": BitsView(link.theme),
    }
    for view in views.values():
        view.update(analysis)
    figures = [_figure(name, view.root) for name, view in views.items()]
    return Tab(_box("mask", *figures), views, len(figures))


def _decoder(link: Link, analysis: Analysis) -> Tab:
    decoder = DecoderView()
    decoder.update(analysis)
    decoder.root.observe(lambda change: link.select(change["new"]), "cycle")
    return Tab(_box("decoder", decoder.root), {"decoder": decoder})


TABS: dict[str, Callable[[Link, Analysis], Tab]] = {"Mask": _mask, "Decoder": _decoder}
