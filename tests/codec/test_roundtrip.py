"""The contract of every number format, shape, order and code: decoding gives back each kept bit."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES, from_words, plane_names, to_words, word_bits
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.code import PRESETS
from f2f_viz.files import layer_file


def random_weights(dtype, shape, seed=0):
    """Every bit pattern is as likely as any other: NaN payloads, ±0, subnormals, infinities."""
    rng = np.random.default_rng(seed)
    bits = word_bits(dtype)
    size = int(np.prod(shape))
    word = np.dtype(f"<u{DTYPES[dtype].itemsize}")
    words = rng.integers(0, 2**bits, size, dtype=np.uint64).astype(word)
    return from_words(words, dtype, shape)


def assert_round_trip(weights, mask, **options):
    encoded = f2f.encode(weights, mask, **options)
    read = layer_file.from_bytes(layer_file.to_bytes(encoded))
    expected = to_words(weights) * mask.reshape(-1)
    for each in (encoded, read):
        decoded = f2f.decode(each)
        assert decoded.dtype == weights.dtype
        assert decoded.shape == weights.shape
        np.testing.assert_array_equal(to_words(decoded), expected)
    assert f2f.report(read) == f2f.report(encoded)
    assert sum(f2f.report(encoded).bits.values()) == 8 * len(layer_file.to_bytes(encoded))
    return encoded


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (7,), (33, 47), (2, 3, 5, 7)])
def test_every_format_and_shape(dtype, shape, order):
    weights = random_weights(dtype, shape)
    mask = np.random.default_rng(1).random(shape) < 0.2
    assert_round_trip(weights, mask, order=order, n_s=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_best_preset_on_skewed_weights(dtype):
    """A few exponents, as after pruning by magnitude: ranks and planes without symbols pay."""
    weights = (np.random.default_rng(5).normal(size=(70, 90)) * 3).astype(DTYPES[dtype])
    mask = f2f.prune(weights, 0.8)
    best = assert_round_trip(weights, mask, n_s=2)
    paper = assert_round_trip(weights, mask, code=PRESETS["paper"].code, n_s=2)
    assert f2f.report(best).bits["mask"] < f2f.report(paper).bits["mask"] == weights.size
    if dtype.startswith(("float", "bfloat")):
        assert any(plane.zero_rate for plane in best.planes)
        assert f2f.report(best).per_kept_bit < 1 < f2f.report(paper).per_kept_bit


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kept", [False, True])
def test_all_pruned_and_none_pruned(dtype, kept):
    weights = random_weights(dtype, (20, 30))
    encoded = assert_round_trip(weights, np.full((20, 30), kept), n_s=1)
    if not kept:
        assert not to_words(f2f.decode(encoded)).any()
        assert f2f.report(encoded).efficiency == 1


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_special_values(dtype):
    one = np.array(1, DTYPES[dtype])
    tiny = from_words(np.array([1], to_words(one).dtype), dtype, (1,))[0]
    negative_zero = -np.zeros((), DTYPES[dtype])
    values = [np.nan, -np.nan, np.inf, -np.inf, 0.0, negative_zero, tiny, -tiny, one]
    weights = np.array(values * 9, DTYPES[dtype])
    assert_round_trip(weights, np.arange(weights.size) % 2 == 0)


def test_pruned_weights_are_positive_zero():
    weights = np.full(100, -1.5, np.float32)
    decoded = f2f.decode(f2f.encode(weights, np.zeros(100, bool)))
    assert not np.signbit(decoded).any()


@pytest.mark.parametrize(
    ("n_in", "n_s"),
    [(8, 0), (8, 1), (8, 2), (4, 2), (4, 3), (2, 7), (6, 2), (1, 0), (1, 8), (3, 1), (5, 3)],
)
@pytest.mark.parametrize("coding", ["rank", "chunk"])
def test_every_code(n_in, n_s, coding):
    weights = random_weights("float16", (40, 41))
    mask = np.random.default_rng(2).random(weights.shape) < 0.1
    assert_round_trip(weights, mask, n_in=n_in, n_s=n_s, coding=coding)


@pytest.mark.parametrize("n_out", [1, 5, 63, 64, 65, 80, 130, 2000])
def test_block_lengths_that_do_not_divide(n_out):
    weights = random_weights("int8", (37, 29))
    mask = np.random.default_rng(3).random(weights.shape) < 0.3
    encoded = assert_round_trip(weights, mask, n_out=n_out, n_s=1)
    assert encoded.n_out == n_out


def test_many_tiles():
    weights = random_weights("int4", (300, 400))
    mask = np.random.default_rng(4).random(weights.shape) < 0.5
    encoded = assert_round_trip(weights, mask, n_in=4, n_s=1, n_out=8)
    assert encoded.blocks > 3 * encoded.tile_blocks


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(list(DTYPES)),
    shape=st.lists(st.integers(0, 12), max_size=3).map(tuple),
    kept=st.floats(0, 1),
    n_in=st.integers(1, 8),
    n_s=st.integers(0, 2),
    n_out=st.none() | st.integers(1, 100),
    order=st.sampled_from(list(ORDERS)),
    coding=st.sampled_from(["rank", "chunk"]),
    mask_coding=st.sampled_from(["rice", "range", "bitmap"]),
    recode=st.booleans(),
    zero_rate=st.booleans(),
    plain=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_any_layer(dtype, shape, kept, seed, **options):
    weights = random_weights(dtype, shape, seed)
    mask = np.random.default_rng(seed).random(shape) < kept
    assert_round_trip(weights, np.asarray(mask), seed=seed, **options)


def test_planes_are_most_significant_first():
    weights = np.array([-2.0, 0.75], np.float32)
    words = to_words(weights)
    names = plane_names("float32")
    assert names[0] == "sign"
    assert len(names) == 32
    assert [int(w) >> 31 for w in words] == [1, 0]
    assert plane_names("int4") == ["sign", "bit 2", "bit 1", "bit 0"]
    # an integer is all field: a rank has no sign
    assert plane_names("int4", ranks=True) == [f"rank bit {i}" for i in (3, 2, 1, 0)]
    assert plane_names("float32", ranks=True) == names
    assert names[1:9] == [f"exponent {i}" for i in reversed(range(8))]


def test_mostly_ones_is_stored_inverted():
    code = f2f.Code.paper(n_s=0)
    encoded = f2f.encode(np.full(1000, -1, np.int8), np.ones(1000, bool), code)
    assert all(plane.inverted for plane in encoded.planes)
    assert f2f.report(encoded).efficiency == 1  # zero input gives zero output


@pytest.mark.parametrize(
    ("weights", "mask", "options", "message"),
    [
        (np.zeros(3, complex), np.ones(3, bool), {}, "float32"),
        (np.zeros(3, np.int64), np.ones(3, bool), {}, "int8"),
        (np.zeros(3, np.float32), np.ones(4, bool), {}, r"\(3,\), got \(4,\)"),
        (np.zeros(3, np.float32), np.ones(3), {}, "bool, got float64"),
        (np.zeros(3, np.float32), np.ones(3, bool), {"n_out": 0}, "got 0"),
        (np.zeros(3, np.float32), np.ones(3, bool), {"order": "column"}, "interleaved, row"),
        (np.zeros(3, np.float32), np.ones(3, bool), {"coding": "best"}, "rank, chunk"),
        (np.zeros(3, np.float32), np.ones(3, bool), {"n_in": 0}, "got 0"),
        (np.zeros(3, np.float32), np.ones(3, bool), {"n_s": -1}, "got -1"),
        (
            np.zeros(3, np.float32),
            np.ones(3, bool),
            {"n_in": 8, "n_s": 3},
            "n_in: expected 1 to 5, got 8",
        ),
    ],
)
def test_bad_input_says_expected_and_got(weights, mask, options, message):
    with pytest.raises(f2f.F2FError, match=message):
        f2f.encode(weights, mask, **options)


@pytest.mark.parametrize("preset", PRESETS)
def test_tiles_decode_alone(preset):
    weights = random_weights("int8", (500, 401)).astype(np.float16)
    mask = np.random.default_rng(6).random(weights.shape) < 0.5
    encoded = f2f.encode(weights, mask, PRESETS[preset].code, n_in=4, n_s=1)
    tiles = -(-encoded.blocks // encoded.tile_blocks)
    assert tiles > 2
    rebuilt = np.full(weights.size, np.nan, np.float16)
    for tile in reversed(range(tiles)):
        index, part = f2f.decode_tile(encoded, tile)
        assert np.isnan(rebuilt[index]).all()
        rebuilt[index] = part
    np.testing.assert_array_equal(to_words(rebuilt), to_words(f2f.decode(encoded)))
    with pytest.raises(f2f.F2FError, match="no such tile"):
        f2f.decode_tile(encoded, tiles)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_a_layer_that_was_decoded_can_be_copied_and_sent(again):
    weights = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    encoded = f2f.encode(weights, f2f.prune(weights, 0.8), n_in=4)
    decoded = f2f.decode(encoded)
    other = again(encoded)
    assert (f2f.decode(other) == decoded).all()
    assert not other.mask.flags.writeable
    assert not other.planes[0].symbols.flags.writeable
