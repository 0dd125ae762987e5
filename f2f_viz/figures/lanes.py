"""Lanes side by side, on the layer's own mask: rows of CSR, a bitmask, and blocks of fixed size.

Kwon et al. and Park et al. compare irregular rows with dense products; here every scheme is held
against its own ideal, the cycles it would take if no lane ever waited.
"""

import threading
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.errors import stop_if
from f2f_viz.figures.front_end import STATIC, Widget, script, sheet
from f2f_viz.figures.mask import mask_matrix
from f2f_viz.hardware.lanes import (
    Schedule,
    bitmask,
    csr_dealt,
    csr_free,
    csr_lockstep,
    f2f_blocks,
)

__all__ = [
    "BUFFER",
    "COUNTS",
    "MOST_BLOCKS",
    "MOST_LANES",
    "MOST_ROWS",
    "SCHEMES",
    "LanesView",
    "lanes_data",
    "lanes_table",
    "schedules",
]

MOST_LANES = 256
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Numbers of lanes that are compared."""
BUFFER = 16
"""Groups of blocks that a bitmask's reader runs ahead."""
MOST_ROWS, MOST_BLOCKS = 1 << 15, 1 << 17
"""Of larger layers the first rows are taken, and the first blocks of every plane."""

SCHEMES = (
    "CSR, lanes in lockstep",
    "CSR, rows dealt out beforehand",
    "CSR, rows taken as lanes fall free",
    "Bitmask with a buffer",
    "F2F, blocks and corrector",
)
"""As `schedules` returns them; ``static/lanes.js`` draws the same."""


def lanes_data(analysis: Analysis, cancel: threading.Event | None = None) -> dict[str, Any]:
    """Return the work that lanes share out.

    Parameters
    ----------
    analysis : Analysis
        An exact one.
    cancel : threading.Event, optional

    Returns
    -------
    dict
        rows : int32, shape (rows,), kept weights of each row; care : int32, shape (blocks,), n_u;
        planes, those with symbols; corrections : uint16, shape (planes · blocks,), plane after
        plane; width, bits that a lane of bitmask or F2F reads in a cycle, n_in; buffer; note, what
        of a large layer is taken, in words.

    Raises
    ------
    Cancelled
        If `cancel` was set.
    """
    encoded = analysis.encoded
    assert encoded is not None
    rows = np.count_nonzero(mask_matrix(analysis.mask), axis=1) if analysis.mask.size else []
    coded = [plane for plane in encoded.planes if not plane.zero_rate] if analysis.blocks else []
    blocks = min(analysis.blocks, MOST_BLOCKS // max(len(coded), 1))
    wrong = [np.zeros(0, np.int64)]
    for plane in coded:
        stop_if(cancel)
        block = encoded.positions(plane) // analysis.n_out
        wrong.append(np.bincount(block[block < blocks], minlength=blocks))
    taken = []
    if len(rows) > MOST_ROWS:
        taken.append(f"the first {MOST_ROWS:,} of {len(rows):,} rows")
    if coded and blocks < analysis.blocks:
        taken.append(f"the first {blocks:,} of {analysis.blocks:,} blocks of each plane")
    return {
        "rows": np.asarray(rows[:MOST_ROWS], np.int32),
        "care": np.asarray(analysis.n_u[:blocks], np.int32),
        "planes": len(coded),
        "corrections": np.concatenate(wrong).astype(np.uint16),
        "width": analysis.network.n_in,
        "buffer": BUFFER,
        "note": f"Shown: {' and '.join(taken)}." if taken else "",
    }


def schedules(data: dict[str, Any], lanes: int) -> list[Schedule]:
    """Return who does what when, in the order of `SCHEMES`; `data` is `lanes_data`'s."""
    rows: NDArray[Any] = data["rows"]
    care = np.tile(data["care"], data["planes"])
    return [
        csr_lockstep(rows, lanes),
        csr_dealt(rows, lanes),
        csr_free(rows, lanes),
        bitmask(care, lanes, width=data["width"], buffer=data["buffer"]),
        f2f_blocks(data["corrections"], lanes),
    ]


def lanes_table(data: dict[str, Any], lanes: int) -> dict[str, list[Any]]:
    """Return cycles and shares of the ideal of all schemes, as columns, for `COUNTS` and `lanes`.

    Returns
    -------
    dict of lists
        scheme; lanes; cycles, until the last lane is done; ideal, if none ever waited; share,
        of the ideal that is reached.
    """
    table: dict[str, list[Any]] = {n: [] for n in ("scheme", "lanes", "cycles", "ideal", "share")}
    for count in sorted({*COUNTS, lanes}):
        for name, found in zip(SCHEMES, schedules(data, count), strict=True):
            row = (name, count, found.cycles, float(found.ideal), float(found.share))
            for column, own in zip(table.values(), row, strict=True):
                column.append(own)
    return table


class LanesWidget(Widget):
    """Lanes over cycles, to step and to play; see ``static/lanes.js``."""

    _esm = script(STATIC / "player.js", STATIC / "lanes.js")
    _css = sheet(STATIC / "decoder.css", STATIC / "lanes.css")

    work = traitlets.Dict().tag(sync=True)
    lanes = traitlets.Int(16).tag(sync=True)
    """From 1 to 256; may be set and observed."""
    clock: Any = traitlets.Int(None, allow_none=True).tag(sync=True)
    """The cycle shown; None where the view puts it."""


class LanesView:
    """Lanes on the work of an exact analysis.

    Attributes
    ----------
    root : LanesWidget
    """

    def __init__(self) -> None:
        self.root = LanesWidget()

    def update(self, analysis: Analysis) -> None:
        """Show another analysis; a preview leaves the last one standing."""
        if analysis.encoded is not None:
            self.show(lanes_data(analysis))

    def wait(self) -> None:
        """Show that what stands is of another analysis."""
        self.root.work = {}

    def show(self, data: dict[str, Any]) -> None:
        """Show what `lanes_data` returned."""
        arrays = {name: data[name].tobytes() for name in ("rows", "care", "corrections")}
        self.root.work = {**data, **arrays}
