"""What is on the screen is whole, right and readable: measured as pixels, not as DOM."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.figures.palette import palette
from f2f_viz.samples import SMALL
from tests.app import eyes
from tests.app.page import drawn, settle
from tests.app.test_browser_selection import pixel

pytestmark = pytest.mark.browser

SIZES = (
    *((1280, 720), (1280, 800), (1366, 768), (1920, 1080), (900, 800), (1068, 800), (1180, 800)),
    (846, 800),  # what JupyterLab's file browser leaves of 1280
)
THEMES = ("light", "dark")


def look(page, tab):
    """Open a tab, and wait until it is drawn."""
    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(".f2f-tabpanel:visible .f2f-part").first.wait_for()
    expect(page.locator(".f2f-tabpanel:visible .f2f-building")).to_have_count(0)


def rgb(colour):
    """A colour as browsers say it."""
    return f"rgb{tuple(bytes.fromhex(colour[1:]))}"


def choose(page, sample):
    """Choose a sample layer, and wait until it is analysed."""
    page.get_by_role("combobox", name="Sample layer").select_option(sample)
    expect(page.locator(".f2f-layer")).to_contain_text(sample)
    settle(page)


@pytest.fixture(scope="module")
def pages(app_server, browser):
    """A settled page in each theme of the system."""
    found, errors = {}, []
    for theme in THEMES:
        context = browser.new_context(color_scheme=theme)
        page = found[theme] = context.new_page()
        page.set_default_timeout(30_000)
        page.add_init_script(f"({eyes.WATCH_CANVASES})()")
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(app_server.url)
        settle(page)
        page.get_by_text("What is stored, and how").click()
    yield found
    for page in found.values():
        page.context.close()
    assert errors == []


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Layers of many shapes in one file."""
    rng = np.random.default_rng(0)
    kinds = {
        "a": (160, 64),
        "b": (64, 160),
        "c": (300, 400),
        "d": (1000,),
        "e": (3, 900),
        "f": (8, 4, 3, 3),
    }
    path = tmp_path_factory.mktemp("shapes") / "shapes.npz"
    np.savez(
        path, **{name: rng.normal(size=shape).astype(np.float32) for name, shape in kinds.items()}
    )
    return path, kinds


TABS = (
    "Mask",
    "Ratio",
    "Planes",
    "Decoder",
    "Trellis",
    "Lanes",
    "Sweep",
    "Model",
    "Compare",
    "Export",
)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tab", TABS)
def test_every_view_is_whole(pages, theme, tab):
    page = pages[theme]
    look(page, tab)
    faults = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        if found := eyes.whole(page):
            faults[width, height] = found
    assert not faults


