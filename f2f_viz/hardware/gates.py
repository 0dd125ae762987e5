"""The XOR gates of a decoder, before and after outputs share them.

Each output bit is the XOR of some register bits. Two outputs that both hold a ⊕ b need that gate
once. Which gates to share so that the fewest remain is NP-hard; Paar's greedy rule (C. Paar,
"Optimized arithmetic for Reed–Solomon encoders", ISIT 1997) makes, time and again, the gate that
most outputs can use, and comes close.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.network import XorNetwork

__all__ = ["Circuit", "Gates", "gates", "share"]


@dataclass(frozen=True)
class Gates:
    """What a decoder's XOR network takes.

    Attributes
    ----------
    naive : int
        Two-input XOR gates, none shared between outputs: Σ (ones in a row of M − 1).
    shared : int
        Two-input XOR gates after Paar's sharing.
    depth, shared_depth : int
        Gates on the longest way from a register bit to an output: of balanced trees none of which
        is shared, ⌈log2 of the most ones in a row⌉, and after sharing.
    flip_flops : int
        Bits of the history x_{t−1}, …, x_{t−n_s}: n_in · n_s.
    """

    naive: int
    shared: int
    depth: int
    shared_depth: int
    flip_flops: int


@dataclass(frozen=True)
class Circuit:
    """A network of two-input XOR gates.

    Signals 0 … inputs − 1 are the columns of M; signal inputs + g is the output of gate g.

    Attributes
    ----------
    inputs : int
        Columns of M.
    pairs : tuple of (int, int)
        The two signals that each gate adds; both come before the gate's own.
    outputs : tuple of (int or None)
        The signal of each row of M; None where the row is zero.
    """

    inputs: int
    pairs: tuple[tuple[int, int], ...]
    outputs: tuple[int | None, ...]

    @property
    def levels(self) -> list[int]:
        """Gates on the longest way from an input to each signal."""
        level = [0] * self.inputs
        for a, b in self.pairs:
            level.append(max(level[a], level[b]) + 1)
        return level

    @property
    def depth(self) -> int:
        """Gates on the longest way from an input to an output."""
        level = self.levels
        return max((level[signal] for signal in self.outputs if signal is not None), default=0)

    def cone(self, output: int) -> list[int]:
        """Return the gates that an output needs, in the order of their signals.

        Parameters
        ----------
        output : int
            A row of M.

        Returns
        -------
        list of int
            Signals, each at least `inputs`.
        """
        needed: set[int] = set()
        ahead = [self.outputs[output]]
        while ahead:
            signal = ahead.pop()
            if signal is not None and signal >= self.inputs and signal not in needed:
                needed.add(signal)
                ahead += self.pairs[signal - self.inputs]
        return sorted(needed)

    @cached_property
    def serves(self) -> dict[int, int]:
        """How many outputs need each gate, by its signal."""
        counts: dict[int, int] = {}
        for output in range(len(self.outputs)):
            for gate in self.cone(output):
                counts[gate] = counts.get(gate, 0) + 1
        return counts

    def matrix(self) -> NDArray[np.uint8]:
        """Return the matrix that the gates compute, shape (rows, inputs): M, if all is well."""
        holds = [1 << column for column in range(self.inputs)]
        for a, b in self.pairs:
            holds.append(holds[a] ^ holds[b])
        rows = [0 if signal is None else holds[signal] for signal in self.outputs]
        return np.array([[row >> c & 1 for c in range(self.inputs)] for row in rows], np.uint8)


@lru_cache(maxsize=32)
def share(network: XorNetwork) -> Circuit:
    """Share gates between the outputs of a decoder, by Paar's greedy rule.

    Among pairs that equally many outputs can use, the one of least depth goes first, then the one
    of the earliest signals: the same network always gives the same circuit.

    Parameters
    ----------
    network : XorNetwork

    Returns
    -------
    Circuit
        Checked to compute M.
    """
    inputs = network.matrix.shape[1]
    # bit r of users[s]: row r still adds signal s
    users = [sum(1 << int(r) for r in np.flatnonzero(column)) for column in network.matrix.T]
    level = [0] * inputs
    pairs: list[tuple[int, int]] = []
    # counts only fall: one that is found too high goes back as what it is now
    waiting: list[tuple[int, int, int, int]] = []

    def offer(a: int, b: int, least: int = 2) -> None:
        count = (users[a] & users[b]).bit_count()
        if count >= least:
            heappush(waiting, (-count, max(level[a], level[b]), a, b))

    for b in range(inputs):
        for a in range(b):
            offer(a, b)
    while waiting:
        negated, _, a, b = heappop(waiting)
        both = users[a] & users[b]
        if both.bit_count() != -negated:
            offer(a, b)
            continue
        users[a] ^= both
        users[b] ^= both
        users.append(both)
        pairs.append((a, b))
        level.append(max(level[a], level[b]) + 1)
        for other in range(len(users) - 1):
            offer(other, len(users) - 1)

    outputs: list[int | None] = []
    for row in range(network.n_out):  # no two rows have two signals left in common
        rest = [(level[s], s) for s, own in enumerate(users) if own >> row & 1]
        heapify(rest)
        while len(rest) > 1:  # the two shallowest first, so that the tree is as flat as can be
            (_, a), (_, b) = heappop(rest), heappop(rest)
            pairs.append((a, b))
            level.append(max(level[a], level[b]) + 1)
            heappush(rest, (level[-1], len(level) - 1))
        outputs.append(rest[0][1] if rest else None)
    circuit = Circuit(inputs, tuple(pairs), tuple(outputs))
    assert np.array_equal(circuit.matrix(), network.matrix)
    return circuit


@checked
def gates(network: XorNetwork) -> Gates:
    """Count the gates of a decoder.

    Parameters
    ----------
    network : XorNetwork

    Returns
    -------
    Gates

    Examples
    --------
    y0 = a ⊕ b and y1 = a ⊕ b ⊕ c: three gates, or two that share a ⊕ b.

    >>> gates(XorNetwork([[1, 1, 0], [1, 1, 1]], n_in=3))
    Gates(naive=3, shared=2, depth=2, shared_depth=2, flip_flops=0)
    """
    ones = network.matrix.sum(axis=1, dtype=np.int64)
    circuit = share(network)
    return Gates(
        naive=int(np.maximum(ones - 1, 0).sum()),
        shared=len(circuit.pairs),
        depth=max(int(ones.max()) - 1, 0).bit_length(),
        shared_depth=circuit.depth,
        flip_flops=network.n_in * network.n_s,
    )
