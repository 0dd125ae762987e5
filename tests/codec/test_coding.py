"""Bit strings: every kernel at every level against a slow coder of bits; damage is told, not read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec import _coding, _decode, corrections, instruction_set, mask_coding, packing, rice
from tests.independent_decoder import bits_of, range_decode, rice_decode

LEVELS = range(_decode.best_level() + 1)


def at_every_level(run):
    with pytest.MonkeyPatch.context() as patch:
        for level in LEVELS:
            patch.setattr(instruction_set, "DECODING_SET", level)
            run()


def numbers_of(seed, count, spread):
    """Increasing numbers whose gaps are below `spread`."""
    gaps = np.random.default_rng(seed).integers(0, spread, count)
    numbers = np.cumsum(gaps + 1) - 1
    return numbers[numbers < rice.LIMIT].astype(np.uint32)


def slow_bits(numbers, k):
    bits, last = [], -1
    gaps = []
    for number in numbers.tolist():
        gaps.append(number - last - 1)
        last = number
    for gap in gaps:
        bits += [0] * (gap >> k) + [1]
    for gap in gaps:
        bits += [gap >> i & 1 for i in range(k)]
    return np.packbits(np.array(bits, np.uint8), bitorder="little"), len(bits)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 300),
    spread=st.sampled_from([1, 2, 5, 30, 1000, 10**5, 2**25, 2**31]),
)
def test_rice_is_the_plain_coder(seed, count, spread):
    numbers = numbers_of(seed, count, spread)
    packed, bits, k = rice.pack_rice(numbers)
    wanted, length = slow_bits(numbers, k)
    assert (bits, packed.tolist()) == (length, wanted.tolist())
    assert rice.rice_cost(numbers) == (k, bits)
    for other in {max(k - 1, 0), min(k + 1, _coding.RICE_MOST)} - {k}:
        gaps = np.diff(numbers.astype(np.int64), prepend=-1) - 1
        cost = int((gaps >> other).sum()) + numbers.size * (other + 1)
        assert bits < cost if other < k else bits <= cost
    limit = int(numbers[-1]) + 1 if numbers.size else 0

    def check():
        more = np.concatenate([packed, np.array([0xA5, 0xFF], np.uint8)])
        for held in (packed, more):
            found, used = rice.unpack_rice(held, numbers.size, k, limit)
            np.testing.assert_array_equal(found, numbers)
            assert used == bits
        if numbers.size:
            assert rice.unpack_rice(packed, numbers.size, k, limit - 1) is None
            assert rice.unpack_rice(packed[:-1].copy(), numbers.size, k, limit) is None

    at_every_level(check)
    assert rice_decode(bits_of(packed), numbers.size, k) == (numbers.tolist(), bits)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80), count=st.integers(-1, 700), k=st.integers(-1, 40), limit=st.integers(0, 2**32))  # fmt: skip
def test_any_bytes_are_numbers_or_refused(data, count, k, limit):
    packed = np.frombuffer(data, np.uint8)
    results = []
    at_every_level(lambda: results.append(rice.unpack_rice(packed, count, k, limit)))
    first = results[0]
    for other in results[1:]:
        assert (first is None) == (other is None)
    if first is None:
        return
    for other in results[1:]:
        np.testing.assert_array_equal(first[0], other[0])
        assert first[1] == other[1]
    first = first[0]
    assert first.size == count
    assert (np.diff(first.astype(np.int64)) > 0).all()
    assert not count or int(first[-1]) < limit


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60), count=st.integers(0, 60), limit=st.integers(0, 3000))
def test_any_bytes_are_chunks_or_refused(data, count, limit):
    packed, chunk = np.frombuffer(data, np.uint8), corrections.CODINGS["chunk"]
    try:
        found, used = chunk.unpack(packed, count, 9, limit)
    except f2f.F2FError:
        return
    assert found.size == count
    assert (np.diff(found) > 0).all()
    assert not count or 0 <= found[0] <= found[-1] < limit
    again, bits, _ = chunk.pack(found.astype(np.uint32), lambda: found, limit)
    assert used == bits
    held = np.unpackbits(packed, count=bits, bitorder="little")
    np.testing.assert_array_equal(np.unpackbits(again, count=bits, bitorder="little"), held)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32), n_in=st.integers(1, 16), planes=st.integers(0, 5), blocks=st.integers(0, 100)
)  # fmt: skip
def test_symbols_round_trip(seed, n_in, planes, blocks):
    symbols = np.random.default_rng(seed).integers(0, 1 << n_in, (planes, blocks)).astype(np.uint16)
    packed = packing.pack_symbols(list(symbols), n_in)
    bits = symbols.reshape(-1, 1) >> np.arange(n_in, dtype=np.uint16) & 1
    wanted = np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little")
    np.testing.assert_array_equal(packed, wanted)

    def check():
        np.testing.assert_array_equal(packing.unpack_symbols(packed, planes, blocks, n_in), symbols)

    at_every_level(check)
    with pytest.raises(f2f.F2FError, match="damaged symbols"):
        packing.unpack_symbols(np.append(packed, np.uint8(0)), planes, blocks, n_in)


@pytest.mark.parametrize("coding", mask_coding.MASK_CODINGS)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), size=st.integers(0, 4000), kept=st.sampled_from([0, 0.001, 0.1, 0.5, 0.9, 0.999, 1])
)  # fmt: skip
def test_masks_round_trip(coding, seed, size, kept):
    mask = np.random.default_rng(seed).random(size) < kept
    count = int(mask.sum())
    packed, bits = mask_coding.pack_mask_bits(mask, coding)
    assert packed.size == -(-bits // 8)

    def check():
        found = mask_coding.unpack_mask_bits(packed, size, count, coding)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, mask)
        np.testing.assert_array_equal(mask_coding.pack_mask_bits(mask, coding)[0], packed)

    at_every_level(check)


@pytest.mark.parametrize("coding", mask_coding.MASK_CODINGS)
@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=64), size=st.integers(0, 600), kept=st.integers(-1, 601))
def test_any_bytes_are_a_mask_or_refused(coding, data, size, kept):
    try:
        mask = mask_coding.unpack_mask_bits(np.frombuffer(data, np.uint8), size, kept, coding)
    except f2f.F2FError:
        return
    assert mask.shape == (size,)
    assert np.count_nonzero(mask) == kept
    if coding == "range" and 0 < kept < size:
        assert range_decode(data, kept, size) == mask.tolist()


def test_rice_masks_cost_little_more_than_the_entropy():
    rng = np.random.default_rng(0)
    for kept in (0.02, 0.1, 0.3, 0.9, 0.98):
        mask = rng.random(400_000) < kept
        rice_bits, range_bits = (
            mask_coding.pack_mask_bits(mask, coding)[1] for coding in ("rice", "range")
        )
        assert range_bits < rice_bits < 1.045 * range_bits


def test_masks_too_large_for_rice_are_refused(monkeypatch):
    monkeypatch.setattr(mask_coding, "LIMIT", 100)
    with pytest.raises(f2f.F2FError, match="Rice"):
        mask_coding.pack_mask_bits(np.arange(101) % 3 == 0, "rice")
