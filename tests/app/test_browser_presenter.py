"""Presenter mode, and keys: what a class sees from the last row."""

import re
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from f2f_viz.app.tour import read_tour
from tests.app import eyes
from tests.app.page import BOKEH, settle

pytestmark = pytest.mark.browser

FRAMES = (
    "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r))))"
)
# what is wrong with where the spotlight is
LIT = """() => {
  const box = [...document.querySelectorAll('.f2f-stage .band, .f2f-at')].find((n) => n.checkVisibility()).getBoundingClientRect();
  const light = document.querySelector('.f2f-spotlight').style;
  const [x, y] = ['--x', '--y'].map((name) => parseFloat(light.getPropertyValue(name)));
  return x >= box.left - 1 && x <= box.right + 1 && y >= box.top - 1 && y <= box.bottom + 1 ? '' : `${x}, ${y}`;
}"""
# texts of HTML and SVG that are smaller than 18 px on the screen
SMALL = """() => [...document.querySelectorAll('.f2f-main *')].flatMap((node) => {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  if (!own || !node.checkVisibility({ visibilityProperty: true }) || node.closest('.f2f-visually-hidden, .bk-Notifications, option, style')) return [];
  const drawn = node instanceof SVGElement ? node.getCTM().a / node.ownerSVGElement.getCTM().a : 1;
  const size = parseFloat(getComputedStyle(node).fontSize) * node.currentCSSZoom * drawn;
  return size < 17.99 ? [`${node.tagName} ${node.getAttribute('class')} "${node.textContent.trim().slice(0, 30)}": ${size.toFixed(1)}`] : [];
})"""
# and of figures that are seen: sizes in pixels
LETTERS = f"""async () => {BOKEH}.documents.flatMap((doc) => [...doc._all_models.values()]).flatMap((model) =>
  Object.entries(model.attributes).filter(([name]) => name.endsWith('text_font_size'))
    .map(([, size]) => parseFloat(size?.value ?? size))).filter((size) => size < 18)"""
# how many pictures a view is shown in, one at a time
TABS = {
    "Mask": 1, "Ratio": 1, "Planes": 1, "Decoder": 4, "Trellis": 1, "Lanes": 1, "Sweep": 2, "Compare": 1,
}  # fmt: skip
SCROLLS = """() => [...document.querySelectorAll('.f2f-stack, .f2f-stack *')].filter((node) => node.checkVisibility())
  .filter((node) => /auto|scroll/.test(getComputedStyle(node).overflow) && !node.closest('.f2f-sweep-list'))
  .flatMap((node) => [['across', node.scrollWidth - node.clientWidth], ['down', node.scrollHeight - node.clientHeight]]
    .filter(([, more]) => more > 1).map(([way, more]) => `${node.className} scrolls ${way} by ${more} px`))"""


