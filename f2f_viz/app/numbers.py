"""Headline numbers of an analysis as text: value, interval, and the formula with numbers put in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isfinite, nan
from typing import Any

from f2f_viz.analysis.analyze import Analysis, Estimate
from f2f_viz.hardware.gates import gates
from f2f_viz.settings import FIELDS
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.quantize import describe_format
from f2f_viz.text import times

__all__ = ["CARDS", "badge", "cards", "describe_layer", "describe_pinned", "grouped", "seconds"]

Card = dict[str, Any]
Hued = tuple[str, str]
"""A text, and what its colour means: a name of `palette.Palette`."""


def grouped(value: float) -> str:
    """Write a whole number with commas between thousands, as everywhere (`grouped` in dom.js)."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """Write a duration in the unit that suits it."""
    if value < 0.01:
        return f"{1000 * value:.1f} ms"
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"


_NONE = "—"
"""A ratio of what has nothing to code."""
_times = partial(times, nothing=_NONE)


def _estimate(estimate: Estimate, exact: bool, scale: float, digits: int) -> tuple[str, str]:
    value, low, high = (
        _times(scale * v, digits) for v in (estimate.value, estimate.low, estimate.high)
    )
    return (value, "") if exact or value == _NONE else (f"≈\u202f{value}", f"95 %: {low} to {high}")


@dataclass(frozen=True)
class _Measure:
    """A card's number, for differences: how it is written, and whether more of it is better."""

    value: Callable[[Analysis], float]
    digits: int
    good: int
    scale: float = 1


_MEASURES = {
    "sparsity": _Measure(lambda a: a.sparsity, 2, 0, 100),
    "max_ratio": _Measure(lambda a: a.max_ratio, 2, 0),
    "ratio": _Measure(lambda a: a.ratio.value, 2, 1),
    "efficiency": _Measure(lambda a: a.efficiency.value, 2, 1, 100),
    "of_bound": _Measure(lambda a: a.of_bound.value, 1, 1, 100),
    "gates": _Measure(lambda a: gates(a.network).shared, 0, -1),
    "seconds": _Measure(
        lambda a: nan if a.search_seconds is None else a.search_seconds, 1, -1, 1000
    ),
}

CARDS = tuple(_MEASURES)
"""Keys of the cards, in order."""


def _difference(key: str, now: Analysis, pinned: Analysis) -> Card:
    """Say how a number differs from the pinned one's; better is 1, 0 or −1."""
    measure = _MEASURES[key]
    value, before = (measure.scale * measure.value(a) for a in (now, pinned))
    change = value - before
    if not isfinite(change):  # of an estimate that there is none of, or where all is pruned
        return {"change": f"pinned: {_times(before, measure.digits)}", "better": 0}
    text = f"{change:+.{measure.digits}f}".replace("-", "−")
    if float(f"{change:.{measure.digits}f}") == 0:
        return {"change": "as pinned", "better": 0}
    about = "" if now.exact else "≈\u202f"
    sign = "▲" if change > 0 else "▼"
    return {
        "change": f"{sign} {about}{text}",
        "before": f"{before:.{measure.digits}f}",
        "better": measure.good * (1 if change > 0 else -1),
    }


def describe_pinned(analysis: Analysis | None, pinned: Analysis | None) -> list[str]:
    """Return what is pinned, and what differs from it now; nothing if nothing is pinned."""
    if pinned is None:
        return []
    before = pinned.settings.to_dict()
    code = pinned.settings.code
    what = f"{pinned.given.name}, S = {pinned.sparsity:.3g}, n_in = {code.n_in}, n_s = {code.n_s}"
    if analysis is None or analysis is pinned:
        return [what, "change a setting and see the numbers as differences from it"]
    now = analysis.settings.to_dict()
    changes = [
        f"{FIELDS[name].label} {_word(before[name])} → {_word(now[name])}"
        for name in FIELDS
        if now[name] != before[name]
    ]
    if analysis.given is not pinned.given and analysis.given.name != pinned.given.name:
        changes.insert(0, f"layer {analysis.given.name}")
    return [what, f"now: {', '.join(changes)}" if changes else "now: the same settings"]


