"""Block orders: which weight is bit i of block t.

Weights are flattened in C order and padded at the end with don't-cares to l·n_out.

* ``row`` (the paper's): bit i of block t is weight t·n_out + i.
* ``interleaved``: bit i of block t is weight i·l + (t·g mod l): n_out memory banks that all read
  one address, which a counter steps by g. It makes n_u, the care bits of a block, nearly
  binomial whatever the layer's structure.
"""

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError

__all__ = [
    "MAX_N_OUT",
    "ORDERS",
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

ORDERS = ("interleaved", "row")
MAX_N_OUT = 4096
"""Largest block, in bits; reached only where next to nothing is kept."""


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


def _addresses(blocks: int) -> NDArray[np.int64]:
    """Bank address t·g mod l of each block t."""
    return np.arange(blocks, dtype=np.int64) * stride(blocks) % max(blocks, 1)


def _check_order(order: str) -> None:
    if order not in ORDERS:
        raise F2FError(
            "unknown block order", expected=f"one of {', '.join(ORDERS)}", got=repr(order)
        )


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
    _check_order(order)
    blocks = block_count(size, n_out)
    t = chosen[:, None]
    i = np.arange(n_out, dtype=np.int64)[None, :]
    index = t * n_out + i if order == "row" else i * blocks + t * stride(blocks) % max(blocks, 1)
    return np.where(index < size, index, -1)


def positions_of(
    weights: NDArray[np.int64], size: int, n_out: int, order: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Invert `weight_index`: return the block t and the bit i of each weight."""
    _check_order(order)
    if order == "row":
        return weights // n_out, weights % n_out
    blocks = block_count(size, n_out)
    back = pow(stride(blocks), -1, blocks) if blocks > 1 else 0
    return weights % blocks * back % blocks, weights // blocks


def _padded(flat: NDArray[Any], n_out: int, order: str) -> tuple[NDArray[Any], int]:
    _check_order(order)
    blocks = block_count(flat.size, n_out)
    if flat.size < blocks * n_out:
        flat = np.concatenate([flat, np.zeros(blocks * n_out - flat.size, flat.dtype)])
    return flat, blocks


def block_sums(flat: NDArray[Any], n_out: int, order: str) -> NDArray[np.int64]:
    """Return the sum of every block of `to_blocks`, shape (l,), without moving a weight."""
    flat, blocks = _padded(flat, n_out, order)
    if order == "row":
        return flat.reshape(blocks, n_out).sum(axis=1, dtype=np.int64)
    sums: NDArray[np.int64] = flat.reshape(n_out, blocks).sum(axis=0, dtype=np.int64)
    return sums[_addresses(blocks)]


def to_blocks(
    flat: NDArray[Any], n_out: int, order: str, chosen: NDArray[np.int64] | None = None
) -> NDArray[Any]:
    """Cut a flat array into blocks.

    Parameters
    ----------
    flat : ndarray, shape (size,)
    n_out : int
        Bits (weights) of a block.
    order : {"interleaved", "row"}
    chosen : ndarray of int64, optional
        Only these blocks.

    Returns
    -------
    ndarray, shape (l, n_out) or (len(chosen), n_out)
        Padding is zero (False: a don't-care, for a mask).
    """
    flat, blocks = _padded(flat, n_out, order)
    if order == "row":
        rows = flat.reshape(blocks, n_out)
        return rows if chosen is None else rows[chosen]
    address = _addresses(blocks)
    if chosen is not None:
        address = address[chosen]
    return np.ascontiguousarray(flat.reshape(n_out, blocks).T[address])


def from_blocks(blocked: NDArray[Any], size: int, order: str) -> NDArray[Any]:
    """Invert `to_blocks`: put every block's weights back, drop the padding.

    Parameters
    ----------
    blocked : ndarray, shape (l, n_out)
    size : int
        Weights of the layer.

    Returns
    -------
    ndarray, shape (size,)
    """
    _check_order(order)
    if order == "row":
        return blocked.reshape(-1)[:size]
    blocks, n_out = blocked.shape
    banks = np.empty((blocks, n_out), blocked.dtype)
    banks[_addresses(blocks)] = blocked
    return np.ascontiguousarray(banks.T).reshape(-1)[:size]
