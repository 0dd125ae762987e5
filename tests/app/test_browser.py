"""The analyzer as a person meets it: a real Chromium on the real server."""

import io
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.figures.palette import LIGHT
from f2f_viz.samples import SMALL
from tests.app.page import TITLES, card, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page(shared, defaults):
    shared.get_by_label("Samples", exact=True).check()
    shared.get_by_label("Load settings from a JSON file").set_input_files(defaults)
    shared.get_by_role("tab", name="Mask").click()
    expect(card(shared, "sparsity")).to_have_text("90.00%")
    expect(shared.get_by_label("n_in, symbol bits")).to_have_value("8")
    settle(shared)
    return shared


def test_first_page_shows_a_real_layer(app_server, open_page):
    page = open_page(app_server.url)
    settle(page)
    layer = f2f.sample_layer()
    a = f2f.analyze(layer, f2f.Settings())
    expect(page.locator(".f2f-layer")).to_contain_text(layer.name)
    expect(card(page, "sparsity")).to_have_text(f"{100 * a.sparsity:.2f}%")
    expect(card(page, "max_ratio")).to_have_text(f"{a.max_ratio:.2f}×")
    expect(card(page, "ratio")).to_have_text(f"{a.ratio.value:.2f}×")
    expect(card(page, "efficiency")).to_have_text(f"{100 * a.efficiency.value:.2f}%")
    expect(page.locator(".f2f-badge")).to_have_text("✓ bit-exact")
    page.locator(".f2f-card-ratio").hover()
    expect(page.locator(".f2f-card-ratio .f2f-tip")).to_contain_text("payload + corrections")


def test_rate_slider_moves_everything(page, eventually):
    slider = page.get_by_label("Pruning rate, slider")
    mask = page.locator(".f2f-figure-mask")
    decoder = page.locator(".f2f-stage svg")
    page.get_by_role("tab", name="Decoder").click()
    decoder.wait_for()
    before_decoder = decoder.inner_html()
    page.get_by_role("tab", name="Mask").click()
    page.mouse.move(0, 0)
    before = mask.screenshot(), card(page, "ratio").inner_text()
    slider.focus()
    for _ in range(20):
        slider.press("ArrowLeft")
    expect(card(page, "sparsity")).to_have_text("70.00%")
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.7))
    expect(card(page, "ratio")).to_have_text(f"{a.ratio.value:.2f}×")
    assert card(page, "ratio").inner_text() != before[1]
    eventually(lambda: mask.screenshot() != before[0])
    page.get_by_role("tab", name="Decoder").click()
    eventually(lambda: decoder.inner_html() != before_decoder)


def test_what_is_wrong_stands_beside_its_control(page):
    page.get_by_label("Path", exact=True).check()
    path = page.get_by_label("Path on this machine")
    path.fill("/no/such/file.npy")
    path.press("Enter")
    message = page.locator(".f2f-field-path .f2f-error")
    expect(message).to_contain_text("/no/such/file.npy")
    assert path.get_attribute("aria-invalid") == "true"
    assert message.get_attribute("id") in path.get_attribute("aria-describedby")
    page.get_by_label("Samples", exact=True).check()
    n_in = page.get_by_label("n_in, symbol bits")
    n_in.fill("99")
    error = page.locator(".f2f-field-n_in .f2f-error")
    expect(error).to_contain_text("got 99 (at n_s = 1 the exact search takes")
    n_in.fill("")
    expect(page.locator(".f2f-field-n_in .f2f-error")).to_contain_text("got nothing")
    n_in.fill("4")
    expect(page.locator(".f2f-field-n_in .f2f-error")).to_be_hidden()
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(n_in=4))
    expect(page.get_by_label("n_out, block bits")).to_have_value(str(a.n_out))


def test_what_is_wrong_with_a_control_that_is_not_shown_stands_below_all(open_shared, app_server):
    page = open_shared(f"{app_server.url}&seed=-1")  # magnitude has no seed
    expect(page.locator(".f2f-status")).to_contain_text("beside the control")
    expect(page.locator(".f2f-field-seed")).to_be_hidden()
    expect(page.locator(".f2f-field-settings .f2f-error")).to_contain_text("seed: expected 0 to")


