"""Layers: named weight tensors, taken alone from model files and from objects in memory."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders import Entry, TensorInfo, files_holding, listed, split_name
from f2f_viz.tensors.objects import Layer, is_single, object_entries, said
from f2f_viz.tensors.roles import ROLES

__all__ = [
    "Layer", "TensorInfo", "array_of", "each_of", "files_of", "layer_of", "list_tensors",
    "load_layer", "load_mask", "mask_of", "scores_of", "split_name",
]  # fmt: skip

_FLAGS = ("bool", *DTYPES, *(f"{sign}int{bits}" for bits in (16, 32, 64) for sign in ("", "u")))
"""Number formats that a mask may be in."""


def list_tensors(source: Any) -> list[TensorInfo]:
    """List the tensors of a model; of files the headers are read and none of the data.

    Parameters
    ----------
    source
        A path (`f2f_viz.tensors.loaders.LOADERS` lists the formats), or an object of another kind
        of `f2f_viz.tensors.objects.KINDS`: an array or tensor, a module, a state dict, a `Layer`, a
        list of these.

    Returns
    -------
    list of TensorInfo
        In the model's order, with those that cannot be layers (integers of 64 bits, say).

    Raises
    ------
    F2FError
        If it is no such object, if there is no such file, its suffix is unknown, or it is damaged.
    """
    return [entry.info for entry in object_entries(source).values()]


@checked
def load_layer(source: Any, tensor: str | None = None) -> Layer:
    """Load one tensor; the others are not read.

    Parameters
    ----------
    source
        As in `list_tensors`. A `Layer` is given back as it is.
    tensor
        Its name, which may also stand behind the path, ``FILE:NAME``; None takes the only tensor,
        else the largest 2-D one of a floating-point format that is no mask or the like, else the
        largest of any supported one.

    Raises
    ------
    F2FError
        As `list_tensors`; if there is no such tensor, or its number format is not supported.
    """
    if isinstance(source, Layer) and tensor in (None, source.name):
        return source
    return layer_of(_choose(source, tensor, tuple(DTYPES)))


def layer_of(entry: Entry) -> Layer:
    """Read a listed tensor; where it has a mask, what the mask prunes is 0."""
    weights = entry.read()
    if entry.mask is not None:
        weights = np.where(entry.mask.read() != 0, weights, np.zeros((), weights.dtype))
    return Layer(entry.info.name, weights, entry.info.dtype, entry.source)


def files_of(*paths: str) -> set[Path]:
    """Return the files that tensors of these are read from; each may be ``FILE:NAME``."""
    files = [Path(split_name(path)[0]) for path in paths]
    return {held for file in files for held in files_holding(file, listed(file).values())}


def each_of(source: Any) -> list[Any]:
    """Return several objects, or one, as a list; each is one that `load_layer` takes."""
    one = not isinstance(source, Iterable) or isinstance(source, Mapping) or is_single(source)
    return [source] if one else list(source)


def load_mask(source: Any, tensor: str | None = None) -> NDArray[np.bool_]:
    """Load a pruning mask: booleans, or weights of which those that are not zero are kept.

    Parameters, and errors, are those of `load_layer`.

    Returns
    -------
    ndarray of bool
        True = kept.
    """
    return _choose(source, tensor, _FLAGS).read() != 0


def array_of(weights: Any) -> NDArray[Any]:
    """Return the numbers of a layer, given as any object that `load_layer` takes."""
    return weights if isinstance(weights, np.ndarray) else load_layer(weights).weights


def mask_of(path: str, layer: str) -> NDArray[np.bool_]:
    """Load the mask of a layer: of its name if the file has one, else as `load_mask`.

    The list of a file's tensors is kept: for many layers it is read once.
    """
    return _of_layer(path, layer, _FLAGS).read() != 0


def scores_of(path: str, layer: str) -> NDArray[Any]:
    """Load a number for each weight of a layer, as `mask_of` does."""
    return _of_layer(path, layer, tuple(DTYPES)).read()


def _of_layer(path: str, layer: str, dtypes: tuple[str, ...]) -> Entry:
    file, tensor = split_name(path)
    found = listed(Path(file))
    return _codable(_find(file, found, tensor or (layer if layer in found else None)), dtypes)


def _choose(source: Any, tensor: str | None, dtypes: tuple[str, ...]) -> Entry:
    if tensor is None:
        source, tensor = split_name(source)
    return _codable(_find(source, object_entries(source), tensor), dtypes)


def _codable(entry: Entry, dtypes: tuple[str, ...]) -> Entry:
    if entry.info.dtype not in dtypes:
        raise F2FError(
            f"tensor {entry.info.name!r} of {entry.source} has an unsupported number format",
            expected=f"one of {', '.join(dtypes)}",
            got=entry.info.dtype,
        )
    return entry


def _find(source: Any, found: dict[str, Entry], tensor: str | None) -> Entry:
    if not found:
        raise F2FError(f"{said(source)} holds no tensor")
    if tensor is None:
        return max(found.values(), key=_weight_likeness)
    if tensor in found:
        return found[tensor]
    names = list(found)
    close = difflib.get_close_matches(tensor, names[:10_000], n=3, cutoff=0.4)
    close += [name for name in names if tensor and tensor in name and name not in close][:3]
    raise F2FError(
        f"no tensor {tensor!r} in {said(source)}",
        expected=f"one of its {len(names)}, such as {', '.join(close or names[:3])}",
        got=repr(tensor),
    )


def _weight_likeness(entry: Entry) -> tuple[bool, bool, bool, int]:
    info = entry.info
    floating = info.dtype.startswith(("float", "bfloat"))
    known = info.dtype in DTYPES
    matrix = floating and len(info.shape) == 2
    pruned = not info.role or ROLES[info.role].pruned
    return known, pruned and matrix, known and matrix, info.nbytes
