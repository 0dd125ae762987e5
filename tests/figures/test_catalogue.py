import csv
import html
import io
import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import HoverTool, Legend, Plot
from PIL import Image
from pypdf import PdfReader

import f2f_viz as f2f
from f2f_viz.analysis.curves import point_of
from f2f_viz.analysis.sweep import sweep
from f2f_viz.figures import catalogue
from f2f_viz.figures.browser import chromium_driver
from f2f_viz.figures.captions import code_for
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.palette import DARK, palette
from f2f_viz.figures.style import tip


@pytest.fixture(scope="module")
def analysis():
    weights = np.random.default_rng(3).normal(size=(24, 30)).astype(np.float16)
    layer = f2f.Layer('a "b" <c>', weights, "float16", "test")
    return f2f.analyze(layer, f2f.Settings(rate=0.75, n_in=6, recode=False, zero_rate=False))


@pytest.fixture(scope="module")
def driver():
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("no chromedriver on PATH: run tools/ensure_chromium.sh")
    driver = chromium_driver()
    yield driver
    driver.quit()


def made(name, analysis, **options):
    """Make a figure with points that cost little."""
    if name == "ratio":
        options.setdefault("points", (point_of(analysis),))
    if name in ("sweep", "gates"):
        options.setdefault("points", tuple(sweep([analysis.given], [analysis.settings])))
    return f2f.figure(name, analysis, **options)


@pytest.mark.parametrize("name", list(catalogue.FIGURES))
def test_data_comes_with_what_made_it(analysis, name):
    figure = made(name, analysis)
    saved = json.loads(to_bytes(figure, "json"))
    assert f2f.Settings.from_dict(saved["metadata"]["settings"]) == analysis.settings
    assert saved["metadata"]["f2f_viz"] == f2f.__version__
    lengths = {len(column) for column in saved["data"].values()}
    assert len(lengths) == 1
    assert lengths.pop() > 0
    first, *rest = to_bytes(figure, "csv").decode().splitlines()
    assert json.loads(first.removeprefix("# ")) == saved["metadata"]
    rows = list(csv.DictReader(io.StringIO("\n".join(rest))))
    assert list(rows[0]) == list(saved["data"])
    column = next(iter(saved["data"]))
    wanted = ["" if value is None else str(value) for value in saved["data"][column]]
    assert [row[column] for row in rows] == wanted
    assert saved["metadata"]["caption"] == figure.caption


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", list(catalogue.FIGURES))
def test_what_stands_under_the_pointer_has_the_colours_of_the_figure(analysis, name, theme):
    draw = made(name, analysis, theme=theme).draw
    tools = draw(False).select({"type": HoverTool}) if draw else []
    rules = tip(palette(theme)).removeprefix("<table></table>")
    assert all(tool.tooltips.endswith(f"</table>{rules}") for tool in tools)


@pytest.mark.parametrize("name", list(catalogue.FIGURES))
def test_the_python_shown_makes_the_same_figure(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("w.npy", np.random.default_rng(1).normal(size=(12, 14)).astype("<f2"))
    chosen = f2f.Settings(rate=0.6, n_in=3, mask_coding="bitmap", matrix_seed=4)
    analysis = f2f.analyze(f2f.load_layer("w.npy"), chosen)
    entry = catalogue.FIGURES[name]
    having = next(plane.index for plane in analysis.planes if plane.payload)
    places = {"plane": having, "cycle": 2, "bit": 1, "title": False, "font": "Arial"}
    options = {key: at for key, at in places.items() if key in entry.options}
    if entry.measure is not None:  # the same at every call: no clocks in what is compared
        points = entry.measure(analysis)
        monkeypatch.setitem(
            catalogue.FIGURES, name, replace(entry, measure=lambda *_, **__: points)
        )
    figure = f2f.figure(name, analysis, theme="dark", **options)
    code = code_for(name, analysis, {**options, "theme": "dark"}, figure.filename("json"), {})
    names = {}
    exec(code, names)  # as it is shown
    assert json.loads((tmp_path / figure.filename("json")).read_text()) == json.loads(
        to_bytes(figure, "json")
    )
    assert names["made"].look == figure.look
    html_code = code_for(name, analysis, options, "x.html", {"width_mm": 88.0, "font_pt": 8})
    assert "width_mm=88.0, font_pt=8" in html_code
    exec(html_code, {})
    assert (tmp_path / "x.html").stat().st_size > 1000


def test_python_for_samples_and_for_layers_that_were_given(analysis):
    sample = f2f.analyze(f2f.sample_layer(), f2f.Settings(rate=0.5))
    code = code_for("bits", sample, {}, "x.csv", {})
    assert f"f2f.sample_layer('{f2f.sample_names()[0]}')" in code
    assert "f2f.Settings(rate=0.5)" in code
    assert "layer = layer  # that you gave" in code_for("bits", analysis, {}, "x.csv", {})


def test_mask_data_is_the_mask(analysis):
    data = f2f.figure("mask", analysis).data
    image = np.zeros(analysis.mask.shape)
    image[data["row"], data["column"]] = data["share_kept"]
    np.testing.assert_array_equal(image, analysis.mask)


@pytest.mark.parametrize("name", ["mask", "decoder"])
def test_html_asks_no_other_host(analysis, name, tmp_path):
    f2f.figure(name, analysis).save(tmp_path / "figure.html")
    page = (tmp_path / "figure.html").read_text()
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page):
        assert "http" not in tag
    assert 'content="{&quot;figure&quot;' in page


