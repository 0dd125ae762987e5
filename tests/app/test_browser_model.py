"""The Model tab in a real browser: a long list, its order, its filter, keys, and what a click opens."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.plan import read_plan
from tests.app import eyes
from tests.app.page import settle

pytestmark = pytest.mark.browser

LAYERS = 1000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    model = {}
    for i in range(LAYERS):
        shape = (8 + i % 5, 12)
        model[f"layer.{i:03}"] = rng.normal(size=shape).astype(np.float32)
    model["norm.weight"] = np.ones(12, np.float32)
    path = tmp_path_factory.mktemp("model") / "thousand.safetensors"
    save_file(model, path)
    return path


@pytest.fixture(scope="module")
def page(shared, path):
    """A page with a file of many tensors, all of them estimated."""
    shared.get_by_label("Path", exact=True).check()
    shared.get_by_label("Path on this machine").fill(str(path))
    shared.get_by_label("Path on this machine").press("Enter")
    expect(shared.locator(".f2f-layer")).to_contain_text("layer.")
    settle(shared)
    shared.get_by_role("tab", name="Model").click()
    said = shared.locator(".f2f-model").get_by_text(re.compile(rf"^{LAYERS:,} layers:"))
    expect(said).to_be_visible(timeout=120_000)
    return shared


@pytest.fixture
def view(page):
    """The tab, as it is at first."""
    view = page.locator(".f2f-model")
    view.get_by_label("Filter tensors").fill("")
    return view


def names(view):
    return view.locator("tbody th").all_inner_texts()


def test_of_a_long_list_the_rows_in_view_are_drawn_and_the_last_is_reached(page, view, eventually):
    page.set_viewport_size({"width": 1280, "height": 720})
    table = view.get_by_role("grid")
    expect(table).to_have_attribute("aria-rowcount", str(LAYERS + 2))
    view.locator(".f2f-long").hover()
    last = view.locator(f"tr[aria-rowindex='{LAYERS + 2}']")

    def reached():
        page.mouse.wheel(0, 20_000)
        return last.count() and last.locator("th").evaluate(eyes.TOPMOST) == ""

    eventually(reached)
    assert view.locator("tbody tr").count() < 60
    assert eyes.whole(page) == []


def test_arrow_keys_go_through_the_rows_and_enter_opens_one(page, view):
    view.locator(".f2f-long").evaluate("(n) => n.scrollTo(0, 0)")
    view.get_by_label("Filter tensors").fill("layer.0 float32")
    expect(view.get_by_role("grid")).to_have_attribute("aria-rowcount", "101")
    view.locator("tbody [tabindex='0']").focus()
    for key in ("End", "PageUp", "Home", "ArrowDown", "PageDown", "PageUp", "ArrowUp"):
        page.keyboard.press(key)
        focused = page.locator("tbody :focus")
        expect(focused).to_have_count(1)
        assert focused.evaluate(eyes.TOPMOST) == "", key
    page.keyboard.press("End")
    name = page.locator("tbody :focus").inner_text()
    assert name == "layer.099"
    page.keyboard.press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text(name)
    settle(page)
    expect(view).to_be_visible()


def test_headings_sort_and_what_has_no_such_number_is_last(page, view):
    view.get_by_label("Filter tensors").fill("layer.00")
    expect(view.get_by_text("carried unchanged: of a normalisation")).to_have_count(0)
    view.get_by_label("Filter tensors").fill("float32")
    ratio = view.get_by_role("button", name="Ratio")
    ratio.click()
    expect(view.get_by_role("columnheader", name="Ratio")).to_have_attribute(
        "aria-sort", "descending"
    )
    # the arrow is drawn; what is read aloud is the name alone
    expect(view.get_by_role("button", name="Ratio", exact=True)).to_be_visible()
    assert ratio.evaluate("(n) => getComputedStyle(n, '::after').content") == '" ▼" / ""'
    ratios = view.locator("tbody tr td:nth-child(7) div").all_inner_texts()
    values = [float(text.split()[-2]) for text in ratios]
    assert values == sorted(values, reverse=True)
    view.get_by_role("button", name="Weights").click()
    view.get_by_role("button", name="Efficiency").click()
    view.locator(".f2f-long").evaluate("(n) => n.scrollTo(0, n.scrollHeight)")
    expect(view.locator(f"tr[aria-rowindex='{LAYERS + 2}']")).to_contain_text("norm.weight")
    view.get_by_role("button", name="Tensor").click()


def test_numbers_are_those_of_a_survey(page, view, path):
    name = "layer.123"
    view.get_by_label("Filter tensors").fill("123")
    row = f2f.survey(f2f.load_layer(path, name), f2f.Settings()).rows[0]
    line = view.locator("tbody tr", has_text=name)
    expect(line).to_contain_text(f"{row.ratio.value:.3f} ×")
    expect(line).to_contain_text(f"{100 * row.efficiency.value:.2f} %")
    expect(line).to_contain_text(f"{row.weights}")
    expect(line).to_contain_text("exact")


def test_a_change_of_settings_is_followed(page, view):
    view.get_by_label("Filter tensors").fill("layer.004")
    rate = page.get_by_role("spinbutton", name="Pruning rate")
    rate.fill("0.5")
    settle(page)
    row = view.locator("tbody tr", has_text="layer.004")
    expect(row).to_contain_text("S 0.500", timeout=60_000)
    expect(row).not_to_have_class("old")
    rate.fill("0.9")
    settle(page)


def test_rows_are_ticked_and_pruned_at_a_rate_of_their_own(page, view):
    """By keys, by a range, by all that the filter shows."""
    view.get_by_label("Filter tensors").fill("layer.01")
    expect(view.get_by_role("button", name="As settings")).to_be_disabled()
    rows = view.locator("tbody tr:not([aria-hidden])")
    view.get_by_label("Tick layer.012").check()
    view.get_by_label("Tick layer.015").click(modifiers=["Shift"])
    expect(view.locator("tbody input:checked")).to_have_count(4)
    view.locator("tbody [tabindex='0']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(view.get_by_label("Tick layer.010")).to_be_checked()
    page.keyboard.press(" ")
    rate = view.get_by_label("Rate of the rows ticked")
    for text, shown in (("0.905", "0.905"), ("0.7", "0.700")):
        rate.fill(text)
        view.get_by_role("button", name="Set", exact=True).click()
        expect(rows.filter(has_text="layer.012").locator("b.own")).to_have_text(shown)
    rate.fill("1.5")
    view.get_by_role("button", name="Set", exact=True).click()
    expect(rows.filter(has_text="layer.012").locator("b.own")).to_have_text("0.700")
    rate.fill("0.7")
    view.get_by_role("button", name="Set", exact=True).click()
    for name in ("012", "013", "014", "015"):
        expect(rows.filter(has_text=f"layer.{name}").locator("b.own")).to_have_text("0.700")
    expect(rows.filter(has_text=re.compile(r"S 0\.(69|70)"))).to_have_count(4, timeout=60_000)
    expect(view.locator("b.own")).to_have_count(4)
    view.get_by_role("button", name="Carry").click()
    expect(rows.filter(has_text="carried unchanged: so chosen")).to_have_count(4)
    view.get_by_role("button", name="As settings").click()
    expect(rows.filter(has_text=re.compile(r"S 0\.(89|90)"))).to_have_count(10, timeout=60_000)
    view.get_by_label("Filter tensors").fill("weight")  # the norm, which is carried
    view.get_by_label("Tick all that are shown").click()
    expect(view.locator("tbody input:checked")).to_have_count(0)
    view.get_by_label("Filter tensors").fill("layer.01")
    view.get_by_label("Tick all that are shown").check()
    expect(view.locator("tbody input:checked")).to_have_count(10)
    view.get_by_label("Tick all that are shown").uncheck()
    expect(view.get_by_role("button", name="Set", exact=True)).to_be_disabled()


def test_a_rate_is_changed_in_its_cell(page, view):
    """By keys; what is no rate is told beside it, and kept until it is mended or left."""
    view.get_by_label("Filter tensors").fill("layer.02")
    row = view.locator("tbody tr", has_text="layer.021")
    row.get_by_role("button", name="layer.021", exact=True).focus()
    page.keyboard.press("ArrowRight")
    cell = row.get_by_role("button", name="Rate of layer.021: 0.900")
    expect(cell).to_be_focused()
    page.keyboard.press("Enter")
    field = row.get_by_role("spinbutton", name="Rate of layer.021")
    field.fill("1.5")
    field.press("Enter")
    expect(row.get_by_role("alert")).to_have_text("from 0 to 1")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert eyes.whole(page) == []
    field.press("Escape")
    expect(row.get_by_role("button", name="Rate of layer.021: 0.900")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")  # with nothing changed
    expect(row.get_by_role("button", name="Rate of layer.021: 0.900")).to_be_focused()
    expect(field).to_have_count(0)
    page.keyboard.press("Enter")
    field.fill("0.6")
    field.press("Enter")
    expect(row.locator("b.own")).to_have_text("0.600")
    expect(row).to_contain_text(re.compile(r"S 0\.(59|60)"), timeout=60_000)
    expect(view.locator("b.own")).to_have_count(1)
    row.get_by_role("button", name="Rate of layer.021: 0.600").click()
    field.fill("")
    field.press("Enter")
    expect(view.locator("b.own")).to_have_count(0)


def test_the_row_of_the_layer_shown_is_marked(page, view):
    view.get_by_label("Filter tensors").fill("layer.03")
    for name in ("layer.033", "layer.036"):
        view.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".f2f-layer")).to_contain_text(name)
        expect(view.locator("tr[aria-current=true] th")).to_contain_text(name)
        settle(page)


def test_rows_and_the_plan_are_saved(page, view, path, tmp_path):
    with page.expect_download() as download:
        view.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "thousand-survey.csv"
    assert len(download.value.path().read_text().splitlines()) == LAYERS + 1
    with page.expect_download() as download:
        view.get_by_role("button", name="Save plan").click()
    assert download.value.suggested_filename == "thousand-plan.json"
    assert read_plan(download.value.path()) == f2f.survey(path).plan


def test_rows_ticked_are_swept(page, view):
    view.get_by_label("Filter tensors").fill("layer.00")
    for name in ("layer.003", "layer.007"):
        view.get_by_label(f"Tick {name}").check()
    view.get_by_role("button", name="Sweep").click()
    sweep = page.locator(".f2f-sweep")
    expect(sweep.locator(".f2f-sweep-list input:checked")).to_have_count(2)
    expect(sweep.get_by_label("layer.007 · 10 × 12")).to_be_checked()
    page.get_by_role("tab", name="Model").click()
    expect(view.locator("tbody input:checked")).to_have_count(2)


def test_a_tensor_may_be_called_as_what_every_object_has(page, view, tmp_path):
    own = ("constructor", "toString", "hasOwnProperty", "__proto__", "valueOf")
    rng = np.random.default_rng(1)
    model = {name: rng.normal(size=(9, 12)).astype(np.float32) for name in own}
    save_file(model | {"toLocaleString": np.ones(12, np.float32)}, tmp_path / "objects.safetensors")
    page.get_by_label("Path on this machine").fill(str(tmp_path / "objects.safetensors"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(view.get_by_text(re.compile(r"^5 layers:"))).to_be_visible(timeout=60_000)
    for name in own:
        row = view.locator("tbody tr", has=page.get_by_label(f"Tick {name}"))
        expect(row).to_contain_text("S 0.898")
    expect(view.locator("tbody tr", has_text="toLocaleString")).to_contain_text("carried unchanged")
    settle(page)
    view.get_by_role("button", name="__proto__", exact=True).click()
    expect(page.locator(".f2f-layer")).to_contain_text("__proto__")
    settle(page)


def test_a_layer_alone_has_no_such_tab(page, tmp_path):
    np.save(tmp_path / "alone.npy", np.ones((8, 8), np.float32))
    page.get_by_role("tab", name="Mask").click()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "alone.npy"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.get_by_role("tab", name="Model")).to_be_hidden()
    page.get_by_role("tab", name="Sweep").focus()
    page.keyboard.press("ArrowRight")  # over what is not there
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    page.get_by_label("Samples", exact=True).check()
    expect(page.get_by_role("tab", name="Model")).to_be_visible()
    settle(page)
