from typing import Any

import numpy as np
from numpy.typing import NDArray

def best_isa() -> int: ...
def search_tile(
    n_in: int,
    n_s: int,
    n_out: int,
    cols: NDArray[np.uint64],
    bits: NDArray[np.uint64],
    care: NDArray[np.uint64],
    symbols: NDArray[np.uint16],
    mismatches: NDArray[np.int64],
    cancel: NDArray[np.int32],
    done: NDArray[np.int64],
    isa: int,
) -> int: ...
def pack_planes(words: NDArray[Any], out: NDArray[np.uint64]) -> None: ...
def unpack_planes(bits: NDArray[np.uint64], out: NDArray[Any]) -> None: ...
def decode_packed(
    tables: NDArray[np.uint64],
    symbols: NDArray[np.uint16],
    tile: int,
    out: NDArray[np.uint64],
) -> None: ...
