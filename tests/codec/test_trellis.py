"""The search returns the true minimum, whatever the path it takes."""

from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f2f_viz.codec import _core
from f2f_viz.codec.instruction_set import NAMES
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_mask
from f2f_viz.codec.trellis import encode_bits, search_tiles
from f2f_viz.errors import Cancelled, F2FError
from tests.reference import brute_force, dynamic_program, mismatches, random_stream

KERNELS = NAMES[: _core.best_instruction_set() + 1]


@pytest.fixture
def assert_optimal(monkeypatch):
    """Search with every instruction set; the textbook's program, the slow part, runs once."""

    def check(bits, care, network):
        least = dynamic_program(bits, care, network)
        for name in KERNELS:
            monkeypatch.setenv("F2F_VIZ_ISA", name)
            found = encode_bits(bits, care, network)
            assert found.mismatches == mismatches(bits, care, network, found.symbols), name
            assert found.mismatches == least, name

    return check


@settings(deadline=None, max_examples=40)
@given(
    code=st.sampled_from([(1, 0), (1, 3), (2, 0), (2, 1), (2, 2), (3, 1), (1, 2)]),
    n_out=st.integers(1, 9),
    blocks=st.integers(0, 3),
    keep=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
def test_no_sequence_is_better(code, n_out, blocks, keep, seed):
    n_in, n_s = code
    rng = np.random.default_rng(seed)
    network = XorNetwork(rng.integers(0, 2, (n_out, n_in * (n_s + 1))), n_in)
    bits, care = random_stream(rng, blocks, n_out, keep)
    found = encode_bits(bits, care, network)
    assert found.mismatches == mismatches(bits, care, network, found.symbols)
    assert found.mismatches == brute_force(bits, care, network)


@pytest.mark.parametrize("kind", ["random", "skewed", "zeros", "ones", "periodic"])
@pytest.mark.parametrize(
    ("n_in", "n_s", "n_out", "keep", "blocks"),
    [
        (8, 0, 80, 0.1, 300),
        (12, 0, 70, 0.2, 20),
        (8, 1, 80, 0.1, 120),
        (8, 1, 20, 0.4, 60),
        (8, 1, 130, 0.3, 12),
        (10, 1, 100, 0.1, 6),
        (5, 1, 12, 0.4, 100),
        (4, 2, 40, 0.1, 100),
        (4, 3, 40, 0.1, 40),
        (2, 7, 10, 0.3, 60),
        (6, 2, 60, 0.1, 12),
        (4, 2, 60, 0.3, 60),
        (5, 2, 20, 0.4, 40),
        (3, 5, 9, 0.35, 20),
        (1, 16, 3, 0.5, 20),
    ],
)
def test_equals_the_textbook_dynamic_program(assert_optimal, kind, n_in, n_s, n_out, keep, blocks):
    rng = np.random.default_rng([n_in, n_s, n_out])
    network = XorNetwork.random(n_in, n_out, n_s, seed=int(rng.integers(99)))
    bits, care = random_stream(rng, blocks, n_out, keep, kind)
    assert_optimal(bits, care, network)


@pytest.mark.parametrize(
    ("n_out", "keep", "blocks", "kind"),
    [
        (80, 0.1, 6, "random"),
        (24, 0.5, 6, "skewed"),
        (80, 0.25, 5, "random"),
        (90, 0.9, 4, "ones"),
    ],
)
def test_two_stages_of_eight_bits_equal_the_textbook_program(
    assert_optimal, n_out, keep, blocks, kind
):
    rng = np.random.default_rng(n_out)
    network = XorNetwork.random(8, n_out, 2, seed=1)
    bits, care = random_stream(rng, blocks, n_out, keep, kind)
    assert_optimal(bits, care, network)


def test_a_long_tile_of_clusters_equals_the_textbook_program(assert_optimal):
    """Costs of more blocks than are kept at once; paths that the quick levels do not prove."""
    rng = np.random.default_rng(12)
    network = XorNetwork.random(4, 40, 2)
    runs = rng.choice([0.02, 0.1, 0.1, 0.1, 0.3, 0.6, 0.95], 800)
    keep = np.repeat(runs, rng.integers(1, 9, 800))[:, None]
    bits, care = random_stream(rng, len(keep), 40, keep)
    assert_optimal(bits, care, network)


@pytest.mark.parametrize("equal", [0, 3, 8])
def test_columns_that_depend_on_each_other_cost_no_optimum(assert_optimal, equal):
    """Symbols that change no care bit, and pairs of them; heavy blocks among light ones."""
    rng = np.random.default_rng(equal)
    matrix = rng.integers(0, 2, (30, 18))
    columns = rng.integers(0, 18, (2, equal))
    matrix[:, columns[0]] = matrix[:, columns[1]]
    matrix[:, columns[0][:1]] = 0
    network = XorNetwork(matrix, 6)
    bits, care = random_stream(rng, 20, 30, np.tile([[0.1], [0.3], [0.5], [0.9]], (5, 1)))
    assert_optimal(bits, care, network)


SIZES = [9, 10, 12, 14, 16, 17, 20, 24, 25, 33, 49, 64, 65, 90, 112, 113, 128, 130]
DEAR, DEARER = [9, 16, 25, 40, 65, 112, 128], [12, 20, 29, 33, 49]
"""At two stages of eight bits, where the textbook's program takes its time."""


@pytest.mark.parametrize(
    ("n_in", "n_s", "n_u"),
    [(4, 2, n) for n in SIZES]
    + [(8, 1, n) for n in SIZES]
    + [(8, 2, n) for n in DEAR]
    + [pytest.param(8, 2, n, marks=pytest.mark.slow) for n in DEARER],
)
def test_a_block_of_any_size_among_light_ones(assert_optimal, n_in, n_s, n_u):
    rng = np.random.default_rng(n_u)
    network = XorNetwork.random(n_in, 130, n_s)
    bits, care = random_stream(rng, 6, 130, 0.05)
    care[3] = rng.permutation(130) < n_u
    assert_optimal(bits, care, network)


def test_triples_of_columns_that_depend_on_each_other(assert_optimal):
    rng = np.random.default_rng(5)
    matrix = XorNetwork.random(8, 80, 2).matrix.copy()
    matrix[:, 3] = matrix[:, 20]
    matrix[:, 5] = 0
    network = XorNetwork(matrix, 8)
    bits, care = random_stream(rng, 6, 80, 0.05)
    care[3] = rng.permutation(80) < 30
    assert_optimal(bits, care, network)


@pytest.mark.parametrize(("n_in", "n_s"), [(8, 0), (8, 1), (8, 2), (6, 2)])
def test_instruction_sets_agree_and_keep_their_promise(monkeypatch, n_in, n_s):
    rng = np.random.default_rng(4)
    network = XorNetwork.random(n_in, 10 * n_in, n_s)
    care = rng.random((260, network.n_out)) < rng.choice([0.02, 0.1, 0.13], (260, 1))
    bits, _ = random_stream(rng, 260, network.n_out, 0.1)
    found = []
    for name in KERNELS:
        monkeypatch.setenv("F2F_VIZ_ISA", name)
        found.append(encode_bits(bits, care, network))
        assert found[-1].mismatches == mismatches(bits, care, network, found[-1].symbols)
        np.testing.assert_array_equal(found[-1].symbols, found[0].symbols)


def packed(rng, planes, blocks, n_out, keep):
    bits = rng.random((planes, blocks, n_out)) < 0.5
    care = rng.random((blocks, n_out)) < keep
    return bits, care, np.stack([pack_mask(plane) for plane in bits]), pack_mask(care)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_tile_is_its_own_stream(threads):
    rng = np.random.default_rng(5)
    network = XorNetwork.random(4, 20, 2)
    bits, care, packed_bits, packed_care = packed(rng, 3, 107, 20, 0.2)
    found = search_tiles(packed_bits, packed_care, network, tile_blocks=25, threads=threads)
    assert found.mismatches.shape == (3, 5)
    for plane in range(3):
        for tile in range(5):
            part = slice(25 * tile, 25 * (tile + 1))
            alone = encode_bits(bits[plane, part], care[part], network)
            np.testing.assert_array_equal(found.symbols[plane, part], alone.symbols)
            assert found.mismatches[plane, tile] == alone.mismatches


def test_progress_ends_at_the_total():
    rng = np.random.default_rng(6)
    _, _, bits, care = packed(rng, 2, 40, 20, 0.2)
    seen = []
    search_tiles(
        bits, care, XorNetwork.random(4, 20, 1), tile_blocks=10,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen[-1] == (8, 8)
    assert seen == sorted(seen)


def test_cancel_raises():
    rng = np.random.default_rng(7)
    _, _, bits, care = packed(rng, 4, 4000, 80, 0.3)
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        search_tiles(bits, care, XorNetwork.random(8, 80, 1), cancel=cancel)


def test_bad_input_says_expected_and_got():
    network = XorNetwork.random(4, 20, 1)
    with pytest.raises(F2FError, match="expected shape"):
        encode_bits(np.zeros((3, 19), bool), np.zeros((3, 19), bool), network)
    with pytest.raises(F2FError, match=r"n_in·n_s"):
        encode_bits(np.zeros((3, 20), bool), np.zeros((3, 20), bool), XorNetwork.random(6, 20, 3))
    ones = np.ones((1, 4000), bool)
    with pytest.raises(F2FError, match="care bits"):
        encode_bits(ones, ones, XorNetwork.random(4, 4000, 3))
