"""Draw the guide's diagrams from real codes: ``python docs/diagrams.py``.

The pictures, docs/images/guide-*.svg, are committed so that they show wherever the pages are read;
a test draws them again.
"""

from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

import f2f_viz as f2f
from f2f_viz.codec.blocks import Layout
from f2f_viz.figures.circuit import draw_circuit
from f2f_viz.figures.palette import LIGHT as C
from f2f_viz.figures.waveform import draw_waveform
from f2f_viz.samples import SMALL

IMAGES = Path(__file__).parent / "images"
CELL = 26


class Drawing:
    """Shapes on a white sheet, with the colours of the app."""

    def __init__(self, width, height, title):
        self.head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
            f'<rect width="{width}" height="{height}" rx="8" fill="{C.surface}"/>'
        )
        self.parts = []

    def box(self, x, y, w, h, fill, line=C.ink, dash=""):
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="3" fill="{fill}" '
            f'stroke="{line}"{dashed}/>'
        )

    def text(self, x, y, words, fill=C.ink, anchor="start", size=13, weight="normal"):
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{fill}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(str(words))}</text>'
        )

    def line(self, x1, y1, x2, y2, colour=C.muted, width=1.2, dash=""):
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" '
            f'stroke-width="{width}"{dashed}/>'
        )

    def arrow(self, x1, y1, x2, y2, colour=C.muted):
        self.line(x1, y1, x2, y2, colour, 1.6)
        angle = np.arctan2(y2 - y1, x2 - x1)
        wings = [
            (x2 - 8 * np.cos(angle + s * 0.4), y2 - 8 * np.sin(angle + s * 0.4)) for s in (1, -1)
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(x2, y2), *wings])
        self.parts.append(f'<polygon points="{points}" fill="{colour}"/>')

    def circle(self, x, y, r, fill, line=C.ink):
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}" stroke="{line}"/>'
        )

    def bit(self, x, y, value, care=True, size=CELL, wrong=False):
        fill = C.mismatch if wrong else C.kept if care else C.pruned
        self.box(x, y, size, size, fill, C.surface)
        if care or value is not None:
            ink = C.surface if care or wrong else C.muted
            self.text(
                x + size / 2, y + size / 2 + 5, "·" if value is None else int(value), ink, "middle"
            )

    def save(self, name):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / name).write_text("\n".join([self.head, *self.parts, "</svg>"]) + "\n")


def blocks():
    """Four blocks of ten bits become four symbols of four bits."""
    network = f2f.XorNetwork.random(4, 10, 1, seed=3)
    rng = np.random.default_rng(63)
    bits, care = rng.random((4, 10)) < 0.5, rng.random((4, 10)) < 0.4
    symbols, costs, _ = viterbi(bits, care, network)
    mismatches, out = costs[-1].min(), network.decode(symbols)
    d = Drawing(760, 268, "Blocks of ten bits become symbols of four bits")
    d.text(
        20, 28, "one bit-plane: care bits have a value, don't-cares (grey) may come out either way"
    )
    d.text(20, 122, "search", C.muted)
    d.text(
        20, 252, f"{care.sum()} care bits → 16 stored bits, {mismatches} mismatch to be corrected"
    )  # fmt: skip
    for t in range(4):
        left = 20 + t * 184
        for i in range(10):
            x = left + i * 17
            d.bit(x, 40, bits[t, i] if care[t, i] else None, care[t, i], 16.5)
            d.bit(x, 208, out[t, i], care[t, i], 16.5, care[t, i] and out[t, i] != bits[t, i])
        d.text(left + 85, 74, f"block {t}: n_u = {care[t].sum()}", C.muted, "middle")
        d.arrow(left + 85, 82, left + 85, 128)
        d.box(left + 35, 132, 100, 30, C.symbol)
        d.text(left + 85, 152, f"x{t} = {int(symbols[t]):04b}", anchor="middle", weight="bold")
        d.arrow(left + 85, 164, left + 85, 202)
    d.text(20, 190, "decoder", C.muted)
    d.save("guide-blocks.svg")


