"""A tour through the analyzer: steps with a text, settings, a task, and a check that it is done.

A tour is a TOML file; the shipped one is ``texts/tour.toml``, and ``docs/tour.md`` says how to
write another. Nothing in it is run: a check compares one watched value (`WATCHED`).
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.numbers import CARDS
from f2f_viz.app.selection import Selection
from f2f_viz.app.view_settings import ALLOWED, ViewSettings
from f2f_viz.app.words import TEXTS, view_names
from f2f_viz.codec.code import PRESETS
from f2f_viz.codec.trace import trace
from f2f_viz.errors import F2FError
from f2f_viz.samples import sample_names
from f2f_viz.settings import FIELDS, Settings
from f2f_viz.tensors.loaders.base import open_regular

__all__ = ["LIT", "WATCHED", "Check", "Scene", "Step", "Tour", "read_tour"]

_LARGEST = 1 << 16
"""Bytes of a file that can be a tour; the shipped one has a tenth of that."""


@dataclass(frozen=True)
class Scene:
    """What the page shows: an exact analysis, where the views point, the tab, how it is set."""

    analysis: Analysis
    selection: Selection
    tab: str
    view: ViewSettings = field(default_factory=ViewSettings)


def _weight(scene: Scene) -> int:
    at = scene.selection
    return int(scene.analysis.layout.weights(np.array([at.cycle]))[0, at.bit])


def _mismatch(scene: Scene) -> bool:
    at, encoded = scene.selection, scene.analysis.encoded
    assert encoded is not None
    return bool(trace(encoded, at.plane, at.cycle, at.cycle + 1).mismatch[0, at.bit])


Value = bool | int | float | str | None
WATCHED: dict[str, Callable[[Scene], Value]] = {
    "tab": lambda s: s.tab,
    "plane": lambda s: s.selection.plane,
    "cycle": lambda s: s.selection.cycle,
    "bit": lambda s: s.selection.bit,
    "weight": _weight,
    "mismatch": _mismatch,
    "n_u": lambda s: int(s.analysis.n_u[s.selection.cycle]),
    "mismatches": lambda s: sum(plane.mismatches for plane in s.analysis.planes),
    "sparsity": lambda s: s.analysis.sparsity,
    "ratio": lambda s: s.analysis.ratio.value,
    "file_ratio": lambda s: s.analysis.file_ratio,
    "efficiency": lambda s: s.analysis.efficiency.value,
    "of_bound": lambda s: s.analysis.of_bound.value,
    "layer": lambda s: s.analysis.given.name,
    "preset": lambda s: s.analysis.settings.code.preset,
}
WATCHED |= {name: lambda s, name=name: getattr(s.view, name) for name in ALLOWED}  # type: ignore[misc]
WATCHED |= {
    name: lambda s, name=name: s.analysis.settings.to_dict()[name]  # type: ignore[misc]
    for name in Settings.names()
}
"""What a check may watch: where the views point, how they are set, numbers, settings; by name."""
LIT = {
    "mask": ".f2f-figure-mask",
    "histogram": ".f2f-figure-histogram",
    "bits": ".f2f-figure-bits",
    "ratio": ".f2f-figure-ratio",
    "planes": ".f2f-planes",
    "decoder": ".f2f-stage",
    "equation": ".f2f-equation",
    "registers": ".f2f-registers",
    "trellis": ".f2f-trellis",
    "lanes": ".f2f-schedules",
    "compare": ".f2f-figure-compare",
    "trail": ".f2f-trail",
}
"""Parts that a step may light, as CSS selectors; beside them ``card KEY`` and ``control NAME``."""
_SELECTORS = {
    "": "",
    **LIT,
    **{f"card {key}": f".f2f-card-{key}" for key in CARDS},
    **{
        f"control {name}": f".f2f-field-{name}"
        for name in (*Settings.names(), "source", "sample", "settings")
    },
}


def selector(lit: str) -> str:
    """Return the CSS selector of a part to light; empty for none."""
    return _SELECTORS[lit]


@dataclass(frozen=True)
class Check:
    """A comparison of a watched value; all that are given must hold.

    Attributes
    ----------
    watch : str
        A name of `WATCHED`.
    equals : str, number or bool, optional
        ``is`` in the file.
    at_least, at_most : float, optional
    times_at_least, times_at_most : float, optional
        Of what the value was when the step began.
    changed : bool
        Other than when the step began.
    """

    watch: str
    equals: Value = None
    at_least: float | None = None
    at_most: float | None = None
    times_at_least: float | None = None
    times_at_most: float | None = None
    changed: bool = False

    def value(self, scene: Scene) -> Value:
        """Return what is watched."""
        return WATCHED[self.watch](scene)

    def holds(self, now: Scene, began: Scene) -> bool:
        """Tell whether what the page shows is what the step asks for."""
        value, before = self.value(now), self.value(began)
        return (
            (self.equals is None or value == self.equals)
            and (not self.changed or value != before)
            and _between(value, self.at_least, self.at_most)
            and _between(value, self.times_at_least, self.times_at_most, before)
        )


def _between(value: Any, low: float | None, high: float | None, unit: Any = 1) -> bool:
    if low is None and high is None:
        return True
    if not isinstance(value, int | float) or not isinstance(unit, int | float):
        return False
    return (low is None or value >= low * unit) and (high is None or value <= high * unit)


@dataclass(frozen=True)
class Step:
    """One stop of a tour.

    Attributes
    ----------
    title, text, task : str
        Its name, what is to be understood, one thing to try.
    tab : str
        The view that is shown.
    state : dict
        Layer and settings, as `Analyzer.state` has them.
    check : Check
    lit : str
        What is lit: a name of `LIT`, ``card KEY`` or ``control NAME``; nothing if empty.
    at : Selection
        Plane, cycle and bit at which the views point.
    view : ViewSettings
        How the views are set.
    do : dict
        What of `Analyzer.state` does the task, for a page that shows no controls; may be empty.
    """

    title: str
    text: str
    task: str
    tab: str
    state: dict[str, Any]
    check: Check
    lit: str
    at: Selection
    view: ViewSettings
    do: dict[str, Any]


@dataclass(frozen=True)
class Tour:
    """A title and steps in order."""

    title: str
    steps: tuple[Step, ...]


def read_tour(path: Any = None) -> Tour:
    """Read a tour.

    Parameters
    ----------
    path : path, optional
        The shipped one if not given.

    Raises
    ------
    F2FError
        If there is no such file, or what it says cannot be: which step and what is wrong.
    """
    path = TEXTS / "tour.toml" if path is None else Path(path)
    try:
        with open_regular(path) as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise F2FError(f"tour {path}", expected=f"at most {_LARGEST} bytes", got="more")
        told = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise F2FError(f"tour {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, F2FError):
            raise
        raise F2FError(f"tour {path} is no TOML: {error}") from None
    try:
        return _tour(told)
    except F2FError as error:
        raise F2FError(f"tour {path}: {error}") from None


def _tour(told: dict[str, Any]) -> Tour:
    top = _only(told, {"title": str, "sample": str, "preset": str, "settings": dict, "step": list})
    if top.get("sample") not in sample_names():
        raise F2FError("sample", expected="a name of a sample layer", got=top.get("sample"))
    preset = PRESETS.pick(top.get("preset", "default"))
    base = Settings(code=preset.code).to_dict() | top.get("settings", {})
    layer = {"source": "sample", "sample": top["sample"]}
    steps = []
    for number, step in enumerate(_of(top.get("step"), list, "step"), 1):
        try:
            steps.append(_step(_of(step, dict, "a step"), layer, base))
        except F2FError as error:
            raise F2FError(f"step {number}: {error}") from None
    if not steps:
        raise F2FError("steps", expected="one or more", got="none")
    return Tour(_of(top.get("title"), str, "title"), tuple(steps))


_TEXTS = ("title", "text", "task", "tab")


def _step(told: dict[str, Any], layer: dict[str, Any], base: dict[str, Any]) -> Step:
    kinds = dict.fromkeys((*_TEXTS, "lit", "sample"), str)
    step = _only(told, {**kinds, "settings": dict, "at": dict, "check": dict, "do": dict})
    texts = {name: _of(step.get(name), str, name) for name in _TEXTS}
    if texts["tab"] not in view_names():
        raise F2FError("tab", expected=f"one of {', '.join(view_names())}", got=texts["tab"])
    if (sample := step.get("sample", layer["sample"])) not in sample_names():
        raise F2FError("sample", expected="a name of a sample layer", got=sample)
    settings = _settings(base | step.get("settings", {}))
    at = _places(step.get("at", {}), "at")
    view = ViewSettings(**{name: at.pop(name) for name in ALLOWED if name in at})
    state = {**layer, "sample": sample, **settings.to_dict()}
    check = _check(_of(step.get("check"), dict, "check"))
    return Step(
        **texts,
        state=state,
        check=check,
        lit=_lit(step.get("lit", "")),
        at=Selection(**at),
        view=view,
        do=_done(step.get("do", {}), settings),
    )


def _settings(values: dict[str, Any]) -> Settings:
    """Return settings, none of which is a file's."""
    settings = Settings.from_dict(values)
    found = settings.to_dict()
    if named := [name for name, field in FIELDS.items() if field.read and found[name] is not None]:
        raise F2FError("settings", expected="none that names a file", got=", ".join(named))
    return settings


