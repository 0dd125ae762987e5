"""Presenter mode, and keys: what a class sees from the last row."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.app import eyes
from tests.app.page import BOKEH, settle

pytestmark = pytest.mark.browser

# texts of HTML and SVG that are smaller than 18 px on the screen
SMALL = """() => [...document.querySelectorAll('.f2f-main *')].flatMap((node) => {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  if (!own || !node.checkVisibility({ visibilityProperty: true }) || node.closest('.f2f-visually-hidden, .bk-Notifications, option, style')) return [];
  const size = parseFloat(getComputedStyle(node).fontSize) * node.currentCSSZoom;
  return size < 17.99 ? [`${node.tagName} ${node.getAttribute('class')} "${node.textContent.trim().slice(0, 30)}": ${size.toFixed(1)}`] : [];
})"""
# and of figures that are seen: sizes in pixels
LETTERS = f"""async () => {BOKEH}.documents.flatMap((doc) => [...doc._all_models.values()]).flatMap((model) =>
  Object.entries(model.attributes).filter(([name]) => name.endsWith('text_font_size'))
    .map(([, size]) => parseFloat(size?.value ?? size))).filter((size) => size < 18)"""
TABS = ("Mask", "Ratio", "Planes", "Decoder", "Trellis", "Lanes", "Compare")


@pytest.fixture(scope="module")
def page(app_server, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.add_init_script(f"({eyes.WATCH_CANVASES})()")
    page.goto(app_server.url)
    settle(page)
    page.keyboard.press("p")
    expect(page.locator(".f2f-side")).to_be_hidden()
    yield page
    context.close()


def look(page, tab):
    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(".f2f-tabpanel:visible .f2f-part").first.wait_for()
    expect(page.locator(".f2f-tabpanel:visible .f2f-building")).to_have_count(0)


@pytest.mark.parametrize("tab", TABS)
def test_letters_are_large_and_the_view_is_whole(page, tab):
    look(page, tab)
    for size in ((1280, 720), (1920, 1080)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        assert page.evaluate(SMALL) == []
        assert eyes.whole(page) == [], size
    assert page.evaluate(LETTERS) == []


def test_keys_step_play_and_choose_views(page, eventually):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator(".f2f-layer").click()  # no control has the focus
    page.keyboard.press("4")
    stage = page.locator(".f2f-stage")
    expect(stage).to_be_visible()
    before = int(stage.get_attribute("data-cycle"))
    page.keyboard.press("ArrowRight")
    expect(stage).to_have_attribute("data-cycle", str(before + 1))
    page.get_by_role("toolbar", name="Presenter").get_by_role("button", name="Step on").click()
    expect(stage).to_have_attribute("data-cycle", str(before + 2))
    page.get_by_role("button", name="Play or stop").click()
    eventually(lambda: int(stage.get_attribute("data-cycle")) > before + 3)
    page.get_by_role("button", name="Play or stop").click()
    # who clicks goes on with the arrows
    page.get_by_role("tab", name="Decoder", exact=True).click()
    before = int(stage.get_attribute("data-cycle"))
    page.keyboard.press("ArrowRight")
    expect(stage).to_have_attribute("data-cycle", str(before + 1))
    page.get_by_role("toolbar", name="Presenter").get_by_role("button", name="Step on").click()
    expect(stage).to_have_attribute("data-cycle", str(before + 2))
    page.keyboard.press("ArrowRight")
    expect(stage).to_have_attribute("data-cycle", str(before + 3))
    page.keyboard.press("1")
    expect(page.get_by_role("tab", name="Mask")).to_have_attribute("aria-selected", "true")
    way = page.locator(".f2f-trail")
    told = way.inner_text()
    page.keyboard.press("ArrowLeft")  # nothing to step by itself: the selection goes on
    expect(way).not_to_have_text(told)


def test_a_bit_is_hit_though_the_view_is_enlarged(page):
    page.keyboard.press("4")
    stage = page.locator(".f2f-stage")
    ticks = stage.locator("text.tick:not(.start):not(.end)")
    expect(ticks.first).to_be_visible()
    tick = ticks.nth(2)
    wanted = tick.text_content()
    box = tick.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(stage).to_have_attribute("data-bit", wanted)


def test_spotlight_theme_and_the_sheet_of_keys(page):
    light = page.locator(".f2f-spotlight")
    page.locator(".f2f-layer").click()
    page.keyboard.press("s")
    expect(light).to_be_visible()
    page.keyboard.press("s")
    expect(light).to_be_hidden()
    page.keyboard.press("t")
    expect(page.locator(".f2f-app")).to_have_class(re.compile("f2f-dark"))
    page.keyboard.press("t")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    assert sheet.evaluate(eyes.TOPMOST) == ""
    found = Axe().run(page, context=".f2f-keys").response
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()


def test_axe_is_content_and_escape_ends_it(page):
    settle(page)
    found = Axe().run(page, context=".f2f-main").response
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
    page.locator(".f2f-layer").click()
    page.keyboard.press("Escape")
    expect(page.locator(".f2f-side")).to_be_visible()
    page.get_by_role("tab", name="Sweep").click()
    search = page.locator(".f2f-sweep input[type=search]")
    search.click()
    page.keyboard.type("p?s")  # letters, where one writes
    expect(search).to_have_value("p?s")
    expect(page.locator(".f2f-side")).to_be_visible()
