"""A view that stands alone, in a notebook without an analyzer, has its colours and letters."""

import re

import pytest

from f2f_viz.figures import decoder, drawing, lanes, planes, sweep, unfolding

WIDGETS = (
    decoder.DecoderWidget, drawing.DrawingWidget, lanes.LanesWidget, planes.PlanesWidget,
    sweep.SweepWidget, unfolding.UnfoldingWidget,
)  # fmt: skip


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_every_variable_that_a_widget_s_page_uses_is_its_own(widget):
    sheet = str(widget._css)
    used = set(re.findall(r"var\((--f2f-[\w-]*[a-z\d])\)", sheet + str(widget._esm)))
    assert len(used) > 5
    assert used <= set(re.findall(r"(--f2f-[\w-]+):", sheet))
    assert ".f2f-button {" in sheet
