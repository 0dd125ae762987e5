"""What the live lesson is made of: a layer, and beforehand every choice that its page offers.

Masks of all its rates, block lengths, numbers of blocks and matrices are made here; the page draws
the consequences, and searches with the same kernels, compiled to WebAssembly (`make wasm`).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.analysis.prepare import Prepared, prepare
from f2f_viz.codec.bitplanes import plane_names, to_words
from f2f_viz.codec.blocks import ORDERS, Layout, default_n_out
from f2f_viz.codec.code import Code
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.trellis import TILE_BLOCKS
from f2f_viz.errors import F2FError
from f2f_viz.figures.front_end import STATIC
from f2f_viz.figures.lanes import BUFFER, MOST_BLOCKS, MOST_ROWS
from f2f_viz.figures.unfolding import small_code
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.pruning import METHODS

__all__ = [
    "LESSON",
    "LessonData",
    "lesson_code",
    "lesson_data",
    "why_no_lesson",
    "worker_script",
]

LESSON = STATIC / "lesson"
RATES = tuple(round(0.5 + 0.01 * k, 2) for k in range(46))
N_IN = tuple(range(4, 9))
N_S = (0, 1, 2)
MOST_WEIGHTS = 1 << 22
"""A page holds its layer: some six bytes a weight that 0.5 keeps."""


@dataclass(frozen=True, eq=False)
class LessonData:
    """What a page is made of.

    Attributes
    ----------
    values : dict
        JSON values: the layer, the rates, and by setting what follows from it.
    parts : dict of str to ndarray
        index uint32 (slots,), flat indices of the weights that are kept at the lowest rate, those
        that go last before the others; words uint8 (slots, bytes of a weight), little-endian;
        values float32 (slots,), empty where words are floats that JavaScript reads; scales float32
        (slots,), empty where there are none; matrices uint8, bits of M, stage after stage.
    """

    values: dict[str, Any]
    parts: dict[str, NDArray[Any]]


def lesson_code(settings: Settings) -> Code:
    """Return the plain code of a lesson: no ranks, no fitted blocks, all planes searched."""
    code = settings.code
    return Code.start(
        n_in=code.n_in, n_s=code.n_s, order=code.order, matrix=code.matrix, weights=code.weights,
        seed=code.seed,
    )  # fmt: skip


def lesson_data(layer: Layer, settings: Settings) -> LessonData:
    """Return what the page of a layer holds.

    Raises
    ------
    F2FError
        For settings beyond what the page offers, or a layer that is too large or keeps nothing.
    """
    wrong = why_no_lesson(layer, settings)
    if wrong is not None:
        raise wrong
    code, ready = lesson_code(settings), prepare(layer, settings)
    rates, masks = _masks(layer, settings)
    kept = [int(np.count_nonzero(mask)) for mask in masks]
    if not kept or not kept[-1]:
        raise F2FError(
            "there is nothing to code", expected="a layer that keeps weights", got="none"
        )
    pack = MASK_CODINGS[code.mask_coding].pack
    lengths = {n_in: [default_n_out(n_in, n, layer.weights.size) for n in kept] for n_in in N_IN}
    offsets, matrices = _matrices(code, lengths)
    rate = rates.index(settings.rate) if METHODS[settings.method].rated else 0
    values = {
        **_layer_values(ready),
        "rates": rates,
        "kept": kept,
        "mask_bits": [pack(m.reshape(-1), n)[1] for m, n in zip(masks, kept, strict=True)],
        "n_s": list(N_S),
        "n_out": lengths,
        "orders": {
            order.name: {"label": order.label, "help": order.help, "spread": order.spread}
            for order in ORDERS.values()
        },
        "layouts": _layouts(layer.weights.shape, lengths),
        "matrices": offsets,
        "tile_blocks": TILE_BLOCKS,
        "lanes": {"most_rows": MOST_ROWS, "most_blocks": MOST_BLOCKS, "buffer": BUFFER},
        "small": small_code(),
        "start": {"rate": rate, "n_in": code.n_in, "n_s": code.n_s, "order": code.order},
    }
    last_first = np.argsort(-np.sum(masks, axis=0, dtype=np.int16).reshape(-1), kind="stable")
    return LessonData(values, _parts(ready, last_first[: kept[0]]) | {"matrices": matrices})


def _layer_values(ready: Prepared) -> dict[str, Any]:
    layer = ready.layer
    return {
        "name": layer.name,
        "shape": list(layer.weights.shape),
        "size": layer.weights.size,
        "dtype": layer.dtype,
        "itemsize": to_words(layer.weights).itemsize,
        "planes": plane_names(layer.dtype),
    }


def _parts(ready: Prepared, index: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the weights at some flat indices, as `LessonData.parts` holds them."""
    layer, none = ready.layer, np.empty(0, np.float32)
    weights = layer.weights.reshape(-1)[index]
    scales = none
    if ready.scales is not None:
        scales = np.broadcast_to(ready.scales, layer.weights.shape).reshape(-1)[index]
    return {
        "index": index.astype("<u4"),
        "words": to_words(weights).view(np.uint8),
        "values": none if layer.dtype in ("float32", "float64") else weights.astype("<f4"),
        "scales": scales.astype("<f4"),
    }


