"""What stands in each tab: which views, and what they say and ask."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bokeh.models import LayoutDOM

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.analysis.compare import Bounds, Rival, bounds, compare, verdict
from f2f_viz.analysis.curves import CurvePoint, curve_settings, point_of, score_settings
from f2f_viz.app.bokeh_widget import FigureWidget
from f2f_viz.app.exporting import ExportView
from f2f_viz.app.filler import Filler
from f2f_viz.app.parts import Bar
from f2f_viz.app.scoring import Scorer
from f2f_viz.app.selection import Selection
from f2f_viz.app.sources import Model, Sibling
from f2f_viz.app.surveying import ModelView
from f2f_viz.app.sweeping import SweepView
from f2f_viz.app.trail import parts_of
from f2f_viz.app.view_settings import ViewSettings
from f2f_viz.figures.bits import BitsView
from f2f_viz.figures.circuit import CircuitView
from f2f_viz.figures.compare import CompareView
from f2f_viz.figures.decoder import DecoderView
from f2f_viz.figures.front_end import Widget
from f2f_viz.figures.histogram import HistogramView
from f2f_viz.figures.lanes import LanesView, lanes_data
from f2f_viz.figures.mask import MaskView
from f2f_viz.figures.palette import Theme
from f2f_viz.figures.planes import PlanesView
from f2f_viz.figures.ratio import RatioView
from f2f_viz.figures.style import scale_text
from f2f_viz.figures.unfolding import UnfoldingView
from f2f_viz.figures.waveform import WaveformView
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["TABS", "Link", "Tab"]

_GRID = "Block grid"


@dataclass(frozen=True)
class Link:
    """What the views ask of the analyzer.

    `select` takes fields of a `Selection`, `set_view` of `ViewSettings`, `show` the name of a tab,
    `change` values of the controls by name; `busy` is whether the user's own work runs, `hurried`
    whether a preview is waited for. `model` gives the model that the layer is of; `picked` are
    layers of it that were chosen for a sweep, which takes them. `scorer` says
    what the layer's network scores, if anybody does; `large`: for a projector.
    """

    theme: Theme
    where: Callable[[], Selection]
    select: Callable[..., None]
    show: Callable[[str], None]
    change: Callable[[dict[str, Any]], None]
    busy: Callable[[], bool]
    siblings: Callable[[], list[Sibling]]
    model: Callable[[], Model | None] = lambda: None
    hurried: Callable[[], bool] = lambda: False
    picked: list[str] = field(default_factory=list)
    scorer: Callable[[], Scorer | None] = lambda: None
    large: bool = False
    view: Callable[[], ViewSettings] = ViewSettings
    set_view: Callable[..., None] = lambda **_: None


@dataclass
class Tab:
    """One tab, built.

    Attributes
    ----------
    parts : list of widgets
        As they follow each other.
    update : callable
        Shows another analysis.
    exact_only : bool
        Whether `update` takes exact analyses only.
    follow : callable
        Shows another selection.
    aim : callable
        Returns what a click at a place would select: takes the names of figure and plot, x and y.
    light : callable
        Shows a selection in passing beside the one that stands, or no longer any.
    fill, pause : callable
        `fill` measures more of an exact analysis while the tab is seen; `pause` stops that.
    early : bool
        Whether `fill` waits for no exact analysis.
    lasts : bool
        Whether it looks right in every theme, and so stays, with all it holds, when that changes.
    """

    parts: list[Widget]
    update: Callable[[Analysis], None]
    exact_only: bool = False
    follow: Callable[[Selection], None] = lambda _: None
    aim: Callable[[str, str, float, float], Selection | None] = lambda *_: None
    light: Callable[[Selection | None], None] = lambda _: None
    fill: Callable[[Analysis], None] = lambda _: None
    pause: Callable[[], None] = lambda: None
    early: bool = False
    lasts: bool = False


# Views show something before they become widgets: their first message then holds it.


def _figure(link: Link, root: LayoutDOM, name: str) -> FigureWidget:
    """Show a figure; for a projector with letters of 18 pixels at least."""
    if link.large:
        scale_text(root, 1.5, least=18)
    return FigureWidget(root, name)


def _mask(link: Link, analysis: Analysis) -> Tab:
    def select(at: Selection) -> None:
        link.select(**vars(at))

    mask = MaskView(
        link.theme,
        lambda block, bit: link.select(cycle=block, bit=bit),
        on_grid=lambda drawn: setattr(bar, "off", {} if drawn else {_GRID: "zoom in"}),
        narrow=link.large,
    )
    shown = analysis

    def of_so_many(n_u: int) -> Selection:
        return link.where().next_block(shown, n_u)

    def of_part(part: str) -> Selection:
        here = link.where()
        return here.next_mismatch(shown) if part == "corrections" else here

    histogram = HistogramView(link.theme, link.large, on_select=lambda n_u: select(of_so_many(n_u)))
    bits = BitsView(link.theme, on_select=lambda part: select(of_part(part)))
    views: dict[str, Any] = {"mask": mask, "histogram": histogram, "bits": bits}
    bar = Bar(
        checks={_GRID: lambda shown: setattr(mask, "grid_shown", shown)},
    )

    def update(analysis: Analysis) -> None:
        nonlocal shown
        shown = analysis
        for view in views.values():
            view.update(analysis)

    update(analysis)
    figures = [_figure(link, view.root, name) for name, view in views.items()]

    def follow(at: Selection) -> None:
        chosen = at != Selection() and shown.blocks > at.cycle
        mask.select(at.cycle if chosen else None, at.bit)
        histogram.mark(int(shown.n_u[at.cycle]) if chosen else None)
        bits.mark(parts_of(shown, at) if chosen else ())

    def aim(figure: str, plot: str, x: float, y: float) -> Selection | None:
        here = link.where()
        if figure == "mask":
            at = mask.at(x, y)
            return None if at is None else replace(here, cycle=at[0], bit=at[1])
        if figure == "histogram":
            n_u = histogram.at(plot, x)
            found = here if n_u is None else of_so_many(n_u)
        else:
            part = bits.at(x)
            found = here if part is None else of_part(part)
        return None if found == here else found

    def light(at: Selection | None) -> None:
        mask.light(*(None, 0) if at is None else (at.cycle, at.bit))
        histogram.light(None if at is None else int(shown.n_u[at.cycle]))
        bits.light(() if at is None else parts_of(shown, at))

    return Tab([bar, *figures], update, follow=follow, aim=aim, light=light)


def _decoder(link: Link, analysis: Analysis) -> Tab:
    view, circuit, wires = DecoderView(), CircuitView(), WaveformView()
    root = view.root

    def follow(at: Selection) -> None:
        with root.hold_sync():
            root.plane, root.cycle, root.bit = at.plane, at.cycle, at.bit
        circuit.go(at.plane, at.cycle, at.bit)
        wires.go(at.plane, at.cycle)

    def update(analysis: Analysis) -> None:
        for one in (view, circuit, wires):
            one.update(analysis)

    for drawn in (circuit.root, wires.root):
        drawn.on_msg(lambda _, go, __: link.select(**go))

    follow(link.where())
    root.observe(
        lambda _: link.select(plane=root.plane, cycle=root.cycle, bit=root.bit),
        ["plane", "cycle", "bit"],
    )
    update(analysis)
    return Tab([root, circuit.root, wires.root], update, exact_only=True, follow=follow)


def _planes(link: Link, analysis: Analysis) -> Tab:
    view = PlanesView()
    view.update(analysis)

    def follow(at: Selection) -> None:
        view.root.plane = at.plane

    def opened(_: Any, content: dict[str, Any], __: Any) -> None:
        link.select(plane=content["plane"])
        link.show("Decoder")

    view.root.on_msg(opened)
    return Tab([view.root], view.update, follow=follow)


def _measure(job: tuple[Layer, Settings], cancel: threading.Event) -> CurvePoint:
    return point_of(analyze(*job, preview=True, cancel=cancel))


def _ratio(link: Link, analysis: Analysis) -> Tab:
    scorer = link.scorer()
    view = RatioView(link.theme)
    view.update(analysis)
    filler = Filler(_measure, view.show_curve, link.busy)

    def score(job: tuple[Scorer, Layer, Settings | None], _: Any) -> tuple[float, float]:
        by, layer, settings = job
        return by.point(layer, settings)

    def show(points: Sequence[tuple[float, float]], *_: int) -> None:
        label, of = ("", 0) if scorer is None else (scorer.label.lower(), scorer.of)
        view.show_scores(points, label, share=bool(of))

    scores = Filler(score, show, link.busy)

    def fill(analysis: Analysis) -> None:
        nonlocal scorer
        given, grid = analysis.given, curve_settings(analysis.settings)
        filler.request((given, tuple(grid)), [(given, settings) for settings in grid])
        scorer = link.scorer()
        rates = () if scorer is None else (None, *score_settings(analysis.settings))
        if not rates:
            show(())
        scores.request((given, rates), [(scorer, given, rate) for rate in rates if scorer])

    def pause() -> None:
        filler.pause()
        scores.pause()

    figure = _figure(link, view.root, "ratio")
    return Tab([figure], view.update, fill=fill, pause=pause)


def _compare(link: Link, analysis: Analysis) -> Tab:
    view = CompareView(link.theme)
    bar = Bar("Comparing with other formats…")

    def work(a: Analysis, _: threading.Event) -> tuple[list[Rival], Bounds]:
        options = a.layer.weights, a.mask, a.encoded
        return compare(*options), bounds(*options)

    def show(results: Sequence[tuple[list[Rival], Bounds]], *_: int) -> None:
        view.show(*results[0])
        bar.text = verdict(results[0][0])

    filler = Filler(work, show, link.busy)

    def update(analysis: Analysis) -> None:
        view.wait()
        bar.text = "Comparing with other formats…"

    def fill(analysis: Analysis) -> None:
        filler.request(analysis, [analysis])

    update(analysis)
    return Tab(
        [bar, _figure(link, view.root, "compare")],
        update,
        exact_only=True,
        fill=fill,
        pause=filler.pause,
    )


def _trellis(link: Link, analysis: Analysis) -> Tab:
    view = UnfoldingView()
    view.update(analysis)

    def follow(at: Selection) -> None:
        view.go(at.plane, at.cycle)
        view.root.code, view.root.step = link.view().trellis, link.view().unfolded

    follow(link.where())
    view.root.observe(lambda change: link.select(cycle=change["new"]), "cycle")
    view.root.observe(lambda change: link.set_view(trellis=change["new"]), "code")
    view.root.observe(lambda change: link.set_view(unfolded=change["new"]), "step")
    return Tab([view.root], view.update, exact_only=True, follow=follow)


def _lanes(link: Link, analysis: Analysis) -> Tab:
    view = LanesView()
    filler = Filler(lanes_data, lambda found, *_: view.show(found[0]), link.busy)

    def follow(_: Selection) -> None:
        view.root.lanes, view.root.clock = link.view().lanes, link.view().clock

    follow(link.where())
    for name in ("lanes", "clock"):
        view.root.observe(lambda change: link.set_view(**{change["name"]: change["new"]}), name)
    return Tab(
        [view.root],
        lambda _: view.wait(),
        exact_only=True,
        follow=follow,
        fill=lambda analysis: filler.request(analysis, [analysis]),
        pause=filler.pause,
    )


def _sweep(link: Link, analysis: Analysis) -> Tab:
    view = SweepView(link.change, link.busy, link.siblings)
    view.update(analysis)

    def take(_: Analysis) -> None:
        if link.picked:
            view.pick(link.picked)
            link.picked.clear()

    return Tab([view.root], view.update, fill=take, pause=view.pause, early=True, lasts=True)


def _model(link: Link, analysis: Analysis) -> Tab:
    def sweep(names: list[str]) -> None:
        link.picked[:] = names
        link.show("Sweep")

    view = ModelView(link.model, link.change, sweep, link.hurried)
    view.update(analysis)
    return Tab(
        [view.root],
        view.update,
        fill=lambda _: view.fill(),
        pause=view.pause,
        early=True,
        lasts=True,
    )


def _export(link: Link, analysis: Analysis) -> Tab:
    view = ExportView(link.where)
    view.update(analysis)
    return Tab(
        [view.root],
        view.update,
        follow=view.follow,
        fill=lambda _: view.resume(),
        pause=view.pause,
    )


TABS: dict[str, Callable[[Link, Analysis], Tab]] = {
    "Mask": _mask,
    "Ratio": _ratio,
    "Planes": _planes,
    "Decoder": _decoder,
    "Trellis": _trellis,
    "Lanes": _lanes,
    "Sweep": _sweep,
    "Model": _model,
    "Compare": _compare,
    "Export": _export,
}