def _places(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Check where views point and how they are set."""
    places = (*fields(Selection), *fields(ViewSettings))
    at = _only(told, {f.name: str if f.name == "trellis" else int for f in places})
    if any(place < 0 for place in at.values() if isinstance(place, int)):
        raise F2FError(name, expected="whole numbers from 0", got=at)
    return at


def _done(told: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what does a step's task: places, settings, the code of a preset."""
    chosen = {name: value for name, value in told.items() if name in Settings.names()}
    rest = {name: value for name, value in told.items() if name not in chosen}
    preset = rest.pop("preset", None)
    done = _places(rest, "do")
    ViewSettings(**{name: done[name] for name in ALLOWED if name in done})
    if preset is not None:
        settings = replace(settings, code=PRESETS.pick(preset).code)
    if preset is not None or chosen:
        done |= _settings(settings.to_dict() | chosen).to_dict()
    return done


def _lit(lit: str) -> str:
    if lit not in _SELECTORS:
        known = f"one of {', '.join(LIT)}, card KEY or control NAME"
        raise F2FError("lit", expected=known, got=repr(lit))
    return lit


def _check(told: dict[str, Any]) -> Check:
    kinds: dict[str, Any] = {f.name: float for f in fields(Check)} | {"watch": str, "changed": bool}
    del kinds["equals"]
    found = _only(told, {**kinds, "is": (str, bool, int, float)})
    if found.get("watch") not in WATCHED:
        names = f"watch, one of {', '.join(WATCHED)}"
        raise F2FError("check", expected=names, got=repr(found.get("watch")))
    if len(found) < 2:
        raise F2FError("check", expected="a comparison, such as is or at_least", got="none")
    return Check(**{{"is": "equals"}.get(name, name): value for name, value in found.items()})


def _only(told: Mapping[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Check that a table has known names only, with values of their kinds."""
    if unknown := sorted(set(told) - set(kinds)):
        raise F2FError("names", expected=f"some of {', '.join(kinds)}", got=", ".join(unknown))
    return {name: _of(value, kinds[name], name) for name, value in told.items()}


def _of(value: Any, kind: Any, name: str) -> Any:
    if kind is float and type(value) is int and abs(value) < 1 << 1023:  # larger ones are none
        value = float(value)
    fits = isinstance(value, kind) and (kind is not int or not isinstance(value, bool))
    if not fits:
        words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false",
                 list: "one or more", dict: "a table"}  # fmt: skip
        raise F2FError(name, expected=words.get(kind, "a text, a number or true or false"),
                       got="nothing" if value is None else value)  # fmt: skip
    return value