def decoder():
    """A code small enough to see every gate: n_in = 2, n_s = 1, n_out = 5."""
    network = small_network()
    d = Drawing(760, 330, "A decoder with one register stage: five XOR gates")
    names = [f"x[t-{k}] bit {j}" if k else f"x[t] bit {j}" for k in range(2) for j in range(2)]
    for column, name in enumerate(names):
        x = 60 + column * 90
        d.box(x - 34, 40, 68, 34, C.register if column > 1 else C.symbol)
        d.text(x, 62, name.replace("[t-1]", "ₜ₋₁").replace("[t]", "ₜ"), anchor="middle", size=12)
        d.line(x, 74, x, 310, C.line, 1.5)
    d.text(105, 28, "symbol that enters", C.muted, "middle")
    d.text(285, 28, "register: the symbol before", C.muted, "middle")
    for i, row in enumerate(network.matrix):
        y = 104 + i * 46
        taps = np.flatnonzero(row)
        d.line(60 + taps[0] * 90, y, 420, y, C.muted)
        for column in taps:
            d.circle(60 + column * 90, y, 5, C.ink)
        d.circle(432, y, 12, C.surface)
        d.text(432, y + 5, "⊕", anchor="middle", size=16)
        d.arrow(444, y, 490, y)
        d.bit(494, y - 13, None, True)
        terms = " ⊕ ".join(("x[t-1]" if c > 1 else "x[t]") + f"[{c % 2}]" for c in taps)
        d.text(530, y + 5, f"y[{i}] = {terms}".replace("[t-1]", "ₜ₋₁").replace("[t]", "ₜ"))
    d.text(
        20,
        324,
        "a dot: a 1 in M; row i = output bit i, columns in the order drawn. "
        "After each block the symbol moves into the register.",
        C.muted,
        size=12,
    )
    d.save("guide-decoder.svg")


def small_network():
    """Return the guide's code; columns are x_t bit 0, x_t bit 1, x_{t-1} bit 0, x_{t-1} bit 1."""
    rows = [[1, 0, 0, 1], [0, 1, 1, 0], [1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 0, 1]]
    return f2f.XorNetwork(rows, 2)


def viterbi(bits, care, network):
    """Search as the guide tells it, n_s = 1: symbols, costs of all states, survivors.

    The package finds as few mismatches; where several sequences do, this one is drawn.
    """
    states = 1 << network.n_in
    pairs = np.array([[b, a] for a in range(states) for b in range(states)], np.uint16)
    words = np.array([network.decode(pair)[1] for pair in pairs])
    words = words.reshape(states, states, -1)  # [new symbol, old symbol]
    costs, survivors = [np.where(np.arange(states), 99, 0)], []
    for want, flags in zip(bits, care, strict=True):
        step = costs[-1] + ((words != want) & flags).sum(axis=2)
        survivors.append(step.argmin(axis=1))
        costs.append(step.min(axis=1))
    assert costs[-1].min() == f2f.encode_bits(bits, care, network).mismatches
    state, symbols = int(costs[-1].argmin()), []
    for best in reversed(survivors):
        symbols.append(state)
        state = best[state]
    return np.array(symbols[::-1], np.uint16), costs, survivors


def small_stream():
    """Return bits and care flags of six blocks for the small code."""
    rng = np.random.default_rng(24)
    return rng.random((6, 5)) < 0.5, rng.random((6, 5)) < 0.45


def trellis():
    """States are the register's content; the path with the fewest mismatches is drawn heavy."""
    network, (bits, care) = small_network(), small_stream()
    symbols, costs, survivors = viterbi(bits, care, network)
    d = Drawing(760, 330, "Trellis of six blocks: four states, survivors, and the decided path")
    path = [0, *symbols.tolist()]
    for t in range(7):
        x = 90 + t * 105
        d.text(x, 28, "start" if t == 0 else f"block {t - 1}", C.muted, "middle")
        for s in range(4):
            y = 70 + s * 62
            if t and costs[t][s] < 90:
                d.line(x - 105, 70 + survivors[t - 1][s] * 62, x, y, C.line, 2)
    for t, (a, b) in enumerate(pairwise(path)):
        d.line(90 + t * 105, 70 + a * 62, 195 + t * 105, 70 + b * 62, C.symbol, 4)
    for t in range(7):
        for s in range(4):
            if costs[t][s] < 90:
                chosen = path[t] == s
                d.circle(90 + t * 105, 70 + s * 62, 15, C.symbol if chosen else C.surface)
                d.text(90 + t * 105, 75 + s * 62, costs[t][s], anchor="middle")
    for s in range(4):
        d.text(18, 75 + s * 62, f"x = {s:02b}", C.muted)
    d.text(
        18, 316, "in a circle: the fewest mismatches of any sequence that ends there; "
        "grey: survivors; heavy: decided path", C.muted, size=12,
    )  # fmt: skip
    d.save("guide-trellis.svg")


