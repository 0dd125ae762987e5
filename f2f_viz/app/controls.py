"""Between the controls' values and the settings they mean."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from f2f_viz.choices import Choice
from f2f_viz.codec.code import PRESETS
from f2f_viz.codec.trellis import max_n_in
from f2f_viz.errors import F2FError
from f2f_viz.settings import FIELDS, Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.loaders import LOADERS
from f2f_viz.tensors.pruning import METHODS
from f2f_viz.tensors.quantize import NUMBER_FORMATS

__all__ = [
    "LAYER_FIELDS",
    "as_python",
    "choices",
    "help_texts",
    "hints",
    "presets",
    "read_settings",
    "shown_options",
    "stages",
]

_NAMES = Settings.names()
LAYER_FIELDS = {
    "source": ("Layer from", "A shipped sample, a file on this machine, or one that is uploaded."),
    "sample": ("Sample layer", "Layers of a small Transformer, dense and pruned in several ways."),
    "path": ("Path", "A file on this machine, which is read where it lies."),
    "upload": (
        "Upload",
        "A file that the browser sends, up to 200 MB, and that ends with the page.",
    ),
    "tensor": ("Tensor", "Which tensor of the file."),
}
"""Label and help of the controls that are no settings."""
_STAGES = (
    ("0", "Combinational: every block for itself."),
    ("1", "One old symbol helps."),
    ("2", "Two old symbols help; the search takes longest."),
    ("3", "Three old symbols help a small code."),
)


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings that the controls hold.

    Raises
    ------
    F2FError
        Its `field` names the control at fault.
    """
    for name, field in FIELDS.items():
        if field.kind in (int, float) and name != "n_out" and values.get(name) is None:
            raise F2FError(name, expected="a number", got="nothing", field=name)
    return Settings.from_dict({name: values[name] for name in _NAMES if name in values})


def choices() -> dict[str, list[list[str]]]:
    """Return [name, label, help] of all that there is to choose from, by control."""
    tables = {name: field.choices for name, field in FIELDS.items() if field.choices is not None}
    return {
        name: [[entry.name, entry.label, _told(entry)] for entry in table.values()]
        for name, table in {**tables, "path": LOADERS}.items()
    }


def help_texts() -> dict[str, str]:
    """Return the help of every control, by name."""
    return {name: text for name, (_, text) in LAYER_FIELDS.items()} | {
        name: field.help for name, field in FIELDS.items()
    }


def stages() -> list[dict[str, Any]]:
    """Return the register lengths that are offered, with the largest n_in of each."""
    return [
        {"n_s": n_s, "label": label, "help": f"{text} n_in up to {most}.", "most": most}
        for n_s, (label, text) in enumerate(_STAGES)
        for most in [max_n_in(n_s)]
    ]


def _told(entry: Choice) -> str:
    return f"{entry.help} Cost: {entry.cost}." if entry.cost else entry.help


def shown_options() -> dict[str, list[str]]:
    """Return the controls that each pruning method needs beside its own."""
    return {
        name: [*method.options, *["rate"] * method.rated, *["seed"] * method.seeded]
        for name, method in METHODS.items()
    }


def presets() -> list[dict[str, Any]]:
    """Return name, label, help and the controls' values of every preset."""
    free = ("n_in", "n_s", "matrix_seed", *(f.name for f in fields(Settings)))
    return [
        {
            "name": preset.name,
            "label": preset.label,
            "help": _told(preset),
            "values": {
                k: v for k, v in Settings(code=preset.code).to_dict().items() if k not in free
            },
        }
        for preset in PRESETS.values()
    ]


def hints(settings: Settings) -> dict[str, str]:
    """Return a quiet line under a control, by its name."""
    found = {}
    number_format = NUMBER_FORMATS.pick(settings.number_format)
    if number_format.rounds:
        found["number_format"] = number_format.help
    method = METHODS.pick(settings.method)
    if not method.rated:
        found["method"] = method.help
    if settings.code.n_s == 2 and settings.code.n_in == 8:
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
