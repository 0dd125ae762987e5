"""Figures as files: HTML that works offline, SVG, PDF, PNG, and the data behind them.

Settings, seed and version go into every file, so that a figure can be made again.
"""

import csv
import io
import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.embed import file_html
from bokeh.io.export import get_svg
from bokeh.models import LayoutDOM, Plot
from bokeh.resources import INLINE

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.arguments import checked, in_range
from f2f_viz.errors import F2FError
from f2f_viz.figures import images
from f2f_viz.figures.browser import browser
from f2f_viz.figures.captions import describe
from f2f_viz.figures.images import DPI
from f2f_viz.figures.options import PLACE, Look
from f2f_viz.figures.palette import palette
from f2f_viz.figures.style import TEXT_PT, dress, drop_toolbars, scale_text
from f2f_viz.files.atomic import write_atomically
from f2f_viz.text import markup, strict_json, utf8

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["FORMATS", "IMAGES", "Figure", "Sheet", "to_bytes"]

Table = dict[str, Any]

FORMATS = ("html", "svg", "pdf", "png", "csv", "json")
IMAGES = ("svg", "pdf", "png")
"""Formats that have a size, and need a browser to draw."""
WIDTH_MM = 180.0
_NARROW_MM = 130.0
"""Widths below are one column."""