@contextmanager
def presented(app_server, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.add_init_script(f"({eyes.WATCH_CANVASES})()")
    page.goto(app_server.url)
    settle(page)
    page.keyboard.press("p")
    expect(page.locator(".f2f-side")).to_be_hidden()
    try:
        yield page
    finally:
        context.close()


@pytest.fixture(scope="module")
def page(app_server, browser):
    with presented(app_server, browser) as page:
        yield page


@pytest.fixture
def fresh_page(app_server, browser):
    with presented(app_server, browser) as page:
        yield page


def look(page, tab):
    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(".f2f-tabpanel:visible .f2f-part:visible").first.wait_for()
    expect(page.locator(".f2f-tabpanel:visible .f2f-building")).to_have_count(0)


@pytest.mark.parametrize(("tab", "pictures"), TABS.items())
def test_letters_are_large_and_the_view_is_whole_without_scrolling(page, tab, pictures, eventually):
    look(page, tab)
    turn = page.get_by_role("button", name="Next picture of this view")
    for picture in range(pictures):
        for size in ((1280, 720), (1920, 1080)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.evaluate(FRAMES)
            eventually(lambda: page.evaluate(SCROLLS) == [])  # the kernel draws some anew
            at = f"picture {picture + 1} at {size}"
            assert page.evaluate(SMALL) == [], at
            assert eyes.whole(page) == [], at
        if pictures > 1:
            expect(turn).to_have_text(f"{picture + 1}/{pictures}")
            turn.click()
    expect(turn).to_be_visible(visible=pictures > 1)
    assert page.evaluate(LETTERS) == []


def test_before_a_sweep_its_picture_says_so_and_starts_it(page):
    """The form is another picture: what it would measure, and a button, stand where results will."""
    page.set_viewport_size({"width": 1280, "height": 720})
    look(page, "Sweep")
    turn = page.get_by_role("button", name="Next picture of this view")
    expect(turn).to_have_text("1/2")
    view = page.locator(".f2f-sweep")
    for box in view.locator("form").get_by_role("checkbox").all():
        if box.get_attribute("name") not in ("layer", "method", "order"):
            box.set_checked(box.get_attribute("value") in {"0.7", "0.9", "4", "0"})
    turn.click()
    plan = view.get_by_role("region", name="What a start measures")
    expect(plan).to_contain_text("Not started: 2 points to measure")
    expect(plan).to_contain_text("0.7, 0.9")
    assert eyes.whole(page) == []
    plan.get_by_role("button", name="Start the sweep").click()
    expect(view.locator(".f2f-charts .point")).to_have_count(4, timeout=60_000)  # in two charts
    expect(plan).to_be_hidden()
    turn.click()
    expect(turn).to_have_text("1/2")
    view.locator("form").get_by_role("button", name="Start", exact=True).click()
    expect(turn).to_have_text("2/2")  # by itself: what it measures is seen there
    expect(view.locator(".f2f-charts .point")).to_have_count(4, timeout=60_000)
    turn.click()


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_gates_and_wires_are_as_large_as_the_screen_takes_them(page, size, eventually):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    look(page, "Decoder")
    turn = page.get_by_role("button", name="Next picture of this view")
    room = page.locator(".f2f-tabpanel:visible")
    for picture in (3, 4):
        while not turn.inner_text().startswith(str(picture)):
            turn.click()

        def large():
            drawn = page.locator(".f2f-picture svg:visible").bounding_box()
            whole = room.bounding_box()
            return drawn["width"] > 0.9 * whole["width"] and drawn["height"] > 0.6 * whole["height"]

        eventually(large)
    turn.click()  # to the first


def test_work_is_no_view(page):
    for name in ("Model", "Export"):
        expect(page.get_by_role("tab", name=name)).to_be_hidden()
    page.get_by_role("tab", name="Mask", exact=True).click()
    page.keyboard.press("8")
    expect(page.get_by_role("tab", name="Mask", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )


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
    expect(way).to_contain_text(f"block {before + 3},")
    page.keyboard.press("ArrowLeft")  # nothing to step by itself: the selection goes on
    expect(way).to_contain_text(f"block {before + 2},")


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


@pytest.mark.parametrize("tab", ["Decoder", "Trellis", "Lanes"])
def test_the_spotlight_goes_with_the_selection(page, tab, eventually):
    look(page, tab)
    page.locator(".f2f-layer").click()
    page.keyboard.press("s")
    places = []
    for _ in range(3):
        for _ in range(4):
            page.keyboard.press("ArrowLeft" if tab == "Lanes" else "ArrowRight")
        eventually(lambda: page.evaluate(LIT) == "")
        places.append(page.locator(".f2f-spotlight").evaluate("(n) => n.style.cssText"))
    assert len(set(places)) > 1 or tab == "Decoder"  # there the bit stays
    page.keyboard.press("s")


def test_beside_the_tour_views_are_still_whole(open_shared, app_server):
    page = open_shared(f"{app_server.url}&tab=Lanes&step=2", height=720)
    settle(page)
    page.keyboard.press("p")
    expect(page.locator(".f2f-side")).to_be_hidden()
    expect(page.locator(".f2f-tour")).to_be_visible()
    for tab in ("Lanes", "Trellis"):
        look(page, tab)
        page.locator(".f2f-tabpanel:visible svg").first.wait_for()
        page.evaluate(FRAMES)
        assert page.evaluate(SCROLLS) == []
        assert page.evaluate(SMALL) == []


# what the tour tells of is large enough to be seen: heights of the mask, how many digits registers show
PICTURED = """() => ({
  mask: [...document.querySelectorAll('.f2f-figure-mask')].filter((n) => n.checkVisibility()).map((n) => n.getBoundingClientRect().height),
  lanes: [...document.querySelectorAll('.f2f-lanes svg path')].flatMap((n) => [...(n.getAttribute('d') ?? '').matchAll(/v([\\d.]+)h-/g)].map((m) => Number(m[1]))),
  boxes: document.querySelectorAll('.f2f-stage [data-box]').length,
  digits: document.querySelectorAll('.f2f-stage [data-holds]').length,
})"""


def test_every_step_of_the_tour_is_whole_and_its_task_can_be_done(fresh_page, eventually):
    page, errors = fresh_page, []
    page.on("pageerror", lambda error: errors.append(str(error)))
    tour = page.get_by_role("region", name="Tour")
    for number, step in enumerate(read_tour().steps, 1):
        page.keyboard.press("PageDown")  # begins it, too
        expect(tour).to_contain_text(f"{number} of")
        expect(tour).to_contain_text(step.title)
        expect(page.locator(".f2f-app")).to_have_attribute("data-picture", "0")
        settle(page)
        expect(page.locator(".f2f-tabpanel:visible .f2f-building")).to_have_count(0)
        if step.do:
            page.keyboard.press("d")
            expect(page.locator(".f2f-tour-done"), step.title).to_have_text("✓ done")
            settle(page)
        else:
            expect(tour.get_by_role("button", name="Do it")).to_be_hidden()
        for size in ((1366, 768), (1280, 720)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.evaluate(FRAMES)
            at = f"{step.title} at {size}"
            eventually(lambda: page.evaluate(SCROLLS) == [])
            eventually(lambda: eyes.whole(page) == [])
            assert page.evaluate(SMALL) == [], at
            seen = page.evaluate(PICTURED)
            if step.tab == "Mask":
                assert min(seen["mask"]) > 400, at
            if step.tab == "Lanes":
                assert min(seen["lanes"]) > 0.5, at  # of a lane's 0.8 pixels
            if step.tab == "Decoder":
                assert seen["digits"] == seen["boxes"] > 0, at
        page.keyboard.press("m")  # which not every view takes
        page.keyboard.press("h")
        if step.tab == "Decoder":  # the next step begins with its first picture, also on this tab
            page.keyboard.press("v")
            expect(page.locator(".f2f-app")).to_have_attribute("data-picture", "1")
    assert errors == []
    text = tour.locator("p").first
    expect(text).to_be_hidden()
    page.keyboard.press("e")
    expect(text).to_be_visible()
    assert text.evaluate(eyes.TOPMOST) == ""
    assert eyes.whole(page) == []
    # the other picture of the mask's view is there beside the tour only
    page.keyboard.press("v")
    expect(page.locator(".f2f-figure-bits")).to_be_visible()
    tour.get_by_role("button", name="Leave").click()
    expect(page.locator(".f2f-figure-mask")).to_be_visible()
    expect(page.locator(".f2f-figure-bits")).to_be_visible()


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
