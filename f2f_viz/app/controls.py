"""Between the controls' values and the settings they mean."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

from f2f_viz.errors import F2FError
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer

__all__ = ["LAYER", "as_python", "as_query", "from_query", "hints", "read_settings"]

_NAMES = [field.name for field in fields(Settings)]
LAYER = ("source", "sample", "path", "tensor")
_EMPTY = {
    "rate": "0 to 1",
    "threshold": "a number from 0",
    "n_in": "1 to 8",
    "seed": "a number from 0",
}


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings that the controls hold.

    Raises
    ------
    F2FError
        Its `field` names the control at fault.
    """
    for name, expected in _EMPTY.items():
        if values.get(name) is None:
            raise F2FError(name, expected=expected, got="nothing", field=name)
    return Settings.from_dict({name: values[name] for name in _NAMES if name in values})


def hints(settings: Settings) -> dict[str, str]:
    """Return a quiet line under a control, by its name."""
    found = {}
    if settings.number_format.startswith("int"):
        found["number_format"] = "rounded after pruning; scales are kept"
    if settings.method == "zeros":
        found["method"] = "weights that are zero already are pruned, no others"
    if settings.n_s == 2 and settings.n_in == 8:
        found["n_s"] = "exact; takes longest"
    return found


def _changed(settings: Settings) -> dict[str, Any]:
    default = Settings().to_dict()
    return {k: v for k, v in settings.to_dict().items() if v != default[k]}


def as_python(layer: Layer, values: Mapping[str, Any], settings: Settings) -> str:
    """Return Python that gives the same analysis."""
    if values.get("source") == "sample":
        load = f"f2f.sample_layer({layer.name!r})"
    elif values.get("source") == "path":
        load = f"f2f.load_layer({values.get('path')!r}, {values.get('tensor')!r})"
    else:
        load = f"f2f.Layer({layer.name!r}, weights, {layer.dtype!r}, {layer.source!r})"
    arguments = ", ".join(f"{k}={v!r}" for k, v in _changed(settings).items())
    return (
        f"import f2f_viz as f2f\n\nlayer = {load}\n"
        f"analysis = f2f.analyze(layer, f2f.Settings({arguments}))\n"
    )


def as_query(values: Mapping[str, Any], settings: Settings) -> str:
    """Return the query of a link that opens the analyzer on these settings."""
    query = _changed(settings)
    source = values.get("source")
    if source == "sample":
        query["sample"] = values.get("sample")
    elif source == "path" and values.get("path"):
        query["path"] = values["path"]
        if values.get("tensor"):
            query["tensor"] = values["tensor"]
    return urlencode(query)


def from_query(query: str) -> dict[str, Any]:
    """Return the values that a link names; others in it (a token, say) are not ours.

    Numbers are numbers, all else is text; nothing is checked here.
    """
    found: dict[str, Any] = {}
    for name, text in parse_qsl(query.lstrip("?")):
        if name in LAYER[1:]:
            found[name] = text
        elif name in _NAMES:
            try:
                found[name] = json.loads(text)
            except ValueError:
                found[name] = text
    if "path" in found:
        found |= {"source": "path", "opened": 1}
    elif "sample" in found:
        found["source"] = "sample"
    return found
