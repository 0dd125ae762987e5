"""The Trellis tab as a person meets it: a small code unfolds, and the layer's own where it can."""

import re

import pytest
from playwright.sync_api import expect

from tests.app import eyes
from tests.app.page import settle

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(shared):
    shared.set_viewport_size({"width": 1280, "height": 720})
    shared.get_by_role("tab", name="Trellis", exact=True).click()
    return shared


def test_the_small_code_unfolds_and_leaves_the_settings_alone(page):
    picture = page.locator(".f2f-trellis")
    page.wait_for_url(re.compile("tab=Trellis$"))
    expect(picture).to_have_attribute("data-step", "1")
    expect(picture.locator(".f2f-candidate").first).to_be_attached()
    page.get_by_role("button", name="Step", exact=True).last.click()
    picture.press("ArrowRight")
    picture.press("ArrowRight")
    expect(picture).to_have_attribute("data-step", "4")
    expect(picture.locator(".f2f-strike")).to_have_count(12)
    assert eyes.whole(page) == []
    picture.press("End")
    expect(page.locator(".f2f-said")).to_contain_text("None of the 4,096 sequences has fewer")
    expect(picture.locator(".f2f-way.f2f-chosen")).to_have_count(6)
    picture.press("Home")
    page.get_by_label("Steps per second").select_option("5")
    picture.press(" ")
    expect(picture).to_have_attribute("data-step", "18", timeout=60_000)
    # the address says how far, and nothing of settings
    expect(page).to_have_url(re.compile("tab=Trellis&unfolded=18$"))
    expect(page.get_by_label("n_in, symbol bits")).to_have_value("8")


def test_a_code_too_large_says_why(page):
    expect(page.get_by_role("button", name="This layer's code")).to_be_disabled()
    expect(page.locator(".f2f-unfolding")).to_contain_text("256 states are too many to draw")


def test_steps_of_the_layer_s_own_code_lead_through_its_blocks(page):
    page.get_by_label("n_in, symbol bits").fill("3")
    page.locator(".f2f-field-n_s").get_by_label("2").check()
    settle(page)
    own = page.get_by_role("button", name="This layer's code")
    expect(own).to_be_enabled()
    own.click()
    expect(page.locator(".f2f-unfolding")).to_contain_text("64 states")  # of these settings
    picture = page.locator(".f2f-trellis")
    expect(picture).to_have_attribute("data-step", "2")
    for _ in range(6):
        picture.press("ArrowRight")
    expect(picture).to_have_attribute("data-step", "8")
    assert eyes.whole(page) == []
    page.get_by_role("tab", name="Decoder", exact=True).click()
    stage = page.locator(".f2f-stage")
    expect(stage).to_have_attribute("data-cycle", "3")
    stage.press("ArrowRight")
    expect(stage).to_have_attribute("data-cycle", "4")
    page.get_by_role("tab", name="Trellis", exact=True).click()
    expect(picture).to_have_attribute("data-step", "10")
