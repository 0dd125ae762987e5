"""The mask as bytes: one bit a weight, or range-coded to its entropy h(S).

``range`` is a static binary range coder (Martin 1979; the constriction library) with
P(kept) = kept / size.
"""

import constriction
import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError

__all__ = ["MASK_CODINGS", "pack_mask_bits", "unpack_mask_bits"]

MASK_CODINGS = ("range", "bitmap")
_PIECE = 1 << 20


def _model(kept: int, size: int) -> constriction.stream.model.Bernoulli:
    return constriction.stream.model.Bernoulli(kept / size, perfect=False)


def pack_mask_bits(mask: NDArray[np.bool_], coding: str) -> tuple[NDArray[np.uint8], int]:
    """Write a mask down.

    Parameters
    ----------
    mask : ndarray of bool, any shape
        True = kept; C order.
    coding : {"range", "bitmap"}

    Returns
    -------
    packed : ndarray of uint8
        ``bitmap``: bit 0 first. ``range``: the coder's 32-bit words, little-endian; nothing if
        all weights or none are kept.
    bits : int
        Bits used.
    """
    flat = mask.reshape(-1)
    if coding == "bitmap":
        return np.packbits(flat, bitorder="little"), flat.size
    kept = int(np.count_nonzero(flat))
    if kept in (0, flat.size):
        return np.empty(0, np.uint8), 0
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(flat.astype(np.int32), _model(kept, flat.size))
    packed = encoder.get_compressed().astype("<u4").view(np.uint8)
    return packed, 8 * packed.size


def unpack_mask_bits(
    packed: NDArray[np.uint8], size: int, kept: int, coding: str
) -> NDArray[np.bool_]:
    """Invert `pack_mask_bits`.

    Parameters
    ----------
    packed : ndarray of uint8
    size, kept : int
        All weights and kept weights.
    coding : {"range", "bitmap"}

    Returns
    -------
    ndarray of bool, shape (size,)

    Raises
    ------
    F2FError
        If the bytes are not such a mask.
    """
    damaged = F2FError("damaged mask", expected=f"{kept} of {size} weights kept", got="other bytes")
    if coding == "bitmap":
        if packed.size != -(-size // 8):
            raise damaged
        mask = np.unpackbits(packed, count=size, bitorder="little").astype(bool)
    elif kept in (0, size) or not 0 < kept < size:
        mask = np.full(size, kept == size and size > 0)
    else:
        if packed.size % 4:
            raise damaged
        decoder = constriction.stream.queue.RangeDecoder(packed.view("<u4").astype(np.uint32))
        model, mask = _model(kept, size), np.empty(size, bool)
        try:
            for at in range(0, size, _PIECE):  # the decoder gives four bytes a flag
                mask[at : at + _PIECE] = decoder.decode(model, min(_PIECE, size - at))
        except (AssertionError, ValueError):
            raise damaged from None
    if np.count_nonzero(mask) != kept:
        raise damaged
    return mask
