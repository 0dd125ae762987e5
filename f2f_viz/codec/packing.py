"""Bits of blocks packed 64 a word, the form the search works on.

Bit i of a block is bit i mod 64 of word i // 64; bits above n_out are zero.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import _coding
from f2f_viz.codec.instruction_set import decoding_set
from f2f_viz.errors import F2FError

__all__ = [
    "pack_mask",
    "pack_symbols",
    "unpack_mask",
    "unpack_symbols",
]


def pack_mask(mask: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack flags of blocks, such as the care bits.

    Parameters
    ----------
    mask : ndarray of bool, shape (blocks, n_out)

    Returns
    -------
    ndarray of uint64, shape (blocks, ceil(n_out / 64))
    """
    if mask.ndim != 2 or mask.dtype != bool:
        raise F2FError(
            "flags to pack are bool",
            expected="bool of shape (blocks, n_out)",
            got=f"{mask.dtype} of shape {mask.shape}",
        )
    blocks, n_out = mask.shape
    packed = np.zeros((blocks, -(-n_out // 64) * 8), np.uint8)
    packed[:, : -(-n_out // 8)] = np.packbits(mask, axis=1, bitorder="little")
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack_mask(packed: NDArray[np.uint64], n_out: int) -> NDArray[np.bool_]:
    """Invert `pack_mask`.

    Parameters
    ----------
    packed : ndarray of uint64, shape (blocks, ceil(n_out / 64))
    n_out : int
    """
    octets = np.ascontiguousarray(packed).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=n_out, bitorder="little").astype(bool)


def pack_symbols(planes: Sequence[NDArray[np.uint16]], n_in: int) -> NDArray[np.uint8]:
    """Write symbols in n_in bits each, plane after plane, bit 0 first.

    Parameters
    ----------
    planes : sequence of ndarray of uint16, shape (l,)
        Below 2^n_in.
    n_in : int
    """
    packed = np.zeros(-(-sum(own.size for own in planes) * n_in // 8), np.uint8)
    first = 0
    for own in planes:
        _coding.pack_numbers(np.ascontiguousarray(own), n_in, first, packed)
        first += own.size * n_in
    return packed


def unpack_symbols(
    packed: NDArray[np.uint8], planes: int, blocks: int, n_in: int
) -> NDArray[np.uint16]:
    """Invert `pack_symbols`.

    Returns
    -------
    ndarray of uint16, shape (planes, blocks)

    Raises
    ------
    F2FError
        If there are not as many bytes.
    """
    wanted = -(-planes * blocks * n_in // 8)
    if packed.size != wanted:
        raise F2FError("damaged symbols", expected=f"{wanted} bytes", got=packed.size)
    symbols = np.empty((planes, blocks), np.uint16)
    _coding.unpack_numbers(
        np.ascontiguousarray(packed), 0, n_in, symbols.reshape(-1), decoding_set()
    )
    return symbols
