"""The product W·x from symbols, tile by tile (Park et al. 2022, algorithm 2).

A tile is decoded, its kept weights meet the numbers of x that they multiply, and it is gone: the
layer is never held dense. What a tile gives is a fixed number of blocks, whatever the rows of W
keep, where CSR (algorithm 1) has rows of any length.
"""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.codec.decode import kept_by_tile
from f2f_viz.codec.encoded import Encoded
from f2f_viz.errors import F2FError

__all__ = ["matmul"]

_STEPS = 255
"""The largest weight that is a whole number."""


@checked
def matmul(encoded: Encoded, x: Any) -> NDArray[Any]:
    """Multiply an encoded layer by a vector or matrix.

    Parameters
    ----------
    encoded : Encoded
        Of two axes or more; W is the layer as `decode` gives it, its first axis the rows and all
        others the columns. Of quantized weights that are steps: a product times ``encoded.scales``
        is one of real values.
    x : array of numbers, shape (columns,) or (columns, k)

    Returns
    -------
    ndarray, shape (rows,) or (rows, k)
        float32, or float64 where W or x is; added up in float64. Whole numbers times whole numbers
        are int64. A pruned weight adds nothing, not even to an infinity.

    Raises
    ------
    F2FError
        If the layer has one axis, x does not fit it, or sums might not fit int64.

    Examples
    --------
    >>> from f2f_viz.codec.encode import encode
    >>> weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    >>> matmul(encode(weights, weights > 1), [1.0, 1.0, 10.0])
    array([20., 57.])
    """
    if len(encoded.shape) < 2:
        raise F2FError("a product", expected="a layer of two axes or more", got=encoded.shape)
    rows, columns = encoded.shape[0], prod(encoded.shape[1:])
    x = _numbers(x, columns)
    whole = x.dtype.kind in "iub" and encoded.dtype.startswith(("int", "uint"))
    exact = np.int64 if whole else np.float64
    if whole and x.size and columns * _STEPS * max(abs(int(x.min())), int(x.max())) >= 1 << 63:
        raise F2FError("x, sums of whole numbers", expected=f"x below 2^63 / {_STEPS * columns}",
                       got="more", hint="give x as float64")  # fmt: skip
    total = np.zeros((rows, *x.shape[1:]), exact)
    factor = x.astype(exact)
    for index, weights in kept_by_tile(encoded):
        row = index // columns
        tile = coo_array((weights.astype(exact), (row, index - row * columns)), (rows, columns))
        total += tile @ factor
    wide = whole or encoded.dtype == "float64" or (x.dtype.kind == "f" and x.dtype.itemsize >= 8)
    return total if wide else total.astype(np.float32)


def _numbers(x: Any, columns: int) -> NDArray[Any]:
    """Check what the layer is to be multiplied by."""
    try:
        found: NDArray[Any] = np.asarray(x)
    except (TypeError, ValueError, RuntimeError):
        raise F2FError("x", expected="an array of numbers", got=type(x).__name__) from None
    if found.dtype.name in DTYPES and found.dtype.kind == "V":  # of ml_dtypes
        found = found.astype(np.float32)
    if found.dtype.kind not in "fiub":
        raise F2FError("x", expected="real numbers", got=found.dtype)
    if found.ndim not in (1, 2) or found.shape[0] != columns:
        raise F2FError(
            "x does not fit the layer", expected=f"shape ({columns},) or ({columns}, k)",
            got=found.shape,
        )  # fmt: skip
    return found
