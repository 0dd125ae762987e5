"""What becomes of each tensor of a model: coded by settings of its own, or carried, and why."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

import numpy as np

from f2f_viz.arguments import checked, checked_fields, in_range
from f2f_viz.errors import F2FError, named
from f2f_viz.files.atomic import write_atomically
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import layer_of
from f2f_viz.tensors.loaders import Entry, TensorInfo
from f2f_viz.tensors.loaders.base import open_regular
from f2f_viz.tensors.pruning import prune_together
from f2f_viz.tensors.quantize import STORED
from f2f_viz.tensors.roles import CODED, why_carried

__all__ = ["Plan", "Rule", "is_codable", "plan_of", "read_plan"]

Rule = tuple[str, float | None]
_ROLE = "role:"
_VERSION = 1
_KEYS = ("plan", "settings", "layers", "carried")
_MOST = 1 << 26  # bytes of a file; a tensor takes some hundred


@dataclass(frozen=True)
class Plan:
    """What becomes of each tensor of a model.

    Attributes
    ----------
    settings : Settings
        Of layers for which nothing else is said.
    layers : dict of str to Settings
        Tensors that are coded, and how.
    carried : dict of str to str
        The others, and why each is carried unchanged.

    Raises
    ------
    F2FError
        For anything else, or a tensor that is both.
    """

    settings: Settings
    layers: dict[str, Settings]
    carried: dict[str, str]

    def __post_init__(self) -> None:
        checked_fields(self, Plan)
        for values, kind in ((self.layers, Settings), (self.carried, str)):
            for name, value in values.items():
                if not isinstance(name, str) or not isinstance(value, kind):
                    raise F2FError(
                        "a plan", expected=f"a name, and a {kind.__name__} for it",
                        got=f"{named(name)}: {named(value)}",
                    )  # fmt: skip
        if both := self.layers.keys() & self.carried:
            raise F2FError("a plan", expected="each tensor once", got=f"{min(both)!r} twice")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; of each layer what differs from ``settings``."""
        common = self.settings.to_dict()
        layers = {
            name: {field: value for field, value in own.to_dict().items() if value != common[field]}
            for name, own in self.layers.items()
        }
        values = (_VERSION, common, layers, self.carried)
        return dict(zip(_KEYS, values, strict=True))

    @classmethod
    def from_dict(cls, values: Any) -> "Plan":
        """Make a plan of JSON values.

        Raises
        ------
        F2FError
            For anything that `to_dict` would not give, a layer's settings included.
        """
        found = _members("a plan", values)
        if found.keys() != set(_KEYS):
            raise F2FError("a plan", expected=", ".join(_KEYS), got=", ".join(found))
        if found["plan"] != _VERSION or type(found["plan"]) is not int:
            raise F2FError("a plan's version", expected=_VERSION, got=found["plan"])
        common = _settings("settings", found["settings"], Settings())
        layers = {
            name: _settings(f"layer {name!r}", own, common)
            for name, own in _members("a plan's layers", found["layers"]).items()
        }
        return cls(common, layers, _members("what a plan carries", found["carried"]))

    def to_json(self) -> bytes:
        """Return what `save` writes."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False).encode() + b"\n"

    @checked
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON; `read_plan` reads it.

        Raises
        ------
        F2FError
            If the file cannot be written.
        """
        text = self.to_json()

        def read_back(file: IO[bytes]) -> None:
            if _parsed(file.read()) != self:
                raise F2FError(f"{os.fspath(path)} does not read back as it was written")

        write_atomically(path, text, check=read_back)

    def check_model(self, entries: Mapping[str, Entry], origin: str) -> None:
        """Check that the plan is one of these tensors.

        Raises
        ------
        F2FError
            If it says nothing of one, names another, or codes what cannot be coded.
        """
        told = self.layers.keys() | self.carried.keys()
        for name in sorted(told ^ entries.keys())[:1]:
            what = "says nothing of it" if name in entries else "names it"
            raise F2FError(
                f"the plan is not one of {origin}", expected="all of its tensors, and no others",
                got=f"{name!r}: the plan {what}",
            )  # fmt: skip
        for name in self.layers:
            if not is_codable(entries[name].info):
                raise F2FError(
                    f"the plan codes {name!r}", expected=f"one of {', '.join(sorted(CODED))}",
                    got=f"{entries[name].info.dtype} of shape {entries[name].info.shape}",
                    hint="it can be carried",
                )  # fmt: skip


