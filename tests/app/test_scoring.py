"""What pruning costs: accuracy of the sample network, or somebody's own score."""

import asyncio

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz import samples
from f2f_viz.analysis.curves import scored
from f2f_viz.app import tabs
from f2f_viz.app.scoring import scorer_of
from f2f_viz.figures.ratio import RatioView

LAYER = f2f.sample_layer()


def by_hand(settings):
    """Encode, decode, and have the network read the test digits with the decoded layer."""
    a = f2f.analyze(LAYER, settings)
    model = samples.sample_model() | {"ffn1.weight": f2f.decode(a.encoded)}
    images, labels = samples.test_set()
    return float(np.mean(samples.predict(model, images) == labels))


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 0.97])
def test_the_score_is_that_of_the_decoded_layer(rate):
    settings = f2f.Settings(rate=rate, n_s=0)
    scorer = scorer_of(LAYER, None)
    sparsity, accuracy = scorer.point(LAYER, settings)
    assert accuracy == by_hand(settings)
    assert sparsity == pytest.approx(rate, abs=1e-3)


def test_rounding_counts_too():
    settings = f2f.Settings(rate=0.5, number_format="int8/channel")
    seen = []
    sparsity, _ = scored(LAYER, settings, lambda weights: seen.append(weights) or 1)
    (weights,) = seen
    assert weights.dtype == np.float32
    assert (weights == 0).mean() >= sparsity
    kept = weights != 0
    assert 0 < np.abs(weights - LAYER.weights)[kept].max() < 0.01


def test_dense_is_as_the_samples_say():
    _, dense = scorer_of(LAYER, None).point(LAYER, None)
    recorded = samples.sample_info()["variants"]["dense"]["accuracy"]
    assert dense == pytest.approx(recorded, abs=1.5 / len(samples.test_set()[1]))


def test_who_scores_a_layer():
    mine = f2f.Layer(LAYER.name, LAYER.weights, "float32", "mine")
    assert scorer_of(mine, None) is None
    assert scorer_of(mine, np.sum).label == "Score"

    def fails(_):
        raise ZeroDivisionError

    card = scorer_of(mine, fails).card((scorer_of(mine, fails).point(mine, None),) * 2)
    assert card["value"] == "failed"


def test_the_analyzer_shows_it():
    async def drive(analyzer):
        await analyzer.settled()
        async with asyncio.timeout(30):
            while analyzer.headline.cards[-1]["value"] == "…":
                await asyncio.sleep(0.01)
        card = analyzer.headline.cards[-1]
        analyzer.close()
        return card

    card = asyncio.run(drive(f2f.Analyzer(settings=f2f.Settings(n_s=0))))
    accuracy = by_hand(f2f.Settings(n_s=0))
    assert (card["key"], card["value"]) == ("score", f"{100 * accuracy:.1f}")
    weights = np.arange(-40, 40, dtype=np.float32)
    own = f2f.Analyzer(weights, f2f.Settings(rate=0.5), score=lambda w: np.abs(w).sum())
    card = asyncio.run(drive(own))
    kept = np.abs(weights) >= 20.5
    assert float(card["value"]) == pytest.approx(np.abs(weights[kept]).sum(), rel=0.02)
    assert card["note"] == f"dense {np.abs(weights).sum():.4g}"


def test_ratio_has_the_axis_of_a_score_where_there_is_one(monkeypatch):
    views, scorers = [], [None]

    def kept(*options):
        views.append(RatioView(*options))
        return views[-1]

    monkeypatch.setattr(tabs, "RatioView", kept)
    unused = dict.fromkeys(("where", "select", "show", "change", "siblings"), lambda *_: None)
    link = tabs.Link("light", **unused, busy=lambda: False, scorer=lambda: scorers[0])
    analysis = f2f.analyze(f2f.load_layer(np.arange(1, 9, dtype=np.float32)), f2f.Settings())

    async def drive():
        tab = tabs.TABS["Ratio"](link, analysis)
        plot = views[0].root.select_one({"name": "ratio"})
        (axis,), line = plot.right, plot.select_one({"name": "scores"})
        (key,) = (item for item in plot.legend[0].items if line in item.renderers)
        scores = line.data_source
        tab.fill(analysis)
        assert (axis.visible, key.visible) == (False, False)
        scorers[0] = scorer_of(analysis.given, lambda weights: float(np.count_nonzero(weights)))
        tab.fill(analysis)
        async with asyncio.timeout(30):
            while not scores.data["score"]:
                await asyncio.sleep(0.01)
        assert (axis.visible, axis.axis_label) == (True, "score")
        assert (key.visible, key.label.value) == (True, "score")
        scorers[0] = None
        tab.fill(analysis)
        assert (axis.visible, key.visible, scores.data["score"]) == (False, False, [])
        tab.pause()

    asyncio.run(drive())