@pytest.mark.parametrize(
    ("tab", "drawn"), [("Trellis", ".f2f-trellis"), ("Lanes", ".f2f-schedules")]
)
def test_drawings_use_the_height_there_is(pages, eventually, tab, drawn):
    page = pages["light"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    look(page, tab)
    stage = page.locator(".f2f-stack").bounding_box()["height"]
    picture = page.locator(drawn)

    def height():  # asked at once: the picture is drawn anew
        return picture.evaluate("(n) => n.firstElementChild.getBoundingClientRect().height")

    eventually(lambda: height() > 0.55 * stage)
    page.set_viewport_size({"width": 1280, "height": 720})
    eventually(lambda: height() < 0.55 * stage)  # and gives it back


@pytest.mark.parametrize("theme", THEMES)
def test_the_page_has_the_theme_of_the_system(pages, theme):
    ground = (
        pages[theme].locator(".f2f-frame").evaluate("(n) => getComputedStyle(n).backgroundColor")
    )
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(33, 33, 33)"}[theme]
    scheme = pages[theme].locator(".f2f-panel").evaluate("(n) => getComputedStyle(n).colorScheme")
    assert scheme == theme  # scroll bars, checkboxes and lists of choices too


@pytest.mark.parametrize("theme", THEMES)
def test_words_in_empty_fields_can_be_read(pages, theme):
    page = pages[theme]
    look(page, "Sweep")
    field = page.locator(".f2f-sweep input[placeholder]").first
    ink = field.evaluate("(n) => getComputedStyle(n, '::placeholder').color")
    assert ink == {"light": "rgb(91, 100, 114)", "dark": "rgb(169, 178, 192)"}[theme]


@pytest.mark.parametrize("size", SIZES)
def test_a_tip_lies_over_everything(pages, size):
    page = pages["light"]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    look(page, "Mask")
    for card in page.locator(".f2f-card").all():
        card.hover()
        tip = card.locator(".f2f-tip")
        expect(tip).to_have_css("opacity", "1")
        assert tip.evaluate(eyes.TOPMOST) == "", card.inner_text()
    page.mouse.move(0, 0)


@pytest.mark.parametrize("size", SIZES)
def test_no_words_of_a_card_change_its_height(pages, size):
    page = pages["light"]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    cards = page.locator(".f2f-cards")
    before = cards.bounding_box()["height"]
    for words in ("", "95 %: 121.4 to 126.3", "32 × 178,481 blocks", "1,234,567 corrected"):
        notes = cards.evaluate(
            """(cards, words) => [...cards.querySelectorAll('.f2f-card-note')].map((note) => {
              const own = note.textContent;
              note.textContent = words;
              return own;
            })""",
            words,
        )
        try:
            assert cards.bounding_box()["height"] == before, words
            assert not [fault for fault in page.evaluate(eyes.CLIPPED) if "card" in fault]
        finally:
            cards.evaluate(
                "(cards, own) => cards.querySelectorAll('.f2f-card-note').forEach((n, i) => { n.textContent = own[i]; })",
                notes,
            )


@pytest.mark.parametrize("theme", THEMES)
def test_a_figures_tip_has_its_colours_and_goes_where_the_pointer_leaves(pages, theme):
    page = pages[theme]
    page.set_viewport_size({"width": 1280, "height": 800})
    look(page, "Mask")
    drawn(page, "mask")
    tip = page.locator(".bk-Tooltip:popover-open")
    x, y = pixel(page, 20, 0)
    for _ in range(2):
        page.mouse.move(x + 40, y)
        expect(tip.locator("th")).to_have_text(["row", "column", "share kept"])
        expect(tip.locator("td").first).to_have_text("20")
        page.mouse.move(x - 25, y)  # to the numbers of the axis
        expect(tip).to_have_count(0)
    page.mouse.move(x + 40, y)
    colours = palette(theme)
    expect(tip).to_have_css("background-color", rgb(colours.surface))
    expect(tip.locator("th").first).to_have_css("color", rgb(colours.muted))
    expect(tip.locator("td").first).to_have_css("color", rgb(colours.ink))
    assert tip.evaluate(eyes.TOPMOST) == ""
    page.mouse.move(0, 0)


@pytest.mark.parametrize("size", [(1280, 720), (900, 800)])
def test_the_last_of_every_list_is_reached(pages, size, eventually):
    page = pages["light"]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for tab, last in [
        ("Planes", ".f2f-planes tbody tr:last-child button"),
        ("Decoder", ".f2f-drawing svg"),
        ("Export", ".f2f-export pre"),
        ("Mask", ".f2f-figure-bits"),
    ]:
        look(page, tab)
        stack = page.locator(".f2f-stack")
        stack.evaluate("(n) => n.scrollTo(0, 0)")
        box = stack.bounding_box()
        page.mouse.move(box["x"] + box["width"] - 30, box["y"] + box["height"] - 20)
        wanted = page.locator(last).last

        def reached(wanted=wanted):  # drawings come in their size, one after another
            page.mouse.wheel(0, 5000)
            return wanted.evaluate(
                "(n) => { const b = n.getBoundingClientRect(); return b.height > 0 && b.bottom <= innerHeight + 1; }"
            )

        eventually(reached)
    look(page, "Planes")
    stack.evaluate("(n) => n.scrollTo(0, 0)")
    row = page.locator(".f2f-planes tbody tr:last-child button")
    row.focus()  # and by keys
    assert row.evaluate(eyes.TOPMOST) == ""
    side = page.locator(".f2f-side")
    side.hover()
    page.mouse.wheel(0, 5000)
    page.wait_for_function(
        "(n) => n.getBoundingClientRect().bottom <= innerHeight + 1",
        arg=page.get_by_role("button", name="Copy link").element_handle(),
    )


@pytest.mark.parametrize("size", [(1280, 720), (900, 800)])
def test_every_control_says_what_it_is_and_leads_to_the_guide(pages, size):
    page = pages["light"]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    tip = page.locator(".f2f-panel .f2f-float")
    controls = page.locator(".f2f-panel :is(.f2f-title, .f2f-segmented label, .f2f-button)")
    for control in controls.all():
        if not control.is_visible():
            continue
        words = control.evaluate("(n) => n.closest('[data-tip]')?.dataset.tip ?? ''")
        if not words:  # the row over the presets is a heading
            assert control.inner_text().startswith("Presets")
            continue
        control.scroll_into_view_if_needed()
        control.hover()
        expect(tip).to_have_text(words)
        assert tip.evaluate(eyes.TOPMOST) == "", words
    fields = page.locator(".f2f-panel :is(input, select):visible").all()
    for field in fields:
        assert field.evaluate(
            "(n) => n.closest('.f2f-field, .f2f-title').querySelector('.f2f-help') !== null"
        )
    page.mouse.move(0, 0)
    page.get_by_role("combobox", name="Matrix M").focus()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_the_guide_opens_at_the_control(pages):
    page = pages["light"]
    links = page.locator(".f2f-help")
    names = links.evaluate_all("(nodes) => nodes.map((n) => n.getAttribute('href').split('#')[1])")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Help: n s", exact=True).click()
    guide = opened.value
    guide.wait_for_load_state()
    assert guide.url.startswith("blob:")
    assert guide.url.endswith("#n_s")
    assert set(names) <= set(guide.locator("[id]").evaluate_all("(n) => n.map((m) => m.id)"))
    for link in guide.locator("a").all():
        target = link.get_attribute("href")
        assert target.startswith(("#", "https://arxiv.org/")), target
        if target.startswith("#"):
            expect(guide.locator(f"[id='{target[1:]}']")).to_have_count(1)
    assert guide.locator("img").evaluate_all("(n) => n.every((i) => i.naturalWidth > 0)")
    guide.close()


def test_a_register_brings_the_n_in_that_fits(pages):
    page = pages["light"]
    n_in, stages = page.get_by_label("n_in, symbol bits"), page.locator(".f2f-field-n_s")
    stages.get_by_label("3").check()
    expect(n_in).to_have_value("5")
    expect(stages.locator(".f2f-hint")).to_have_text(
        "n_in went from 8 to 5, the most that n_s = 3 takes"
    )
    stages.get_by_label("1").check()
    n_in.fill("8")
    settle(page)


def test_the_active_preset_is_seen(pages):
    page = pages["light"]
    presets = page.get_by_role("group", name="Presets")

    def active():
        return presets.locator("[aria-pressed=true]").all_inner_texts()

    assert active() == ["Default"]
    for name in ("Start", "The paper's", "Fixed rate", "Default"):
        presets.get_by_role("button", name=name).click()
        expect(presets.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        assert active() == [name]
    page.get_by_role("combobox", name="Matrix M").select_option("light")
    expect(presets.locator("[aria-pressed=true]")).to_have_count(0)
    page.get_by_label("Ones of a row, at most").fill("2, 1")
    page.get_by_label("Ones of a row, at most").press("Enter")
    settle(page)
    presets.get_by_role("button", name="Default").click()
    settle(page)


def test_long_lists_are_reached_to_the_end(pages, eventually):
    """A sweep's rows are drawn as they come into view, by wheel and by keys."""
    page = pages["light"]
    page.set_viewport_size({"width": 1280, "height": 720})
    choose(page, SMALL)
    look(page, "Sweep")
    view = page.locator(".f2f-sweep")
    wanted = {
        "0.5",
        "0.7",
        "0.8",
        "0.9",
        "2",
        "3",
        "4",
        "5",
        "0",
        "1",
        "row",
        "interleaved",
        "magnitude",
    }
    for box in view.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in wanted)
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text(
        re.compile(r"^(\d+) of \1 points of ffn1 · small dense$"), timeout=60_000
    )
    count = int(view.get_by_role("status").inner_text().split()[0])
    long = view.locator(".f2f-long")
    last = view.locator(f"tr[aria-rowindex='{count + 1}']")
    long.scroll_into_view_if_needed()
    long.hover()
    for _ in range(count):
        page.mouse.wheel(0, 400)
        if last.count():
            break
    expect(last).to_be_visible()
    eventually(lambda: last.get_by_role("button").evaluate(eyes.TOPMOST) == "")
    assert eyes.whole(page) == []
    for heading in view.locator(".f2f-sort").all():
        heading.click()
        assert eyes.whole(page) == []
    choose(page, f2f.sample_names()[0])


def test_a_wide_sweep_is_whole(pages):
    """Ratios of several layers and ways to prune lie far apart; every column is seen at once."""
    page = pages["light"]
    page.set_viewport_size({"width": 1280, "height": 800})
    look(page, "Sweep")
    view = page.locator(".f2f-sweep")
    for layer in ("ffn1 · dense", "ffn1 · gradual-0.9"):
        view.get_by_label(layer).check()
    wanted = {"0.7", "0.9", "6", "8", "0", "1", "interleaved", "magnitude", "random"}
    for box in view.locator("fieldset:not(.f2f-sweep-layers)").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in wanted)
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text("32 of 32 points of 2 layers", timeout=60_000)
    assert eyes.whole(page) == []
    table = view.locator(".f2f-long")
    assert table.evaluate("(n) => n.scrollWidth - n.clientWidth") == 0
    names = view.locator("tbody th button").all_inner_texts()
    assert len(names) == len(set(names)) > 8
    view.get_by_label("ffn1 · gradual-0.9").uncheck()


