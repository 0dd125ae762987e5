"""Corrections: the care bits that the decoder gets wrong, listed and flipped after decoding.

Three codings, both exact and both counted to the bit:

* ``rank``: gaps between mismatches *counted in care bits*, Golomb–Rice coded
  (`rice`). The decoder knows the mask, so don't-cares cost nothing to skip.
* ``chunk``: the paper's. The plane is cut into chunks of 512 decoded bits; each mismatch costs a
  flag bit 1 and 9 bits of position, each chunk ends with a flag bit 0 (Park et al. 2022, section
  4 and appendix).
* ``slots``: a fixed rate. Every group of 1280 decoded bits, 16 blocks of 80, has k slots of w bits,
  and slots may serve groups up to 16 ahead; what finds no slot in time overflows to a list at the
  end. The gaps are those of ``rank``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec import _coding
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.codec.rice import pack_rice, rice_bits, rice_cost, unpack_rice
from f2f_viz.errors import F2FError

__all__ = ["CHUNK_BITS", "CODINGS", "CorrectionCoding"]

CHUNK_BITS = 9

Positions = NDArray[np.int64]
Ranks = NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True)
class CorrectionCoding(Choice):
    """A way to write down the corrections of one plane.

    `ranks` (uint32) count corrections among the plane's care bits, ``positions()`` (int64) among
    all its `plane_bits` = l·n_out bits; shape (corrections,), increasing.

    Attributes
    ----------
    by_rank : bool
        What `unpack` gives: ranks, or positions.
    pack : callable
        ``pack(ranks, positions, plane_bits)`` gives the bytes (uint8, bit 0 first), the bits used
        without the padding of the last byte, and a parameter that `unpack` needs.
    unpack : callable
        ``unpack(packed, count, parameter, limit)`` inverts it, and says how many bits that took of
        what may be more; F2FError if the bytes do not begin with `count` corrections, increasing
        and below `limit`.
    bits : callable
        ``bits(ranks, positions, plane_bits)``: the bits that `pack` uses, without packing.
    expected_bits : callable
        ``expected_bits(rate, kept, plane_bits)``: their expectation where a share `rate` of `kept`
        care bits mismatches.
    ends : callable, optional
        Called alike where a rate alone does not tell the bits: the fewest and the most that they
        may be, wherever the mismatches are.
    """

    by_rank: bool
    pack: Callable[[Ranks, Callable[[], Positions], int], tuple[NDArray[np.uint8], int, int]]
    unpack: Callable[[NDArray[np.uint8], int, int, int], tuple[Ranks | Positions, int]]
    bits: Callable[[Ranks, Callable[[], Positions], int], int]
    expected_bits: Callable[[float, int, int], float]
    ends: Callable[[float, int, int], tuple[float, float]] | None = None


def _damaged(count: int) -> F2FError:
    return F2FError("damaged corrections", expected=f"{count} corrections", got="other bytes")


def _pack_ranks(
    ranks: Ranks, positions: Callable[[], Positions], plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    return pack_rice(ranks)


def _unpack_ranks(
    packed: NDArray[np.uint8], count: int, parameter: int, limit: int
) -> tuple[Ranks, int]:
    found = unpack_rice(packed, count, parameter, limit)
    if found is None:
        raise _damaged(count)
    return found


def _rank_bits(ranks: Ranks, positions: Callable[[], Positions], plane_bits: int) -> int:
    return rice_cost(ranks)[1]


def _pack_chunks(
    ranks: Ranks, positions: Callable[[], Positions], plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    bits = _chunk_bits(ranks, positions, plane_bits)
    packed = np.zeros(-(-bits // 8), np.uint8)
    _coding.chunk_pack(positions(), CHUNK_BITS, plane_bits, packed)
    return packed, bits, CHUNK_BITS


def _unpack_chunks(
    packed: NDArray[np.uint8], count: int, parameter: int, limit: int
) -> tuple[Positions, int]:
    if not 0 <= count <= min(8 * packed.size, limit):
        raise _damaged(count)
    found = np.empty(count, np.int64)
    bits = _coding.chunk_unpack(np.ascontiguousarray(packed), CHUNK_BITS, limit, found)
    if bits < 0:
        raise _damaged(count)
    return found, bits


def _chunk_bits(ranks: Ranks, positions: Callable[[], Positions], plane_bits: int) -> int:
    return ranks.size * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS)


def _gaps(ranks: Ranks) -> Positions:
    at: Positions = ranks.astype(np.int64)
    return np.diff(at, prepend=-1) - 1


def _bits_of(values: Positions, width: int) -> NDArray[np.uint8]:
    """Write each value in `width` bits, least significant first."""
    return ((values[:, None] >> np.arange(width)) & 1).astype(np.uint8).reshape(-1)


def _values_of(bits: NDArray[np.uint8], width: int) -> Positions:
    digits = bits.reshape(-1, width).astype(np.int64)
    return (digits << np.arange(width)).sum(axis=1, dtype=np.int64)


GROUP_BITS = 1280
AHEAD = 16
_OVERFLOW_BITS = 32
_MAX_SLOT = 20


@dataclass(frozen=True, eq=False)
class _Slots:
    """Which slots serve which corrections.

    A slot of w bits holds a gap, or `passes` (so many care bits are right, and no correction), or
    all ones: nothing. A gap of `passes` care bits or more takes several slots.
    """

    per_group: int
    width: int
    groups: int
    gaps: Positions
    first: Positions
    overflow: Ranks

    @property
    def passes(self) -> int:
        return (1 << self.width) - 2

    @property
    def parameter(self) -> int:
        return self.slots << 8 | self.width

    @property
    def slots(self) -> int:
        return self.groups * self.per_group

    @property
    def bits(self) -> int:
        return self.slots * self.width + self.overflow.size * _OVERFLOW_BITS


def _served(
    gaps: Positions, group: Positions, k: int, passes: int
) -> tuple[Positions, NDArray[np.bool_]]:
    """Return each correction's first slot, in order and as early as may be, and which are late."""
    takes = 1 + gaps // passes
    before = np.cumsum(takes) - takes
    first = before + np.maximum.accumulate(k * np.maximum(group - AHEAD, 0) - before)
    return first, (first + takes - 1) // max(k, 1) > group


