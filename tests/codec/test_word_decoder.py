"""The decoding kernels, at every level, give what a slow decoder of bits gives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec import _decode, blocks, instruction_set, word_decoder
from f2f_viz.codec.packing import unpack_mask
from f2f_viz.codec.word_decoder import CodedPlanes, Field, WordDecoder

LEVELS = range(_decode.best_level() + 1)
CASES = [  # size, n_out, n_in, n_s
    (1, 80, 8, 2), (79, 80, 8, 1), (12345, 80, 8, 2), (5000, 63, 5, 0), (5000, 64, 5, 3),
    (9999, 130, 8, 1), (777, 8, 8, 0), (30000, 20, 8, 2), (17 * 80, 80, 8, 2), (50000, 1000, 10, 1),
    (9000, 4096, 12, 1), (4000, 1, 1, 16), (64 * 64, 64, 9, 1), (20000, 9, 3, 4),
]  # fmt: skip


@pytest.fixture(params=LEVELS, ids=lambda level: f"level{level}")
def level(request, monkeypatch):
    monkeypatch.setattr(instruction_set, "DECODING_SET", request.param)
    return request.param


def drawn(rng, count, word, network, layout, tile, kept=0.4):
    """Planes of random symbols, corrections and all else, and a mask."""
    mask = rng.random(layout.size) < kept
    zero = rng.random(count) < 0.2
    symbols = rng.integers(0, 1 << network.n_in, (count, layout.blocks)).astype(np.uint16)
    symbols[zero] = 0
    rates = rng.choice([0, 0.01, 0.3, 1], count)
    wrong = [np.flatnonzero(rng.random(mask.sum()) < rate).astype(np.uint32) for rate in rates]
    field = None
    if rng.random() < 0.5 and count >= 8:
        shift, width = (0, 8) if count == 8 else (count - 7, 5)
        field = Field(shift, width, rng.integers(0, 1 << width, 1 << width - 1).astype(np.uint16))
    return CodedPlanes(
        network,
        [None if flag else own for flag, own in zip(zero, symbols, strict=True)],
        wrong,
        list(rng.random(count) < 0.3),
        np.dtype(word),
        tile,
        field,
    ), mask


def in_place(blocked, layout):
    """Put the weights of blocks where they belong."""
    index = layout.weights()
    out = np.zeros(layout.size, blocked.dtype)
    out[index[index >= 0]] = blocked[index >= 0]
    return out


def slowly(planes, mask, layout):
    """The words, bit by bit: packed planes, corrections by position, then whole words."""
    network, count = planes.network, len(planes.symbols)
    symbols = np.zeros((count, layout.blocks), np.uint16)
    for p, own in enumerate(planes.symbols):
        if own is not None:
            symbols[p] = own
    bits = network.decode_packed(symbols, planes.tile_blocks)
    bits[np.array(planes.inverted)] ^= ~np.uint64(0)
    care = np.flatnonzero(layout.gather(mask))
    words = np.zeros((layout.blocks, network.n_out), planes.word)
    for plane in bits:
        words = words << planes.word.type(1) | unpack_mask(plane, network.n_out)
    for p, wrong in enumerate(planes.corrections):
        words.reshape(-1)[care[wrong]] ^= planes.word.type(1 << (count - 1 - p))
    words = in_place(words, layout)
    if planes.field is not None:
        shift, width, values = planes.field
        table = np.zeros(1 << width, np.uint64)
        table[: values.size] = values
        low = (1 << width) - 1
        wide = words.astype(np.uint64)
        field = table[wide >> np.uint64(shift) & np.uint64(low)]
        other = np.uint64(~(low << shift) & (1 << 64) - 1)
        words = (wide & other | field << np.uint64(shift)).astype(planes.word)
    return words & planes.word.type((1 << count) - 1) * mask


def turned(cases, count, word, order):
    """Planes of layers, and their words: the slow way."""
    rng = np.random.default_rng(count)
    found = []
    for size, n_out, n_in, n_s in cases:
        network = f2f.XorNetwork.random(n_in, n_out, n_s)
        shape = (-(-size // 64), 64) if size > 64 else (size,)  # l is not the fewest blocks
        layout = blocks.Layout(shape, n_out, order)
        planes, mask = drawn(rng, count, word, network, layout, int(rng.choice([1, 2, 50, 2048])))
        found.append((planes, mask, layout, slowly(planes, mask, layout)))
    return found


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize(
    ("count", "word"), [(4, "u1"), (8, "u1"), (16, "<u2"), (32, "<u4"), (64, "<u8"), (13, "<u4")]
)
@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_equals_planes_turned_one_by_one(monkeypatch, count, word, order, half):
    """At every level, from few weights and as from many."""
    monkeypatch.setattr(word_decoder, "PIECE", 1000)
    first = (half + (order == "row")) % 2
    cases = turned(CASES[first::2], count, word, order)
    for level, large in product(LEVELS, (word_decoder.LARGE, 1)):
        monkeypatch.setattr(instruction_set, "DECODING_SET", level)
        monkeypatch.setattr(word_decoder, "LARGE", large)
        for case, (planes, mask, layout, expected) in enumerate(cases):
            threads = (1, 3)[(case + (large == 1)) % 2]
            got = np.full(mask.size, 7, word)
            WordDecoder(planes, mask, layout, threads=threads).decode(got, threads=threads)
            np.testing.assert_array_equal(got, expected, f"level {level}, large {large}")


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n_in=st.integers(1, 12),
    n_s=st.integers(0, 4),
    n_out=st.integers(1, 200),
    size=st.integers(0, 3000),
    count=st.sampled_from([4, 8, 16, 32, 64]),
    kept=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    order=st.sampled_from(list(blocks.ORDERS)),
    tile=st.integers(1, 100),
)
def test_any_code_at_every_level(seed, n_in, n_s, n_out, size, count, kept, order, tile):
    rng = np.random.default_rng(seed)
    network = f2f.XorNetwork.random(n_in, n_out, n_s)
    word = f"<u{max(count // 8, 1)}"
    layout = blocks.Layout((size,), n_out, order)
    planes, mask = drawn(rng, count, word, network, layout, tile, kept)
    expected = slowly(planes, mask, layout)
    with pytest.MonkeyPatch.context() as patch:
        for level in LEVELS:
            patch.setattr(instruction_set, "DECODING_SET", level)
            patch.setattr(word_decoder, "LARGE", int(rng.choice([1, 1 << 23])))
            got = np.full(mask.size, 3, word)
            WordDecoder(planes, mask, layout).decode(got)
            np.testing.assert_array_equal(got, expected)


def test_many_kept_weights_in_few_blocks(level):
    """More kept weights in a block than a piece of the kernel's holds."""
    rng = np.random.default_rng(5)
    network = f2f.XorNetwork.random(8, 4096, 1)
    shape = (40 * 4096 - 5,)
    planes, mask = drawn(
        rng, 16, "<u2", network, blocks.Layout(shape, 4096, "row"), 2048, kept=0.97
    )
    for order in blocks.ORDERS:
        layout = blocks.Layout(shape, 4096, order)
        got = np.zeros(mask.size, "<u2")
        WordDecoder(planes, mask, layout).decode(got)
        np.testing.assert_array_equal(got, slowly(planes, mask, layout))