def test_the_comparison_and_the_trellis_are_whole_to_their_ends(pages):
    page = pages["light"]
    page.set_viewport_size({"width": 1280, "height": 720})
    look(page, "Compare")
    expect(page.locator(".f2f-view-compare .f2f-about")).not_to_contain_text("Comparing")
    stack = page.locator(".f2f-stack")
    stack.hover()
    page.mouse.wheel(0, 5000)
    page.wait_for_function(
        "(n) => n.getBoundingClientRect().bottom <= innerHeight + 1",
        arg=page.locator(".f2f-figure-compare").element_handle(),
    )
    assert eyes.whole(page) == []
    look(page, "Trellis")
    page.locator(".f2f-trellis").press("End")
    assert eyes.whole(page) == []


def test_axes_span_each_layer(pages, shapes, eventually):
    path, kinds = shapes
    page = pages["light"]
    page.set_viewport_size({"width": 1280, "height": 800})
    look(page, "Mask")
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(path))
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).not_to_contain_text("digits")
    for name in ("a", "b", "a", "c", "b", "d", "e", "c", "f", "a"):
        page.get_by_role("combobox", name="Tensor").select_option(name)
        settle(page)
        shape = kinds[name]
        rows = shape[0] if len(shape) > 1 else 32
        columns = int(np.prod(shape[1:])) if len(shape) > 1 else 32
        eventually(lambda r=rows, c=columns: page.evaluate(eyes.AXES) == [[0, c, r, 0]])
        # and so does what is drawn
        eventually(lambda r=rows, c=columns: page.evaluate(eyes.DRAWN) == [[0, 0, c, r]])
    page.get_by_label("Samples", exact=True).check()
    settle(page)


