"""Lanes on a layer's own mask: what the tab, its page and the print show is one simulation's."""

import base64
import threading

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.figures import lanes as figures
from f2f_viz.figures.front_end import STATIC, source
from f2f_viz.figures.lanes import COUNTS, SCHEMES, LanesView, lanes_data, lanes_table, schedules
from f2f_viz.figures.lanes_chart import LanesChart, told
from f2f_viz.hardware.lanes import f2f_blocks
from f2f_viz.samples import SMALL


@pytest.fixture(scope="module")
def analysis():
    return f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())


@pytest.fixture(scope="module")
def data(analysis):
    return lanes_data(analysis)


def clock(work, lanes):
    """Rows, one weight a cycle, in lockstep: tick until every lane of a turn is done."""
    cycles = 0
    for at in range(0, len(work), lanes):
        left = list(work[at : at + lanes])
        while any(left):
            left = [max(one - 1, 0) for one in left]
            cycles += 1
    return cycles


def test_the_work_is_the_layer_s(analysis, data):
    np.testing.assert_array_equal(data["rows"], analysis.mask.sum(axis=1))
    np.testing.assert_array_equal(data["care"], analysis.n_u)
    coded = [p for p in analysis.encoded.planes if not p.zero_rate]
    assert data["planes"] == len(coded)
    assert data["corrections"].size == len(coded) * analysis.blocks
    assert data["corrections"].sum() == sum(analysis.encoded.positions(p).size for p in coded)
    first = analysis.encoded.positions(coded[1]) // analysis.n_out
    own = data["corrections"][analysis.blocks :][: analysis.blocks]
    np.testing.assert_array_equal(own, np.bincount(first, minlength=analysis.blocks))
    assert data["note"] == ""


def test_lockstep_on_the_shipped_layer_by_hand(analysis, data):
    """160 rows on 64 lanes are three turns, each as long as its fullest row."""
    rows = analysis.mask.sum(axis=1)
    assert rows.size == 160
    turns = [rows[:64].max(), rows[64:128].max(), rows[128:].max()]
    found = schedules(data, 64)[0]
    assert found.cycles == sum(turns) == clock(rows.tolist(), 64)
    assert found.ideal == 1024 / 64  # a tenth of 10,240 weights is kept
    # read from the mask once, and written down: 53 cycles
    assert [int(turn) for turn in turns] == [19, 14, 20]


@pytest.mark.parametrize("lanes", [1, 7, 16, 256])
def test_the_table_is_the_schedules(data, lanes):
    table = lanes_table(data, lanes)
    assert len(table["scheme"]) == len(SCHEMES) * len({*COUNTS, lanes})
    at = table["lanes"].index(lanes)
    for k, found in enumerate(schedules(data, lanes)):
        assert table["scheme"][at + k] == SCHEMES[k]
        assert table["cycles"][at + k] == found.cycles
        assert table["share"][at + k] == pytest.approx(found.ideal / found.cycles)
    assert table["cycles"][at] == clock(data["rows"].tolist(), lanes)


def test_fixed_blocks_scale_and_rows_do_not(data):
    lockstep, dealt, free, mask, blocks = (one.share for one in schedules(data, 64))
    assert lockstep < dealt < free < blocks
    assert lockstep < 0.5
    assert mask > 0.95  # what the tab says of a bitmask with a buffer
    assert blocks > 0.85


def test_of_a_large_layer_a_part_is_taken_and_said(analysis, data, monkeypatch):
    monkeypatch.setattr(figures, "MOST_ROWS", 100)
    monkeypatch.setattr(figures, "MOST_BLOCKS", 30 * data["planes"])
    part = lanes_data(analysis)
    np.testing.assert_array_equal(part["rows"], data["rows"][:100])
    whole = data["corrections"].reshape(data["planes"], -1)
    np.testing.assert_array_equal(part["corrections"].reshape(-1, 30), whole[:, :30])
    assert part["note"].startswith("Shown: the first 100 of 160 rows and the first 30 of")


def test_counting_stops_when_it_is_told(analysis):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(f2f.Cancelled):
        lanes_data(analysis, cancel)


@pytest.mark.parametrize(("shape", "rate"), [((1, 3), 0.5), ((2, 2), 1.0), ((0, 4), 0.5)])
def test_small_and_empty_layers_have_a_picture(shape, rate):
    layer = f2f.Layer("w", np.ones(shape, np.float32), "float32", "test")
    data = lanes_data(f2f.analyze(layer, f2f.Settings(rate=rate, n_in=2)))
    assert data["corrections"].size == 0  # all ones: no plane needs symbols
    assert LanesChart(data, 4).root.children
    view = LanesView()
    view.show(data)
    assert view.root.work["planes"] == 0
    view.root.close()


