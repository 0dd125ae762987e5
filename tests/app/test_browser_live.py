"""The page under long use: drags, many changes, large uploads."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f
from f2f_viz.samples import SMALL
from tests.app.page import BOKEH, card, settle

pytestmark = pytest.mark.browser

MEGABYTE = 2**20
SET = "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }"
# what the page holds: Bokeh's documents and their models, the nodes of the document
HELD = f"""async () => {{
  const Bokeh = {BOKEH};
  return {{
    documents: Bokeh.documents.length,
    models: Bokeh.documents.reduce((sum, d) => sum + d._all_models.size, 0),
    views: Object.keys(Bokeh.index).length || [...Bokeh.index].length,
    nodes: document.getElementsByTagName('*').length,
  }};
}}"""
# every sparsity that the headline shows with numbers of its own, in order, beginning with now's:
# the accuracy comes after the exact numbers, and the same are drawn once more
WATCH = """() => {
  const root = document.querySelector('.f2f-headline-root');
  const sparsity = () => root.querySelector('[data-key=sparsity]').textContent;
  window.shown = [sparsity()];
  new MutationObserver(() => {
    const text = sparsity();
    if (root.dataset.state !== 'stale' && window.shown.at(-1) !== text) window.shown.push(text);
  }).observe(root, { subtree: true, childList: true, attributes: true });
}"""


@pytest.fixture
def page(shared):
    """The shared page on its first sample at S = 0.9."""
    shared.get_by_label("Samples", exact=True).check()
    shared.get_by_label("Pruning rate, slider").evaluate(SET, 0.9)
    expect(card(shared, "sparsity")).to_have_text("90.00%")
    settle(shared)
    return shared


def test_a_drag_leaves_no_queue_behind(page):
    slider = page.get_by_label("Pruning rate, slider")
    page.evaluate(WATCH)
    for i in range(50):
        slider.evaluate(SET, 0.4 + 0.01 * i)
        page.wait_for_timeout(60)
    at_release = page.evaluate("window.shown.length")
    expect(card(page, "sparsity")).to_have_text("89.00%")
    settle(page)
    shown = page.evaluate("window.shown")
    # the preview in flight and the newest, however many changes there were
    assert len(shown) - at_release <= 2, shown[at_release:]
    assert shown[-1] == "89.00%"
    assert shown[0] == "90.00%"
    assert shown[1:] == sorted(shown[1:])  # an older one never overtakes
    a = f2f.analyze(f2f.sample_layer(SMALL), f2f.Settings(rate=0.89))
    expect(card(page, "ratio")).to_have_text(f"{a.ratio.value:.2f}×")


def test_the_page_holds_no_more_after_many_changes(page):
    for tab in page.get_by_role("tab").all():
        tab.click()
        settle(page)
    page.get_by_role("tab", name="Mask").click()
    slider = page.get_by_label("Pruning rate, slider")

    def change(turns):
        for turn in range(turns):
            rate = 0.7 + 0.02 * (turn % 10)
            slider.evaluate(SET, rate)
            expect(card(page, "sparsity")).to_have_text(f"{100 * rate:.2f}%")
            settle(page)
        return page.evaluate(HELD)

    before = change(10)
    after = change(30)
    assert before["documents"] >= 4
    for kind in before:
        assert after[kind] <= before[kind], (kind, before, after)


@pytest.fixture
def weights_file(tmp_path):
    """Write a float32 vector of some megabytes."""

    def make(megabytes):
        path = tmp_path / f"{megabytes}.npy"
        rng = np.random.default_rng(megabytes)
        np.save(path, rng.standard_normal((megabytes, MEGABYTE // 4), dtype=np.float32))
        return path

    return make


@pytest.mark.parametrize("megabytes", [20, 100])
def test_large_uploads_arrive_and_show_progress(page, weights_file, megabytes):
    page.get_by_label("Upload", exact=True).check()
    page.evaluate("""() => {
      const meter = document.querySelector('progress');
      const seen = window.progress = [];
      new MutationObserver(() => seen.push(meter.value)).observe(
        meter, { attributes: true, attributeFilter: ['value'] });
    }""")
    page.get_by_label("File to upload").set_input_files(weights_file(megabytes))
    expect(page.locator(".f2f-layer")).to_contain_text(f"{megabytes} × 262144", timeout=60_000)
    # a preview of so many weights stands, and its search can be left
    expect(card(page, "sparsity")).to_have_text("90.00%", timeout=60_000)
    progress = [share for share in page.evaluate("window.progress") if share]
    assert len(progress) == megabytes // 4 + 1  # the header takes a part more
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_of_two_uploads_the_one_chosen_last_is_shown(page, weights_file, tmp_path):
    """What is under way ends: it came last, and stood in the place of the newer choice."""
    for name, shape in (("b", (5, 7)), ("c", (5, 9))):
        np.save(tmp_path / f"{name}.npy", np.ones(shape, np.float32))
    page.get_by_label("Upload", exact=True).check()
    field, layer = page.get_by_label("File to upload"), page.locator(".f2f-layer")
    field.set_input_files(weights_file(20))
    field.set_input_files(tmp_path / "b.npy")
    expect(layer).to_contain_text("5 × 7")
    field.set_input_files(tmp_path / "c.npy")
    expect(layer).to_contain_text("5 × 9")
    expect(page.get_by_label("Upload progress")).to_be_hidden()
    settle(page)
    expect(layer).to_contain_text("5 × 9")


def test_of_a_file_that_cannot_be_read_to_its_end_nothing_is_kept(
    page, app_server, weights_file, eventually
):
    (kernel,) = app_server.kernels()
    environ = Path(f"/proc/{kernel}/environ").read_bytes()
    (folder,) = Path(re.search(rb"TMPDIR=([^\0]+)", environ)[1].decode()).glob("f2f-viz-*/upload-*")
    page.get_by_label("Upload", exact=True).check()
    page.evaluate("""() => {
      const { slice } = Blob.prototype;
      Blob.prototype.slice = function (from, to) {
        if (!from) return slice.call(this, from, to);
        Blob.prototype.slice = slice;
        return { arrayBuffer: () => new Promise((_, reject) => { window.breaks = () => reject(new Error("it has gone")); }) };
      };
    }""")
    page.get_by_label("File to upload").set_input_files(weights_file(20))
    eventually(lambda: [path.suffix for path in folder.iterdir()].count(".part") == 1)
    page.wait_for_function("() => Boolean(window.breaks)")
    page.evaluate("() => window.breaks()")
    expect(page.locator(".f2f-field-upload .f2f-error")).to_contain_text("it has gone")
    eventually(lambda: not list(folder.glob("*.part")))


def test_too_large_an_upload_is_refused_in_words(page, tmp_path):
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        file.truncate(201 * MEGABYTE)
    page.get_by_label("Upload", exact=True).check()
    page.get_by_label("File to upload").set_input_files(path)
    message = page.locator(".f2f-field-upload .f2f-error")
    expect(message).to_have_text(re.compile("201 MB is more than .*200 MB.* path instead"))
