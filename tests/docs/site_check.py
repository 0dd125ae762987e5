"""What `make docs` built: every page is there, and can be found. Only it runs this, when done."""

import html
import re
from pathlib import Path

import pytest

from f2f_viz.figures.catalogue import FIGURES

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def index():
    return (SITE / "index.html").read_text()


def plain(text):
    return html.unescape(re.sub("<[^>]*>", "", text)).strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_is_in_the_contents_with_its_title(index, page):
    title = page.read_text().partition("\n")[0].removeprefix("# ")
    built = (SITE / f"{page.stem}.html").read_text()
    assert plain(re.search(r"<h1>(.*?)<a class=\"headerlink\"", built)[1]) == title
    if page.stem != "index":
        entries = re.findall(r'<li class="toctree-l1[^"]*">(<a .*?</a>)', index)
        named = {re.search('href="([^"]*)"', entry)[1]: plain(entry) for entry in entries}
        assert named[f"{page.stem}.html"] == title


def test_what_is_alive_is_there(index):
    assert 'href="live/lesson.html"' in index
    assert 'src="live/lesson.html"' in (SITE / "lesson.html").read_text()
    gallery = (SITE / "gallery.html").read_text()
    for name in FIGURES:
        assert f'href="live/{name}.html"' in gallery
        assert f"figure-{name}." in gallery
    for page in ("lesson", *FIGURES):
        assert (SITE / "live" / f"{page}.html").stat().st_size > 1_000
