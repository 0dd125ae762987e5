"""Sweeps: every point is an exact analysis, the front is right, an interrupted sweep goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.analysis import sweep as sweeps
from f2f_viz.analysis.sweep import SweepPoint, front, grid, measure_gates, pareto, sweep
from f2f_viz.tensors.layer import Layer


@pytest.fixture
def layer():
    return Layer(
        "w", np.random.default_rng(0).normal(size=(40, 50)).astype(np.float16), "float16", "test"
    )


def test_grid_is_every_combination():
    settings = grid(f2f.Settings(n_in=4), rate=(0.5, 0.9), n_s=(0, 1))
    assert [(s.rate, s.code.n_s, s.code.n_in) for s in settings] == [
        (0.5, 0, 4),
        (0.5, 1, 4),
        (0.9, 0, 4),
        (0.9, 1, 4),
    ]
    with pytest.raises(f2f.F2FError, match="got width"):
        grid(width=(1, 2))
    with pytest.raises(f2f.F2FError, match="n_in"):
        grid(n_s=(2,), n_in=(9,))


def test_points_are_analyses_and_known_ones_are_not_measured_again(layer, monkeypatch):
    settings = grid(rate=(0.5, 0.9), n_s=(0, 1))
    points = list(sweep([layer], settings))
    for point, choice in zip(points, settings, strict=True):
        exact = f2f.analyze(layer, choice)
        assert (point.ratio, point.efficiency) == (exact.ratio.value, exact.efficiency.value)
        found = f2f.gates(exact.network)
        assert (point.gates, point.naive_gates) == (found.shared, found.naive)
        assert SweepPoint.from_dict(json.loads(json.dumps(point.to_dict()))) == point
    monkeypatch.setattr(sweeps, "analyze", None)  # nothing is left to measure
    assert list(sweep([layer], settings, done=points[::-1])) == points


def test_pareto_front():
    costs = np.array([[1, 5], [2, 2], [3, 1], [2, 3], [3, 3], [2, 2]], float)
    assert pareto(costs).tolist() == [True, True, True, False, False, True]


def test_the_front_is_of_ratio_and_gates_within_a_layer_and_sparsity(layer):
    (point,) = sweep([layer], [f2f.Settings(rate=0.5)])
    faster = replace(point, ratio=point.ratio / 2, seconds=0.0)
    cheaper = replace(faster, gates=point.gates - 1)
    sparser = replace(faster, sparsity=0.9)
    others = replace(faster, layer="another")
    points = [point, faster, cheaper, sparser, others]
    assert front(points).tolist() == [True, False, True, True, True]
    assert front([]).tolist() == []


@pytest.mark.parametrize("n_in", [1, 2, 8])
def test_gates_are_measured_from_dense_to_light(layer, n_in):
    """Each network once, all of one block length; weights that n_in has no room for are left out."""
    analysis = f2f.analyze(layer, f2f.Settings(rate=0.5, n_in=n_in))
    points = measure_gates(analysis)
    networks = [p.settings.code.network(analysis.n_out) for p in points]
    assert all(a != b for i, a in enumerate(networks) for b in networks[:i])
    assert {p.n_out for p in points} == {analysis.n_out}
    for n_s in (0, 1, 2):
        own = [(p, one) for p, one in zip(points, networks, strict=True) if one.n_s == n_s]
        assert own[0][0].settings.code.matrix == "odd"
        for point, one in own:
            assert point.gates == f2f.gates(one).shared
            exact = f2f.analyze(layer, point.settings)
            assert (exact.network, exact.efficiency.value) == (one, point.efficiency)