def _word(value: Any) -> str:
    if value is None:
        return "auto"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def cards(analysis: Analysis, pinned: Analysis | None = None) -> list[Card]:
    """Return the headline cards, in reading order.

    Parameters
    ----------
    analysis : Analysis
    pinned : Analysis, optional
        Cards then tell how they differ from it.

    Returns
    -------
    list of dict
        key, label, value, unit, note (interval while a preview), meaning; formula and numbers as
        texts, some with the colour they have in the bars (`Hued`); change and better (1, 0, −1)
        where something is pinned.
    """
    found = _cards(analysis)
    if pinned is None or pinned is analysis:
        return found
    return [card | _difference(card["key"], analysis, pinned) for card in found]


def _cards(a: Analysis) -> list[Card]:
    makers = _sparsity, _max_ratio, _ratio, _efficiency, _of_bound, _gates, _seconds
    found = [make(a) for make in makers]
    return [_of_nothing(card) if card["value"] == _NONE else card for card in found]


def _of_nothing(card: Card) -> Card:
    """Say on a ratio's card why there is none."""
    *first, last = card["numbers"]
    ending = f"{last.rpartition(' = ')[0]}: nothing to code"
    return card | {"unit": "", "note": "nothing to code", "numbers": [*first, ending]}


def _sizes(analysis: Analysis) -> tuple[int, int, int]:
    """Return how many weights, kept weights and planes there are."""
    return analysis.mask.size, analysis.planes[0].care_bits, len(analysis.planes)


def _about(analysis: Analysis) -> str:
    """Return the sign before numbers of a preview."""
    return "" if analysis.exact else "≈\u202f"


def _sparsity(a: Analysis) -> Card:
    size, kept, _ = _sizes(a)
    return {
        "key": "sparsity",
        "label": "Sparsity S",
        "value": f"{100 * a.sparsity:.2f}",
        "unit": "%",
        "note": f"{grouped(kept)} kept",
        "meaning": "Share of the weights that pruning removed; their bits are don't-cares.",
        "formula": ["S = (all weights − ", ("kept weights", "kept"), ") / all weights"],
        "numbers": [
            f"= ({grouped(size)} − ",
            (grouped(kept), "kept"),
            f") / {grouped(size)} = {a.sparsity:.4f}",
        ],
    }


def _max_ratio(a: Analysis) -> Card:
    size, kept, _ = _sizes(a)
    return {
        "key": "max_ratio",
        "label": "Maximum ratio",
        "value": _times(a.max_ratio),
        "unit": "×",
        "note": "for random bits",
        "meaning": "Care bits taken as random carry one bit each, so no code needs fewer bits.",
        "formula": ["1 / (1 − S) = all weights / ", ("kept weights", "kept")],
        "numbers": [
            f"= {grouped(size)} / ",
            (grouped(kept), "kept"),
            f" = {_times(a.max_ratio)}",
        ],
    }


def _ratio(a: Analysis) -> Card:
    size, _, planes = _sizes(a)
    about = _about(a)
    ratio, note = _estimate(a.ratio, a.exact, 1, 2)
    return {
        "key": "ratio",
        "label": "Achieved ratio",
        "value": ratio,
        "unit": "×",
        "note": note or f"whole file {_times(a.file_ratio)} ×",
        "meaning": "Dense bits over payload and corrections; the mask is counted in the whole "
        f"file, {about}{_times(a.file_ratio)} ×.",
        "formula": [
            "dense bits / (",
            ("payload", "payload"),
            " + ",
            ("corrections", "corrections"),
            ")",
        ],
        "numbers": [
            f"= {grouped(size * planes)} / (",
            (grouped(a.bits["payload"]), "payload"),
            " + ",
            (f"{about}{grouped(a.bits['corrections'])}", "corrections"),
            f") = {ratio}",
        ],
    }


def _efficiency(a: Analysis) -> Card:
    _, kept, planes = _sizes(a)
    wrong = sum(plane.mismatches for plane in a.planes)
    efficiency, note = _estimate(a.efficiency, a.exact, 100, 2)
    return {
        "key": "efficiency",
        "label": "Efficiency E",
        "value": efficiency,
        "unit": "%",
        "note": note or f"{grouped(wrong)} corrected",
        "meaning": "Share of the care bits that the XOR gates give right by themselves.",
        "formula": ["E = 1 − ", ("mismatches", "mismatch"), " / ", ("care bits", "care")],
        "numbers": [
            "= 1 − ",
            (f"{_about(a)}{grouped(wrong)}", "mismatch"),
            " / ",
            (grouped(kept * planes), "care"),
            f" = {efficiency} %",
        ],
    }