def _members(what: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise F2FError(what, expected="values by name", got=named(values))
    return dict(values)


def _settings(what: str, values: Any, base: Settings) -> Settings:
    own = _members(what, values)
    try:
        return base.replace(**own)
    except F2FError as problem:
        raise F2FError(f"{what} of the plan: {problem}", field=problem.field) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise F2FError("a plan", expected="each name once", got="one twice")
    return found


def _parsed(text: bytes) -> Plan:
    return Plan.from_dict(json.loads(text, object_pairs_hook=_unique))


@checked
def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read what `Plan.save` wrote, or a person changed.

    Raises
    ------
    F2FError
        If it cannot be read, or is no plan.
    """
    try:
        with open_regular(Path(path)) as file:
            text = file.read(_MOST + 1)
        if len(text) > _MOST:
            raise F2FError("it is too long", expected=f"at most {_MOST} bytes", got="more")
        return _parsed(text)
    except F2FError as problem:
        raise F2FError(f"plan {os.fspath(path)}: {problem}", field=problem.field) from None
    except OSError as problem:
        raise F2FError(f"cannot read {os.fspath(path)}: {problem.strerror}") from None
    except (ValueError, RecursionError):
        raise F2FError(
            f"{os.fspath(path)} is no plan", expected="JSON as survey --save-plan writes it",
            got="something else",
        ) from None  # fmt: skip


def plan_of(
    entries: Mapping[str, Entry],
    settings: Settings,
    rules: Iterable[Rule] = (),
    *,
    rates: Mapping[str, float | None] | None = None,
    together: bool = False,
    origin: str = "the model",
) -> Plan:
    r"""Choose what becomes of each tensor of a model.

    Parameters
    ----------
    entries : mapping of str to Entry
        With their roles.
    settings : Settings
        Of all layers. A tensor beside its own mask is pruned by that; one that is no floats keeps
        its number format.
    rules : iterable of (str, float or None)
        As `encode_model` takes them.
    rates : mapping of str to float or None, optional
        Of single tensors, before all rules; None carries one unchanged.
    together : bool
        The rate is that of all weights as one: the largest \|w\| of all stay (`prune_together`),
        but for tensors with a mask or a rule of their own.
    origin : str
        The model, in words.

    Raises
    ------
    F2FError
        For a rule that is for no tensor, or rates together of what has no common magnitude.
    """
    rules = [_rule(rule) for rule in rules]
    infos = {name: entry.info for name, entry in entries.items()}
    reasons = {name: why for name, info in infos.items() if (why := why_carried(info))}
    usual = infos.keys() - reasons.keys()
    own_rates: dict[str, float | None] = {}
    for name, rate in (rates or {}).items():
        if name not in infos or not is_codable(infos[name]):
            raise F2FError(f"no rate for {name!r}", expected="a tensor that can be coded", got=name)
        own_rates[name] = _rule((name, rate))[1]
        reasons.setdefault(name, "so chosen")
    for pattern, rate in rules:
        for name in _ruled(pattern, infos, usual, origin):
            own_rates.setdefault(name, rate)
            reasons.setdefault(name, f"the rule {pattern}=keep")
    masked = {name for name, entry in entries.items() if entry.mask is not None} - own_rates.keys()
    if together:
        free = [name for name in infos if name in usual and name not in masked | own_rates.keys()]
        own_rates |= _rates_together(entries, free, settings)
    layers = {}
    for name, info in infos.items():
        own: dict[str, Any] = {
            "rate": own_rates.get(name, settings.rate if name in usual else None)
        }
        if own["rate"] is None:
            continue
        if name in masked:
            own = {"method": "zeros"}
        if not info.dtype.startswith(_FLOATS):
            own["number_format"] = STORED
        same = all(getattr(settings, field) == value for field, value in own.items())
        layers[name] = settings if same else settings.replace(**own)
    carried = {name: reasons[name] for name in infos if name not in layers}
    return Plan(settings, layers, carried)


_FLOATS = ("float", "bfloat")


def _rates_together(
    entries: Mapping[str, Entry], names: list[str], settings: Settings
) -> dict[str, float]:
    """Return the share that each of some layers loses when the smallest of all weights go."""
    if settings.method != "magnitude" or settings.per != "layer":
        raise F2FError(
            "one rate over all layers", expected="the method magnitude, of whole layers",
            got=f"{settings.method}, per {settings.per}", field="method",
        )  # fmt: skip
    for name in names:
        if not (dtype := entries[name].info.dtype).startswith(_FLOATS):
            raise F2FError(
                "one rate over all layers compares weights", expected="floats, of one unit",
                got=f"{dtype} in {name!r}", hint="give this one a rule",
            )  # fmt: skip
    masks = prune_together({name: layer_of(entries[name]).weights for name in names}, settings.rate)
    return {name: 1 - np.count_nonzero(mask) / mask.size for name, mask in masks.items()}


def _rule(rule: Any) -> Rule:
    """Check one rule."""
    match rule:
        case (str() as pattern, None):
            return pattern, None
        case (str() as pattern, rate):
            return pattern, in_range("rate", rate, float, 0, 1)
    raise F2FError("rules", expected="pairs of a pattern and a rate or None", got=named(rule))


def is_codable(info: TensorInfo) -> bool:
    """Tell whether a tensor can be pruned and coded, be it usually so or not."""
    return info.dtype in CODED and 0 not in info.shape


def _ruled(pattern: str, infos: dict[str, TensorInfo], usual: set[str], origin: str) -> list[str]:
    """Return the tensors that a rule is for: of those usually pruned, or else of the others."""
    role = pattern.removeprefix(_ROLE)
    found = [
        name
        for name, info in infos.items()
        if (info.role == role if role != pattern else fnmatchcase(name, pattern))
        and is_codable(info)
    ]
    if not found:
        some = [name for name in infos if name in usual or not usual][:3]
        raise F2FError(
            f"the rule {pattern!r} is for no tensor of {origin}",
            expected=f"a pattern of names such as {', '.join(some) or 'none'}",
            got=pattern,
        )
    return [name for name in found if name in usual or name == pattern] or found
