"""Number formats as bit-planes: a weight of b bits gives b planes, most significant first.

Every plane shares the one pruning mask and is encoded by itself (Park et al. 2022, section 5).
"""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError

__all__ = [
    "DTYPES",
    "WIRE",
    "dtype_name",
    "field_bits",
    "from_words",
    "pack_words",
    "packed_bytes",
    "plane_names",
    "to_words",
    "unpack_words",
    "word_bits",
]

DTYPES: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "int4": np.dtype(ml_dtypes.int4),
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "float4_e2m1fn": np.dtype(ml_dtypes.float4_e2m1fn),
    "uint4": np.dtype(ml_dtypes.uint4),
    "int2": np.dtype(ml_dtypes.int2),
    "uint2": np.dtype(ml_dtypes.uint2),
}
WIRE = {name: number for number, name in enumerate(DTYPES)}
"""The number of each format in files, for ever: new ones go to the end."""
_MANTISSA_BITS = {
    "float64": 52, "float32": 23, "float16": 10, "bfloat16": 7,
    "float8_e4m3fn": 3, "float8_e5m2": 2, "float4_e2m1fn": 1,
}  # fmt: skip
_EXPONENT_BITS = {
    "float64": 11, "float32": 8, "float16": 5, "bfloat16": 8,
    "float8_e4m3fn": 4, "float8_e5m2": 5, "float4_e2m1fn": 2,
}  # fmt: skip
_PART_OF_BYTE = {"int4": 4, "uint4": 4, "float4_e2m1fn": 4, "int2": 2, "uint2": 2}


def dtype_name(dtype: Any) -> str:
    """Return the name of a supported number format, or say which ones are.

    Parameters
    ----------
    dtype
        Anything ``numpy.dtype`` accepts.
    """
    dtype = np.dtype(dtype)
    name = dtype.name
    if name not in DTYPES:
        raise F2FError(
            "unsupported number format",
            expected=f"one of {', '.join(DTYPES)}",
            got=name,
            hint="convert the weights with .astype first",
        )
    return name


def word_bits(dtype: str) -> int:
    """Return the bits of a weight, b: the number of bit-planes."""
    return _PART_OF_BYTE.get(dtype, DTYPES[dtype].itemsize * 8)


def field_bits(dtype: str) -> tuple[int, int]:
    """Return where the exponent lies, as (shift, width); an integer is all field."""
    if dtype in _MANTISSA_BITS:
        return _MANTISSA_BITS[dtype], _EXPONENT_BITS[dtype]
    return 0, word_bits(dtype)


def plane_names(dtype: str, *, ranks: bool = False) -> list[str]:
    """Name the planes of a number format, most significant first.

    Parameters
    ----------
    dtype
        A name of `DTYPES`.
    ranks
        Whether its field holds ranks: an integer is all field, and then has no sign of its own.

    Returns
    -------
    list of str, length b
        For example ``sign, exponent 7, …, exponent 0, mantissa 22, …`` for float32.
    """
    bits = word_bits(dtype)
    mantissa = _MANTISSA_BITS.get(dtype)
    if mantissa is None and ranks:
        return [f"rank bit {i}" for i in reversed(range(bits))]
    if mantissa is None:
        top = "sign" if dtype.startswith("int") else f"bit {bits - 1}"
        return [top] + [f"bit {i}" for i in reversed(range(bits - 1))]
    exponent = _EXPONENT_BITS[dtype]
    return (
        ["sign"]
        + [f"exponent {i}" for i in reversed(range(exponent))]
        + [f"mantissa {i}" for i in reversed(range(mantissa))]
    )


def to_words(weights: NDArray[Any]) -> NDArray[Any]:
    """View weights as unsigned little-endian words, flattened in C order.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `DTYPES`

    Returns
    -------
    ndarray of uint8, uint16, uint32 or uint64, shape (size,)
        Bit 0 is the least significant; formats smaller than a byte fill its low bits.
    """
    name = dtype_name(weights.dtype)
    flat = np.ascontiguousarray(weights).reshape(-1)
    if name in _PART_OF_BYTE:
        words: NDArray[Any] = flat.view(np.uint8) & np.uint8((1 << word_bits(name)) - 1)
        return words
    flat = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    return flat.view(f"<u{flat.dtype.itemsize}")


def from_words(words: NDArray[Any], dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Invert `to_words`.

    Parameters
    ----------
    words : ndarray of unsigned words, shape (size,)
    dtype : str
        A name of `DTYPES`.
    shape : tuple of int
        The layer's shape, its product equal to size.
    """
    return words.view(DTYPES[dtype]).reshape(shape)


def packed_bytes(count: int, dtype: str) -> int:
    """Return the bytes of so many weights, formats smaller than a byte packed."""
    return -(-count * word_bits(dtype) // 8)


def pack_words(words: NDArray[Any], dtype: str) -> NDArray[np.uint8]:
    """Pack words of a format smaller than a byte, the first in a byte's low bits."""
    bits = word_bits(dtype)
    if bits >= 8:
        return words.view(np.uint8)
    padded = np.zeros(packed_bytes(words.size, dtype) * (8 // bits), np.uint8)
    padded[: words.size] = words
    columns = padded.reshape(-1, 8 // bits) << np.arange(0, 8, bits, dtype=np.uint8)
    return np.bitwise_or.reduce(columns, axis=1)


def unpack_words(octets: NDArray[np.uint8], dtype: str, count: int) -> NDArray[Any]:
    """Invert `pack_words`."""
    bits = word_bits(dtype)
    if bits >= 8:
        return octets.view(f"<u{bits // 8}")
    columns = octets[:, None] >> np.arange(0, 8, bits, dtype=np.uint8) & np.uint8((1 << bits) - 1)
    return columns.reshape(-1)[:count]
