"""The tour from the first step to the last, as a person takes it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from f2f_viz.app.tour import read_tour
from tests.app import eyes
from tests.app.page import settle

pytestmark = pytest.mark.browser

TOUR = read_tour()


@pytest.fixture(scope="module")
def page(shared):
    return shared


def click_weight(page):
    box = page.locator(".f2f-figure-mask").bounding_box()
    page.mouse.click(box["x"] + 150, box["y"] + 200)


def step_on(page):
    page.locator(".f2f-stage").press("ArrowRight")


def set_lanes(page):
    lanes = page.get_by_role("spinbutton", name="Number of lanes")
    lanes.fill("64")
    lanes.press("Enter")


def click_bit(page):
    page.locator(".f2f-stage svg").click(position={"x": 400, "y": 60})


def click_bar(page):
    """A bar beyond eight care bits, in the lower histogram."""
    box = page.locator(".f2f-figure-histogram").bounding_box()
    y = box["y"] + 0.82 * box["height"]
    done = page.locator(".f2f-tour-done")
    for share in range(60, 90, 2):
        page.mouse.click(box["x"] + share / 100 * box["width"], y)
        settle(page)
        try:
            expect(done).to_have_text("✓ done", timeout=1000)
        except AssertionError:
            continue
        return


def unfold(page):
    page.locator(".f2f-trellis").press("End")
    page.get_by_role("button", name="This layer's code").click()
    for _ in range(2):
        page.locator(".f2f-trellis").press("ArrowRight")


def n_s(value):
    return lambda page: page.locator(".f2f-field-n_s").get_by_label(str(value)).check()


DO = {
    "Irregular rows": click_weight,
    "Lanes wait": set_lanes,
    "Don't-cares": step_on,
    "One XOR equation": click_bit,
    "Blocks differ": click_bar,
    "The register": n_s(1),
    "The trellis": unfold,
    "Corrections": lambda page: page.get_by_role("button", name="Go to the next mismatch").click(),
    "The bound": n_s(2),
    "Order on a real layer": lambda page: page.get_by_role(
        "radio", name="Interleaved", exact=True
    ).check(),
    "The default code": lambda page: page.get_by_role("button", name="Default", exact=True).click(),
}


def test_the_tour_from_first_to_last_step(page):
    page.get_by_role("button", name="Tour", exact=True).click()
    tour = page.get_by_role("region", name="Tour")
    on = tour.get_by_role("button", name="Next step")
    done = page.locator(".f2f-tour-done")
    for number, step in enumerate(TOUR.steps, 1):
        expect(tour).to_contain_text(f"{number} of {len(TOUR.steps)}")
        expect(tour).to_contain_text(step.title)
        expect(page.get_by_role("tab", name=step.tab, exact=True)).to_have_attribute(
            "aria-selected", "true"
        )
        settle(page)
        expect(page.locator(".f2f-tabpanel:visible .f2f-building")).to_have_count(0)
        css = page.locator(".f2f-tour style").text_content()
        lit = page.locator(css.partition("{")[0])
        expect(lit.first).to_be_visible()
        expect(lit.first).to_have_css("outline-style", "solid")
        controls = page.locator(".f2f-tabpanel:visible [role=toolbar]")
        if step.tab in ("Decoder", "Trellis", "Lanes"):  # what the task is done with
            expect(controls.first).to_be_in_viewport(ratio=0.95)
        expect(done).to_have_text("")
        DO[step.title](page)
        expect(done, step.title).to_have_text("✓ done", timeout=30_000)
        settle(page)
        if number < len(TOUR.steps):
            on.click()
    expect(on).to_be_disabled()
    assert page.locator(".f2f-panel [aria-pressed=true]").first.inner_text() == "Default"


def test_the_place_is_kept_by_leaving_reloading_and_back(page):
    tour = page.get_by_role("region", name="Tour")
    start = page.get_by_role("button", name="Tour", exact=True)
    tour.get_by_role("button", name="Leave").click()
    expect(tour).to_be_hidden()
    expect(page).not_to_have_url(re.compile("step="))
    start.click()
    expect(tour).to_contain_text(f"{len(TOUR.steps)} of")
    tour.get_by_role("button", name="Step before").click()
    expect(page).to_have_url(re.compile(f"step={len(TOUR.steps) - 1}"))
    settle(page)
    page.reload()
    settle(page)
    expect(tour).to_contain_text(f"{len(TOUR.steps) - 1} of")
    expect(tour).to_contain_text(TOUR.steps[-2].title)


@pytest.mark.parametrize("size", [(1280, 720), (900, 800), (1920, 1080)])
def test_the_tour_is_whole_and_axe_is_content(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    settle(page)
    page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    assert page.evaluate(eyes.CLIPPED) == []
    found = Axe().run(page, context=".f2f-tour").response
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
