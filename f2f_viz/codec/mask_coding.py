"""The mask as bytes: one bit a weight, or range-coded to its entropy h(S).

``range`` is a static binary range coder (Martin 1979; the constriction library) with
P(kept) = kept / size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import constriction
import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.errors import F2FError

__all__ = ["MASK_CODINGS", "MaskCoding", "pack_mask_bits", "unpack_mask_bits"]

_PIECE = 1 << 20
Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class MaskCoding(Choice):
    """A way to write a mask down.

    Attributes
    ----------
    pack : callable
        ``pack(flat, kept)`` gives the bytes of a flat mask and the bits used.
    unpack : callable
        ``unpack(packed, size, kept)`` inverts it; None or a mask of another count if the bytes are
        damaged.
    expected_bits : callable
        ``expected_bits(kept, size)`` gives the bits used, exactly or nearly, of a mask at random.
    """

    pack: Callable[[Mask, int], tuple[Bytes, int]]
    unpack: Callable[[Bytes, int, int], Mask | None]
    expected_bits: Callable[[int, int], float]


def _pack_bitmap(flat: Mask, kept: int) -> tuple[Bytes, int]:
    return np.packbits(flat, bitorder="little"), flat.size


def _unpack_bitmap(packed: Bytes, size: int, kept: int) -> Mask | None:
    if packed.size != -(-size // 8):
        return None
    return np.unpackbits(packed, count=size, bitorder="little").astype(bool)


def _model(kept: int, size: int) -> constriction.stream.model.Bernoulli:
    return constriction.stream.model.Bernoulli(kept / size, perfect=False)


def _pack_range(flat: Mask, kept: int) -> tuple[Bytes, int]:
    """32-bit words of the coder, little-endian; nothing if all weights or none are kept."""
    if kept in (0, flat.size):
        return np.empty(0, np.uint8), 0
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(flat.astype(np.int32), _model(kept, flat.size))
    packed = encoder.get_compressed().astype("<u4").view(np.uint8)
    return packed, 8 * packed.size


def _unpack_range(packed: Bytes, size: int, kept: int) -> Mask | None:
    if kept in (0, size) or not 0 < kept < size:
        return np.full(size, kept == size and size > 0)
    if packed.size % 4:
        return None
    decoder = constriction.stream.queue.RangeDecoder(packed.view("<u4").astype(np.uint32))
    model, mask = _model(kept, size), np.empty(size, bool)
    try:
        for at in range(0, size, _PIECE):  # the decoder gives four bytes a flag
            mask[at : at + _PIECE] = decoder.decode(model, min(_PIECE, size - at))
    except (AssertionError, ValueError):
        return None
    return mask


MASK_CODINGS = Choices(
    "mask_coding",
    [
        MaskCoding(
            name="range",
            label="Range-coded",
            help="Range-coded to the entropy h(S).",
            cost="h(S) bits a weight, 0.47 at S = 0.9; read serially",
            pack=_pack_range,
            unpack=_unpack_range,
            expected_bits=lambda kept, size: size * float(binary_entropy(kept / max(size, 1))),
        ),
        MaskCoding(
            name="bitmap",
            label="Bitmap",
            help="One bit a weight.",
            cost="1 bit a weight; read at the speed of memory",
            pack=_pack_bitmap,
            unpack=_unpack_bitmap,
            expected_bits=lambda kept, size: float(size),
        ),
    ],
)
"""The known codings of masks."""


def pack_mask_bits(mask: Mask, coding: str) -> tuple[Bytes, int]:
    """Write a mask down.

    Parameters
    ----------
    mask : ndarray of bool, any shape
        True = kept; C order.
    coding : str
        A name of `MASK_CODINGS`.

    Returns
    -------
    packed : ndarray of uint8
        Bit 0 first.
    bits : int
        Bits used.
    """
    flat = mask.reshape(-1)
    return MASK_CODINGS.pick(coding).pack(flat, int(np.count_nonzero(flat)))


def unpack_mask_bits(packed: Bytes, size: int, kept: int, coding: str) -> Mask:
    """Invert `pack_mask_bits`.

    Parameters
    ----------
    packed : ndarray of uint8
    size, kept : int
        All weights and kept weights.
    coding : str
        A name of `MASK_CODINGS`.

    Returns
    -------
    ndarray of bool, shape (size,)

    Raises
    ------
    F2FError
        If the bytes are not such a mask.
    """
    mask = MASK_CODINGS.pick(coding).unpack(packed, size, kept)
    if mask is None or np.count_nonzero(mask) != kept:
        raise F2FError("damaged mask", expected=f"{kept} of {size} weights kept", got="other bytes")
    return mask
