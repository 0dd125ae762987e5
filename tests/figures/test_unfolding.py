"""The trellis that unfolds: its columns are the codec's costs, its way back the encoder's symbols."""

from itertools import product

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.figures.front_end import STATIC, source
from f2f_viz.figures.trellis import costs_at, trellis_data
from f2f_viz.figures.unfolding import (
    BLOCKS,
    UnfoldingView,
    layer_unfolding,
    small_unfolding,
    unfolding,
)

CODES = [(2, 1), (3, 1), (2, 2), (1, 3), (3, 2)]


def drawn(page, data, call):
    """Run the page's own code on the data: what `call` gives, `data` and `columns` at hand."""
    code = source(STATIC / "dom.js", STATIC / "unfolding.js").replace(
        "export default { render };", ""
    )
    return page.evaluate(
        f"(data) => {{ {code}; const columns = unfold(data); return {call}; }}", data
    )


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def stream(n_in, n_s, blocks=7):
    rng = np.random.default_rng(10 * n_in + n_s)
    network = f2f.XorNetwork.random(n_in, 9, n_s)
    bits, care = rng.random((blocks, 9)) < 0.5, rng.random((blocks, 9)) < 0.6
    return bits, care, network


@pytest.mark.parametrize(("n_in", "n_s"), CODES)
def test_columns_are_the_codec_s_costs(page, n_in, n_s):
    bits, care, network = stream(n_in, n_s)
    data = unfolding(bits, care, network)
    costs = drawn(page, data, "columns.map(({ costs }) => costs)")
    for t, column in enumerate(costs, 1):
        reached = [cost for cost in column if cost is not None]
        assert min(reached) == f2f.encode_bits(bits[:t], care[:t], network).mismatches
        assert len(reached) == 2 ** min(n_in * t, n_in * n_s)
    back = drawn(page, data, "traceback(data, columns).map(({ symbol }) => symbol)")
    assert back[::-1] == f2f.encode_bits(bits, care, network).symbols.tolist()


def test_every_state_s_cost_is_the_least_of_all_sequences(page):
    bits, care, network = stream(2, 1, blocks=4)
    costs = drawn(page, unfolding(bits, care, network), "columns.map(({ costs }) => costs)")
    for t, column in enumerate(costs, 1):
        least = [99] * 4
        for symbols in product(range(4), repeat=t):
            wrong = ((network.decode(symbols) != bits[:t]) & care[:t]).sum()
            least[symbols[-1]] = min(least[symbols[-1]], int(wrong))
        assert column == least


@pytest.mark.parametrize(("n_in", "n_s", "cycle"), [(3, 1, 0), (3, 1, 29), (2, 2, 50), (3, 2, 13)])
def test_the_layer_s_columns_are_its_trellis(page, n_in, n_s, cycle):
    settings = f2f.Settings(n_in=n_in, n_s=n_s, recode=False, zero_rate=False, plain=False)
    analysis = f2f.analyze(f2f.sample_layer(), settings)
    plane = 20
    data = layer_unfolding(analysis, plane, cycle)
    first, count = data["first"], len(data["blocks"])
    assert first <= cycle < first + count
    wanted = trellis_data(analysis, plane, first + 6, 12)["nodes"]
    costs = [data["costs"], *drawn(page, data, "columns.map(({ costs }) => costs)")]
    for t in range(first, first + count + 1):
        own = wanted["time"] == t
        states, found = wanted["state"][own].tolist(), wanted["cost"][own].tolist()
        assert {s: c for s, c in enumerate(costs[t - first]) if c is not None} == dict(
            zip(states, found, strict=True)
        )
    back = drawn(page, data, "traceback(data, columns).map(({ symbol }) => symbol)")
    symbols = analysis.encoded.planes[plane].symbols
    assert back[::-1] == symbols[first : first + count].tolist()
    assert np.isfinite(costs_at(analysis, plane, first)).sum() == sum(
        cost is not None for cost in data["costs"]
    )


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 0.99])
def test_the_small_code_is_on_the_layer_s_own_bits(rate):
    analysis = f2f.analyze(f2f.sample_layer(), f2f.Settings(rate=rate, recode=False))
    data = small_unfolding(analysis)
    assert (data["n_in"], data["n_s"], len(data["blocks"])) == (2, 1, BLOCKS)
    start = int(data["about"].split("weights ")[1].split(" to")[0].replace(",", ""))
    plane = int(data["about"].split("plane ")[1].split(" ")[0])
    words = analysis.layer.weights.reshape(-1).view(np.uint32)
    for t, block in enumerate(data["blocks"]):
        index = start + t * data["n_out"] + np.arange(data["n_out"])
        care = analysis.mask.reshape(-1)[index]
        assert block["care"] == np.flatnonzero(care).tolist()
        assert block["wanted"] == (words[index[care]] >> (31 - plane) & 1).tolist()


@pytest.mark.parametrize("shape", [(1, 3), (0, 4), (40,)])
def test_small_and_empty_layers_have_a_trellis_or_a_reason(page, shape):
    rng = np.random.default_rng(0)
    layer = f2f.Layer("w", rng.normal(size=shape).astype(np.float16), "float16", "test")
    for rate in (0.0, 1.0):
        analysis = f2f.analyze(layer, f2f.Settings(rate=rate, n_in=2, n_s=1))
        view = UnfoldingView()
        view.update(analysis)
        view.go(0, 0)
        data = view.root.small
        if analysis.mask.any():
            assert drawn(page, data, "drawUnfolding(data, columns, { step: 3, width: 600 })")
        else:
            assert "Nothing to code" in data["reason"]
            assert view.root.layer["reason"] == data["reason"]
        view.root.close()


def test_a_step_of_the_picture_shows_what_its_words_say(page):
    data = unfolding(*stream(2, 1))
    told = drawn(page, data, "[1, 2, 3, 4, 14, 21].map((step) => tellStep(data, columns, step))")
    assert "4 ways" in told[0]
    assert "0 losers" in told[1]
    assert "16 ways" in told[2]
    assert "12 losers" in told[3]
    wrong = f2f.encode_bits(*stream(2, 1)).mismatches
    assert f"Least so far: {wrong} care bit" in told[4]
    assert f": {wrong} of " in told[5]
    counts = [
        drawn(page, data, f"drawUnfolding(data, columns, {{ step: {step}, width: 900 }})").count(
            kind
        )
        for step, kind in (
            (3, "f2f-way f2f-candidate"),
            (4, "f2f-strike"),
            (21, "f2f-way f2f-chosen"),
        )
    ]
    assert counts == [16, 12, 7]
