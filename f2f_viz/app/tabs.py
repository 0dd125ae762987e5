"""What stands in each tab: which views, and how they are laid out."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets as widgets

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.analysis.compare import Bounds, Rival, bounds, compare, verdict
from f2f_viz.app.embed import FigureWidget
from f2f_viz.app.exporting import ExportView
from f2f_viz.app.filler import Filler
from f2f_viz.app.sources import Sibling
from f2f_viz.app.sweeping import SweepView
from f2f_viz.codec.trellis import max_n_in
from f2f_viz.figures.bits import BitsView
from f2f_viz.figures.compare import CompareView
from f2f_viz.figures.decoder import DecoderView
from f2f_viz.figures.histogram import HistogramView
from f2f_viz.figures.mask import MaskView
from f2f_viz.figures.palette import Theme
from f2f_viz.figures.planes import PlanesView
from f2f_viz.figures.ratio import STAGES, CurvePoint, RatioView, point_of
from f2f_viz.figures.trellis import TrellisView
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["TABS", "Link", "Tab"]

_RATES = (0.9, 0.7, 0.95, 0.5, 0.8, 0.85, 0.6, 0.97)


@dataclass
class Link:
    """What the views ask of the analyzer: a block or plane chosen in one is shown in all."""

    theme: Theme
    select: Callable[[int], None]
    choose_plane: Callable[[int], None]
    open_plane: Callable[[int], None]
    busy: Callable[[], bool]
    where: Callable[[], tuple[int, int]]
    change: Callable[[dict[str, Any]], None]
    siblings: Callable[[], list[Sibling]]


@dataclass
class Tab:
    """One tab, built: its widget, its views, how many Bokeh roots it draws, and what it measures.

    A view has `root` and ``update(analysis)``; some have more, by which the analyzer leads them.

    `fill` is called with an exact analysis while the tab is shown, `pause` when it is left.
    """

    root: widgets.Widget
    views: dict[str, Any]
    figures: int = 0
    fill: Callable[[Analysis], None] | None = None
    pause: Callable[[], None] | None = None


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
    views: dict[str, Any] = {
        "mask": MaskView(link.theme, link.select),
        "histogram": HistogramView(link.theme),
        "bits": BitsView(link.theme),
    }
    for view in views.values():
        view.update(analysis)
    figures = [_figure(name, view.root) for name, view in views.items()]
    grid = widgets.Checkbox(value=True, description="Block grid", indent=False)
    grid.tooltip = "row order: where blocks begin; interleaved: the banks that blocks draw from"
    grid.observe(lambda change: setattr(views["mask"], "grid_shown", change["new"]), "value")
    return Tab(_box("mask", *figures, grid.add_class("f2f-grid-check")), views, len(figures))


def _decoder(link: Link, analysis: Analysis) -> Tab:
    decoder = DecoderView()
    plane, cycle = link.where()
    if (plane, cycle) != (0, 0):
        decoder.root.plane, decoder.root.cycle = plane, cycle
    decoder.update(analysis)
    link.select(decoder.root.cycle)
    decoder.root.observe(lambda change: link.select(change["new"]), "cycle")
    decoder.root.observe(lambda change: link.choose_plane(change["new"]), "plane")
    return Tab(_box("decoder", decoder.root), {"decoder": decoder})


def _planes(link: Link, analysis: Analysis) -> Tab:
    planes = PlanesView()
    planes.update(analysis)
    planes.root.on_msg(lambda _, content, __: link.open_plane(content["plane"]))
    return Tab(_box("planes", planes.root), {"planes": planes})


def _curve_jobs(analysis: Analysis) -> list[tuple[Layer, Settings]]:
    """The grid of the ratio tab: every register length at every rate, quick ones first."""
    settings = analysis.settings
    method = (
        settings.method if settings.method in ("magnitude", "random", "scores") else "magnitude"
    )
    return [
        (
            analysis.given,
            replace(
                settings, method=method, rate=rate, n_s=n_s, n_in=min(settings.n_in, max_n_in(n_s))
            ),
        )
        for n_s in STAGES
        for rate in _RATES
    ]


def _measure(job: tuple[Layer, Settings], cancel: threading.Event) -> CurvePoint:
    return point_of(analyze(*job, preview=True, cancel=cancel))


def _ratio(link: Link, analysis: Analysis) -> Tab:
    view = RatioView(link.theme)
    view.update(analysis)
    filler = Filler(_measure, view.show_curve, link.busy)

    def fill(analysis: Analysis) -> None:
        jobs = _curve_jobs(analysis)
        filler.request((id(analysis.given), tuple(settings for _, settings in jobs)), jobs)

    return Tab(_box("ratio", _figure("ratio", view.root)), {"ratio": view}, 1, fill, filler.pause)


def _compare(link: Link, analysis: Analysis) -> Tab:
    view = CompareView(link.theme)

    def work(a: Analysis, _: threading.Event) -> tuple[list[Rival], Bounds]:
        options = a.layer.weights, a.mask, a.encoded
        return compare(*options), bounds(*options)

    said = widgets.HTML().add_class("f2f").add_class("f2f-verdict")

    def show(results: Sequence[tuple[list[Rival], Bounds]], *_: int) -> None:
        view.show(*results[0])
        said.value = verdict(results[0][0])

    filler = Filler(work, show, link.busy)

    def fill(analysis: Analysis) -> None:
        view.wait()
        filler.request(id(analysis), [analysis])

    return Tab(_box("compare", said, _figure("compare", view.root)), {}, 1, fill, filler.pause)


def _trellis(link: Link, analysis: Analysis) -> Tab:
    view = TrellisView(link.theme)
    view.update(analysis)
    view.go(*link.where())
    actions: dict[str, Callable[[], None]] = {
        "Step back": lambda: link.select(max(link.where()[1] - 1, 0)),
        "Step": lambda: link.select(link.where()[1] + 1),
        "Small code: n_in = 3, n_s = 2": lambda: link.change({"n_in": 3, "n_s": 2, "n_out": None}),
    }
    buttons = []
    for text, action in actions.items():
        button = widgets.Button(description=text, layout=widgets.Layout(width="auto"))
        button.on_click(lambda _, action=action: action())
        buttons.append(button)
    bar = widgets.Box(buttons).add_class("f2f-bar-buttons")
    return Tab(_box("trellis", bar, _figure("trellis", view.root)), {"trellis": view}, 1)


def _sweep(link: Link, analysis: Analysis) -> Tab:
    view = SweepView(link.change, link.busy, link.siblings)
    view.update(analysis)
    return Tab(_box("sweep", view.root), {"sweep": view}, pause=view.pause)


def _export(link: Link, analysis: Analysis) -> Tab:
    view = ExportView(link.where)
    view.update(analysis)
    return Tab(_box("export", view.root), {"export": view})


TABS: dict[str, Callable[[Link, Analysis], Tab]] = {
    "Mask": _mask,
    "Ratio": _ratio,
    "Planes": _planes,
    "Decoder": _decoder,
    "Trellis": _trellis,
    "Sweep": _sweep,
    "Compare": _compare,
    "Export": _export,
}