def test_decoder_steps_by_button_and_key(page, eventually):
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())
    page.get_by_role("tab", name="Decoder").click()
    stage = page.locator(".f2f-stage")
    positions = a.encoded.positions(a.encoded.planes[0])
    wrong = np.unique(positions // a.n_out)
    expect(stage).to_be_visible()
    page.get_by_label("Bit-plane").select_option("0")
    stage.press("Home")
    stage.press("m")
    first = wrong[wrong > 0][0]
    expect(stage).to_have_attribute("data-cycle", str(first))
    assert a.n_out * first + int(stage.get_attribute("data-bit")) in positions
    for key, cycle in [
        ("m", wrong[wrong > first][0]), ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1),
        ("End", a.blocks - 1), ("Home", 0), ("h", np.flatnonzero(a.n_u[1:] > 8)[0] + 1),
    ]:  # fmt: skip
        stage.press(key)
        expect(stage).to_have_attribute("data-cycle", str(cycle))
    stage.press("Home")
    for name, cycle in [("Step", 1), ("Step", 2), ("Step back", 1), ("Last cycle", a.blocks - 1)]:
        page.get_by_role("button", name=name, exact=True).click()
        expect(stage).to_have_attribute("data-cycle", str(cycle))
    page.locator(".f2f-decoder").get_by_label("Cycle", exact=True).fill("5")
    page.locator(".f2f-decoder").get_by_label("Cycle", exact=True).press("Enter")
    t = f2f.trace(a.encoded, 0, 5, 6)
    expect(page.locator(".stagevalue").first).to_have_text(f"0x{t.register[0, 0]:02X}")
    expect(page.locator(".stagevalue").nth(1)).to_have_text(f"0x{t.register[0, 1]:02X}")
    page.locator(".f2f-decoder").get_by_label("Cycles per second").select_option("30")
    page.get_by_label("Cycles to run").fill("4")
    page.get_by_role("button", name="Run some cycles").click()
    expect(stage).to_have_attribute("data-cycle", "9")
    page.get_by_label("Bit-plane").select_option("9")
    bit = int(stage.get_attribute("data-bit"))
    care = f2f.trace(a.encoded, 9, 9, 10).care[0, bit]
    expect(page.locator(".f2f-equation mark")).to_have_count(int(care))
    stage.focus()
    stage.press("Home")
    stage.press(" ")
    eventually(lambda: int(stage.get_attribute("data-cycle")) > 3)
    stage.press(" ")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_a_plane_opens_in_the_decoder(page):
    page.get_by_role("tab", name="Planes").click()
    page.get_by_role("button", name="9 · mantissa 22").click()
    expect(page.get_by_role("tab", name="Decoder")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Bit-plane")).to_have_value("9")


def test_measured_tabs_fill(page, eventually):
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator(".f2f-view-compare .f2f-about")).to_contain_text("F2F", timeout=20_000)
    page.get_by_role("tab", name="Ratio").click()
    eventually(lambda: "Ratio, measured on this layer" in page.evaluate(TITLES))
    shown = page.locator(".f2f-figure-ratio")

    def colours():
        image = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
        return {"#{:02X}{:02X}{:02X}".format(*colour) for _, colour in image.getcolors(1 << 24)}

    curves = set(LIGHT.stages[:3])
    eventually(lambda: curves <= colours())


def test_exports_are_saved(page, tmp_path):
    page.get_by_role("tab", name="Export").click()
    for figure, form in [("Mask", "CSV, data"), ("Decoder at a cycle", "HTML, works offline")]:
        view = page.locator(".f2f-export")
        view.get_by_label(figure, exact=True).check()
        view.get_by_label(form, exact=True).check()
        with page.expect_download() as download:
            view.get_by_role("button", name="Export").click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    layer = "digits-small-dense-ffn1-weight"
    lines = (tmp_path / f"{layer}-mask.csv").read_text().splitlines()
    assert json.loads(lines[0].lstrip("# "))["settings"] == f2f.Settings().to_dict()
    assert len(lines) == 2 + f2f.sample_layer(SMALL).weights.size
    (decoder,) = tmp_path.glob(f"{layer}-decoder-plane-*-cycle-*.html")
    assert "<svg" not in decoder.read_text().split("<script")[0]


def test_sweep_fills_and_loads(page):
    page.get_by_role("tab", name="Sweep").click()
    view = page.locator(".f2f-sweep")
    view.wait_for()
    for box in view.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in ("0.8", "4", "5", "1", "row"))
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text(re.compile("^2 of 2 points of "))
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.8, n_in=5, n_s=1, order="row"))
    row = view.get_by_role("row").filter(has_text="n_in 5")
    expect(row).to_contain_text(f"{a.ratio.value:.3f} ×")
    row.get_by_role("button").click()
    expect(page.get_by_label("n_in, symbol bits")).to_have_value("5")
    expect(page.get_by_role("radio", name="Row", exact=True)).to_be_checked()
    settle(page)
    expect(card(page, "ratio")).to_have_text(f"{a.ratio.value:.2f}×")


