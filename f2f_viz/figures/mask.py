"""The mask as a heatmap: density where weights are smaller than pixels, single weights on zoom."""

from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np
from bokeh.events import RangesUpdate, Tap
from bokeh.models import (
    BoxZoomTool,
    ColorBar,
    ColumnDataSource,
    HoverTool,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)
from numpy.typing import NDArray

from f2f_viz.analysis import Analysis
from f2f_viz.blocks import block_count, stride, weight_index
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.style import FONT, blank, density_mapper

__all__ = ["MaskView", "block_of_weight", "block_weights", "mask_data", "mask_matrix"]

PIXELS = (320, 320)
"""Cells drawn at most, rows and columns: what a screen shows, and small on the wire."""


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


def block_of_weight(analysis: Analysis, index: int) -> int:
    """Return the block t that holds the weight of flat index `index` (see `blocks`)."""
    if analysis.settings.order == "row":
        return index // analysis.n_out
    length = block_count(analysis.mask.size, analysis.n_out)
    return index % length * pow(stride(length), -1, length) % length if length > 1 else 0


def block_weights(analysis: Analysis, block: int) -> dict[str, NDArray[Any]]:
    """Return where the weights of a block lie: row, column (cell centres) and kept."""
    a = analysis
    index = weight_index(a.mask.size, a.n_out, a.settings.order, block, block + 1)[0]
    index = index[index >= 0]
    row, column = np.divmod(index, mask_matrix(a.mask).shape[1])
    return {"row": row + 0.5, "column": column + 0.5, "kept": a.mask.reshape(-1)[index]}


class MaskView:
    """Heatmap of the mask with the selected block's weights marked.

    Parameters
    ----------
    theme : {"light", "dark"}
    on_select : callable, optional
        Called with the block that the user clicked.

    Attributes
    ----------
    root : bokeh figure
    """

    def __init__(self, theme: Theme = "light", on_select: Callable[[int], None] | None = None):
        colours = palette(theme)
        self._analysis: Analysis | None = None
        self._on_select = on_select
        self._block: int | None = None
        self._window: tuple[tuple[float, float], tuple[float, float]] | None = None
        self._image = ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
        self._marks = ColumnDataSource({"row": [], "column": [], "kept": []})
        self._mapper = density_mapper(colours)
        wheel = WheelZoomTool()
        self.root = plot = blank(
            colours,
            title="Mask",
            x="column",
            y="row",
            tools=[PanTool(), wheel, BoxZoomTool(), ResetTool()],
            toolbar_location="right",
            x_range=Range1d(0, 1, bounds="auto"),
            y_range=Range1d(1, 0, bounds="auto"),
        )
        plot.toolbar.active_scroll = wheel
        plot.toolbar.autohide = True
        image = plot.image(
            "image", "x", "y", "dw", "dh", source=self._image, color_mapper=self._mapper
        )
        plot.scatter(
            "column", "row", source=self._marks, marker="square", size=7, fill_alpha=0,
            line_color=colours.symbol, line_width=1.6,
        )  # fmt: skip
        plot.add_tools(
            HoverTool(
                renderers=[image],
                tooltips=[
                    ("row", "$y{0,0}"),
                    ("column", "$x{0,0}"),
                    ("share kept", "@image{0.00}"),
                ],
            )
        )
        bar = ColorBar(
            color_mapper=self._mapper,
            title="share kept",
            width=110,
            height=8,
            padding=0,
            orientation="horizontal",
            title_text_font=FONT,
            title_text_font_size="11px",
            title_text_font_style="normal",
            title_text_color=colours.muted,
            background_fill_color=None,
            major_label_text_color=colours.muted,
            major_label_text_font=FONT,
            major_label_text_font_size="10.5px",
            major_tick_line_color=None,
            title_standoff=2,
            label_standoff=3,
            location="bottom_left",
            margin=2,
        )
        plot.add_layout(bar, "below")
        plot.grid.visible = False
        plot.on_event(RangesUpdate, self._zoomed)
        plot.on_event(Tap, self._tapped)

    def update(self, analysis: Analysis) -> None:
        """Show another analysis, keeping the zoom while the layer has the same shape."""
        rows, columns = mask_matrix(analysis.mask).shape
        known = self._analysis
        if known is None or mask_matrix(known.mask).shape != (rows, columns):
            self._window = None
            plot = self.root
            plot.x_range.update(start=0, end=columns, reset_start=0, reset_end=columns)
            plot.y_range.update(start=rows, end=0, reset_start=rows, reset_end=0)
            plot.x_range.bounds = (0, columns)
            plot.y_range.bounds = (0, rows)
        if known is not None and (known.n_out, known.settings.order) != (
            analysis.n_out,
            analysis.settings.order,
        ):
            self._block = None
        self._analysis = analysis
        self._draw()

    def select(self, block: int | None) -> None:
        """Mark the weights of a block."""
        self._block = block
        self._draw_marks()

    def _draw(self) -> None:
        analysis = self._analysis
        if analysis is None:
            return
        rows, columns = self._window or (None, None)
        data = mask_data(analysis, rows, columns)
        density, row_edges, column_edges = data.values()
        self._image.data = {
            "image": [density],
            "x": [int(column_edges[0])],
            "y": [int(row_edges[0])],
            "dw": [int(column_edges[-1] - column_edges[0])],
            "dh": [int(row_edges[-1] - row_edges[0])],
        }
        self._mapper.high = float(density.max()) or 1.0
        cell = (row_edges[-1] - row_edges[0]) / density.shape[0]
        per_cell = cell * (column_edges[-1] - column_edges[0]) / density.shape[1]
        self.root.title.text = "Mask — " + (
            "each cell is one weight" if per_cell == 1 else f"each cell is {per_cell:.0f} weights"
        )
        self._draw_marks()

    def _draw_marks(self) -> None:
        if self._analysis is None or self._block is None or self._block >= self._analysis.blocks:
            self._marks.data = {"row": [], "column": [], "kept": []}
        else:
            self._marks.data = dict(block_weights(self._analysis, self._block))

    def _zoomed(self, event: RangesUpdate) -> None:
        self._window = ((event.y0, event.y1), (event.x0, event.x1))
        self._draw()

    def _tapped(self, event: Tap) -> None:
        if self._analysis is None or event.x is None or event.y is None:
            return
        rows, columns = mask_matrix(self._analysis.mask).shape
        row, column = int(event.y), int(event.x)
        index = row * columns + column
        if not (0 <= row < rows and 0 <= column < columns and index < self._analysis.mask.size):
            return
        block = block_of_weight(self._analysis, index)
        self.select(block)
        if self._on_select is not None:
            self._on_select(block)
