"""Pruning beyond one magnitude a layer: rows, several layers, N:M, scores and masks from files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file

from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import load_mask
from f2f_viz.tensors.pruning import METHODS, prune, prune_together, register_pruning

SMALL = st.integers(-4, 4).map(np.float32)  # few values, so many ties
LAYERS = arrays(np.float32, array_shapes(min_dims=1, max_dims=3, max_side=6), elements=SMALL)
RATES = st.floats(0, 1)


@given(LAYERS, RATES)
def test_rows_are_pruned_one_by_one(weights, rate):
    mask = prune(weights, rate, per="row")
    for row, kept in zip(weights, mask, strict=True):
        np.testing.assert_array_equal(kept, prune(row, rate))


@given(st.dictionaries(st.text(max_size=3), LAYERS, max_size=4), RATES)
def test_layers_together_are_pruned_as_one(weights, rate):
    masks = prune_together(weights, rate)
    assert list(masks) == list(weights)
    if weights:
        joined = np.concatenate([layer.ravel() for layer in weights.values()])
        expected = prune(joined, rate)
        np.testing.assert_array_equal(np.concatenate([m.ravel() for m in masks.values()]), expected)
    for name, mask in masks.items():
        assert mask.shape == weights[name].shape


def test_layers_together_lose_what_they_can_spare():
    weights = {"strong": np.full(10, 2, np.float32), "weak": np.ones((3, 10), np.float32)}
    masks = prune_together(weights, 0.5)
    assert masks["strong"].all()
    assert masks["weak"].sum() == 10
    with pytest.raises(F2FError, match="0 ≤ rate ≤ 1"):
        prune_together(weights, 2)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (4, 8), (1, 3), (3, 3)])
@given(data=st.data())
def test_n_of_m_keeps_the_largest_of_each_group(n, m, data):
    shape = (data.draw(st.integers(0, 4)), 2, m)
    weights = data.draw(arrays(np.float32, shape, elements=SMALL))
    mask = prune(weights, 0.5, "n:m", pattern=f"{n}:{m}")
    groups, kept = abs(weights.reshape(-1, m)), mask.reshape(-1, m)
    assert (kept.sum(1) == n).all()
    least_kept = np.where(kept, groups, np.inf).min(1)
    assert (np.where(kept, -np.inf, groups).max(1, initial=-np.inf) <= least_kept).all()


def test_n_of_m_by_hand():
    weights = np.array([[1, 2, 3, 4, 5, -6, 5, 5]], np.float32)
    assert prune(weights, 0, "n:m").astype(int).tolist() == [[0, 0, 1, 1, 1, 1, 0, 0]]
    mask = prune(weights, 0, "n:m", pattern="4:8")
    assert mask.astype(int).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]


def test_scores_decide():
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    scores = np.array([[5, -1, 3], [3, 3, 0]], np.float64)
    mask = prune(weights, 0.5, "scores", scores=scores)
    assert mask.astype(int).tolist() == [[1, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
def test_mask_from_a_file(tmp_path, dtype, suffix):
    mask = np.array([[1, 0, 1], [0, 0, 1]], bool)
    path = tmp_path / f"m.{suffix}"
    stored = mask.astype(dtype) * dtype(1)
    if suffix == "safetensors":
        save_file({"m": stored}, path)
    else:
        (np.save if suffix == "npy" else np.savez)(path, stored)
    np.testing.assert_array_equal(load_mask(path), mask)


@pytest.mark.parametrize(
    ("method", "options", "match"),
    [
        ("magnitude", {"per": "column"}, "per: expected one of layer, row"),
        ("random", {"per": "row"}, "options of pruning method 'random'"),
        ("scores", {}, "scores"),
        ("scores", {"scores": np.ones(3)}, "another shape"),
        ("scores", {"scores": np.full((2, 6), np.nan)}, "not a number"),
        ("scores", {"scores": "w.npy"}, "no such file: w.npy"),
        ("n:m", {"pattern": "2"}, "1 ≤ N ≤ M"),
        ("n:m", {"pattern": "3:2"}, "1 ≤ N ≤ M"),
        ("n:m", {"pattern": "0:2"}, "1 ≤ N ≤ M"),
        ("n:m", {}, "multiple of 4 weights in a row, got 6"),
    ],
)
def test_bad_options(method, options, match):
    with pytest.raises(F2FError, match=match):
        prune(np.ones((2, 6), np.float32), 0.5, method, **options)


def test_an_own_method_cannot_change_the_layer():
    weights = np.ones((2, 3), np.float32)

    def spoils(weights, rate, seed):
        weights[0] = 9
        return weights > 1

    register_pruning("spoils", spoils)
    try:
        with pytest.raises(ValueError, match="read-only"):
            prune(weights, 0.5, "spoils")
    finally:
        del METHODS["spoils"]
    assert (weights == 1).all()
    assert weights.flags.writeable
