"""One selection: a bit, its weight, its block, its plane, and the way of it in words."""

import asyncio

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.app.selection import Selection
from f2f_viz.app.trail import parts_of, trail


@pytest.fixture(scope="module")
def analysis():
    return f2f.analyze(f2f.sample_layer(), f2f.Settings(n_s=0))


def mismatches(a, plane):
    positions = np.sort(a.encoded.positions(a.encoded.planes[plane]))
    return [divmod(int(p), a.n_out) for p in positions]


def test_the_way_of_a_corrected_bit(analysis):
    a = analysis
    planes = enumerate(a.encoded.planes)
    plane = next(p for p, one in planes if len(mismatches(a, p)) > 2 and not one.inverted)
    (cycle, bit), *_ = mismatches(a, plane)
    t = f2f.trace(a.encoded, plane, cycle, cycle + 1)
    row, column = divmod(int(t.weight_index[0, bit]), a.layer.weights.shape[1])
    wanted = int(a.layer.weights.view(np.uint32)[row, column] >> (31 - plane) & 1)
    texts = [part["text"] for part in trail(a, Selection(plane, cycle, bit))]
    value = f"{a.layer.weights[row, column]:.4g}".replace("-", "−")
    assert texts == [
        f"w[{row},{column}] = {value}",
        f"block {cycle}, bit {bit}",
        f"plane {plane}, {a.planes[plane].name}",
        f"symbol 0x{t.symbols[0]:02X}",
        f"gates give {1 - wanted}: mismatch",
        f"corrected to {wanted}",
    ]
    assert "corrections" in parts_of(a, Selection(plane, cycle, bit))


def test_the_gates_are_said_to_give_what_they_give(analysis):
    a = analysis
    for plane, coded in enumerate(a.encoded.planes):
        for cycle, bit in ((0, 0), (3, 8)):
            t = f2f.trace(a.encoded, plane, cycle, cycle + 1)
            raw, filled = int(t.raw[0, bit]), int(t.raw[0, bit] ^ coded.inverted)
            texts = [part["text"] for part in trail(a, Selection(plane, cycle, bit))]
            said = next(text for text in texts if text.startswith(("gates", "filled")))
            if not a.planes[plane].payload:
                assert "no symbol, so no gates" in texts
                assert said.startswith(f"filled with {filled}:")
            elif coded.inverted:
                assert said.startswith(f"gates give {raw}, inverted {filled}:")
            else:
                assert said.startswith(f"gates give {raw}:")
    kinds = {
        (plane.payload > 0, coded.inverted)
        for plane, coded in zip(a.planes, a.encoded.planes, strict=True)
    }
    assert {(False, False), (True, True), (True, False)} <= kinds


def test_a_pruned_weight_a_preview_and_an_empty_layer(analysis):
    care = f2f.trace(analysis.encoded, 0, 3, 4).care[0]
    pruned = Selection(0, 3, int(care.argmin()))
    first, *_, last = trail(analysis, pruned)
    assert "pruned" in first["text"]
    assert "don't-care" in last["text"]
    assert parts_of(analysis, pruned) == ("mask",)
    empty = f2f.analyze(np.zeros((0, 4), np.float32))
    assert trail(empty, Selection()) == []
    large = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    preview = f2f.analyze(large, preview=True)
    assert not preview.exact
    assert "exact search" in trail(preview, Selection())[-1]["text"]
    assert Selection(1, 2, 3).next_mismatch(preview) == Selection(1, 2, 3)


def test_mismatches_follow_each_other_through_all_planes(analysis):
    a = analysis
    every = [Selection(p, *at) for p in range(len(a.planes)) for at in mismatches(a, p)]
    at, found = Selection(), []
    for _ in every:
        at = at.next_mismatch(a)
        found.append(at)
    assert found == every
    assert at.next_mismatch(a) == every[0]


def test_blocks_of_so_many_care_bits_follow_each_other(analysis):
    a = analysis
    blocks = np.flatnonzero(a.n_u == 12)
    at, found = Selection(), []
    for _ in blocks:
        at = at.next_block(a, 12)
        found.append(at.cycle)
        assert f2f.trace(a.encoded, 0, at.cycle, at.cycle + 1).care[0, at.bit]
    assert sorted(found) == blocks.tolist()
    assert at.next_block(a, a.n_out) == at  # there is none


def test_every_station_leads_to_a_view_and_has_a_colour(analysis):
    from f2f_viz.app.tabs import TABS
    from f2f_viz.figures.palette import LIGHT

    for part in trail(analysis, Selection(9, 5, 7)):
        assert part["tab"] in TABS
        assert hasattr(LIGHT, part["kind"])


@pytest.mark.parametrize("at", [Selection(), Selection(3, 1, 2)])
def test_a_view_that_opens_leaves_it_where_it_is(at):
    async def drive():
        analyzer = f2f.Analyzer()
        await analyzer.settled()
        analyzer.selection = at
        for analyzer.tab in ("Planes", "Decoder", "Trellis", "Lanes"):
            await asyncio.sleep(0)
            assert analyzer.selection == at, analyzer.tab
        analyzer.close()

    asyncio.run(drive())
