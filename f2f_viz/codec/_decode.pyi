from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW: int
MOST_PLANES: int

def best_level() -> int: ...

class Layer:
    def __init__(
        self,
        size: int,
        blocks: int,
        n_out: int,
        tile_blocks: int,
        step: int,
        back: int,
        itemsize: int,
        n_in: int,
        matrix: NDArray[np.uint8],
        symbols: Sequence[NDArray[np.uint16] | None],
        corrections: Sequence[NDArray[np.uint32]],
        invert: int,
        values: NDArray[np.uint16] | None,
        shift: int,
        width: int,
    ) -> None: ...
    def rows(
        self,
        mask: NDArray[np.uint8],
        first: int,
        last: int,
        out: NDArray[np.uint64],
        level: int,
    ) -> None: ...
    def starts(self, rows: NDArray[np.uint64], out: NDArray[np.int64], level: int) -> None: ...
    def words(
        self,
        rows: NDArray[np.uint64],
        start: NDArray[np.int64],
        first: int,
        last: int,
        kept: NDArray[np.uint8],
        level: int,
    ) -> int: ...
    def place(
        self,
        mask: NDArray[np.uint8],
        rows: NDArray[np.uint64],
        start: NDArray[np.int64],
        kept: NDArray[np.uint8],
        first: int,
        last: int,
        window: NDArray[np.uint8] | None,
        out: NDArray[np.uint8],
        level: int,
    ) -> None: ...
    def take(
        self,
        rows: NDArray[np.uint64],
        start: NDArray[np.int64],
        dense: NDArray[np.uint8],
        first: int,
        last: int,
        kept: NDArray[np.uint8],
        level: int,
    ) -> None: ...

def planes(
    bit: NDArray[np.uint8],
    itemsize: int,
    rows: NDArray[np.uint64],
    kept: NDArray[np.uint8],
    first: int,
    last: int,
    out: NDArray[np.uint64],
    level: int,
) -> None: ...
def ones(
    words: NDArray[Any], rank: int, at: NDArray[np.int64], out: NDArray[np.uint32] | None
) -> None: ...
def clear(out: NDArray[np.uint8]) -> None: ...
