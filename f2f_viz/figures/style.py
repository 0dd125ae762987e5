"""The calm look that every Bokeh figure shares."""

from collections.abc import Callable
from typing import Any

from bokeh.core.properties import value
from bokeh.core.property.vectorization import Value
from bokeh.model import Model
from bokeh.models import (
    GlyphRenderer,
    InlineStyleSheet,
    Legend,
    LegendItem,
    LinearColorMapper,
    Plot,
    Title,
)
from bokeh.palettes import interp_palette
from bokeh.plotting import figure

from f2f_viz.figures.options import Look
from f2f_viz.figures.palette import Palette
from f2f_viz.text import markup

__all__ = [
    "LIGHT",
    "MARK",
    "TEXT_PT",
    "TOOLBAR",
    "blank",
    "density_mapper",
    "dress",
    "drop_toolbars",
    "mix",
    "quiet_legend",
    "scale_text",
    "tip",
]

TEXT_PT = 8.25
"""Size of a figure's text as it is drawn: 11 CSS pixels of 1/96 inch, in points of 1/72 inch."""

_LEAST_PX = 8.0
"""6 pt: smaller text cannot be read in print."""
MARK = "mark"
"""Tag of what points at the settings or the cycle shown."""
LIGHT = "light"
"""Tag of plots that a page asks what is under the pointer in."""
TOOLBAR = "toolbar"
"""Tag of plots whose lower border has room for a toolbar, which paper has not."""
_TOOLBAR_PX = 28
_TITLE = "title"
"""Tag of titles that a figure can do without; those of panels name what they show."""

FONT = "Inter, 'Segoe UI', system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"


def mix(low: str, high: str, share: float) -> str:
    """Blend two #rrggbb colours; 0 gives `low`, 1 gives `high`."""
    return interp_palette((low, high), 101)[round(100 * share)]


def density_mapper(colours: Palette, high: float = 1.0) -> LinearColorMapper:
    """Colours from pruned (0) to kept (`high`)."""
    steps = interp_palette((colours.pruned, colours.kept), 256)
    return LinearColorMapper(palette=steps, low=0, high=high, nan_color=colours.surface)


def blank(
    colours: Palette, *, title: str, x: str = "", y: str = "", panel: bool = False, **options: Any
) -> figure:
    """Make an empty figure: no toolbar, quiet axes, units in the axis labels.

    The title of a `panel` stays where titles are not wanted.
    """
    options = {
        "tools": "",
        "toolbar_location": None,
        "sizing_mode": "stretch_both",
        "min_border": 4,
        "min_border_right": 12,
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
    plot.title.tags = [] if panel else [_TITLE]
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


_KEY = 18, 14
"""Width and height of what a legend shows beside each word, in CSS pixels."""
_IN_LINES = f"""
:host {{ max-width: 100%; align-self: end; }}
.bk-grid {{ display: flex; flex-wrap: wrap; width: auto; column-gap: 12px; }}
/* in SVG they are 500 by 500 until they are drawn, and the plot keeps the room */
.bk-item > svg {{ width: {_KEY[0]}px; height: {_KEY[1]}px; }}
"""


def quiet_legend(plot: figure, colours: Palette) -> None:
    """Style the one legend of `plot`, and put it above, where no point can be.

    It takes as many lines as the plot's width asks for.
    """
    legend = plot.legend[0]
    plot.center.remove(legend)
    plot.add_layout(legend, "above")
    legend.update(
        location="top_left",
        orientation="horizontal",
        label_text_font=FONT,
        label_text_font_size="11px",
        label_text_color=colours.ink,
        border_line_color=None,
        background_fill_color=None,
        margin=0,
        spacing=0,
        glyph_width=_KEY[0],
        glyph_height=_KEY[1],
        stylesheets=[InlineStyleSheet(css=_IN_LINES)],
    )


def tip(colours: Palette, *rows: tuple[str, str]) -> str:
    """Return what a `HoverTool` says, in the figure's own colours; Bokeh's are those of a page.

    Parameters
    ----------
    colours : Palette
    *rows : tuple of str
        What a line is called, and Bokeh's field for it, such as ``@share{0.0 %}``; Bokeh escapes
        what it fills in.
    """
    lines = "".join(f"<tr><th>{markup(name)}</th><td>{field}</td></tr>" for name, field in rows)
    ground, line = colours.surface, colours.line
    # the rules after the table: before it, they would be no part of what Bokeh takes over
    return f"""<table>{lines}</table><style>
:host {{ font: 12px {FONT}; opacity: 1 !important; border-radius: 6px;
  border-color: {line} !important; color: {colours.ink} !important; background: {ground} !important;
  --tooltip-arrow-color: {line}; --tooltip-arrow-inner-color: {ground}; }}
th {{ padding: 1px 8px 1px 0; text-align: left; font-weight: 400; color: {colours.muted}; }}
td {{ padding: 1px 0; max-width: 36ch; font-variant-numeric: tabular-nums; }}
</style>"""


def dress(root: Model, look: Look) -> None:
    """Leave out of a figure what is not wanted, and give it its font."""
    for model in root.references():
        tags = set(model.tags)
        unwanted = (isinstance(model, Title) and _TITLE in tags and not look.title) or (
            MARK in tags and not look.marks
        )
        if unwanted or (isinstance(model, Legend) and not look.legend):
            model.update(visible=False)
        if isinstance(model, LegendItem) and not look.marks and _of_marks(model):
            model.visible = False
    if look.font:
        _restyle(root, "text_font", lambda _: f"{look.font}, {FONT}")


def _of_marks(item: LegendItem) -> bool:
    drawn = [one for one in item.renderers if isinstance(one, GlyphRenderer)]
    return bool(drawn) and all(MARK in one.tags for one in drawn)


def drop_toolbars(root: Model) -> None:
    """Leave out toolbars, and the room for them."""
    for plot in root.references():
        if isinstance(plot, Plot) and TOOLBAR in plot.tags:
            plot.update(
                toolbar_location=None, min_border_bottom=plot.min_border_bottom - _TOOLBAR_PX
            )


def scale_text(root: Model, factor: float, least: float = _LEAST_PX) -> None:
    """Make all text of a figure larger or smaller, `least` pixels at least."""

    def scaled(text: str) -> str:
        return f"{max(float(text.removesuffix('px')) * factor, least):.2f}px"

    _restyle(root, "text_font_size", scaled)


def _restyle(root: Model, ending: str, change: Callable[[str], str]) -> None:
    """Change all text properties whose names end so, be they values or fields of glyphs."""
    for model in root.references():
        for name in model.properties():
            now = getattr(model, name) if name.endswith(ending) else None
            if isinstance(now, str):
                setattr(model, name, change(now))
            elif isinstance(now, Value) and isinstance(now.value, str):
                setattr(model, name, value(change(now.value)))
