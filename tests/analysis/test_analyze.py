"""A preview is honest about what it does not know."""

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.analysis import analyze as analyze_module
from f2f_viz.codec.corrections import CODINGS


@pytest.mark.parametrize("coding", list(CODINGS))
@pytest.mark.parametrize("rate", [0.5, 0.7])
def test_an_estimated_ratio_lies_in_its_interval(coding, rate):
    weights = np.random.default_rng(0).normal(size=(322, 328)).astype(np.float32)
    layer = f2f.load_layer({"x": weights}, "x")
    settings = f2f.Settings(rate=rate, coding=coding)
    for n_s in (0, 1):
        found = f2f.analyze(layer, settings.replace(n_s=n_s), preview=True)
        assert not found.exact
        assert found.ratio.low <= found.ratio.value <= found.ratio.high


def test_slots_may_cost_more_where_mismatches_stand_together():
    """In row order the preview said 1.84 (1.64 to 2.18) of what is 0.98."""
    layer = f2f.sample_layer("digits-transformer/gradual-0.7/ffn1.weight")
    code = f2f.Code(
        n_s=1, order="row", coding="slots", fit_n_out=False, recode=False, zero_rate=False
    )
    settings = f2f.Settings(rate=0.6, code=code)
    found = f2f.analyze(layer, settings, preview=True)
    assert not found.exact
    assert found.ratio.low <= f2f.analyze(layer, settings).ratio <= found.ratio.high


def test_two_pairs_that_change_places_are_seen():
    """A sum does not tell them from what they were."""
    weights = np.full((256, 256), 0.001, np.float32)
    weights[1, 2:6] = 9, 9, 0.0001, 0.0001
    layer, settings = f2f.load_layer(weights), f2f.Settings(rate=0.99)
    f2f.analyze(layer, settings)
    weights[1, 2:6] = weights[1, [4, 5, 2, 3]]
    assert f2f.analyze(layer, settings).mask[1, 2:6].tolist() == [False, False, True, True]


def test_an_exact_analysis_takes_over_what_its_preview_decided(monkeypatch):
    weights = np.random.default_rng(2).normal(size=(160, 160)).astype(np.float32)
    layer, settings = f2f.load_layer({"w": weights}, "w"), f2f.Settings(n_s=2)
    preview, alone = f2f.analyze(layer, settings, preview=True), f2f.analyze(layer, settings)
    assert not preview.exact
    assert alone.recipe is None  # it holds the layer's words
    made, make = [], analyze_module.make_recipe

    def counted(*given, **options):
        made.append(given)
        return make(*given, **options)

    monkeypatch.setattr(analyze_module, "make_recipe", counted)
    exact = f2f.analyze(layer, settings, begun=preview)
    assert not made
    assert exact.n_out == preview.n_out == alone.n_out
    np.testing.assert_array_equal(exact.encoded.symbols, alone.encoded.symbols)
    assert exact.bit_exact

    other = f2f.load_layer({"w": weights[::-1].copy()}, "w")
    for given, wanted in ((layer, settings.replace(rate=0.8)), (other, settings)):
        made.clear()
        assert f2f.analyze(given, wanted, begun=preview).bit_exact
        assert made


def test_a_mask_that_changed_since_the_preview_is_coded_as_it_is(tmp_path):
    path, rng = tmp_path / "mask.npy", np.random.default_rng(3)
    layer = f2f.load_layer({"w": rng.normal(size=(160, 160)).astype(np.float32)}, "w")
    np.save(path, rng.random((160, 160)) < 0.1)
    settings = f2f.Settings(method="mask", mask=str(path), n_s=2)
    preview = f2f.analyze(layer, settings, preview=True)
    mask = rng.random((160, 160)) < 0.2
    np.save(path, mask)
    exact = f2f.analyze(layer, settings, begun=preview)
    np.testing.assert_array_equal(exact.mask, mask)
    assert exact.bit_exact
    assert exact.n_out == f2f.analyze(layer, settings).n_out < preview.n_out


@pytest.mark.parametrize("number_format", ["stored", "int8"])
@pytest.mark.parametrize(
    "train",
    [
        lambda w: w * np.float32(2**20),
        lambda w: -w,
        lambda w: w[::-1].copy(),
        lambda w: w + 1,
        lambda w: w[:, [0, 1, 4, 5, 2, 3, *range(6, 161)]],
    ],
    ids=["scaled", "negated", "turned round", "moved", "pairs exchanged"],
)
def test_weights_that_were_trained_on_are_seen_anew(train, number_format):
    """A layer may share its array with who gave it; its ranking and recipe are kept."""
    weights = np.random.default_rng(4).normal(size=(161, 161)).astype(np.float32)
    layer, settings = f2f.load_layer(weights), f2f.Settings(n_s=2, number_format=number_format)
    assert np.shares_memory(layer.weights, weights)
    preview = f2f.analyze(layer, settings, preview=True)
    weights[:] = train(weights)
    exact = f2f.analyze(layer, settings, begun=preview)
    alone = f2f.analyze(f2f.load_layer(weights.copy()), settings)
    np.testing.assert_array_equal(exact.mask, alone.mask)
    np.testing.assert_array_equal(exact.encoded.symbols, alone.encoded.symbols)
    assert exact.bit_exact
    assert exact.ratio == alone.ratio
