"""What an analyzer shows, as plain values by name, and as the query of an address.

A query holds what differs from the state the analyzer started in, so it says no more than was
chosen; what it does not name is as at the start.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from f2f_viz.app.sources import own_method
from f2f_viz.app.view_settings import ALLOWED, ViewSettings, is_count
from f2f_viz.errors import F2FError
from f2f_viz.settings import FIELDS, Settings

__all__ = ["LAYER", "SELECTION", "VIEW", "foreign", "query_of", "read_query", "state_of", "whole"]

LAYER = ("source", "sample", "path", "tensor")
SELECTION = ("plane", "cycle", "bit")
VIEW = tuple(ALLOWED)
_NUMBERS = (*SELECTION, "step")
_SOURCES = ("sample", "path", "upload", "given")
_TEXTS = (*LAYER, "tab", "trellis")
State = dict[str, Any]


def state_of(
    values: Mapping[str, Any], settings: Settings, tab: str, places: Mapping[str, Any], step: int
) -> State:
    """Return the state: the layer's controls, the settings, the view, its places, the tour.

    `places` are where the views point (`SELECTION`) and how they are set (`VIEW`).
    """
    layer = {name: values[name] for name in LAYER}
    return layer | settings.to_dict() | {"tab": tab} | dict(places) | {"step": step}


def whole(named: Mapping[str, Any], start: Mapping[str, Any]) -> State:
    """Complete a state by what it started as.

    Raises
    ------
    F2FError
        For a name that no state has, a source of layers that there is none of, or a place in the
        views or the tour that cannot be.
    """
    if unknown := sorted(set(named) - set(start)):
        raise F2FError("a state", expected=f"some of {', '.join(start)}", got=", ".join(unknown))
    for source in ("path", "sample"):
        if source in named and "source" not in named:
            named = {**named, "source": source}
    state = {**_base(named, start), **named}
    if state["source"] not in _SOURCES:
        raise F2FError(
            "source", expected=f"one of {', '.join(_SOURCES)}", got=repr(state["source"])
        )
    for name in _NUMBERS:
        if not is_count(state[name]):
            raise F2FError(name, expected="a whole number from 0", got=repr(state[name]))
    ViewSettings(**{name: state[name] for name in VIEW})
    return state


def _base(named: Mapping[str, Any], start: Mapping[str, Any]) -> State:
    """Return the start, with the pruning that another sample begins with."""
    sample = named.get("sample", start["sample"])
    if named.get("source", start["source"]) != "sample" or sample == start["sample"]:
        return dict(start)
    return {**start, "method": own_method(sample, start["method"])}


def query_of(state: Mapping[str, Any], start: Mapping[str, Any]) -> str:
    """Return the query that leads from a start to a state."""
    base = _base(state, start)
    chosen = {name: value for name, value in state.items() if value != base[name]}
    source = state["source"]
    for name in LAYER:
        chosen.pop(name, None)
    layer: State = {}
    if source == "path" and state["path"]:
        layer = {name: state[name] for name in ("path", "tensor") if state[name]}
    elif source == "sample" and (source, state["sample"]) != (start["source"], start["sample"]):
        layer = {"sample": state["sample"]}
    elif source != start["source"] or source == "upload":
        layer = {"source": source}
    return urlencode({name: _text(value) for name, value in (layer | chosen).items()})


def _text(value: Any) -> str:
    if isinstance(value, list):  # row weights, of which one may be None
        return ",".join("" if part is None else str(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value)


def read_query(query: str, names: Mapping[str, Any]) -> State:
    """Return the part of a state that a query names; others in it (a token, say) are not ours.

    Nothing is checked here.
    """
    found: State = {}
    for name, text in parse_qsl(query.lstrip("?")):
        if name in _TEXTS:
            found[name] = text
        elif name in FIELDS and FIELDS[name].kind is str:
            found[name] = None if text == "null" else text
        elif name in names:
            try:
                found[name] = json.loads(text)
            except (ValueError, RecursionError):
                found[name] = text
    # an address may be anybody's: what cannot be is left out, and settings say so themselves
    bad = {name for name in _NUMBERS if not is_count(found.get(name, 0))}
    bad |= {name for name in VIEW if name in found and not ALLOWED[name][1](found[name])}
    bad |= {"source"} if found.get("source") not in _SOURCES else set()
    return {name: value for name, value in found.items() if name not in bad}


def foreign(query: str, names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what in a query is not ours."""
    return [(name, value) for name, value in parse_qsl(query.lstrip("?")) if name not in names]
