"""A quick, honest estimate: search a random sample of short tiles, give the interval.

Every tile is an independent search, so a sample of them estimates the mismatch rate of the whole.
Sampled tiles are short; the blocks near their ends, where the register starts at 0 or no later
block follows, are searched but not counted. Where the search is dear a sampled tile holds only
some of the planes, each plane as often as any other. The interval is that of a ratio estimator
over clusters with a finite population (Cochran, *Sampling Techniques*, 3rd ed., sections 6.4 and
9A), with Student's t at 95 %.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from f2f_viz.codec.blocks import Layout, stride
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.kept_words import kept_words
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import PlanePlan
from f2f_viz.codec.trellis import search_seconds, search_tiles

__all__ = ["Estimate", "Sample", "sample_mismatches", "share_out"]

_COUNTED = (32, 32, 64)
_BEFORE, _AFTER = (0, 8, 16), (0, 8, 8)
"""Blocks of a sampled tile, by n_s: those that count, and those searched before and after them.
The cost of starting at register 0 is seen in some 4 blocks at n_s = 1 and 12 at n_s = 2.
"""
SECONDS = 0.06
"""CPU time that a sample may take, where nothing else is asked for."""
_FEWEST = 8
"""Sampled tiles that are wanted: where the search is dear, each holds fewer planes."""
_LEAST = 4
"""Sampled tiles without which there is no interval."""


class Estimate(float):
    """A number and its 95 % interval; all three are equal where the number is exact.

    Attributes
    ----------
    value, low, high : float
    """

    low: float
    high: float

    def __new__(cls, value: float, low: float, high: float) -> "Estimate":
        """Make one of a number and the ends of its interval."""
        self = super().__new__(cls, value)
        self.low, self.high = float(low), float(high)
        return self

    def __reduce__(self) -> tuple[type, tuple[float, float, float]]:
        return Estimate, (self.value, self.low, self.high)

    def __repr__(self) -> str:
        if self.low == self.high:
            return f"{self.value!r}"
        return f"Estimate({self.value:.6g}, {self.low:.6g} to {self.high:.6g})"

    __str__ = __repr__

    @property
    def value(self) -> float:
        """The number alone."""
        return float(self)

    @classmethod
    def exactly(cls, value: float) -> "Estimate":
        """Return a number known exactly."""
        return cls(value, value, value)


@dataclass(frozen=True, eq=False)
class Sample:
    """Mismatches seen in sampled tiles.

    Attributes
    ----------
    rate : Estimate
        Mismatches a care bit, over the planes that have symbols.
    rates : ndarray of float, shape (b,)
        The same for each plane; 0 where it has no symbols.
    """

    rate: Estimate
    rates: NDArray[np.float64]


def share_out(planes: int, budget: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Deal planes out to sampled tiles, each as often as any other and well mixed.

    Parameters
    ----------
    planes, budget, most : int
        How many there are, how many planes of tiles can be searched in time, and how many tiles
        the layer has.

    Returns
    -------
    dealt : ndarray of int64, shape (tiles, planes of a tile)
    counts : ndarray of bool, the same shape
        False where the last tile is only filled up.
    """
    rounds = max(-(-_LEAST // planes), budget // planes)
    tiles = 0
    while tiles < _LEAST:
        width = max(rounds * planes // _FEWEST, -(-rounds * planes // most), 1)
        width = min(width, planes)
        tiles = -(-rounds * planes // width)
        rounds += tiles < _LEAST
    turn = np.arange(tiles * width)
    dealt = turn * stride(planes) % planes
    return dealt.reshape(tiles, width), (turn < rounds * planes).reshape(tiles, width)


def _spans(n_s: int) -> tuple[int, int, int]:
    """Return the blocks of a sampled tile that count, and those before and after them."""
    if n_s < len(_COUNTED):
        return _COUNTED[n_s], _BEFORE[n_s], _AFTER[n_s]
    return _COUNTED[-1], 8 * n_s, 4 * n_s  # as at n_s = 2, the longer the register


def sample_mismatches(
    words: CodedWords,
    mask: NDArray[np.bool_],
    layout: Layout,
    network: XorNetwork,
    plan: PlanePlan,
    *,
    seconds: float = SECONDS,
    threads: int | None = None,
    cancel: threading.Event | None = None,
) -> Sample | None:
    """Estimate the share of care bits that mismatch.

    Parameters
    ----------
    words : CodedWords
    mask : ndarray of bool, shape (size,)
    layout : Layout
    network : XorNetwork
    plan : PlanePlan
    seconds : float
        CPU time to spend.
    threads, cancel
        As in `codec.encode`.

    Returns
    -------
    Sample or None
        None where a sample would not be quicker than the whole layer.
    """
    coded = plan.searched
    if not coded.size or network.is_plain:
        return None
    counted, before, after = _spans(network.n_s)
    length = before + counted + after
    a_tile = search_seconds(network.n_in, network.n_s, length, 1)
    blocks, most = layout.blocks, layout.blocks // counted
    if most < _LEAST:
        return None
    dealt, counts = share_out(coded.size, int(seconds / a_tile), most)
    tiles = len(dealt)
    if tiles > most or 2 * dealt.size * length > blocks * coded.size:
        return None
    rng = np.random.default_rng(0)
    starts = np.sort(rng.choice(most, tiles, replace=False)).astype(np.int64) * counted
    first = np.clip(starts - before, 0, blocks - length)
    block = first[:, None] + np.arange(length)
    kept = plan.wanted(kept_words(words, mask, layout, block.reshape(-1)))
    bits = kept.planes(plan.bits[coded], threads)
    wrong = _mismatches(bits, kept.rows, network, dealt, threads, cancel)

    inside = (block >= starts[:, None]) & (block < starts[:, None] + counted)
    seen = (np.diff(kept.start).reshape(tiles, length) * inside).sum(axis=1)[:, None] * counts
    wrong = (wrong * inside[:, None]).sum(axis=2) * counts
    share = dealt.size * counted / (blocks * coded.size)
    rates = np.zeros(plan.ones.size)
    rates[coded] = _rates(seen, wrong, dealt, coded.size)
    if plan.even.any():  # of one rate the mean is the better estimate
        rates[plan.even] = rates[plan.even].mean()
    return Sample(_ratio(seen.sum(axis=1), wrong.sum(axis=1), share), rates)


def _mismatches(
    bits: NDArray[np.uint64],
    care: NDArray[np.uint64],
    network: XorNetwork,
    dealt: NDArray[np.int64],
    threads: int | None,
    cancel: threading.Event | None,
) -> NDArray[np.int64]:
    """Search sampled tiles, each in the planes dealt to it.

    Parameters
    ----------
    bits : ndarray of uint64, shape (planes, tiles · length, words)
        Of the tiles' blocks, one tile after another.
    care : ndarray of uint64, shape (tiles · length, words)
    dealt : ndarray of int64, shape (tiles, planes of a tile)

    Returns
    -------
    ndarray of int64, shape (tiles, planes of a tile, length)
        Care bits that come out wrong, by block.
    """
    tiles, width = dealt.shape
    length = len(care) // tiles
    own = bits.reshape(len(bits), tiles, length, -1)[dealt.T, np.arange(tiles)]
    own = own.reshape(width, tiles * length, -1)
    found = search_tiles(own, care, network, tile_blocks=length, threads=threads, cancel=cancel)
    own ^= network.decode_packed(found.symbols, length) & care
    wrong = np.bitwise_count(own).sum(axis=2, dtype=np.int64)
    return wrong.reshape(width, tiles, length).swapaxes(0, 1)


def _ratio(seen: NDArray[np.int64], wrong: NDArray[np.int64], share: float) -> Estimate:
    """Estimate wrong / seen of all by that of some clusters, `share` of all (Cochran, 6.4, 9A)."""
    tiles, total = seen.size, max(int(seen.sum()), 1)
    rate = float(wrong.sum() / total)
    residual = wrong - rate * seen
    variance = (1 - share) * tiles / (tiles - 1) * (residual**2).sum() / total**2
    # a sample without a mismatch still allows 3 in `total` (the rule of three)
    half = max(float(stdtrit(tiles - 1, 0.975)) * variance**0.5, 3 / total)
    return Estimate(rate, max(0.0, rate - half), min(1.0, rate + half))


def _rates(
    seen: NDArray[np.int64], wrong: NDArray[np.int64], dealt: NDArray[np.int64], planes: int
) -> NDArray[np.float64]:
    """Return mismatches per care bit of each plane, of counts by tile and plane dealt to it."""
    own = [np.bincount(dealt.reshape(-1), n.reshape(-1), planes) for n in (wrong, seen)]
    return own[0] / np.maximum(own[1], 1)
