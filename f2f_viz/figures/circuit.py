"""The XOR gates of an output bit, after sharing, with what each wire holds at a cycle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.codec.network import symbol_name
from f2f_viz.codec.trace import trace
from f2f_viz.errors import F2FError
from f2f_viz.figures.captions import why_not_decoded
from f2f_viz.figures.drawing import LIVE, PAGE, Drawing, DrawingWidget, text_width, wrapped
from f2f_viz.figures.options import Look
from f2f_viz.figures.palette import SIGNS, Palette
from f2f_viz.hardware.gates import Circuit, share
from f2f_viz.text import counted

__all__ = ["TOY", "CircuitView", "Picture", "circuit_data", "draw_circuit"]

TOY = 16
"""Block lengths up to this are drawn as a whole network."""
RADIUS, PIN, GATE_STEP, WIRE_STEP = 8, 22, 32, 11
_SWEEPS = 6


@dataclass(frozen=True)
class Picture:
    """What a circuit holds at one cycle.

    Attributes
    ----------
    circuit : Circuit
    n_in : int
    outputs : tuple of int
        The rows of M that are drawn: the chosen one, or all of a toy.
    gates : tuple of int
        Signals of the gates that they need, in order.
    values : tuple of bool
        What each signal holds.
    states : tuple of str
        Of each bit of the block: ``care``, ``dont_care`` or ``mismatch``.
    inverted : bool
        The plane is stored inverted.
    """

    circuit: Circuit
    n_in: int
    outputs: tuple[int, ...]
    gates: tuple[int, ...]
    values: tuple[bool, ...]
    states: tuple[str, ...]
    inverted: bool

    def value(self, output: int) -> bool:
        """Return what the gates give for an output bit; a zero row of M gives 0."""
        signal = self.circuit.outputs[output]
        return signal is not None and self.values[signal]

    def name(self, signal: int) -> str:
        """Return how a wire is called: a bit of the register, or a gate by its number."""
        if signal >= self.circuit.inputs:
            return f"g{signal - self.circuit.inputs}"
        stage, bit = divmod(signal, self.n_in)
        return f"{symbol_name(stage)}[{bit}]"

    @property
    def columns(self) -> list[int]:
        """The columns of M that are drawn."""
        ends = [self.circuit.outputs[output] for output in self.outputs]
        pins = [s for gate in self.gates for s in self.circuit.pairs[gate - self.circuit.inputs]]
        return sorted({s for s in [*ends, *pins] if s is not None and s < self.circuit.inputs})


def picture(analysis: Analysis, plane: int, cycle: int, bit: int) -> Picture:
    """Return the circuit of an output bit, or of all of a toy's, at a cycle of a plane."""
    assert analysis.encoded is not None
    network = analysis.network
    if not 0 <= bit < network.n_out:
        raise F2FError("no such output bit", expected=f"0 to {network.n_out - 1}", got=bit)
    t = trace(analysis.encoded, plane, cycle, cycle + 1)
    circuit = share(network)
    bits = t.register[0][:, None] >> np.arange(network.n_in) & 1
    values = bits.reshape(-1).astype(bool).tolist()
    for a, b in circuit.pairs:
        values.append(values[a] ^ values[b])
    outputs = tuple(range(network.n_out)) if network.n_out <= TOY else (bit,)
    states = tuple(
        "mismatch" if wrong else "care" if care else "dont_care"
        for care, wrong in zip(t.care[0].tolist(), t.mismatch[0].tolist(), strict=True)
    )
    gates = tuple(sorted({gate for output in outputs for gate in circuit.cone(output)}))
    return Picture(circuit, network.n_in, outputs, gates, tuple(values), states, bool(t.inverted))


def circuit_data(analysis: Analysis, plane: int, cycle: int, bit: int) -> dict[str, list[Any]]:
    """Return a circuit at a cycle as columns: its inputs, its gates, its outputs.

    Returns
    -------
    dict of lists
        wire: the name of a bit of the register, of a gate or of an output; a, b: the wires that a
        gate adds, or (a alone) that an output is; value; outputs: how many of the decoder's need
        the gate.
    """
    p = picture(analysis, plane, cycle, bit)
    table: dict[str, list[Any]] = {k: [] for k in ("wire", "a", "b", "value", "outputs")}

    def add(*row: Any) -> None:
        for column, cell in zip(table.values(), row, strict=True):
            column.append(cell)

    for signal in p.columns:
        add(p.name(signal), None, None, int(p.values[signal]), None)
    for gate in p.gates:
        a, b = p.circuit.pairs[gate - p.circuit.inputs]
        add(p.name(gate), p.name(a), p.name(b), int(p.values[gate]), p.circuit.serves[gate])
    for output in p.outputs:
        end = p.circuit.outputs[output]
        wire = None if end is None else p.name(end)
        add(f"y[{output}]", wire, None, int(p.value(output)), 1)
    return table


