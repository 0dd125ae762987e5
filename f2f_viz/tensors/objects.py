"""Objects that people hold weights in, as lists of tensors: one entry a kind of object.

No library is imported for it: who holds an object of a library has imported that.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import as_array, checked_fields
from f2f_viz.choices import Choice, Choices
from f2f_viz.codec.bitplanes import dtype_name
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders import by_name
from f2f_viz.tensors.loaders import entries as file_entries
from f2f_viz.tensors.loaders.base import (
    MOST_DIMENSIONS,
    Entry,
    TensorInfo,
    is_storage,
    leaves,
    native,
    reading,
)
from f2f_viz.tensors.loaders.torch_tensors import tensor_array, tensor_bytes, tensor_info
from f2f_viz.tensors.roles import with_company
from f2f_viz.text import sound

__all__ = ["KINDS", "UNNAMED", "Kind", "Layer", "is_path", "is_single", "object_entries", "said"]

UNNAMED = "weights"
"""The name of a tensor that has none."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One weight tensor and where it came from.

    Attributes
    ----------
    name : str
    weights : ndarray, any shape
        C order, little-endian.
    dtype : str
        A name of `f2f_viz.codec.bitplanes.DTYPES`.
    source : str
        The file, or another origin that a person understands.
    """

    name: str
    weights: NDArray[Any]
    dtype: str
    source: str

    def __post_init__(self) -> None:
        checked_fields(self, Layer)
        if dtype_name(self.weights.dtype) != self.dtype:
            raise F2FError("number format of a layer", expected=self.weights.dtype, got=self.dtype)
        for name in ("name", "source"):  # pages, figures and files can then hold them
            object.__setattr__(self, name, sound(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Kind(Choice):
    """A kind of object that weights are held in.

    Attributes
    ----------
    holds : callable
        ``holds(thing)`` tells whether an object is of the kind.
    list_entries : callable
        ``list_entries(thing, name)`` gives the `Entry` of every tensor; `name` is for what has
        none of its own.
    is_array : bool
        It holds one tensor and no names: what may stand within a mapping.
    """

    holds: Callable[[Any], bool]
    list_entries: Callable[[Any, str], list[Entry]]
    is_array: bool = False


def is_path(thing: object) -> bool:
    """Tell whether an object is the path of a file."""
    return isinstance(thing, str | os.PathLike)


def is_single(thing: Any) -> bool:
    """Tell whether an object is one model or layer, not a list of several."""
    kind = _kind(thing)
    return kind is not None and (kind.name != "list" or _is_numbers(thing))


def said(thing: object) -> str:
    """Say in words where weights come from: the path, or what holds them in memory."""
    if is_path(thing):
        return str(thing)
    if isinstance(thing, Layer):
        return thing.source
    return f"{type(thing).__module__.partition('.')[0]} {type(thing).__name__} in memory"


def _is(module: str, name: str) -> Callable[[Any], bool]:
    """Tell objects of a class of a library, which need not be there."""

    def holds(thing: Any) -> bool:
        kind = getattr(sys.modules.get(module), name, None)
        return kind is not None and isinstance(thing, kind)

    return holds


def _array(thing: Any, name: str) -> list[Entry]:
    with reading(said(thing)):
        if hasattr(thing, "__array__") or hasattr(thing, "__array_interface__"):
            array: NDArray[Any] = np.asarray(thing)
        else:
            array = np.from_dlpack(thing)
        info = TensorInfo(name, array.shape, array.dtype.name, array.nbytes)
    return [Entry(info, None, partial(native, array), origin=said(thing))]


def _tensor(thing: Any, name: str) -> list[Entry]:
    info, read = tensor_info(name, thing), partial(tensor_array, thing)
    if is_storage(info.dtype) and not thing.is_meta:
        return [Entry(info, None, read, origin=said(thing))]
    stored = tensor_bytes(thing)
    return [
        Entry(info, None, read, origin=said(thing), stored=lambda: stored, stored_bytes=len(stored))
    ]


def _sparse(thing: Any, name: str) -> list[Entry]:
    shape, dtype = tuple(thing.shape), np.dtype(thing.dtype)
    info = TensorInfo(name, shape, dtype.name, int(np.prod(shape, dtype=object)) * dtype.itemsize)
    return [Entry(info, None, lambda: native(thing.toarray()), origin=said(thing))]


def _layer(thing: Layer, name: str) -> list[Entry]:
    info = TensorInfo(thing.name, thing.weights.shape, thing.dtype, thing.weights.nbytes)
    return [Entry(info, None, partial(native, thing.weights), origin=thing.source)]


def _module(thing: Any, name: str) -> list[Entry]:
    return _mapping(thing.state_dict(), name)


def _mapping(thing: Any, name: str) -> list[Entry]:
    """List the arrays of a mapping, nested ones with dotted names; what is none is passed over."""
    found = []
    for inner, item in leaves(thing, name, lambda item: _kind(item, arrays=True) is not None):
        kind = _kind(item)
        assert kind is not None
        found += kind.list_entries(item, inner)
    return found


def _file(thing: Any, name: str) -> list[Entry]:
    return list(file_entries(Path(thing)).values())


def _list(thing: Any, name: str) -> list[Entry]:
    if _is_numbers(thing):
        return _array(as_array("weights", thing), name)
    return [
        entry for i, item in enumerate(thing) for entry in object_entries(item, str(i)).values()
    ]


def _is_numbers(thing: Any, depth: int = 0) -> bool:
    if isinstance(thing, list | tuple):
        if depth > MOST_DIMENSIONS:
            raise F2FError("lists in lists", expected=f"at most {MOST_DIMENSIONS} deep", got="more")
        return all(_is_numbers(one, depth + 1) for one in thing)
    return isinstance(thing, bool | int | float)


KINDS = Choices(
    "weights",
    [
        Kind(
            name="path",
            label="a path",
            help="A model file, or a folder of shards.",
            holds=is_path,
            list_entries=_file,
        ),
        Kind(
            name="layer",
            label="a Layer",
            help="As load_layer gives it.",
            holds=lambda thing: isinstance(thing, Layer),
            list_entries=_layer,
        ),
        Kind(
            name="tensor",
            label="a PyTorch tensor",
            help="Dense or sparse, a parameter too, of any number format and device.",
            holds=_is("torch", "Tensor"),
            list_entries=_tensor,
            is_array=True,
        ),
        Kind(
            name="module",
            label="a PyTorch module",
            help="The tensors of its state dict.",
            holds=_is("torch.nn", "Module"),
            list_entries=_module,
        ),
        Kind(
            name="sparse",
            label="a SciPy sparse array",
            help="Made dense.",
            holds=lambda thing: (
                _is("scipy.sparse", "sparray")(thing) or _is("scipy.sparse", "spmatrix")(thing)
            ),
            list_entries=_sparse,
            is_array=True,
        ),
        Kind(
            name="array",
            label="an array",
            help="NumPy's, JAX's or another with __array__ or __dlpack__.",
            holds=lambda thing: (
                not isinstance(thing, type)
                and any(
                    hasattr(thing, way)
                    for way in ("__array__", "__array_interface__", "__dlpack__")
                )
            ),
            list_entries=_array,
            is_array=True,
        ),
        Kind(
            name="mapping",
            label="a mapping of names to these, such as a state dict",
            help="Nested ones get dotted names; what holds no numbers is passed over.",
            holds=lambda thing: isinstance(thing, Mapping),
            list_entries=_mapping,
        ),
        Kind(
            name="list",
            label="a list of these",
            help="The tensors of all; numbers are one tensor.",
            holds=lambda thing: isinstance(thing, list | tuple),
            list_entries=_list,
        ),
    ],
)
"""The kinds of objects that weights are taken from, the first that fits."""


def _kind(thing: Any, arrays: bool = False) -> Kind | None:
    kinds = (kind for kind in KINDS.values() if kind.is_array or not arrays)
    return next((kind for kind in kinds if kind.holds(thing)), None)


def object_entries(thing: Any, name: str = UNNAMED) -> dict[str, Entry]:
    """List the tensors of an object by name.

    Parameters
    ----------
    thing
        Of a kind of `KINDS`.
    name : str
        Of a tensor that has none.

    Raises
    ------
    F2FError
        If it is of no such kind, or as `loaders.entries`.
    """
    kind = _kind(thing)
    if kind is None:
        raise F2FError(
            "weights cannot be taken from this object",
            expected=", ".join(kind.label for kind in KINDS.values()),
            got=f"{type(thing).__module__}.{type(thing).__qualname__}",
        )
    return with_company(by_name(said(thing), kind.list_entries(thing, name)))
