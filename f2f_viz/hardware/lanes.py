"""Lanes side by side: what irregular rows, a bitmask and fixed-to-fixed blocks make of them.

Every function takes the work of a layer and gives a `Schedule`: which lane does which piece, and
when. A lane of CSR takes a cycle per kept weight of a row; a lane of F2F takes a cycle per block,
and one more for each further correction of it.
"""

from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError

__all__ = ["Schedule", "bitmask", "csr_dealt", "csr_free", "csr_lockstep", "f2f_blocks"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Who does what, when.

    Attributes
    ----------
    lanes : int
    lane, start, stop : ndarray of int64, shape (pieces,)
        Of each piece of work, in the layer's order: its lane, and its cycles start … stop − 1.
    ideal : float
        Cycles in which the same lanes would do it all if none ever waited.
    """

    lanes: int
    lane: Counts
    start: Counts
    stop: Counts
    ideal: float

    @property
    def cycles(self) -> int:
        """Clock cycles until the last lane is done."""
        return int(self.stop.max(initial=0))

    @property
    def share(self) -> float:
        """Ideal cycles over those it takes; 1 where there is nothing to do."""
        return self.ideal / self.cycles if self.cycles else 1.0


def csr_lockstep(rows: Counts, lanes: int) -> Schedule:
    """Give each lane a row; all wait for the longest before they take the next.

    Parameters
    ----------
    rows : ndarray of int, shape (rows,)
        Kept weights of each row.
    lanes : int
    """
    rows = _checked(rows, lanes)
    turn = np.arange(rows.size) // lanes
    longest = np.zeros(-(-rows.size // lanes), np.int64)
    np.maximum.at(longest, turn, rows)
    start = (np.cumsum(longest) - longest)[turn]
    return Schedule(lanes, np.arange(rows.size) % lanes, start, start + rows, rows.sum() / lanes)


def csr_dealt(rows: Counts, lanes: int) -> Schedule:
    """Deal the rows out beforehand: lane j does rows j, j + lanes, …; parameters as above."""
    rows = _checked(rows, lanes)
    padded = np.zeros(-(-rows.size // lanes) * lanes, np.int64)
    padded[: rows.size] = rows
    stop = np.cumsum(padded.reshape(-1, lanes), axis=0).reshape(-1)[: rows.size]
    return Schedule(lanes, np.arange(rows.size) % lanes, stop - rows, stop, rows.sum() / lanes)


def csr_free(rows: Counts, lanes: int) -> Schedule:
    """Give the next row to the lane that falls free first; parameters as above."""
    rows = _checked(rows, lanes)
    free = [(0, lane) for lane in range(lanes)]
    heapify(free)
    lane, start = np.empty(rows.size, np.int64), np.empty(rows.size, np.int64)
    for i, work in enumerate(rows.tolist()):
        start[i], lane[i] = free[0]
        heapreplace(free, (free[0][0] + work, free[0][1]))
    return Schedule(lanes, lane, start, start + rows, rows.sum() / lanes)


def bitmask(care: Counts, lanes: int, *, width: int = 8, buffer: int = 16) -> Schedule:
    """Expand a bitmask and packed weights: `lanes` blocks are given out together.

    A unit reads width · lanes weights per cycle and runs at most `buffer` such groups ahead; a
    group leaves, one per cycle at best, when its last weight is there.

    Parameters
    ----------
    care : ndarray of int, shape (blocks,)
        Kept weights of each block, n_u.
    lanes : int
    width : int
        Weights that are read for each lane in a cycle.
    buffer : int
        Groups of blocks that are read ahead.
    """
    care = _checked(care, lanes)
    if width < 1 or buffer < 1:
        raise F2FError("a bitmask's reader", expected="width, buffer >= 1", got=(width, buffer))
    group = np.arange(care.size) // lanes
    weights = np.bincount(group, weights=care).astype(np.int64)
    out = np.zeros(weights.size, np.int64)  # the cycle at whose end each group leaves
    read, now, each = 0, 0, width * lanes  # weights that could have been read by then
    for g, own in enumerate(weights.tolist()):
        read = max(read, int(out[g - buffer]) * each if g >= buffer else 0) + own
        now = max(now + 1, -(-read // each))
        out[g] = now
    ideal = max(care.sum() / each, weights.size) if care.size else 0.0
    return Schedule(lanes, np.arange(care.size) % lanes, out[group] - 1, out[group], float(ideal))


def f2f_blocks(corrections: Counts, lanes: int, *, flips: int = 1) -> Schedule:
    """Decode blocks of fixed size: each lane has a run of them, and makes its own corrections.

    Parameters
    ----------
    corrections : ndarray of int, shape (blocks,)
        Corrections of each block, of all planes one after another.
    lanes : int
    flips : int
        Corrections that a lane makes in a cycle.
    """
    corrections = _checked(corrections, lanes)
    if flips < 1:
        raise F2FError("flips per cycle", expected=">= 1", got=flips)
    work = np.maximum(-(-corrections // flips), 1)
    lane = np.arange(work.size) * lanes // max(work.size, 1)
    done = np.cumsum(work)
    before = np.concatenate([[0], done])[np.searchsorted(lane, np.arange(lanes))]
    stop = done - before[lane]
    return Schedule(lanes, lane, stop - work, stop, work.size / lanes)


def _checked(work: Counts, lanes: int) -> Counts:
    found = np.asarray(work)
    if lanes < 1 or found.ndim != 1 or found.dtype.kind not in "ui" or (found < 0).any():
        raise F2FError(
            "work of lanes", expected="lanes >= 1, counts >= 0 of shape (pieces,)",
            got=f"{lanes} lanes, {found.dtype} of shape {found.shape}",
        )  # fmt: skip
    return found.astype(np.int64)