Node = tuple[str, int, int]
"""Kind (``in``, ``gate``, ``wire`` for one that passes a column, ``out``), number, column."""


def _columns(p: Picture) -> tuple[list[list[Node]], list[tuple[Node, Node]]]:
    """Put a circuit into columns by level; a wire that passes a column has a place in it."""
    circuit, level = p.circuit, p.circuit.levels
    deepest = max((level[g] for g in p.gates), default=0)
    columns: list[list[Node]] = [[] for _ in range(deepest + 2)]
    edges: list[tuple[Node, Node]] = []
    home: dict[int, Node] = {}
    for signal in [*p.columns, *p.gates]:
        home[signal] = ("in" if signal < circuit.inputs else "gate", signal, level[signal])
        columns[level[signal]].append(home[signal])
    passes: dict[tuple[int, int], Node] = {}

    def join(signal: int, end: Node) -> None:
        at = home[signal]
        for column in range(at[2] + 1, end[2]):
            if (signal, column) not in passes:
                passes[signal, column] = ("wire", signal, column)
                columns[column].append(passes[signal, column])
                edges.append((at, passes[signal, column]))
            at = passes[signal, column]
        edges.append((at, end))

    for gate in p.gates:
        for signal in circuit.pairs[gate - circuit.inputs]:
            join(signal, home[gate])
    for output in p.outputs:
        end: Node = ("out", output, deepest + 1)
        columns[-1].append(end)
        ends = circuit.outputs[output]
        if ends is not None:
            join(ends, end)
    return columns, edges


def _room(node: Node) -> float:
    return {"in": PIN, "gate": GATE_STEP, "wire": WIRE_STEP, "out": PIN}[node[0]]