def drawn(page, data, lanes, call):
    """Run the page's own code on the work: what `call` gives, `work` and `lanes` at hand."""
    sent = {k: base64.b64encode(v.tobytes()).decode() if isinstance(v, np.ndarray) else v
            for k, v in data.items()}  # fmt: skip
    kinds = {"rows": "Int32Array", "care": "Int32Array", "corrections": "Uint16Array"}
    bytes_of = "(t, K) => new K(Uint8Array.from(atob(t), (c) => c.charCodeAt(0)).buffer)"
    arrays = ", ".join(f"{name}: ({bytes_of})(sent.{name}, {kind})" for name, kind in kinds.items())
    code = source(STATIC / "dom.js", STATIC / "lanes.js").replace("export default { render };", "")
    body = (
        f"({{ sent, lanes }}) => {{ {code}; const work = {{ ...sent, {arrays} }}; return {call}; }}"
    )
    return page.evaluate(body, {"sent": sent, "lanes": lanes})


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("lanes", [1, 3, 16, 100, 256])
def test_the_page_s_schedules_are_the_package_s(page, data, lanes):
    rng = np.random.default_rng(lanes)
    other = {
        **data,
        "rows": rng.integers(0, 9, 41).astype(np.int32),
        "care": rng.poisson(8, 57).astype(np.int32),
        "planes": 3,
        "corrections": rng.poisson(0.6, 3 * 57).astype(np.uint16),
        "buffer": 2,
    }
    for work in (data, other):
        call = (
            "SCHEMES.map(({ run }) => { const s = run(work, lanes);"
            "return [[...s.lane], [...s.start], [...s.stop], s.ideal, s.cycles]; })"
        )
        for found, wanted in zip(
            drawn(page, work, lanes, call), schedules(work, lanes), strict=True
        ):
            lane, start, stop, ideal, cycles = found
            assert lane == wanted.lane.tolist()
            assert start == wanted.start.tolist()
            assert stop == wanted.stop.tolist()
            assert ideal == pytest.approx(wanted.ideal)
            assert cycles == wanted.cycles


@pytest.mark.parametrize("lanes", [1, 16, 256])
def test_the_page_says_of_a_schedule_what_the_figure_says(page, data, lanes):
    call = "drawLanes(SCHEMES.map(({ run }) => run(work, lanes)), { lanes, cycle: 0, width: 900, room: 600 })"
    shown = drawn(page, data, lanes, call)
    for schedule in schedules(data, lanes):
        assert f">{told(schedule)}<" in shown
    assert (f'"{lanes} lane' + "s" * (lanes > 1) + ".") in shown


def test_less_than_the_ideal_is_never_said_to_be_it():
    """8,991 pieces on 16 lanes: 561.9 cycles if no lane waited, and 562 as it is."""
    found = f2f_blocks(np.zeros(8991, int), 16)
    assert told(found) == "562 cycles, ideal 561.9: 99.9\u2009%"
    assert told(f2f_blocks(np.zeros(1, int), 1)) == "1 cycle, ideal 1.0: 100.0\u2009%"


def test_the_page_s_names_and_curves_are_the_package_s(page, data):
    assert drawn(page, data, 1, "SCHEMES.map(({ name }) => name)") == list(SCHEMES)
    curve = {
        one["lanes"]: one["shares"]
        for one in drawn(page, data, 1, "COUNTS.map((lanes) => reached(work, lanes))")
    }
    for lanes in COUNTS:
        assert curve[lanes] == pytest.approx([one.share for one in schedules(data, lanes)])


@pytest.mark.parametrize("rows", ["layer", "empty ones"])
def test_idle_time_is_what_no_lane_works(page, data, rows):
    """Work, corrections and waiting fill every lane's cycles, and do not overlap."""
    if rows == "empty ones":
        data = {**data, "rows": np.random.default_rng(3).poisson(0.9, 61).astype(np.int32)}
    call = (
        "SCHEMES.map(({ run }) => { const s = run(work, lanes), p = pieces(s, lanes, run === blocks);"
        "return [s.cycles, ...['busy', 'corrects', 'waits'].map((k) => p[k])]; })"
    )
    for cycles, *kinds in drawn(page, data, 12, call):
        filled = np.zeros((12, cycles), int)
        for bars in kinds:
            for lane, start, stop in bars:
                filled[lane, start:stop] += 1
        assert (filled == 1).all()


def test_a_window_shows_what_the_whole_shows(page, data):
    call = (
        "SCHEMES.map(({ run }) => { const s = run(work, lanes), own = run === blocks;"
        "const cut = (p) => ['busy', 'corrects', 'waits'].map((k) => p[k]"
        ".filter(([, a, b]) => b > 20 && a < 50).map((bar) => bar.join()).sort());"
        "return [cut(pieces(s, lanes, own)), cut(pieces(s, lanes, own, 20, 50))]; })"
    )
    for whole, window in drawn(page, data, 12, call):
        assert whole == window
        assert any(window)