@dataclass(frozen=True)
class Sheet:
    """Proportions of a figure in print.

    Attributes
    ----------
    aspect, narrow_aspect : float
        Height over width in two columns, and in one.
    least_mm : float
        Height below which it cannot be read.
    """

    aspect: float = 0.6
    narrow_aspect: float = 0.0
    least_mm: float = 0.0

    def height_mm(self, width_mm: float, narrow: bool) -> float:
        """Return the height that goes with a width."""
        aspect = self.narrow_aspect if narrow and self.narrow_aspect else self.aspect
        return max(width_mm * aspect, self.least_mm)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of an analysis.

    Attributes
    ----------
    name : str
        A name of `catalogue.FIGURES`.
    analysis : Analysis
    data : dict of str to list
        What is drawn, in columns of equal length.
    about : str
        What is drawn, in sentences for a caption.
    look : Look
    options : dict
        Of `options.OPTIONS`, those that were chosen.
    sheet : Sheet
        How large an image is.
    draw : callable or None
        Of what Bokeh draws: ``draw(narrow)`` makes the model, for one column if `narrow`.
    vector : callable or None
        Of what is drawn without Bokeh: ``vector(width, height, text)`` makes an SVG image of that
        size in CSS pixels, with text of `text` pixels.
    page : callable or None
        Of what is more than a drawing as HTML: ``page(metadata)`` makes the page, with the JSON in
        it.
    finish : callable
        Takes Bokeh's SVG image and gives a better one.
    others : dict of str to callable
        Formats that only this figure has, by suffix: ``others[form](metadata)`` makes the file,
        with the JSON in it.
    """

    name: str
    analysis: Analysis
    data: Table
    about: str = ""
    look: Look = field(default_factory=Look)
    options: dict[str, Any] = field(default_factory=dict)
    sheet: Sheet = field(default_factory=Sheet)
    draw: Callable[[bool], LayoutDOM] | None = None
    vector: Callable[[float, float, float], str] | None = None
    page: Callable[[str], str] | None = None
    finish: Callable[[str], str] = lambda svg: svg
    others: dict[str, Callable[[str], bytes]] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """Text for below the figure: what is drawn, of which layer, under which settings."""
        return f"{self.about} {describe(self.analysis)}".strip()

    @property
    def metadata(self) -> dict[str, Any]:
        """What makes this figure again."""
        return {
            "figure": self.name,
            "options": self.options,
            "layer": self.analysis.layer.name,
            "source": self.analysis.layer.source,
            "exact": self.analysis.exact,
            "settings": self.analysis.settings.to_dict(),
            "caption": self.caption,
            "f2f_viz": version("f2f-viz"),
        }

    def filename(self, form: str) -> str:
        """Return a name for its file: the layer's, the figure's, and where it is drawn."""
        where = [f"{name}-{self.options[name]}" for name in PLACE if name in self.options]
        words = "-".join([self.analysis.layer.name, self.name, *where])
        return f"{re.sub(r'[^0-9A-Za-z]+', '-', words).strip('-')[-120:]}.{form}"

    def sized(
        self, width_mm: float, height_mm: float | None = None, font_pt: float = TEXT_PT
    ) -> LayoutDOM:
        """Return the Bokeh model as it is printed; parameters as in `save`."""
        assert self.draw is not None
        narrow = width_mm < _NARROW_MM
        root = self.draw(narrow)
        width, height = self.pixels(width_mm, height_mm)
        root.update(sizing_mode="fixed", width=width, height=height)
        dress(root, self.look)
        drop_toolbars(root)
        scale_text(root, font_pt / TEXT_PT)
        return root

    def pixels(self, width_mm: float, height_mm: float | None = None) -> tuple[int, int]:
        """Return width and height in CSS pixels."""
        tall_mm = height_mm or self.sheet.height_mm(width_mm, width_mm < _NARROW_MM)
        return round(width_mm / 25.4 * DPI), round(tall_mm / 25.4 * DPI)

    @checked
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        width_mm: float = WIDTH_MM,
        height_mm: float | None = None,
        scale: float = 2.0,
        font_pt: float = TEXT_PT,
    ) -> None:
        """Write the figure; the file's suffix says as what.

        Parameters
        ----------
        path
            Ends in .html, .svg, .pdf, .png, .csv or .json; a waveform's in .vcd too.
        width_mm, height_mm : float
            Printed size: 180 mm fills two columns, 88 mm one; 20 to 1000 mm. The height, 10 to
            1000 mm, follows if not given.
        scale : float
            PNG pixels per CSS pixel, of 1/96 inch: 0.5 to 8.
        font_pt : float
            Size of the text in an image, in points, 1 to 72; titles are a little larger.

        Raises
        ------
        F2FError
            For another suffix or a size out of range, or where what draws images is not installed.
        """
        data = to_bytes(
            self, Path(path).suffix.lstrip("."), width_mm=width_mm, height_mm=height_mm,
            scale=scale, font_pt=font_pt,
        )  # fmt: skip
        write_atomically(path, data)


def to_bytes(
    figure: Figure,
    form: str,
    *,
    width_mm: float = WIDTH_MM,
    height_mm: float | None = None,
    scale: float = 2.0,
    font_pt: float = TEXT_PT,
    driver: "WebDriver | None" = None,
) -> bytes:
    """Return a figure as the bytes of a file; parameters as in `Figure.save`.

    Parameters
    ----------
    form : {"html", "svg", "pdf", "png", "csv", "json"}
        Or one of the figure's `others`.
    driver : WebDriver, optional
        A browser to draw with; one is started and ended if not given.
    """
    width_mm = in_range("width_mm", width_mm, float, 20, 1000)
    if height_mm is not None:
        height_mm = in_range("height_mm", height_mm, float, 10, 1000)
    scale = in_range("scale", scale, float, 0.5, 8)
    font_pt = in_range("font_pt", font_pt, float, 1, 72)
    about = strict_json(figure.metadata)
    if form == "json":
        return utf8(strict_json({"metadata": figure.metadata, "data": figure.data}, indent=1))
    if form == "csv":
        return utf8(_csv(figure))
    if form in figure.others:
        return figure.others[form](about)
    if form not in FORMATS:
        known = ", ".join([*FORMATS, *figure.others])
        raise F2FError("figure format", expected=f"one of {known}", got=repr(form))
    if form == "html":
        return utf8(_html(figure, about))
    if figure.draw is None and figure.vector is None:
        raise F2FError(
            f"figure {figure.name!r} is no image", expected="html, csv or json", got=form
        )
    with browser(driver) if figure.draw or form != "svg" else nullcontext() as page:
        svg = _svg(figure, page, width_mm, height_mm, font_pt)
        if form == "svg":
            return utf8(images.framed(svg, about, figure.caption, ground=_ground(figure)))
        if form == "png":
            return images.png(svg, about, page, scale, ground=palette(figure.look.theme).surface)
        return images.pdf(svg, figure.metadata, page, ground=_ground(figure))


def _ground(figure: Figure) -> str:
    """Return the colour behind it; light figures are for paper, which has its own."""
    return palette(figure.look.theme).surface if figure.look.theme == "dark" else ""


def _svg(
    figure: Figure, driver: Any, width_mm: float, height_mm: float | None, font_pt: float
) -> str:
    if figure.vector is not None:
        width, height = figure.pixels(width_mm, height_mm)
        return figure.vector(width, height, font_pt / 72 * DPI)
    root = figure.sized(width_mm, height_mm, font_pt)
    for plot in root.select({"type": Plot}):
        plot.output_backend = "svg"
    svg: str = get_svg(root, driver=driver)[0]
    return figure.finish(svg)


def _html(figure: Figure, about: str) -> str:
    if figure.page is not None:
        return figure.page(about)
    ground = palette(figure.look.theme).surface
    head = (
        f'<meta name="f2f-viz" content="{markup(about)}">'
        f"<style>body {{ background: {ground} }}</style>"
    )
    title = f"f2f-viz: {figure.name}"
    if figure.draw is None:
        assert figure.vector is not None
        svg = figure.vector(*figure.pixels(WIDTH_MM, None), TEXT_PT / 72 * DPI)
        body = f"<!doctype html><head><meta charset='utf-8'><title>{title}</title></head>{svg}"
        return body.replace("<head>", f"<head>{head}", 1)
    root = figure.draw(False)
    dress(root, figure.look)
    page = file_html(root, INLINE, title, suppress_callback_warning=True)
    return page.replace("<head>", f"<head>{head}", 1)


def _csv(figure: Figure) -> str:
    out = io.StringIO()
    out.write(f"# {strict_json(figure.metadata)}\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(figure.data)
    rows.writerows(zip(*figure.data.values(), strict=True))
    return out.getvalue()
