"""Gates: what is counted, and that sharing computes M."""

from collections import Counter
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.hardware.gates import share

networks = st.builds(
    f2f.XorNetwork.random, st.integers(1, 8), st.integers(1, 40), st.integers(0, 2),
    seed=st.integers(0, 99),
)  # fmt: skip


def slow_greedy(matrix):
    """Paar's rule written down slowly: rows as sets, pairs counted anew at each step."""
    rows = [set(np.flatnonzero(row).tolist()) for row in matrix]
    level, made = dict.fromkeys(range(matrix.shape[1]), 0), 0
    while True:
        counts = Counter(pair for row in rows for pair in combinations(sorted(row), 2))
        best = min(
            counts, key=lambda p: (-counts[p], max(level[p[0]], level[p[1]]), p), default=None
        )
        if best is None or counts[best] < 2:
            return made + sum(max(len(row) - 1, 0) for row in rows)
        new = len(level)
        level[new] = max(level[best[0]], level[best[1]]) + 1
        for row in rows:
            if set(best) <= row:
                row -= set(best)
                row.add(new)
        made += 1


@given(networks)
def test_counts_by_output(network):
    found = f2f.gates(network)
    ones = [int(row.sum()) for row in network.matrix]
    assert found.naive == sum(max(n - 1, 0) for n in ones)
    assert 2 ** (found.depth - 1) < max(*ones, 1, 1) <= 2**found.depth or max(ones) <= 1
    assert found.flip_flops == network.n_in * network.n_s
    assert found.depth <= found.shared_depth
    assert len(set(map(bytes, network.matrix)) - {bytes(network.matrix.shape[1])}) <= (
        found.shared + network.matrix.shape[1]
    )
    assert found.shared <= found.naive


@given(networks)
def test_sharing_is_the_greedy_rule_and_computes_the_matrix(network):
    circuit = share(network)
    np.testing.assert_array_equal(circuit.matrix(), network.matrix)
    assert len(circuit.pairs) == slow_greedy(network.matrix)
    for gate, (a, b) in enumerate(circuit.pairs):
        assert a != b
        assert max(a, b) < circuit.inputs + gate  # no loop


@given(networks)
def test_cones_hold_what_an_output_needs_and_no_more(network):
    circuit = share(network)
    needed, served = set(), Counter()
    for row, signal in enumerate(circuit.outputs):
        cone = circuit.cone(row)
        needed |= set(cone)
        holds = {column: 1 << column for column in range(circuit.inputs)}
        for gate in cone:
            a, b = circuit.pairs[gate - circuit.inputs]
            holds[gate] = holds[a] ^ holds[b]
        wanted = sum(1 << int(c) for c in np.flatnonzero(network.matrix[row]))
        assert (0 if signal is None else holds[signal]) == wanted
        served.update(cone)
    assert circuit.serves == served
    assert needed == set(range(circuit.inputs, circuit.inputs + len(circuit.pairs)))


def test_zero_rows_and_equal_rows_take_no_gate_of_their_own():
    network = f2f.XorNetwork([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 1, 0]], n_in=3)
    assert f2f.gates(network) == f2f.Gates(naive=4, shared=2, depth=2, shared_depth=2, flip_flops=0)
