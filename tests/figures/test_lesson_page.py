"""The lesson's page as a person has it: from file://, with the network off."""

import json
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.lanes import lanes_data, schedules
from f2f_viz.figures.lesson import lesson_html
from f2f_viz.figures.lesson_data import N_S, lesson_code
from f2f_viz.figures.unfolding import small_unfolding
from f2f_viz.samples import SMALL
from tests.figures.test_lesson import assert_same, setting, settings_of


@pytest.fixture
def open_lesson(open_page, tmp_path):
    """Write a page and open it offline; what a test says is an address."""

    def opened(layer=None, settings=None, address="", **size):
        path = tmp_path / "lesson.html"
        f2f.lesson(layer or f2f.sample_layer(SMALL), path, settings)
        page = open_page("about:blank", **size)
        page.context.set_offline(True)
        page.goto(f"{path.as_uri()}{address}")
        return page

    return opened


def shown(page, settings):
    """Wait until the page shows these settings."""
    own = setting(settings)
    words = f"{own['rate']:g} {own['n_in']} {own['n_s']} {own['order']}"
    page.locator(f'.status[data-shown="{words}"]').wait_for()


def address(settings):
    return "#" + "&".join(f"{name}={value}" for name, value in setting(settings).items())


def card(page, key):
    return page.locator(f".card[data-key^='{key}'] b")


@pytest.mark.slow
def test_the_page_shows_what_encode_finds(open_lesson):
    every, layer = list(settings_of(40, seed=2)), f2f.sample_layer(SMALL)
    page = open_lesson(address=address(every[0]))
    for settings in every:
        page.evaluate("address => { location.hash = address; }", address(settings))
        shown(page, settings)
        found = page.evaluate("f2fLesson()")
        report = f2f.report(assert_same(layer, settings, found))
        assert found["ratio"] == report.ratio
        assert found["corrections"] == report.bits["corrections"]
        expect(card(page, "Ratio")).to_have_text(f"{report.ratio:.3f}")
        expect(card(page, "Efficiency")).to_have_text(f"{100 * report.efficiency:.2f}\u2009%")


def test_controls_are_live(open_lesson):
    page, usual = open_lesson(), f2f.Settings()
    shown(page, usual)
    # as the analyzer writes it, and no line ends within a number
    expect(page.locator("body")).to_contain_text("1,024 of 10,240 weights kept")
    page.get_by_label("Pruned, S").press("ArrowLeft")
    shown(page, f2f.Settings(rate=0.89))
    page.get_by_label("Symbol bits, n_in").press("ArrowLeft")
    shown(page, f2f.Settings(rate=0.89, n_in=7))
    page.get_by_role("radio", name="Row", exact=True).check()
    shown(page, f2f.Settings(rate=0.89, n_in=7, order="row"))
    page.get_by_role("radio", name="2", exact=True).check()
    last = f2f.Settings(rate=0.89, n_in=7, n_s=2, order="row")
    shown(page, last)
    stages = page.locator("[data-view=stages]")
    for n_s in N_S:
        code = lesson_code(last.replace(n_s=n_s))
        layer = f2f.sample_layer(SMALL)
        efficiency = f2f.encode(layer.weights, f2f.prune(layer.weights, 0.89), code).efficiency
        expect(stages).to_contain_text(f"{100 * efficiency:.2f}\u2009%")
    page.wait_for_url("**#*order=row*")
    page.reload()
    shown(page, last)


