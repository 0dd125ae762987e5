"""Figures as files: HTML that works offline, SVG, PDF, PNG, and the data behind them.

Settings, seed and version go into every file, so that a figure can be made again.
"""

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from bokeh.embed import file_html
from bokeh.io.export import get_screenshot_as_png, get_svg
from bokeh.models import LayoutDOM, Plot
from bokeh.resources import INLINE

from f2f_viz.errors import F2FError
from f2f_viz.figures.browser import chromium_driver
from f2f_viz.figures.lesson import lesson_html
from f2f_viz.figures.palette import palette
from f2f_viz.figures.style import TEXT_PT, scale_text

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

    from f2f_viz.figures.catalogue import Figure

__all__ = ["FORMATS", "to_bytes"]

FORMATS = ("html", "svg", "pdf", "png", "csv", "json")
_DPI = 96
_ASPECT = {
    "mask": 0.9, "histogram": 0.75, "bits": 0.22, "compare": 0.55, "ratio": 0.6, "planes": 0.6,
    "trellis": 0.5,
}  # fmt: skip
_LEAST_MM = {"planes": 105.0, "trellis": 85.0, "bits": 48.0, "compare": 75.0}
"""Heights below which a narrow figure cannot be read."""
_TALL = 2.1
"""Height over width of `ratio` in one column, where its charts stand below each other."""
_NARROW_MM = 130.0
"""Widths below are one column."""


def to_bytes(
    figure: "Figure",
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
    if figure.name == "decoder" and form == "html":
        return lesson_html(figure.analysis, figure.theme, about).encode()
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
            f'<meta name="f2f-viz" content="{_attribute(about)}">'
            f"<style>body {{ background: {ground} }}</style>"
        )
        return page.replace("<head>", f"<head>{tag}", 1).encode()
    width = round(width_mm / 25.4 * _DPI)
    aspect = _TALL if narrow and figure.name == "ratio" else _ASPECT[figure.name]
    tall_mm = max(width_mm * aspect, _LEAST_MM.get(figure.name, 0.0))
    height = round((height_mm or tall_mm) / 25.4 * _DPI)
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
    head = f"<metadata>{_attribute(about)}</metadata>"
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


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _csv(figure: "Figure") -> str:
    out = io.StringIO()
    out.write(f"# {json.dumps(figure.metadata, ensure_ascii=False)}\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(figure.data)
    rows.writerows(zip(*figure.data.values(), strict=True))
    return out.getvalue()
