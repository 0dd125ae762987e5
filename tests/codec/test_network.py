import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("matrix", "n_in", "message"),
    [
        (np.full((3, 4), 2), 4, "zeros and ones"),
        (np.zeros(4), 4, "zeros and ones"),
        (np.zeros((3, 5)), 4, "multiple of 4"),
        (np.zeros((0, 4)), 4, "at least one bit"),
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
