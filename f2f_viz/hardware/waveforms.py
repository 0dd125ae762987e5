"""What the wires of a lane hold, clock by clock, told from a trace: no simulator runs.

The lane is that of `hardware.verilog`, with a symbol and a correction always at hand and every
block taken at once.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.network import symbol_name
from f2f_viz.codec.trace import trace
from f2f_viz.errors import F2FError

__all__ = ["Row", "Waveform", "rows", "to_vcd", "to_wavejson", "waveform"]

Bits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Waveform:
    """Clock cycles of a lane that decodes some blocks of a plane.

    Attributes
    ----------
    plane, start : int
        The plane, and the first of its blocks.
    block : ndarray of int64, shape (cycles,)
        Whose symbol stands at the input; −1 after the last.
    in_ready : ndarray of bool, shape (cycles,)
        The lane takes a symbol at this cycle's end, if one is there.
    in_first, in_invert : ndarray of bool, shape (cycles,)
    x : ndarray of bool, shape (cycles, n_in)
        The symbol's bits, least significant first.
    history : ndarray of bool, shape (cycles, n_in · n_s)
        Bits of x_{t−1}, x_{t−2}, … as the XOR network sees them: 0 before a tile's start.
    flip : ndarray of bool, shape (cycles, n_out)
        Bits that a correction flips on their way into the block register.
    out_block : ndarray of int64, shape (cycles,)
        Which block the register y holds; −1 before the first.
    out_valid : ndarray of bool, shape (cycles,)
        All corrections of that block are made.
    y : ndarray of bool, shape (cycles, n_out)
    """

    plane: int
    start: int
    block: NDArray[np.int64]
    in_ready: Bits
    in_first: Bits
    in_invert: Bits
    x: Bits
    history: Bits
    flip: Bits
    out_block: NDArray[np.int64]
    out_valid: Bits
    y: Bits

    @property
    def cycles(self) -> int:
        """Clock cycles: one per block, one for each further item of corrections, one to the end."""
        return len(self.block)


def waveform(encoded: Encoded, plane: int, start: int, stop: int, *, flips: int = 1) -> Waveform:
    """Follow the lane over some blocks of a plane.

    Parameters
    ----------
    encoded : Encoded
    plane : int
        0 is the most significant.
    start, stop : int
        Blocks, 0 ≤ start < stop ≤ l.
    flips : int
        Corrections that the lane makes in a cycle.

    Returns
    -------
    Waveform

    Raises
    ------
    F2FError
        If the plane or the blocks are not there.
    """
    if flips < 1 or start >= stop:
        raise F2FError(
            "a waveform's blocks", expected="start < stop, flips ≥ 1", got=(start, stop, flips)
        )
    t = trace(encoded, plane, start, stop)
    wrong = t.mismatch.sum(axis=1)
    spent = np.maximum(-(-wrong // flips), 1)  # cycles of each block
    loads = np.cumsum(spent) - spent
    cycle = np.arange(int(spent.sum()) + 1)
    inside = cycle[:-1]

    coming = np.searchsorted(loads, cycle)  # its symbol stands at the input
    there = coming < len(loads)
    ready = np.zeros(len(cycle), bool)
    ready[[*loads, -1]] = True
    offered = np.minimum(coming, len(loads) - 1)
    register = t.register[offered] * there[:, None]
    bits = (register[:, :, None] >> np.arange(encoded.n_in) & 1).astype(bool)

    held = np.repeat(np.arange(len(loads)), spent)  # the block that a cycle's end leaves in y
    turn = inside - loads[held]  # which item of its corrections
    order = np.cumsum(t.mismatch, axis=1) - 1  # a block's corrections, counted
    flip = np.zeros((len(cycle), encoded.n_out), bool)
    flip[:-1] = t.mismatch[held] & (order[held] // flips == turn[:, None])
    early = order[held] // flips <= turn[:, None]
    y = np.zeros_like(flip)
    y[1:] = t.raw[held] ^ t.inverted ^ (t.mismatch[held] & early)
    return Waveform(
        plane=plane,
        start=start,
        block=np.where(there, start + offered, -1),
        in_ready=ready,
        in_first=there & ((start + offered) % encoded.tile_blocks == 0),
        in_invert=there & t.inverted,
        x=bits[:, 0],
        history=bits[:, 1:].reshape(len(cycle), -1),
        flip=flip,
        out_block=np.concatenate([[-1], start + held]),
        out_valid=np.concatenate([[False], turn == spent[held] - 1]),
        y=y,
    )


def to_vcd(wave: Waveform, comment: str = "") -> bytes:
    """Write a waveform as a value change dump (IEEE 1364-2005, section 18), for any viewer.

    A cycle lasts 10 ns and begins with the rising edge of clk. Wires have the names that they have
    in ``rtl/f2f_lane.v``.

    Parameters
    ----------
    wave : Waveform
    comment : str
        A line for its head; ASCII without ``$``, which ends a comment.

    Raises
    ------
    F2FError
        If pyvcd is not installed.
    """
    try:
        from vcd import VCDWriter
    except ImportError:
        raise F2FError("a VCD file needs pyvcd", hint="pip install 'f2f-viz[hardware]'") from None
    there = wave.block >= 0
    filled = wave.out_block >= 0
    always = np.ones(wave.cycles, bool)
    columns: dict[str, tuple[Bits, Bits]] = {  # values, and where they are known
        "in_valid": (there[:, None], always),
        "in_ready": (wave.in_ready[:, None], always),
        "in_first": (wave.in_first[:, None], there),
        "in_invert": (wave.in_invert[:, None], there),
        "x": (wave.x, there),
        "history": (wave.history, there),
        "flip": (wave.flip, always),
        "out_valid": (wave.out_valid[:, None], always),
        "y": (wave.y, filled),
    }
    out = io.StringIO()
    comment = comment or f"f2f-viz, plane {wave.plane}, blocks from {wave.start}"
    assert comment.isascii()
    assert "$" not in comment
    with VCDWriter(out, timescale="1 ns", comment=comment) as writer:
        clock = writer.register_var("lane", "clk", "wire", size=1, init=1)
        wires = {
            name: writer.register_var("lane", name, "wire", size=values.shape[1])
            for name, (values, _) in columns.items()
            if values.shape[1]
        }
        for cycle in range(wave.cycles):
            writer.change(clock, 10 * cycle, 1)
            for name, wire in wires.items():
                values, known = columns[name]
                writer.change(wire, 10 * cycle, _digits(values[cycle]) if known[cycle] else "x")
            writer.change(clock, 10 * cycle + 5, 0)
        writer.change(clock, 10 * wave.cycles, 1)  # the edge that samples the last cycle
    return out.getvalue().encode()


@dataclass(frozen=True)
class Row:
    """One line of a timing diagram.

    Attributes
    ----------
    name : str
    kind : {"clock", "bit", "symbol", "register", "corrected", "block"}
        What its values are.
    texts : list of (str or None), length cycles
        Its value in every clock cycle: ``0`` or ``1`` of a bit, hexadecimal digits of symbols and
        blocks, the numbers of the bits that are flipped; None where it is unknown or nothing.
    """

    name: str
    kind: str
    texts: list[str | None]


def rows(wave: Waveform) -> list[Row]:
    """Return a waveform as the lines of a timing diagram."""
    there, filled, n_in = wave.block >= 0, wave.out_block >= 0, wave.x.shape[1]

    def bit(name: str, values: Bits) -> Row:
        return Row(name, "bit", ["01"[v] for v in values.tolist()])

    def bus(name: str, kind: str, values: Bits, known: Bits) -> Row:
        found = zip(values, known, strict=True)
        return Row(name, kind, [_hex(v) if k else None for v, k in found])

    older = [
        bus(f"history {symbol_name(stage)}", "register", held, there)
        for stage, held in enumerate(
            np.split(wave.history, wave.history.shape[1] // n_in, axis=1), 1
        )
    ] if wave.history.shape[1] else []  # fmt: skip
    flips = [" ".join(map(str, np.flatnonzero(v))) if v.any() else None for v in wave.flip]
    return [
        Row("clk", "clock", [None] * wave.cycles),
        bit("in_valid", there),
        bit("in_ready", wave.in_ready),
        bus("x", "symbol", wave.x, there),
        *older,
        Row("flip bit", "corrected", flips),
        bit("out_valid", wave.out_valid),
        bus("y", "block", wave.y, filled),
    ]


def to_wavejson(wave: Waveform) -> dict[str, Any]:
    """Return a waveform in WaveJSON, the language of WaveDrom's timing diagrams."""
    signal = []
    for row in rows(wave):
        if row.kind == "clock":
            signal.append({"name": row.name, "wave": "p" + "." * (wave.cycles - 1)})
        elif row.kind == "bit":
            signal.append({"name": row.name, "wave": _wave([str(text) for text in row.texts])})
        else:
            signal.append(_bus(row))
    return {"signal": signal, "head": {"text": f"plane {wave.plane}, blocks from {wave.start}"}}


def _bus(row: Row) -> dict[str, Any]:
    """Return a row of values; None is unknown, or nothing."""
    marks = ["x" if text is None else f"={text}" for text in row.texts]
    told = [m[1:] for m, b in zip(marks, [None, *marks], strict=False) if m != b and m != "x"]
    return {"name": row.name, "wave": _wave(marks), "data": told}


def _wave(marks: list[str]) -> str:
    """Return a mark a cycle, a dot where it stays the same."""
    before = [None, *marks]
    return "".join("." if m == b else m[0] for m, b in zip(marks, before, strict=False))


def _digits(bits: Bits) -> str:
    """Write bits in binary, the most significant first."""
    return "".join("1" if bit else "0" for bit in bits[::-1])


def _hex(bits: Bits) -> str:
    """Write bits in hexadecimal, the most significant first."""
    return f"{int(_digits(bits), 2):0{-(-len(bits) // 4)}x}"
