"""The mask as a heatmap: density where weights are smaller than pixels, single weights on zoom.

Beside it stand the densities of rows and columns, over it the edges of the blocks: in row order a
block is a run along the rows; interleaved, a block takes one weight of each of n_out banks, and
the banks are runs of as many weights as there are blocks.
"""

import base64
import io
import re
from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np
from bokeh.events import RangesUpdate, Tap
from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    GridBox,
    HoverTool,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    ResetTool,
    Span,
    WheelZoomTool,
)
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.mask_overlays import Window, edges_in_view, profiles, run_edges
from f2f_viz.figures.palette import Palette, Theme, palette
from f2f_viz.figures.style import FONT, LIGHT, TOOLBAR, blank, density_mapper, tip
from f2f_viz.text import counted

__all__ = ["MaskView", "block_weights", "crisp", "mask_data", "mask_matrix"]

PIXELS = (320, 320)
"""Cells drawn at most, rows and columns: what a screen shows, and small on the wire."""
_CLOSEST = 4
"""Rows and columns that are shown at least."""
_ENDS = ("x0", "y0", "x1", "y1")
_LEFT, _BELOW = 62, 98
"""Borders, in pixels, that heatmap and profiles share so that they stand in line."""


def mask_matrix(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """View a mask of any shape as rows × columns, C order; a vector is folded near-square.

    Returns
    -------
    ndarray of bool, shape (shape[0], −1)
        A folded vector may end in pruned padding.
    """
    if mask.ndim >= 2 and mask.size:
        return mask.reshape(mask.shape[0], -1)
    width = isqrt(max(mask.size - 1, 0)) + 1
    padded = np.zeros(-(-max(mask.size, 1) // width) * width, bool)
    padded[: mask.size] = mask.reshape(-1)
    return padded.reshape(-1, width)


def mask_data(
    analysis: Analysis,
    rows: tuple[float, float] | None = None,
    columns: tuple[float, float] | None = None,
    pixels: tuple[int, int] = PIXELS,
) -> dict[str, Any]:
    """Return the share of kept weights in each cell of a grid over a window of the mask.

    Parameters
    ----------
    analysis : Analysis
    rows, columns : tuple of float, optional
        The window, in weights; all of the mask by default.
    pixels : tuple of int
        Cells at most, rows and columns.

    Returns
    -------
    dict
        density : ndarray of float32, shape (cell rows, cell columns), 0 (pruned) to 1 (kept);
        row_edges, column_edges : ndarray of int64, where cells begin and the last ends.
    """
    matrix = mask_matrix(analysis.mask)
    edges = []
    for window, length, most in zip((rows, columns), matrix.shape, pixels, strict=True):
        low, high = sorted(window) if window is not None else (0, length)
        low = min(max(int(np.floor(low)), 0), length - 1)
        high = min(max(int(np.ceil(high)), low + 1), length)
        cells = min(high - low, most)
        edges.append(low + np.arange(cells + 1) * (high - low) // cells)
    row_edges, column_edges = edges
    part = matrix[row_edges[0] : row_edges[-1], column_edges[0] : column_edges[-1]]
    sums = np.add.reduceat(part, column_edges[:-1] - column_edges[0], axis=1, dtype=np.int32)
    sums = np.add.reduceat(sums, row_edges[:-1] - row_edges[0], axis=0)
    area = np.outer(np.diff(row_edges), np.diff(column_edges))
    return {
        "density": (sums / area).astype(np.float32),
        "row_edges": row_edges,
        "column_edges": column_edges,
    }


def crisp(svg: str, density: NDArray[np.float32], theme: Theme) -> str:
    """Put the cells themselves into an SVG image in place of Bokeh's, which has screen pixels."""
    from PIL import Image

    colours = palette(theme)
    ends = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (colours.pruned, colours.kept)]
    low, high = np.array(ends, np.float32)
    shade = (density / (float(density.max()) or 1.0))[..., None]
    out = io.BytesIO()
    Image.fromarray(np.rint(low + (high - low) * shade).astype(np.uint8)).save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    image = f'<image style="image-rendering: pixelated" href="data:image/png;base64,{data}"'
    return re.sub(r'<image([^>]*?) href="[^"]*"', lambda old: image + old[1], svg, count=1)


def block_weights(analysis: Analysis, block: int) -> dict[str, NDArray[Any]]:
    """Return where the weights of a block lie: row, column (cell centres) and kept."""
    a = analysis
    index = a.layout.weights(np.array([block]))[0]
    index = index[index >= 0]
    row, column = np.divmod(index, mask_matrix(a.mask).shape[1])
    return {"row": row + 0.5, "column": column + 0.5, "kept": a.mask.reshape(-1)[index]}


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def _colour_bar(colours: Palette, mapper: Any) -> ColorBar:
    return ColorBar(
        color_mapper=mapper,
        ticker=FixedTicker(ticks=[0, 1]),
        width=110,
        height=8,
        padding=0,
        orientation="horizontal",
        background_fill_color=None,
        major_label_text_color=colours.muted,
        major_label_text_font=FONT,
        major_label_text_font_size="10.5px",
        major_tick_line_color=None,
        label_standoff=3,
        location=(24, 0),
        margin=2,
    )


class MaskView:
    """Heatmap of the mask with block edges, the selected block's weights, and densities.

    Parameters
    ----------
    theme : {"light", "dark"}
    on_select : callable, optional
        Called with the block that the user clicked, and the bit of it.
    on_grid : callable, optional
        Called with whether there are block edges to draw, which there are where few enough are in
        view; they are taken to be there at first.
    printed : bool
        Says nothing of zooming.
    narrow : bool
        A short title, for large letters.

    Attributes
    ----------
    root : bokeh grid
    grid_shown : bool
        Whether block edges are drawn; set it.
    """

    def __init__(
        self,
        theme: Theme = "light",
        on_select: Callable[[int, int], None] | None = None,
        on_grid: Callable[[bool], None] | None = None,
        printed: bool = False,
        narrow: bool = False,
    ):
        self._printed, self._narrow = printed, narrow
        self._colours = colours = palette(theme)
        self._analysis: Analysis | None = None
        self._on_select = on_select
        self._block: int | None = None
        self._bit = 0
        self._window: tuple[tuple[float, float], tuple[float, float]] | None = None
        self._cells: Window = 0, 1, 0, 1
        self._valued: tuple[Any, Any] = None, None
        self._grid_shown = self._grid_fits = True
        self._on_grid = on_grid
        self._image = _source("image", "image", "value", "x", "y", "dw", "dh")
        self._chosen = _source("chosen", "row", "column")
        self._marks = _source("marks", "row", "column", "kept", "size")
        self._passing, self._glance = (
            _source("passing", "row", "column"),
            _source("glance", "row", "column"),
        )
        self._edges, self._outline = _source("edges", *_ENDS), _source("outline", *_ENDS)
        self._mapper = density_mapper(colours)
        self._shades, self._swatches = self._mapper.palette, [colours.pruned, colours.kept]
        self._heat = self._heatmap(colours)
        self._densities = [self._profile(colours, axis) for axis in ("row", "column")]
        (right, *_), (top, *_) = self._densities
        self.root = GridBox(
            children=[(top, 0, 0), (self._heat, 1, 0), (right, 1, 1)],
            rows={0: {"size": "74px"}, 1: {"size": "1fr"}},
            cols={0: {"size": "1fr"}, 1: {"size": "66px"}},
            sizing_mode="stretch_both",
        )

    def _heatmap(self, colours: Palette) -> Any:
        wheel = WheelZoomTool()
        plot = blank(
            colours,
            title="",
            x="column",
            y="row",
            tools=[PanTool(), wheel, BoxZoomTool(), ResetTool()],
            toolbar_location="below",
            x_range=Range1d(0, 1, bounds="auto"),
            y_range=Range1d(1, 0, bounds="auto"),
            min_border_left=_LEFT,
            min_border_right=6,
            min_border_bottom=_BELOW,
            tags=[TOOLBAR, LIGHT],
        )
        plot.title.visible = False
        plot.xaxis.ticker = plot.yaxis.ticker = BasicTicker(min_interval=1)
        plot.toolbar.active_scroll = wheel
        plot.toolbar.autohide = True
        plot.grid.visible = False
        self._draw_cells(plot, colours)
        self._bar = _colour_bar(colours, self._mapper)
        if self._narrow:
            self._bar.width = 200
        plot.add_layout(self._bar, "below")
        plot.on_event(RangesUpdate, self._zoomed)
        plot.on_event(Tap, self._tapped)
        return plot

    def _draw_cells(self, plot: Any, colours: Palette) -> None:
        """Draw the cells with what they say under the pointer, edges, and the selected block."""
        image = plot.image(
            "image", "x", "y", "dw", "dh", source=self._image, color_mapper=self._mapper
        )
        plot.segment(
            *_ENDS, source=self._edges, line_color=colours.muted, line_width=1, line_alpha=0.55
        )
        plot.segment(*_ENDS, source=self._outline, line_color=colours.symbol, line_width=2)
        plot.scatter(  # care bits large and full, don't-cares small and hollow
            "column", "row", source=self._marks, marker="square", size="size", line_width=1.2,
            line_color=colours.symbol, fill_color=colours.symbol, fill_alpha="kept",
        )  # fmt: skip
        plot.scatter(  # the weight itself, in a ring
            "column", "row", source=self._chosen, marker="circle", size=17, line_width=2.5,
            line_color=colours.ink, fill_color=None,
        )  # fmt: skip
        plot.scatter(  # a block in passing, and the weight of it
            "column", "row", source=self._passing, marker="square", size=7, line_width=1.4,
            line_color=colours.symbol, line_alpha=0.8, fill_color=None,
        )  # fmt: skip
        plot.scatter(
            "column", "row", source=self._glance, marker="circle", size=15, line_width=1.4,
            line_color=colours.ink, line_alpha=0.7, fill_color=None,
        )  # fmt: skip
        cut = {"$x": "printf", "$y": "printf"}  # a weight is of the row that it lies in
        self._hover = HoverTool(renderers=[image], formatters=cut)
        plot.add_tools(self._hover)

    def _profile(self, colours: Palette, axis: str) -> tuple[Any, ...]:
        """Make the density of rows, at the right of the heatmap, or of columns, above it."""
        source = _source(f"{axis} densities", "low", "high", "density")
        densities, upright = Range1d(0, 1), axis == "row"
        own = {
            "y_range": self._heat.y_range,
            "x_range": densities,
            "min_border_bottom": _BELOW,
            "tags": [TOOLBAR],
        }
        if not upright:
            own = {
                "x_range": self._heat.x_range, "y_range": densities, "min_border_left": _LEFT,
                "min_border_right": 6,
            }  # fmt: skip
        plot = blank(colours, title="", name=f"{axis}s", min_border_top=4, **own)
        sides = {"left": 0, "right": "density", "top": "low", "bottom": "high"}
        if not upright:
            sides = {"bottom": 0, "top": "density", "left": "low", "right": "high"}
        drawn = plot.quad(source=source, fill_color=colours.kept, line_color=None, **sides)
        mean = Span(
            location=0, dimension="height" if upright else "width", line_dash="dashed",
            line_color=colours.reference, line_width=1.2,
        )  # fmt: skip
        plot.add_layout(mean)
        plot.add_tools(
            HoverTool(
                renderers=[drawn],
                tooltips=tip(colours, (axis, "@low{0,0}"), ("share kept of it", "@density{0.0 %}")),
            )
        )
        shown, hidden = (plot.xaxis, plot.yaxis) if upright else (plot.yaxis, plot.xaxis)
        hidden.visible = False
        shown.ticker = ticker = FixedTicker(ticks=[])
        shown.formatter = NumeralTickFormatter(format="0 %")
        shown.axis_label = "density" if upright and not self._narrow else ""
        plot.grid.visible = False
        plot.title.visible = not upright
        return plot, source, densities, mean, ticker

    @property
    def grid_shown(self) -> bool:
        """Whether block edges are drawn, where they are not too many."""
        return self._grid_shown

    @grid_shown.setter
    def grid_shown(self, shown: bool) -> None:
        self._grid_shown = shown
        self._draw_edges()
        self._draw_marks()

    def update(self, analysis: Analysis) -> None:
        """Show another analysis, keeping the zoom while the layer has the same shape."""
        rows, columns = mask_matrix(analysis.mask).shape
        known = self._analysis
        if known is None or mask_matrix(known.mask).shape != (rows, columns):
            self._window = None
            plot = self._heat
            for axis, ends in ((plot.x_range, (0, columns)), (plot.y_range, (rows, 0))):
                # the bounds of the shape before would keep the ends in them
                axis.update(bounds=None, min_interval=None)
                axis.update(start=ends[0], end=ends[1], reset_start=ends[0], reset_end=ends[1])
                axis.update(bounds=(0, max(ends)), min_interval=min(_CLOSEST, max(ends)))
        if known is not None and known.layout != analysis.layout:
            self._block = None
        self._analysis = analysis
        self._draw()

    def select(self, block: int | None, bit: int = 0) -> None:
        """Mark the weights of a block, and the one of a bit among them."""
        self._block, self._bit = block, bit
        self._draw_marks()

    def light(self, block: int | None, bit: int = 0) -> None:
        """Mark a block and a weight of it in passing, beside what is selected."""
        a, none = self._analysis, np.zeros(0)
        found = {"row": none, "column": none}
        if a is not None and block is not None and block < a.blocks:
            found = block_weights(a, block)
        self._passing.data = {side: found[side] for side in ("row", "column")}
        self._glance.data = {side: found[side][bit : bit + 1] for side in ("row", "column")}

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the block, and the bit of it, whose weight lies at a place; None for none."""
        if self._analysis is None:
            return None
        rows, columns = mask_matrix(self._analysis.mask).shape
        row, column = int(np.floor(y)), int(np.floor(x))
        index = row * columns + column
        size = self._analysis.mask.size
        if not (0 <= row < rows and 0 <= column < columns and index < size):
            return None
        (block,), (bit,) = self._analysis.layout.positions(np.array([index]))
        return int(block), int(bit)  # they go into addresses, as JSON

    def _draw(self) -> None:
        analysis = self._analysis
        if analysis is None:
            return
        rows, columns = self._window or (None, None)
        data = mask_data(analysis, rows, columns)
        density, row_edges, column_edges = data.values()
        top, bottom, left, right = self._cells = (
            int(row_edges[0]), int(row_edges[-1]), int(column_edges[0]), int(column_edges[-1])
        )  # fmt: skip
        single = density.size == (bottom - top) * (right - left)  # kept or not, nothing between
        cells: dict[str, list[Any]] = {
            "image": [density.astype(np.uint8) if single else density],
            "x": [left], "y": [top], "dw": [right - left], "dh": [bottom - top],
        }  # fmt: skip
        weights = analysis.layer.weights if single else None
        if weights is not self._valued[0] or self._cells != self._valued[1]:  # not at another rate
            cells["value"] = [self._values() if single else np.zeros((1, 1), np.float32)]
            self._valued = weights, self._cells
        self._image.data.update(cells)
        told = ("weight", "@value{0.0000}") if single else ("share kept", "@image{0.00}")
        self._hover.tooltips = tip(self._colours, ("row", "$y{%d}"), ("column", "$x{%d}"), told)
        high = 1.0 if single else float(density.max()) or 1.0
        self._mapper.update(high=high, palette=self._swatches if single else self._shades)
        ends = (0.25, 0.75) if single else (0.0, high)
        kept = "kept" if high == 1 else f"{high:.0%} kept"
        self._bar.ticker.ticks = list(ends)
        self._bar.major_label_overrides = dict(zip(ends, ("pruned", kept), strict=True))
        for shares, edges, (_, source, densities, mean, ticker) in zip(
            profiles(mask_matrix(analysis.mask), row_edges, column_edges),
            (row_edges, column_edges),
            self._densities,
            strict=True,
        ):
            source.data = {"low": edges[:-1], "high": edges[1:], "density": shares}
            densities.end = end = 1.08 * float(shares.max()) or 1.0
            unit = 10.0 ** np.floor(np.log10(end))
            ticker.ticks = [float(end // unit * unit)]
            mean.location = 1 - analysis.sparsity
        self._draw_edges()
        self._draw_marks()

    def _values(self) -> NDArray[np.float32]:
        """Return the weights of the cells, pruned ones too; past the last weight NaN."""
        assert self._analysis is not None
        weights = self._analysis.layer.weights.reshape(-1)
        shape = mask_matrix(self._analysis.mask).shape
        top, bottom, left, right = self._cells
        index = np.add.outer(np.arange(top, bottom) * shape[1], np.arange(left, right))
        found = weights[np.minimum(index, weights.size - 1)] if weights.size else index * np.nan
        return np.where(index < weights.size, found, np.nan).astype(np.float32)

    def _draw_edges(self) -> None:
        a = self._analysis
        if a is None:
            return
        run = a.blocks if a.layout.entry.spread else a.n_out
        columns = mask_matrix(a.mask).shape[1]
        found = edges_in_view(run, a.mask.size, columns, self._cells)
        drawn = bool(len(found["x0"]))
        if drawn != self._grid_fits and self._on_grid is not None:
            self._on_grid(drawn)
        self._grid_fits = drawn
        self._edges.data = (
            dict(found) if self._grid_shown else dict.fromkeys(found, found["x0"][:0])
        )

    def _draw_marks(self) -> None:
        a, block = self._analysis, self._block
        none = np.zeros(0, np.int64)
        outline = dict.fromkeys(_ENDS, none)
        marks: dict[str, NDArray[Any]] = {"row": none, "column": none, "kept": none}
        chosen: dict[str, NDArray[Any]] = {"row": none, "column": none}
        if a is not None and block is not None and block < a.blocks:
            marks = block_weights(a, block)
            # bits past the last weight are padding, and come last
            chosen = {side: marks[side][self._bit : self._bit + 1] for side in chosen}
            if not a.layout.entry.spread:
                at = a.layout.address(np.array([block]))[0]
                ends = np.array([at, at + 1]) * a.n_out
                outline = run_edges(ends, mask_matrix(a.mask).shape[1], self._cells)
        drawn = marks | {"kept": marks["kept"].astype(float), "size": 4.0 + 4.0 * marks["kept"]}
        self._marks.data, self._outline.data, self._chosen.data = drawn, dict(outline), chosen
        if a is not None:
            self._densities[1][0].title.text = self._title(a, marks)

    def _title(self, analysis: Analysis, marks: dict[str, NDArray[Any]]) -> str:
        top, bottom, left, right = self._cells
        cells = self._image.data["image"][0].size
        per_cell = (bottom - top) * (right - left) / cells
        text = (
            "one weight per cell" if per_cell == 1 else f"{max(per_cell, 2):,.0f} weights per cell"
        )
        blocks = not analysis.layout.entry.spread
        if marks["kept"].size:
            text += f"; block {self._block:,}: n_u = {int(marks['kept'].sum())}"
        elif len(self._edges.data["x0"]):
            run = analysis.n_out if blocks else analysis.blocks
            text += f"; {'blocks' if blocks else 'banks'} of {counted(run, 'weight')}"
        elif self._grid_shown and not self._printed:
            text += f"; zoom in for {'blocks' if blocks else 'banks'}"
        if self._narrow:
            return f"Mask, block {self._block}" if marks["kept"].size else "Mask"
        return f"Mask, {text}"

    def _zoomed(self, event: RangesUpdate) -> None:
        if self._analysis is None:
            return
        rows, columns = mask_matrix(self._analysis.mask).shape
        spans = (abs(event.y1 - event.y0) / rows, abs(event.x1 - event.x0) / columns)
        whole = min(spans) > 0.999  # sent too where the ranges follow another shape
        self._window = None if whole else ((event.y0, event.y1), (event.x0, event.x1))
        self._draw()

    def _tapped(self, event: Tap) -> None:
        if event.x is None or event.y is None or (found := self.at(event.x, event.y)) is None:
            return
        self.select(*found)
        if self._on_select is not None:
            self._on_select(*found)