def test_the_decoder_is_that_of_the_layer(open_lesson):
    settings = f2f.Settings(rate=0.8)
    page = open_lesson(settings=settings)
    shown(page, settings)
    layer = f2f.sample_layer(SMALL)
    encoded = f2f.encode(layer.weights, f2f.prune(layer.weights, 0.8), lesson_code(settings))
    stage, n_out = page.locator(".f2f-stage"), encoded.network.n_out
    page.locator("[data-plane='20']").click()
    expect(page.get_by_label("Bit-plane", exact=True)).to_have_value("20")
    stage.press("Home")
    stage.press("m")
    wrong = encoded.positions(encoded.planes[20])
    cycle = int(wrong[wrong >= n_out][0] // n_out)
    expect(stage).to_have_attribute("data-cycle", str(cycle))
    expect(stage).to_have_attribute("data-bit", str(wrong[wrong // n_out == cycle][0] % n_out))
    t = f2f.trace(encoded, 20, cycle, cycle + 1)
    for k in range(2):
        expect(page.locator(".stagevalue").nth(k)).to_have_text(f"0x{t.register[0, k]:02X}")
    said = stage.get_attribute("aria-description")
    assert f"{t.care.sum()} care bits, {t.mismatch.sum()} corrected" in said
    stage.press("End")
    expect(stage).to_have_attribute("data-cycle", str(len(encoded.planes[0].symbols) - 1))
    assert not page.locator(".f2f-decoder.f2f-waiting").count()


def test_the_figure_of_the_decoder_is_the_page_at_its_cycle(open_page, tmp_path):
    analysis = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.8))
    f2f.figure("decoder", analysis, plane=11, cycle=7).save(tmp_path / "decoder.html")
    page = open_page((tmp_path / "decoder.html").as_uri())
    shown(page, f2f.Settings(rate=0.8))
    expect(page.locator(".f2f-stage")).to_have_attribute("data-cycle", "7")
    expect(page.get_by_label("Bit-plane", exact=True)).to_have_value("11")


def test_the_figure_of_another_code_is_a_drawing():
    analysis = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.8, n_in=3))
    assert "Bokeh" in to_bytes(f2f.figure("decoder", analysis), "html").decode()


def test_the_theme_is_the_systems_until_the_button_is_pressed(open_lesson):
    page = open_lesson()
    shown(page, f2f.Settings())
    ground = "getComputedStyle(document.body).backgroundColor"
    mask = "document.querySelector('canvas').toDataURL()"
    light, drawn = page.evaluate(ground), page.evaluate(mask)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{ground} !== '{light}'")
    expect(page.locator("[data-about=mask]")).to_contain_text("Kept weights are blue")  # in both
    page.wait_for_function(
        "drawn => document.querySelector('canvas').toDataURL() !== drawn", arg=drawn
    )
    page.get_by_role("button", name="Light or dark").click()
    assert (page.evaluate(ground), page.evaluate(mask)) == (light, drawn)
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == light


def test_a_weight_leads_to_its_block(open_lesson):
    page, settings = open_lesson(), f2f.Settings()
    shown(page, settings)
    canvas = page.get_by_role("img", name="Mask,")
    box, (rows, columns) = canvas.bounding_box(), f2f.sample_layer(SMALL).weights.shape
    row, column = 100, 30
    across, down = (row, column), (rows, columns)  # this tall layer lies on its side
    canvas.click(position={
        "x": (across[0] + 0.5) * box["width"] / down[0],
        "y": (across[1] + 0.5) * box["height"] / down[1],
    })  # fmt: skip
    expect(page.locator(".f2f-equation")).to_contain_text(f"row {row}, column {column} ")


def test_lanes_are_those_of_the_package(open_lesson):
    settings = f2f.Settings(rate=0.8, n_s=0)
    page = open_lesson(settings=settings)
    shown(page, settings)
    analysis = f2f.analyze(f2f.sample_layer(SMALL), replace(settings, code=lesson_code(settings)))
    cycles = [found.cycles for found in schedules(lanes_data(analysis), 16)]
    picture = page.locator(".f2f-schedules")
    expect(picture).to_have_attribute("data-cycles", " ".join(map(str, cycles)))
    page.get_by_role("spinbutton", name="Number of lanes").fill("64")
    page.get_by_role("spinbutton", name="Number of lanes").press("Enter")
    cycles = [found.cycles for found in schedules(lanes_data(analysis), 64)]
    expect(picture).to_have_attribute("data-cycles", " ".join(map(str, cycles)))


@pytest.mark.parametrize("rate", [0.5, 0.83, 0.95])
def test_the_unfolding_trellis_is_that_of_the_package(open_lesson, eventually, rate):
    settings = f2f.Settings(rate=rate)
    page = open_lesson(settings=settings)
    shown(page, settings)
    analysis = f2f.analyze(f2f.sample_layer(SMALL), replace(settings, code=lesson_code(settings)))
    eventually(lambda: page.evaluate("f2fLesson().small") == small_unfolding(analysis))
    page.get_by_role("toolbar", name="Steps").get_by_role("button", name="To the end").click()
    expect(page.locator(".f2f-trellis svg")).to_be_visible()