def _in_time(ranks: Ranks, group: Positions, k: int, passes: int) -> NDArray[np.bool_]:
    """Serve corrections one after another, and leave out those that come too late."""
    found = np.zeros(ranks.size, bool)
    slot, last = 0, -1
    for i, (rank, own) in enumerate(zip(ranks.tolist(), group.tolist(), strict=True)):
        first = max(slot, k * max(own - AHEAD, 0))
        ends = first + 1 + (rank - last - 1) // passes
        if k and (ends - 1) // k <= own:
            found[i], slot, last = True, ends, rank
    return found


def _arrange(ranks: Ranks, positions: Callable[[], Positions], plane_bits: int) -> _Slots:
    """Choose the slots that take the fewest bits, overflow counted, and serve the corrections."""
    groups, gaps = -(-plane_bits // GROUP_BITS), _gaps(ranks)
    if not gaps.size:
        return _Slots(0, 2, groups, gaps, gaps, ranks)
    group = positions() // GROUP_BITS
    widths = np.arange(2, _MAX_SLOT + 1)
    items = [gaps.size + int((gaps // ((1 << w) - 2)).sum()) for w in widths.tolist()]
    best = int(np.argmin(widths * items))
    width, passes = int(widths[best]), (1 << int(widths[best])) - 2
    chosen, least = 0, gaps.size * _OVERFLOW_BITS
    k = max(items[best] // groups, 1)
    while groups * k * width < least:
        late = 0
        if _served(gaps, group, k, passes)[1].any():  # those left out make room for the rest
            late = int((~_in_time(ranks, group, k, passes)).sum())
        if groups * k * width + late * _OVERFLOW_BITS < least:
            chosen, least = k, groups * k * width + late * _OVERFLOW_BITS
        k += 1
    served = _in_time(ranks, group, chosen, passes)
    gaps = _gaps(ranks[served])
    first = _served(gaps, group[served], chosen, passes)[0] if gaps.size else gaps
    return _Slots(chosen, width, groups, gaps, first, ranks[~served])


def _pack_slots(
    ranks: Ranks, positions: Callable[[], Positions], plane_bits: int
) -> tuple[NDArray[np.uint8], int, int]:
    made = _arrange(ranks, positions, plane_bits)
    values = np.full(made.slots, made.passes + 1, np.int64)
    passing = made.gaps // made.passes
    ends = made.first + passing
    for first, end in zip(made.first[passing > 0], ends[passing > 0], strict=True):
        values[first:end] = made.passes
    values[ends] = made.gaps % made.passes
    overflow = _bits_of(made.overflow.astype(np.int64), _OVERFLOW_BITS)
    stream = np.concatenate([_bits_of(values, made.width), overflow])
    return np.packbits(stream, bitorder="little"), made.bits, made.parameter


def _unpack_slots(
    packed: NDArray[np.uint8], count: int, parameter: int, limit: int
) -> tuple[Positions, int]:
    slots, width = parameter >> 8, parameter & 255
    end = slots * width
    if not 2 <= width <= _MAX_SLOT or end > 8 * packed.size:
        raise _damaged(count)
    bits = np.unpackbits(packed[: -(-end // 8) + 4 * count + 1], bitorder="little")
    values, passes = _values_of(bits[:end], width), (1 << width) - 2
    values = values[values <= passes]
    ranks = np.cumsum(np.where(values == passes, passes, values + 1)) - 1
    ranks = ranks[values < passes]
    over = count - ranks.size
    tail = bits[end : end + over * _OVERFLOW_BITS]
    if over < 0 or tail.size < over * _OVERFLOW_BITS:
        raise _damaged(count)
    found = np.sort(np.concatenate([ranks, _values_of(tail, _OVERFLOW_BITS)]))
    if found.size and (found[-1] >= limit or (np.diff(found) <= 0).any()):
        raise _damaged(count)
    return found, end + tail.size


def _expected_slots(rate: float, kept: int, plane_bits: int) -> float:
    corrections, groups = rate * kept, max(-(-plane_bits // GROUP_BITS), 1)
    if corrections <= 0:
        return 0.0
    width = min(max(int(np.ceil(np.log2(2.5 / rate))), 2), _MAX_SLOT)
    items = corrections * (1 + 1 / np.expm1(rate * ((1 << width) - 2)))
    per_group = np.ceil(1.05 * items / groups)
    return float(min(groups * per_group * width, corrections * _OVERFLOW_BITS))


CODINGS = Choices(
    "coding",
    [
        CorrectionCoding(
            name="rank",
            wire=0,
            label="Rank",
            help="Gaps between mismatches counted in care bits, Golomb–Rice coded.",
            cost="decoding them needs the mask",
            by_rank=True,
            pack=_pack_ranks,
            unpack=_unpack_ranks,
            bits=_rank_bits,
            expected_bits=lambda rate, kept, plane_bits: rate * kept * rice_bits(rate),
        ),
        CorrectionCoding(
            name="chunk",
            wire=1,
            label="Chunk (the paper's)",
            help="The position of each mismatch in its chunk of 512 bits, and a flag per chunk.",
            cost="10 bits per correction, 1 per chunk",
            by_rank=False,
            pack=_pack_chunks,
            unpack=_unpack_chunks,
            bits=_chunk_bits,
            expected_bits=lambda rate, kept, plane_bits: (
                rate * kept * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS)
            ),
        ),
        CorrectionCoding(
            name="slots",
            wire=2,
            label="Slots (fixed rate)",
            help="As many slots for every 1280 decoded bits; they serve up to 16 groups ahead.",
            cost="two to four points of payload more than rank at n_s = 2",
            by_rank=True,
            pack=_pack_slots,
            unpack=_unpack_slots,
            bits=lambda ranks, positions, plane_bits: _arrange(ranks, positions, plane_bits).bits,
            expected_bits=_expected_slots,
            # clusters find no slot in time; those that are spread take what they tell, at least
            ends=lambda rate, kept, plane_bits: (
                kept * float(binary_entropy(rate)),
                rate * kept * _OVERFLOW_BITS,
            ),
        ),
    ],
)
"""The known codings of corrections."""
