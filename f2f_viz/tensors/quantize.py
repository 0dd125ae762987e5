"""Quantize a layer on request, so that number formats can be compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.choices import Choice, Choices
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import Layer

__all__ = [
    "NUMBER_FORMATS", "SCALE", "STORED", "Quantized", "describe_format", "in_format", "quantize",
]  # fmt: skip

STORED = "stored"
"""The number format of a layer as it is stored."""
SCALE = "_scale"
"""Scales are the tensor of this name behind that of their weights."""
_LARGEST = {"int8": 127, "int4": 7}
_FLOATS = ("bfloat16", "float16", "float32")


@dataclass(frozen=True, eq=False)
class Quantized:
    """A layer in a smaller number format, with what leads back to real values.

    Attributes
    ----------
    layer : Layer
        Its weights in the new format.
    scales : ndarray of float32
        Value of one step: shape () per tensor, (channels, 1, …) per channel; 1 for the floats.
    """

    layer: Layer
    scales: NDArray[np.float32]

    @property
    def told_scales(self) -> NDArray[np.float32] | None:
        """Scales that have to be kept with the weights: None where all are 1."""
        return self.scales if (self.scales != 1).any() else None

    def dequantize(self) -> NDArray[np.float32]:
        """Return the real values, float32: weights · scales."""
        return self.layer.weights.astype(np.float32) * self.scales


@checked
def quantize(layer: Layer, to: str, per: str = "tensor") -> Quantized:
    """Convert a floating-point layer to another format.

    int8 and int4 are symmetric: w ≈ q · s with s = max|w| / 127 (7 for int4) over the tensor or
    each channel, and q rounded to nearest, ties to even. Zero stays zero, so pruned weights do.

    Parameters
    ----------
    layer : Layer
        Of a floating-point format and, for integers, finite.
    to : {"int8", "int4", "bfloat16", "float16", "float32"}
    per : {"tensor", "channel"}
        For integers: one scale, or one for each index of the first axis (outputs). The floats
        need none.

    Raises
    ------
    F2FError
        If the format, `per` or the layer does not fit, or float16 cannot hold the values.

    Notes
    -----
    Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", arXiv 1712.05877, section 2.1, with zero-point 0.
    """
    if to not in (*_LARGEST, *_FLOATS):
        raise _wrong(
            "cannot quantize to this format",
            expected=f"one of {', '.join((*_LARGEST, *_FLOATS))}",
            got=repr(to),
        )
    if per not in ("tensor", "channel"):
        raise _wrong("unknown granularity", expected="'tensor' or 'channel'", got=repr(per))
    if not layer.dtype.startswith(("float", "bfloat")):
        raise _wrong(
            f"layer {layer.name} is quantized already",
            expected="a floating-point layer",
            got=layer.dtype,
        )
    weights = layer.weights.astype(np.float64)
    finite = np.isfinite(weights)
    scales: NDArray[Any] = np.ones(())
    if to in _LARGEST:
        if not finite.all():
            raise _wrong(f"layer {layer.name} has infinities or NaNs, which integers have not")
        if per == "channel" and not weights.ndim:
            raise _wrong("a scalar has no channels", expected="a layer of ≥ 1 axes", got="0")
        axes = tuple(range(1, weights.ndim)) if per == "channel" else None
        keep = per == "channel"
        peak = np.abs(weights).max(axis=axes, keepdims=keep, initial=0)
        scales = np.where(peak > 0, peak / _LARGEST[to], 1)
        # A step too small for float32 would be stored as zero and lose the channel.
        scales = np.maximum(scales, np.finfo(np.float32).tiny).astype(np.float32)
        steps = np.rint(weights / scales).clip(-_LARGEST[to], _LARGEST[to])
        small = steps.astype(np.int8).astype(DTYPES[to])
    else:
        with np.errstate(over="ignore"):
            small = layer.weights.astype(DTYPES[to])
        if not np.isfinite(small.astype(np.float32))[finite].all():
            raise _wrong(f"layer {layer.name} has values beyond {to}'s range")
    source = f"{layer.source}, {layer.dtype} → {to}" + (f" per {per}" if to in _LARGEST else "")
    return Quantized(Layer(layer.name, small, to, source), scales.astype(np.float32))


def _wrong(message: str, **details: Any) -> F2FError:
    return F2FError(message, field="number_format", **details)


@dataclass(frozen=True, kw_only=True)
class NumberFormat(Choice):
    """A number format that a layer may be brought into.

    Attributes
    ----------
    convert : callable
        ``convert(layer)`` gives it as a `Quantized`, or F2FError as `quantize`.
    rounds : bool
        Weights become whole steps of a scale, so that values change.
    """

    convert: Callable[[Layer], Quantized]
    rounds: bool = False


def _float(to: str) -> NumberFormat:
    return NumberFormat(
        name=to, label=to, help=f"Rounded to {to}.", convert=lambda layer: quantize(layer, to)
    )


def _integer(to: str, per: str) -> NumberFormat:
    words = {"tensor": "one scale", "channel": "a scale per channel"}[per]
    return NumberFormat(
        name=to if per == "tensor" else f"{to}/{per}",
        label=f"{to}, {words}",
        help=f"Rounded after pruning to {to} with {words}; scales are kept.",
        convert=lambda layer: quantize(layer, to, per),
        rounds=True,
    )


NUMBER_FORMATS = Choices(
    "number_format",
    [
        NumberFormat(
            name=STORED,
            label="As stored",
            help="The layer's own number format.",
            convert=lambda layer: Quantized(layer, np.ones((), np.float32)),
        ),
        *(_float(to) for to in ("float32", "bfloat16", "float16")),
        *(_integer(to, per) for to in _LARGEST for per in ("tensor", "channel")),
    ],
)
"""The known number formats."""


def in_format(layer: Layer, number_format: str) -> Quantized:
    """Return a layer as it is stored, or quantized.

    Parameters
    ----------
    layer : Layer
    number_format : str
        A name of `NUMBER_FORMATS`.

    Raises
    ------
    F2FError
        As `quantize`.
    """
    return NUMBER_FORMATS.pick(number_format).convert(layer)


def describe_format(dtype: str, number_format: str) -> str:
    """Return the number format of a layer in words: ``float32 → int8, a scale per channel``."""
    if number_format == STORED:
        return dtype
    return f"{dtype} → {NUMBER_FORMATS.pick(number_format).label}"
