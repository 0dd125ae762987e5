"""Block orders: which weight is bit i of block t.

Weights are flattened in C order and padded at the end with don't-cares to l·n_out. They are cut
into l groups of n_out weights, either neighbours or every l-th one, and a counter that steps by
some g coprime to l says which group is block t:

* ``row`` (the paper's): bit i of block t is weight t·n_out + i.
* ``interleaved``: bit i of block t is weight i·l + (t·g mod l): n_out memory banks that all read
  one address, which a counter steps by g. It makes n_u, the care bits of a block, nearly
  binomial whatever the layer's structure, if l does not meet the layer's own periods
  (`spread_blocks`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import gcd, prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec import _select
from f2f_viz.codec.instruction_set import instruction_set
from f2f_viz.codec.parallel import in_pieces

__all__ = [
    "MAX_N_OUT",
    "ORDERS",
    "Layout",
    "Order",
    "default_n_out",
    "evenness",
    "fewest_blocks",
    "spread_blocks",
    "stride",
]

MAX_N_OUT = 4096
"""Largest block, in bits; reached only where next to nothing is kept."""
_EVEN = 200  # `evenness` that is enough; few l have 300
_MORE, _TRIED = 4096, 64  # blocks more than needed at most, and tried at a time
PIECE = 1 << 14  # fewest blocks that are worth a thread


@dataclass(frozen=True, kw_only=True)
class Order(Choice):
    """A block order.

    Attributes
    ----------
    spread : bool
        A group is every l-th weight (bit i is i·l + address), not n_out neighbours
        (address·n_out + i).
    blocks : callable
        ``blocks(shape, n_out)`` gives l, at least ⌈size / n_out⌉.
    step : callable
        ``step(l)`` gives g, coprime to l: the address of block t, its group, is t·g mod l.
    """

    spread: bool
    blocks: Callable[[tuple[int, ...], int], int]
    step: Callable[[int], int]


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


def fewest_blocks(shape: tuple[int, ...], n_out: int) -> int:
    """Return how many blocks hold the weights of a layer: ⌈size / n_out⌉."""
    return -(-prod(shape) // n_out)


def evenness(blocks: NDArray[np.int64], period: int, n_out: int) -> NDArray[np.int64]:
    """Say how evenly i·l mod period, 0 ≤ i < n_out, falls on a circle of this length.

    It is the least of ⌊1000·k·d / period⌋ over 0 < k < min(n_out, period), d being how far k·l is
    from the next multiple of the period. Weights k places apart in a block then stand d apart on
    the circle: a steep lattice, as of the golden section (447), has neither crowds nor gaps
    (Niederreiter, *Random Number Generation and Quasi-Monte Carlo Methods*, 1992, section 5.1).

    Parameters
    ----------
    blocks : ndarray of int64, shape (candidates,)
        The l to try.
    period, n_out : int

    Returns
    -------
    ndarray of int64, shape (candidates,)
        0 to 500; 1000 where a block has one weight, or the period is 1.
    """
    k = np.arange(1, min(n_out, period), dtype=np.int64)
    if not k.size:
        return np.full(blocks.size, 1000)
    at = blocks[:, None] % period * k % period
    near: NDArray[np.int64] = np.minimum(at, period - at) * k * 1000 // period
    return near.min(axis=1)


@lru_cache(maxsize=256)
def spread_blocks(shape: tuple[int, ...], n_out: int) -> int:
    """Return l of the interleaved order: near ⌈size / n_out⌉, and away from the layer's periods.

    What weights i·l + a have in common is where they stand in a row, a kernel, a channel: i·l + a
    modulo the products of the last dimensions. The first l whose `evenness` is 200 for all of these
    is taken, of at most 2 % and 4096 blocks more than needed; if none has it, the evenest.
    """
    fewest = fewest_blocks(shape, n_out)
    periods = set(accumulate(reversed(shape[1:]), mul)) if fewest else set()
    last = fewest + min(fewest // 50, _MORE)
    best, most = fewest, -1
    for start in range(fewest, last + 1, _TRIED):
        blocks = np.arange(start, min(start + _TRIED, last + 1), dtype=np.int64)
        even = np.full(blocks.size, 1000)
        for period in periods:
            even = np.minimum(even, evenness(blocks, period, n_out))
        good = np.flatnonzero(even >= _EVEN)
        if good.size:
            return int(blocks[good[0]])
        if even.max() > most:
            best, most = int(blocks[even.argmax()]), int(even.max())
    return best


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
            wire=0,
            label="Interleaved",
            help="The weights of a block lie far apart, so that every block keeps about as many.",
            cost="n_out memory banks that share one address",
            spread=True,
            blocks=spread_blocks,
            step=stride,
        ),
        Order(
            name="row",
            wire=1,
            label="Row",
            help="A block is n_out neighbours in C order: the paper's.",
            cost="clusters of kept weights fill some blocks and leave others empty",
            spread=False,
            blocks=fewest_blocks,
            step=lambda blocks: 1,
        ),
    ],
)
"""The known block orders."""


@dataclass(frozen=True)
class Layout:
    """How the weights of a layer fall on blocks.

    Attributes
    ----------
    shape : tuple of int
        Of the layer.
    n_out : int
        Bits (weights) of a block.
    order : str
        A name of `ORDERS`.
    """

    shape: tuple[int, ...]
    n_out: int
    order: str

    @cached_property
    def entry(self) -> Order:
        """The block order."""
        return ORDERS.pick(self.order)

    @cached_property
    def size(self) -> int:
        """Weights of the layer."""
        return prod(self.shape)

    @cached_property
    def blocks(self) -> int:
        """Blocks of a plane, l."""
        return self.entry.blocks(self.shape, self.n_out)

    @cached_property
    def step(self) -> int:
        """What the address grows by from a block to the next, modulo l: g."""
        return self.entry.step(self.blocks)

    @cached_property
    def step_back(self) -> int:
        """What the block grows by from an address to the next, modulo l: g⁻¹."""
        return pow(self.step, -1, self.blocks) if self.blocks else 0

    def address(self, chosen: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the group of each chosen block, of all in order if none are given."""
        blocks = np.arange(self.blocks, dtype=np.int64) if chosen is None else chosen
        if self.step == 1:
            return blocks
        at = blocks * self.step
        return at - at // self.blocks * self.blocks  # NumPy's % takes five times as long

    def weights(self, chosen: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return which weight each bit of the chosen blocks belongs to, shape (chosen, n_out).

        Flat indices in C order; −1 for padding.
        """
        index = self._index(self.address(chosen)[:, None], np.arange(self.n_out, dtype=np.int64))
        return np.where(index < self.size, index, -1)

    def flagged(
        self, flags: NDArray[np.bool_], chosen: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Return `weights` of the bits of the chosen blocks that have a flag, block after block.

        Parameters
        ----------
        flags : ndarray of bool, shape (chosen, n_out)
            False where there is padding.
        chosen : ndarray of int64, optional
        """
        at = np.flatnonzero(flags)
        block = at // self.n_out  # NumPy finds both axes at once in four times the time
        return self._index(self.address(chosen)[block], at - block * self.n_out)

    def _index(self, group: NDArray[np.int64], bit: NDArray[np.int64]) -> NDArray[np.int64]:
        return group + bit * self.blocks if self.entry.spread else group * self.n_out + bit

    def positions(self, weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Invert `weights`: return the block t and the bit i of flat indices."""
        group, bit = (
            (weights % self.blocks, weights // self.blocks)
            if self.entry.spread
            else (weights // self.n_out, weights % self.n_out)
        )
        return group * self.step_back % self.blocks, bit

    def gather(self, flat: NDArray[Any], chosen: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Take the weights of blocks; nothing else is looked at.

        Parameters
        ----------
        flat : ndarray, shape (size,)
        chosen : ndarray of int64, optional
            Which blocks; all if not given.

        Returns
        -------
        ndarray, shape (chosen, n_out)
            Padding is zero (False: a don't-care, for a mask).
        """
        address = self.address(chosen)
        out = np.zeros((address.size, self.n_out), flat.dtype)
        first, apart = (address, self.blocks) if self.entry.spread else (address * self.n_out, 1)
        for i in range(self.n_out):
            at = first + i * apart
            if self.entry.spread and (i + 1) * apart <= self.size:
                out[:, i] = flat[at]
            else:
                inside = at < self.size
                out[inside, i] = flat[at[inside]]
        return out

    def sums(self, flags: NDArray[np.bool_], threads: int | None = None) -> NDArray[np.int64]:
        """Count the flags of every block, shape (l,): n_u of a mask of shape (size,)."""
        isa, own = instruction_set(), np.zeros(self.blocks, np.uint16)
        octets = np.ascontiguousarray(flags).view(np.uint8)

        def count(start: int, stop: int) -> None:
            if self.entry.spread:
                _select.sums_apart(octets, self.blocks, start, stop, own, isa)
            else:
                _select.sums_near(octets, self.n_out, start, stop, own, isa)

        in_pieces(count, self.blocks, PIECE, threads)
        return own[self.address()].astype(np.int64) if self.step > 1 else own.astype(np.int64)

    def starts(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the flags before every block, and all: shape (l + 1,)."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sums(flags))])
