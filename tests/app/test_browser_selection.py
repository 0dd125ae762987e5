"""A weight followed through all views: one selection, wherever it was made."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.samples import SMALL
from tests.app.eyes import TOPMOST
from tests.app.page import BOKEH, settle

pytestmark = pytest.mark.browser

# what the sources of this name hold, of every figure of the page
SOURCES = f"""async (name) => {BOKEH}.documents.flatMap((doc) => [...doc._all_models.values()])
  .filter((model) => model.name === name).map((model) => Object.fromEntries(
    Object.entries(model.data).map(([key, column]) => [key, [...column]])))"""


@pytest.fixture(scope="module")
def a():
    return f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())


def pixel(page, row, column):
    """Where a weight is drawn in the mask."""
    return page.evaluate(
        f"""async ([row, column]) => {{
          const Bokeh = {BOKEH};
          for (const view of Object.values(Bokeh.index).flatMap((v) => [...v.children?.() ?? [], v]))
            for (const child of view.child_views ?? [])
              if (child.model.toolbar_location === 'below') {{
                const frame = child.frame, box = child.el.getBoundingClientRect();
                return [box.left + frame.x_scale.compute(column + .5), box.top + frame.y_scale.compute(row + .5)];
              }}
        }}""",
        [row, column],
    )


def test_a_weight_is_followed_through_all_views(shared, a, eventually):
    page = shared
    plane = next(p.index for p in a.planes if p.mismatches > 3)
    cycle, bit = divmod(int(a.encoded.positions(a.encoded.planes[plane])[0]), a.n_out)
    index = int(f2f.trace(a.encoded, plane, cycle, cycle + 1).weight_index[0, bit])
    row, column = divmod(index, 64)
    way = page.get_by_role("navigation", name="Selection")

    # from the mask: the click gives weight, block and bit
    page.get_by_role("tab", name="Mask").click()
    page.locator(".f2f-figure-mask").wait_for()
    eventually(lambda: page.evaluate(SOURCES, "chosen") != [])
    x, y = pixel(page, row, column)
    page.mouse.click(x, y)
    expect(way).to_contain_text(f"w[{row},{column}] = ")
    expect(way).to_contain_text(f"block {cycle}, bit {bit}")
    eventually(
        lambda: {"row": [row + 0.5], "column": [column + 0.5]} in page.evaluate(SOURCES, "chosen")
    )
    # the histogram lights the bar of the block, the bits what tells the bit
    n_u = int(a.n_u[cycle])
    eventually(lambda: [n_u] in [mark["n_u"] for mark in page.evaluate(SOURCES, "n_u marked")])
    eventually(lambda: len(page.evaluate(SOURCES, "parts marked")[0]["left"]) >= 1)

    # the way leads to that very bit in the decoder; there the plane is chosen
    way.get_by_role("button", name=f"block {cycle}, bit {bit}").click()
    stage = page.locator(".f2f-stage")
    expect(stage).to_have_attribute("data-cycle", str(cycle))
    expect(stage).to_have_attribute("data-bit", str(bit))
    page.get_by_label("Bit-plane").select_option(str(plane))
    expect(way).to_contain_text("mismatch")
    expect(way).to_contain_text(re.compile("corrected to [01]"))
    expect(page.locator(".f2f-equation")).to_contain_text(f"row {row}, column {column}")
    expect(
        page.get_by_role("img", name=f"Timing diagram, plane {plane}, block {cycle}")
    ).to_be_visible()

    # and the plane is lit in the table
    way.get_by_role("button", name=re.compile("^plane ")).click()
    lit = page.locator(".f2f-planes tr[aria-current]")
    expect(lit).to_have_count(1)
    expect(lit).to_contain_text(f"{plane} · ")

    # a bit chosen in the decoder is ringed in the mask
    page.get_by_role("tab", name="Decoder").click()
    stage.press("ArrowRight")
    expect(stage).to_have_attribute("data-cycle", str(cycle + 1))
    place = int(a.layout.weights(np.array([cycle + 1]))[0, bit])
    expect(way).to_contain_text(f"w[{place // 64},{place % 64}] = ")
    page.get_by_role("tab", name="Mask").click()
    ring = {"row": [place // 64 + 0.5], "column": [place % 64 + 0.5]}
    eventually(lambda: ring in page.evaluate(SOURCES, "chosen"))


def test_the_pointer_on_a_weight_gives_its_value(shared, a):
    page = shared
    page.get_by_role("tab", name="Mask").click()
    settle(page)
    row, column = (int(i) for i in np.argwhere(a.mask)[300])
    page.mouse.move(*pixel(page, row, column))
    expect(
        page.get_by_text(f"{float(a.layer.weights[row, column]):.4f}", exact=True)
    ).to_be_visible()
    page.mouse.move(0, 0)


def test_a_view_says_what_it_is_and_its_words_explain_themselves(shared):
    page = shared
    page.get_by_role("tab", name="Decoder").click()
    what = page.locator(".f2f-what:visible")
    expect(what).to_contain_text("One symbol a cycle enters")
    expect(what).not_to_contain_text("lossless", use_inner_text=True)
    what.get_by_role("button", name="more").click()
    expect(what).to_contain_text("lossless", use_inner_text=True)
    term = what.locator(".f2f-term", has_text="register").first
    term.hover()
    tip = page.locator(".f2f-stack .f2f-float")
    expect(tip).to_contain_text("The last n_s symbols")
    assert tip.evaluate(TOPMOST) == ""
    with page.expect_popup() as opened:
        what.get_by_role("link", name="More in the guide").click()
    opened.value.wait_for_load_state()
    assert opened.value.url.endswith("#3-a-register-evens-it-out")
    opened.value.close()
    what.get_by_role("button", name="less").click()


def test_a_card_keeps_its_formula_in_sight(shared, a):
    page = shared
    strip = page.locator(".f2f-formula")
    page.locator(".f2f-card-ratio").click()
    expect(strip).to_contain_text("dense bits / (payload + corrections)")
    hue = strip.locator(".f2f-hued", has_text="corrections").evaluate(
        "(n) => getComputedStyle(n).borderBottomColor"
    )
    assert hue == "rgb(0, 158, 115)"  # as in the bar of stored bits
    page.locator(".f2f-card-efficiency").press("Enter")
    expect(strip).to_contain_text("mismatches / care bits")
    strip.get_by_role("button", name="close").click()
    expect(strip).to_be_hidden()