def test_the_tour_sees_what_is_done(open_lesson):
    page = open_lesson()
    shown(page, f2f.Settings())
    bar, done = page.locator(".tour"), page.locator(".tour .done")
    page.get_by_role("button", name="Take the tour").click()
    expect(bar).to_contain_text("1 of 10")
    lanes = page.get_by_role("spinbutton", name="Number of lanes")
    begun = page.locator(".f2f-schedules[data-cycles]")
    expect(begun).to_be_visible()
    lanes.fill("64")
    lanes.press("Enter")
    expect(done).to_have_text("✓ done")

    stage = page.locator(".f2f-stage")
    todo = {
        2: lambda: stage.press("ArrowRight"),
        3: lambda: stage.press("ArrowDown"),
        4: lambda: page.get_by_role("button", name="Go to the next block with").click(),
        5: lambda: page.get_by_role("radio", name="1", exact=True).check(),
        6: lambda: page.get_by_role("button", name="To the end").click(),
        7: lambda: page.get_by_role("button", name="Go to the next mismatch").click(),
        8: lambda: page.get_by_role("radio", name="2", exact=True).check(),
        9: lambda: page.get_by_role("radio", name="Interleaved").check(),
        10: lambda: page.get_by_label("Pruned, S").press("ArrowLeft"),
    }
    begins = {5: {"n_s": 0}, 9: {"order": "row"}}
    for step, act in todo.items():
        page.get_by_role("button", name="Next step").click()
        expect(bar).to_contain_text(f"{step} of 10")
        expect(done).to_be_empty()
        own = {"n_s": 0 if step < 6 else 1} | begins.get(step, {})
        shown(page, f2f.Settings().replace(**own))
        expect(page.locator(".lit")).to_be_visible()
        act()
        expect(done).to_have_text("✓ done")
    page.wait_for_url("**#*tour=10*")
    page.reload()
    expect(bar).to_contain_text("10 of 10")
    page.get_by_role("button", name="Leave the tour").click()
    expect(bar).to_be_hidden()
    assert not page.locator(".lit").count()


# what a step is done with, where nothing covers it, and how much of the lit part shows, of what could
IN_SIGHT = """() => {
  const controls = document.querySelector('.controls'), tour = document.querySelector('.tour').getBoundingClientRect();
  const box = (name) => document.querySelector(name)?.getBoundingClientRect();
  const sticks = getComputedStyle(controls).position === 'sticky';
  const top = sticks ? controls.getBoundingClientRect().bottom : 0, free = tour.top - top;
  const use = box('.use'), lit = box('.lit');
  const at = use && document.elementFromPoint(use.left + use.width / 2, use.top + use.height / 2);
  const stays = sticks && document.querySelector('.controls .use');
  const whole = !use || stays || (use.top >= top && use.bottom <= tour.top);
  const both = Math.max(lit.bottom, use?.bottom ?? 0) - Math.min(lit.top, use?.top ?? lit.top);
  return { used: Boolean(use), free: whole && (!use || Boolean(at?.closest('.use'))),
    lit: Boolean(stays) || both + 20 > free || (lit.top >= top && lit.bottom <= tour.top) };
}"""


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)], ids=str)
def test_what_the_tour_asks_for_is_in_sight(open_lesson, eventually, size):
    page = open_lesson(width=size[0], height=size[1])
    shown(page, f2f.Settings())
    page.get_by_role("button", name="Take the tour").click()
    for step in range(1, 11):
        expect(page.locator(".tour")).to_contain_text(f"{step} of 10")
        page.locator(".status[data-shown]").wait_for()
        good = {"used": step < 10, "free": True, "lit": True}
        eventually(lambda good=good: page.evaluate(IN_SIGHT) == good)
        if step < 10:
            page.get_by_role("button", name="Next step").click()


