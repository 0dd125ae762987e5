"""The figures of an analysis, by name: what is drawn, and the data behind it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import LayoutDOM

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.compare import bounds, compare
from f2f_viz.errors import F2FError
from f2f_viz.figures.bits import BitsView, bits_data
from f2f_viz.figures.compare import CompareView, compare_data
from f2f_viz.figures.figure import FORMATS, to_bytes
from f2f_viz.figures.histogram import HistogramView, histogram_data
from f2f_viz.figures.lesson import lesson_data
from f2f_viz.figures.mask import MaskView, mask_data
from f2f_viz.figures.palette import Theme
from f2f_viz.figures.plane_chart import PlaneChart
from f2f_viz.figures.planes import planes_data
from f2f_viz.figures.ratio import CurvePoint, RatioView, bound_data, point_of
from f2f_viz.figures.style import TEXT_PT
from f2f_viz.figures.trellis import TrellisView, trellis_data, why_none
from f2f_viz.files.atomic import write_atomically

if TYPE_CHECKING:
    pass

__all__ = ["FIGURES", "FORMATS", "Figure", "figure", "to_bytes"]

Table = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure of an analysis.

    Attributes
    ----------
    name : str
        A name of `FIGURES`.
    analysis : Analysis
    theme : {"light", "dark"}
    data : dict of str to list
        What is drawn, in columns of equal length.
    draw : callable or None
        ``draw(narrow)`` makes the Bokeh model, for one column if `narrow`; None for the lesson,
        which is a page.
    """

    name: str
    analysis: Analysis
    theme: Theme
    data: Table
    draw: Callable[[bool], LayoutDOM] | None

    @property
    def metadata(self) -> dict[str, Any]:
        """What makes this figure again."""
        return {
            "figure": self.name,
            "layer": self.analysis.layer.name,
            "source": self.analysis.layer.source,
            "exact": self.analysis.exact,
            "settings": self.analysis.settings.to_dict(),
            "f2f_viz": version("f2f-viz"),
        }

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        width_mm: float = 180.0,
        height_mm: float | None = None,
        scale: float = 2.0,
        font_pt: float = TEXT_PT,
    ) -> None:
        """Write the figure; the file's suffix says as what.

        Parameters
        ----------
        path
            Ends in .html, .svg, .pdf, .png, .csv or .json.
        width_mm, height_mm : float
            Printed size: 180 mm fills two columns, 88 mm one. The height follows if not given.
        scale : float
            PNG pixels a CSS pixel, of 1/96 inch.
        font_pt : float
            Size of the text in an image, in points; titles are a little larger.

        Raises
        ------
        F2FError
            For another suffix, or where what draws images is not installed.
        """
        data = to_bytes(
            self, Path(path).suffix.lstrip("."), width_mm=width_mm, height_mm=height_mm,
            scale=scale, font_pt=font_pt,
        )  # fmt: skip
        write_atomically(path, data)


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
    return Figure("decoder", analysis, theme, lesson_data(analysis), None)


FIGURES: dict[str, Callable[..., Figure]] = {
    "mask": _mask,
    "histogram": _histogram,
    "bits": _bits,
    "ratio": _ratio,
    "planes": _planes,
    "trellis": _trellis,
    "compare": _compare,
    "decoder": _decoder,
}


def figure(name: str, analysis: Analysis, *, theme: Theme = "light", **options: Any) -> Figure:
    """Make a figure of an analysis, to `Figure.save`.

    Parameters
    ----------
    name : str
        mask, histogram, bits, ratio, planes, trellis, compare, or decoder (an interactive lesson
        in HTML).
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
    if name not in FIGURES:
        raise F2FError("unknown figure", expected=f"one of {', '.join(FIGURES)}", got=repr(name))
    if name in ("trellis", "compare", "decoder") and analysis.encoded is None:
        raise F2FError(f"figure {name!r}", expected="an exact analysis", got="a preview")
    return FIGURES[name](analysis, theme, **options)
