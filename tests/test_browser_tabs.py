"""Tabs as a person meets them: block grid, number format, sweeps, exported figures."""

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f

pytestmark = pytest.mark.browser

TITLES = """() => Bokeh.documents.flatMap((document) => document.roots())
  .flatMap((root) => [...root.references()]).filter((model) => model.type == "Title")
  .map((model) => model.text)"""


def settle(page):
    page.locator(".f2f-headline-root[data-state=exact]").wait_for()


@pytest.fixture(scope="module")
def page(app_server, open_shared):
    page = open_shared(app_server.url)
    settle(page)
    return page


def test_block_grid_is_drawn_and_hidden(page, eventually):
    page.get_by_role("tab", name="Mask").click()
    page.get_by_role("spinbutton", name="Pruning rate").fill("0.96")
    page.get_by_label("Row", exact=True).check()
    settle(page)
    a = f2f.analyze(f2f.sample_layer(), f2f.Settings(rate=0.96, order="row"))
    words = f"Mask, one weight a cell; blocks of {a.n_out} weights"
    eventually(lambda: words in page.evaluate(TITLES))
    mask, box = page.locator(".f2f-figure-mask"), page.get_by_label("Block grid")
    page.mouse.move(0, 0)
    drawn = mask.screenshot()
    box.uncheck()
    page.mouse.move(0, 0)
    eventually(lambda: mask.screenshot() != drawn)
    eventually(lambda: "Mask, one weight a cell" in page.evaluate(TITLES))
    box.focus()
    box.press(" ")
    eventually(lambda: words in page.evaluate(TITLES))


def test_a_click_marks_a_block(page, eventually):
    heat = page.locator(".f2f-figure-mask").bounding_box()
    page.mouse.click(heat["x"] + 120, heat["y"] + 120)
    eventually(lambda: any("n_u = " in title for title in page.evaluate(TITLES)))


def test_number_format_is_chosen_beside_the_layer(page):
    page.reload()
    settle(page)
    chosen = page.get_by_label("Number format")
    chosen.select_option("int8/channel")
    settle(page)
    expect(page.locator(".f2f-layer")).to_contain_text("float32 → int8 per channel")
    a = f2f.analyze(f2f.sample_layer(), f2f.Settings(number_format="int8/channel"))
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text(f"{a.ratio.value:.2f}×")
    expect(page.locator(".f2f-badge")).to_have_text("✓ bit-exact")
    page.get_by_role("tab", name="Planes").click()
    expect(page.locator(".f2f-planes tbody tr")).to_have_count(8)
    chosen.select_option("stored")
    expect(page.locator(".f2f-planes tbody tr")).to_have_count(32)


def test_a_number_format_that_does_not_fit_is_said_beside_it(page, tmp_path):
    np.save(tmp_path / "codes.npy", np.ones((8, 8), np.int8))
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "codes.npy"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text("int8")
    page.get_by_label("Number format").select_option("int4")
    expect(page.locator(".f2f-field-number_format .f2f-error")).to_contain_text("quantized already")
    page.get_by_label("Number format").select_option("stored")
    expect(page.locator(".f2f-field-number_format .f2f-error")).to_be_hidden()
    settle(page)
    page.get_by_label("Samples", exact=True).check()
    settle(page)


def test_number_format_comes_by_link(app_server, open_page):
    page = open_page(f"{app_server.url}&number_format=bfloat16")
    settle(page)
    expect(page.get_by_label("Number format")).to_have_value("bfloat16")
    expect(page.locator(".f2f-layer")).to_contain_text("float32 → bfloat16")
