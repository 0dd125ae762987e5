import numpy as np

import f2f_viz as f2f
from f2f_viz.figures.pace import PaceView, pace_data


def test_units_on_rows_wait_and_units_on_blocks_do_not():
    layer = f2f.sample_layer()
    a = f2f.analyze(layer, f2f.Settings(n_s=2))
    data = pace_data(a, lanes=4)
    rows = a.mask.sum(axis=1)
    turns = rows.reshape(-1, 4)
    assert data["csr"]["share"] == rows.sum() / 4 / turns.max(axis=1).sum()
    csr = data["csr"]
    first = csr["start"] == 0
    assert sorted((csr["stop"] - csr["start"])[first & (csr["kind"] == "busy")]) == sorted(rows[:4])
    waiting = csr["kind"] == "waits"
    assert (
        ((csr["stop"] - csr["start"])[waiting & (csr["stop"] == rows[:4].max())]).sum()
        == (rows[:4].max() - rows[:4]).sum()
    )
    assert data["f2f"]["share"] > 0.95 > data["csr"]["share"]
    busy = data["f2f"]["kind"] == "busy"
    np.testing.assert_array_equal((data["f2f"]["stop"] - data["f2f"]["start"])[busy], 1)


def test_layers_that_are_small_or_all_pruned_have_a_picture():
    for weights, rate in ((np.ones((1, 3), np.float32), 0.5), (np.ones((2, 2), np.float32), 1.0)):
        layer = f2f.Layer("w", weights, "float32", "test")
        view = PaceView()
        view.update(f2f.analyze(layer, f2f.Settings(rate=rate, n_in=2)))
        titles = [plot.title.text for plot in view.root.children]
        assert titles[1] == "F2F: nothing to do"  # all ones: no plane needs symbols
        assert ("nothing" in titles[0]) == (rate == 1)
