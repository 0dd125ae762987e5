from dataclasses import replace

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import HoverTool, Legend
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.analysis import sweep as f2f_sweep
from f2f_viz.analysis.compare import bounds, compare
from f2f_viz.analysis.curves import point_of
from f2f_viz.codec.blocks import Layout
from f2f_viz.figures import (
    bits,
    captions,
    decoder,
    histogram,
    mask,
    mask_overlays,
    palette,
    plane_chart,
    planes,
    ratio,
    sweep,
    trellis,
)
from f2f_viz.figures.compare import CompareView, compare_data

SIMPLE = f2f.Code.paper(order="interleaved", coding="rank")


def layer_of(weights):
    return f2f.Layer("w", weights, str(weights.dtype), "test")


@pytest.fixture(scope="module")
def analyses():
    weights = np.random.default_rng(5).normal(size=(37, 61)).astype(np.float32)
    return {
        order: f2f.analyze(layer_of(weights), f2f.Settings(rate=0.8, code=SIMPLE, order=order))
        for order in ("row", "interleaved")
    }


def test_mask_cells_hold_the_share_kept(analyses):
    a = analyses["row"]
    data = mask.mask_data(a, pixels=(5, 7))
    assert data["density"].shape == (5, 7)
    rows, columns = data["row_edges"], data["column_edges"]
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (0, 37, 0, 61)
    for i, j in np.ndindex(5, 7):
        cell = a.mask[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        assert data["density"][i, j] == pytest.approx(cell.mean())


def test_mask_shows_single_weights_on_zoom(analyses):
    a = analyses["row"]
    data = mask.mask_data(a, (10.4, 14.2), (50.0, 80.0), (20, 20))
    np.testing.assert_array_equal(data["row_edges"], np.arange(10, 16))
    np.testing.assert_array_equal(data["column_edges"], np.arange(50, 62))
    np.testing.assert_array_equal(data["density"], a.mask[10:15, 50:61])


@pytest.mark.parametrize("shape", [(), (1,), (7,), (0,), (3, 4), (2, 3, 5), (0, 4)])
def test_mask_of_any_shape_is_a_matrix(shape):
    matrix = mask.mask_matrix(np.ones(shape, bool))
    assert matrix.ndim == 2
    assert matrix.sum() == np.prod(shape, dtype=int)


@pytest.mark.parametrize("order", ["row", "interleaved"])
def test_every_weight_knows_its_block(analyses, order):
    a = analyses[order]
    layout = Layout(a.mask.shape, a.n_out, order)
    index = layout.weights()
    for block in range(0, a.blocks, 7):
        for weight in index[block][index[block] >= 0]:
            assert layout.positions(weight)[0] == block
        marks = mask.block_weights(a, block)
        np.testing.assert_array_equal(
            marks["kept"], a.mask[marks["row"].astype(int), marks["column"].astype(int)]
        )


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 40), st.data())
def test_edges_part_weights_of_two_blocks_and_no_others(rows, width, run, data):
    top = data.draw(st.integers(0, rows - 1))
    bottom = data.draw(st.integers(top + 1, rows))
    left = data.draw(st.integers(0, width - 1))
    right = data.draw(st.integers(left + 1, width))
    window = top, bottom, left, right
    lines = mask_overlays.edges_in_view(run, rows * width, width, window)
    drawn = set()
    for x0, y0, x1, y1 in zip(*lines.values(), strict=True):
        assert (x0 == x1) != (y0 == y1)
        if x0 == x1:
            pieces = {((y, x0 - 1), (y, x0)) for y in range(y0, y1)}
        else:
            pieces = {((y0 - 1, x), (y0, x)) for x in range(x0, x1)}
        assert not drawn & pieces
        drawn |= pieces
    wanted = set()
    for y, x in np.ndindex(rows, width):
        for below, beside in ((1, 0), (0, 1)):
            there = y + below, x + beside
            inside = top <= y and there[0] < bottom and left <= x and there[1] < right
            if inside and (y * width + x) // run != (there[0] * width + there[1]) // run:
                wanted.add(((y, x), there))
    if drawn:
        assert drawn == wanted
    elif wanted:
        cells = [y * width + x for y in range(top, bottom) for x in range(left, right)]
        assert len({cell // run for cell in cells}) > mask_overlays.MOST_RUNS


def test_profiles_are_the_densities_of_rows_and_columns(analyses):
    matrix = analyses["row"].mask
    rows, columns = mask_overlays.profiles(matrix, np.array([4, 5, 9]), np.array([0, 30, 61]))
    assert rows == pytest.approx([matrix[4].mean(), matrix[5:9].mean()])
    assert columns == pytest.approx([matrix[:, :30].mean(), matrix[:, 30:].mean()])


def test_mask_view_marks_blocks_and_banks(analyses):
    a, other = analyses["row"], analyses["interleaved"]
    view = mask.MaskView()

    def data(name):
        return view.root.select_one({"name": name}).data

    title = view.root.select_one({"name": "columns"}).title
    view.update(a)
    assert a.blocks < mask_overlays.MOST_RUNS
    assert title.text == f"Mask, one weight per cell; blocks of {a.n_out} weights"
    view.select(5)
    starts = data("outline")
    at = {(int(x), int(y)) for x, y in zip(starts["x0"], starts["y0"], strict=True)}
    row, column = divmod(5 * a.n_out, 61)
    assert (column, row) in at
    assert f"n_u = {a.n_u[5]}" in title.text
    assert sum(data("marks")["kept"]) == a.n_u[5] == (data("marks")["size"] == 8).sum()
    view.update(other)
    assert not len(data("outline")["x0"])
    assert f"banks of {other.blocks} weights" in title.text
    assert len(data("edges")["x0"])
    view.grid_shown = False
    assert not len(data("edges")["x0"])
    densities = data("row densities")["density"]
    assert densities == pytest.approx(other.mask.mean(axis=1))


def test_the_histogram_has_a_legend_that_no_change_builds_anew(analyses):
    """Bokeh builds a legend again for each change of anything that it names."""
    (one, another), changed = list(analyses.values())[:2], set()
    view = histogram.HistogramView()
    view.update(one)
    document = Document()
    document.add_root(view.root)
    document.on_change(lambda event: changed.add(event.model))
    view.update(another)
    (legend,) = view.root.select({"type": Legend})
    assert [item.label.value for item in legend.items] == ["blocks", "binomial"]
    assert len(changed) > 2
    assert not changed & legend.references()


def test_histogram_counts_every_block_once(analyses):
    a = analyses["interleaved"]
    for order, data in histogram.histogram_data(a).items():
        assert data["share"].sum() == pytest.approx(1)
        assert (data["share"] * data["n_u"]).sum() == pytest.approx(a.mask.sum() / a.blocks)
        assert (data["binomial"] * data["n_u"]).sum() == pytest.approx(a.n_out * 0.2, rel=0.02)
        assert data["dispersion"] == pytest.approx(
            a.n_u_orders[order].var()
            / (a.n_u_orders[order].mean() * (1 - a.n_u_orders[order].mean() / a.n_out))
        )


def test_bits_lie_end_to_end(analyses):
    a = analyses["row"]
    data = bits.bits_data(a)
    assert data["part"] == list(bits.PARTS)
    assert data["left"] == [0.0, *data["right"][:-1]]
    assert data["right"][-1] * a.mask.size == pytest.approx(sum(a.bits.values()))
    assert data["right"][1] * a.mask.size == pytest.approx(32 * a.mask.size / a.ratio.value)
    assert sum(data["share"]) == pytest.approx(1)


def test_decoder_window_is_the_trace(analyses):
    a = analyses["interleaved"]
    data = decoder.window_data(a, plane=3, cycle=40, length=16)
    t = f2f.trace(a.encoded, 3, data["start"], data["start"] + data["n"])
    assert data["start"] <= 40 < data["start"] + data["n"] == data["start"] + 16
    flags = np.frombuffer(data["flags"], np.uint8).reshape(16, a.n_out)
    np.testing.assert_array_equal(flags >> 1 & 1, t.care)
    np.testing.assert_array_equal(flags & 1 ^ data["inverted"] ^ flags >> 2, t.output)
    words = np.frombuffer(data["words"], "<u4")
    weights = a.layer.weights.reshape(-1)[t.weight_index[t.care]]
    np.testing.assert_array_equal(words, weights.view("<u4"))
    np.testing.assert_array_equal(np.frombuffer(data["values"], "<f8"), weights)
    # the plane's bit of each kept weight is what the decoder gives in the end
    np.testing.assert_array_equal(words >> (31 - 3) & 1, t.output[t.care])
    # and which weight a bit is of follows from the code
    code, (block, bit) = decoder.code_data(a), np.indices(t.weight_index.shape)
    group = (data["start"] + block) * code["step"] % code["blocks"]
    at = group + bit * code["blocks"] if code["spread"] else group * code["n_out"] + bit
    np.testing.assert_array_equal(np.where(at < code["size"], at, -1), t.weight_index)


def test_decoder_window_has_scales_of_quantized_weights(analyses):
    layer = analyses["row"].layer
    a = f2f.analyze(layer, f2f.Settings(rate=0.8, number_format="int8/channel", code=SIMPLE))
    data = decoder.window_data(a, plane=0, cycle=0, length=8)
    t = f2f.trace(a.encoded, 0, 0, 8)
    codes, scales = np.frombuffer(data["values"], "<f8"), np.frombuffer(data["scales"], "<f4")
    wanted = layer.weights.reshape(-1)[t.weight_index[t.care]]
    assert (abs(codes * scales - wanted) <= 0.501 * scales).all()
    assert decoder.window_data(analyses["row"], 0, 0, 8)["scales"] == b""


def test_planes_add_up(analyses):
    a = analyses["row"]
    rows = planes.planes_data(a)
    assert [row["index"] for row in rows] == list(range(32))
    assert sum(row["mismatches"] for row in rows) == sum(
        plane.corrections.size for plane in a.encoded.planes
    )
    kept = a.mask.sum()
    for row, plane in zip(rows, a.encoded.planes, strict=True):
        assert row["efficiency"] == pytest.approx(1 - plane.corrections.size / kept)
        assert row["inverted"] == (row["ones"] > 0.5)
    assert sum(row["per_bit"] for row in rows) * kept == pytest.approx(
        a.bits["payload"] + a.bits["corrections"]
    )


def test_plane_chart_shows_the_planes(analyses):
    a = analyses["interleaved"]
    data = plane_chart.chart_data(a)
    kept = a.mask.sum()
    for p, plane in enumerate(a.encoded.planes):
        wanted = f2f.trace(a.encoded, p, 0, a.blocks)
        ones = (wanted.output & wanted.care).sum() / kept
        assert data["ones"][p] == pytest.approx(ones)
        assert data["mismatches"][p] == plane.corrections.size
        assert data["efficiency"][p] == pytest.approx(100 * (1 - plane.corrections.size / kept))
        assert data["payload_end"][p] == pytest.approx(a.blocks * a.settings.code.n_in / kept)
    assert sum(data["per_bit"]) * kept == pytest.approx(a.bits["payload"] + a.bits["corrections"])
    assert plane_chart.plane_fields(data["name"]) == [
        ("sign", 0, 1), ("exponent", 1, 9), ("mantissa", 9, 32),
    ]  # fmt: skip
    assert plane_chart.plane_fields(["sign", "bit 2", "bit 1", "bit 0"])[-1] == ("bit", 1, 4)


def test_planes_without_symbols_have_no_efficiency(analyses):
    a = f2f.analyze(analyses["row"].layer, f2f.Settings(rate=0.8, zero_rate=True, recode=True))
    data = plane_chart.chart_data(a)
    silent = [plane.zero_rate for plane in a.encoded.planes]
    assert any(silent)
    assert np.isnan(data["efficiency"]).tolist() == silent
    assert [said == "none, it stores no symbols" for said in data["share_right"]] == silent
    assert all(
        said[:-2] == f"{e:.2f}"
        for said, e in zip(data["share_right"], data["efficiency"], strict=True)
        if e == e
    )
    tips = [text for plot in plane_chart.PlaneChart()._plots.values() for tool in plot.tools
            if isinstance(tool, HoverTool) for text in [str(tool.tooltips)]]  # fmt: skip
    assert len(tips) == 5
    assert not any("@efficiency" in text for text in tips)
    assert [end == 0 for end in data["payload_end"]] == silent


def test_points_stand_under_the_bounds(analyses):
    a = analyses["interleaved"]
    point = point_of(a)
    assert point.ratio == pytest.approx(point.of_bound / (1 - point.sparsity))
    limits = bounds(a.layer.weights, a.mask, a.encoded)
    assert point.plane_bound == pytest.approx(limits.dense_bits / limits.plane_bits)
    assert point.of_plane_bound == pytest.approx(point.ratio / point.plane_bound)
    assert point.of_plane_bound < 1
    assert point.delta == pytest.approx(1 - a.efficiency.value)
    limit = ratio.distortion_data(0.5)
    np.testing.assert_allclose(limit["rate"][[0, -1]], [1, 0], atol=1e-12)
    assert point.rate >= np.interp(point.delta, limit["delta"], limit["rate"])
    bound = ratio.bound_data()
    np.testing.assert_allclose(bound["ratio"] * (1 - bound["sparsity"]), 1)
    low = replace(point, sparsity=0.5, ratio=1.9, of_bound=0.95, delta=0.01, rate=1.0)
    shown = ratio.curve_data([point, low], 1)
    assert shown["sparsity"] == [0.5, point.sparsity]
    assert ratio.curve_data([point, low], 2)["sparsity"] == []
    view = ratio.RatioView()
    view.update(a)
    view.show_curve([], 0, 24)  # the legend has its markers before there are points
    for item in view.root.select_one({"name": "ratio"}).legend[0].items:
        drawn = [len(next(iter(one.data_source.data.values()))) for one in item.renderers]
        assert any(drawn) or not item.visible, item.label
    view.show_curve([point, low], 2, 24)


def test_comparison_is_sorted_and_whole(analyses):
    a = analyses["interleaved"]
    rivals, limits = compare(a.layer.weights, a.mask, a.encoded), bounds(a.layer.weights, a.mask)
    data = compare_data(rivals, limits)
    assert data["bytes"] == sorted(data["bytes"], reverse=True)
    assert data["kind"].count("f2f") == 1
    assert data["kind"].count("bound") == 2
    mine = data["bytes"][data["kind"].index("f2f")]
    assert mine == sum(f2f.report(a.encoded).bits.values()) // 8
    view = CompareView("dark")
    view.show(rivals, limits)
    tips = view.root.select_one({"type": HoverTool}).tooltips
    assert "<th>format</th><td>@name</td>" in tips  # Bokeh escapes what it fills in
    assert "safe" not in tips


def test_longer_registers_correct_less(analyses):
    a = analyses["row"]
    data = decoder.register_data(a, 31, 0, 64)
    assert [stage["n_s"] for stage in data["stages"]] == [0, 1, 2]
    totals = [sum(stage["wrong"]) for stage in data["stages"]]
    assert totals[0] > totals[1] >= totals[2]
    # from cycle 0 with the analysis' own register it is the encoder's own search, if whole
    whole = decoder.register_data(a, 31, 0, a.blocks)["stages"][a.settings.code.n_s]["wrong"]
    assert sum(whole) == a.encoded.planes[31].corrections.size


def test_jumps_lead_to_what_they_say(analyses):
    a = analyses["row"]
    np.testing.assert_array_equal(
        decoder.heavy_cycles(a), [t for t in range(a.blocks) if a.n_u[t] > a.settings.code.n_in]
    )
    wrong = f2f.trace(a.encoded, 0, 0, a.blocks).mismatch.any(axis=1)
    np.testing.assert_array_equal(decoder.mismatch_cycles(a, 0), np.flatnonzero(wrong))


@pytest.mark.parametrize(("n_in", "n_s"), [(3, 2), (2, 3), (6, 1), (4, 1)])
def test_trellis_is_the_search(n_in, n_s):
    weights = np.random.default_rng(n_in).normal(size=(40, 9)).astype(np.float16)
    a = f2f.analyze(layer_of(weights), f2f.Settings(rate=0.7, code=SIMPLE, n_in=n_in, n_s=n_s))
    for plane in (0, 7):
        data = trellis.trellis_data(a, plane, 0, a.blocks)
        nodes, ways, path = data["nodes"], data["survivors"], data["path"]
        cost = {
            (t, s): c for t, s, c in zip(*map(nodes.get, ("time", "state", "cost")), strict=True)
        }
        assert [cost[t, 0] for t in (0,)] == [0]
        wrong = f2f.trace(a.encoded, plane, 0, a.blocks).mismatch.sum(axis=1)
        so_far = np.concatenate([[0], np.cumsum(wrong)])
        for t, s, following in zip(path["time"], path["state"], path["next_state"], strict=True):
            # no way into a state is cheaper than the survivor, and the optimum is one of them
            assert cost[t, s] == so_far[t]
            if t + 1 < a.blocks:
                assert (t + 1, following) in cost
        last = ways["time"] == a.blocks - 1
        assert last.any()
        into = set(zip(ways["time"], ways["next_state"], strict=True))
        assert len(into) == len(ways["time"])


def test_what_is_not_decoded_is_told():
    a = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    assert 0 < sum(not plane.payload for plane in a.planes) < len(a.planes)
    for plane in a.planes:
        assert bool(captions.why_not_decoded(a, plane.index)) == (not plane.payload)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8).view(np.int8)
    kept = f2f.analyze(f2f.Layer("noise", noise, "int8", "test"), f2f.Settings(rate=0.0))
    assert kept.network.is_plain
    assert 0 < sum(not plane.payload for plane in kept.planes) < len(kept.planes)
    for plane in kept.planes:
        said = "as they are" if plane.payload else "has no symbols"
        assert said in captions.why_not_decoded(kept, plane.index)


def test_sweep_rows_hold_the_points(analyses):
    layer = analyses["row"].layer
    points = list(f2f_sweep.sweep([layer], f2f_sweep.grid(rate=[0.7, 0.8], n_s=[0, 1])))
    rows = sweep.sweep_data(points)
    assert [(row["rate"], row["n_s"]) for row in rows] == [(0.7, 0), (0.7, 1), (0.8, 0), (0.8, 1)]
    for row, point in zip(rows, points, strict=True):
        assert (row["ratio"], row["gates"]) == (point.ratio, point.gates)
        assert row["of_bound"] == pytest.approx(point.ratio * (1 - point.sparsity))
        # the higher ratio of its rate is on the front, whatever it costs
        best = max(p.ratio for p in points if p.settings.rate == row["rate"])
        assert row["front"] or row["ratio"] < best
    assert sweep.sweep_data([]) == []


def test_fronts_are_of_one_layer_and_sparsity(analyses):
    point = next(f2f_sweep.sweep([analyses["row"].layer], [f2f.Settings(rate=0.8, n_s=0)]))
    worse = replace(point, ratio=point.ratio / 2, seconds=2 * point.seconds)
    alone = [replace(worse, layer="other/w"), replace(worse, sparsity=0.5)]
    rows = sweep.sweep_data([point, worse, *alone])
    assert [row["front"] for row in rows] == [True, False, True, True]
    assert [row["layer"] for row in rows] == ["w", "w", "other/w", "w"]
    called = sweep.sweep_data([point, *alone], {"w": "first"})
    assert [row["layer"] for row in called] == ["first", "other/w", "first"]
    assert [row["front"] for row in called] == [True, True, True]
    words = [
        captions.describe_pruning(f2f.Settings(**chosen))
        for chosen in (
            {"per": "row"}, {"method": "random", "rate": 0.5}, {"method": "zeros"},
            {"method": "threshold", "threshold": 0.01}, {"method": "n:m", "pattern": "1:4"},
        )
    ]  # fmt: skip
    assert words == ["magnitude by row 0.9", "random 0.5", "own zeros", "|w| > 0.01", "1:4"]


def test_trellis_says_why_it_is_empty(analyses):
    view = trellis.TrellisView()
    view.update(analyses["row"])
    assert "too many" in view.root.title.text
    view.update(f2f.analyze(analyses["row"].layer, f2f.Settings(n_s=0)))
    assert "n_s ≥ 1" in view.root.title.text
    view.update(f2f.analyze(layer_of(np.ones((6, 6), np.float16)), f2f.Settings(n_s=0)))
    assert view.root.title.text == "Nothing to code: in each plane all kept bits are equal"


def _luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK])
def test_text_and_states_stand_out(colours):
    def contrast(a, b):
        low, high = sorted((_luminance(a), _luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for text in (colours.ink, colours.muted):
        assert contrast(text, colours.surface) >= 4.5  # WCAG AA
    for state in (colours.kept, colours.mismatch, colours.corrected):
        assert contrast(state, colours.surface) >= 3
    names = [colours.kept, colours.dont_care, colours.mismatch, colours.corrected]
    assert len(set(names)) == 4


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(8, 8), (5,), (1, 1)])
def test_views_draw_every_analysis(rate, shape):
    layer = layer_of(np.ones(shape, np.float16))
    a = f2f.analyze(layer, f2f.Settings(rate=rate))
    for view in (mask.MaskView(), histogram.HistogramView("dark"), bits.BitsView()):
        view.update(a)
    shown = decoder.DecoderView()
    shown.update(a)
    assert shown.root.code["blocks"] == a.blocks
