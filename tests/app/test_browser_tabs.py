"""Tabs as a person meets them: block grid, number format, sweeps, exported figures."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.samples import SMALL
from tests.app.page import TITLES, drawn, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page(shared, defaults):
    """The one page of this module, with the first sample and the default settings."""
    shared.get_by_role("tab", name="Mask").click()
    shared.get_by_label("Samples", exact=True).check()
    shared.get_by_label("Sample layer").select_option(SMALL)
    shared.get_by_label("Load settings from a JSON file").set_input_files(defaults)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())
    expect(shared.get_by_label("n_out, block bits")).to_have_value(str(a.n_out))
    settle(shared)
    return shared


def test_block_grid_is_drawn_and_hidden(page, eventually):
    page.get_by_role("tab", name="Mask").click()
    page.get_by_role("spinbutton", name="Pruning rate").fill("0.96")
    page.get_by_role("radio", name="Row", exact=True).check()
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.96, order="row"))
    words = f"Mask, one weight per cell; blocks of {a.n_out} weights"
    eventually(lambda: words in page.evaluate(TITLES))
    mask, box = page.locator(".f2f-figure-mask"), page.get_by_label("Block grid")
    page.mouse.move(0, 0)
    drawn = mask.screenshot()
    box.uncheck()
    page.mouse.move(0, 0)
    eventually(lambda: mask.screenshot() != drawn)
    eventually(lambda: "Mask, one weight per cell" in page.evaluate(TITLES))
    box.focus()
    box.press(" ")
    eventually(lambda: words in page.evaluate(TITLES))


def test_of_two_quick_changes_both_hold(page):
    """The second is made before the kernel has answered the first, which brings a method."""
    name = "digits-transformer/gradual-0.9/qkv.weight"
    page.evaluate(
        """(name) => {
      const control = (label) => [...document.querySelectorAll('.f2f-panel label')].find((l) => l.textContent === label);
      const sample = control('Sample layer').closest('.f2f-field').querySelector('select');
      sample.value = name;
      sample.dispatchEvent(new Event('change'));
      control('Row').querySelector('input').click();
      control('0').querySelector('input').click();
    }""",
        name,
    )
    expect(page.locator(".f2f-layer")).to_contain_text(name)
    expect(page.get_by_label("Sample layer")).to_have_value(name)
    expect(page.get_by_role("radio", name="Row", exact=True)).to_be_checked()
    a = f2f.analyze(f2f.sample_layer(name), f2f.Settings(method="zeros", order="row", n_s=0))
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text(f"{a.ratio.value:.2f}×")
    expect(page.get_by_label("Method", exact=True)).to_have_value("zeros")


def test_a_click_marks_a_block(page, eventually):
    heat = drawn(page, "mask").bounding_box()
    page.mouse.click(heat["x"] + 120, heat["y"] + 120)
    eventually(lambda: any("n_u = " in title for title in page.evaluate(TITLES)))


def test_number_format_is_chosen_beside_the_layer(page):
    chosen = page.get_by_role("combobox", name="Number format")
    chosen.select_option("int8/channel")
    settle(page)
    expect(page.locator(".f2f-layer")).to_contain_text("float32 → int8, a scale per channel")
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(number_format="int8/channel"))
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text(f"{a.ratio.value:.2f}×")
    expect(page.locator(".f2f-badge")).to_have_text("✓ bit-exact")
    page.get_by_role("tab", name="Planes").click()
    expect(page.locator(".f2f-planes tbody tr")).to_have_count(8)
    chosen.select_option("stored")
    expect(page.locator(".f2f-planes tbody tr")).to_have_count(32)


def test_a_number_format_that_does_not_fit_is_said_beside_it(page, tmp_path):
    np.save(tmp_path / "codes.npy", np.ones((8, 8), np.int8))
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "codes.npy"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text("int8")
    page.get_by_role("combobox", name="Number format").select_option("int4")
    expect(page.locator(".f2f-field-number_format .f2f-error")).to_contain_text("quantized already")
    page.get_by_role("combobox", name="Number format").select_option("stored")
    expect(page.locator(".f2f-field-number_format .f2f-error")).to_be_hidden()
    settle(page)
    page.get_by_label("Samples", exact=True).check()
    settle(page)


def test_every_way_of_storing_can_be_chosen(page):
    page.locator(".f2f-more > summary").click()
    chosen = {"Exponents as ranks": "recode", "No symbols for skewed planes": "zero_rate",
              "Longest blocks that pay": "fit_n_out", "Planes as they are where that is less": "plain"}  # fmt: skip
    for label in chosen:
        page.get_by_label(label).check()
    settle(page)
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(**dict.fromkeys(chosen.values(), True)))
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text(f"{a.ratio.value:.2f}×")
    for label in chosen:
        page.get_by_label(label).uncheck()
    settle(page)


def test_number_format_comes_by_link(app_server, open_page):
    page = open_page(f"{app_server.url}&number_format=bfloat16")
    settle(page)
    expect(page.get_by_role("combobox", name="Number format")).to_have_value("bfloat16")
    expect(page.locator(".f2f-layer")).to_contain_text("float32 → bfloat16")


def test_of_a_plane_without_symbols_no_decoder_is_drawn(page):
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())
    bare = next(p for p in a.planes if not p.payload)
    coded = next(p for p in a.planes if p.payload and p.index > bare.index)
    page.get_by_role("tab", name="Decoder").click()
    chosen, view = page.get_by_label("Bit-plane"), page.locator(".f2f-view-decoder")
    chosen.select_option(str(bare.index))
    said = view.locator(".f2f-bare")
    expect(said).to_contain_text(f"Plane {bare.index}, {bare.name}, has no symbols")
    expect(said).to_contain_text(f"{bare.mismatches:,.0f} of {bare.care_bits:,} care bits")
    expect(view.locator("svg:visible")).to_have_count(0)
    steps = view.locator(".f2f-toolbar :is(button, input)")
    for control in steps.all():  # they would do nothing
        expect(control).to_be_disabled()
    expect(chosen).to_be_enabled()
    chosen.select_option(str(coded.index))
    expect(said).to_be_hidden()
    expect(view.locator("svg:visible")).to_have_count(5)  # network, wires, registers, gates, lane
    expect(view.get_by_role("button", name="Play")).to_be_enabled()


def test_a_step_draws_what_it_moves(page):
    """The columns of other registers stay as they are, and so do drawings out of sight for now."""
    page.get_by_role("tab", name="Decoder").click()
    stage = page.locator(".f2f-stage")
    stage.press("Home")
    columns = page.locator(".f2f-registers svg")
    kept = columns.element_handle()
    places = []
    for cycle in (1, 2, 3):
        stage.press("ArrowRight")
        expect(stage).to_have_attribute("data-cycle", str(cycle))
        marked, column = (
            columns.locator(f"{which}").bounding_box()["x"]
            for which in (".now", f"[data-cycle='{cycle}']")
        )
        assert abs(column - 1 - marked) < 1
        places.append(marked)
    assert len(set(places)) == 3
    assert kept.evaluate("(node) => node.isConnected")


def test_sweep_over_layers_and_methods(page):
    page.get_by_role("tab", name="Sweep").click()
    view = page.locator(".f2f-sweep")
    dense, pruned = "ffn2 · small dense", "qkv · gradual-0.9"
    view.get_by_label("Filter layers").fill(pruned)
    expect(view.get_by_label(dense)).to_be_hidden()
    view.get_by_label(pruned).check()
    view.get_by_label("Filter layers").fill("")
    wanted = {"0.8", "5", "1", "interleaved", "magnitude", "n:m"}
    for box in view.locator("fieldset:not(.f2f-sweep-layers)").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in wanted)
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text(re.compile("^4 of 4 points of "))
    expect(view.locator("svg .point")).to_have_count(8)  # two charts
    name = "digits-transformer/gradual-0.9/qkv.weight"
    settings = f2f.Settings(method="n:m", n_in=5)
    a = f2f.analyze(f2f.sample_layer(name), settings)
    row = view.get_by_role("row").filter(has_text="qkv · gradual-0.9 · 2:4")
    expect(row).to_contain_text(f"{a.ratio.value:.3f} ×")
    view.get_by_label("Colour").select_option("pruning")
    expect(view.locator(".f2f-sweep-entries")).to_contain_text("magnitude 0.8")
    row.get_by_role("button").click()
    expect(page.locator(".f2f-layer")).to_contain_text(name)
    expect(page.get_by_label("Method", exact=True)).to_have_value("n:m")
    expect(page.get_by_label("n_in, symbol bits")).to_have_value("5")
    settle(page)
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text(f"{a.ratio.value:.2f}×")


def test_a_layer_of_one_number_has_nothing_to_code(page, tmp_path):
    np.savez(tmp_path / "m.npz", a=np.ones((40, 50), np.float32), b=np.ones((9, 8), np.float32))
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "m.npz"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text("40 × 50")
    settle(page)
    expect(page.locator(".f2f-card-value[data-key=ratio]")).to_have_text("—")
    page.get_by_role("tab", name="Model").click()
    row = page.locator(".f2f-model").get_by_role("row").filter(has_text="40 × 50")
    expect(row).to_contain_text("nothing to code")
    page.get_by_role("tab", name="Sweep").click()
    view = page.locator(".f2f-sweep")
    expect(view.get_by_role("button", name="Start", exact=True)).to_be_visible()  # `all` waits not
    for box in view.locator("fieldset:not(.f2f-sweep-layers)").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in {"0.9", "4", "1", "interleaved", "magnitude"})
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text(re.compile("^1 of 1 point of "))
    expect(view.get_by_title("nothing to code")).to_have_text("—")
    expect(view.locator(".point")).to_have_count(2)
    expect(view.locator("td").filter(has_text="—")).to_have_count(2)  # nor a share of the bound
    for tab, place in (("Decoder", ".f2f-bare"), ("Trellis", ".f2f-unfolding")):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(place)).to_contain_text("Nothing to code: in each plane all kept bits")
    expect(page.locator(".f2f-trellis")).to_be_hidden()


def test_sweep_pauses_and_resumes_over_tensors_of_a_file(page, tmp_path):
    rng = np.random.default_rng(2)
    tensors = {name: rng.normal(size=(900, 900)).astype(np.float32) for name in "abc"}
    np.savez(tmp_path / "m.npz", **tensors)
    page.get_by_role("tab", name="Mask").click()
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "m.npz"))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text("900 × 900")
    settle(page)
    page.get_by_role("tab", name="Sweep").click()
    view = page.locator(".f2f-sweep")
    layers = view.locator(".f2f-sweep-list").get_by_role("checkbox")
    expect(layers).to_have_count(3)
    for box in layers.all():
        box.check()
    for box in view.locator("fieldset:not(.f2f-sweep-layers)").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in {"0.9", "0.7", "8", "1", "magnitude"})
    view.get_by_role("button", name="Start").click()
    status = view.get_by_role("status")
    expect(status).to_have_text(re.compile("^[1-5] of 6"))
    view.get_by_role("button", name="Pause").click()
    point = view.locator(".point").first.element_handle()
    view.get_by_role("button", name="Resume").click()
    expect(status).to_have_text("6 of 6 points of 3 layers", timeout=60_000)
    expect(view.locator(".point")).to_have_count(12)
    assert point.evaluate("(node) => node.isConnected")  # only new points are drawn
    view.locator(".point").first.dispatch_event("pointerover", {"bubbles": True})
    expect(view.locator(".point title").first).to_contain_text("% of 1/(1 − S)")
    expect(view.get_by_role("row").filter(has_text="c · magnitude 0.9")).to_have_count(1)


def test_a_figure_is_seen_as_it_is_printed(page, eventually):
    page.get_by_role("tab", name="Export").click()
    view = page.locator(".f2f-export")
    view.get_by_label("Planes", exact=True).check()
    view.get_by_label("SVG", exact=True).check()
    view.get_by_label("Width").select_option("88")
    expect(view.get_by_role("heading", name="As printed")).to_contain_text("88 × 105 mm")
    plots = view.locator(".f2f-figure-print-planes > *").first
    eventually(lambda: abs(plots.bounding_box()["width"] - 88 / 25.4 * 96) < 1)
    expect(view.locator(".f2f-caption")).to_contain_text(f"Layer {SMALL} (160 × 64")
    expect(view.locator("pre")).to_contain_text("width_mm=88")
    expect(view.get_by_label("Plane", exact=True)).to_be_hidden()  # it has none to choose
    with page.expect_download() as download:
        view.get_by_role("button", name="Export").click()
    text = download.value.path().read_text()
    assert "9–31 mantissa" in text
    assert "<metadata>" in text
    assert download.value.suggested_filename == "digits-small-dense-ffn1-weight-planes.svg"


def test_what_cannot_be_drawn_is_said_before_the_click(page):
    page.get_by_role("tab", name="Export").click()
    view = page.locator(".f2f-export")
    export = view.get_by_role("button", name="Export")
    view.get_by_label("Trellis about a cycle", exact=True).check()
    view.get_by_label("Plane", exact=True).fill("0")  # the sign, which has symbols
    view.get_by_label("Plane", exact=True).press("Enter")
    view.get_by_label("SVG", exact=True).check()
    expect(view.get_by_role("status")).to_contain_text("256 states are too many", timeout=30_000)
    expect(export).to_be_disabled()
    view.get_by_label("Cycles", exact=True).fill("8")  # for the same reason as before
    view.get_by_label("Cycles", exact=True).press("Enter")
    expect(view.locator("pre")).to_be_empty()
    expect(view.get_by_role("status")).to_contain_text("256 states are too many")
    page.get_by_label("n_in, symbol bits").fill("4")
    expect(page.get_by_label("n_out, block bits")).to_have_value(
        str(f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(n_in=4)).n_out)
    )
    settle(page)
    expect(export).to_be_enabled()
    view.get_by_label("Cycle", exact=True).fill("9")
    view.get_by_label("Cycle", exact=True).press("Enter")
    expect(view.locator("pre")).to_contain_text("cycle=9")
    with page.expect_download() as download:
        export.click()
    assert "Plane 0, cycle 9" in download.value.path().read_text()
    view.get_by_label("Cycle", exact=True).fill("100000")
    view.get_by_label("Cycle", exact=True).press("Enter")
    expect(view.get_by_role("status")).to_contain_text("cycle below")


def test_curves_are_measured_for_export_and_can_be_stopped(page):
    page.get_by_role("tab", name="Export").click()
    view = page.locator(".f2f-export")
    view.get_by_label("Ratio and bounds", exact=True).check()
    expect(view.get_by_role("status")).to_contain_text(re.compile("measuring, .* of 24"))
    view.get_by_role("button", name="Stop").click()
    expect(view.get_by_role("status")).to_contain_text("measuring was stopped")
    page.get_by_role("tab", name="Mask").click()
    page.get_by_role("tab", name="Export").click()  # goes on
    expect(view.get_by_role("button", name="Export")).to_be_enabled(timeout=60_000)
    view.get_by_label("CSV, data").check()
    with page.expect_download() as download:
        view.get_by_role("button", name="Export").click()
    assert download.value.path().read_text().count("measured") == 24
