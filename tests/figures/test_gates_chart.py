"""Efficiency against gates: what the chart says of its points is true."""

from types import SimpleNamespace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.analysis.sweep import measure_gates
from f2f_viz.figures.gates_chart import GatesChart, gates_data, gates_sentence


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(2)
    layer = f2f.Layer("w", rng.integers(0, 256, (100, 160)).astype(np.uint8), "uint8", "test")
    return measure_gates(f2f.analyze(layer, f2f.Settings(method="random", n_out=80)))


def test_a_second_register_stage_is_cheaper_than_a_dense_matrix(points):
    table = gates_data(points)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    assert [row["rows"] for row in rows if row["n_s"] == 0] == ["dense", "≤3", "≤2"]
    assert [row["rows"] for row in rows if row["n_s"] == 1] == ["dense", "≤3/3", "≤2/1", "≤3/1"]
    light = next(row for row in rows if (row["n_s"], row["rows"]) == (2, "≤3/1"))
    dense = next(row for row in rows if (row["n_s"], row["rows"]) == (1, "dense"))
    assert light["efficiency"] > dense["efficiency"]
    assert light["gates"] < 0.9 * dense["gates"]
    assert light["flip_flops"] == dense["flip_flops"] + 8
    for row in rows:
        better = [
            r for r in rows if r["efficiency"] >= row["efficiency"] and r["gates"] <= row["gates"]
        ]
        assert row["front"] is (better == [row])
    said = gates_sentence(points)
    assert "n_s = 2" in said
    assert f"{dense['efficiency']:.2%} with {dense['gates']}" in said


def test_nothing_is_said_that_is_not_so(points):
    assert gates_sentence([p for p in points if p.settings.code.n_s < 1]) == ""
    worse = [SimpleNamespace(settings=p.settings, efficiency=0.9, gates=p.gates) for p in points]
    assert gates_sentence(worse) == ""


def test_better_is_higher(points):
    plot = GatesChart(points).root
    assert plot.y_range.start > plot.y_range.end  # of what is corrected
    ticks = plot.yaxis[0].major_label_overrides
    assert ticks[0.01] == "99 %"
