"""Layers: named weight tensors, loaded alone from model files of many formats."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders import Entry, TensorInfo, entries

__all__ = ["Layer", "TensorInfo", "list_tensors", "load_layer", "load_mask"]


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


def list_tensors(path: str | os.PathLike[str]) -> list[TensorInfo]:
    """List the tensors of a model file from its headers, reading none of their data.

    Parameters
    ----------
    path
        A file of a format of `f2f_viz.tensors.loaders.LOADERS`, told by its suffix.

    Returns
    -------
    list of TensorInfo
        In the file's order, with those that cannot be layers (integers of 64 bits, say).

    Raises
    ------
    F2FError
        If there is no such file, its suffix is unknown, or it is damaged.
    """
    return [entry.info for entry in entries(Path(path)).values()]


def load_layer(path: str | os.PathLike[str], tensor: str | None = None) -> Layer:
    """Load one tensor; the others are not read.

    Parameters
    ----------
    path
        A file of a format of `f2f_viz.tensors.loaders.LOADERS`, told by its suffix.
    tensor
        Its name; None takes the only tensor, else the largest 2-D one of a floating-point
        format, else the largest of any supported one.

    Raises
    ------
    F2FError
        As `list_tensors`; if there is no such tensor, or its number format is not supported.
    """
    entry = _choose(Path(path), tensor, tuple(DTYPES))
    return Layer(entry.info.name, entry.read(), entry.info.dtype, str(path))


def load_mask(path: str | os.PathLike[str], tensor: str | None = None) -> NDArray[np.bool_]:
    """Load a pruning mask: booleans, or weights of which those that are not zero are kept.

    Parameters, and errors, are those of `load_layer`.

    Returns
    -------
    ndarray of bool
        True = kept.
    """
    return _choose(Path(path), tensor, ("bool", *DTYPES)).read() != 0


def _choose(path: Path, tensor: str | None, dtypes: tuple[str, ...]) -> Entry:
    entry = _find(path, entries(path), tensor)
    if entry.info.dtype not in dtypes:
        raise F2FError(
            f"tensor {entry.info.name!r} of {path} has an unsupported number format",
            expected=f"one of {', '.join(dtypes)}",
            got=entry.info.dtype,
        )
    return entry


def _find(path: Path, found: dict[str, Entry], tensor: str | None) -> Entry:
    if not found:
        raise F2FError(f"{path} holds no tensor")
    if tensor is None:
        return max(found.values(), key=_weight_likeness)
    if tensor in found:
        return found[tensor]
    names = list(found)
    close = difflib.get_close_matches(tensor, names[:10_000], n=3, cutoff=0.4)
    close += [name for name in names if tensor and tensor in name and name not in close][:3]
    raise F2FError(
        f"no tensor {tensor!r} in {path}",
        expected=f"one of its {len(names)}, such as {', '.join(close or names[:3])}",
        got=repr(tensor),
    )


def _weight_likeness(entry: Entry) -> tuple[bool, bool, int]:
    info = entry.info
    floating = info.dtype.startswith(("float", "bfloat"))
    known = info.dtype in DTYPES
    return known, known and floating and len(info.shape) == 2, info.nbytes
