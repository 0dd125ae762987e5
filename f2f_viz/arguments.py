"""Arguments are what the annotations of a public function say, or an `F2FError` says so.

Ranges, shapes and whatever depends on other arguments are checked where they are used.
"""

import inspect
import os
from collections.abc import Callable, Iterable
from functools import cache, wraps
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from f2f_viz.errors import F2FError, named

__all__ = ["as_array", "checked", "checked_fields", "in_range"]

Given = ParamSpec("Given")
Found = TypeVar("Found")
Number = TypeVar("Number", int, float)

_WORDS = {
    int: "a whole number", float: "a number", bool: "True or False", str: "a text",
    NoneType: "None", os.PathLike: "a path", np.ndarray: "an array",
}  # fmt: skip
_NUMBERS: dict[Any, tuple[type, ...]] = {
    int: (int, np.integer),
    float: (int, float, np.integer, np.floating),
}


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


class _Unfit(Exception):
    pass


Fit = Callable[[Any], Any]
"""Returns a value as its annotation has it, numbers as Python's own; or raises `_Unfit`."""


@cache
def _fit_of(hint: Any) -> Fit:
    """Return what fits values to an annotation, which is looked at once."""
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return _any_of([_fit_of(one) for one in get_args(hint)])
    if kind in _NUMBERS:
        return _number_of(kind)
    if kind is bool:
        return _truth
    if kind is np.ndarray:
        return _array_of(get_args(get_args(hint)[1])[0])
    if kind is Literal:
        known = get_args(hint)
        return _if(lambda value: isinstance(value, str | int) and value in known)
    if kind is Iterable:
        return _if(_is_iterable)
    return _if(lambda value: isinstance(value, kind)) if isinstance(kind, type) else lambda it: it


def _if(fits: Callable[[Any], bool]) -> Fit:
    def fit(value: Any) -> Any:
        if not fits(value):
            raise _Unfit
        return value

    return fit


def _any_of(fits: list[Fit]) -> Fit:
    def fit(value: Any) -> Any:
        for one in fits:
            try:
                return one(value)
            except _Unfit:
                continue
        raise _Unfit

    return fit


@cache
def _number_of(kind: Any) -> Fit:
    own = _NUMBERS[kind]

    def fit(value: Any) -> Any:
        if not isinstance(value, own) or isinstance(value, bool | np.timedelta64):
            raise _Unfit
        try:
            return kind(value)
        except OverflowError:
            raise _Unfit from None

    return fit


def _truth(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise _Unfit
    return bool(value)


def _array_of(element: Any) -> Fit:
    def fit(value: Any) -> Any:
        value = np.asarray(value) if isinstance(value, np.generic) else value
        if not isinstance(value, np.ndarray) or not (element is Any or value.dtype == element):
            raise _Unfit
        return value

    return fit


def _is_iterable(value: Any) -> bool:
    try:
        iter(value)
    except TypeError:  # NumPy's arrays of no axis have the method, too
        return False
    return True


def _said(hint: Any) -> str:
    """Say in words what an annotation takes."""
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_said, get_args(hint))))
    if kind is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if kind is np.ndarray:
        element = get_args(get_args(hint)[1])[0]
        return "an array" if element is Any else f"an array of {np.dtype(element)}"
    return _WORDS.get(kind) or f"{getattr(kind, '__name__', kind)}"


def _path(name: str, value: Any) -> None:
    """Check that a path can be handed to the system."""
    text = os.fspath(value)
    try:
        good = isinstance(text, str) and "\0" not in text and os.fsencode(text) is not None
    except UnicodeEncodeError:
        good = False
    if not good:
        raise F2FError(name, expected="a path", got=repr(text), field=name)


Take = Callable[[str, Any], Any]
"""Takes a named value; F2FError if it is not what its annotation says."""


@cache
def _take_of(hint: Any) -> Take:
    fit = _fit_of(hint)
    is_path = any(get_origin(one) is os.PathLike for one in _members(hint))

    def take(name: str, value: Any) -> Any:
        try:
            found = fit(value)
        except _Unfit:
            raise F2FError(name, expected=_said(hint), got=named(value), field=name) from None
        if is_path and isinstance(found, str | os.PathLike):
            _path(name, found)
        return found

    return take


def checked(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """Check the arguments of a function against its annotations.

    Arrays, and what is annotated ``Any``, are left to the function. Numbers of NumPy become
    Python's own.
    """
    signature = inspect.signature(function)
    order = tuple(signature.parameters)

    @cache
    def takes() -> dict[str, Take]:  # when first called: annotations may name what comes later
        return {
            name: _take_of(hint)
            for name, hint in get_type_hints(function).items()
            if name in signature.parameters
            and signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
            and not any((get_origin(one) or one) in (Any, np.ndarray) for one in _members(hint))
        }

    @wraps(function)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        known = takes()

        def taken(name: str, value: Any) -> Any:
            take = known.get(name)
            return take(name, value) if take else value

        given: Any = (*map(taken, order, args), *args[len(order) :])
        named_ones: Any = {name: taken(name, value) for name, value in kwargs.items()}
        return function(*given, **named_ones)  # it says itself what is missing or too much

    return call


@cache
def _takes(kind: type) -> dict[str, Take]:
    return {name: _take_of(hint) for name, hint in get_type_hints(kind).items()}


def checked_fields(owner: object, kind: type) -> None:
    """Check the fields of a frozen dataclass against its annotations."""
    for name, take in _takes(kind).items():
        value = getattr(owner, name)
        found = take(name, value)
        if found is not value:
            object.__setattr__(owner, name, found)


def in_range(
    name: str, value: Any, kind: type[Number], low: float, high: float, hint: str = ""
) -> Number:
    """Return a number between two others, both included, as Python's own `kind`.

    `hint` says of one that is not why it has to be.

    Raises
    ------
    F2FError
        If it is none, or NaN.
    """
    hashable: Any = kind  # mypy takes a type for none
    try:
        found: Number = _number_of(hashable)(value)
        if low <= found <= high:
            return found
    except _Unfit:
        pass
    wanted = f"≥ {low}" if high == float("inf") else f"{low} to {high}"
    raise F2FError(name, expected=wanted, got=named(value), hint=hint, field=name)


def as_array(name: str, value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return what NumPy makes of a value.

    Raises
    ------
    F2FError
        If it is none of its arrays, such as rows of several lengths.
    """
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        raise F2FError(name, expected="an array", got=named(value), field=name) from None
