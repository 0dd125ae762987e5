"""Pruning: which weights are kept. True in a mask means kept."""

import inspect
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import dtype_name
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import load_layer, load_mask
from f2f_viz.tensors.magnitudes import Magnitudes

__all__ = ["METHODS", "keep_count", "prune", "prune_together", "ranking"]

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


def _descending(values: NDArray[Any]) -> NDArray[np.intp]:
    """Order along the last axis from the largest, equals as they stand."""
    return np.argsort(-values, axis=-1, kind="stable")


def _largest(values: NDArray[Any], keep: int) -> NDArray[np.bool_]:
    """Mark the `keep` largest of flat values, equals as they stand: the first of `_descending`."""
    mask = np.zeros(values.size, bool)
    if keep:
        least = np.partition(values, values.size - keep)[values.size - keep]
        mask[values > least] = True
        ties = np.flatnonzero(values == least)
        mask[ties[: keep - np.count_nonzero(mask)]] = True
    return mask


def _rows(values: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Shape values as (rows, weights of a row); a row is one index of the first axis (output)."""
    return values.reshape(len(weights), -1) if weights.size else values.reshape(0, 1)


def _keep_first(order: NDArray[np.intp], keep: int, shape: tuple[int, ...]) -> Mask:
    """Keep the first `keep` positions of every row of an order."""
    mask = np.zeros(order.shape, bool)
    np.put_along_axis(mask, order[..., :keep], True, axis=-1)
    return mask.reshape(shape)


class Lot:
    """A random order of a layer's weights: the first `keep` are kept.

    Parameters
    ----------
    shape : tuple of int
    seed : int
    """

    def __init__(self, shape: tuple[int, ...], seed: int = 0):
        self.shape = shape
        self._order = np.random.default_rng(seed).permutation(int(np.prod(shape, dtype=np.int64)))

    def largest(self, keep: int) -> Mask:
        """Mark the first `keep` weights."""
        return _keep_first(self._order, keep, self.shape)


def ranking(weights: NDArray[Any], method: str, seed: int = 0) -> Magnitudes | Lot:
    """Rank the weights for a method that takes a rate: a changed rate needs no new ranking.

    ``ranking(weights, method, seed).largest(keep_count(size, rate))`` is `prune`.

    Parameters
    ----------
    weights : ndarray, any shape
        Not to be changed while the ranking is in use.
    method : {"magnitude", "random"}
    seed : int
        For ``random``.
    """
    return Lot(weights.shape, seed) if method == "random" else Magnitudes(weights)


def _by_magnitude(weights: NDArray[Any], rate: float, seed: int, *, per: str = "layer") -> Mask:
    if per not in ("layer", "row"):
        raise F2FError("what is pruned alike", expected="per='layer' or 'row'", got=repr(per))
    if per == "row" and weights.ndim:
        order = _descending(_rows(_magnitudes(weights), weights))
        return _keep_first(order, keep_count(order.shape[-1], rate), weights.shape)
    return Magnitudes(weights).largest(keep_count(weights.size, rate))


def _by_lot(weights: NDArray[Any], rate: float, seed: int) -> Mask:
    return Lot(weights.shape, seed).largest(keep_count(weights.size, rate))


def _by_scores(weights: NDArray[Any], rate: float, seed: int, *, scores: Any) -> Mask:
    given = load_layer(scores).weights if isinstance(scores, str | os.PathLike) else scores
    given = np.asarray(given)
    if given.shape != weights.shape:
        raise F2FError("the scores have another shape", expected=weights.shape, got=given.shape)
    dtype_name(given.dtype)
    values = given.astype(np.float64).reshape(-1)
    if np.isnan(values).any():
        raise F2FError("a score is not a number", expected="a number for each weight", got="NaN")
    return _largest(values, keep_count(weights.size, rate)).reshape(weights.shape)


def _n_of_m(weights: NDArray[Any], rate: float, seed: int, *, pattern: str = "2:4") -> Mask:
    match = re.fullmatch(r"([0-9]{1,4}):([0-9]{1,4})", str(pattern))
    n, m = map(int, match.groups()) if match else (0, 0)
    if not 1 <= n <= m:
        raise F2FError("the N:M pattern", expected="N:M, 1 ≤ N ≤ M, such as 2:4", got=repr(pattern))
    rows = _rows(_magnitudes(weights), weights) if weights.ndim else np.ones((1, 1))
    if rows.shape[1] % m and weights.size:
        raise F2FError(
            f"rows cannot be cut into groups of {m}",
            expected=f"a multiple of {m} weights in a row",
            got=rows.shape[1],
        )
    return _keep_first(_descending(rows.reshape(-1, m if weights.size else 1)), n, weights.shape)


def _by_threshold(weights: NDArray[Any], rate: float, seed: int, *, threshold: float) -> Mask:
    if not threshold >= 0:
        raise F2FError("the threshold is a magnitude", expected="threshold ≥ 0", got=threshold)
    return (_magnitudes(weights) > threshold).reshape(weights.shape)


def _existing_zeros(weights: NDArray[Any], rate: float, seed: int) -> Mask:
    return (_magnitudes(weights) > 0).reshape(weights.shape)


def _given(weights: NDArray[Any], rate: float, seed: int, *, mask: Any) -> Mask:
    given = load_mask(mask) if isinstance(mask, str | os.PathLike) else np.asarray(mask)
    if given.shape != weights.shape:
        raise F2FError("the mask has another shape", expected=weights.shape, got=given.shape)
    return given.astype(bool)


METHODS: dict[str, Callable[..., Mask]] = {
    "magnitude": _by_magnitude,
    "random": _by_lot,
    "threshold": _by_threshold,
    "zeros": _existing_zeros,
    "mask": _given,
    "scores": _by_scores,
    "n:m": _n_of_m,
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
        themselves (``threshold``, ``zeros``, ``mask``, ``n:m``) only check it.
    method : {"magnitude", "random", "threshold", "zeros", "mask", "scores", "n:m"}
        ``magnitude`` keeps the largest \|w\|, ties in C order; ``random`` keeps any;
        ``threshold`` keeps \|w\| > `threshold`; ``zeros`` keeps what is not zero already;
        ``mask`` takes `mask` as it is; ``scores`` keeps the highest `scores`, ties in C order;
        ``n:m`` keeps the N largest \|w\| of every M neighbours in a row.
    seed : int
        Seed of ``random``.
    **options
        As the method takes: ``magnitude`` takes `per`, "layer" or "row" (each index of the first
        axis loses the same share); ``threshold`` needs `threshold` (float); ``mask`` needs `mask`
        and ``scores`` needs `scores`, arrays of the layer's shape or files of one
        (`layers.load_mask`, `layers.load_layer`); ``n:m`` takes `pattern`, "2:4" or another, which
        the length of a row must suit.

    Returns
    -------
    ndarray of bool, the shape of `weights`
        True = kept.

    Raises
    ------
    F2FError
        For a rate outside [0, 1], an unknown method or option, or a missing option.

    Examples
    --------
    >>> prune(np.array([0.1, -3.0, 2.0, 0.5]), 0.5)
    array([False,  True,  True, False])
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


def prune_together(weights: Mapping[str, NDArray[Any]], rate: float) -> dict[str, Mask]:
    r"""Prune several layers by one magnitude threshold, so that each loses what it can spare.

    Parameters
    ----------
    weights : mapping of str to ndarray, any shapes
    rate : float
        Fraction of all their weights to prune, 0 to 1; exactly round(rate·size) go.

    Returns
    -------
    dict of str to ndarray of bool
        A mask of each layer, True = kept: the largest \|w\| of all, ties in the layers' order.

    Raises
    ------
    F2FError
        For a rate outside [0, 1].
    """
    for layer in weights.values():
        dtype_name(layer.dtype)
    sizes = [layer.size for layer in weights.values()]
    keep = keep_count(sum(sizes), rate)
    if not sizes:
        return {}
    together = np.concatenate([_magnitudes(layer) for layer in weights.values()])
    mask = _largest(together, keep)
    parts = np.split(mask, np.cumsum(sizes)[:-1])
    return {
        name: part.reshape(layer.shape)
        for (name, layer), part in zip(weights.items(), parts, strict=True)
    }
