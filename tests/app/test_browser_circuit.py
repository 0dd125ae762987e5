"""The circuit and the waveform of the Decoder tab: they follow the page, and the page them."""

import re

import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from tests.app import eyes
from tests.app.page import settle

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["light", "dark"])
def page(app_server, browser, request):
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1280, "height": 720}
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(app_server.url)
    settle(page)
    page.get_by_role("tab", name="Decoder", exact=True).click()
    expect(page.locator(".f2f-drawing svg")).to_have_count(2)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def drawings(page):
    return page.locator(".f2f-drawing").first, page.locator(".f2f-drawing").last


def test_they_follow_the_cycle_and_the_bit(page, drawings):
    circuit, wires = drawings
    cycle = page.get_by_label("Cycle", exact=True)
    cycle.fill("20")
    cycle.press("Enter")
    expect(wires.locator("svg")).to_have_attribute("aria-label", re.compile("block 20$"))
    stage = page.locator(".f2f-stage")
    stage.press("ArrowDown")
    bit = int(stage.get_attribute("data-bit"))
    expect(circuit.locator("svg")).to_have_attribute("aria-label", re.compile(f"bit {bit}$"))
    equation = page.locator(".f2f-equation code").first.inner_text()
    value = equation.rsplit("= ", 1)[1]
    expect(circuit.locator("svg text", has_text=f"yₜ[{bit}] = {value}")).to_have_count(1)


def test_a_click_on_a_clock_cycle_goes_there(page, drawings):
    _, wires = drawings
    page.get_by_role("button", name="First cycle").click()
    wires.locator('[data-cycle="2"]').first.click()
    expect(page.locator(".f2f-stage")).to_have_attribute("data-cycle", "2")


def test_a_toy_is_shown_whole_and_a_click_chooses_an_output(page, drawings):
    circuit, _ = drawings
    page.get_by_label("n_in, symbol bits").fill("3")
    page.locator(".f2f-field-n_s").get_by_label("2").check()
    page.get_by_role("spinbutton", name="Pruning rate").fill("0.7")
    toy = f2f.analyze(f2f.sample_layer(), f2f.Settings(n_in=3, n_s=2, rate=0.7))
    expect(circuit.locator("[data-bit]")).to_have_count(toy.n_out)
    settle(page)
    circuit.locator('[data-bit="1"]').click()
    expect(page.locator(".f2f-stage")).to_have_attribute("data-bit", "1")
    faults = {}
    for size in ((1280, 720), (900, 800)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        if found := eyes.whole(page):
            faults[size] = found
    assert not faults