@pytest.fixture
def page(pages):
    """The light page at its defaults, with a layer whose blocks can be told apart."""
    page = pages["light"]
    page.set_viewport_size({"width": 1280, "height": 800})
    choose(page, SMALL)
    yield page
    page.get_by_label("n_in, symbol bits").fill("8")
    page.locator(".f2f-field-n_s").get_by_label("1").check()
    settle(page)


def test_what_is_not_of_these_settings_is_seen_to_be_old(page):
    look(page, "Mask")
    head = page.locator(".f2f-headline-root")
    before = head.bounding_box()["height"]
    tip = page.locator(".f2f-side .f2f-float")
    page.get_by_label("n_in, symbol bits").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(tip).to_be_visible()
    page.get_by_label("n_in, symbol bits").fill("99")
    page.keyboard.press("Enter")
    expect(tip).to_be_hidden()
    expect(head).to_have_attribute("data-state", "failed")
    expect(page.locator(".f2f-bar")).to_be_hidden()
    assert head.bounding_box()["height"] == before
    expect(page.locator(".f2f-badge")).not_to_contain_text("bit-exact")
    expect(page.locator(".f2f-cards")).to_have_css("opacity", "0.3")
    expect(page.locator(".f2f-view-mask")).to_have_css("opacity", "0.3")
    expect(page.locator(".f2f-note:visible")).to_contain_text("Not of these settings")
    page.get_by_label("n_in, symbol bits").fill("8")
    settle(page)
    expect(page.locator(".f2f-badge")).to_contain_text("bit-exact")
    expect(page.locator(".f2f-view-mask")).to_have_css("opacity", "1")
    expect(page.locator(".f2f-note:visible")).to_have_count(0)


