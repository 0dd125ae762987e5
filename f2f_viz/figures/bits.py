"""Where every stored bit goes, beside the bound."""

from collections.abc import Callable, Sequence
from typing import Any

from bokeh.events import Tap
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.transform import factor_cmap

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.style import LIGHT, blank, quiet_legend, tip

__all__ = ["PARTS", "BitsView", "bits_data"]

PARTS = ("payload", "corrections", "mask", "matrix", "header")
_MEANING = {
    "payload": "n_in bits per block and plane",
    "corrections": "care bits the decoder gets wrong",
    "mask": "which weights are kept",
    "matrix": "the XOR matrix M",
    "header": "shape, sizes, checksum, scales",
}


def bits_data(analysis: Analysis) -> dict[str, list[Any]]:
    """Return the stored bits, laid end to end.

    Returns
    -------
    dict of lists, one entry a part in the order of `PARTS`
        part, bits, left, right (bits per weight), share (of the file), meaning. `right[-1]` is the
        whole file, `right[1]` the paper's accounting (payload + corrections).
    """
    size = max(analysis.mask.size, 1)
    total = sum(analysis.bits.values())
    data: dict[str, list[Any]] = {
        k: [] for k in ("part", "bits", "left", "right", "share", "meaning")
    }
    at = 0.0
    for part in PARTS:
        bits = float(analysis.bits[part])
        data["part"].append(part)
        data["bits"].append(bits)
        data["left"].append(at / size)
        data["right"].append((at + bits) / size)
        data["share"].append(bits / total if total else 0.0)
        data["meaning"].append(_MEANING[part])
        at += bits
    return data


class BitsView:
    """One bar of stored bits per weight; dashed: the kept weights' own, the bound of random bits.

    Parameters
    ----------
    theme : {"light", "dark"}
    narrow : bool
        A short title.
    on_select : callable, optional
        Called with the part that the user clicked.

    Attributes
    ----------
    root : bokeh figure
    """

    def __init__(
        self,
        theme: Theme = "light",
        narrow: bool = False,
        on_select: Callable[[str], None] | None = None,
    ) -> None:
        self._narrow, self._on_select = narrow, on_select
        self._lit: Sequence[str] = ()
        colours = palette(theme)
        self._source = ColumnDataSource(
            {k: [] for k in ("part", "bits", "left", "right", "share", "meaning", "label")}
        )
        self.root = plot = blank(
            colours,
            title="Stored bits",
            x="bits per weight",
            y_range=(-0.36, 0.42),
            tags=[LIGHT],
        )
        fill = [getattr(colours, part) for part in PARTS]
        bars = plot.hbar(
            y=0, height=0.66, left="left", right="right", source=self._source, line_width=1,
            line_color=colours.surface, fill_color=factor_cmap("part", fill, PARTS),
            legend_field="label",
        )  # fmt: skip
        self._marks = ColumnDataSource({"left": [], "right": []}, name="parts marked")
        plot.hbar(
            y=-0.32, height=0.07, left="left", right="right", source=self._marks,
            fill_color=colours.ink, line_color=None,
        )  # fmt: skip
        self._passing = ColumnDataSource({"left": [], "right": []}, name="parts passing")
        plot.hbar(
            y=-0.32, height=0.07, left="left", right="right", source=self._passing,
            fill_color=colours.symbol, line_color=None,
        )  # fmt: skip
        plot.on_event(Tap, self._tapped)
        self._bound = ColumnDataSource({"bound": [], "limit": []})
        plot.segment(  # over the bar alone: never through a word of the legend
            "bound", -0.36, "bound", 0.42, source=self._bound, line_color=colours.reference,
            line_dash="dashed", line_width=1.5, legend_field="limit",
        )  # fmt: skip
        plot.add_tools(
            HoverTool(
                renderers=[bars],
                tooltips=tip(
                    colours,
                    ("@part", "@meaning"),
                    ("bits", "@bits{0,0}"),
                    ("share", "@share{0.0 %}"),
                ),
            )
        )
        plot.x_range.start = 0
        plot.yaxis.visible = False
        plot.ygrid.visible = False
        quiet_legend(plot, colours)

    def update(self, analysis: Analysis) -> None:
        """Show another analysis."""
        data = bits_data(analysis)
        data["label"] = [
            f"{part} {100 * share:.1f} %"
            for part, share in zip(data["part"], data["share"], strict=True)
        ]
        self._source.data = data
        planes = len(analysis.planes)
        bound = planes * (1 - analysis.sparsity)
        self._bound.data = {"bound": [bound], "limit": [f"kept bits {bound:.2f}"]}
        about = "" if analysis.exact else "≈ "
        coded, whole = (f"{about}{data['right'][end]:.2f}" for end in (1, -1))
        self.root.title.text = (
            f"Bits per weight: {coded}, file {whole}"
            if self._narrow
            else f"Bits per weight: {coded} payload + corrections, {whole} whole file; "
            f"dense {planes}"
        )
        self._draw_marks(self._marks, self._lit)

    def mark(self, parts: Sequence[str]) -> None:
        """Underline the parts that a bit takes part in."""
        self._lit = parts
        self._draw_marks(self._marks, parts)

    def light(self, parts: Sequence[str]) -> None:
        """Underline parts in passing, over those that are marked."""
        self._draw_marks(self._passing, parts)

    def at(self, x: float) -> str | None:
        """Return the part that is stored at a place of the bar; None right of it."""
        data = self._source.data
        for part, left, right in zip(data["part"], data["left"], data["right"], strict=True):
            if left <= x < right:
                return str(part)
        return None

    def _draw_marks(self, marks: ColumnDataSource, parts: Sequence[str]) -> None:
        data = self._source.data
        at = [i for i, part in enumerate(data["part"]) if part in parts]
        marks.data = {side: [data[side][i] for i in at] for side in ("left", "right")}

    def _tapped(self, event: Tap) -> None:
        part = None if event.x is None else self.at(event.x)
        if self._on_select is not None and part is not None:
            self._on_select(part)
