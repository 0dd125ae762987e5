"""Recipes: lengths and planes without symbols are chosen by what the code itself stores."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec import recipe as recipe_module
from f2f_viz.codec.blocks import default_n_out
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.recipe import LENGTHS, make_recipe


@pytest.mark.parametrize("method", ["magnitude", "random"])  # random keeps skewed planes
@pytest.mark.parametrize("recode", [True, False])
@pytest.mark.parametrize("coding", CODINGS)
def test_nothing_that_was_passed_over_stores_fewer_bits(coding, recode, method):
    """Each coding of corrections has costs of its own; the chunk's are not the rank's."""
    weights = np.random.default_rng(0).normal(size=(300, 300)).astype(np.float32)
    mask = f2f.prune(weights, 0.9, method)

    def stored(**fields):
        encoded = f2f.encode(weights, mask, coding=coding, recode=recode, **fields)
        bits = f2f.report(encoded).bits
        return bits["payload"] + bits["corrections"]

    paper = default_n_out(8, int(mask.sum()), mask.size)
    lengths = [int(paper * by) for by in LENGTHS]
    others = [stored(n_out=n, zero_rate=z) for n, z in product(lengths, (True, False))]
    assert stored() <= 1.001 * min(others)


@pytest.mark.parametrize("coding", CODINGS)
def test_planes_go_without_symbols_where_that_stores_fewer_bits(coding):
    weights = np.random.default_rng(0).normal(size=(300, 300)).astype(np.float32)
    mask = f2f.prune(weights, 0.9, "random")  # which keeps planes of any share of ones
    without = f2f.encode(weights, mask, coding=coding, n_out=80)
    symbols = f2f.encode(weights, mask, coding=coding, n_out=80, zero_rate=False)
    payload = symbols.blocks * symbols.n_in
    assert 0 < sum(plane.zero_rate for plane in without.planes) < 32
    with_symbols = payload + symbols.correction_bits
    plan = make_recipe(weights, mask, without.code).plan
    kept, size = int(mask.sum()), without.blocks * without.n_out
    rarer = np.minimum(plan.ones, kept - plan.ones) / kept
    listed = np.array([CODINGS[coding].expected_bits(share, kept, size) for share in rarer])
    chosen = plan.zero_rate
    np.testing.assert_allclose(without.correction_bits[chosen], listed[chosen], rtol=0.1)
    assert (without.correction_bits[chosen] < with_symbols[chosen]).all()
    # a little less is not worth it: symbols have a fixed rate
    assert (listed[~chosen] > 0.8 * with_symbols[~chosen]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])  # all pruned, all alike
def test_where_no_plane_has_symbols_no_matrix_is_stored(value):
    weights = np.full((64, 64), value, np.float32)
    bits = f2f.report(f2f.encode(weights, weights != 0)).bits
    assert bits["payload"] == bits["corrections"] == 0
    assert bits["matrix"] <= 8 * 8 * 2  # of all pruned it had a block of the whole layer's length
    assert f2f.encode(weights, weights != 0, n_out=80).n_out == 80  # what was asked for stays


@pytest.mark.parametrize(
    ("stores", "tries", "best"),
    [([4, 3, 2, 1], 2, 3), ([4, 2, 1, 3], 3, 2), ([2, 1, 3, 4], 4, 1), ([1, 2, 3, 4], 4, 0)],
)
def test_lengths_are_tried_from_the_longest_down_while_less_is_stored(
    stores, tries, best, monkeypatch
):
    mask = np.arange(800).reshape(20, 40) % 10 == 0
    lengths = [int(80 * by) for by in LENGTHS]
    tried = []

    def search(words, flat, layout, network, plan, **_):
        """Find so many mismatches that the correction of each, not the symbols, decides."""
        tried.append(network.n_out)
        wrong = 8 * stores[lengths.index(network.n_out)]
        return SimpleNamespace(mismatches=np.full(32, wrong))

    monkeypatch.setattr(recipe_module, "search_planes", search)
    code = f2f.Code(zero_rate=False, coding="chunk")
    recipe = make_recipe(np.ones((20, 40), np.float32), mask, code)
    assert (len(tried), recipe.network.n_out) == (tries, lengths[best])


def test_a_drawn_matrix_that_is_plain_is_searched_in_the_order_it_is_decoded_in():
    """Blocks of one or two bits often draw the identity, whose planes are in row order."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=36).astype(np.float32)
    mask = rng.random(36) < 0.9
    for n_in, seed in product((1, 2), range(4)):
        code = f2f.Code(n_in=n_in, n_s=0, plain=False, recode=False, seed=seed)
        encoded = f2f.encode(weights, mask, code)
        np.testing.assert_array_equal(f2f.decode(encoded), np.where(mask, weights, 0))