def why_no_lesson(layer: Layer, settings: Settings) -> F2FError | None:
    """Say what the page does not offer; None if it can be made."""
    size, code = layer.weights.size, settings.code
    for name, value, offered in (("n_in", code.n_in, N_IN), ("n_s", code.n_s, N_S)):
        if value not in offered:
            return F2FError(
                f"the lesson's {name}", expected=f"{offered[0]} to {offered[-1]}", got=value,
                field=name,
            )  # fmt: skip
    if size > MOST_WEIGHTS:
        return F2FError(
            "a page cannot hold this layer", expected=f"at most {MOST_WEIGHTS:,} weights",
            got=f"{size:,}", hint="take a smaller layer",
        )  # fmt: skip
    return None


def _masks(layer: Layer, settings: Settings) -> tuple[list[float], list[NDArray[np.bool_]]]:
    """Return the rates that the page offers, and their masks, each within the one before.

    Where a method's masks are not so, or where it has no rate, that is one.
    """
    if not METHODS[settings.method].rated:
        mask = prepare(layer, settings).mask
        return [1 - np.count_nonzero(mask) / max(mask.size, 1)], [mask]
    rates, masks = list[float](), list[NDArray[np.bool_]]()
    for rate in sorted({*RATES, settings.rate}):
        mask = prepare(layer, settings.replace(rate=rate)).mask
        if not mask.any() and rate != settings.rate:
            continue
        if masks and (mask & ~masks[-1]).any():
            return [settings.rate], [prepare(layer, settings).mask]
        rates.append(rate)
        masks.append(mask)
    return rates, masks


def _layouts(
    shape: tuple[int, ...], lengths: dict[int, list[int]]
) -> dict[str, dict[int, tuple[int, int, int]]]:
    """Return number of blocks, step and step back of every block length in every order."""
    found = dict[str, dict[int, tuple[int, int, int]]]()
    for order in ORDERS:
        found[order] = {}
        for n_out in sorted({n_out for own in lengths.values() for n_out in own}):
            layout = Layout(shape, n_out, order)
            found[order][n_out] = layout.blocks, layout.step, layout.step_back
    return found


def _matrices(
    code: Code, lengths: dict[int, list[int]]
) -> tuple[dict[str, int], NDArray[np.uint8]]:
    """Draw every matrix that the page can need; return where each begins, and their bits."""
    offsets, bits, at = dict[str, int](), list[NDArray[np.uint8]](), 0
    for n_in, every in lengths.items():
        for n_s in N_S:
            for n_out in sorted(set(every)):
                matrix = replace(code, n_in=n_in, n_s=n_s).network(n_out).matrix
                stages = np.split(matrix, n_s + 1, axis=1)
                own = [np.packbits(stage.reshape(-1), bitorder="little") for stage in stages]
                offsets[f"{n_in},{n_s},{n_out}"] = at
                bits += own
                at += sum(map(len, own))
    return offsets, np.concatenate(bits)


def worker_script() -> str:
    """Return the script that searches apart from the page."""
    return "".join(
        (LESSON / name).read_text("utf-8") for name in ("layer.js", "search.js", "worker.js")
    )