def _heights(
    columns: list[list[Node]], edges: list[tuple[Node, Node]], n_in: int
) -> dict[Node, float]:
    """Give each node a height near those it is joined to (Sugiyama's layers, barycentres)."""
    joined: dict[Node, list[Node]] = {node: [] for column in columns for node in column}
    for a, b in edges:
        joined[a].append(b)
        joined[b].append(a)
    y: dict[Node, float] = {}
    top = 0.0
    for i, node in enumerate(columns[0]):  # stages stand apart
        top += 8 * bool(i and node[1] // n_in != columns[0][i - 1][1] // n_in)
        y[node] = top + PIN / 2
        top += PIN
    order = list(range(1, len(columns)))
    for sweep in range(_SWEEPS):
        for column in order if sweep % 2 == 0 else order[::-1]:
            _settle(columns[column], joined, y)
    least = min(value - _room(node) / 2 for node, value in y.items())
    return {node: value - least for node, value in y.items()}


def _settle(column: list[Node], joined: dict[Node, list[Node]], y: dict[Node, float]) -> None:
    """Order a column by where its nodes would stand, and push them apart."""
    fixed = column[0][0] == "out" and len(column) > 1  # a toy's outputs stay in their order

    def wish(node: Node) -> float:
        known = [y[other] for other in joined[node] if other in y]
        return sum(known) / len(known) if known else y.get(node, 0.0)

    wishes = {node: wish(node) for node in column}
    if not fixed:
        column.sort(key=lambda node: wishes[node])
    at, placed = -np.inf, []
    for node in column:
        at = max(at + _room(node) / 2, wishes[node])
        placed.append(at)
        at += _room(node) / 2
    lower = sum(p - wishes[n] for p, n in zip(placed, column, strict=True)) / len(column)
    for node, value in zip(column, placed, strict=True):
        y[node] = value - lower


def draw_circuit(
    analysis: Analysis, colours: Palette, plane: int, cycle: int, bit: int, width: float,
    look: Look = LIVE,
) -> Drawing:  # fmt: skip
    """Draw the gates of an output bit at a cycle, or of all bits of a toy.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    colours : Palette
    plane, cycle, bit : int
    width : float
        Pixels there are; a deep circuit takes more.
    look : Look
        Its title and its font.
    """
    p = picture(analysis, plane, cycle, bit)
    columns, edges = _columns(p)
    y = _heights(columns, edges, p.n_in)
    left = max((text_width(p.name(n[1])) for n in columns[0]), default=0) + 24
    right = max(text_width(line) for o in p.outputs for line in _result(p, o)) + 24
    gaps = max(len(columns) - 1, 1)
    step = min(max((width - left - right) / gaps, 48), 110)
    wide = max(left + gaps * step + right, width)
    sentences = wrapped(_sentence(p, bit), wide) if look.title else []
    head = 15 * len(sentences) + 6
    tall = head + max(at + _room(node) / 2 for node, at in y.items()) + 20
    drawing = Drawing(wide, tall, f"XOR gates of output bit {bit}", look.font)
    for i, sentence in enumerate(sentences):
        drawing.text(0, 12 + 15 * i, sentence, colours.ink)
    needed = _needed(p, bit)
    for edge in sorted(edges, key=lambda e: p.values[e[0][1]]):  # ones above
        _wire(drawing, p, edge, y, (left, step, head), colours, edge[1][:2] in needed)
    for node, height in y.items():
        x, at = left + node[2] * step, height + head
        if node[0] == "in":
            _pin(drawing, p, node[1], x, at, colours)
        elif node[0] == "gate":
            _gate(drawing, p, node[1], x, at, colours)
        elif node[0] == "out":
            _output(drawing, p, node[1], x, at, node[1] == bit, colours)
    return drawing


def _needed(p: Picture, bit: int) -> set[tuple[str, int]]:
    """Return the nodes, by kind and number, that an output bit needs."""
    cone, end = p.circuit.cone(bit), p.circuit.outputs[bit]
    pins = {s for gate in cone for s in p.circuit.pairs[gate - p.circuit.inputs]} | {end}
    wires = {("wire", s) for s in pins if s is not None}
    return wires | {("gate", gate) for gate in cone} | {("out", bit)}


def _tint(p: Picture, signal: int, colours: Palette) -> str:
    if signal >= p.circuit.inputs:
        return colours.ink
    return colours.symbol if signal < p.n_in else colours.register


def _wire(
    drawing: Drawing, p: Picture, edge: tuple[Node, Node], y: dict[Node, float],
    place: tuple[float, float, float], colours: Palette, needed: bool,
) -> None:  # fmt: skip
    (a, b), (left, step, head) = edge, place
    start = left + a[2] * step + {"in": 0, "gate": RADIUS, "wire": 0}[a[0]]
    end = left + b[2] * step - {"gate": RADIUS, "wire": 0, "out": 0}[b[0]]
    ya, yb = y[a] + head, y[b] + head
    if b[0] == "gate":  # the two wires of a gate end apart
        others = [e for e in p.circuit.pairs[b[1] - p.circuit.inputs] if e != a[1]]
        yb += 3 if y[a] > y[b] or (y[a] == y[b] and a[1] > others[0]) else -3
    bend = (end - start) / 2
    on = p.values[a[1]]
    drawing.path(
        f"M{start:.1f} {ya:.1f}C{start + bend:.1f} {ya:.1f} {end - bend:.1f} {yb:.1f} "
        f"{end:.1f} {yb:.1f}",
        _tint(p, a[1], colours) if on else colours.dont_care,
        width=2.2 if on else 1.2, opacity=1 if needed else 0.35, name="one" if on else "zero",
    )  # fmt: skip


def _pin(drawing: Drawing, p: Picture, column: int, x: float, y: float, colours: Palette) -> None:
    on = p.values[column]
    fill = _tint(p, column, colours) if on else colours.surface
    drawing.text(x - 22, y + 4, p.name(column), colours.ink, anchor="end")
    drawing.path(f"M{x - 17:.1f} {y - 8:.1f}h17v16h-17z", colours.muted, fill=fill)
    # as in the decoder: dark on what is lit, in both themes
    ink = "#1f2430" if on else colours.ink
    drawing.text(x - 8.5, y + 4, "01"[on], ink, anchor="middle", font="mono", bold=on)


def _gate(drawing: Drawing, p: Picture, gate: int, x: float, y: float, colours: Palette) -> None:
    r = RADIUS
    on = p.values[gate]
    drawing.path(
        f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z",
        colours.ink, fill=colours.surface, width=2 if on else 1.2,
    )  # fmt: skip
    drawing.path(f"M{x - r:.1f} {y:.1f}h{2 * r}M{x:.1f} {y - r:.1f}v{2 * r}", colours.ink)
    halo = colours.surface  # of a wire that passes
    drawing.text(
        x + r + 2, y - 5, "01"[on], colours.ink, size=10.5, font="mono", bold=on, halo=halo
    )
    if (served := p.circuit.serves[gate]) > 1:
        drawing.text(x + r + 1, y + 13, f"×{served}", colours.muted, size=10.5, halo=halo)


def _result(p: Picture, output: int) -> list[str]:
    """Say what becomes of an output bit: in two lines, of a toy's in one."""
    value, state = p.value(output), p.states[output]
    given = value ^ p.inverted
    first = f"yₜ[{output}] = {value:d}" + f" → inverted {given:d}" * p.inverted
    if len(p.outputs) > 1:
        end = f" {SIGNS['corrected']} {not given:d}" * (state == "mismatch")
        return [f"{first} {SIGNS[state]}{end}"]
    words = {
        "care": "care, as wanted",
        "dont_care": "don't-care",
        "mismatch": f"mismatch, {SIGNS['corrected']} corrected to {not given:d}",
    }
    return [first, f"{SIGNS[state]} {words[state]}"]


def _output(
    drawing: Drawing, p: Picture, output: int, x: float, y: float, chosen: bool, colours: Palette
) -> None:
    tint = {"care": colours.care, "dont_care": colours.dont_care, "mismatch": colours.mismatch}
    lines = _result(p, output)
    drawing.path(f"M{x:.1f} {y - 7:.1f}v14", tint[p.states[output]], width=4)
    for i, words in enumerate(lines):
        drawing.text(x + 8, y + 4 + 15 * i, words, colours.ink, bold=chosen and i == 0)
    wide = max(map(text_width, lines)) + 20
    drawing.hit(x, y - PIN / 2, wide, PIN, f"output bit {output}", bit=output)


def _sentence(p: Picture, bit: int) -> str:
    """Say what the circuit is of."""
    cone = p.circuit.cone(bit)
    level = p.circuit.levels
    shared = sum(p.circuit.serves[gate] > 1 for gate in cone)
    deep = max((level[gate] for gate in cone), default=0)
    words = f"Output bit {bit}: {counted(len(cone), 'gate')}, {deep} deep; "
    words += f"{shared or 'none'} serve{'s' * (shared < 2)} other outputs too."
    if len(p.outputs) > 1:
        words += f" All {len(p.outputs)} outputs: {counted(len(p.circuit.pairs), 'gate')}."
    return words


class CircuitView:
    """The gates of an output bit of an exact analysis, in a page.

    Attributes
    ----------
    root : DrawingWidget
        A click on an output sends ``bit``.
    """

    def __init__(self) -> None:
        self.root = DrawingWidget(
            about="The gates of the chosen output bit, once outputs share them: thick wires hold "
            "a 1 at this cycle, ×k says how many outputs need a gate. Choose another bit or step."
        )
        self._analysis: Analysis | None = None
        self._at = 0, 0, 0
        self.root.observe(lambda _: self._draw(), "width")

    def update(self, analysis: Analysis) -> None:
        """Show another analysis; a preview leaves the last one standing."""
        if analysis.encoded is not None and analysis.blocks:
            self._analysis = analysis
            self._draw()

    def go(self, plane: int, cycle: int, bit: int) -> None:
        """Move to an output bit at a cycle of a plane."""
        if (plane, cycle, bit) != self._at:
            self._at = plane, cycle, bit
            self._draw()

    def _draw(self) -> None:
        a, (plane, cycle, bit) = self._analysis, self._at
        inside = a is not None and plane < len(a.planes) and cycle < a.blocks and bit < a.n_out
        if a is not None and inside:
            if why_not_decoded(a, plane):
                self.root.svg = ""
                return
            drawing = draw_circuit(a, PAGE, plane, cycle, bit, max(self.root.width, 300))
            self.root.svg = drawing.svg()
