"""The bound, and how far the care bits of a layer are from what the code likes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, gammaln, xlog1py, xlogy

__all__ = [
    "BlockStats",
    "binary_entropy",
    "block_stats",
    "max_ratio",
    "n_u_binomial",
]


def binary_entropy(p: Any) -> Any:
    """Return h(p) = −p·log2 p − (1−p)·log2(1−p), in bits; h(0) = h(1) = 0."""
    return (entr(p) + entr(np.subtract(1, p))) / np.log(2)


def max_ratio(kept: int, size: int) -> float:
    """Return 1 / (1 − S), the entropy bound: care bits are random, so they are the information.

    Infinite where nothing is kept (Park et al. 2022, section 3).
    """
    return size / kept if kept else float("inf")


def n_u_binomial(n_out: int, sparsity: float) -> NDArray[np.float64]:
    """Return P(n_u = k) of Binomial(n_out, 1 − S), shape (n_out + 1,): what random masks give."""
    k = np.arange(n_out + 1)
    choose = gammaln(n_out + 1) - gammaln(k + 1) - gammaln(n_out - k + 1)
    return np.exp(choose + xlogy(k, 1 - sparsity) + xlog1py(n_out - k, sparsity - 1))


@dataclass(frozen=True)
class BlockStats:
    """How unevenly care bits fall on blocks.

    Attributes
    ----------
    mean, variance : float
        Of n_u, in bits and bits².
    cv : float
        Coefficient of variation, √variance / mean.
    dispersion : float
        variance / (n_out·S·(1−S)): 1 for a random mask.
    lag1 : float
        Correlation of n_u between neighbouring blocks: a register evens out only a few blocks.
    """

    mean: float
    variance: float
    cv: float
    dispersion: float
    lag1: float


def block_stats(n_u: NDArray[np.int64], n_out: int) -> BlockStats:
    """Describe n_u of the blocks of a layer; ratios with nothing below are 0."""
    if not n_u.size:
        return BlockStats(0.0, 0.0, 0.0, 0.0, 0.0)
    mean, variance = float(n_u.mean()), float(n_u.var())
    binomial = mean * (1 - mean / n_out)
    deviation = n_u - mean
    lag1 = (
        float((deviation[1:] * deviation[:-1]).mean()) / variance
        if variance and n_u.size > 1
        else 0.0
    )
    return BlockStats(
        mean=mean,
        variance=variance,
        cv=variance**0.5 / mean if mean else 0.0,
        dispersion=variance / binomial if binomial else 0.0,
        lag1=lag1,
    )
