"""The encoder's kernels, at every level, give what indexing gives."""

import numpy as np
import pytest

from f2f_viz.codec import _decode, blocks, instruction_set, kept_words
from f2f_viz.codec.exponent_ranks import CodedWords, rank_table
from f2f_viz.codec.packing import pack_mask, unpack_mask

LEVELS = range(_decode.best_level() + 1)


@pytest.fixture(params=LEVELS, ids=lambda level: f"level{level}", autouse=True)
def level(request, monkeypatch):
    monkeypatch.setattr(instruction_set, "DECODING_SET", request.param)
    monkeypatch.setattr(kept_words, "PIECE", 10)


def layers(order):
    """Words, masks and layouts of every size of word."""
    rng = np.random.default_rng(0)
    for dtype in ("uint8", "float16", "float32", "float64"):
        word = f"<u{np.dtype(dtype).itemsize}"
        for shape, n_out in (((1,), 80), ((40, 33), 1), ((77, 30), 64), ((160, 64), 130)):
            words = rng.integers(0, np.iinfo(word).max, np.prod(shape), word, endpoint=True)
            for rate in (0.0, 0.1, 0.6, 1.0):
                mask = rng.random(words.size) < rate
                yield words, dtype, mask, blocks.Layout(shape, n_out, order)


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize("threads", [1, 3])
def test_kept_words_are_those_of_the_blocks_in_order(order, threads):
    for words, dtype, mask, layout in layers(order):
        index = layout.weights()
        care = (index >= 0) & mask[index]
        coded = CodedWords(words, dtype, None)
        kept = kept_words.kept_words(coded, mask, layout, threads=threads)
        np.testing.assert_array_equal(kept.rows, pack_mask(care))
        np.testing.assert_array_equal(np.diff(kept.start), care.sum(axis=1))
        np.testing.assert_array_equal(kept.words, words[index[care]])
        some = np.arange(layout.blocks)[::-2]
        chosen = kept_words.kept_words(coded, mask, layout, some)
        np.testing.assert_array_equal(chosen.rows, kept.rows[some])
        np.testing.assert_array_equal(chosen.words, words[index[some][care[some]]])
        np.testing.assert_array_equal(np.diff(chosen.start), care[some].sum(axis=1))


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize("threads", [1, 3])
def test_planes_are_the_bits_of_the_kept_words(order, threads):
    for words, dtype, mask, layout in layers(order):
        index = layout.weights()
        care = (index >= 0) & mask[index]
        kept = kept_words.kept_words(CodedWords(words, dtype, None), mask, layout)
        bits = np.array([3, 0, 8 * words.itemsize - 1])
        first, last = layout.blocks // 3, layout.blocks
        planes = kept.part(first, last).planes(bits, threads)
        for bit, plane in zip(bits.tolist(), planes, strict=True):
            wanted = (words[index] >> words.dtype.type(bit) & words.dtype.type(1)) * care
            np.testing.assert_array_equal(unpack_mask(plane, layout.n_out), wanted[first:last])


def test_exponents_of_kept_words_are_ranks():
    words, mask = np.arange(100, dtype=np.uint8), np.arange(100) % 3 == 0
    ranks = rank_table(np.bincount(words[mask], minlength=256))
    layout = blocks.Layout((100,), 9, "row")
    kept = kept_words.kept_words(CodedWords(words, "uint8", ranks), mask, layout)
    np.testing.assert_array_equal(kept.words, np.arange(mask.sum()))


@pytest.mark.parametrize("word", ["u1", "<u2", "<u4", "<u8"])
def test_ones_are_listed_by_plane(word):
    rng = np.random.default_rng(1)
    bits = np.arange(8 * np.dtype(word).itemsize)[::-1]
    for words in (rng.integers(0, np.iinfo(word).max, 500, word), np.zeros(5, word)):
        found = kept_words.ones_by_plane(words, bits)
        for bit, ranks in zip(bits.tolist(), found, strict=True):
            assert ranks.dtype == np.uint32
            np.testing.assert_array_equal(
                ranks, np.flatnonzero(words >> np.dtype(word).type(bit) & 1)
            )
