"""SVG images finished, and turned into PNG and PDF by the browser that draws them.

One browser sets the text of all three, so that no font is missing in one and not in another.
"""

import base64
import io
import re
from collections.abc import Mapping
from typing import Any

from f2f_viz.errors import F2FError
from f2f_viz.text import markup, shown, strict_json, well_formed

__all__ = ["DPI", "framed", "pdf", "png", "show", "size_of"]

DPI = 96
"""CSS pixels per inch."""


def size_of(svg: str) -> tuple[float, float]:
    """Return the width and height that an SVG image says, in CSS pixels."""
    opening = svg[svg.index("<svg") : svg.index(">", svg.index("<svg"))]
    width, height = (re.search(rf'\s{name}="([\d.]+)"', opening) for name in ("width", "height"))
    if width is None or height is None:
        raise F2FError("an SVG image", expected="width and height in pixels", got=opening)
    return float(width[1]), float(height[1])


def framed(svg: str, about: str, caption: str, ground: str = "") -> str:
    """Give an SVG image its size in millimetres, a ground, and what made it.

    Parameters
    ----------
    svg : str
        Its size in CSS pixels.
    about : str
        JSON, kept as metadata.
    caption : str
        Read out in place of the image.
    ground : str
        A colour; none by default.
    """
    width, height = size_of(svg)
    start = svg.index("<svg")
    end = svg.index(">", start) + 1
    opening = re.sub(r'\s(width|height|viewBox|role)="[^"]*"', "", svg[start:end])
    millimetres = [f"{size / DPI * 25.4:.2f}mm" for size in (width, height)]
    frame = (
        f' width="{millimetres[0]}" height="{millimetres[1]}" viewBox="0 0 {width:g} {height:g}"'
        f' role="img">'
    )
    head = f"<desc>{markup(caption)}</desc><metadata>{markup(about)}</metadata>"
    if ground:
        head += f'<rect width="100%" height="100%" fill="{ground}"/>'
    return well_formed(svg[:start] + opening[:-1] + frame + head + svg[end:])


def png(svg: str, about: str, driver: Any, scale: float, ground: str) -> bytes:
    """Draw an SVG image as PNG, `scale` pixels per CSS pixel."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    width, height = show(svg, driver, ground)
    area = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
    wanted = {"format": "png", "clip": area, "captureBeyondViewport": True}
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": int(width), "height": int(height), "deviceScaleFactor": 1, "mobile": False},
    )
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", wanted)
    info = PngInfo()
    info.add_itxt("f2f-viz", about)
    out = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(shot["data"]))) as image:
        image.save(out, "PNG", pnginfo=info, dpi=(DPI * scale, DPI * scale))
    return out.getvalue()


def pdf(svg: str, made: Mapping[str, Any], driver: Any, ground: str) -> bytes:
    """Draw an SVG image as a page of PDF; what made it goes into the document's information."""
    from pypdf import PdfWriter

    width, height = show(svg, driver, ground)
    margins = dict.fromkeys(("marginTop", "marginBottom", "marginLeft", "marginRight"), 0)
    size = {"paperWidth": width / DPI, "paperHeight": height / DPI}
    wanted = {"printBackground": True, "pageRanges": "1", **margins, **size}
    drawn = driver.execute_cdp_cmd("Page.printToPDF", wanted)
    writer = PdfWriter(clone_from=io.BytesIO(base64.b64decode(drawn["data"])))
    writer.add_metadata(
        {
            "/Title": shown(f"{made['figure']} of {made['layer']}"),
            "/Subject": shown(made["caption"]),
            "/Creator": f"f2f-viz {made['f2f_viz']}",
            "/f2f-viz": strict_json(made),
        }
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def show(svg: str, driver: Any, ground: str = "") -> tuple[float, float]:
    """Load an image, and nothing else, into the browser; return its size in CSS pixels."""
    page = (
        "<!doctype html><meta charset='utf-8'><style>html, body { margin: 0; "
        f"background: {ground or 'none'} }} svg {{ display: block }}</style>{svg}"
    )
    driver.get("about:blank")
    frame = driver.execute_cdp_cmd("Page.getFrameTree", {})["frameTree"]["frame"]["id"]
    driver.execute_cdp_cmd("Page.setDocumentContent", {"frameId": frame, "html": page})
    return size_of(svg)
