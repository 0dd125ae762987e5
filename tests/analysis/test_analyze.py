"""A preview is honest about what it does not know."""

import numpy as np
import pytest

import f2f_viz as f2f
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
