"""Figures as files: HTML that works offline, SVG, PDF, PNG, and the data behind them.

Settings, seed and version go into every file, so that a figure can be made again.
"""

import csv
import html
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.embed import file_html
from bokeh.io.export import get_screenshot_as_png, get_svg
from bokeh.models import LayoutDOM, Plot
from bokeh.resources import INLINE

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.errors import F2FError
from f2f_viz.figures.browser import chromium_driver
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.style import TEXT_PT, scale_text
from f2f_viz.files.atomic import write_atomically

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["FORMATS", "Figure", "Sheet", "to_bytes"]

Table = dict[str, Any]

FORMATS = ("html", "svg", "pdf", "png", "csv", "json")
_DPI = 96
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


@dataclass(frozen=True)
class Figure:
    """A figure of an analysis.

    Attributes
    ----------
    name : str
        A name of `catalogue.FIGURES`.
    analysis : Analysis
    theme : {"light", "dark"}
    data : dict of str to list
        What is drawn, in columns of equal length.
    draw : callable or None
        ``draw(narrow)`` makes the Bokeh model, for one column if `narrow`; None for a page.
    sheet : Sheet
        How large an image is.
    page : callable or None
        Of what is a page and no image: ``page(about)`` makes the HTML, with `about` in it.
    """

    name: str
    analysis: Analysis
    theme: Theme
    data: Table
    draw: Callable[[bool], LayoutDOM] | None
    sheet: "Sheet" = field(default_factory=lambda: Sheet())
    page: Callable[[str], str] | None = None

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


def to_bytes(
    figure: Figure,
    form: str,
    *,
    width_mm: float = 180.0,
    height_mm: float | None = None,
    scale: float = 2.0,
    font_pt: float = TEXT_PT,
    driver: "WebDriver | None" = None,
) -> bytes:
    """Return a figure as the bytes of a file; parameters as in `Figure.save`.

    Parameters
    ----------
    form : {"html", "svg", "pdf", "png", "csv", "json"}
    driver : WebDriver, optional
        A browser to draw with; one is started and ended if not given.
    """
    about = json.dumps(figure.metadata, ensure_ascii=False)
    if form == "json":
        return json.dumps({"metadata": figure.metadata, "data": figure.data}, indent=1).encode()
    if form == "csv":
        return _csv(figure).encode()
    if form not in FORMATS:
        raise F2FError("figure format", expected=f"one of {', '.join(FORMATS)}", got=repr(form))
    if figure.page is not None and form == "html":
        return figure.page(about).encode()
    if figure.draw is None:
        raise F2FError(
            f"figure {figure.name!r} is no image", expected="html, csv or json", got=form
        )
    narrow = width_mm < _NARROW_MM and form != "html"
    root = figure.draw(narrow)
    if form == "html":
        page = file_html(root, INLINE, f"f2f-viz: {figure.name}", suppress_callback_warning=True)
        ground = palette(figure.theme).surface
        tag = (
            f'<meta name="f2f-viz" content="{html.escape(about)}">'
            f"<style>body {{ background: {ground} }}</style>"
        )
        return page.replace("<head>", f"<head>{tag}", 1).encode()
    width = round(width_mm / 25.4 * _DPI)
    tall_mm = height_mm or figure.sheet.height_mm(width_mm, narrow)
    height = round(tall_mm / 25.4 * _DPI)
    root.update(sizing_mode="fixed", width=width, height=height)
    scale_text(root, font_pt / TEXT_PT)
    ground = palette(figure.theme).surface if figure.theme == "dark" else ""  # light is for paper
    own = chromium_driver() if driver is None else None
    try:
        return _image(root, form, driver or own, about, scale, ground)
    finally:
        if own is not None:
            own.quit()


def _image(root: LayoutDOM, form: str, driver: Any, about: str, scale: float, ground: str) -> bytes:
    if ground:
        root.styles = {"background-color": ground}
    out = io.BytesIO()
    if form == "png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("f2f-viz", about)
        metrics = {"width": 0, "height": 0, "deviceScaleFactor": scale, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        image = get_screenshot_as_png(root, driver=driver, scale_factor=scale)
        image.save(out, "PNG", pnginfo=info, dpi=(_DPI * scale, _DPI * scale))
        return out.getvalue()
    for plot in root.select({"type": Plot}):
        plot.output_backend = "svg"
    svg = get_svg(root, driver=driver)[0]
    opening = svg.index(">", svg.index("<svg")) + 1
    head = f"<metadata>{html.escape(about)}</metadata>"
    if ground:
        head += f'<rect width="100%" height="100%" fill="{ground}"/>'
    svg = svg[:opening] + head + svg[opening:]
    if form == "svg":
        return svg.encode()
    return _pdf(svg, about)


def _pdf(svg: str, about: str) -> bytes:
    """Draw an SVG image as PDF; what made it goes into the document's information."""
    try:
        import cairosvg
        from pypdf import PdfWriter
    except (ImportError, OSError) as error:
        raise F2FError(
            "PDF needs cairosvg, pypdf and the cairo library",
            hint="pip install 'f2f-viz[export]'; apt install libcairo2",
        ) from error
    drawn = cairosvg.svg2pdf(bytestring=svg.encode(), dpi=_DPI)
    writer = PdfWriter(clone_from=io.BytesIO(drawn))
    made = json.loads(about)
    writer.add_metadata(
        {
            "/Title": f"{made['figure']} of {made['layer']}",
            "/Creator": f"f2f-viz {made['f2f_viz']}",
            "/f2f-viz": about,
        }
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _csv(figure: Figure) -> str:
    out = io.StringIO()
    out.write(f"# {json.dumps(figure.metadata, ensure_ascii=False)}\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(figure.data)
    rows.writerows(zip(*figure.data.values(), strict=True))
    return out.getvalue()
