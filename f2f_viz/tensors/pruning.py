"""Pruning: which weights are kept. True in a mask means kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked, in_range
from f2f_viz.choices import Choice, Choices
from f2f_viz.codec.bitplanes import dtype_name
from f2f_viz.errors import F2FError, named
from f2f_viz.tensors.layer import array_of, load_mask
from f2f_viz.tensors.magnitudes import Magnitudes

__all__ = [
    "METHODS",
    "PER",
    "PruningMethod",
    "keep_count",
    "prune",
    "prune_together",
    "register_pruning",
    "usual_method",
]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PruningMethod(Choice):
    """A way to choose which weights are kept.

    Attributes
    ----------
    choose : callable
        ``choose(weights, rate, seed, **options)`` gives the mask, bool, True = kept.
    sparse : bool
        Whether it is meant for layers that are pruned already.
    rated : bool
        Whether it prunes the share `rate`; others decide by themselves.
    seeded : bool
        Whether the seed counts.
    words : callable or None
        ``words(values)`` says in a few words what it does, of the settings' values; its name and
        the rate if not given.
    options : tuple of str
        Names of the options that it takes, each a field of `Settings`.
    needs : str
        The option without which there is nothing to go by; "" if there is none.
    ranking : callable or None
        ``ranking(weights, seed).largest(keep_count(size, rate))`` is `choose` without options: a
        new rate needs no new ranking. The weights must not change while it is in use.
    """

    choose: Callable[..., Mask]
    sparse: bool = False
    rated: bool = True
    seeded: bool = False
    words: Callable[[Mapping[str, Any]], str] | None = None
    options: tuple[str, ...] = ()
    needs: str = ""
    ranking: "Callable[[NDArray[Any], int], Magnitudes | Lot] | None" = None


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


PER = Choices(
    "per",
    [
        Choice(name="layer", label="Whole layer", help="The largest weights of the layer stay."),
        Choice(
            name="row", label="Each row", help="Every index of the first axis loses the same share."
        ),
    ],
)
"""What loses the same share under magnitude pruning."""


def _by_magnitude(weights: NDArray[Any], rate: float, seed: int, *, per: str = "layer") -> Mask:
    PER.pick(per)
    if per == "row" and weights.ndim:
        order = _descending(_rows(_magnitudes(weights), weights))
        return _keep_first(order, keep_count(order.shape[-1], rate), weights.shape)
    return Magnitudes(weights).largest(keep_count(weights.size, rate))


def _by_lot(weights: NDArray[Any], rate: float, seed: int) -> Mask:
    return Lot(weights.shape, seed).largest(keep_count(weights.size, rate))


def _by_scores(weights: NDArray[Any], rate: float, seed: int, *, scores: Any) -> Mask:
    given = array_of(scores)
    if given.shape != weights.shape:
        raise F2FError(
            "the scores have another shape", expected=weights.shape, got=given.shape, field="scores"
        )
    dtype_name(given.dtype)
    values = given.astype(np.float64).reshape(-1)
    if np.isnan(values).any():
        raise F2FError(
            "a score is not a number",
            expected="a number for each weight",
            got="NaN",
            field="scores",
        )
    return _largest(values, keep_count(weights.size, rate)).reshape(weights.shape)


def _n_of_m(weights: NDArray[Any], rate: float, seed: int, *, pattern: str = "2:4") -> Mask:
    match = re.fullmatch(r"([0-9]{1,4}):([0-9]{1,4})", pattern if isinstance(pattern, str) else "")
    n, m = map(int, match.groups()) if match else (0, 0)
    if not 1 <= n <= m:
        raise F2FError("the N:M pattern", expected="N:M, 1 ≤ N ≤ M, such as 2:4",
                       got=named(pattern), field="pattern")  # fmt: skip
    rows = _rows(_magnitudes(weights), weights) if weights.ndim else np.ones((1, 1))
    if rows.shape[1] % m and weights.size:
        raise F2FError(
            f"rows cannot be cut into groups of {m}",
            expected=f"a multiple of {m} weights in a row",
            got=rows.shape[1],
            field="pattern",
        )
    return _keep_first(_descending(rows.reshape(-1, m if weights.size else 1)), n, weights.shape)


def _by_threshold(weights: NDArray[Any], rate: float, seed: int, *, threshold: float = 0.0) -> Mask:
    least = np.float64(in_range("threshold", threshold, float, 0, float("inf")))
    return (_magnitudes(weights) > least).reshape(weights.shape)


def _existing_zeros(weights: NDArray[Any], rate: float, seed: int) -> Mask:
    return (_magnitudes(weights) > 0).reshape(weights.shape)


def _given(weights: NDArray[Any], rate: float, seed: int, *, mask: Any) -> Mask:
    given = load_mask(mask)
    if given.shape != weights.shape:
        raise F2FError(
            "the mask has another shape", expected=weights.shape, got=given.shape, field="mask"
        )
    return given


METHODS = Choices(
    "method",
    [
        PruningMethod(
            name="magnitude",
            label="Magnitude: largest |w|",
            help="Keeps the largest |w|, ties in C order.",
            choose=_by_magnitude,
            words=lambda v: f"magnitude{' by row' * (v['per'] == 'row')} {v['rate']:g}",
            options=("per",),
            ranking=lambda weights, seed: Magnitudes(weights),
        ),
        PruningMethod(
            name="random",
            label="Random",
            help="Keeps any, by the seed.",
            choose=_by_lot,
            seeded=True,
            ranking=lambda weights, seed: Lot(weights.shape, seed),
        ),
        PruningMethod(
            name="threshold",
            label="Threshold on |w|",
            help="Keeps |w| above the threshold.",
            choose=_by_threshold,
            rated=False,
            words=lambda v: f"|w| > {v['threshold']:g}",
            options=("threshold",),
        ),
        PruningMethod(
            name="zeros",
            label="The layer's own zeros",
            help="Keeps what is not zero already.",
            choose=_existing_zeros,
            sparse=True,
            rated=False,
            words=lambda v: "own zeros",
        ),
        PruningMethod(
            name="n:m",
            label="N of every M",
            help="Keeps the N largest |w| of every M neighbours in a row.",
            choose=_n_of_m,
            rated=False,
            words=lambda v: str(v["pattern"]),
            options=("pattern",),
        ),
        PruningMethod(
            name="mask",
            label="Mask from a file",
            help="Keeps what a mask says.",
            choose=_given,
            rated=False,
            words=lambda v: "mask",
            options=("mask",),
            needs="mask",
        ),
        PruningMethod(
            name="scores",
            label="Scores from a file",
            help="Keeps the highest scores, ties in C order.",
            choose=_by_scores,
            options=("scores",),
            needs="scores",
        ),
    ],
)
"""The known pruning methods."""


def usual_method(sparse: bool) -> str:
    """Name the method to begin with, for a layer that is dense or pruned already."""
    return next(method.name for method in METHODS.values() if method.sparse == sparse)


@checked
def register_pruning(
    name: str,
    choose: Callable[..., Mask],
    *,
    label: str = "",
    help: str = "",
    options: Sequence[str] = (),
) -> None:
    """Add a pruning method; `prune`, `Settings`, `analyze`, `sweep` and the analyzer then know it.

    Parameters
    ----------
    name : str
        A new name.
    choose : callable
        ``choose(weights, rate, seed, **options)`` gives a bool mask of the shape of `weights`,
        True = kept.
    label, help : str
        What controls show; the name if not given.
    options : sequence of str
        Which of ``per``, ``threshold``, ``pattern``, ``mask``, ``scores`` it takes.

    Raises
    ------
    F2FError
        If the name is taken, or an option is none of these.

    Examples
    --------
    >>> def first(weights, rate, seed):
    ...     return np.arange(weights.size).reshape(weights.shape) < keep_count(weights.size, rate)
    >>> register_pruning("first", first)
    >>> prune(np.array([1.0, 2.0, 3.0, 4.0]), 0.5, "first")
    array([ True,  True, False, False])
    """
    known = {option for method in METHODS.values() for option in method.options}
    if not all(isinstance(option, str) for option in options) or not set(options) <= known:
        raise F2FError(
            "options of a pruning method", expected=f"some of {', '.join(sorted(known))}",
            got=named(options),
        )  # fmt: skip
    METHODS.add(
        PruningMethod(
            name=name,
            label=label or name,
            help=help or name,
            choose=choose,
            seeded=True,
            options=tuple(options),
        )
    )


@checked
def prune(
    weights: Any, rate: float, method: str = "magnitude", *, seed: int = 0, **options: Any
) -> Mask:
    """Choose which weights to keep.

    Parameters
    ----------
    weights : array, any shape
        Or what else `load_layer` takes: a tensor, a path, a `Layer`.
    rate : float
        Fraction to prune, 0 to 1; exactly round(rate·size) weights go. Methods that are not
        `PruningMethod.rated` decide by themselves and only check it.
    method : str
        A name of `METHODS`, whose entries say what each keeps.
    seed : int
        Of methods that are `PruningMethod.seeded`.
    **options
        Those of the method's `PruningMethod.options`: `per`, "layer" or "row" (each index of the
        first axis loses the same share); `threshold`, a float; `mask` and `scores`, arrays of the
        layer's shape; `pattern`, "2:4" or another, which the length of a row must suit.

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
    weights = array_of(weights)
    dtype_name(weights.dtype)
    if seed < 0:
        raise F2FError("seed", expected="a whole number ≥ 0", got=seed, field="seed")
    keep_count(weights.size, rate)
    entry = METHODS.pick(method)
    wrong = sorted(set(options) - set(entry.options))
    if wrong or (entry.needs and options.get(entry.needs) is None):
        raise F2FError(
            f"options of pruning method {method!r}",
            expected=", ".join(entry.options) or "none",
            got=", ".join(options) or "none",
        )
    shown = weights.view()
    shown.flags.writeable = False  # an own method that sorts in place would change the layer
    mask = np.asarray(entry.choose(shown, rate, seed, **options))
    if mask.dtype != np.bool_ or mask.shape != weights.shape:
        raise F2FError(
            f"the mask of pruning method {method!r}", expected=f"bool of shape {weights.shape}",
            got=f"{mask.dtype} of shape {mask.shape}",
        )  # fmt: skip
    return mask


@checked
def prune_together(weights: Mapping[str, Any], rate: float) -> dict[str, Mask]:
    r"""Prune several layers by one magnitude threshold, so that each loses what it can spare.

    Parameters
    ----------
    weights : mapping of str to array, any shapes
        Each may be whatever `load_layer` takes.
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
    layers = {name: array_of(layer) for name, layer in weights.items()}
    for layer in layers.values():
        dtype_name(layer.dtype)
    sizes = [layer.size for layer in layers.values()]
    keep = keep_count(sum(sizes), rate)
    if not sizes:
        return {}
    together = np.concatenate([_magnitudes(layer) for layer in layers.values()])
    mask = _largest(together, keep)
    parts = np.split(mask, np.cumsum(sizes)[:-1])
    return {
        name: part.reshape(layer.shape)
        for (name, layer), part in zip(layers.items(), parts, strict=True)
    }
