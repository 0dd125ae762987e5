import re

from f2f_viz.app import controls, guide
from f2f_viz.settings import FIELDS


def test_every_control_has_a_section_and_every_link_an_end():
    page = guide.page()
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {*controls.LAYER_FIELDS, *FIELDS, "presets"} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert {name for name, _ in re.findall(r'href="(\w+)(://)?', page)} <= {"https"}


def test_the_page_asks_no_host():
    page = guide.page()
    assert "<script" not in page
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) >= 6
    assert {source.partition(",")[0] for source in sources} == {"data:image/svg+xml;base64"}
    assert not re.search(r"\burl\(|@import", page)
