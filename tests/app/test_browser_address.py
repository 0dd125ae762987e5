"""What the page shows lives in its address: reload, Back, Forward, undo, sharing."""

import re
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.app.view_settings import ViewSettings
from tests.app.page import card, drawn, settle
from tests.app.test_address import CHANGED

pytestmark = pytest.mark.browser


def query(page):
    """The address's query, by name."""
    return {name: text for name, (text,) in parse_qs(page.url.partition("?")[2]).items()}


@pytest.fixture
def at(app_server, open_page):
    """Open the app at a query, and settle."""

    def at(**chosen):
        page = open_page(f"{app_server.url}&{urlencode(chosen)}")
        settle(page)
        return page

    return at


def shown(page):
    """What the controls and the views show, by the names of the state."""
    panel = page.locator(".f2f-panel")
    found = {}
    for name in CHANGED:
        control = panel.locator(f"[id$='-{name}']").first
        radios = panel.locator(f"input[type=radio][name$='-{name}']")
        if radios.count():
            chosen = radios.evaluate_all("(n) => n.find((r) => r.checked).id")
            found[name] = chosen.rpartition(f"{name}-")[2]
        elif control.count():
            found[name] = control.evaluate(
                "(n) => n.type === 'checkbox' ? String(n.checked) : n.value"
            )
    stage = page.locator(".f2f-stage")
    found |= {name: stage.get_attribute(f"data-{name}") for name in ("cycle", "bit")}
    found["plane"] = page.get_by_label("Bit-plane").input_value()
    found["step"] = page.locator(".f2f-tour-place").text_content().split()[0]
    found["tab"] = page.get_by_role("tab", selected=True).inner_text()
    found["step"] = page.locator(".f2f-tour-place").inner_text().partition(" ")[0]
    return found


def test_every_field_is_in_the_address_and_survives_a_reload(at):
    files = ("mask", "scores")  # which no address opens
    chosen = {
        name: ",".join("" if w is None else str(w) for w in value)
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for name, value in CHANGED.items()
        if name not in files
    }
    page = at(**chosen)
    expect(page.locator(".f2f-stage")).to_have_attribute("data-cycle", chosen["cycle"])
    first = shown(page)
    here = chosen.keys() - ViewSettings().__dict__.keys()  # those show in other tabs
    assert {name: first[name] for name in here} == {name: chosen[name] for name in here}
    assert query(page) == chosen
    page.reload()
    settle(page)
    expect(page.locator(".f2f-stage")).to_have_attribute("data-cycle", chosen["cycle"])
    assert shown(page) == first
    assert query(page) == chosen


def test_how_views_are_set_is_in_the_address(at):
    page = at(tab="Lanes", lanes=40, clock=7, n_in=3)
    lanes, picture = (
        page.get_by_role("spinbutton", name="Number of lanes"),
        page.locator(".f2f-schedules"),
    )
    expect(lanes).to_have_value("40")
    expect(picture).to_have_attribute("data-cycle", "7")
    picture.press("ArrowRight")
    expect(page).to_have_url(re.compile("clock=8"))
    lanes.fill("6")
    lanes.press("Enter")
    expect(page).to_have_url(re.compile("lanes=6"))
    assert "clock" not in query(page)  # the view puts it
    page.get_by_role("tab", name="Trellis", exact=True).click()
    trellis = page.locator(".f2f-trellis")
    expect(trellis).to_have_attribute("data-step", "1")
    for _ in range(3):
        trellis.press("ArrowRight")
    expect(page).to_have_url(re.compile("unfolded=4"))
    page.get_by_role("button", name="This layer's code").click()
    expect(page).to_have_url(re.compile("trellis=layer"))
    page.reload()
    settle(page)
    own = page.get_by_role("button", name="This layer's code")
    expect(own).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Small code").click()
    expect(trellis).to_have_attribute("data-step", "4")
    page.get_by_role("tab", name="Lanes", exact=True).click()
    expect(lanes).to_have_value("6")
    assert query(page) == {"tab": "Lanes", "lanes": "6", "unfolded": "4", "n_in": "3"}


def test_back_and_forward_go_through_what_was_chosen(at):
    page = at(n_in=6)
    page.locator(".f2f-field-order").get_by_label("Row").check()
    expect(page).to_have_url(re.compile("order=row"))
    sample = page.get_by_role("combobox", name="Sample layer")
    pruned = f2f.sample_names()[9]
    sample.select_option(pruned)
    expect(page.locator(".f2f-layer")).to_contain_text(pruned)
    page.get_by_role("tab", name="Decoder").click()
    stage = page.locator(".f2f-stage")
    expect(stage).to_be_visible()
    stage.press("End")
    expect(page).to_have_url(re.compile(r"cycle=\d+"))
    last = query(page)
    cycle = stage.get_attribute("data-cycle")

    page.go_back()  # the tab; where it points is no step of its own
    expect(page.get_by_role("tab", name="Mask")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator(".f2f-layer")).to_contain_text(f2f.sample_names()[0])
    expect(page.get_by_role("radio", name="Row", exact=True)).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="Interleaved", exact=True)).to_be_checked()
    settle(page)
    assert query(page) == {"n_in": "6"}
    for _ in range(3):
        page.go_forward()
    expect(page.locator(".f2f-layer")).to_contain_text(pruned)
    expect(stage).to_have_attribute("data-cycle", cycle)
    settle(page)
    assert query(page) == last