def test_the_cycle_field_shows_the_cycle(page):
    look(page, "Decoder")
    stage, cycle = (
        page.locator(".f2f-stage"),
        page.locator(".f2f-decoder").get_by_label("Cycle", exact=True),
    )
    expect(stage).to_have_attribute("data-cycle", re.compile(r"\d+"))
    for typed, taken in [("5.5", "6"), ("-3", "0"), ("2", "2")]:
        cycle.fill(typed)
        cycle.press("Enter")
        expect(stage).to_have_attribute("data-cycle", taken)
        expect(cycle).to_have_value(taken)
    cycle.fill("100000")
    cycle.press("Enter")  # and the focus stays in the field
    last = cycle.get_attribute("max")
    expect(cycle).to_have_value(last)
    page.get_by_role("button", name="First cycle").click()
    cycle.focus()
    page.locator(".f2f-decoder").get_by_label("Cycles per second").select_option("30")
    page.get_by_role("button", name="Run some cycles").click()
    expect(cycle).to_have_value("16")


def test_two_register_stages_fit_their_boxes(page):
    page.locator(".f2f-field-n_s").get_by_label("2").check()
    settle(page)
    look(page, "Decoder")
    expect(page.locator(".bitvalue")).to_have_count(24)
    assert eyes.whole(page) == []


def test_the_theme_is_switched_in_the_page(page):
    look(page, "Mask")
    frame = page.locator(".f2f-frame")
    page.get_by_role("button", name="Light or dark").click()
    expect(frame).to_have_css("background-color", "rgb(33, 33, 33)")
    page.reload()  # and stays so
    settle(page)
    expect(frame).to_have_css("background-color", "rgb(33, 33, 33)")
    page.get_by_role("button", name="Light or dark").click()
    expect(frame).to_have_css("background-color", "rgb(255, 255, 255)")
    look(page, "Mask")


def test_the_block_grid_is_offered_where_there_is_one(page, eventually):
    look(page, "Mask")
    grid = page.get_by_label("Block grid")
    expect(grid).to_be_disabled()  # more blocks than can be told apart
    page.get_by_role("radio", name="Row", exact=True).check()
    page.get_by_label("n_out, block bits").locator("xpath=following::input[1]").uncheck()
    page.get_by_label("n_out, block bits").fill("400")
    settle(page)
    expect(grid).to_be_enabled()
    expect(grid).to_be_checked()
    heat = page.locator(".f2f-figure-mask")
    with_edges = heat.screenshot()
    grid.uncheck()
    eventually(lambda: heat.screenshot() != with_edges)
    grid.check()
    page.get_by_label("n_out, block bits").locator("xpath=following::input[1]").check()
    page.get_by_role("radio", name="Interleaved", exact=True).check()
    settle(page)
    expect(grid).to_be_disabled()


QUERY = "model.encoder.layer.11.attention.self.query.weight"
LONGEST = (
    "model.visual_transformer.projection_head.intermediate_dense_connector_with_long_name.weight"
)


@pytest.fixture(scope="module")
def long_names(tmp_path_factory):
    rng = np.random.default_rng(0)
    names = [QUERY.replace("11", str(i)) for i in range(20)] + [LONGEST]
    path = tmp_path_factory.mktemp("names") / "long.safetensors"
    save_file({name: rng.normal(size=(40, 24)).astype(np.float32) for name in names}, path)
    return path


