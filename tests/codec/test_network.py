from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f2f_viz.codec.code import Code
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import unpack_mask
from f2f_viz.errors import F2FError
from tests.reference import decode


@given(
    n_in=st.integers(1, 8),
    n_s=st.integers(0, 3),
    n_out=st.integers(1, 40),
    blocks=st.integers(0, 12),
    seed=st.integers(0, 2**20),
)
def test_decode_is_the_matrix_product(n_in, n_s, n_out, blocks, seed):
    network = XorNetwork.random(n_in, n_out, n_s, seed=seed)
    symbols = np.random.default_rng(seed).integers(0, 1 << n_in, blocks, dtype=np.uint16)
    np.testing.assert_array_equal(network.decode(symbols), decode(network, symbols))


def test_same_seed_same_network():
    assert XorNetwork.random(8, 80, 2, seed=3) == XorNetwork.random(8, 80, 2, seed=3)
    assert XorNetwork.random(8, 80, 2, seed=3) != XorNetwork.random(8, 80, 2, seed=4)
    assert XorNetwork.random(8, 80, 2).n_s == 2


@given(seed=st.integers(0, 2**20), n_in=st.integers(2, 8))
def test_rows_that_meet_the_newest_symbol_are_far_from_dependent(seed, n_in):
    n_out = 1 << (n_in - 1)
    network = XorNetwork.random(n_in, n_out, 1, seed=seed)
    rows = network.matrix[:, :n_in].astype(int) @ (1 << np.arange(n_in))
    assert 0 not in rows
    assert len(set(rows)) == n_out
    assert not set((rows[:, None] ^ rows).ravel()) & set(rows)  # no three add up to zero


def _vectors(network):
    """Rows of M by stage, as integers; shape (n_s + 1, n_out)."""
    stages = network.matrix.reshape(network.n_out, network.n_s + 1, network.n_in).astype(int)
    return (stages @ (1 << np.arange(network.n_in))).T


@given(
    n_in=st.integers(1, 8),
    n_out=st.integers(1, 300),
    weights=st.lists(st.none() | st.integers(1, 8), min_size=1, max_size=4),
    n_s=st.integers(0, 3),
    seed=st.integers(0, 2**20),
)
def test_light_rows_have_their_weights(n_in, n_out, weights, n_s, seed):
    weights = [None if w is None else min(w, n_in) for w in weights]
    network = XorNetwork.light(n_in, n_out, n_s, weights=weights, seed=seed)
    assert network == XorNetwork.light(n_in, n_out, n_s, weights=weights, seed=seed)
    newest, *older = _vectors(network)
    count = np.bitwise_count(newest)
    assert 1 <= count.min() <= count.max() <= (weights[0] or n_in)
    there = sum(comb(n_in, k) for k in range(1, (weights[0] or n_in) + 1))
    assert len(set(newest.tolist())) == min(there, n_out)  # none twice before all are used
    first = count[:there]
    keys = [(c % 2 == 0, c) for c in first.tolist()]
    assert keys == sorted(keys)  # odd before even, light before heavy
    for stage, own in enumerate(older, 1):
        weight = weights[min(stage, len(weights) - 1)] if len(weights) > 1 else None
        if weight is not None:
            assert set(np.bitwise_count(own).tolist()) == {weight}
            uses = np.unique(own, return_counts=True)[1]
            assert len(uses) < comb(n_in, weight) or np.ptp(uses) <= 1


def test_light_rows_of_odd_weight_are_far_from_dependent():
    rows = _vectors(XorNetwork.light(8, 128, 1, weights=(None, None), seed=5))[0]
    assert not set((rows[:, None] ^ rows).ravel().tolist()) & set(rows.tolist())


@pytest.mark.parametrize("weights", [(0, 1), (13, 1), (3, -1), (3, 9)])
def test_weights_that_no_row_has_are_named(weights):
    with pytest.raises(F2FError, match="weight of a matrix row"):
        XorNetwork.light(8, 80, 1, weights=weights)


@pytest.mark.parametrize(
    ("matrix", "n_in", "message"),
    [
        (np.full((3, 4), 2), 4, "zeros and ones"),
        (np.zeros(4), 4, "zeros and ones"),
        (np.zeros((3, 5)), 4, "multiple of 4"),
        (np.zeros((0, 4)), 4, "n_out 1 to 4096"),
        (np.zeros((3, 13)), 13, "1 to 12"),
    ],
)
def test_bad_matrices_are_named(matrix, n_in, message):
    with pytest.raises(F2FError, match=message):
        XorNetwork(matrix, n_in)


def test_bad_symbols_are_named():
    network = XorNetwork.random(4, 20, 1)
    with pytest.raises(F2FError, match="below 16"):
        network.decode(np.array([16]))
    with pytest.raises(F2FError, match="unsigned"):
        network.decode(np.array([-1]))


def test_packed_planes_restart_at_every_tile():
    network = XorNetwork.random(5, 70, 2)
    symbols = np.random.default_rng(1).integers(0, 32, (3, 23), dtype=np.uint16)
    out = network.decode_packed(symbols, 10)
    for plane in range(3):
        parts = [network.decode(symbols[plane, at : at + 10]) for at in (0, 10, 20)]
        np.testing.assert_array_equal(unpack_mask(out[plane], 70), np.concatenate(parts))


def test_a_code_has_as_many_row_weights_as_a_register_has_stages():
    assert Code(weights=[1] * 17).weights == (1,) * 17
    with pytest.raises(F2FError, match="1 to 17 numbers"):
        Code(weights=[1] * 18)
