"""A picture of the analyzer's last result, for where no kernel runs: saved notebooks, nbconvert.

Numbers, stored bits, mask and histogram; as SVG in an HTML image, which survives what notebook
viewers strip, and beside it as PNG for those that take no HTML.
"""

import asyncio
import base64
import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from IPython.display import display, update_display
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.numbers import cards, describe_layer
from f2f_viz.figures.bits import PARTS, bits_data
from f2f_viz.figures.drawing import text_width
from f2f_viz.figures.histogram import histogram_data
from f2f_viz.figures.mask import mask_data
from f2f_viz.figures.palette import LIGHT
from f2f_viz.figures.style import FONT, mix
from f2f_viz.text import markup

__all__ = ["Bundle", "Still", "bundle", "nothing"]

Bundle = dict[str, str]

WIDTH, HEIGHT, EDGE = 760, 316, 12
_WAIT_SECONDS = 1.0
_CARD = mix(LIGHT.surface, LIGHT.kept, 0.08)
_PLAIN = LIGHT.surface, _CARD, LIGHT.ink, LIGHT.muted, LIGHT.line, LIGHT.pruned, LIGHT.kept
_LEVELS = 16
"""Shades of a mask whose weights are smaller than its pixels."""


class Box(NamedTuple):
    """A filled rectangle, in pixels from the top left, and its colour."""

    x: float
    y: float
    width: float
    height: float
    fill: str


class Words(NamedTuple):
    """A text whose base line is at y."""

    x: float
    y: float
    text: str
    fill: str = LIGHT.ink
    size: float = 11
    bold: bool = False
    anchor: str = "start"


class Line(NamedTuple):
    """A line through points."""

    points: Sequence[tuple[float, float]]
    stroke: str


class Cells(NamedTuple):
    """Shares of kept weights, 0 to 1, as a raster."""

    x: float
    y: float
    width: float
    height: float
    density: NDArray[np.float32]


Shape = Box | Words | Line | Cells


def nothing(why: str) -> Bundle:
    """Return what stands there while there is no result."""
    return {"text/html": f'<div class="f2f-still">{markup(why)}</div>', "text/plain": why}


def bundle(analysis: Analysis) -> Bundle:
    """Return a picture of an analysis by MIME type; PNG is among them where Pillow is installed."""
    shapes = _shapes(analysis)
    numbers = "; ".join(f"{c['label']} {c['value']} {c['unit']}".strip() for c in cards(analysis))
    about = f"f2f-viz: {_name(analysis)}. {numbers}"
    picture = base64.b64encode(_svg(shapes, about).encode()).decode()
    image = f'<img src="data:image/svg+xml;base64,{picture}" width="{WIDTH}" alt="{markup(about)}">'
    made = {"text/html": f'<div class="f2f-still">{image}</div>', "text/plain": about}
    png = _png(shapes)
    return made | ({"image/png": base64.b64encode(png).decode()} if png else {})


class Still:
    """The picture that stands beside a live analyzer in a notebook, for when it is saved.

    The page hides it while the analyzer lives (``static/app.css``).

    Parameters
    ----------
    name : str
        By which the notebook finds it again; each of ours has another.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = False
        self._newest: Analysis | None = None
        self._later: asyncio.Task[None] | None = None

    def show(self, made: Bundle) -> None:
        """Put it out, once more if the analyzer is shown once more."""
        display(made, raw=True, display_id=self._name)  # type: ignore[no-untyped-call]
        self._shown = True

    def keep(self, analysis: Analysis) -> None:
        """Take another result, and draw it when no other comes for a while."""
        if self._shown:
            self.stop()
            self._newest = analysis
            self._later = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        await asyncio.sleep(_WAIT_SECONDS)
        await self.drawn()

    async def drawn(self) -> None:
        """Draw the newest result now, if it is not drawn yet."""
        newest = self._newest
        if newest is None:
            return
        made = await asyncio.to_thread(bundle, newest)
        if newest is self._newest:  # still the newest, and not drawn meanwhile
            self._newest = None
            update_display(made, raw=True, display_id=self._name)  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Draw nothing more."""
        if self._later is not None:
            self._later.cancel()
        self._newest = None


# ---- what is drawn ---------------------------------------------------------------------------


def _name(a: Analysis) -> str:
    return describe_layer(a.given, a.settings.number_format)


