"""What every front end takes: widgets that may be made at any time, events one by one."""

import base64
import re
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import f2f_viz as f2f
from f2f_viz.figures.front_end import Widget

PACKAGE = Path(f2f.__file__).parent
WIDGETS = {
    path: re.findall(r"^class (\w+)\((?:anywidget\.AnyWidget|Widget)\)", path.read_text(), re.M)
    for folder in ("app", "figures")
    for path in sorted((PACKAGE / folder).glob("*.py"))
}


@pytest.mark.parametrize("path", [p for p, names in WIDGETS.items() if names], ids=lambda p: p.stem)
def test_a_widget_is_ours(path):
    module = import_module(f"f2f_viz.{path.parent.name}.{path.stem}")
    for name in WIDGETS[path]:
        assert issubclass(getattr(module, name), Widget)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/static/*.js")), ids=lambda p: p.name)
def test_events_are_watched_one_by_one(path):
    """AFM has no events whose names stand in one text; marimo hears none of them."""
    named = re.findall(r"model\.(?:on|off)\(\s*([^,]*),", path.read_text())
    if path.name == "dom.js":
        assert named == ["event", "event"]
        return
    assert [name for name in named if not re.fullmatch(r'"(msg:custom|change:\w+)"', name)] == []


def test_code_is_a_url_where_marimo_runs(monkeypatch):
    widget = Widget()
    assert widget._esm == Widget._esm
    for running in (False, True):
        monkeypatch.setitem(
            sys.modules, "marimo", SimpleNamespace(running_in_notebook=lambda here=running: here)
        )
        code = Widget()._esm
        head, _, text = code.partition(",")
        assert (head == "data:text/javascript;base64") is running
        assert (base64.b64decode(text).decode() if running else code) == Widget._esm
