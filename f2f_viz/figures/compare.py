"""F2F beside the other formats, in bytes measured on the same mask and weights."""

from typing import Any

from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, LabelSet, NumeralTickFormatter

from f2f_viz.analysis.compare import F2F, Bounds, Rival
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.style import FONT, blank, tip

__all__ = ["CompareView", "compare_data"]


def compare_data(rivals: list[Rival], bounds: Bounds) -> dict[str, list[Any]]:
    """Return formats and bounds, smallest last (so that a bar chart has it at the bottom).

    Returns
    -------
    dict of lists
        name, bytes, kind ("f2f", "rival" or "bound"), label (bytes, ratio over dense, fixed rate).
    """
    rows = [
        (r.name, float(r.bytes), "f2f" if r.name == F2F else "rival", r.fixed_rate)
        for r in rivals
        if r.bytes is not None and r.name != "dense"
    ]
    rows += [
        ("bound: kept bits + mask", (bounds.kept_bits + bounds.mask_bits) / 8, "bound", False),
        (
            "bound: planes' entropy + mask",
            (bounds.plane_bits + bounds.mask_bits) / 8,
            "bound",
            False,
        ),
    ]
    rows.sort(key=lambda row: -row[1])
    dense = bounds.dense_bits / 8
    return {
        "name": [row[0] for row in rows],
        "bytes": [row[1] for row in rows],
        "kind": [row[2] for row in rows],
        "label": [
            f"{size:,.0f} bytes, {f'{dense / size:.2f} ×' if size else 'nothing to code'}"
            + (", fixed rate" if fixed else "")
            for _, size, _, fixed in rows
        ],
    }


_LEAST_WIDTH = {False: 375, True: 200}
"""Pixels that the bars and their labels have at least: in the page, in a narrow print."""
_LETTER = 6.2
"""Pixels of a label's letter, on average."""


class CompareView:
    """One bar a format; F2F is full, bounds are hollow.

    Parameters
    ----------
    theme : {"light", "dark"}
    narrow : bool
        Short names, and ratios alone beside the bars.

    Attributes
    ----------
    root : bokeh figure
    """

    def __init__(self, theme: Theme = "light", narrow: bool = False) -> None:
        self._narrow = narrow
        colours = palette(theme)
        self._fill = {"f2f": colours.kept, "rival": colours.header, "bound": colours.surface}
        self._line = colours.reference
        self._source = ColumnDataSource({k: [] for k in ("name", "bytes", "label", "fill", "line")})
        self.root = plot = blank(
            colours,
            title="Comparing…",
            x="bytes, mask included" if narrow else "bytes of the whole layer, mask included",
            x_range=(0, 1),
            y_range=[""],
        )
        bars = plot.hbar(
            y="name", right="bytes", height=0.62, source=self._source, fill_color="fill",
            line_color="line", line_width=1.4, line_dash="solid",
        )  # fmt: skip
        plot.add_layout(
            LabelSet(
                x="bytes", y="name", text="label", source=self._source, x_offset=6, y_offset=-6,
                text_font=value(FONT), text_font_size=value("11.5px"), text_color=colours.ink,
            )
        )  # fmt: skip
        plot.add_tools(
            HoverTool(
                renderers=[bars], tooltips=tip(colours, ("format", "@name"), ("size", "@label"))
            )
        )
        plot.ygrid.visible = plot.xaxis.visible = False  # nothing is on it yet
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
        plot.xaxis.ticker.desired_num_ticks = 2 if narrow else 6

    def wait(self) -> None:
        """Say that the numbers shown are old."""
        self.root.title.text = "Comparing…"

    def show(self, rivals: list[Rival], bounds: Bounds) -> None:
        """Show measured sizes."""
        data = compare_data(rivals, bounds)
        if self._narrow:
            data["name"] = [name.removesuffix(" + mask") for name in data["name"]]
            data["label"] = [text.split(", ")[1] for text in data["label"]]
        width = _LEAST_WIDTH[self._narrow]
        ends = [
            size * width / (width - _LETTER * (len(label) + 2))
            for size, label in zip(data["bytes"], data["label"], strict=True)
        ]
        self.root.x_range.end = max([*ends, 1.0])  # every label fits beside its bar
        self.root.y_range.factors = data["name"]
        self.root.title.text = "Measured size"
        self.root.xaxis.visible = True
        kinds = data.pop("kind")
        data["fill"] = [self._fill[kind] for kind in kinds]
        data["line"] = [self._line if kind == "bound" else self._fill[kind] for kind in kinds]
        self._source.data = data
