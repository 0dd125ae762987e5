"""The figures of an analysis, by name: what is drawn, the data behind it, and words for both."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from bokeh.models import LayoutDOM

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.analysis.compare import bounds, compare, verdict
from f2f_viz.analysis.curves import CurvePoint, measure_curves, point_of
from f2f_viz.analysis.sweep import SweepPoint, measure_gates, measure_sweep
from f2f_viz.arguments import checked
from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError, Progress, named
from f2f_viz.figures.bits import BitsView, bits_data
from f2f_viz.figures.browser import why_no_images
from f2f_viz.figures.circuit import circuit_data, draw_circuit
from f2f_viz.figures.compare import CompareView, compare_data
from f2f_viz.figures.decoder import register_data
from f2f_viz.figures.decoder_chart import DecoderChart, cycle_data
from f2f_viz.figures.drawing import TEXT
from f2f_viz.figures.figure import FORMATS, IMAGES, Figure, Sheet, Table
from f2f_viz.figures.gates_chart import GatesChart, gates_data, gates_sentence
from f2f_viz.figures.histogram import HistogramView, histogram_data
from f2f_viz.figures.lanes import SCHEMES, lanes_data, lanes_table
from f2f_viz.figures.lanes_chart import LanesChart, percent
from f2f_viz.figures.lesson import lesson_html
from f2f_viz.figures.lesson_data import why_no_lesson
from f2f_viz.figures.mask import MaskView, crisp, mask_data
from f2f_viz.figures.options import LOOK, OPTIONS, Look
from f2f_viz.figures.palette import Theme, palette
from f2f_viz.figures.plane_chart import PlaneChart
from f2f_viz.figures.planes import planes_data
from f2f_viz.figures.ratio import RatioView, bound_data
from f2f_viz.figures.registers import RegistersChart, registers_table
from f2f_viz.figures.sweep import sweep_data
from f2f_viz.figures.sweep_chart import SweepChart
from f2f_viz.figures.trellis import TrellisView, trellis_data, why_none
from f2f_viz.figures.waveform import draw_waveform, waveform_data
from f2f_viz.hardware.waveforms import to_vcd, waveform
from f2f_viz.text import counted

__all__ = ["FIGURES", "Entry", "figure", "why_not"]


def _drawn(make: Callable[[bool], Any], analysis: Analysis) -> Callable[[bool], LayoutDOM]:
    def draw(narrow: bool) -> LayoutDOM:
        view = make(narrow)
        view.update(analysis)
        return view.root

    return draw


def _mask(analysis: Analysis, look: Look, grid: bool = False) -> Figure:
    data = mask_data(analysis)
    cells = data["density"].shape
    rows, columns = (np.arange(n) for n in cells)
    table = {
        "row": data["row_edges"][:-1][rows.repeat(cells[1])].tolist(),
        "column": data["column_edges"][:-1][np.tile(columns, cells[0])].tolist(),
        "share_kept": data["density"].reshape(-1).tolist(),
    }

    def draw(_: bool) -> LayoutDOM:
        view = MaskView(look.theme, printed=True)
        view.grid_shown = grid
        view.update(analysis)
        return view.root

    return Figure(
        name="mask",
        analysis=analysis,
        data=table,
        about="Kept weights of the layer; beside them the share kept of each row and column, "
        "dashed: 1 − S.",
        draw=draw,
        finish=lambda svg: crisp(svg, data["density"], look.theme),
    )


def _histogram(analysis: Analysis, look: Look) -> Figure:
    table: Table = {"order": [], "n_u": [], "share": [], "binomial": []}
    spread = []
    for order, data in histogram_data(analysis).items():
        table["order"] += [order] * len(data["n_u"])
        for name in ("n_u", "share", "binomial"):
            table[name] += data[name].tolist()
        spread.append(f"{data['dispersion']:.2f} in {order} order")
    return Figure(
        name="histogram",
        analysis=analysis,
        data=table,
        about="How many care bits n_u the blocks hold, beside the binomial distribution of as many "
        f"weights kept at random. Variance of n_u over the binomial's: {', '.join(spread)}.",
        draw=_drawn(lambda narrow: HistogramView(look.theme, narrow), analysis),
    )


def _bits(analysis: Analysis, look: Look) -> Figure:
    data = bits_data(analysis)
    return Figure(
        name="bits",
        analysis=analysis,
        data=data,
        about=f"Stored bits per weight, {data['right'][-1]:.2f} of {len(analysis.planes)}: "
        f"{data['right'][1]:.2f} are payload and corrections. Dashed: the kept weights' own bits, "
        "which planes of low entropy can pass.",
        draw=_drawn(lambda narrow: BitsView(look.theme, narrow), analysis),
    )


def _planes(analysis: Analysis, look: Look) -> Figure:
    rows = planes_data(analysis)
    return Figure(
        name="planes",
        analysis=analysis,
        data={name: [row[name] for row in rows] for name in rows[0]},
        about="The bit-planes of the kept weights, most significant first; a plane with no bar of "
        "stored bits is constant. Random bits would need one stored bit per care bit (dashed).",
        draw=_drawn(lambda narrow: PlaneChart(look.theme, narrow), analysis),
    )


def _trellis(
    analysis: Analysis, look: Look, plane: int = 0, cycle: int = 0, length: int = 12
) -> Figure:
    table: Table = {"kind": []}
    data = trellis_data(analysis, plane, cycle, length)
    nodes = data["nodes"]
    costs = dict(zip(zip(nodes["time"], nodes["state"], strict=True), nodes["cost"], strict=True))
    ways = {"survivor": data["survivors"], "chosen": data["path"]}
    for name in data["path"]:
        table[name] = [int(v) for way in ways.values() for v in way[name]]
    table["kind"] = [kind for kind, way in ways.items() for _ in way["time"]]
    ends = zip(table["time"], table["next_state"], strict=True)
    table["mismatches"] = [int(costs[time + 1, state]) for time, state in ends]

    def draw(narrow: bool) -> LayoutDOM:
        view = TrellisView(look.theme, length, narrow)
        view.update(analysis)
        view.go(plane, cycle)
        return view.root

    return Figure(
        name="trellis",
        analysis=analysis,
        data=table,
        about=f"The exact search in plane {plane} about cycle {cycle}: register states over time, "
        "the cheapest way into each (grey), and the way that ends cheapest.",
        draw=draw,
    )


def _compare(analysis: Analysis, look: Look) -> Figure:
    options = analysis.layer.weights, analysis.mask, analysis.encoded
    rivals, limits = compare(*options), bounds(*options)

    def draw(narrow: bool) -> LayoutDOM:
        view = CompareView(look.theme, narrow)
        view.show(rivals, limits)
        return view.root

    return Figure(
        name="compare",
        analysis=analysis,
        data=compare_data(rivals, limits),
        about=f"Bytes of the pruned layer in each format, mask included, and ratio over dense; "
        f"hollow: bounds. {verdict(rivals)}",
        draw=draw,
    )


def _check_points(points: Sequence[Any], kind: type, figure: str = "") -> None:
    """Check points that are given; a figure of nothing else needs some."""
    if figure and not points:
        raise F2FError(f"figure {figure!r}", expected="points of a sweep", got="none")
    if not all(isinstance(point, kind) for point in points):
        raise F2FError("points", expected=f"each a {kind.__name__}", got=points)


def _ratio(analysis: Analysis, look: Look, points: Sequence[CurvePoint] = ()) -> Figure:
    _check_points(points, CurvePoint)
    here = point_of(analysis)
    kinds = ["these settings", *["measured"] * len(points)]
    table: Table = {name: [getattr(p, name) for p in (here, *points)] for name in vars(here)}
    bound = bound_data()
    extra = len(bound["sparsity"])
    for name, column in table.items():
        column += bound[name].tolist() if name in bound else [None] * extra
    table = {"kind": kinds + ["bound 1 / (1 - S)"] * extra, **table}

    def draw(narrow: bool) -> LayoutDOM:
        view = RatioView(look.theme, narrow)
        view.update(analysis)
        view.show_curve(points, len(points), len(points))
        return view.root

    above = (
        f"The ratio passes 1/(1 − S), the bound of random care bits ({100 * here.of_bound:.1f} % "
        "of it), where planes, such as exponents as ranks, hold less than a bit per care bit. "
        if 1 < here.of_bound < math.inf
        else ""
    )
    below = (
        "Of the layer as it is pruned now, no plane holds a bit to code."
        if here.plane_bound == math.inf
        else f"Bound of the planes' own entropy: {here.plane_bound:.2f}, of which "
        f"{100 * here.of_plane_bound:.1f} % is reached."
    )
    return Figure(
        name="ratio",
        analysis=analysis,
        data=table,
        about="Ratio, dense bits over payload and corrections, that each register length reaches "
        f"on this layer at other sparsities. {above}{below}",
        draw=draw,
    )


def _sweep(analysis: Analysis, look: Look, points: Sequence[SweepPoint] = ()) -> Figure:
    _check_points(points, SweepPoint, "sweep")
    rows = sweep_data(points)
    layers = sorted({row["layer"] for row in rows})
    return Figure(
        name="sweep",
        analysis=analysis,
        data={name: [row[name] for row in rows] for name in rows[0]},
        about=f"{len(rows)} settings measured exactly on {', '.join(layers)}: ratio as a share of "
        "1/(1 − S), the bound of random care bits, against the decoder's XOR gates, shared ones "
        "counted once. The line joins settings that no other beats in both.",
        draw=lambda narrow: SweepChart(points, look.theme, narrow).root,
    )


def _gates(analysis: Analysis, look: Look, points: Sequence[SweepPoint] = ()) -> Figure:
    _check_points(points, SweepPoint, "gates")
    return Figure(
        name="gates",
        analysis=analysis,
        data=gates_data(points),
        about="Efficiency against the decoder's XOR gates, shared ones counted once, of matrices "
        f"from light to dense at n_out = {points[0].n_out}; words: ones of a row on xₜ, at most, / "
        f"on each older symbol. {gates_sentence(points)}".strip(),
        draw=lambda narrow: GatesChart(points, look.theme, narrow).root,
    )


def _decoder(analysis: Analysis, look: Look, plane: int = 0, cycle: int = 0) -> Figure:
    data = cycle_data(analysis, plane, cycle)
    layer, settings = analysis.given, analysis.settings

    def live(about: str) -> str:
        return lesson_html(layer, settings, look.theme, about, {"plane": plane, "cycle": cycle})

    return Figure(
        name="decoder",
        analysis=analysis,
        data=data,
        about=f"The decoder in plane {plane} ({analysis.planes[plane].name}) at cycle {cycle}. "
        "Above: the matrix M, a column per output bit, a row per bit of the symbol or of the "
        f"register (full: 1, pale: 0). Below: the bits of the block, {sum(data['care'])} of them "
        f"care bits, of which {sum(data['mismatch'])} are corrected.",
        draw=lambda narrow: DecoderChart(analysis, plane, cycle, look.theme, narrow).root,
        page=None if why_no_lesson(layer, settings) else live,
    )


def _registers(
    analysis: Analysis, look: Look, plane: int = 0, cycle: int = 0, length: int = 96
) -> Figure:
    data = register_data(analysis, plane, cycle, length)
    totals = [f"{sum(stage['wrong'])} at n_s = {stage['n_s']}" for stage in data["stages"]]
    return Figure(
        name="registers",
        analysis=analysis,
        data=registers_table(data),
        about=f"Blocks {data['start']} to {data['start'] + data['n'] - 1} of plane {plane}, "
        f"searched with each register length; corrections: {', '.join(totals)}.",
        draw=lambda _: RegistersChart(data, plane, cycle, look.theme).root,
    )


def _lanes(analysis: Analysis, look: Look, lanes: int = 16) -> Figure:
    data = lanes_data(analysis)
    table = lanes_table(data, lanes)
    reached = dict(zip(SCHEMES, table["share"][table["lanes"].index(lanes) :], strict=False))
    told = "; ".join(f"{name}: {percent(share)}" for name, share in reached.items())
    return Figure(
        name="lanes",
        analysis=analysis,
        data=table,
        about=f"{counted(lanes, 'lane')} on the work of the layer, and what each scheme reaches of "
        f"its own ideal. {told}. A lane of CSR takes a kept weight a cycle, lanes "
        "of bitmask and F2F a block of one plane. F2F saves bandwidth, not multiplications. "
        f"{data['note']}".strip(),
        draw=lambda narrow: LanesChart(data, lanes, look.theme, narrow).root,
    )


def _waveform(
    analysis: Analysis, look: Look, plane: int = 0, cycle: int = 0, length: int = 12
) -> Figure:
    def vector(width: float, height: float, text: float) -> str:
        colours, pixels = palette(look.theme), width * TEXT / text
        return draw_waveform(analysis, colours, plane, cycle, pixels, look, length).svg(width)

    def vcd(about: str) -> bytes:
        assert analysis.encoded is not None
        wave = waveform(analysis.encoded, plane, cycle, min(cycle + length, analysis.blocks))
        return to_vcd(wave, about.replace("$", "\\u0024"))

    return Figure(
        name="waveform",
        analysis=analysis,
        data=waveform_data(analysis, plane, cycle, length),
        about=f"The wires of one lane of the decoder, clock by clock, about block {cycle} of plane "
        f"{plane} ({analysis.planes[plane].name}): y holds a block one cycle after its symbol x "
        "entered, and stays for each further bit to flip.",
        vector=vector,
        others={"vcd": vcd},
    )


def _circuit(
    analysis: Analysis, look: Look, plane: int = 0, cycle: int = 0, bit: int = 0
) -> Figure:
    def vector(width: float, height: float, text: float) -> str:
        colours, pixels = palette(look.theme), width * TEXT / text
        return draw_circuit(analysis, colours, plane, cycle, bit, pixels, look).svg(width)

    return Figure(
        name="circuit",
        analysis=analysis,
        data=circuit_data(analysis, plane, cycle, bit),
        about=f"The XOR gates of output bit {bit} once outputs share them, at cycle {cycle} of "
        f"plane {plane} ({analysis.planes[plane].name}); thick wires hold a 1, ×k says how many "
        "outputs need a gate.",
        vector=vector,
    )


def _fits(analysis: Analysis, options: dict[str, Any]) -> str:
    """Say why there is no such plane or cycle."""
    plane, cycle = options.get("plane", 0), options.get("cycle", 0)
    if 0 <= plane < len(analysis.planes) and 0 <= cycle < max(analysis.blocks, 1):
        return "" if analysis.blocks else "the layer is empty"
    return (
        f"no plane {named(plane)} with cycle {named(cycle)}: expected a plane below "
        f"{len(analysis.planes)}, cycle below {analysis.blocks}"
    )


def _trellis_fits(analysis: Analysis, options: dict[str, Any]) -> str:
    return _fits(analysis, options) or why_none(analysis, options.get("plane", 0))


def _circuit_fits(analysis: Analysis, options: dict[str, Any]) -> str:
    bit = options.get("bit", 0)
    none = "" if 0 <= bit < analysis.n_out else f"no bit {bit}: expected one below {analysis.n_out}"
    return _fits(analysis, options) or none


@dataclass(frozen=True, kw_only=True)
class Entry(Choice):
    """A figure of the catalogue.

    Attributes
    ----------
    make : callable
        ``make(analysis, look, **options)`` gives the `Figure`.
    sheet : Sheet
        How large an image is.
    exact : bool
        It needs an exact analysis, not a preview.
    options : tuple of str
        Names of `options.OPTIONS`: what a person chooses.
    formats : tuple of str
        What it can be written as.
    measure : callable or None
        Of what needs more than the analysis: ``measure(analysis, progress=…, cancel=…)`` gives the
        `points` that `make` takes.
    why_none : callable
        ``why_none(analysis, options)`` says why it cannot be drawn; empty if it can.
    """

    make: Callable[..., Figure]
    sheet: Sheet = field(default_factory=Sheet)
    exact: bool = False
    options: tuple[str, ...] = ("title", "legend", "font")
    formats: tuple[str, ...] = FORMATS
    measure: Callable[..., Sequence[Any]] | None = None
    why_none: Callable[[Analysis, dict[str, Any]], str] = lambda _, __: ""


FIGURES = Choices(
    "figure",
    [
        Entry(
            name="mask",
            label="Mask",
            help="Which weights are kept, with densities of rows and columns.",
            make=_mask,
            sheet=Sheet(0.9),
            options=("grid", "title", "legend", "font"),
        ),
        Entry(
            name="histogram",
            label="Care bits of blocks",
            help="How many care bits blocks hold, beside the binomial.",
            make=_histogram,
            sheet=Sheet(0.5, least_mm=70),
        ),
        Entry(
            name="bits",
            label="Stored bits",
            help="What every stored bit is for.",
            make=_bits,
            sheet=Sheet(0.22, least_mm=48),
        ),
        Entry(
            name="ratio",
            label="Ratio and bounds",
            help="The ratio each register length reaches, under the bounds, over S: measured.",
            make=_ratio,
            sheet=Sheet(0.6, narrow_aspect=2.4),
            options=("title", "legend", "marks", "font"),
            measure=measure_curves,
        ),
        Entry(
            name="planes",
            label="Planes",
            help="Ones, efficiency and stored bits of each bit-plane.",
            make=_planes,
            sheet=Sheet(0.6, least_mm=105),
            options=("legend", "font"),
        ),
        Entry(
            name="decoder",
            label="Decoder at a cycle",
            help="Register, XOR network and output bits; as HTML the live lesson, where it can.",
            make=_decoder,
            sheet=Sheet(0.55, narrow_aspect=0.95, least_mm=75),
            exact=True,
            options=("plane", "cycle", "title", "legend", "font"),
            why_none=_fits,
        ),
        Entry(
            name="registers",
            label="Register lengths",
            help="Corrections of the same blocks, searched with each register length.",
            make=_registers,
            sheet=Sheet(0.45, least_mm=70),
            exact=True,
            options=("plane", "cycle", "marks", "font"),
            why_none=_fits,
        ),
        Entry(
            name="trellis",
            label="Trellis about a cycle",
            help="States, survivors and the cheapest way of the exact search.",
            make=_trellis,
            sheet=Sheet(0.5, least_mm=85),
            exact=True,
            options=("plane", "cycle", "length", "title", "legend", "marks", "font"),
            why_none=_trellis_fits,
        ),
        Entry(
            name="sweep",
            label="Sweep",
            help="Ratio against decoder gates over n_in and n_s, or of a sweep's own points.",
            make=_sweep,
            sheet=Sheet(0.55, least_mm=65),
            measure=measure_sweep,
        ),
        Entry(
            name="gates",
            label="Efficiency and gates",
            help="Efficiency against shared gates: light and dense matrices, three n_s; measured.",
            make=_gates,
            sheet=Sheet(0.55, narrow_aspect=1.2),
            measure=measure_gates,
        ),
        Entry(
            name="waveform",
            label="Waveform about a cycle",
            help="The wires of a lane, clock by clock: symbols, history, blocks, corrections.",
            make=_waveform,
            sheet=Sheet(0.4),
            exact=True,
            options=("plane", "cycle", "length", "marks", "font"),
            formats=(*FORMATS, "vcd"),
            why_none=_fits,
        ),
        Entry(
            name="circuit",
            label="XOR gates of a bit",
            help="The shared gates of an output bit, with what each wire holds; all of a toy's.",
            make=_circuit,
            sheet=Sheet(0.5),
            exact=True,
            options=("plane", "cycle", "bit", "title", "font"),
            why_none=_circuit_fits,
        ),
        Entry(
            name="lanes",
            label="Lanes side by side",
            help="Who works and who waits: rows of CSR, a bitmask, blocks of F2F.",
            make=_lanes,
            sheet=Sheet(0.62, narrow_aspect=1.7, least_mm=90),
            exact=True,
            options=("lanes", "title", "legend", "marks", "font"),
        ),
        Entry(
            name="compare",
            label="Comparison of formats",
            help="Bytes of the layer in other formats.",
            make=_compare,
            sheet=Sheet(0.55, least_mm=75),
            exact=True,
            options=("title", "font"),
        ),
    ],
)
"""All figures, in the order in which they are offered."""


def why_not(entry: Entry, analysis: Analysis, form: str, **options: Any) -> str:
    """Say why a figure cannot be made in a format; empty if it can.

    Parameters
    ----------
    entry : Entry
    analysis : Analysis
    form : str
        One of the entry's `formats`.
    **options
        As `figure`.
    """
    if entry.exact and analysis.encoded is None:
        return "it needs an exact analysis, and this is a preview"
    return entry.why_none(analysis, options) or (why_no_images() if form in IMAGES else "")


@checked
def figure(
    name: str,
    analysis: Analysis,
    *,
    theme: Theme = "light",
    points: Sequence[Any] | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    **options: Any,
) -> Figure:
    """Make a figure of an analysis, to `Figure.save`.

    Parameters
    ----------
    name : str
        A name of `FIGURES`.
    analysis : Analysis
        An exact one for decoder, registers, trellis, waveform, circuit, lanes and compare.
    theme : {"light", "dark"}
    points : sequence, optional
        For ratio those of `measure_curves`, for sweep and gates those of `analysis.sweep.sweep`;
        measured if not given, which takes as long as that many analyses.
    progress : callable, optional
        Called as ``progress(done, total)``, in points that are measured.
    cancel : threading.Event, optional
    **options
        Of `OPTIONS` those that the figure has: ``plane``, ``cycle``, ``bit``, ``length`` (cycles),
        ``lanes``, ``grid`` (block edges), ``title``, ``legend``, ``marks``, ``font``.

    Raises
    ------
    F2FError
        For an unknown name or option, a preview where an exact analysis is needed, or what cannot
        be drawn.
    Cancelled
        If `cancel` was set.
    """
    entry = FIGURES.pick(name)
    unknown = sorted(set(options) - set(entry.options))
    if unknown:
        raise F2FError(
            f"figure {name!r} has no such option",
            expected=f"some of {', '.join(entry.options)}",
            got=", ".join(unknown),
        )
    options = {option: OPTIONS[option].checked(given) for option, given in options.items()}
    if reason := why_not(entry, analysis, "html", **options):
        raise F2FError(f"figure {name!r}: {reason}")
    look = Look(theme=theme, **{o: options[o] for o in LOOK if o in options})
    own = {option: given for option, given in options.items() if option not in LOOK}
    if entry.measure is not None:
        own["points"] = (
            entry.measure(analysis, progress=progress, cancel=cancel) if points is None else points
        )
    made = entry.make(analysis, look, **own)
    return replace(made, sheet=entry.sheet, look=look, options=options)