def test_a_block_marked_in_the_mask_is_in_the_address(at):
    page = at()
    box = drawn(page, "mask").bounding_box()
    page.mouse.click(box["x"] + 200, box["y"] + 180)
    expect(page).to_have_url(re.compile(r"cycle=[1-9]"))
    cycle = query(page)["cycle"]
    page.get_by_role("tab", name="Decoder").click()
    expect(page.locator(".f2f-stage")).to_have_attribute("data-cycle", cycle)
    expect(page).to_have_url(re.compile("tab=Decoder"))


def test_undo_and_redo_by_button_and_keys(at):
    page = at()
    undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    slider = page.get_by_label("Pruning rate, slider")
    slider.focus()
    for _ in range(10):  # one drag is one step
        slider.press("ArrowLeft")
    expect(card(page, "sparsity")).to_have_text("80.00%")
    page.locator(".f2f-field-n_s").get_by_label("0").check()
    settle(page)
    page.keyboard.press("Control+z")
    expect(page.locator(".f2f-field-n_s").get_by_label("1")).to_be_checked()
    undo.click()
    expect(card(page, "sparsity")).to_have_text("90.00%")
    expect(undo).to_be_disabled()
    redo.click()
    expect(card(page, "sparsity")).to_have_text("80.00%")
    page.get_by_role("tab", name="Mask").focus()
    page.keyboard.press("Control+y")
    expect(page.locator(".f2f-field-n_s").get_by_label("0")).to_be_checked()
    expect(redo).to_be_disabled()
    assert query(page) == {"rate": "0.8", "n_s": "0"}
    settle(page)


def test_a_file_opened_here_is_there_after_a_reload_and_an_upload_is_asked_for(at, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, a=np.ones((4, 6), np.float32), b=np.eye(9, dtype=np.float32))
    other = tmp_path / "other.npz"
    np.savez(other, c=np.ones((5, 7), np.float32), d=np.ones((3, 8), np.float32))
    page = at()
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(path))
    page.get_by_label("Path on this machine").press("Enter")
    page.get_by_role("combobox", name="Tensor").select_option("b")
    expect(page.locator(".f2f-layer")).to_contain_text("9 × 9")
    page.reload()
    expect(page.locator(".f2f-layer")).to_contain_text("9 × 9")
    settle(page)
    page.get_by_label("Upload", exact=True).check()
    page.get_by_label("File to upload").set_input_files(other)
    expect(page.locator(".f2f-layer")).to_contain_text("5 × 7")
    page.get_by_role("combobox", name="Tensor").select_option("d")
    expect(page.locator(".f2f-layer")).to_contain_text("3 × 8")
    page.reload()
    expect(page.locator(".f2f-field-upload .f2f-error")).to_contain_text("choose it again")
    settle(page)


def test_numbers_are_pinned_and_compared(at):
    page = at()
    before = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    page.get_by_role("button", name="Pin", exact=True).click()
    pinned = page.locator(".f2f-pinned")
    expect(pinned).to_contain_text("n_in = 8, n_s = 1")
    page.locator(".f2f-field-n_s").get_by_label("2").check()
    settle(page)
    now = f2f.analyze(f2f.sample_layer(), f2f.Settings(n_s=2))
    note = page.locator(".f2f-card-ratio .f2f-card-note")
    expect(note).to_have_text(f"▲ +{now.ratio.value - before.ratio.value:.2f}")
    expect(note).to_have_attribute("data-better", "1")
    expect(pinned).to_contain_text("Register stages n_s 1 → 2")
    page.get_by_role("button", name="Unpin").click()
    expect(pinned).to_be_hidden()
    expect(note).to_contain_text("whole file")


def test_a_foreign_part_of_the_address_stays(at):
    page = at(theme="dark", n_in=7)
    page.locator(".f2f-field-n_s").get_by_label("0").check()
    expect(page).to_have_url(re.compile(r"\?theme=dark&n_in=7&n_s=0$"))
    settle(page)


def test_another_layer_is_followed_by_the_sweep_and_keeps_the_marked_block(at):
    page = at(tab="Mask", cycle=5, bit=3)
    marked = """async () => {
      const Bokeh = await [...(globalThis[Symbol.for('f2f-viz.bokehjs')]?.values() ?? [])][0];
      return Bokeh?.documents.some((doc) => [...doc._all_models.values()].some(
        (model) => model.title?.text?.includes('block 5: n_u')));
    }"""
    page.wait_for_function(marked)
    page.get_by_role("tab", name="Sweep").click()
    ticked = page.locator(".f2f-sweep-layers input:checked")
    expect(ticked).to_have_count(1)
    page.get_by_role("combobox", name="Sample layer").select_option(f2f.sample_names()[9])
    expect(ticked).to_have_value(f2f.sample_names()[9])
    settle(page)
    page.get_by_role("tab", name="Mask").click()
    settle(page)
    page.wait_for_function(marked)
    page.locator(".f2f-sweep-layers input").nth(3).evaluate("(n) => { n.checked = true; }")
    page.get_by_role("combobox", name="Sample layer").select_option(f2f.sample_names()[0])
    settle(page)
    page.wait_for_function(marked)
    expect(ticked).to_have_count(2)  # what somebody chose stays