# what can be operated, numbered; radio buttons of one name are one stop
OPERABLE = """() => {
  const nodes = [...document.querySelectorAll('main :is(button, input, select, a[href], [tabindex="0"])')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.disabled);
  const stop = (node, index) => (node.type === 'radio' ? node.name : `${index}`);
  nodes.forEach((node, index) => { node.dataset.stop = stop(node, index); });
  return [...new Set(nodes.map((node) => node.dataset.stop))];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_control_is_reached_by_tab_and_axe_is_content(open_page, tmp_path, theme):
    path = tmp_path / "lesson.html"
    path.write_text(lesson_html(f2f.sample_layer(), f2f.Settings(), theme))
    page = open_page(path.as_uri())
    shown(page, f2f.Settings())
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator(".tour")).to_contain_text("1 of 10")
    expect(page.locator(".f2f-schedules[data-cycles]")).to_be_visible()
    found = Axe().run(page).response
    assert len(found["passes"]) > 5
    assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
    stops = set(page.evaluate(OPERABLE))
    page.get_by_role("button", name="Take the tour").focus()
    reached = set()
    for _ in range(len(stops) + 20):
        reached.add(page.evaluate("document.activeElement.dataset.stop"))
        page.keyboard.press("Tab")
    assert stops <= reached


def test_a_newer_setting_ends_a_long_search(open_lesson):
    weights = np.random.default_rng(3).normal(size=(900, 700)).astype(np.float32)
    layer, slow = f2f.load_layer(weights), f2f.Settings(n_s=2, order="row", rate=0.5)
    page = open_lesson(layer, f2f.Settings(n_s=0))
    shown(page, f2f.Settings(n_s=0))
    workers = []
    page.on("worker", lambda worker: workers.append(worker))
    page.evaluate("address => { location.hash = address; }", address(slow))
    expect(page.locator(".status")).to_have_text("Searching…")
    page.get_by_role("radio", name="0", exact=True).check()
    shown(page, f2f.Settings(n_s=0, order="row", rate=0.5))
    assert workers  # one stood in for the worker that was ended
    assert page.evaluate("f2fLesson().planes[0].symbols.length") > 2048


@pytest.mark.parametrize("width", [390, 900, 1280])
def test_a_page_is_as_wide_as_its_window(open_lesson, width):
    page = open_lesson(width=width, height=800)
    shown(page, f2f.Settings())
    expect(page.locator("[data-view=stages]")).not_to_contain_text("searching")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for view in page.locator(".picture svg").all():
        svg = view.bounding_box()
        for text in view.locator("text").all():
            box = text.bounding_box()
            assert svg["x"] - 1 <= box["x"], text.inner_text()
            assert box["x"] + box["width"] <= svg["x"] + svg["width"] + 1, text.inner_text()
    for scheme in page.locator(".f2f-scheme").all():
        name, count = scheme.bounding_box(), scheme.locator("+ text").bounding_box()
        assert name["x"] + name["width"] < count["x"], scheme.text_content()


PHONES = [(360, 740), (390, 844)]
SEEN = """box => {
  const band = box.querySelector(".band").getBoundingClientRect(), own = box.getBoundingClientRect();
  const labels = box.querySelector(".paper").getBoundingClientRect();
  return labels.right <= band.left && band.right <= own.right + 1 && Math.abs(labels.left - own.left) < 1;
}"""


@pytest.mark.parametrize(("width", "height"), PHONES)
def test_a_phone_shows_the_chosen_bit_and_what_its_rows_are(open_lesson, width, height):
    page = open_lesson(width=width, height=height, has_touch=True, is_mobile=True)
    shown(page, f2f.Settings())
    stage = page.locator(".f2f-stage")
    assert stage.evaluate("box => box.scrollWidth > box.clientWidth + 100")
    page.get_by_role("button", name="Go to the next mismatch").tap()
    expect(stage).not_to_have_attribute("data-cycle", "0")
    expect(page.locator(".f2f-equation")).to_contain_text("mismatch")
    assert stage.evaluate(SEEN)
    page.evaluate("location.hash += '&bit=0'")
    expect(stage).to_have_attribute("data-bit", "0")
    assert stage.evaluate(SEEN)
    assert stage.evaluate("box => box.scrollLeft") == 0
    page.evaluate("location.hash = location.hash.replace('bit=0', 'bit=79')")
    expect(stage).to_have_attribute("data-bit", "79")
    assert stage.evaluate(SEEN)
    # scrolled by hand it stays there while cycles go by
    stage.evaluate("box => { box.scrollLeft = 0; }")
    before = int(stage.get_attribute("data-cycle"))
    decoder = page.get_by_role("toolbar", name="Decoder")
    decoder.get_by_role("button", name="Step", exact=True).tap()
    expect(stage).to_have_attribute("data-cycle", str(before + 1))
    assert stage.evaluate("box => box.scrollLeft") == 0
    # a tap on a column chooses it, on what names the rows nothing
    stage.evaluate("box => { box.scrollLeft = 60; }")
    box = stage.bounding_box()
    page.touchscreen.tap(box["x"] + 60, box["y"] + 60)
    page.touchscreen.tap(box["x"] + 200, box["y"] + 60)
    expect(stage).not_to_have_attribute("data-bit", "79")
    assert int(stage.get_attribute("data-bit")) > (200 - 118) // 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "height"), [*PHONES, (1280, 800)])
def test_the_weights_of_a_block_are_seen_among_65536(open_lesson, width, height):
    """A weight is less than a pixel there; the marks of a block are not."""
    layer = f2f.sample_layer()
    assert layer.weights.shape == (512, 128)
    page = open_lesson(layer=layer, width=width, height=height)
    shown(page, f2f.Settings())
    expect(page.locator(".f2f-lesson > p").first).to_contain_text(f"{layer.name}, 512 × 128")
    marked, size = page.locator("[data-view=mask] canvas").evaluate("""canvas => {
      const colour = getComputedStyle(canvas).getPropertyValue("--f2f-symbol").trim();
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let marked = 0;
      for (let i = 0; i < data.length; i += 4) marked += data[i] === r && data[i + 1] === g && data[i + 2] === b;
      return [marked, canvas.clientWidth / canvas.width];
    }""")
    kept = int(page.locator("[data-about=mask]").inner_text().split(" of them kept")[0].split()[-1])
    assert (
        marked * size**2 >= 3 * kept
    )  # square pixels of the screen; some overlap, or lie at an edge


def test_a_method_without_a_rate_has_no_such_slider(open_lesson):
    page = open_lesson(settings=f2f.Settings(method="threshold", threshold=0.1))
    page.locator(".status[data-shown]").wait_for()
    assert not page.get_by_label("Pruned, S").count()
    layer = f2f.sample_layer(SMALL)
    kept = np.count_nonzero(np.abs(layer.weights) > np.float32(0.1))
    expect(page.locator(".controls output").first).to_have_text(
        f"{1 - kept / layer.weights.size:.4f}"
    )


def test_a_browser_without_webassembly_is_told(open_page, tmp_path):
    page = open_page("about:blank")
    page.add_init_script("delete globalThis.WebAssembly")
    f2f.lesson(f2f.sample_layer(SMALL), tmp_path / "lesson.html")
    page.goto((tmp_path / "lesson.html").as_uri())
    expect(page.locator(".status")).to_contain_text("This browser cannot run the search")


def test_other_number_formats(open_lesson):
    page = open_lesson(settings=f2f.Settings(number_format="int8"))
    shown(page, f2f.Settings())
    layer = f2f.sample_layer(SMALL)
    analysis = f2f.analyze(
        layer, f2f.Settings(number_format="int8", code=lesson_code(f2f.Settings()))
    )
    expect(card(page, "Ratio")).to_have_text(f"{analysis.ratio:.3f}")
    page.locator(".f2f-stage").press("m")
    expect(page.locator(".f2f-equation")).to_contain_text(" · ")  # code times scale


def test_a_page_is_small_and_of_one_file():
    page = lesson_html(f2f.sample_layer(SMALL), f2f.Settings())
    assert len(page.encode()) <= 400_000
    assert "default-src 'none'" in page
    assert page == lesson_html(f2f.sample_layer(SMALL), f2f.Settings())


@pytest.mark.parametrize(
    "name", ["</script><script>x()</script>", "$DATA $SCRIPT \\u003c", '"><b onclick=x>']
)
def test_no_name_breaks_out(name):
    weights = f2f.sample_layer(SMALL).weights
    hostile = lesson_html(f2f.Layer(name, weights, "float32", name), f2f.Settings())
    plain = lesson_html(f2f.Layer("w", weights, "float32", "w"), f2f.Settings())
    for tag in ("<script", "</script", "<b ", "<section"):
        assert hostile.count(tag) == plain.count(tag)
    text = hostile.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(text)["name"] == name
