"""Block orders: which weight is bit i of block t.

Weights are flattened in C order and padded at the end with don't-cares to l·n_out. They are cut
into l groups of n_out weights, either neighbours or every l-th one, and a counter that steps by
some g coprime to l says which group is block t:

* ``row`` (the paper's): bit i of block t is weight t·n_out + i.
* ``interleaved``: bit i of block t is weight i·l + (t·g mod l): n_out memory banks that all read
  one address, which a counter steps by g. It makes n_u, the care bits of a block, nearly
  binomial whatever the layer's structure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices

__all__ = [
    "MAX_N_OUT",
    "ORDERS",
    "Order",
    "block_count",
    "block_sums",
    "default_n_out",
    "from_blocks",
    "positions_of",
    "stride",
    "to_blocks",
    "weight_index",
    "weights_of",
]

MAX_N_OUT = 4096
"""Largest block, in bits; reached only where next to nothing is kept."""


@dataclass(frozen=True, kw_only=True)
class Order(Choice):
    """A block order.

    Attributes
    ----------
    spread : bool
        A group is every l-th weight (bit i is i·l + address), not n_out neighbours
        (address·n_out + i).
    step : callable
        ``step(l)`` gives g, coprime to l: the address of block t, its group, is t·g mod l.
    """

    spread: bool
    step: Callable[[int], int]

    def address(self, blocks: int) -> NDArray[np.int64]:
        """Return the group of each of l blocks: a permutation of 0 … l − 1."""
        return np.arange(blocks, dtype=np.int64) * self.step(blocks) % max(blocks, 1)


def default_n_out(n_in: int, kept: int, size: int) -> int:
    """Return the paper's block length floor(n_in / (1 − S)), S the mask's own sparsity.

    Parameters
    ----------
    n_in : int
        Bits of a symbol.
    kept, size : int
        Kept weights and all weights; 1 − S = kept / size.

    Returns
    -------
    int
        At least n_in and at most `MAX_N_OUT`; where nothing is kept, one block holds the layer.
    """
    n_out = n_in * size // kept if kept else size
    return max(n_in, min(n_out, MAX_N_OUT))


def block_count(size: int, n_out: int) -> int:
    """Return l, the number of blocks that hold `size` weights."""
    return -(-size // n_out)


def stride(blocks: int) -> int:
    """Return g, the least integer ≥ 0.618·l coprime to l (1 where l < 3)."""
    if blocks < 3:
        return 1
    g = -(-618 * blocks // 1000)
    while gcd(g, blocks) != 1:
        g += 1
    return g


ORDERS = Choices(
    "order",
    [
        Order(
            name="interleaved",
            label="Interleaved",
            help="The weights of a block lie far apart, so that every block keeps about as many.",
            cost="n_out memory banks that share one address",
            spread=True,
            step=stride,
        ),
        Order(
            name="row",
            label="Row (the paper's)",
            help="A block is n_out neighbours in C order.",
            cost="clusters of kept weights fill some blocks and leave others empty",
            spread=False,
            step=lambda blocks: 1,
        ),
    ],
)
"""The known block orders."""


def weight_index(
    size: int, n_out: int, order: str, start: int = 0, stop: int | None = None
) -> NDArray[np.int64]:
    """Return which weight each bit of blocks start…stop−1 belongs to.

    Returns
    -------
    ndarray of int64, shape (stop − start, n_out)
        Flat index in C order; −1 for padding.
    """
    stop = block_count(size, n_out) if stop is None else stop
    return weights_of(np.arange(start, stop, dtype=np.int64), size, n_out, order)


def weights_of(chosen: NDArray[np.int64], size: int, n_out: int, order: str) -> NDArray[np.int64]:
    """Return `weight_index` of some blocks, shape (chosen, n_out)."""
    entry, blocks = ORDERS.pick(order), block_count(size, n_out)
    group = (chosen * entry.step(blocks) % max(blocks, 1))[:, None]
    bit = np.arange(n_out, dtype=np.int64)
    index = group + bit * blocks if entry.spread else group * n_out + bit
    return np.where(index < size, index, -1)


def positions_of(
    weights: NDArray[np.int64], size: int, n_out: int, order: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Invert `weight_index`: return the block t and the bit i of each weight."""
    entry, blocks = ORDERS.pick(order), block_count(size, n_out)
    group, bit = (
        (weights % blocks, weights // blocks)
        if entry.spread
        else (weights // n_out, weights % n_out)
    )
    return group * pow(entry.step(blocks), -1, blocks) % blocks, bit


def _groups(flat: NDArray[Any], n_out: int, entry: Order) -> NDArray[Any]:
    """View a flat array as groups, shape (l, n_out), padded with zeros."""
    blocks = block_count(flat.size, n_out)
    if flat.size < blocks * n_out:
        flat = np.concatenate([flat, np.zeros(blocks * n_out - flat.size, flat.dtype)])
    return flat.reshape(n_out, blocks).T if entry.spread else flat.reshape(blocks, n_out)


def block_sums(flat: NDArray[Any], n_out: int, order: str) -> NDArray[np.int64]:
    """Return the sum of every block of `to_blocks`, shape (l,), without moving a weight."""
    entry = ORDERS.pick(order)
    groups = _groups(flat, n_out, entry)
    sums: NDArray[np.int64] = groups.sum(axis=1, dtype=np.int64)
    return sums[entry.address(len(groups))]


def to_blocks(
    flat: NDArray[Any], n_out: int, order: str, chosen: NDArray[np.int64] | None = None
) -> NDArray[Any]:
    """Cut a flat array into blocks.

    Parameters
    ----------
    flat : ndarray, shape (size,)
    n_out : int
        Bits (weights) of a block.
    order : str
        A name of `ORDERS`.
    chosen : ndarray of int64, optional
        Only these blocks.

    Returns
    -------
    ndarray, shape (l, n_out) or (len(chosen), n_out)
        Padding is zero (False: a don't-care, for a mask).
    """
    entry = ORDERS.pick(order)
    groups = _groups(flat, n_out, entry)
    address = entry.address(len(groups))
    return np.ascontiguousarray(groups[address if chosen is None else address[chosen]])


def from_blocks(blocked: NDArray[Any], size: int, order: str) -> NDArray[Any]:
    """Invert `to_blocks`: put every block's weights back, drop the padding.

    Parameters
    ----------
    blocked : ndarray, shape (l, n_out)
    size : int
        Weights of the layer.
    order : str
        A name of `ORDERS`.

    Returns
    -------
    ndarray, shape (size,)
    """
    entry = ORDERS.pick(order)
    groups = np.empty_like(blocked)
    groups[entry.address(len(blocked))] = blocked
    return np.ascontiguousarray(groups.T if entry.spread else groups).reshape(-1)[:size]
