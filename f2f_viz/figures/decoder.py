"""The decoder, cycle by cycle: symbol, register, XOR network, output bits and their states."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.exponent_ranks import to_ranks
from f2f_viz.codec.trace import trace
from f2f_viz.codec.trellis import encode_bits, max_n_in
from f2f_viz.figures.captions import why_not_decoded
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet
from f2f_viz.hardware.gates import gates

__all__ = [
    "DecoderView",
    "DecoderWidget",
    "code_data",
    "heavy_cycles",
    "matrix_bytes",
    "mismatch_cycles",
    "register_data",
    "window_data",
]

WINDOW = 96
"""Cycles on the wire at a time; the view asks for more as it moves."""
_MOST_JUMPS = 200_000


def code_data(analysis: Analysis) -> dict[str, Any]:
    """Return what does not change from cycle to cycle, as JSON values."""
    a = analysis
    return {
        "n_in": a.network.n_in,
        "n_s": a.network.n_s,
        "n_out": a.n_out,
        "blocks": a.blocks,
        "tile_blocks": a.tile_blocks,
        "spread": a.layout.entry.spread,
        "step": a.layout.step,
        "shape": list(a.mask.shape),
        "size": a.mask.size,
        "itemsize": a.layer.weights.itemsize,
        "recoded": _recoded(a),
        "gates": asdict(gates(a.network)),
        "planes": [
            {
                "index": p.index,
                "name": p.name,
                "note": "".join(
                    [", inverted" * bool(p.inverted), ", no symbols" * (not p.payload)]
                ),
                "bare": why_not_decoded(a, p.index),
            }
            for p in a.planes
        ],
    }


def _recoded(analysis: Analysis) -> str:
    """Say which part of a weight is stored as a rank; of integers it is the whole."""
    if analysis.encoded is None or analysis.encoded.ranks is None:
        return ""
    return "value" if "int" in analysis.layer.dtype else "exponent"


def matrix_bytes(analysis: Analysis) -> bytes:
    """Return M row by row, one byte an entry."""
    return np.asarray(analysis.network.matrix, np.uint8).tobytes()


def heavy_cycles(analysis: Analysis) -> NDArray[np.int32]:
    """Return the blocks with more care bits than a symbol has bits, n_u > n_in."""
    return np.flatnonzero(analysis.n_u > analysis.network.n_in).astype(np.int32)


def mismatch_cycles(analysis: Analysis, plane: int) -> NDArray[np.int32]:
    """Return the blocks of a plane that hold a correction; none in a preview."""
    if analysis.encoded is None:
        return np.zeros(0, np.int32)
    positions = analysis.encoded.positions(analysis.encoded.planes[plane])
    return np.unique(positions // analysis.n_out).astype(np.int32)


def _window(analysis: Analysis, cycle: int, length: int) -> tuple[int, int]:
    start = min(max(cycle - length // 2, 0), max(analysis.blocks - length, 0))
    return start, min(start + length, analysis.blocks)


def window_data(analysis: Analysis, plane: int, cycle: int, length: int = WINDOW) -> dict[str, Any]:
    """Return the cycles around one of a plane, for an analysis that was encoded.

    Returns
    -------
    dict
        start, n, plane, inverted, most (largest n_u here); arrays as contiguous bytes: register
        uint16 (n, n_s + 1); flags uint8 (n, n_out), what the gates give + 2 for a care bit + 4 for
        a mismatch. Of the care bits alone, in this order: values float64, of quantized weights the
        codes; scales float32, empty where there are none; words uint8 (…, bytes of a weight),
        little-endian, with exponents as ranks where they are stored so.
    """
    assert analysis.encoded is not None
    start, stop = _window(analysis, cycle, length)
    t = trace(analysis.encoded, plane, start, stop)
    index = t.weight_index[t.care]
    words = to_words(analysis.layer.weights)[index]
    if analysis.encoded.ranks is not None:
        words = to_ranks(words, analysis.encoded.ranks, analysis.layer.dtype)
    scales = analysis.encoded.scales
    steps = b""
    if scales is not None:
        steps = np.broadcast_to(scales, analysis.mask.shape).reshape(-1)[index].tobytes()
    return {
        "start": start,
        "n": stop - start,
        "plane": plane,
        "inverted": bool(t.inverted),
        "most": int(t.n_u.max(initial=0)),
        "register": t.register.astype("<u2").tobytes(),
        "flags": (t.raw + 2 * t.care + 4 * t.mismatch).astype(np.uint8).tobytes(),
        "values": analysis.layer.weights.reshape(-1)[index].astype("<f8").tobytes(),
        "scales": steps,
        "words": words.tobytes(),
    }


def register_data(
    analysis: Analysis, plane: int, cycle: int, length: int = WINDOW
) -> dict[str, Any]:
    """Search the blocks of `window_data` anew with other registers: how much does memory help?

    Returns
    -------
    dict
        start, n: the blocks, whose first finds the register at 0; stages: for each n_s that n_in
        allows, n_s and wrong, the mismatches of each block.
    """
    assert analysis.encoded is not None
    network = analysis.network
    start, stop = _window(analysis, cycle, length)
    t = trace(analysis.encoded, plane, start, stop)
    bits = (t.output ^ t.inverted) & t.care
    stages = []
    for n_s in (0, 1, 2):
        if network.n_in > max_n_in(n_s):
            continue
        other = replace(analysis.settings.code, n_s=n_s).network(network.n_out)
        found = encode_bits(bits, t.care, other)
        wrong = ((other.decode(found.symbols) ^ bits) & t.care).sum(axis=1)
        stages.append({"n_s": n_s, "wrong": wrong.tolist()})
    return {"start": start, "n": stop - start, "stages": stages}


class DecoderWidget(Widget):
    """What the browser draws; see ``static/decoder.js``."""

    _esm = script(STATIC / "player.js", STATIC / "decoder.js")
    _css = sheet(STATIC / "decoder.css")

    code = traitlets.Dict().tag(sync=True)
    matrix = traitlets.Bytes().tag(sync=True)
    window = traitlets.Dict().tag(sync=True)
    registers = traitlets.Dict().tag(sync=True)
    mismatch_cycles = traitlets.Bytes().tag(sync=True)
    heavy_cycles = traitlets.Bytes().tag(sync=True)
    plane = traitlets.Int(0).tag(sync=True)
    cycle = traitlets.Int(0).tag(sync=True)
    bit = traitlets.Int(0).tag(sync=True)


class DecoderView:
    """The decoder of an exact analysis; a preview leaves the last one standing.

    Attributes
    ----------
    root : DecoderWidget
        Its `plane`, `cycle` and `bit` may be set and observed.
    """

    def __init__(self) -> None:
        self.root = DecoderWidget()
        self._analysis: Analysis | None = None
        self.root.observe(self._plane_changed, "plane")
        self.root.observe(self._cycle_changed, "cycle")

    def update(self, analysis: Analysis) -> None:
        """Show another analysis, at the same plane and cycle where they still exist."""
        if analysis.encoded is None or not analysis.blocks:
            return
        root = self.root
        self._analysis = analysis
        with root.hold_sync():
            root.plane = min(root.plane, len(analysis.planes) - 1)
            root.cycle = min(root.cycle, analysis.blocks - 1)
            root.bit = min(root.bit, analysis.n_out - 1)
            root.code = code_data(analysis)
            root.matrix = matrix_bytes(analysis)
            root.heavy_cycles = heavy_cycles(analysis)[:_MOST_JUMPS].tobytes()
            self._send_plane()

    def _send_plane(self) -> None:
        analysis, root = self._analysis, self.root
        if analysis is None:
            return
        root.mismatch_cycles = mismatch_cycles(analysis, root.plane)[:_MOST_JUMPS].tobytes()
        self._send_window(analysis)

    def _send_window(self, analysis: Analysis) -> None:
        root = self.root
        with root.hold_sync():
            root.window = window_data(analysis, root.plane, root.cycle)
            root.registers = register_data(analysis, root.plane, root.cycle)

    def _plane_changed(self, _: Any) -> None:
        if self._analysis is not None:
            self.root.plane = min(max(self.root.plane, 0), len(self._analysis.planes) - 1)
            with self.root.hold_sync():
                self._send_plane()

    def _cycle_changed(self, _: Any) -> None:
        """Send other cycles before the drawn neighbourhood of this one runs out."""
        if self._analysis is None or not self.root.window:
            return
        start, n = self.root.window["start"], self.root.window["n"]
        cycle, margin = self.root.cycle, WINDOW // 4
        near_start = cycle - margin < start and start > 0
        near_end = cycle + margin >= start + n and start + n < self._analysis.blocks
        if near_start or near_end:
            self._send_window(self._analysis)
