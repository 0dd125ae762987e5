"""Circuits and waveforms: what they show is what the trace says, and their pictures are whole."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.figures.circuit import TOY, CircuitView, circuit_data, draw_circuit
from f2f_viz.figures.drawing import PAGE, text_width, wrapped
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.options import Look
from f2f_viz.figures.palette import LIGHT
from f2f_viz.figures.waveform import WaveformView, draw_waveform, waveform_data


def analyzed(**settings):
    weights = np.random.default_rng(5).normal(-1, 1, (30, 40)).astype(np.float16)
    chosen = {"recode": False, "zero_rate": False, "plain": False} | settings
    return f2f.analyze(f2f.Layer("w", weights, "float16", "test"), f2f.Settings(**chosen))


@pytest.fixture(scope="module", params=[(8, 0, 0.85), (8, 2, 0.9), (3, 1, 0.8), (2, 2, 0.0)])
def analysis(request):
    """Long blocks, and toys."""
    n_in, n_s, rate = request.param
    return analyzed(n_in=n_in, n_s=n_s, rate=rate)


def wrong_bit(analysis):
    """A plane, a cycle and a bit that is corrected, if there is one."""
    for p, plane in enumerate(analysis.encoded.planes):
        if plane.corrections.size:
            return p, *divmod(int(analysis.encoded.positions(plane)[-1]), analysis.n_out)
    return 0, 0, 0


def test_a_circuit_s_values_are_the_trace_s(analysis):
    n_in, n_out = analysis.network.n_in, analysis.n_out
    seen = set()
    for plane, cycle, bit in (wrong_bit(analysis), (0, 0, 0), (3, analysis.blocks - 1, n_out - 1)):
        t = f2f.trace(analysis.encoded, plane, cycle, cycle + 1)
        table = circuit_data(analysis, plane, cycle, bit)
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        held = {}
        for row in rows:
            wire = row["wire"]
            if wire.startswith("x"):
                stage, own = re.fullmatch(r"xₜ(?:₋(.))?\[(\d+)\]", wire).groups()
                k = "₀₁₂".index(stage) if stage else 0
                assert row["value"] == int(t.register[0, k]) >> int(own) & 1
            elif wire.startswith("g"):
                assert row["value"] == held[row["a"]] ^ held[row["b"]]
                assert 1 <= row["outputs"] <= n_out
            else:
                output = int(wire[2:-1])
                seen.add(output)
                assert row["value"] == held.get(row["a"], 0) == t.raw[0, output]
            held[wire] = row["value"]
        drawn = [row["wire"] for row in rows if row["wire"].startswith("y")]
        assert drawn == ([f"y[{i}]" for i in range(n_out)] if n_out <= TOY else [f"y[{bit}]"])
    gates = sum(wire.startswith("g") for wire in table["wire"])
    shared = f2f.gates(analysis.network).shared
    assert gates == shared if n_out <= TOY else gates < shared
    assert n_in


def test_a_waveform_s_rows_are_the_trace_s(analysis):
    plane, cycle, _ = wrong_bit(analysis)
    for at in (cycle, 0, analysis.blocks - 1):
        data = waveform_data(analysis, plane, at, 9)
        t = f2f.trace(analysis.encoded, plane, 0, analysis.blocks)
        assert at in data["block"]
        assert len(data["block"]) == 9
        few = draw_waveform(analysis, LIGHT, plane, at, 1000, most=3).svg()
        shown = waveform_data(analysis, plane, at, 3)["block"]
        assert few.count('class="f2f-hit"') == sum(block >= 0 for block in shown)
        flipped = {}
        for c, (block, out) in enumerate(zip(data["block"], data["out_block"], strict=True)):
            if block >= 0:
                assert int(data["x"][c], 16) == t.symbols[block]
            if data["out_valid"][c] == "1":
                held = np.array([int(data["y"][c], 16) >> i & 1 for i in range(analysis.n_out)])
                np.testing.assert_array_equal(held, t.output[out])
            if c + 1 < 9 and data["flip bit"][c]:
                flipped.setdefault(data["out_block"][c + 1], []).append(int(data["flip bit"][c]))
        for block, bits in flipped.items():
            assert set(bits) <= set(np.flatnonzero(t.mismatch[block]))


def boxes(svg):
    """Each text with about where it stands."""
    for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        size = float(re.search(r"([\d.]+)px", node.get("style"))[1])
        font = "mono" if "Mono" in node.get("style") else "sans"
        anchor = re.search("text-anchor:(.*)", node.get("style"))[1]
        width = text_width(node.text, size, font)
        left = float(node.get("x")) - {"start": 0, "middle": width / 2, "end": width}[anchor]
        y = float(node.get("y"))
        yield left, y - 0.75 * size, left + width, y + 0.2 * size, node.text


def test_a_wire_that_passes_a_number_stops_at_its_halo(analysis):
    svg = draw_circuit(analysis, LIGHT, *wrong_bit(analysis), 680).svg()
    counts = [n for n in ElementTree.fromstring(svg).iter() if (n.text or "").startswith("×")]
    assert "paint-order:stroke" in svg  # of the gates' values, if none serves twice
    assert all("paint-order:stroke" in n.get("style") for n in counts)


@pytest.mark.parametrize("width", [332, 680, 1000])
def test_texts_are_inside_and_apart(analysis, width):
    plane, cycle, bit = wrong_bit(analysis)
    for drawing in (
        draw_circuit(analysis, LIGHT, plane, cycle, bit, width),
        draw_waveform(analysis, LIGHT, plane, cycle, width),
    ):
        found = sorted(boxes(drawing.svg()))
        assert found
        for i, (left, top, right, bottom, words) in enumerate(found):
            assert left >= -1, words
            assert right <= drawing.width + 1, words
            assert top >= 0, words
            assert bottom <= drawing.height, words
            for other in found[i + 1 :]:
                across = min(right, other[2]) - max(left, other[0])
                down = min(bottom, other[3]) - max(top, other[1])
                assert across <= 2 or down <= 3, (words, other[4])


def test_a_page_s_drawing_has_the_page_s_colours(analysis):
    plane, cycle, bit = wrong_bit(analysis)
    for draw in (
        lambda colours: draw_circuit(analysis, colours, plane, cycle, bit, 700),
        lambda colours: draw_waveform(analysis, colours, plane, cycle, 700),
    ):
        own, file = (draw(colours).svg() for colours in (PAGE, LIGHT))
        named = set(re.findall(r"var\(--f2f-([a-z_-]+)\)", own))
        assert named <= {name.replace("_", "-") for name in vars(LIGHT)} | {"care"}
        assert "var(" not in file


def test_views_follow_what_they_are_told():
    analysis = analyzed(n_in=8, n_s=1)
    circuit, wires = CircuitView(), WaveformView()
    for view, places in ((circuit, [(0, 0, 0), (1, 2, 3), (1, 2, 4)]), (wires, [(0, 0), (1, 2)])):
        view.go(*places[0])
        assert view.root.svg == ""  # nothing to draw yet
        view.update(analysis)
        seen = {view.root.svg}
        for place in places[1:]:
            view.go(*place)
            seen.add(view.root.svg)
        assert len(seen) == len(places)
        before = view.root.svg
        view.root.width = 400
        assert view.root.svg != before
        before = view.root.svg
        view.go(*(10**6 for _ in places[0]))  # not there: the selection will follow
        assert view.root.svg == before
        view.root.close()


@pytest.mark.parametrize("name", ["waveform", "circuit"])
def test_svg_and_html_need_no_browser(analysis, name, monkeypatch):
    plane, cycle, _ = wrong_bit(analysis)
    monkeypatch.setenv("PATH", "")
    options = {"plane": plane, "cycle": cycle, "font": "Georgia"}
    options |= {"length": 64} if name == "waveform" else {}
    figure = f2f.figure(name, analysis, theme="dark", **options)
    usual, larger = (to_bytes(figure, "svg", font_pt=pt).decode() for pt in (4, 8.25))
    letters = [len(re.findall("<text", svg)) for svg in (usual, larger)]
    assert letters[0] > letters[1] if name == "waveform" else letters[0] == letters[1]
    assert "Georgia" in usual
    page = to_bytes(figure, "html").decode()
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_marks_and_titles_are_left_out(analysis):
    plane, cycle, bit = wrong_bit(analysis)
    marked, plain = (
        draw_waveform(analysis, LIGHT, plane, cycle, 700, Look(marks=on)).svg().count("<path")
        for on in (True, False)
    )
    assert marked > plain
    titled, bare = (
        draw_circuit(analysis, LIGHT, plane, cycle, bit, 700, Look(title=on)).svg()
        for on in (True, False)
    )
    assert re.search("(none serves|1 serves|[0-9]+ serve) other outputs", titled)
    assert "other outputs" not in bare


@pytest.mark.parametrize(
    ("name", "options"),
    [("waveform", {"plane": 16}), ("circuit", {"cycle": -1}), ("circuit", {"bit": 10**6})],
)
def test_what_is_not_there_is_named(name, options):
    with pytest.raises(f2f.F2FError, match=r"no (plane|bit)"):
        f2f.figure(name, analyzed(), **options)


def test_a_layer_without_weights_has_neither():
    empty = f2f.Layer("e", np.zeros((0, 4), np.float32), "float32", "test")
    for name in ("waveform", "circuit"):
        with pytest.raises(f2f.F2FError, match="empty"):
            f2f.figure(name, f2f.analyze(empty))


def test_sentences_are_cut_between_words():
    words = "one two three four five six"
    lines = wrapped(words, 80)
    assert " ".join(lines) == words
    assert max(map(text_width, lines)) <= 80
    assert wrapped("unbreakable", 5) == ["unbreakable"]
