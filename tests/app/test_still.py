"""The picture of the last result, for where no kernel runs."""

import asyncio
import base64
import io
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import f2f_viz as f2f
from f2f_viz.app import analyzer as module
from f2f_viz.app import session, still
from f2f_viz.figures.drawing import text_width
from f2f_viz.samples import SMALL

SVG = "{http://www.w3.org/2000/svg}"


def svg_of(bundle):
    code = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])[1]
    return base64.b64decode(code).decode()


@pytest.fixture
def outputs(monkeypatch):
    """What goes to the notebook: bundles by display id, as they stand there."""
    found = {}

    def display(data, raw, display_id=None):
        assert raw
        found[display_id] = data

    def update(data, raw, display_id):
        assert display_id in found
        display(data, raw, display_id)

    monkeypatch.setattr(still, "display", display)
    monkeypatch.setattr(module, "display", display)
    monkeypatch.setattr(still, "update_display", update)
    monkeypatch.delenv(session.SESSION, raising=False)
    return found


LAYERS = {
    "sample": lambda: f2f.sample_layer(),
    "small": lambda: f2f.sample_layer(SMALL),
    "large": lambda: np.random.default_rng(1).normal(size=(1024, 1024)).astype(np.float32),
    "wide": lambda: np.random.default_rng(1).normal(size=(3, 900)).astype(np.float32),
    "deep": lambda: np.random.default_rng(1).normal(size=(500, 2)).astype(np.float16),
    "empty": lambda: np.zeros((0, 4), np.float32),
    "one": lambda: np.ones((1, 1), np.int8),
}


@pytest.mark.parametrize("name", LAYERS)
def test_it_shows_the_numbers_and_is_whole(name):
    layer = f2f.load_layer(LAYERS[name]())
    for settings in (f2f.Settings(), f2f.Settings(rate=0.5, n_s=0, n_in=4)):
        analysis = f2f.analyze(layer, settings)
        made = still.bundle(analysis)
        root = ElementTree.fromstring(svg_of(made))
        words = [node.text for node in root.iter(f"{SVG}text")]
        assert f"{100 * analysis.sparsity:.2f} %" in words
        assert any(f"n_s = {settings.code.n_s}" in text for text in words)
        for node in root.iter(f"{SVG}text"):
            size = float(node.get("font-size", 11))
            wide = text_width(node.text, size) * (0.5 if node.get("text-anchor") else 1)
            assert float(node.get("x")) + 0.93 * wide <= still.WIDTH, node.text
            assert 0 < float(node.get("y")) < still.HEIGHT
        with Image.open(io.BytesIO(base64.b64decode(made["image/png"]))) as image:
            assert image.size == (still.WIDTH, still.HEIGHT)
            assert len(image.convert("RGB").getcolors()) > 4
        assert len(made["text/html"]) + len(made["image/png"]) < 24_000  # of two: under 50 kB


def test_its_mask_is_the_layer_s():
    analysis = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())
    node = next(ElementTree.fromstring(svg_of(still.bundle(analysis))).iter(f"{SVG}image"))
    data = base64.b64decode(node.get("href").partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        kept = np.array(image) == 15
    np.testing.assert_array_equal(kept, analysis.mask)


def test_names_are_words_not_markup():
    weights = np.random.default_rng(3).normal(size=(20, 30)).astype(np.float32)
    name = '"><script>alert(1)</script>&' + "x" * 300
    made = still.bundle(f2f.analyze(f2f.Layer(name, weights, "float32", "here"), f2f.Settings()))
    assert "<script" not in made["text/html"]
    root = ElementTree.fromstring(svg_of(made))
    assert {node.tag for node in root} <= {
        f"{SVG}{tag}" for tag in ("title", "text", "path", "image")
    }


def test_without_pillow_there_is_no_png(monkeypatch):
    analysis = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert set(still.bundle(analysis)) == {"text/html", "text/plain"}


def test_a_notebook_keeps_the_last_exact_result(outputs, monkeypatch):
    monkeypatch.setattr(still, "_WAIT_SECONDS", 0.0)
    shown = f2f.Analyzer()
    shown._ipython_display_()
    live, name = outputs
    assert outputs[live]["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    first = f2f.analyze(shown.layer, shown.settings)
    assert f"{first.ratio.value:.2f} ×" in svg_of(outputs[name])

    async def drive():
        shown.settings = f2f.Settings(rate=0.7, n_s=0)
        return await shown.settled()

    then = asyncio.run(drive())
    assert f"{then.ratio.value:.2f} ×" in svg_of(outputs[name])
    assert "70.00 %" in svg_of(outputs[name])
    shown.close()


def test_what_takes_long_is_not_searched_to_be_shown(outputs, monkeypatch):
    def never(*_, **__):
        raise AssertionError("searched")

    monkeypatch.setattr(module, "analyze", never)
    big = np.random.default_rng(2).normal(size=(300, 300)).astype(np.float32)
    for layer, settings in ((big, f2f.Settings()), (None, f2f.Settings(n_s=2))):
        f2f.Analyzer(layer, settings)._ipython_display_()
        assert "run this notebook" in list(outputs.values())[-1]["text/html"]


def test_the_app_s_page_has_none(outputs, monkeypatch, tmp_path):
    monkeypatch.setenv(session.SESSION, str(tmp_path / "session"))
    f2f.Analyzer()._ipython_display_()
    assert list(outputs) == [None]


def test_a_lesson_begins_at_the_layer_and_the_settings(tmp_path):
    settings = f2f.Settings(rate=0.8, n_in=4, n_s=2)
    f2f.Analyzer(f2f.sample_layer(), settings).to_html(tmp_path / "a.html")
    f2f.lesson(f2f.sample_layer(), tmp_path / "b.html", settings)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    with pytest.raises(f2f.F2FError):
        f2f.Analyzer(settings=f2f.Settings(n_s=3)).to_html(tmp_path / "c.html")
    assert not (tmp_path / "c.html").exists()