def planes_of(network, symbols, corrections):
    return CodedPlanes(network, [symbols] * 8, [corrections] * 8, [False] * 8, np.dtype("u1"), 10)


def test_refuses_symbols_that_are_too_large(level):
    network = f2f.XorNetwork.random(4, 20, 1)
    nothing = np.zeros(0, np.uint32)
    for blocks_before in (0, 40):
        symbols = np.zeros(100, np.uint16)
        symbols[blocks_before] = 16
        planes, layout = planes_of(network, symbols, nothing), blocks.Layout((2000,), 20, "row")
        decoder = WordDecoder(planes, np.ones(2000, bool), layout)
        with pytest.raises(f2f.F2FError, match="symbol too large"):
            decoder.decode(np.zeros(2000, "u1"))


@pytest.mark.parametrize("wrong", [[3, 3], [9, 2], [0, 2000], [2**32 - 1], [1500, 0, 1]])
@pytest.mark.parametrize("threads", [1, 2])
def test_refuses_corrections_that_are_not_increasing_ranks(monkeypatch, level, wrong, threads):
    monkeypatch.setattr(word_decoder, "PIECE", 1000)
    planes = planes_of(
        f2f.XorNetwork.random(4, 20, 1), np.zeros(100, np.uint16), np.array(wrong, np.uint32)
    )
    layout = blocks.Layout((2000,), 20, "interleaved")
    decoder = WordDecoder(planes, np.ones(2000, bool), layout, threads=threads)
    with pytest.raises(f2f.F2FError, match="damaged corrections"):
        decoder.decode(np.zeros(2000, "u1"), threads=threads)


def test_refuses_planes_that_do_not_belong_together():
    network, nothing = f2f.XorNetwork.random(4, 20, 1), np.zeros(0, np.uint32)
    mask, out = np.ones(2000, bool), np.zeros(2000, "u1")
    layout = blocks.Layout((2000,), 20, "row")
    with pytest.raises(f2f.F2FError, match="one per block"):
        WordDecoder(planes_of(network, np.zeros(99, np.uint16), nothing), mask, layout).decode(out)
    nine = CodedPlanes(network, [None] * 9, [nothing] * 9, [False] * 9, np.dtype("u1"), 10)
    with pytest.raises(f2f.F2FError, match="planes of a layer"):
        WordDecoder(nine, mask, layout).decode(out)
