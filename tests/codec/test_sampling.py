"""Previews: what is sampled, and that short tiles do not bias the estimate."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec.blocks import Layout, default_n_out
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import PlanePlan
from f2f_viz.codec.sampling import sample_mismatches, share_out
from f2f_viz.codec.trellis import MAX_STATE_BITS


@example(planes=3, budget=0, most=4)  # three tiles of two planes would be too few
@given(planes=st.integers(1, 64), budget=st.integers(0, 5000), most=st.integers(4, 5000))
def test_every_plane_is_searched_as_often_as_any_other(planes, budget, most):
    dealt, counts = share_out(planes, budget, most)
    assert len(dealt) >= max(4, min(planes, 8, most // 2))
    assert len(dealt) <= most or dealt.shape[1] == planes
    assert dealt.size <= max(budget, 2 * planes, 12) + dealt.shape[1]
    assert len(set(np.bincount(dealt[counts], minlength=planes).tolist())) == 1
    for tile in dealt:
        assert len(set(tile.tolist())) == tile.size


@pytest.mark.parametrize("n_s", [1, 2])
def test_short_tiles_do_not_bias_the_estimate(n_s):
    rng = np.random.default_rng(3)
    layer = f2f.Layer("w", rng.normal(size=(900, 900)).astype(np.float16), "float16", "test")
    code = f2f.Code(n_s=n_s, fit_n_out=False, plain=False, recode=False, zero_rate=False)
    settings = f2f.Settings(method="random", code=code)
    exact = f2f.analyze(layer, settings)
    preview = f2f.analyze(layer, settings, preview=True)
    assert not preview.exact
    # without blocks before those that count, two stages seem to mismatch twice as often
    assert 1 - preview.efficiency.value == pytest.approx(1 - exact.efficiency.value, rel=0.4)
    assert preview.efficiency.low <= exact.efficiency.value <= preview.efficiency.high
    guessed, known = (
        [p.mismatches for p in a.planes if p.entropy > 0.99] for a in (preview, exact)
    )
    assert guessed == pytest.approx(known, rel=0.5)


def test_a_layer_of_few_tiles_is_sampled_by_fewer_that_hold_more_planes():
    rng = np.random.default_rng(0)
    mask = rng.random(26_000) < 0.1
    words = rng.integers(0, 2**16, mask.size, dtype=np.uint16)
    some = words[mask][:, None] >> np.arange(15, -1, -1) & 1
    none = np.zeros(16, bool)
    plan = PlanePlan(int(mask.sum()), some.sum(axis=0), none, none)
    coded, layout = CodedWords(words, "uint16", None), Layout(mask.shape, 80, "row")
    assert layout.blocks // 64 == 5  # eight tiles would be wanted
    network = XorNetwork.random(8, 80, 2)
    sample = sample_mismatches(coded, mask, layout, network, plan, seconds=0.02)
    assert 0 < sample.rate.low < sample.rate.value < sample.rate.high < 0.1


def test_one_plane_of_a_dear_search_has_an_interval():
    rng = np.random.default_rng(0)
    mask = rng.random(400_000) < 0.1
    words = rng.integers(0, 2, mask.size, dtype=np.uint8)
    none = np.zeros(1, bool)
    plan = PlanePlan(int(mask.sum()), np.array([words[mask].sum()]), none, none)
    coded, layout = CodedWords(words, "uint8", None), Layout(mask.shape, 50, "row")
    sample = sample_mismatches(coded, mask, layout, XorNetwork.random(5, 50, 3), plan)
    assert 0 <= sample.rate.low < sample.rate.value < sample.rate.high < 0.1


@pytest.mark.parametrize("n_s", range(MAX_STATE_BITS + 1))
def test_previews_and_fits_at_every_number_of_stages(n_s):
    """Every n_s that `Code` takes: the longer the register, the longer a sampled tile."""
    rng = np.random.default_rng(n_s)
    layer = f2f.Layer("w", rng.integers(-127, 128, size=(500, 800), dtype=np.int8), "int8", "test")
    code = f2f.Code(n_in=max(min(8 // max(n_s, 1), 4), 1), n_s=n_s, zero_rate=False)
    preview = f2f.analyze(layer, f2f.Settings(rate=0.8, code=code), preview=True)
    if preview.exact:  # searched as fast as it is sampled
        assert n_s < 3
        return
    assert 0 < preview.efficiency.low < preview.efficiency.value < preview.efficiency.high <= 1
    assert preview.network.n_s == n_s
    paper = default_n_out(code.n_in, int(preview.mask.sum()), preview.mask.size)
    assert paper <= preview.n_out <= 1.2 * paper + 1
