"""Settings and a layer give a mask and a layer to code: once, for everything that encodes."""

import threading
import zlib
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.encode import encode
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.parallel import in_pieces
from f2f_viz.errors import F2FError, Progress
from f2f_viz.settings import FIELDS, Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.magnitudes import Magnitudes
from f2f_viz.tensors.pruning import METHODS, Lot, keep_count, prune
from f2f_viz.tensors.quantize import STORED, Quantized, in_format

__all__ = ["Prepared", "encode_layer", "prepare"]

_PIECE = 1 << 20
"""Bytes whose sum is worth a thread."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A layer that is ready to be coded.

    Attributes
    ----------
    given : Layer
        As it was given; pruning looks at its weights.
    layer : Layer
        As it is coded: in the number format of the settings.
    settings : Settings
    mask : ndarray of bool, the layer's shape
        True = kept.
    scales : ndarray of float32 or None
        Of quantized weights.
    numbers : tuple of int
        Sums of the given weights as they were: other ones, in the same array, have others.
    """

    given: Layer
    layer: Layer
    settings: Settings
    mask: NDArray[np.bool_]
    scales: NDArray[np.float32] | None
    numbers: tuple[int, ...]


def prepare(layer: Layer, settings: Settings) -> Prepared:
    """Prune a layer and bring it into the number format of the settings.

    A file of masks or scores that has a tensor of the layer's name gives that one.

    Raises
    ------
    F2FError
        For settings that do not fit the layer.
    """
    numbers = _numbers(layer.weights)
    known = _known.get(layer)
    if known is None or known.numbers != numbers:  # the array is its owner's, who may train on
        known = _known[layer] = _Known(numbers)
    mask = _mask(layer, settings, known)
    quantized = _in_format(layer, settings.number_format, known)
    return Prepared(layer, quantized.layer, settings, mask, quantized.told_scales, numbers)


def encode_layer(
    layer: Layer,
    settings: Settings,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Encoded:
    """Prepare and encode one layer; parameters as in `encode.encode`."""
    ready = prepare(layer, settings)
    return encode(
        ready.layer.weights, ready.mask, settings.code, scales=ready.scales, name=layer.name,
        threads=threads, progress=progress, cancel=cancel,
    )  # fmt: skip


@dataclass(eq=False)
class _Known:
    """What is kept of a layer while its numbers stay as they are."""

    numbers: tuple[int, ...]
    rankings: dict[tuple[str, int], Magnitudes | Lot] = field(default_factory=dict)
    quantized: tuple[str, Quantized] | None = None


_known: "WeakKeyDictionary[Layer, _Known]" = WeakKeyDictionary()


def _numbers(weights: NDArray[Any]) -> tuple[int, ...]:
    """Return sums of weights, by pieces, that other weights in the same array have not."""
    memory = weights.reshape(-1).view(np.uint8)
    return tuple(in_pieces(lambda a, b: zlib.crc32(memory.data[a:b]), memory.size, _PIECE))


def _in_format(layer: Layer, number_format: str, known: _Known) -> Quantized:
    """Quantize; the last format of a layer is kept, for a new rate needs no new rounding."""
    if number_format == STORED:  # not kept: it would hold the layer itself
        return in_format(layer, number_format)
    if known.quantized is None or known.quantized[0] != number_format:
        known.quantized = number_format, in_format(layer, number_format)
    return known.quantized[1]


def _mask(layer: Layer, settings: Settings, known: _Known) -> NDArray[np.bool_]:
    """Prune; the ranking of a layer is kept, so that a new rate needs no new sort."""
    method, options = METHODS.pick(settings.method), _options(layer, settings)
    if method.ranking is None or options not in ({}, {"per": "layer"}):
        return prune(layer.weights, settings.rate, method.name, seed=settings.seed, **options)
    key = method.name, settings.seed
    if key not in known.rankings:
        known.rankings[key] = method.ranking(layer.weights, settings.seed)
    return known.rankings[key].largest(keep_count(layer.weights.size, settings.rate))


def _options(layer: Layer, settings: Settings) -> dict[str, Any]:
    """Return the options of the pruning method, with arrays in place of files."""
    options = settings.pruning_options()
    for name, value in options.items():
        read = FIELDS[name].read
        if read is not None and value:
            try:
                options[name] = read(value, layer.name)
            except F2FError as error:
                error.field = error.field or name
                raise
    return options
