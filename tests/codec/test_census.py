"""What kept weights hold, counted in one pass, is what counting them one by one gives."""

import numpy as np
import pytest

from f2f_viz.codec import census as module
from f2f_viz.codec.bitplanes import DTYPES, field_bits, to_words, word_bits
from f2f_viz.codec.census import census
from f2f_viz.codec.exponent_ranks import rank_table, to_ranks
from f2f_viz.codec.instruction_set import NAMES


def one_by_one(words, dtype):
    shift, width = field_bits(dtype)
    planes = word_bits(dtype)
    wide = words.astype(np.uint64)
    ones = [int((wide >> np.uint64(planes - 1 - p) & np.uint64(1)).sum()) for p in range(planes)]
    field = (wide >> np.uint64(shift) & np.uint64((1 << width) - 1)).astype(np.int64)
    return ones, np.bincount(field, minlength=1 << width)


@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [0, 1, 64, 5003])
def test_counts(monkeypatch, asked, dtype, size):
    monkeypatch.setenv("F2F_VIZ_ISA", asked)
    monkeypatch.setattr(module, "PIECE", 700)  # several threads
    rng = np.random.default_rng(size)
    words = to_words((rng.normal(size=size) * 5).astype(DTYPES[dtype]))
    for share in (0.0, 0.1, 0.7, 1.0):
        mask = rng.random(size) < share
        found = census(words, mask, dtype, threads=3)
        ones, values = one_by_one(words[mask], dtype)
        assert found.kept == mask.sum()
        assert found.ones.tolist() == ones
        np.testing.assert_array_equal(found.values, values)
        ranks = rank_table(found.values)
        ones, values = one_by_one(to_ranks(words, ranks, dtype)[mask], dtype)
        ranked = found.with_ranks(ranks, dtype)
        assert ranked.ones.tolist() == ones
        np.testing.assert_array_equal(ranked.values, values)
