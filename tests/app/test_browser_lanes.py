"""The Lanes tab as a person meets it: keys, numbers of lanes, and another layer's work."""

import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.figures.lanes import lanes_data, schedules
from f2f_viz.samples import SMALL
from tests.app import eyes

pytestmark = pytest.mark.browser


def cycles(lanes, **settings):
    data = lanes_data(f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(**settings)))
    return " ".join(str(one.cycles) for one in schedules(data, lanes))


@pytest.fixture(scope="module")
def page(shared):
    shared.set_viewport_size({"width": 1280, "height": 720})
    shared.get_by_role("tab", name="Lanes", exact=True).click()
    return shared


def test_it_shows_the_layer_s_own_schedules(page):
    picture, count = (
        page.locator(".f2f-schedules"),
        page.get_by_role("spinbutton", name="Number of lanes"),
    )
    expect(picture).to_have_attribute("data-cycles", cycles(16))
    count.fill("64")
    count.press("Enter")
    expect(picture).to_have_attribute("data-cycles", cycles(64))
    count.fill("1000")
    count.press("Enter")
    expect(count).to_have_value("256")
    expect(page.locator(".f2f-lanes [role=status]")).to_contain_text("32 of 256 lanes")
    expect(page.locator(".f2f-shares svg")).to_be_visible()
    page.get_by_label("Lanes, slider").fill("40")
    expect(count).to_have_value("16")


def test_keys_step_and_play(page):
    picture = page.locator(".f2f-schedules")
    last = max(int(one) for one in cycles(16).split())
    picture.press("End")
    expect(picture).to_have_attribute("data-cycle", str(last))
    picture.press("Home")
    for _ in range(3):
        picture.press("ArrowRight")
    picture.press("ArrowLeft")
    expect(picture).to_have_attribute("data-cycle", "2")
    page.locator(".f2f-lanes").get_by_label("Cycles per second").select_option("30")
    picture.press(" ")
    expect(picture).to_have_attribute("data-cycle", str(last), timeout=60_000)
    picture.press("+")
    expect(page.get_by_role("spinbutton", name="Number of lanes")).to_have_value("17")
    picture.press("-")
    expect(picture).to_have_attribute("data-cycles", cycles(16))


def test_it_follows_the_settings(page):
    picture = page.locator(".f2f-schedules")
    page.get_by_role("spinbutton", name="Pruning rate").fill("0.8")
    expect(picture).to_have_attribute("data-cycles", cycles(16, rate=0.8))
    expect(page.locator(".f2f-lanes.f2f-waiting")).to_have_count(0)
    for lanes in ("1", "256"):
        page.get_by_role("spinbutton", name="Number of lanes").fill(lanes)
        page.get_by_role("spinbutton", name="Number of lanes").press("Enter")
        expect(picture).to_have_attribute("data-cycles", cycles(int(lanes), rate=0.8))
        assert eyes.whole(page) == []
