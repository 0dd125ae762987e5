"""Take the screenshots of the documentation from the real app: python docs/screenshots.py."""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]


def settle(page: Page) -> None:
    page.locator(".f2f-headline-root[data-state=exact]").wait_for(timeout=60_000)


def shoot(page: Page) -> None:
    """One picture a tab; the decoder's is the front page."""
    settle(page)
    for tab in page.get_by_role("tab").all():
        name = tab.inner_text().lower()
        tab.click()
        if name == "trellis":
            page.get_by_role("button", name="Small code").click()
            settle(page)
        page.wait_for_timeout(30_000 if name == "ratio" else 2_500)  # its curves are measured
        page.screenshot(path=IMAGES / f"app-{name}.png")
        if name == "trellis":
            page.reload()
            settle(page)
    page.get_by_role("tab", name="Decoder").click()
    page.wait_for_timeout(1_500)
    page.get_by_role("button", name="Go to the next mismatch").click()
    page.wait_for_timeout(1_500)
    page.mouse.move(1, 1)
    page.screenshot(path=IMAGES / "analyzer.png")


def main() -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", "from f2f_viz.cli import main; main()", "app", "--no-browser"],
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
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
