from typing import Any

import numpy as np
from numpy.typing import NDArray

RUN: int

def has_simd() -> bool: ...
def decode_range(
    tables: NDArray[np.uint64],
    symbols: NDArray[np.uint16],
    invert: NDArray[np.uint64],
    mask: NDArray[np.uint8],
    n_out: int,
    tile_blocks: int,
    stride: int,
    start: int,
    stop: int,
    simd: bool,
    raw: NDArray[np.uint64],
    run: NDArray[Any],
    out: NDArray[Any],
) -> None: ...
def by_block(planes: list[NDArray[np.uint16]], out: NDArray[np.uint16]) -> None: ...
def correct(
    words: NDArray[Any],
    corrections: list[NDArray[np.int64]],
    n_out: int,
    blocks: int,
    step: int,
) -> None: ...