def _of_bound(a: Analysis) -> Card:
    _, kept, planes = _sizes(a)
    share, past = f"{_times(a.ratio.value)} of {_times(a.max_ratio)}", "not all is random"
    some = isfinite(a.ratio.value)
    of_bound, note = _estimate(a.of_bound, a.exact, 100, 1) if some else (_NONE, "")
    return {
        "key": "of_bound",
        "label": "Of 1 / (1 − S)",
        "value": of_bound,
        "unit": "%",
        "note": note or (past if a.of_bound.value > 1 else share),
        "meaning": "How much of the maximum ratio is reached. That bounds random bits; planes "
        "of low entropy, such as exponents as ranks, take fewer and lead past 100 %.",
        "formula": [
            "achieved ratio / maximum ratio = ",
            ("kept bits", "kept"),
            " / (",
            ("payload", "payload"),
            " + ",
            ("corrections", "corrections"),
            ")",
        ],
        "numbers": [
            "= ",
            (grouped(kept * planes), "kept"),
            " / (",
            (grouped(a.bits["payload"]), "payload"),
            " + ",
            (f"{_about(a)}{grouped(a.bits['corrections'])}", "corrections"),
            f") = {of_bound} %",
        ],
    }


def _gates(a: Analysis) -> Card:
    circuit = gates(a.network)
    return {
        "key": "gates",
        "label": "XOR gates",
        "value": grouped(circuit.shared),
        "unit": "",
        "note": f"{grouped(circuit.naive)} if none shared",
        "meaning": "Two-input gates of the decoder, each counted once however many output bits "
        f"use it: {circuit.shared_depth} deep, and {grouped(circuit.flip_flops)} flip-flops "
        "for older symbols.",
        "formula": ["Σ (ones in a row of ", ("M", "matrix"), " − 1) − what sharing saves"],
        "numbers": [
            "= ",
            (grouped(circuit.naive), "matrix"),
            f" − {grouped(circuit.naive - circuit.shared)} = {grouped(circuit.shared)}",
        ],
    }


def _seconds(a: Analysis) -> Card:
    size, _, planes = _sizes(a)
    spent = a.search_seconds
    value, unit = ("…", "") if spent is None else seconds(spent).split(" ", 1)
    return {
        "key": "seconds",
        "label": "Search, CPU",
        "value": value,
        "unit": unit,
        "note": f"{planes} × {grouped(a.blocks)} blocks",
        "meaning": "CPU time of the exact trellis search, of all threads together: other work on "
        "the machine does not lengthen it. A preview has none.",
        "formula": ["blocks l ≥ ⌈weights / n_out⌉"],
        "numbers": [
            f"l = {grouped(a.blocks)} ≥ ⌈{grouped(size)} / {a.n_out}⌉ = "
            f"{grouped(-(-size // a.n_out))}"
        ],
    }


def badge(analysis: Analysis | None) -> dict[str, str]:
    """Return what the bit-exact badge says; it repeats `Analysis.bit_exact` and decides nothing."""
    if analysis is None or analysis.bit_exact is None:
        return {"kind": "", "text": "not decoded yet", "meaning": "The exact search is not done."}
    if analysis.bit_exact:
        return {
            "kind": "yes",
            "text": "✓ bit-exact",
            "meaning": "Decoded again; every kept weight came back bit for bit.",
        }
    return {
        "kind": "no",
        "text": "✕ not bit-exact",
        "meaning": "Decoding did not give the kept weights back: a defect, please report it.",
    }


def describe_layer(layer: Layer, number_format: str) -> str:
    """Return one line: name, shape, number format as stored and as coded."""
    shape = " × ".join(map(str, layer.weights.shape)) or "scalar"
    return f"{layer.name}  ·  {shape}  ·  {describe_format(layer.dtype, number_format)}"
