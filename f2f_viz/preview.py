"""A quick, honest estimate: search a random sample of short tiles, give the interval.

Every tile is an independent search, so a sample of them estimates the mismatch rate of the whole.
Sampled tiles are short; the blocks near their ends, where the register starts at 0 or no later
block follows, are searched but not counted. The interval is that of a ratio estimator over
clusters with a finite population (Cochran, *Sampling Techniques*, 3rd ed., sections 6.4 and 9A),
with Student's t at 95 %.
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from f2f_viz import blocks as _blocks
from f2f_viz.network import XorNetwork
from f2f_viz.planes import PlanePlan, encode_planes
from f2f_viz.trellis import search_seconds

__all__ = ["Estimate", "Sample", "sample_mismatches"]

_COUNTED, _MARGIN = 32, 8
_SECONDS = 0.06
_FEWEST = 6


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; all three are equal where the value is exact."""

    value: float
    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> "Estimate":
        """Return a value known exactly."""
        return cls(value, value, value)


@dataclass(frozen=True, eq=False)
class Sample:
    """Mismatches seen in sampled tiles.

    Attributes
    ----------
    rate : Estimate
        Mismatches a care bit, over the planes that have symbols.
    rates : ndarray of float, shape (b,)
        The same for each plane.
    """

    rate: Estimate
    rates: NDArray[np.float64]


def _segments(blocks: int, budget: int) -> NDArray[np.int64] | None:
    """Choose starts of counted segments; None if the sample would be most of the layer."""
    segments = blocks // _COUNTED
    chosen = max(budget // (_COUNTED + 2 * _MARGIN), _FEWEST)
    if 2 * chosen > segments:
        return None
    rng = np.random.default_rng(0)
    return np.sort(rng.choice(segments, chosen, replace=False)).astype(np.int64) * _COUNTED


def sample_mismatches(
    words: NDArray[Any],
    mask: NDArray[np.bool_],
    network: XorNetwork,
    plan: PlanePlan,
    *,
    order: str,
    threads: int | None = None,
    cancel: threading.Event | None = None,
) -> Sample | None:
    """Estimate the share of care bits that mismatch.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (size,)
    mask : ndarray of bool, any shape of that size
    network : XorNetwork
    plan : PlanePlan
    order, threads, cancel
        As in `codec.encode`.

    Returns
    -------
    Sample or None
        None where a sample would not be quicker than the whole layer.
    """
    blocks = _blocks.block_count(mask.size, network.n_out)
    a_block = search_seconds(
        network.n_in, network.n_s, network.n_out, 1, int(np.count_nonzero(~plan.zero_rate))
    )
    starts = _segments(blocks, int(_SECONDS / max(a_block, 1e-7)))
    if starts is None or network.is_plain:
        return None
    length = _COUNTED + 2 * _MARGIN
    first = np.clip(starts - _MARGIN, 0, blocks - length)
    chosen = (first[:, None] + np.arange(length)).reshape(-1)
    care = _blocks.to_blocks(mask.reshape(-1), network.n_out, order, chosen)
    blocked = _blocks.to_blocks(words, network.n_out, order, chosen)
    found = encode_planes(
        blocked, care, network, plan, tile_blocks=length, threads=threads, cancel=cancel
    )

    block = np.arange(chosen.size).reshape(-1, length)
    offset = (starts - first)[:, None]
    counted = (block % length >= offset) & (block % length < offset + _COUNTED)
    care_bits = (care.sum(axis=1).reshape(counted.shape) * counted).sum(axis=1)
    wrong = np.zeros((len(found), chosen.size))
    for p, plane in enumerate(found):
        wrong[p] = np.bincount(plane.corrections // network.n_out, minlength=chosen.size)
    wrong = (wrong.reshape(len(found), *counted.shape) * counted).sum(axis=2)

    coded = ~plan.zero_rate
    total = max(int(care_bits.sum()) * int(coded.sum()), 1)
    rate = wrong[coded].sum() / total
    residual = wrong[coded].sum(axis=0) - rate * care_bits * coded.sum()
    n = starts.size
    variance = (1 - n * _COUNTED / blocks) * n / (n - 1) * (residual**2).sum() / total**2
    # a sample without a mismatch still allows 3 in `total` (the rule of three)
    half = max(float(stdtrit(n - 1, 0.975)) * variance**0.5, 3 / total)
    return Sample(
        Estimate(float(rate), max(0.0, float(rate) - half), min(1.0, float(rate) + half)),
        wrong.sum(axis=1) / max(int(care_bits.sum()), 1),
    )
