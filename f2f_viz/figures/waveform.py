"""The wires of a lane, clock by clock, as a timing diagram."""

from typing import Any

import numpy as np

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.figures.captions import why_not_decoded
from f2f_viz.figures.drawing import LIVE, PAGE, Drawing, DrawingWidget, text_width
from f2f_viz.figures.options import Look
from f2f_viz.figures.palette import Palette
from f2f_viz.hardware.waveforms import Row, Waveform, rows, waveform

__all__ = ["WaveformView", "draw_waveform", "waveform_about", "waveform_data"]

GUTTER, HEAD, LANE, EDGE = 92, 20, 26, 5
DIGITS = 8
"""Hexadecimal digits of a block in a line."""


def waveform_about(analysis: Analysis, plane: int, cycle: int, clocks: int) -> Waveform:
    """Return the clock cycles about the one in which a block's symbol stands at the input.

    Parameters
    ----------
    analysis : Analysis
        An exact one, of a layer with weights.
    plane, cycle : int
        The block's.
    clocks : int
        How many clock cycles, where the layer has as many blocks.
    """
    assert analysis.encoded is not None
    start = max(min(cycle - clocks // 3, analysis.blocks - clocks + 1), 0)
    # a block earlier, so that it is known what the register holds; more than are shown, for a
    # block may take several cycles
    return waveform(
        analysis.encoded, plane, max(start - 1, 0), min(start + clocks, analysis.blocks)
    )


def _shown(wave: Waveform, cycle: int, clocks: int) -> slice:
    """Which cycles of a waveform are drawn: the block's own are among them."""
    own = int(np.flatnonzero(wave.block == cycle)[0])
    first = max(min(own - clocks // 3, wave.cycles - clocks), 0)
    return slice(first, first + clocks)


def waveform_data(analysis: Analysis, plane: int, cycle: int, clocks: int) -> dict[str, list[Any]]:
    """Return a timing diagram as columns, a row a clock cycle.

    Returns
    -------
    dict of lists
        block: whose symbol stands at the input; out_block: which one y holds; −1 for none; then
        the rows of `hardware.waveforms.rows` by name, None where nothing is known.
    """
    wave = waveform_about(analysis, plane, cycle, clocks)
    shown = _shown(wave, cycle, clocks)
    return {
        "block": wave.block[shown].tolist(),
        "out_block": wave.out_block[shown].tolist(),
    } | {row.name: row.texts[shown] for row in rows(wave) if row.kind != "clock"}


def _lines(text: str) -> list[str]:
    """Cut hexadecimal digits into lines, so that the last, least significant one is full."""
    first = len(text) % DIGITS
    return [text[:first]] * bool(first) + [
        text[at : at + DIGITS] for at in range(first, len(text), DIGITS)
    ]


def draw_waveform(
    analysis: Analysis, colours: Palette, plane: int, cycle: int, width: float, look: Look = LIVE,
    most: int | None = None,
) -> Drawing:  # fmt: skip
    """Draw the timing diagram about a cycle of a plane.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    colours : Palette
    plane, cycle : int
        The block whose cycles are marked.
    width : float
        Pixels; as many clock cycles are drawn as it has room for.
    look : Look
        Its marks and its font.
    most : int or None
        Clock cycles that are drawn at most.
    """
    digits = min(-(-analysis.n_out // 4), DIGITS)
    step = max(text_width("0" * digits, font="mono") + 16, 44)
    clocks = max(int((width - GUTTER - 4) // step), 2)
    clocks = min(clocks, most or clocks)
    wave = waveform_about(analysis, plane, cycle, clocks)
    shown = _shown(wave, cycle, clocks)
    blocks, out_blocks = wave.block[shown].tolist(), wave.out_block[shown].tolist()
    lines = rows(wave)
    tall = LANE + 13 * (len(_lines("0" * -(-analysis.n_out // 4))) - 1)
    height = HEAD + LANE * (len(lines) - 1) + tall + 8
    label = f"Timing diagram, plane {plane}, block {cycle}"
    drawing = Drawing(max(width, GUTTER + 2 * step + 4), height, label, look.font)
    drawing.text(0, 13, "block at x", colours.muted)
    for c, block in enumerate(blocks):
        left = GUTTER + c * step
        if look.marks and block == cycle:
            drawing.path(
                f"M{left:.1f} 0h{step:.1f}v{height - tall - 6}h{-step:.1f}z",
                fill=colours.symbol, opacity=0.16,
            )  # fmt: skip
        if look.marks and out_blocks[c] == cycle:
            drawing.path(
                f"M{left:.1f} {height - tall - 6}h{step:.1f}v{tall + 4}h{-step:.1f}z",
                fill=colours.symbol, opacity=0.16,
            )  # fmt: skip
        drawing.path(f"M{left:.1f} {HEAD}V{height}", colours.line)
        if block >= 0:
            drawing.text(left + step / 2, 13, f"{block}", colours.muted, anchor="middle")
    top = HEAD
    for row in lines:
        own = tall if row.kind == "block" else LANE
        drawing.text(0, top + LANE / 2 + 4, row.name, colours.ink)
        if row.kind == "clock":
            _clock(drawing, len(blocks), top, step, colours)
        elif row.kind == "bit":
            _bit(drawing, row.texts[shown], top, step, colours)
        else:
            _bus(drawing, row, row.texts[shown], top, own, step, colours)
        top += own
    for c, block in enumerate(blocks):
        if block >= 0:
            drawing.hit(GUTTER + c * step, 0, step, height, f"block {block}", cycle=block)
    return drawing


def _clock(drawing: Drawing, clocks: int, top: float, step: float, colours: Palette) -> None:
    low, high = top + LANE - 5, top + 5
    d = f"M{GUTTER} {low}"
    for c in range(clocks):
        left = GUTTER + c * step
        d += f"H{left:.1f}V{high}H{left + step / 2:.1f}V{low}"
    drawing.path(d + f"H{GUTTER + clocks * step:.1f}", colours.ink)


def _bit(
    drawing: Drawing, texts: list[str | None], top: float, step: float, colours: Palette
) -> None:
    levels = {"0": top + LANE - 5, "1": top + 5}
    d = ""
    for c, text in enumerate(texts):
        y = levels[str(text)]
        d += f"{'V' if d else f'M{GUTTER} '}{y}H{GUTTER + (c + 1) * step:.1f}"
    drawing.path(d, colours.ink)


def _bus(
    drawing: Drawing, row: Row, texts: list[str | None], top: float, tall: float, step: float,
    colours: Palette,
) -> None:  # fmt: skip
    stroke = {
        "symbol": colours.symbol, "register": colours.register, "corrected": colours.corrected,
        "block": colours.care,
    }[row.kind]  # fmt: skip
    half = (tall - 6) / 2
    for c, text in enumerate(texts):
        left, middle = GUTTER + c * step, top + 3 + half
        if text is None:
            drawing.path(f"M{left:.1f} {middle}h{step:.1f}", colours.dont_care)
            continue
        flat = step - 2 * EDGE - 2
        drawing.path(
            f"M{left + 1:.1f} {middle}l{EDGE} {-half}h{flat:.1f}l{EDGE} {half}l{-EDGE} {half}"
            f"h{-flat:.1f}z",
            stroke,
        )  # fmt: skip
        lines = _lines(text) if row.kind == "block" else [text]
        for i, line in enumerate(lines):
            y = middle + 4 + 13 * (i - (len(lines) - 1) / 2)
            drawing.text(left + step / 2, y, line, colours.ink, font="mono", anchor="middle")


class WaveformView:
    """The timing diagram of an exact analysis, in a page.

    Attributes
    ----------
    root : DrawingWidget
        A click on a clock cycle sends ``cycle``.
    """

    def __init__(self) -> None:
        self.root = DrawingWidget(
            about="The wires of one lane, clock by clock: y holds a block one cycle after its "
            "symbol entered, and stays for each further bit to flip. Click a cycle to go there."
        )
        self._analysis: Analysis | None = None
        self._at = 0, 0
        self.root.observe(lambda _: self._draw(), "width")

    def update(self, analysis: Analysis) -> None:
        """Show another analysis; a preview leaves the last one standing."""
        if analysis.encoded is not None and analysis.blocks:
            self._analysis = analysis
            self._draw()

    def go(self, plane: int, cycle: int) -> None:
        """Move to a cycle of a plane."""
        if (plane, cycle) != self._at:
            self._at = plane, cycle
            self._draw()

    def _draw(self) -> None:
        a, (plane, cycle) = self._analysis, self._at
        if a is not None and plane < len(a.planes) and cycle < a.blocks:
            if why_not_decoded(a, plane):
                self.root.svg = ""
                return
            drawing = draw_waveform(a, PAGE, plane, cycle, max(self.root.width, 300))
            self.root.svg = drawing.svg()
