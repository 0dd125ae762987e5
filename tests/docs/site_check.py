"""What `make docs` built: every page is there, and can be found. Only it runs this, when done."""

import html
import json
import re
from pathlib import Path

import pytest

from f2f_viz.figures.catalogue import FIGURES

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def index():
    return (SITE / "index.html").read_text()


def plain(text):
    return html.unescape(re.sub("<[^>]*>", "", text)).strip().replace("’", "'")  # as typed


def check_titled(index, name, title):
    """The page has its title, there and in the contents."""
    built = (SITE / name).read_text()
    assert plain(re.search(r"<h1>(.*?)<a class=\"headerlink\"", built)[1]) == title
    if name != "index.html":
        entries = re.findall(r'<li class="toctree-l1[^"]*">(<a .*?</a>)', index)
        named = {re.search('href="([^"]*)"', entry)[1]: plain(entry) for entry in entries}
        assert named[name] == title
    return built


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_is_in_the_contents_with_its_title(index, page):
    title = page.read_text().partition("\n")[0].removeprefix("# ")
    check_titled(index, f"{page.stem}.html", title)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_is_shown_as_it_ran(index, path):
    cells = json.loads(path.read_text())["cells"]
    title = "".join(cells[0]["source"]).partition("\n")[0].removeprefix("# ")
    built = check_titled(index, f"notebooks/{path.stem}.html", title)
    last = [cell["source"][-1] for cell in cells if cell["cell_type"] == "code"]
    figures = sum(line.startswith(("FigureWidget(", "publish(", "export(")) for line in last)
    assert built.count(" data-root-id=") >= figures
    assert "bokeh.min.js" in built
    assert (SITE / "_static" / "bokeh.min.js").is_file()
    assert ("f2f-still" in built) == ("analyzer" in last)
    assert "vnd.jupyter.widget" not in built  # it would take a kernel, and scripts of other hosts
    assert 'src="http' not in built


def test_what_is_alive_is_there(index):
    assert 'href="live/lesson.html"' in index
    assert 'src="live/lesson.html"' in (SITE / "lesson.html").read_text()
    gallery = (SITE / "gallery.html").read_text()
    for name in FIGURES:
        assert f'href="live/{name}.html"' in gallery
        assert f"figure-{name}." in gallery
    for page in ("lesson", *FIGURES):
        assert (SITE / "live" / f"{page}.html").stat().st_size > 1_000