def test_images(analysis, driver):
    figure = f2f.figure("bits", analysis, theme="dark")
    png = to_bytes(figure, "png", width_mm=88, scale=2, driver=driver)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width = int.from_bytes(png[16:20], "big")
    assert width == 2 * round(88 / 25.4 * 96)
    assert b"f2f-viz" in png
    svg = to_bytes(figure, "svg", driver=driver).decode()
    about = svg[svg.index("<metadata>") + 10 : svg.index("</metadata>")]
    assert json.loads(html.unescape(about))["figure"] == "bits"


@pytest.mark.parametrize("name", ["bits", "histogram", "planes"])
def test_pdf_tells_what_made_it(analysis, driver, name):
    figure = f2f.figure(name, analysis)
    pdf = PdfReader(io.BytesIO(to_bytes(figure, "pdf", width_mm=88, driver=driver)))
    assert json.loads(pdf.metadata["/f2f-viz"]) == figure.metadata
    made = json.loads(pdf.metadata["/f2f-viz"])
    assert made["settings"]["seed"] == analysis.settings.seed
    assert f2f.Settings.from_dict(made["settings"]) == analysis.settings
    assert pdf.metadata.creator == f"f2f-viz {f2f.__version__}"
    assert pdf.metadata.title == f'{name} of a "b" <c>'
    (page,) = pdf.pages
    assert float(page.mediabox.width) == pytest.approx(88 / 25.4 * 72, abs=1)
    assert page.extract_text().strip()


def test_text_has_the_size_asked_for(analysis, driver):
    sizes = {}
    for points in (8.25, 16.5):
        svg = to_bytes(f2f.figure("bits", analysis), "svg", font_pt=points, driver=driver)
        sizes[points] = {float(n) for n in re.findall(r"([\d.]+)px", svg.decode())}
    assert 11 in sizes[8.25]
    assert {2 * size for size in sizes[8.25] if size > 10} <= sizes[16.5]


@pytest.mark.parametrize("name", ["planes", "trellis"])
def test_planes_and_trellis_are_images(analysis, driver, name):
    figure = f2f.figure(name, analysis)
    svg = to_bytes(figure, "svg", width_mm=88, driver=driver).decode()
    assert {"planes": "6–15 mantissa", "trellis": "cheapest way"}[name] in svg
    assert to_bytes(figure, "pdf", driver=driver).startswith(b"%PDF")
    assert to_bytes(figure, "png", driver=driver)[1:4] == b"PNG"
    assert "<script" in to_bytes(figure, "html").decode()


def test_trellis_data_are_ways_and_costs(analysis):
    data = f2f.figure("trellis", analysis, plane=3, cycle=9, length=5).data
    rows = list(zip(*data.values(), strict=True))
    chosen = [dict(zip(data, row, strict=True)) for row in rows if row[0] == "chosen"]
    assert [row["time"] for row in chosen] == [7, 8, 9, 10, 11]
    symbols = analysis.encoded.planes[3].symbols
    assert [row["symbol"] for row in chosen] == symbols[7:12].tolist()
    assert [row["next_state"] for row in chosen] == symbols[7:12].tolist()  # n_s = 1
    positions = analysis.encoded.positions(analysis.encoded.planes[3])
    wrong = np.searchsorted(positions, analysis.n_out * np.arange(8, 13))
    assert [row["mismatches"] for row in chosen] == wrong.tolist()
    survivors = [row for row in rows if row[0] == "survivor"]
    assert len(survivors) == 5 * 64


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        ({"n_in": 8}, {}, "256 states are too many"),
        ({"n_s": 0}, {}, "n_s ≥ 1"),
        ({"n_in": 3}, {"plane": 16}, "plane below 16"),
        ({"n_in": 3}, {"cycle": -1}, "cycle below"),
        ({"n_in": 3}, {"cycle": "0"}, "option cycle: expected int"),
        ({"n_in": 3}, {"grid": True}, "no such option: expected some of plane, cycle"),
    ],
)
def test_trellis_says_why_there_is_none(settings, options, message):
    layer = f2f.Layer("w", np.ones((9, 9), np.float16), "float16", "test")
    with pytest.raises(f2f.F2FError, match=message):
        f2f.figure(
            "trellis",
            f2f.analyze(layer, f2f.Settings(code=f2f.Code.paper(), **settings)),
            **options,
        )


