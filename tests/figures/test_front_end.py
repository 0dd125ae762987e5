"""A view that stands alone, in a notebook without an analyzer, has its colours and letters."""

import base64
import gzip
import re

import pytest

from f2f_viz.figures import decoder, drawing, lanes, planes, sweep, unfolding

WIDGETS = (
    decoder.DecoderWidget, drawing.DrawingWidget, lanes.LanesWidget, planes.PlanesWidget,
    sweep.SweepWidget, unfolding.UnfoldingWidget,
)  # fmt: skip


def unpacked(code):
    return gzip.decompress(base64.b64decode(re.search(r'atob\("([^"]*)"\)', code)[1])).decode()


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_variable_that_a_widget_s_page_uses_is_its_own(widget):
    sheet = str(widget._css)
    code = unpacked(str(widget._esm))
    used = set(re.findall(r"var\((--f2f-[\w-]*[a-z\d])\)", sheet + code))
    assert len(used) > 5
    given = re.findall(r"(--f2f-[\w-]+):", sheet) + re.findall(r'setProperty\("(.*?)"', code)
    assert used <= set(given)
    assert ".f2f-button {" in sheet
