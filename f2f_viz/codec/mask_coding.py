"""The mask as bytes, in one of three codings.

* ``rice``: the gaps between kept weights, or between pruned ones where these are fewer, Golomb–Rice
  coded (`rice`) behind a byte that says k. A little more than the entropy h(S), and fast to read.
* ``range``: a static binary range coder (Martin 1979; the constriction library) with P(kept) =
  kept / size: h(S) to a tenth of a percent, read one weight after the other.
* ``bitmap``: one bit per weight.
"""

from collections.abc import Callable
from dataclasses import dataclass

import constriction
import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec import _coding
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.codec.instruction_set import decoding_set
from f2f_viz.codec.rice import LIMIT, pack_rice, rice_bits, unpack_rice
from f2f_viz.errors import F2FError

__all__ = ["MASK_CODINGS", "MaskCoding", "pack_mask_bits", "unpack_mask_bits"]

Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
PIECE = 1 << 18  # weights range-coded at a time


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
    return np.unpackbits(packed, count=size, bitorder="little").view(bool)


def _listed(size: int, kept: int) -> tuple[bool, int]:
    """Return which kind of weight is listed, the rarer, and how many there are."""
    return 2 * kept <= size, min(kept, size - kept)


def _pack_rice(flat: Mask, kept: int) -> tuple[Bytes, int]:
    """A byte with k, then what `rice.pack_rice` gives; nothing if all weights or none are kept."""
    if kept in (0, flat.size):
        return np.empty(0, np.uint8), 0
    if flat.size > LIMIT:
        raise F2FError(
            "a mask of so many weights has no Rice coding", expected=f"at most {LIMIT:,}",
            got=f"{flat.size:,}", hint="code it as a bitmap", field="mask_coding",
        )  # fmt: skip
    wanted, count = _listed(flat.size, kept)
    found = np.empty(count, np.uint32)
    _coding.list_flags(flat.view(np.uint8), wanted, found, decoding_set())
    packed, bits, k = pack_rice(found)
    return np.concatenate([np.array([k], np.uint8), packed]), 8 + bits


def _unpack_rice(packed: Bytes, size: int, kept: int) -> Mask | None:
    if kept in (0, size):
        return np.full(size, kept > 0)
    if not packed.size or size > LIMIT:
        return None
    wanted, count = _listed(size, kept)
    found = unpack_rice(packed[1:], count, int(packed[0]), size)
    if found is None:
        return None
    mask = np.full(size, not wanted)
    _coding.set_flags(found[0], mask.view(np.uint8), wanted)
    return mask


def _expected_rice(kept: int, size: int) -> float:
    _, count = _listed(size, kept)
    return 8 + count * rice_bits(count / size) if count else 0.0


def _pack_range(flat: Mask, kept: int) -> tuple[Bytes, int]:
    """32-bit words of the coder, little-endian; nothing if all weights or none are kept."""
    if kept in (0, flat.size):
        return np.empty(0, np.uint8), 0
    model = constriction.stream.model.Bernoulli(kept / flat.size, perfect=False)
    encoder = constriction.stream.queue.RangeEncoder()
    for at in range(0, flat.size, PIECE):  # it keeps Python's lock; others want it, too
        encoder.encode(flat[at : at + PIECE].astype(np.int32), model)
    packed = encoder.get_compressed().astype("<u4").view(np.uint8)
    return packed, 8 * packed.size


def _unpack_range(packed: Bytes, size: int, kept: int) -> Mask | None:
    if kept in (0, size):
        return np.full(size, kept > 0)
    if packed.size % 4:
        return None
    cut = int((1.0 - kept / size) * 16777214.0) + 1
    mask = np.empty(size, bool)
    ones = _coding.range_unpack(np.ascontiguousarray(packed), cut, mask.view(np.uint8))
    return mask if ones == kept else None


MASK_CODINGS = Choices(
    "mask_coding",
    [
        MaskCoding(
            name="rice",
            wire=2,
            label="Rice-coded gaps",
            help="Gaps between kept weights (or pruned ones, if fewer), Golomb–Rice coded.",
            cost="1.4 % more than h(S) at S = 0.9; read at the speed of memory",
            pack=_pack_rice,
            unpack=_unpack_rice,
            expected_bits=_expected_rice,
        ),
        MaskCoding(
            name="range",
            wire=0,
            label="Range-coded",
            help="Range-coded to the entropy h(S).",
            cost="h(S) bits per weight, 0.47 at S = 0.9; read serially",
            pack=_pack_range,
            unpack=_unpack_range,
            expected_bits=lambda kept, size: size * float(binary_entropy(kept / max(size, 1))),
        ),
        MaskCoding(
            name="bitmap",
            wire=1,
            label="Bitmap",
            help="One bit per weight.",
            cost="1 bit per weight; read at the speed of memory",
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
    flat = np.ascontiguousarray(mask).reshape(-1)
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
    choice = MASK_CODINGS.pick(coding)
    mask = choice.unpack(packed, size, kept) if 0 <= kept <= size else None
    if mask is None or np.count_nonzero(mask) != kept:
        raise F2FError("damaged mask", expected=f"{kept} of {size} weights kept", got="other bytes")
    return mask
