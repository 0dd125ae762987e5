"""The Chromium that draws figures as images."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from f2f_viz.errors import F2FError

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["browser", "chromium_driver", "why_no_images"]

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--force-color-profile=srgb",
)  # fmt: skip


_HINT = (
    "pip install 'f2f-viz[export]' and, on Debian or Ubuntu, apt install chromium "
    "chromium-driver; HTML, CSV and JSON need neither"
)


def why_no_images() -> str:
    """Say what is missing to draw images; empty if nothing is."""
    missing = [name for name in ("selenium", "pypdf", "PIL") if find_spec(name) is None]
    if missing:
        return f"images need {missing[0]} ({_HINT})"
    if _chromium() is None or shutil.which("chromedriver") is None:
        return f"no Chromium with chromedriver to draw images with ({_HINT})"
    return ""


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, _CHROMIUM)), None)


@contextmanager
def browser(driver: "WebDriver | None" = None) -> "Iterator[WebDriver]":
    """Lend the browser given, or start one and end it."""
    own = chromium_driver() if driver is None else driver
    try:
        yield own
    finally:
        if driver is None:
            own.quit()


def chromium_driver() -> "WebDriver":
    """Start the Chromium that draws images; the caller quits it.

    Raises
    ------
    F2FError
        If selenium, Chromium or its driver is not installed: HTML, CSV and JSON need none of them.
    """
    if reason := why_no_images():
        raise F2FError(reason)
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = _chromium() or ""
    for flag in _FLAGS:
        options.add_argument(flag)
    try:
        return Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))
    except WebDriverException as error:
        raise F2FError(f"Chromium does not start: {error.msg}", hint=_HINT) from error
