"""Bokeh documents over a widget's comm, seen from the kernel."""

import asyncio
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

import f2f_viz as f2f
from f2f_viz.app.bokeh_widget import FigureWidget
from tests.app.messages import say


@pytest.fixture
def shown(monkeypatch):
    """A figure, its source, and what its widget sends."""
    source = ColumnDataSource({"x": [1, 2], "y": [3, 4]})
    plot = figure(x_range=Range1d(0, 1), title="before")
    plot.scatter("x", "y", source=source)
    widget = FigureWidget(plot, "name")
    sent = []
    monkeypatch.setattr(widget, "send", lambda content, buffers=None: sent.append(content))
    return widget, plot, source, sent


def hear(widget, **content):
    say(widget, **{"view": "a", "ids": [], **content})


def test_changes_go_together_in_numbered_patches(shown):
    _, plot, source, sent = shown

    async def drive():
        plot.title.text = "after"
        source.data = {"x": [5], "y": [6]}
        await asyncio.sleep(0)
        plot.title.text = "later"
        await asyncio.sleep(0)

    asyncio.run(drive())
    assert [(m["kind"], m["revision"]) for m in sent] == [("patch", 1), ("patch", 2)]
    events = json.loads(sent[0]["text"])["events"]
    assert len(events) == 2
    assert "after" in sent[0]["text"]


def test_a_view_that_missed_a_patch_gets_the_whole(shown):
    widget, plot, _, sent = shown
    plot.title.text = "after"
    sent.clear()
    hear(widget, kind="open", revision=1)
    assert sent == []  # it is up to date
    hear(widget, kind="open", revision=0)
    assert [(m["kind"], m["to"], m["revision"]) for m in sent] == [("whole", "a", 1)]
    assert "after" in sent[0]["text"]


def test_the_state_holds_the_present_and_keeps_nothing(shown):
    widget, plot, _, _ = shown
    plot.title.text = "after"
    whole = widget.get_state()["whole"]
    assert whole["revision"] == 1
    parts = gzip.decompress(whole["gz"])
    assert len(parts) == sum(whole["sizes"])
    assert "after" in parts[: whole["sizes"][0]].decode()
    assert widget.whole is None


def test_what_one_view_changes_reaches_kernel_and_other_views(shown):
    widget, plot, _, sent = shown
    for view in "ab":
        hear(widget, kind="open", view=view, revision=0)
    change = {"kind": "ModelChanged", "model": {"id": plot.x_range.id}, "attr": "end", "new": 7}
    happened = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": None}
    patch = json.dumps({"events": [change]})
    hear(widget, kind="patch", text=patch)
    assert plot.x_range.end == 7
    assert [(m["kind"], m["from"], m["revision"]) for m in sent] == [("patch", "a", 1)]
    assert json.loads(sent[0]["text"])["events"] == [change]
    assert happened["kind"] not in sent[0]["text"]
    hear(widget, kind="gone", view="b")
    sent.clear()
    hear(widget, kind="patch", text=json.dumps({"events": [{**change, "new": 8}]}))
    assert plot.x_range.end == 8
    assert sent == []  # nobody else looks


def test_ranges_that_follow_the_data_are_each_views_own(shown):
    """Held by the kernel, they would not follow in the next view, or in one that asks anew."""
    widget, plot, _, sent = shown
    for view in "ab":
        hear(widget, kind="open", view=view, revision=0)
    model = {"id": plot.y_range.id}
    ends = [("start", 2.9), ("end", 4.1)]
    events = [{"kind": "ModelChanged", "model": model, "attr": n, "new": v} for n, v in ends]
    hear(widget, kind="patch", text=json.dumps({"events": events}))
    assert sent == []
    hear(widget, kind="open", revision=-1)
    ranges = [r for r in _objects(json.loads(sent[0]["text"])) if r.get("name") == "DataRange1d"]
    assert ranges
    assert not any({"start", "end"} & set(r.get("attributes", {})) for r in ranges)


def _objects(value):
    """Every dict in a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _objects(inner)


def test_a_closed_figure_hears_and_sends_no_more(shown):
    widget, plot, _, sent = shown
    widget.close()
    plot.title.text = "after"
    assert sent == []


def test_bokehjs_is_held_once():
    one, other = FigureWidget(figure()), FigureWidget(figure())
    assert one.library is other.library
    assert len(one.library.gz) < 400_000
    assert "bokeh.min" not in json.dumps(one.get_state(), default=str)


def test_traits_of_the_analyzer_are_observed_and_linked():
    import traitlets

    layer = f2f.sample_layer()
    one, other = f2f.Analyzer(layer, f2f.Settings(n_in=4)), f2f.Analyzer(layer)
    seen = []
    one.observe(
        lambda change: seen.append((change["name"], change["new"])), ["settings", "selection"]
    )
    link = traitlets.link((one, "settings"), (other, "settings"))
    assert other.settings == f2f.Settings(n_in=4)
    other.settings = f2f.Settings(rate=0.5)
    assert one.settings == f2f.Settings(rate=0.5)
    assert one.panel.values["rate"] == 0.5  # the controls follow
    one.panel.values = {**one.panel.values, "rate": 0.6}
    assert other.settings == f2f.Settings(rate=0.6)  # and lead
    one.selection = replace(one.selection, plane=3, cycle=2)
    assert seen[-1] == ("selection", one.selection)
    assert (one.selection.plane, one.selection.cycle, other.selection.plane) == (3, 2, 0)
    one.layer = layer.weights  # as people hold it
    assert np.array_equal(one.layer.weights, layer.weights)
    with pytest.raises(f2f.F2FError, match="weights cannot be taken from this object"):
        one.layer = 3
    assert np.array_equal(one.layer.weights, layer.weights)
    link.unlink()
    for analyzer in (one, other):
        analyzer.close()
