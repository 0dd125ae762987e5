"""What the pointer rests on lights up in passing wherever it is told of; a click keeps it."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.samples import SMALL
from tests.app.page import drawn, settle
from tests.app.test_browser_selection import SOURCES, pixel

pytestmark = pytest.mark.browser

# where a value of a plot's axis is drawn: of the figure of this class, the plot of this name
PLACE = """async ([figure, plot, x, y]) => {
  const Bokeh = await [...globalThis[Symbol.for('f2f-viz.bokehjs')].values()][0];
  const all = function* (views) { for (const view of views) { yield view; yield* all(view.child_views ?? []); } };
  const el = document.querySelector(`.f2f-tabpanel:not([hidden]) .f2f-figure-${figure}`);
  for (const doc of Bokeh.documents)
    for (const view of all(Object.values(Bokeh.index).flatMap((v) => [...(v.children?.() ?? []), v])))
      if (el.contains(view.el) || el.firstElementChild?.shadowRoot?.contains(view.el) || view.root?.el?.parentElement === el)
        if (view.model.tags.includes('light') && (view.model.name ?? '') === plot) {
          const box = view.el.getBoundingClientRect();
          return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
        }
}"""


@pytest.fixture(scope="module")
def a():
    return f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings())


def cells(found):
    return {(row, column) for row, column in zip(found["row"], found["column"], strict=True)}


def lit(page, name):
    return [one for one in page.evaluate(SOURCES, name) if any(map(len, one.values()))]


def test_a_weight_in_passing_lights_histogram_bits_and_way(shared, a, eventually):
    page = shared
    page.get_by_role("tab", name="Mask", exact=True).click()
    settle(page)
    drawn(page, "mask")
    way, url = page.locator(".f2f-trail"), page.url
    before = way.inner_text()
    row, column = (int(i) for i in np.argwhere(a.mask)[200])
    (block,), (bit,) = a.layout.positions(np.array([row * 64 + column]))
    page.mouse.move(*pixel(page, row, column))
    expect(way).to_contain_text(f"w[{row},{column}] = ")
    expect(way).to_contain_text(f"block {block}, bit {bit}")
    expect(way).to_have_class(re.compile("f2f-glance"))
    eventually(lambda: [m["n_u"] for m in lit(page, "n_u passing")] == [[int(a.n_u[block])]])
    eventually(lambda: lit(page, "parts passing") != [])
    index = a.layout.weights(np.array([block]))[0]
    places = {(int(i) // 64 + 0.5, int(i) % 64 + 0.5) for i in index if i >= 0}
    eventually(lambda: [cells(m) for m in lit(page, "passing")] == [places])

    # the pointer leaves, and all is as before
    page.mouse.move(400, 4)
    expect(way).to_have_text(before, use_inner_text=True)
    expect(way).not_to_have_class(re.compile("f2f-glance"))
    eventually(
        lambda: [lit(page, n) for n in ("passing", "n_u passing", "parts passing")] == [[]] * 3
    )
    assert page.url == url

    # a click keeps it
    page.mouse.click(*pixel(page, row, column))
    expect(page).to_have_url(re.compile(f"cycle={block}"))
    page.mouse.move(400, 4)
    expect(way).not_to_have_class(re.compile("f2f-glance"))
    expect(way).to_contain_text(f"block {block}, bit {bit}")


def test_a_bar_and_the_corrections_in_passing_light_the_mask(shared, a, eventually):
    page = shared
    page.get_by_role("tab", name="Mask", exact=True).click()
    settle(page)
    drawn(page, "histogram")
    way = page.locator(".f2f-trail")
    n_u = int(a.n_u.max())
    page.mouse.move(*page.evaluate(PLACE, ["histogram", "interleaved", n_u, 0.005]))
    expect(way).to_have_class(re.compile("f2f-glance"))
    eventually(lambda: [m["n_u"] for m in lit(page, "n_u passing")] == [[n_u]])
    eventually(lambda: len(cells(lit(page, "passing")[0])) > 8)
    words = way.inner_text()
    block = int(re.search(r"block (\d+)", words)[1])
    assert a.n_u[block] == n_u

    payload, corrections = (a.bits[part] / a.mask.size for part in ("payload", "corrections"))
    page.mouse.move(*page.evaluate(PLACE, ["bits", "", payload + corrections / 2, 0]))
    expect(way).to_contain_text("mismatch")
    page.mouse.move(400, 4)
    eventually(lambda: lit(page, "passing") == [])


def test_cycles_bits_planes_and_columns_in_passing(shared, eventually):
    page = shared
    way = page.locator(".f2f-trail")
    page.get_by_role("tab", name="Decoder", exact=True).click()
    stage = page.locator(".f2f-stage")
    expect(stage).to_be_visible()
    cycle, bit = (int(stage.get_attribute(f"data-{name}")) for name in ("cycle", "bit"))
    other = cycle + 1
    panel = page.locator(".f2f-tabpanel:visible")
    page.locator(f".f2f-wave:not(.f2f-registers) [data-cycle='{other}']").hover()
    # in the cycles, in the register's story and on the wires
    eventually(lambda: panel.locator(f".f2f-lit[data-cycle='{other}']").count() >= 3)
    assert panel.locator(f".f2f-lit:not([data-cycle='{other}'])").count() == 0
    expect(way).to_contain_text(f"block {other}, bit {bit}")
    page.mouse.move(400, 4)
    expect(panel.locator(".f2f-lit")).to_have_count(0)
    expect(way).to_contain_text(f"block {cycle}, bit {bit}")

    column = stage.locator(f"[data-bit='{bit + 2}']")
    column.hover(position={"x": 2, "y": 60})
    expect(column).to_have_class(re.compile("f2f-lit"))
    expect(way).to_contain_text(f"block {cycle}, bit {bit + 2}")
    column.click(position={"x": 2, "y": 60})
    expect(stage).to_have_attribute("data-bit", str(bit + 2))

    page.get_by_role("tab", name="Planes", exact=True).click()
    page.locator(".f2f-view-planes tr[data-plane='3'] td").first.hover()
    expect(page.locator("tr.f2f-lit")).to_have_count(1)
    expect(way).to_contain_text("plane 3, ")
    page.mouse.move(400, 4)
    expect(page.locator("tr.f2f-lit")).to_have_count(0)


def test_a_column_of_the_trellis_in_passing(open_shared, app_server):
    page = open_shared(f"{app_server.url}&tab=Trellis&n_in=4")
    settle(page)
    page.get_by_role("button", name="This layer's code").click()
    way = page.locator(".f2f-trail")
    hit = page.locator(".f2f-trellis .f2f-hit")
    expect(hit).not_to_have_count(0)
    last = hit.last.get_attribute("data-cycle")
    hit.last.hover(position={"x": 4, "y": 4})
    expect(way).to_contain_text(f"block {last}, ")
    hit.last.click(position={"x": 4, "y": 4})
    page.mouse.move(400, 4)
    expect(way).to_contain_text(f"block {last}, ")


# counts what asks the kernel for a light from now on
COUNT = """() => {
  const { send } = WebSocket.prototype, words = new TextDecoder();
  globalThis.asked = 0;
  WebSocket.prototype.send = function (data) {
    if ((typeof data === 'string' ? data : words.decode(data)).includes('"kind":"light"')) globalThis.asked += 1;
    return send.call(this, data);
  };
}"""


def test_many_moves_ask_the_kernel_one_at_a_time(shared):
    page = shared
    page.get_by_role("tab", name="Planes", exact=True).click()
    page.evaluate(COUNT)
    page.evaluate(
        """() => { const stack = document.querySelector('.f2f-stack');
          for (let cycle = 0; cycle < 60; cycle++)
            stack.dispatchEvent(new CustomEvent('f2f-light', { detail: { cycle } })); }"""
    )
    expect(page.locator(".f2f-trail")).to_contain_text("block 59, ")
    assert page.evaluate("asked") == 2  # the first, and once it was answered the newest
    page.evaluate(
        "document.querySelector('.f2f-stack').dispatchEvent(new CustomEvent('f2f-light', { detail: null }))"
    )
    expect(page.locator(".f2f-trail")).not_to_contain_text("block 59, ")
