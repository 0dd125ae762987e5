"""The decoding kernel gives what packed planes, turned to words one by one, give."""

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec import blocks
from f2f_viz.codec import word_decoder as decoder
from f2f_viz.codec.packing import unpack_planes

CASES = [  # size, n_out, n_in, n_s
    (1, 80, 8, 2), (79, 80, 8, 1), (12345, 80, 8, 2), (5000, 63, 5, 0), (5000, 64, 5, 3),
    (9999, 130, 8, 1), (777, 8, 8, 0), (30000, 20, 8, 2), (17 * 80, 80, 8, 2), (50000, 1000, 10, 1),
]  # fmt: skip


@pytest.mark.parametrize("simd", [False, True])
@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize(
    ("planes", "word"), [(4, "u1"), (8, "u1"), (16, "<u2"), (32, "<u4"), (64, "<u8")]
)
def test_equals_planes_turned_one_by_one(monkeypatch, planes, word, order, simd):
    monkeypatch.setattr(decoder, "SIMD", simd and decoder.SIMD)
    monkeypatch.setattr(decoder, "_PIECE", 1000)
    rng = np.random.default_rng(0)
    for size, n_out, n_in, n_s in CASES:
        network = f2f.XorNetwork.random(n_in, n_out, n_s)
        symbols = rng.integers(0, 1 << n_in, (planes, blocks.block_count(size, n_out))).astype(
            np.uint16
        )
        inverted, mask = rng.random(planes) < 0.3, rng.random(size) < 0.4
        bits = network.decode_packed(symbols, 50)
        bits[inverted] = ~bits[inverted]
        expected = (
            blocks.from_blocks(unpack_planes(bits, n_out, np.dtype(word)), size, order) * mask
        )
        for threads in (1, 3):
            got = decoder.decode_words(
                symbols,
                network,
                inverted,
                mask,
                np.dtype(word),
                tile_blocks=50,
                order=order,
                threads=threads,
            )
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize(
    ("size", "n_out"),
    [(0, 80), (1, 80), (3000, 1), (9973, 7), (20000, 64), (30011, 79), (4096, 4096), (10**6, 1000)],
)
def test_corrections_flip_the_bits_at_their_positions(size, n_out, order):
    rng = np.random.default_rng(size)
    count = blocks.block_count(size, n_out)
    wrong = rng.random((16, count * n_out)) < rng.choice([0, 0.01, 0.3], (16, 1))
    wrong[0] = True  # padding too
    words = rng.integers(0, 1 << 16, size, dtype=np.uint16)
    flipped = words.copy()
    decoder.correct_words(flipped, [np.flatnonzero(plane) for plane in wrong], n_out, order)
    for p, plane in enumerate(reversed(wrong)):
        flat = blocks.from_blocks(plane.reshape(count, n_out), size, order)
        words ^= (flat << p).astype(np.uint16)
    np.testing.assert_array_equal(flipped, words)


def test_refuses_symbols_that_are_too_large():
    network = f2f.XorNetwork.random(4, 20, 1)
    with pytest.raises(f2f.F2FError, match="below 16, got 16"):
        decoder.decode_words(
            np.full((8, 5), 16, np.uint16), network, np.zeros(8, bool), np.ones(100, bool), np.dtype("u1"),
            tile_blocks=10, order="row",
        )  # fmt: skip
