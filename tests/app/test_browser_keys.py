"""The light page to people who see it otherwise, or who have only keys."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.samples import SMALL
from tests.app.page import settle

pytestmark = pytest.mark.browser

# all that can be operated now, by the order of the page; one stop serves a group of radio buttons
OPERABLE = """() => {
  const groups = new Set();
  document.querySelectorAll('[data-stop]').forEach((node) => delete node.dataset.stop);
  return [...document.querySelectorAll('.f2f-app :is(button, input, select, summary, [tabindex])')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.matches(':disabled')
      && !node.closest('.bk-Figure, .bk-GridBox, .bk-Column') && node.tabIndex >= 0)
    .filter((node) => node.type !== 'radio'
      || (!groups.has(node.name) && groups.add(node.name)))
    .map((node, index) => { node.dataset.stop = node.type === 'radio' ? node.name : index; })
    .length;
}"""
FOCUSED = """() => {
  const node = document.activeElement;
  return node.type === 'radio' ? node.name : node.dataset.stop ?? null;
}"""


@pytest.fixture(scope="module")
def page(shared):
    return shared


def test_every_control_of_every_tab_is_reached_by_tab_and_axe_is_content(page):
    for tab in page.get_by_role("tab").all():
        tab.click()
        settle(page)
        found = Axe().run(page, context=".f2f-app").response
        assert len(found["passes"]) > 5
        for violation in found["violations"]:
            assert violation["impact"] not in ("serious", "critical"), violation
        count = page.evaluate(OPERABLE)
        stops = set(
            page.locator("[data-stop]:visible").evaluate_all(
                "nodes => nodes.map(n => n.dataset.stop)"
            )
        )
        page.locator(".f2f-panel input:checked").first.focus()
        reached = {page.evaluate(FOCUSED)}
        for _ in range(count + 60):  # the figures' tools have stops of their own
            page.keyboard.press("Tab")
            reached.add(page.evaluate(FOCUSED))
        missed = [
            page.locator(f"[data-stop='{stop}']").first.evaluate("node => node.outerHTML")
            for stop in stops - reached
        ]
        assert not missed, (tab.inner_text(), missed)


def test_the_analyzer_is_driven_by_keys_alone(page):
    keys = page.keyboard
    page.get_by_label("Pruning rate, slider").focus()
    for _ in range(10):
        keys.press("ArrowLeft")
    expect(page.locator("[data-key=sparsity]").first).to_have_text("80.00%")
    page.get_by_role("radio", name="Interleaved", exact=True).focus()
    keys.press("ArrowRight")
    expect(page.get_by_role("radio", name="Row", exact=True)).to_be_checked()
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.8, order="row"))
    ratio = page.locator(".f2f-card-value[data-key=ratio]")
    expect(ratio).to_have_text(f"{a.ratio.value:.2f}×")
    page.locator(".f2f-card-ratio").focus()  # the explanation is for the focus as for the mouse
    expect(page.locator(".f2f-card-ratio .f2f-tip")).to_be_visible()
    summary = page.get_by_text("What is stored, and how")
    before = page.get_by_role("radio", name="Bitmap", exact=True).is_visible()
    summary.focus()
    keys.press("Enter")
    expect(page.get_by_role("radio", name="Bitmap", exact=True)).to_be_visible(visible=not before)
    page.get_by_role("tab", selected=True).focus()
    keys.press("Home")
    for _ in range(2):
        keys.press("ArrowRight")
    page.get_by_role("button", name="9 · mantissa 22").focus()
    keys.press("Enter")
    stage = page.locator(".f2f-stage")
    expect(stage).to_be_visible()
    of = page.locator(".f2f-decoder > .f2f-toolbar")
    expect(of).to_contain_text(f"of 0 to {a.blocks - 1}")  # no more of the settings before
    stage.focus()
    keys.press("End")
    expect(stage).to_have_attribute("data-cycle", str(a.blocks - 1))
    bit = stage.get_attribute("data-bit")
    keys.press("ArrowDown")
    expect(stage).not_to_have_attribute("data-bit", bit)  # an output bit without a mouse
    page.locator(".f2f-decoder").get_by_label(
        "Cycle", exact=True
    ).focus()  # and a block: the mask marks it too
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    keys.press("Enter")
    expect(stage).to_have_attribute("data-cycle", "7")
