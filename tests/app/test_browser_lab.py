"""The same analyzer in JupyterLab, from the quick-start notebook."""

import pytest
from playwright.sync_api import expect

import f2f_viz as f2f

pytestmark = pytest.mark.browser


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
