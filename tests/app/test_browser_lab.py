"""The same analyzer in JupyterLab, from the quick-start notebook."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

import f2f_viz as f2f

pytestmark = pytest.mark.browser

SHARED = """() => {
  const apps = [...document.querySelectorAll('.f2f-app')];
  const ids = apps.flatMap((app) => [...app.querySelectorAll('[id]')].map((node) => node.id));
  const names = apps.map((app) => new Set([...app.querySelectorAll('[type=radio][name]')].map((node) => node.form ? null : node.name)));
  return {
    apps: apps.length,
    ids: ids.length - new Set(ids).size,
    names: [...names[0]].filter((name) => name && (names[1].has(name) || names[2].has(name))),
    chosen: apps.map((app) => app.querySelectorAll('.f2f-panel [type=radio]:checked').length),
  };
}"""


@pytest.fixture
def two():
    """A notebook with two analyzers, the first of them shown twice."""
    path = Path(__file__).parents[2] / "notebooks" / "two-analyzers-of-a-test.ipynb"
    sources = ["import f2f_viz as f2f\none = f2f.Analyzer()\none", "f2f.Analyzer()", "one"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    yield path.name
    path.unlink()


def test_two_analyzers_and_one_shown_twice(lab_server, open_page, two):
    base, token = lab_server.url.split("?")
    page = open_page(f"{base}/tree/{two}?{token}&reset", 1500, 2600)
    page.set_default_timeout(60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    apps = page.locator(".f2f-app")
    expect(apps).to_have_count(3, timeout=60_000)
    for app in apps.all():
        app.locator(".f2f-headline-root[data-state=exact]").wait_for()
    found = page.evaluate(SHARED)
    assert (found["apps"], found["ids"], found["names"]) == (3, 0, [])
    assert len(set(found["chosen"])) == 1
    assert found["chosen"][0] >= 4
    first, second, again = apps.all()
    second.get_by_text("n_in, symbol bits").click()  # the label of its own field
    expect(second.get_by_label("n_in, symbol bits")).to_be_focused()
    first.get_by_label("0", exact=True).check()
    expect(again.get_by_label("0", exact=True)).to_be_checked()
    expect(second.get_by_label("1", exact=True)).to_be_checked()
    ratio = [app.locator(".f2f-card-value[data-key=ratio]") for app in (first, second, again)]
    expect(ratio[2]).not_to_have_text(ratio[1].inner_text())
    expect(ratio[0]).to_have_text(ratio[2].inner_text())


def test_quickstart_runs_in_lab(lab_server, open_page):
    base, token = lab_server.url.split("?")
    page = open_page(f"{base}/tree/01_quickstart.ipynb?{token}&reset", 1500, 1000)
    page.set_default_timeout(60_000)
    page.locator(".jp-Notebook .jp-CodeCell").last.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    # the notebook's last cell sets the rate and two register stages, and waits
    sparsity = page.locator(".f2f-card-value[data-key=sparsity]")
    expect(sparsity).to_have_text("80.00%", timeout=60_000)
    page.locator(".f2f-headline-root[data-state=exact]").wait_for()
    exact = f2f.analyze(f2f.sample_layer(), f2f.Settings(rate=0.8, n_s=2))
    ratio = page.locator(".f2f-card-value[data-key=ratio]")
    expect(ratio).to_have_text(f"{exact.ratio.value:.2f}×")
    # and the controls lead it as well
    page.get_by_label("0", exact=True).check()
    exact = f2f.analyze(f2f.sample_layer(), f2f.Settings(rate=0.8, n_s=0))
    expect(ratio).to_have_text(f"{exact.ratio.value:.2f}×")
    page.get_by_role("tab", name="Decoder").click()
    expect(page.locator(".f2f-stage svg")).to_be_visible()