def test_names_in_the_panel_turn_no_writing(pages, tmp_path):
    """Groups, entries and what is said below: a mark that turns the rest around is seen, escaped."""
    page = pages[THEMES[0]]
    names = [f"{group}.{i}.weight" for group in ("\u202egnp", "\x1b[31mred") for i in range(2)]
    save_file({name: np.ones((4, 4), np.float32) for name in names}, tmp_path / "m.safetensors")
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(tmp_path / "m.safetensors"))
    page.get_by_label("Path on this machine").press("Enter")
    field = page.locator(".f2f-field-tensor")
    labels = field.locator("optgroup")
    expect(labels).to_have_count(4)
    found = {*labels.evaluate_all("(n) => n.map((one) => one.label)")}
    assert found == {rf"{one}.{i}" for one in (r"\u202egnp", r"\x1b[31mred") for i in range(2)}
    page.get_by_role("combobox", name="Tensor").select_option(names[0])
    expect(field.locator(".f2f-hint")).to_have_text(r"\u202egnp.0.weight · 4 × 4 · float32")
    assert field.evaluate(r"(n) => /[\u202e\u001b]/.test(n.innerText)") is False


@pytest.mark.parametrize("theme", THEMES)
def test_long_names_are_whole_somewhere_and_push_nothing_away(pages, theme, long_names):
    page = pages[theme]
    page.get_by_label("Path", exact=True).check()
    page.get_by_label("Path on this machine").fill(str(long_names))
    page.get_by_label("Path on this machine").press("Enter")
    tensor = page.get_by_role("combobox", name="Tensor")
    for name in (LONGEST, QUERY):
        tensor.select_option(name)
        expect(page.locator(".f2f-layer")).to_contain_text(name)
        settle(page)
        expect(page.locator(".f2f-field-tensor .f2f-hint")).to_have_text(
            f"{name} · 40 × 24 · float32"
        )
        assert tensor.evaluate("(n) => n.selectedOptions[0].text").endswith(name[-16:])
    look(page, "Model")
    view = page.locator(".f2f-model")
    table, tip = view.locator(".f2f-long"), view.locator(".f2f-float")
    view.get_by_label("Filter tensors").fill("visual")
    link = view.get_by_role("button", name=LONGEST, exact=True)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        expect(link).to_have_text(re.compile(r"ame\.weight$"))
        assert eyes.whole(page) == [], (width, height)
        if width >= 1280:
            assert table.evaluate("(n) => n.scrollWidth - n.clientWidth") <= 0, width
    link.hover()
    expect(tip).to_have_text(LONGEST)
    assert tip.evaluate(eyes.TOPMOST) == ""
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    view.get_by_label("Filter tensors").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("(n) => n === document.activeElement"):
            break
    expect(tip).to_have_text(LONGEST)
    expect(tip).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    look(page, "Sweep")
    view = page.locator(".f2f-sweep")
    view.get_by_label(LONGEST).check()
    for box in view.locator("fieldset:not(.f2f-sweep-layers)").get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in {"0.7", "0.9", "4", "0"})
    view.get_by_role("button", name="Start").click()
    expect(view.get_by_role("status")).to_have_text(
        re.compile("^4 of 4 points of "), timeout=60_000
    )
    view.get_by_label("Colour").select_option("layer")
    assert eyes.whole(page) == []
    table = view.locator(".f2f-long")
    assert table.evaluate("(n) => n.scrollWidth - n.clientWidth") <= 0
    row = table.get_by_role("button", name=LONGEST).first
    row.hover()
    expect(view.locator(".f2f-float")).to_have_text(LONGEST)
    # layers whose names differ in the middle alone are told apart
    expect(table.get_by_role("button", name=QUERY).first).to_contain_text(QUERY)
    heights = table.locator("tbody tr[aria-rowindex]").evaluate_all(
        "(n) => n.map((r) => r.offsetHeight)"
    )
    assert set(heights) == {44}
    page.get_by_label("Samples", exact=True).check()
    settle(page)