@pytest.mark.parametrize("name", ["bits", "mask"])
def test_dark_figures_have_a_dark_ground(analysis, driver, name):
    figure = f2f.figure(name, analysis, theme="dark")
    image = Image.open(io.BytesIO(to_bytes(figure, "png", scale=1, driver=driver)))
    wanted = tuple(int(DARK.surface[i : i + 2], 16) for i in (1, 3, 5))
    width, height = image.size
    for corner in ((1, 1), (width - 2, 1), (1, height - 2), (width - 2, height - 2)):
        assert image.convert("RGB").getpixel(corner) == wanted
    svg = to_bytes(figure, "svg", driver=driver).decode()
    assert f'<rect width="100%" height="100%" fill="{DARK.surface}"/>' in svg
    assert f"background: {DARK.surface}" in to_bytes(figure, "html").decode()
    light = to_bytes(f2f.figure(name, analysis), "svg", driver=driver).decode()
    assert '<rect width="100%"' not in light


def test_one_column_has_its_own_shape(analysis, driver):
    def words(name, width_mm):
        figure = made(name, analysis, **{"points": ()} if name == "ratio" else {})
        return to_bytes(figure, "svg", width_mm=width_mm, driver=driver).decode()

    assert "× binomial" in words("histogram", 180)
    assert "× binomial" not in words("histogram", 88)
    assert "dense 16" in words("bits", 180)
    assert "dense 16" not in words("bits", 88)
    size = re.search(r'<svg[^>]* width="([\d.]+)mm" height="([\d.]+)mm"', words("ratio", 88))
    assert float(size[1]) == pytest.approx(88, abs=0.2)
    assert float(size[2]) > 2 * float(size[1])  # charts below each other
    assert "n_s = 0" not in words("ratio", 180)  # no curves were measured


def test_title_legend_marks_and_font_are_left_out_or_chosen(analysis, driver):
    def words(name, **look):
        svg = to_bytes(made(name, analysis, **look), "svg", driver=driver).decode()
        return svg.split("</metadata>")[1]

    whole = words("ratio")
    for text, option in [
        ("Rate against distortion", "title"), ("n_s = 1", "legend"), ("these settings", "marks"),
    ]:  # fmt: skip
        assert text in whole
        assert text not in words("ratio", **{option: False})
    assert "n_s = 1" in words("ratio", marks=False)
    assert "Georgia" not in whole
    assert "Georgia" in words("ratio", font="Georgia")
    # titles of panels say what they show
    assert "Interleaved" in words("histogram", title=False)
    assert "zoom in" not in words("mask", grid=True)


@pytest.mark.parametrize("name", list(catalogue.FIGURES))
def test_no_legend_lies_where_points_may_be(analysis, name):
    if (draw := made(name, analysis).draw) is not None:
        for plot in draw(False).select({"type": Plot}):
            assert not [m for m in plot.center if isinstance(m, Legend) and m.visible]


def test_layouts_are_drawn_whole(analysis, driver):
    svg = to_bytes(f2f.figure("histogram", analysis), "svg", driver=driver).decode()
    assert "Interleaved" in svg
    assert "Row" in svg


def test_without_a_browser_the_message_says_what_to_install(analysis, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(f2f.F2FError, match=r"apt install chromium.*HTML, CSV and JSON"):
        f2f.figure("bits", analysis).save(tmp_path / "bits.png")
    assert list(tmp_path.iterdir()) == []
    f2f.figure("bits", analysis).save(tmp_path / "bits.html")


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("nothing", "x.html", "figure: expected one of mask"),
        ("mask", "x.doc", "html, svg"),
        ("mask", "x", "html, svg"),
    ],
)
def test_what_cannot_be_made_is_said(analysis, tmp_path, name, path, message):
    with pytest.raises(f2f.F2FError, match=message):
        f2f.figure(name, analysis).save(tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_a_lesson_needs_the_exact_analysis(analysis):
    preview = f2f.analyze(
        f2f.Layer("w", np.ones((2048, 2048), np.float16), "float16", "test"),
        f2f.Settings(code=f2f.Code.paper()),
        preview=True,
    )
    assert not preview.exact
    with pytest.raises(f2f.F2FError, match="exact analysis"):
        f2f.figure("decoder", preview)


@pytest.mark.parametrize(
    "size", [{"width_mm": 1e9}, {"height_mm": 0}, {"scale": float("nan")}, {"font_pt": 0}], ids=str
)
def test_sizes_out_of_range_are_refused(analysis, size, tmp_path):
    with pytest.raises(f2f.F2FError, match=next(iter(size))):
        f2f.figure("bits", analysis).save(tmp_path / "bits.png", **size)
    assert not list(tmp_path.iterdir())
