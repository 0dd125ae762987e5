"""Take the screenshots of the documentation from the real app: python docs/screenshots.py."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]


MEASURED = """async () => (await [...globalThis[Symbol.for('f2f-viz.bokehjs')].values()][0])
  .documents.flatMap((document) => document.roots()).flatMap((root) => [...root.references()])
  .some((model) => model.type === 'Title' && model.text === 'Ratio, measured on this layer')"""


def settle(page: Page) -> None:
    page.locator(".f2f-headline-root[data-state=exact]").wait_for(timeout=60_000)


def prepare(page: Page, name: str) -> None:
    """Bring a tab to where it has something to show."""
    if name == "mask":  # a block, marked everywhere
        heat = page.locator(".f2f-figure-mask").bounding_box()
        page.mouse.click(heat["x"] + 200, heat["y"] + 180)
        page.wait_for_url(re.compile("cycle="))
        page.locator(".f2f-about:visible").first.click()  # so that nothing has the focus
        page.mouse.move(1, 1)
    elif name == "ratio":
        while not page.evaluate(MEASURED):
            page.wait_for_timeout(500)
    elif name == "trellis":
        for _ in range(7):
            page.locator(".f2f-trellis").press("ArrowRight")
    elif name == "sweep":
        view = page.locator(".f2f-sweep")
        view.get_by_label("ffn2 · dense").check()
        view.get_by_label("Random", exact=True).check()
        view.get_by_role("button", name="Start").click()
        page.wait_for_function("() => document.querySelector('.f2f-sweep progress').value == 1",
                               timeout=60_000)  # fmt: skip
        view.get_by_label("Colour").select_option("pruning")


def shoot(page: Page) -> None:
    """One picture a tab; the decoder's is the front page."""
    settle(page)
    for tab in page.get_by_role("tab").all():
        name = tab.inner_text().lower()
        tab.click()
        page.wait_for_timeout(1_000)
        prepare(page, name)
        page.wait_for_timeout(2_500)
        page.screenshot(path=IMAGES / f"app-{name}.png")
    page.get_by_role("tab", name="Decoder").click()
    page.wait_for_timeout(1_500)
    page.get_by_role("button", name="Go to the next mismatch").click()
    page.wait_for_timeout(1_500)
    page.mouse.move(1, 1)
    page.screenshot(path=IMAGES / "analyzer.png")


def main() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", "from f2f_viz.cli.main import main; main()", "app", "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = server.stdout.readline().strip()
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            shoot(page)
            page.goto(f"{url}&theme=dark")
            settle(page)
            page.wait_for_timeout(1_500)
            page.screenshot(path=IMAGES / "app-dark.png")
            page.get_by_role("tab", name="Export").click()
            view = page.locator(".f2f-export")
            view.get_by_label("Planes", exact=True).check()
            view.locator("[name=theme]").select_option("dark")
            view.get_by_role("heading", name="As printed").evaluate(
                "(node) => node.scrollIntoView()"
            )
            page.wait_for_timeout(2_500)
            page.screenshot(path=IMAGES / "app-dark-print.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