def _shapes(a: Analysis) -> list[Shape]:
    code = a.settings.code
    ground = Box(0, 0, WIDTH, HEIGHT, LIGHT.surface)
    where = f"n_in = {code.n_in}, n_s = {code.n_s}, n_out = {a.n_out}, {a.layout.order} order"
    name = _name(a)
    most = int((WIDTH - 2 * EDGE) / text_width("m", 13))
    return [
        ground,
        Words(EDGE, 22, name if len(name) <= most else f"{name[: most - 1]}…", size=13, bold=True),
        Words(EDGE, 38, f"{where}; the last result, as it was saved", LIGHT.muted),
        *_cards(a),
        *_mask(a, EDGE, 118, 226, HEIGHT - 118 - EDGE),
        *_bits(a, 262, 118, WIDTH - 262 - EDGE),
        *_histogram(a, 262, 196, WIDTH - 262 - EDGE, HEIGHT - 196 - 26),
    ]


def _cards(a: Analysis) -> list[Shape]:
    shapes: list[Shape] = []
    shown = cards(a)
    step = (WIDTH - 2 * EDGE) / len(shown)
    for i, card in enumerate(shown):
        x = EDGE + i * step
        value = f"{card['value']} {card['unit']}".strip()
        shapes += [
            Box(x, 48, step - 6, 54, _CARD),
            Words(x + 6, 63, card["label"], LIGHT.muted, 10),
            Words(x + 6, 80, value, size=14, bold=True),
            Words(x + 6, 95, card["note"], LIGHT.muted, 8.5),
        ]
    return shapes


def _mask(a: Analysis, x: float, y: float, width: float, height: float) -> list[Shape]:
    head = Words(x, y + 10, f"Mask: {100 * (1 - a.sparsity):.1f} % of the weights kept", size=11)
    if not a.mask.size:
        return [head]
    data = mask_data(a, pixels=(160, 160))
    if np.any((data["density"] > 0) & (data["density"] < 1)):  # shades take more bytes a cell
        data = mask_data(a, pixels=(80, 80))
    rows, columns = int(data["row_edges"][-1]), int(data["column_edges"][-1])
    room = height - 18
    scale = min(width / columns, room / rows)
    size = max(columns * scale, 4), max(rows * scale, 4)
    return [head, Cells(x, y + 18, *size, data["density"])]


def _bits(a: Analysis, x: float, y: float, width: float) -> list[Shape]:
    data = bits_data(a)
    whole = max(data["right"][-1], 1e-9)
    shapes: list[Shape] = [
        Words(x, y + 10, f"Stored bits per weight: {data['right'][1]:.2f} payload + corrections, "
              f"{data['right'][-1]:.2f} whole file; dense {len(a.planes)}"),
    ]  # fmt: skip
    at = x
    for part, left, right, share in zip(
        data["part"], data["left"], data["right"], data["share"], strict=True
    ):
        fill = getattr(LIGHT, part)
        start, end = (x + width * value / whole for value in (left, right))
        told = f"{part} {100 * share:.1f} %"
        shapes += [
            Box(start, y + 18, end - start, 18, fill),
            Box(at, y + 45, 8, 8, fill),
            Words(at + 12, y + 53, told, LIGHT.muted, 9),
        ]
        at += 22 + text_width(told, 9)
    return shapes


