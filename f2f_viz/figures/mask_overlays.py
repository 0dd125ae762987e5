"""What lies over the mask's heatmap and beside it: block edges, densities of rows and columns."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "edges_in_view", "profiles", "run_edges"]

MOST_RUNS = 64
"""Runs in view at most; the edges of more would hide what they are to explain."""
Window = tuple[int, int, int, int]
"""First row, row past the last, first column, column past the last."""
Lines = dict[str, NDArray[np.int64]]


def run_edges(
    starts: NDArray[np.int64], width: int, window: Window
) -> dict[str, NDArray[np.int64]]:
    """Return the lines that part runs of weights laid along the rows of a matrix.

    A run begins at flat index ``starts[i]`` in C order and ends where the next begins, rows below
    on the left, so that long runs are parted by a staircase: above it to the right of the start,
    below it to the left.

    Parameters
    ----------
    starts : ndarray of int64, shape (k,), increasing
    width : int
        Columns of the matrix.
    window : Window
        Lines are cut to it.

    Returns
    -------
    dict
        x0, y0, x1, y1 : ndarray of int64, shape (edges,), in columns and rows; no line twice.
    """
    top, bottom, left, right = window
    row, column = np.divmod(starts, width)
    zero = np.zeros_like(row)
    upright = np.stack([column, row, column, row + 1])[:, column > 0]
    if starts.size > 1 and int(np.diff(starts).max()) <= width:
        # every weight and the one below are of two runs
        y = np.arange(row.min(), row.max() + 2)
        level = np.stack([np.zeros_like(y), y, np.full_like(y, width), y])
    else:
        above = np.stack([column, row, np.full_like(row, width), row])
        below = np.stack([zero, row + 1, column, row + 1])[:, column > 0]
        level = np.concatenate([above, below], axis=1)
    x0, y0, x1, y1 = np.concatenate([upright, level], axis=1)
    x0, x1 = x0.clip(left, right), x1.clip(left, right)
    y0, y1 = y0.clip(top, bottom), y1.clip(top, bottom)
    inner = ((x0 == x1) & (y0 < y1) & (x0 > left) & (x0 < right)) | (
        (y0 == y1) & (x0 < x1) & (y0 > top) & (y0 < bottom)
    )
    return {"x0": x0[inner], "y0": y0[inner], "x1": x1[inner], "y1": y1[inner]}


def edges_in_view(run: int, size: int, width: int, window: Window) -> Lines:
    """Return the edges of all runs of `run` weights that a window shows, if they are not too many.

    Parameters
    ----------
    run : int
        n_out for blocks in row order; the number of blocks for the banks of interleaved order.
    size : int
        Weights.
    width : int
        Columns of the matrix.
    window : Window

    Returns
    -------
    dict
        As `run_edges`; empty where more than `MOST_RUNS` runs are in view.
    """
    top, bottom, left, right = window
    none = dict.fromkeys(("x0", "y0", "x1", "y1"), np.zeros(0, np.int64))
    if not run:  # no weights, no blocks
        return none
    runs = (bottom - top) * max((right - left) / run, min(1, width / run))
    first, last = top * width // run, min(-(-bottom * width // run), -(-size // run))
    if runs > MOST_RUNS or last <= first:
        return none
    return run_edges(np.arange(first, last + 1) * run, width, window)


def profiles(
    matrix: NDArray[np.bool_], row_edges: NDArray[np.int64], column_edges: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share kept of whole rows and whole columns, averaged over the cells' rows.

    Parameters
    ----------
    matrix : ndarray of bool, shape (rows, columns)
    row_edges, column_edges : ndarray of int64
        Where cells begin and the last ends (`mask.mask_data`).

    Returns
    -------
    rows, columns : ndarray of float64, shape (cells,)
    """
    found = []
    for axis, edges in ((1, row_edges), (0, column_edges)):
        kept = np.count_nonzero(matrix, axis=axis)[edges[0] : edges[-1]]
        sums = np.add.reduceat(kept, edges[:-1] - edges[0])
        found.append(sums / (np.diff(edges) * matrix.shape[axis]))
    return found[0], found[1]
