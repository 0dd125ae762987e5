"""The Chromium that draws figures as images."""

import shutil
from typing import TYPE_CHECKING

from f2f_viz.errors import F2FError

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["chromium_driver"]

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--force-color-profile=srgb",
)  # fmt: skip


def chromium_driver() -> "WebDriver":
    """Start the Chromium that draws images; the caller quits it.

    Raises
    ------
    F2FError
        If selenium, Chromium or its driver is not installed: HTML, CSV and JSON need none of them.
    """
    hint = (
        "pip install 'f2f-viz[export]' and, on Debian or Ubuntu, apt install chromium "
        "chromium-driver; HTML, CSV and JSON need neither"
    )
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        raise F2FError("no Chromium with chromedriver to draw images with", hint=hint)
    try:
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    except ImportError as error:
        raise F2FError("images need selenium", hint=hint) from error
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in _FLAGS:
        options.add_argument(flag)
    try:
        return Chrome(options=options, service=ChromeService(chromedriver))
    except WebDriverException as error:
        raise F2FError(f"Chromium does not start: {error.msg}", hint=hint) from error
