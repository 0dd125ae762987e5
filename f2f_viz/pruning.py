"""Pruning: which weights are kept. True in a mask means kept."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.bitplanes import dtype_name
from f2f_viz.errors import F2FError

__all__ = ["METHODS", "keep_count", "prune", "ranking"]

Mask = NDArray[np.bool_]


def keep_count(size: int, rate: float) -> int:
    """Return how many weights a pruning rate keeps: size − round(rate·size)."""
    if not 0 <= rate <= 1:
        raise F2FError(
            "the pruning rate is a fraction of the weights", expected="0 ≤ rate ≤ 1", got=rate
        )
    return size - round(rate * size)


def _magnitudes(weights: NDArray[Any]) -> NDArray[Any]:
    wide = np.float64 if weights.dtype == np.float64 else np.float32
    magnitude = np.abs(weights.astype(wide)).reshape(-1)
    magnitude[np.isnan(magnitude)] = np.inf  # a NaN is never pruned in silence
    return magnitude


def ranking(weights: NDArray[Any], method: str, seed: int = 0) -> NDArray[np.intp]:
    """Order weights from the first to keep to the last, for methods that take a rate.

    Keeping the first `keep_count` entries is `prune`: a changed rate needs no new sort.

    Parameters
    ----------
    weights : ndarray, any shape
    method : {"magnitude", "random"}
    seed : int
        For ``random``.

    Returns
    -------
    ndarray of intp, shape (size,)
        Flat indices; equal magnitudes stand in C order.
    """
    if method == "random":
        return np.random.default_rng(seed).permutation(weights.size)
    return np.argsort(-_magnitudes(weights), kind="stable")


def _by_ranking(method: str) -> Callable[..., Mask]:
    def prune_by_rank(weights: NDArray[Any], rate: float, seed: int) -> Mask:
        mask = np.zeros(weights.size, bool)
        mask[ranking(weights, method, seed)[: keep_count(weights.size, rate)]] = True
        return mask.reshape(weights.shape)

    return prune_by_rank


def _by_threshold(weights: NDArray[Any], rate: float, seed: int, *, threshold: float) -> Mask:
    if not threshold >= 0:
        raise F2FError("the threshold is a magnitude", expected="threshold ≥ 0", got=threshold)
    return (_magnitudes(weights) > threshold).reshape(weights.shape)


def _existing_zeros(weights: NDArray[Any], rate: float, seed: int) -> Mask:
    return (_magnitudes(weights) > 0).reshape(weights.shape)


def _given(weights: NDArray[Any], rate: float, seed: int, *, mask: Any) -> Mask:
    given = np.asarray(mask)
    if given.shape != weights.shape:
        raise F2FError("the mask has another shape", expected=weights.shape, got=given.shape)
    return given.astype(bool)


METHODS: dict[str, Callable[..., Mask]] = {
    "magnitude": _by_ranking("magnitude"),
    "random": _by_ranking("random"),
    "threshold": _by_threshold,
    "zeros": _existing_zeros,
    "mask": _given,
}


def prune(
    weights: NDArray[Any], rate: float, method: str = "magnitude", *, seed: int = 0, **options: Any
) -> Mask:
    r"""Choose which weights to keep.

    Parameters
    ----------
    weights : ndarray, any shape
    rate : float
        Fraction to prune, 0 to 1; exactly round(rate·size) weights go. Methods that decide by
        themselves (``threshold``, ``zeros``, ``mask``) only check it.
    method : {"magnitude", "random", "threshold", "zeros", "mask"}
        ``magnitude`` keeps the largest \|w\|, ties in C order; ``random`` keeps any;
        ``threshold`` keeps \|w\| > `threshold`; ``zeros`` keeps what is not zero already;
        ``mask`` takes `mask` as it is.
    seed : int
        Seed of ``random``.
    **options
        `threshold` (float) or `mask` (ndarray, the layer's shape), as the method needs.

    Returns
    -------
    ndarray of bool, the shape of `weights`
        True = kept.

    Raises
    ------
    F2FError
        For a rate outside [0, 1], an unknown method or option, or a missing option.
    """
    weights = np.asarray(weights)
    dtype_name(weights.dtype)
    keep_count(weights.size, rate)
    if method not in METHODS:
        raise F2FError(
            "unknown pruning method", expected=f"one of {', '.join(METHODS)}", got=repr(method)
        )
    choose = METHODS[method]
    try:
        inspect.signature(choose).bind(weights, rate, seed, **options)
    except TypeError as problem:
        raise F2FError(f"wrong options for pruning method {method!r}: {problem}") from None
    return choose(weights, rate, seed, **options)
