"""The figures of an analysis, by name: what is drawn, and the data behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from bokeh.models import LayoutDOM

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.compare import bounds, compare
from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError
from f2f_viz.figures.bits import BitsView, bits_data
from f2f_viz.figures.compare import CompareView, compare_data
from f2f_viz.figures.figure import FORMATS, Figure, Sheet, Table
from f2f_viz.figures.histogram import HistogramView, histogram_data
from f2f_viz.figures.lesson import lesson_data, lesson_html
from f2f_viz.figures.mask import MaskView, mask_data
from f2f_viz.figures.palette import Theme
from f2f_viz.figures.plane_chart import PlaneChart
from f2f_viz.figures.planes import planes_data
from f2f_viz.figures.ratio import CurvePoint, RatioView, bound_data, point_of
from f2f_viz.figures.trellis import TrellisView, trellis_data, why_none

__all__ = ["FIGURES", "Entry", "figure"]


def _drawn(make: Callable[[bool], Any], analysis: Analysis) -> Callable[[bool], LayoutDOM]:
    def draw(narrow: bool) -> LayoutDOM:
        view = make(narrow)
        view.update(analysis)
        return view.root

    return draw


def _mask(analysis: Analysis, theme: Theme, grid: bool = False) -> Figure:
    data = mask_data(analysis)
    cells = data["density"].shape
    rows, columns = (np.arange(n) for n in cells)
    table = {
        "row": data["row_edges"][:-1][rows.repeat(cells[1])].tolist(),
        "column": data["column_edges"][:-1][np.tile(columns, cells[0])].tolist(),
        "share_kept": data["density"].reshape(-1).tolist(),
    }

    def draw(narrow: bool) -> LayoutDOM:
        view = MaskView(theme)
        view.grid_shown = grid
        view.update(analysis)
        return view.root

    return Figure("mask", analysis, theme, table, draw)


def _histogram(analysis: Analysis, theme: Theme) -> Figure:
    table: Table = {"order": [], "n_u": [], "share": [], "binomial": []}
    for order, data in histogram_data(analysis).items():
        table["order"] += [order] * len(data["n_u"])
        for name in ("n_u", "share", "binomial"):
            table[name] += data[name].tolist()
    draw = _drawn(lambda narrow: HistogramView(theme, narrow), analysis)
    return Figure("histogram", analysis, theme, table, draw)


def _bits(analysis: Analysis, theme: Theme) -> Figure:
    draw = _drawn(lambda narrow: BitsView(theme, narrow), analysis)
    return Figure("bits", analysis, theme, bits_data(analysis), draw)


def _planes(analysis: Analysis, theme: Theme) -> Figure:
    rows = planes_data(analysis)
    table = {name: [row[name] for row in rows] for name in rows[0]}
    return Figure("planes", analysis, theme, table, _drawn(lambda _: PlaneChart(theme), analysis))


def _trellis(
    analysis: Analysis, theme: Theme, plane: int = 0, cycle: int = 0, length: int = 12
) -> Figure:
    assert analysis.encoded is not None
    if not 0 <= plane < len(analysis.planes) or not 0 <= cycle < max(analysis.blocks, 1):
        wanted = f"plane below {len(analysis.planes)}, cycle below {analysis.blocks}"
        raise F2FError("no such plane or cycle", expected=wanted, got=(plane, cycle))
    reason = why_none(analysis, plane)
    if reason:
        raise F2FError(f"no trellis: {reason}")
    table: Table = {"kind": []}
    data = trellis_data(analysis, plane, cycle, length)
    nodes = data["nodes"]
    costs = dict(zip(zip(nodes["time"], nodes["state"], strict=True), nodes["cost"], strict=True))
    ways = {"survivor": data["survivors"], "chosen": data["path"]}
    for name in data["path"]:
        table[name] = [int(v) for way in ways.values() for v in way[name]]
    table["kind"] = [kind for kind, way in ways.items() for _ in way["time"]]
    ends = zip(table["time"], table["next_state"], strict=True)
    table["mismatches"] = [int(costs[time + 1, state]) for time, state in ends]

    def draw(narrow: bool) -> LayoutDOM:
        view = TrellisView(theme, length)
        view.update(analysis)
        view.go(plane, cycle)
        return view.root

    return Figure("trellis", analysis, theme, table, draw)


def _compare(analysis: Analysis, theme: Theme) -> Figure:
    options = analysis.layer.weights, analysis.mask, analysis.encoded
    rivals, limits = compare(*options), bounds(*options)

    def draw(narrow: bool) -> LayoutDOM:
        view = CompareView(theme, narrow)
        view.show(rivals, limits)
        return view.root

    return Figure("compare", analysis, theme, compare_data(rivals, limits), draw)


def _ratio(analysis: Analysis, theme: Theme, points: tuple[CurvePoint, ...] = ()) -> Figure:
    here = point_of(analysis)
    table: Table = {name: [getattr(p, name) for p in (here, *points)] for name in vars(here)}
    bound = bound_data()
    extra = len(bound["sparsity"])
    for name, column in table.items():
        column += bound[name].tolist() if name in bound else [None] * extra

    def draw(narrow: bool) -> LayoutDOM:
        view = RatioView(theme, narrow)
        view.update(analysis)
        view.show_curve(points, len(points), len(points))
        return view.root

    return Figure("ratio", analysis, theme, table, draw)


def _decoder(analysis: Analysis, theme: Theme) -> Figure:
    def page(about: str) -> str:
        return lesson_html(analysis, theme, about)

    return Figure("decoder", analysis, theme, lesson_data(analysis), None, page=page)


@dataclass(frozen=True, kw_only=True)
class Entry(Choice):
    """A figure of the catalogue.

    Attributes
    ----------
    make : callable
        ``make(analysis, theme, **options)`` gives the `Figure`.
    sheet : Sheet
        How large an image is.
    exact : bool
        It needs an exact analysis, not a preview.
    options : tuple of str
        What `make` takes, of what a person chooses: ``plane`` and ``cycle``.
    formats : tuple of str
        What it can be written as.
    """

    make: Callable[..., Figure]
    sheet: Sheet = field(default_factory=Sheet)
    exact: bool = False
    options: tuple[str, ...] = ()
    formats: tuple[str, ...] = FORMATS


FIGURES = Choices(
    "figure",
    [
        Entry(
            name="mask",
            label="Mask",
            help="Which weights are kept, with densities of rows and columns.",
            make=_mask,
            sheet=Sheet(0.9),
        ),
        Entry(
            name="histogram",
            label="Care bits of blocks",
            help="How many care bits blocks hold, beside the binomial.",
            make=_histogram,
            sheet=Sheet(0.75),
        ),
        Entry(
            name="bits",
            label="Stored bits",
            help="What every stored bit is for.",
            make=_bits,
            sheet=Sheet(0.22, least_mm=48),
        ),
        Entry(
            name="ratio",
            label="Ratio and bounds",
            help="The ratio reached, under the bounds, over S.",
            make=_ratio,
            sheet=Sheet(0.6, narrow_aspect=2.1),
        ),
        Entry(
            name="planes",
            label="Planes",
            help="Ones, efficiency and stored bits of each bit-plane.",
            make=_planes,
            sheet=Sheet(0.6, least_mm=105),
        ),
        Entry(
            name="trellis",
            label="Trellis at the cycle shown",
            help="States, survivors and the chosen way of the exact search.",
            make=_trellis,
            sheet=Sheet(0.5, least_mm=85),
            exact=True,
            options=("plane", "cycle"),
        ),
        Entry(
            name="compare",
            label="Comparison of formats",
            help="Bytes of the layer in other formats.",
            make=_compare,
            sheet=Sheet(0.55, least_mm=75),
            exact=True,
        ),
        Entry(
            name="decoder",
            label="Decoder, as a lesson",
            help="A page in which the decoder steps, without a kernel.",
            make=_decoder,
            exact=True,
            formats=("html", "csv", "json"),
        ),
    ],
)
"""All figures, in the order in which they are offered."""


def figure(name: str, analysis: Analysis, *, theme: Theme = "light", **options: Any) -> Figure:
    """Make a figure of an analysis, to `Figure.save`.

    Parameters
    ----------
    name : str
        A name of `FIGURES`.
    analysis : Analysis
        An exact one for trellis, compare and decoder.
    theme : {"light", "dark"}
    **options
        ``grid`` (bool, block edges) for mask; ``points`` (tuple of `ratio.CurvePoint`) for ratio;
        ``plane``, ``cycle`` (about which it is
        drawn) and ``length`` (cycles) for trellis.

    Raises
    ------
    F2FError
        For an unknown name, or a preview where an exact analysis is needed.
    """
    entry = FIGURES.pick(name)
    if entry.exact and analysis.encoded is None:
        raise F2FError(f"figure {name!r}", expected="an exact analysis", got="a preview")
    return replace(entry.make(analysis, theme, **options), sheet=entry.sheet)
