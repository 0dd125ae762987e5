"""Analysis, Encoded and Report: one vocabulary, and a look at each in a line or a table."""

import html
import pickle
from dataclasses import replace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec.sampling import Estimate

WEIGHTS = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
SETTINGS = f2f.Settings(rate=0.9, n_s=1)
COMMON = (
    "sparsity", "max_ratio", "ratio", "file_ratio", "efficiency", "dense_bits",
)  # fmt: skip
OF_LAYERS = (
    "shape", "dtype", "size", "kept", "n_in", "n_s", "n_out", "order", "blocks", "tile_blocks",
    "sparsity", "max_ratio", "ratio", "efficiency", "dense_bits",
)  # fmt: skip


@pytest.fixture(scope="module", params=["float32", "plain", "int8", "pruned", "empty"])
def analysis(request):
    weights, settings = WEIGHTS, SETTINGS
    if request.param == "plain":
        settings = settings.replace(rate=0.0)
    elif request.param == "int8":
        settings = settings.replace(number_format="int8")
    elif request.param == "pruned":
        settings = settings.replace(rate=1.0)
    elif request.param == "empty":
        weights = weights[:0]
    return f2f.analyze(weights, settings)


def test_the_same_names_mean_the_same(analysis):
    account = f2f.report(analysis.encoded)
    assert analysis.report == account
    for name in COMMON:
        assert getattr(analysis, name) == getattr(account, name), name
        assert isinstance(getattr(analysis, name), type(getattr(account, name))), name
    for name in OF_LAYERS:
        assert getattr(analysis, name) == getattr(analysis.encoded, name), name
    assert analysis.encoded.kept_bits == account.kept_bits
    assert analysis.encoded.care_bits == account.care_bits
    assert analysis.encoded.mismatches == account.mismatches
    assert analysis.encoded.payload_bits == account.bits["payload"]


def test_a_preview_has_a_report_of_the_same_kind():
    weights = np.random.default_rng(1).normal(size=(2000, 800)).astype(np.float32)
    preview = f2f.analyze(weights, SETTINGS, preview=True)
    assert not preview.exact
    account = preview.report
    assert account.ratio == preview.ratio
    assert isinstance(preview.ratio, float)
    assert preview.ratio.low < preview.ratio < preview.ratio.high
    assert set(account.bits) == set(preview.bits)
    assert all(type(bits) is int for bits in account.bits.values())
    assert "≈" in repr(preview)


def test_reprs_are_a_line_and_tables_are_escaped(analysis):
    named = replace(analysis, layer=replace(analysis.layer, name="<b>&"))
    for thing in (named, named.encoded, named.report):
        assert len(repr(thing)) < 250
        assert "\n" not in repr(thing)
        shown = thing._repr_html_()
        assert shown.startswith("<table>")
        assert "<b>" not in shown
        assert f"{named.sparsity:.4f}" in shown
    assert html.escape("<b>&") in named._repr_html_()


def test_an_estimate_is_a_number():
    estimate = Estimate(2.0, 1.0, 3.0)
    assert estimate + 1 == 3.0
    assert f"{estimate:.2f}" == "2.00"
    assert (estimate.value, estimate.low, estimate.high) == (2.0, 1.0, 3.0)
    again = pickle.loads(pickle.dumps(estimate))
    assert (again, again.low, again.high) == (2.0, 1.0, 3.0)
    assert repr(Estimate.exactly(2.5)) == "2.5"
    assert repr(estimate) == "Estimate(2, 1 to 3)"
