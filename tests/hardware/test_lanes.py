"""Schedules of lanes, against a clock that ticks, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.hardware import lanes
from f2f_viz.samples import SMALL

work = st.lists(st.integers(0, 9), max_size=40).map(lambda w: np.array(w, int))
counts = st.integers(1, 7)


def ticking(queues, take):
    """Tick until all is done; `take(lane, queues, idle)` gives an idle lane's next (piece, cycles)."""
    left, now, done = {}, 0, {}
    while True:
        for lane in queues:
            while lane not in left:
                got = take(lane, queues, len(left))
                if got is None:
                    break
                piece, cycles = got
                done[piece] = [lane, now, now + cycles]
                if cycles:
                    left[lane] = cycles
        if not left:
            return done
        now += 1
        left = {lane: n - 1 for lane, n in left.items() if n > 1}


@given(work, counts)
def test_dealt_and_free_lanes_are_a_ticking_clock_s(rows, n):
    own = {j: list(range(j, rows.size, n)) for j in range(n)}
    dealt = ticking(own, lambda j, q, _: (q[j][0], int(rows[q[j].pop(0)])) if q[j] else None)
    found = lanes.csr_dealt(rows, n)
    for piece, (lane, start, stop) in dealt.items():
        assert (found.lane[piece], found.start[piece], found.stop[piece]) == (lane, start, stop)
    shared = list(range(rows.size))
    free = ticking(
        dict.fromkeys(range(n)),
        lambda j, q, _: (shared[0], int(rows[shared.pop(0)])) if shared else None,
    )
    found = lanes.csr_free(rows, n)
    assert found.cycles == max((stop for _, _, stop in free.values()), default=0)
    assert sorted(found.stop.tolist()) == sorted(stop for _, _, stop in free.values())


@given(work, counts, st.integers(1, 3))
def test_no_lane_does_two_things_at_once(pieces, n, flips):
    schedules = [
        lanes.csr_lockstep(pieces, n), lanes.csr_dealt(pieces, n), lanes.csr_free(pieces, n),
        lanes.f2f_blocks(pieces, n, flips=flips),
    ]  # fmt: skip
    for found in schedules:
        assert len(found.lane) == pieces.size
        busy = set()
        for lane, start, stop in zip(found.lane, found.start, found.stop, strict=True):
            own = {(int(lane), cycle) for cycle in range(start, stop)}
            assert not own & busy
            busy |= own
        assert 0 < found.share <= 1 or not pieces.sum()
    assert schedules[2].cycles <= schedules[1].cycles <= schedules[0].cycles or n > 1
    np.testing.assert_array_equal(schedules[0].stop - schedules[0].start, pieces)


@given(work, counts, st.integers(1, 3), st.integers(1, 4))
def test_bitmask_is_a_ticking_clock_s(care, n, width, buffer):
    groups = [int(care[at : at + n].sum()) for at in range(0, care.size, n)]
    read = [0] * len(groups)
    out, now, at = [], 0, 0
    while len(out) < len(groups):
        now += 1
        room, opened = width * n, len(out)  # groups that had left when this cycle began
        while room and at < len(groups) and at < opened + buffer:
            some = min(room, groups[at] - read[at])
            read[at] += some
            room -= some
            if read[at] < groups[at]:
                break
            at += 1
        if at > len(out):
            out.append(now)
    found = lanes.bitmask(care, n, width=width, buffer=buffer)
    assert found.stop[::n].tolist() == out


def test_by_hand():
    """Rows of 5, 1, 1, 1, 4, 2 kept weights on two lanes: 14 weights, 7 cycles at best."""
    rows = np.array([5, 1, 1, 1, 4, 2])
    assert lanes.csr_lockstep(rows, 2).start.tolist() == [0, 0, 5, 5, 6, 6]
    assert lanes.csr_lockstep(rows, 2).cycles == 5 + 1 + 4
    assert lanes.csr_dealt(rows, 2).cycles == 5 + 1 + 4
    free = lanes.csr_free(rows, 2)
    assert free.lane.tolist() == [0, 1, 1, 1, 1, 0]
    assert free.start.tolist() == [0, 0, 1, 2, 3, 5]
    assert (free.cycles, free.share) == (7, 1.0)
    # blocks with 0, 2, 1, 0, 3, 0 corrections: lanes of three blocks take 1 + 2 + 1 and 1 + 3 + 1
    blocks = lanes.f2f_blocks(np.array([0, 2, 1, 0, 3, 0]), 2)
    assert blocks.stop.tolist() == [1, 3, 4, 1, 4, 5]
    assert blocks.share == 3 / 5
    assert lanes.f2f_blocks(np.array([0, 2, 1, 0, 3, 0]), 2, flips=3).share == 1
    # groups of 16, 0 and 20 weights at 8 per cycle: two cycles, one, and the rest
    mask = lanes.bitmask(np.array([9, 7, 0, 0, 10, 10]), 2, width=4)
    assert mask.stop.tolist() == [2, 2, 3, 3, 5, 5]


def test_fixed_blocks_keep_lanes_busy_where_rows_do_not():
    layer = f2f.sample_layer(SMALL)
    mask = f2f.prune(layer.weights, 0.9)
    encoded = f2f.encode(layer.weights, mask, f2f.Code(n_s=1, n_out=80))
    wrong = [
        np.bincount(encoded.positions(p) // 80, minlength=encoded.blocks) for p in encoded.planes
    ]
    rows = mask.sum(axis=1)
    assert lanes.csr_lockstep(rows, 16).share < 0.7
    assert lanes.f2f_blocks(np.concatenate(wrong), 16).share > 0.9


@pytest.mark.parametrize("bad", [np.array([-1]), np.array([[1]]), np.array([0.5])])
def test_bad_work_is_named(bad):
    with pytest.raises(f2f.F2FError, match="work of lanes"):
        lanes.csr_free(bad, 2)
    with pytest.raises(f2f.F2FError, match="0 lanes"):
        lanes.f2f_blocks(np.array([1]), 0)
