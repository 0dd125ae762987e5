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


def _fit(hint: Any, value: Any) -> Any:
    """Return a value as its annotation has it, numbers as Python's own; or raise `_Unfit`."""
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        for one in get_args(hint):
            try:
                return _fit(one, value)
            except _Unfit:
                continue
        raise _Unfit
    if kind is Literal:
        fits = isinstance(value, str | int) and value in get_args(hint)
    elif kind in _NUMBERS:
        fits = isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool | np.timedelta64)
        try:
            value = kind(value) if fits else value
        except OverflowError:
            raise _Unfit from None
    elif kind is bool:
        fits = isinstance(value, bool | np.bool_)
        value = bool(value) if fits else value
    elif kind is np.ndarray:
        element = get_args(get_args(hint)[1])[0]
        value = np.asarray(value) if isinstance(value, np.generic) else value
        fits = isinstance(value, kind) and (element is Any or value.dtype == element)
    elif kind is Iterable:
        fits = _is_iterable(value)
    else:
        fits = not isinstance(kind, type) or isinstance(value, kind)
    if not fits:
        raise _Unfit
    return value


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


def _take(name: str, hint: Any, value: Any) -> Any:
    try:
        found = _fit(hint, value)
    except _Unfit:
        raise F2FError(name, expected=_said(hint), got=named(value), field=name) from None
    if found is not None and any(get_origin(one) is os.PathLike for one in _members(hint)):
        _path(name, found)
    return found


def checked(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """Check the arguments of a function against its annotations.

    Arrays, and what is annotated ``Any``, are left to the function. Numbers of NumPy become
    Python's own.
    """
    signature = inspect.signature(function)
    order = tuple(signature.parameters)

    @cache
    def hints() -> dict[str, Any]:  # when first called: annotations may name what comes later
        return {
            name: hint
            for name, hint in get_type_hints(function).items()
            if name in signature.parameters
            and signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD
            and not any((get_origin(one) or one) in (Any, np.ndarray) for one in _members(hint))
        }

    @wraps(function)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        known = hints()

        def taken(name: str, value: Any) -> Any:
            return _take(name, known[name], value) if name in known else value

        given: Any = (*map(taken, order, args), *args[len(order) :])
        named_ones: Any = {name: taken(name, value) for name, value in kwargs.items()}
        return function(*given, **named_ones)  # it says itself what is missing or too much

    return call


_hints = cache(get_type_hints)


def checked_fields(owner: object, kind: type) -> None:
    """Check the fields of a frozen dataclass against its annotations."""
    for name, hint in _hints(kind).items():
        object.__setattr__(owner, name, _take(name, hint, getattr(owner, name)))


def in_range(name: str, value: Any, kind: type[Number], low: float, high: float) -> Number:
    """Return a number between two others, both included, as Python's own `kind`.

    Raises
    ------
    F2FError
        If it is none, or NaN.
    """
    try:
        if low <= (found := _fit(kind, value)) <= high:
            return found
    except _Unfit:
        pass
    wanted = f"≥ {low}" if high == float("inf") else f"{low} to {high}"
    raise F2FError(name, expected=wanted, got=named(value), field=name)


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