def _histogram(a: Analysis, x: float, y: float, width: float, height: float) -> list[Shape]:
    data = histogram_data(a)[a.layout.order]
    share, binomial = data["share"], data["binomial"]
    top = max(float(share.max(initial=0)), float(binomial.max(initial=0)), 1e-9)
    base, room, step = y + height, height - 18, width / len(share)

    def up(value: float) -> float:
        return base - room * value / top

    shapes: list[Shape] = [
        Words(x, y + 10, "Care bits of a block n_u: variance "
              f"{data['dispersion']:.2f} × the binomial's (line)"),
    ]  # fmt: skip
    shapes += [
        Box(x + i * step + step * 0.08, up(float(v)), step * 0.84, base - up(float(v)), LIGHT.kept)
        for i, v in enumerate(share)
        if v
    ]
    middles = [(x + (i + 0.5) * step, up(float(v))) for i, v in enumerate(binomial)]
    each = max(-(-len(share) // 12), 1)
    return [
        *shapes,
        Line([(x, base), (x + width, base)], LIGHT.line),
        Line(middles, LIGHT.reference),
        *(
            Words(x + (i + 0.5) * step, base + 13, f"{i}", LIGHT.muted, 9, anchor="middle")
            for i in range(0, len(share), each)
        ),
    ]


# ---- as SVG ----------------------------------------------------------------------------------


def _svg(shapes: Sequence[Shape], about: str) -> str:
    """Draw the picture as it is saved: a small file, and nothing that a page could restyle."""
    parts = []
    for shape in shapes:
        if isinstance(shape, Words):
            look = f' font-size="{shape.size:g}"' * (shape.size != 11)
            look += ' font-weight="700"' * shape.bold
            look += f' fill="{shape.fill}"' * (shape.fill != LIGHT.ink)
            look += ' text-anchor="middle"' * (shape.anchor == "middle")
            parts.append(
                f'<text x="{shape.x:.0f}" y="{shape.y:.0f}"{look}>{markup(shape.text)}</text>'
            )
        elif isinstance(shape, Box):
            x, y, width, height, fill = shape
            d = f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"
            parts.append(f'<path d="{d}" fill="{fill}"/>')
        elif isinstance(shape, Line):
            d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shape.points)
            parts.append(f'<path d="{d}" fill="none" stroke="{shape.stroke}"/>')
        else:
            raster = base64.b64encode(_raster(shape.density)).decode()
            parts.append(
                f'<image x="{shape.x:.0f}" y="{shape.y:.0f}" width="{shape.width:.1f}" '
                f'height="{shape.height:.1f}" preserveAspectRatio="none" '
                f'style="image-rendering:pixelated" href="data:image/png;base64,{raster}"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="{markup(FONT)}" font-size="11" fill="{LIGHT.ink}">'
        f"<title>{markup(about)}</title>{''.join(parts)}</svg>"
    )


def _levels(density: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the shade of each cell, and the colour of each shade."""
    colours = [mix(LIGHT.pruned, LIGHT.kept, i / (_LEVELS - 1)) for i in range(_LEVELS)]
    table = np.array([list(bytes.fromhex(c[1:])) for c in colours], np.uint8)
    return np.rint(density * (_LEVELS - 1)).astype(np.uint8), table


def _raster(density: NDArray[np.float32]) -> bytes:
    """Return cells as a PNG image of four bits a cell."""
    levels, table = _levels(density)
    rows, columns = levels.shape
    padded = np.zeros((rows, columns + columns % 2), np.uint8)
    padded[:, :columns] = levels
    lines = np.zeros((rows, padded.shape[1] // 2 + 1), np.uint8)  # each begins with its filter, 0
    lines[:, 1:] = padded[:, ::2] << 4 | padded[:, 1::2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 4, 3, 0, 0, 0)),
            chunk(b"PLTE", table.tobytes()),
            chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            chunk(b"IEND", b""),
        ]
    )


# ---- as PNG ----------------------------------------------------------------------------------


def _png(shapes: Sequence[Shape]) -> bytes:
    """Draw the picture; nothing without Pillow."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        return b""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"  # letters without greys: half the file
    for shape in shapes:
        if isinstance(shape, Words):
            anchor = {"start": "ls", "middle": "ms"}[shape.anchor]
            font = _font(shape.size, shape.bold)
            draw.text((shape.x, shape.y), shape.text, shape.fill, font, anchor)
        elif isinstance(shape, Box):
            x, y, width, height, fill = shape
            if width > 0 and height > 0:
                corner = max(x + width - 1, x), max(y + height - 1, y)
                draw.rectangle([(x, y), corner], fill)
        elif isinstance(shape, Line):
            draw.line(list(shape.points), shape.stroke, 1)
        else:
            levels, table = _levels(shape.density)
            size = round(shape.width), round(shape.height)
            cells = Image.fromarray(table[levels]).resize(size, Image.Resampling.NEAREST)
            image.paste(cells, (round(shape.x), round(shape.y)))
    named = (*(getattr(LIGHT, part) for part in PARTS), *_PLAIN)
    colours = Image.new("P", (1, 1))
    colours.putpalette(bytes.fromhex("".join(colour[1:] for colour in named)))
    out = io.BytesIO()  # in its own colours alone: half as large
    image.quantize(palette=colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _font(size: float, bold: bool) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(f"DejaVuSans{'-Bold' * bold}.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