def test_tabs_move_by_arrow(page):
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    tabs.first.press("ArrowRight")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(tabs.nth(1)).to_be_focused()
    tabs.nth(1).press("Home")
    expect(tabs.first).to_be_focused()


def test_upload_and_tensor_choice(page, tmp_path):
    rng = np.random.default_rng(1)
    big = rng.normal(size=(2_000_000,)).astype(np.float32)  # more parts than one
    np.savez(tmp_path / "model.npz", small=rng.normal(size=(8, 16)).astype(np.float16), big=big)
    page.get_by_label("Upload", exact=True).check()
    page.get_by_label("File to upload").set_input_files(tmp_path / "model.npz")
    expect(page.locator(".f2f-layer")).to_contain_text("8 × 16")  # a matrix before a vector
    page.get_by_role("combobox", name="Tensor").select_option("big")
    expect(page.locator(".f2f-layer")).to_contain_text("2000000")
    page.get_by_role("combobox", name="Tensor").select_option("small")
    settle(page)
    expect(page.locator(".f2f-badge")).to_have_text("✓ bit-exact")
    (tmp_path / "bad.npy").write_bytes(b"no array")
    page.get_by_label("File to upload").set_input_files(tmp_path / "bad.npy")
    expect(page.locator(".f2f-field-upload .f2f-error")).to_contain_text("bad.npy")


def test_link_and_settings_file(app_server, open_page, tmp_path):
    page = open_page(f"{app_server.url}&rate=0.75&n_in=6&order=row&seed=3")
    settle(page)
    expect(page.get_by_role("spinbutton", name="Pruning rate")).to_have_value("0.75")
    expect(page.get_by_label("n_in, symbol bits")).to_have_value("6")
    expect(page.get_by_role("radio", name="Row", exact=True)).to_be_checked()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save JSON").click()
    saved = json.loads(download.value.path().read_text())
    assert f2f.Settings.from_dict(saved) == f2f.Settings(rate=0.75, n_in=6, order="row", seed=3)
    (tmp_path / "s.json").write_text(json.dumps(saved | {"n_in": 5}))
    page.get_by_label("Load settings from a JSON file").set_input_files(tmp_path / "s.json")
    expect(page.get_by_label("n_in, symbol bits")).to_have_value("5")
    (tmp_path / "bad.json").write_text('{"colour": 1}')
    page.get_by_label("Load settings from a JSON file").set_input_files(tmp_path / "bad.json")
    expect(page.locator(".f2f-field-settings .f2f-error")).to_contain_text("colour")


def test_rapid_drag_ends_at_the_last_value(page):
    slider = page.get_by_label("Pruning rate, slider")
    started = time.monotonic()
    for i in range(50):
        slider.evaluate(
            "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }",
            0.4 + 0.01 * i,
        )
        page.wait_for_timeout(max(0, 100 * (i + 1) - 1000 * (time.monotonic() - started)))
    expect(card(page, "sparsity")).to_have_text("89.00%")
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.89))
    expect(card(page, "ratio")).to_have_text(f"{a.ratio.value:.2f}×")


def test_two_pages_on_two_screens_in_two_themes(app_server, shared, open_page):
    other = open_page(f"{app_server.url}&theme=dark&rate=0.5", 1920, 1080)
    settle(other)
    expect(card(other, "sparsity")).to_have_text("50.00%")
    for page in (shared, other):
        for tab in page.get_by_role("tab").all():
            tab.click()
            overflow = page.evaluate(
                "[document.documentElement, document.querySelector('.f2f-app')]"
                ".map((node) => node.scrollWidth - node.clientWidth)"
            )
            assert max(overflow) <= 0, tab.inner_text()
            if page is shared:
                continue
            found = Axe().run(page, context=".f2f-app").response
            assert len(found["passes"]) > 5
            for violation in found["violations"]:
                assert violation["impact"] not in ("serious", "critical"), violation


def test_server_ends_its_kernels(start_server, open_page, eventually):
    server = start_server("app")
    page = open_page(server.url)
    settle(page)
    assert len(server.kernels()) == 1
    environ = Path(f"/proc/{server.kernels().pop()}/environ").read_bytes()
    scratch = Path(re.search(rb"TMPDIR=([^\0]+)", environ)[1].decode())
    assert any(scratch.glob("f2f-viz-*/upload-*"))
    page.goto("about:blank")  # leaving the page ends its kernel
    eventually(lambda: not server.kernels())
    eventually(lambda: not scratch.exists())
    page.goto(server.url)
    settle(page)
    page.context.close()
    assert server.stop() == (0, "")
    assert not scratch.parent.exists()
