"""What a page says when its kernel or its server goes, and that it comes back."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.app.page import settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser):
    """A page that may complain."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.fixture
def lost(page):
    """What a page shows above its cards when nobody answers."""
    return page.get_by_role("alert").filter(has_text="Reload the page")


def test_a_kernel_that_ends_is_told_and_a_reload_begins_anew(start_server, page, lost):
    server = start_server("app")
    page.goto(f"{server.url}&rate=0.6")
    settle(page)
    expect(lost).to_be_hidden()
    os.kill(server.kernels().pop(), signal.SIGKILL)
    expect(lost).to_contain_text("The kernel has ended", timeout=30_000)
    page.get_by_role("button", name="Reload the page").click()
    expect(lost).to_be_hidden()
    settle(page)
    expect(page.locator("[data-key=sparsity]").first).to_have_text("60.00%")
    ratio = page.locator(".f2f-card-value[data-key=ratio]")
    before = ratio.inner_text()
    page.get_by_label("0", exact=True).check()  # and it follows its new kernel
    expect(ratio).not_to_have_text(before)


def test_a_silent_server_is_told_and_heard_again(start_server, page, lost):
    server = start_server("app")
    page.clock.install()
    page.goto(server.url)
    settle(page)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for _ in range(4):
            page.clock.fast_forward(11_000)
        expect(lost).to_contain_text("The kernel does not answer")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    for _ in range(2):
        page.clock.fast_forward(11_000)
    expect(lost).to_be_hidden()
    page.reload()
    settle(page)


def test_a_server_that_ends_is_told(start_server, page, lost):
    server = start_server("app")
    page.goto(server.url)
    settle(page)
    server.stop(signal.SIGTERM)
    words = "(connection to the server is lost|kernel has ended|server cannot be reached)"
    expect(lost).to_have_text(re.compile(words))
    cards = page.locator(".f2f-cards").first.bounding_box()
    told = lost.bounding_box()
    assert told["y"] + told["height"] <= cards["y"]