def orders():
    """Which weights one block takes, in both orders."""
    d = Drawing(760, 250, "The weights of one block in row order and in interleaved order")
    rng = np.random.default_rng(5)
    dense_row = rng.random((8, 12)) < np.where(np.arange(8) % 3 == 1, 0.75, 0.1)[:, None]
    for which, order in enumerate(("row", "interleaved")):
        left = 30 + which * 370
        index = Layout((96,), 8, order).weights()
        block = 2 if which == 0 else 4
        care = dense_row.reshape(-1)[index].sum(axis=1)
        d.text(left, 28, f"{order}: n_u of the blocks from {care.min()} to {care.max()}")
        for w in range(96):
            x, y = left + w % 12 * CELL, 42 + w // 12 * 22
            d.box(x, y, CELL - 2, 20, C.kept if dense_row.reshape(-1)[w] else C.pruned, C.surface)
            if w in index[block]:
                d.box(x + 0.5, y + 0.5, CELL - 3, 19, "none", C.mismatch)
                i = index[block].tolist().index(w)
                ink = C.surface if dense_row.reshape(-1)[w] else C.ink
                d.text(x + CELL / 2 - 1, y + 15, i, ink, "middle", 12, "bold")
        d.text(left, 240, f"outlined: block {block}, its bits 0 to 7", C.muted, size=12)
    d.save("guide-orders.svg")


def planes():
    """A float32 layer as 32 planes under one mask."""
    d = Drawing(760, 210, "Four float32 weights as bit-planes")
    values = np.array([0.0421, -0.0013, 0.0387, -0.0562], np.float32)
    kept = [True, False, True, True]
    for r, (value, keep) in enumerate(zip(values, kept, strict=True)):
        y = 58 + r * 30
        d.text(20, y + 16, f"{value:+.4f}", C.ink if keep else C.muted)
        for p in range(32):
            x = 96 + p * 20 + 8 * (p > 0) + 8 * (p > 8)
            d.bit(x, y, int(value.view(np.uint32)) >> (31 - p) & 1 if keep else None, keep, 19)
    for label, x in (("sign", 96), ("exponent, 8 planes", 130), ("mantissa, 23 planes", 300)):
        d.text(x, 44, label, C.muted, size=12)
    d.text(
        96, 26, "plane 0 is the most significant bit; every column is a plane, encoded by itself"
    )
    d.text(
        20, 198, "the pruned weight (second row) is a don't-care in every plane", C.muted, size=12
    )
    d.save("guide-planes.svg")


def pipeline():
    """From a layer to a file and back."""
    d = Drawing(760, 220, "From a layer to a file and back")
    steps = [
        ("weights", C.surface), ("mask + planes", C.kept), ("blocks", C.kept),
        ("search", C.symbol), ("symbols +\ncorrections", C.symbol), (".f2f file", C.surface),
    ]  # fmt: skip
    for i, (name, fill) in enumerate(steps):
        x = 16 + i * 124
        d.box(x, 40, 104, 50, fill)
        ink = C.surface if fill == C.kept else C.ink
        for k, part in enumerate(name.split("\n")):
            d.text(x + 52, 70 + (k * 16 - 8 if "\n" in name else 0), part, ink, "middle")
        if i:
            d.arrow(x - 20, 65, x - 2, 65)
    back = [
        ("layer, bit-exact", C.surface), ("mask, join planes", C.kept),
        ("flip corrections", C.corrected), ("XOR decoder", C.symbol),
    ]  # fmt: skip
    for i, (name, fill) in enumerate(back):
        x = 16 + i * 166
        d.box(x, 140, 136, 44, fill)
        d.text(x + 68, 167, name, C.surface if fill in (C.kept, C.corrected) else C.ink, "middle")
        if i:
            d.arrow(x, 162, x - 28, 162)
    d.line(688, 90, 688, 162, C.muted, 1.6)
    d.arrow(688, 162, 652, 162)
    d.text(16, 26, "encode, offline", C.muted)
    d.text(16, 128, "decode, at a fixed rate", C.muted)
    d.save("guide-pipeline.svg")


def hardware():
    """The circuit of a corrected bit, and the wires about it: the package's own drawings."""
    layer = f2f.sample_layer(SMALL)
    a = f2f.analyze(layer, f2f.Settings(n_out=80))
    plane = len(a.planes) - 8
    cycle, bit = divmod(int(a.encoded.positions(a.encoded.planes[plane])[0]), a.n_out)
    for name, drawn in (
        ("circuit", draw_circuit(a, C, plane, cycle, bit, 760)),
        ("waveform", draw_waveform(a, C, plane, cycle, 760)),
    ):
        ground = f'<rect width="100%" height="100%" fill="{C.surface}"/><g '
        (IMAGES / f"guide-{name}.svg").write_text(drawn.svg().replace("<g ", ground, 1))


def main():
    for draw in (blocks, decoder, trellis, orders, planes, pipeline, hardware):
        draw()


if __name__ == "__main__":
    main()
