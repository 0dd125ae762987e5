"""The calm look that every Bokeh figure shares."""

from typing import Any

from bokeh.core.properties import value
from bokeh.model import Model
from bokeh.models import LinearColorMapper
from bokeh.plotting import figure

from f2f_viz.figures.palette import Palette

__all__ = ["TEXT_PT", "blank", "density_mapper", "mix", "quiet_legend", "scale_text"]

TEXT_PT = 8.25
"""Size of a figure's text as it is drawn: 11 CSS pixels of 1/96 inch, in points of 1/72 inch."""

FONT = "Inter, 'Segoe UI', system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"


def mix(low: str, high: str, share: float) -> str:
    """Blend two #rrggbb colours; 0 gives `low`, 1 gives `high`."""
    pairs = [(int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def density_mapper(colours: Palette, high: float = 1.0) -> LinearColorMapper:
    """Colours from pruned (0) to kept (`high`)."""
    steps = [mix(colours.pruned, colours.kept, i / 255) for i in range(256)]
    return LinearColorMapper(palette=steps, low=0, high=high, nan_color=colours.surface)


def blank(colours: Palette, *, title: str, x: str = "", y: str = "", **options: Any) -> figure:
    """Make an empty figure: no toolbar, quiet axes, units in the axis labels."""
    options = {
        "tools": "",
        "toolbar_location": None,
        "sizing_mode": "stretch_both",
        "min_border": 4,
        "background_fill_color": None,
        "border_fill_color": None,
        "outline_line_color": None,
    } | options
    plot = figure(title=title, **options)
    plot.title.text_font = FONT
    plot.title.text_font_size = "12.5px"
    plot.title.text_font_style = "bold"
    plot.title.text_color = colours.ink
    plot.title.offset = 0
    plot.toolbar.logo = None
    for axis, label in ((plot.xaxis, x), (plot.yaxis, y)):
        axis.axis_label = label
        axis.axis_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = "11.5px"
        axis.axis_label_text_color = colours.muted
        axis.axis_label_standoff = 4
        axis.major_label_text_font = FONT
        axis.major_label_text_font_size = "11px"
        axis.major_label_text_color = colours.muted
        axis.axis_line_color = colours.line
        axis.major_tick_line_color = colours.line
        axis.major_tick_in = 0
        axis.minor_tick_line_color = None
    plot.grid.grid_line_color = colours.line
    plot.grid.grid_line_alpha = 0.6
    plot.xgrid.grid_line_color = None
    return plot


def quiet_legend(plot: figure, colours: Palette, location: str = "top_right") -> None:
    """Style the legend that the glyphs of `plot` made."""
    legend = plot.legend
    legend.location = location
    legend.label_text_font = FONT
    legend.label_text_font_size = "11px"
    legend.label_text_color = colours.ink
    legend.border_line_color = None
    legend.background_fill_color = colours.surface
    legend.background_fill_alpha = 0.75
    legend.padding = 4
    legend.spacing = 0
    legend.glyph_width = 14
    legend.glyph_height = 14


def scale_text(root: Model, factor: float) -> None:
    """Make all text of a figure larger or smaller; all sizes are in pixels."""
    for model in root.references():
        for name in model.properties():
            if not name.endswith("text_font_size"):
                continue
            size = getattr(model, name)
            text = size if isinstance(size, str) else getattr(size, "value", "")
            if text.endswith("px"):
                scaled = f"{float(text.removesuffix('px')) * factor:.2f}px"
                setattr(model, name, scaled if isinstance(size, str) else value(scaled))
