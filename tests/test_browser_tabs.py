"""Tabs as a person meets them: block grid, number format, sweeps, exported figures."""

import pytest

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
