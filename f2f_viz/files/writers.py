"""File formats that decoded weights are written as: one entry per format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.onnx_frame import frame_of, write_onnx
from f2f_viz.tensors.loaders.base import storage_dtype
from f2f_viz.tensors.objects import UNNAMED
from f2f_viz.tensors.quantize import SCALE

__all__ = ["WRITERS", "Rest", "Writer", "endings", "writer_of"]

Tensors = Iterable[tuple[str, Iterable[bytes]]]
"""Names, and data as little-endian numbers in C order, in pieces."""


@dataclass(frozen=True)
class Rest:
    """What a model is beside its tensors.

    Attributes
    ----------
    header : bytes
        Of the model as one safetensors file.
    frame : bytes or None
        The model without its tensors, of a format that has more than these.
    source : str
        What it is of, for errors.
    """

    header: bytes
    frame: bytes | None
    source: str


@dataclass(frozen=True, kw_only=True)
class Writer(Choice):
    """A file format that is written.

    Attributes
    ----------
    suffixes : tuple of str
        How names of such files end, in lower case.
    layer : callable or None
        ``layer(name, weights, scales)`` gives the file of one decoded layer; scales may be None.
    model : callable or None
        ``model(rest, tensors, path)`` writes a whole model.
    frame : callable or None
        ``frame(path)`` gives the `Rest.frame` of a model of this format.
    """

    suffixes: tuple[str, ...]
    layer: Callable[[str, NDArray[Any], NDArray[Any] | None], bytes] | None = None
    model: Callable[[Rest, Tensors, Path], None] | None = None
    frame: Callable[[Path], bytes | None] | None = None


_WIDER = {
    "int4": "int8", "int2": "int8", "uint4": "uint8", "uint2": "uint8",
    "float4_e2m1fn": "float8_e4m3fn",
}  # fmt: skip
"""Number formats that hold all values of one smaller than a byte, for files without it."""


def _in_bytes(weights: NDArray[Any]) -> NDArray[Any]:
    wider = _WIDER.get(weights.dtype.name)
    return weights if wider is None else weights.astype(storage_dtype(wider))


def _npy(name: str, weights: NDArray[Any], scales: NDArray[Any] | None) -> bytes:
    if scales is not None:
        raise F2FError(".npy has no place for the scales", hint="write .safetensors")
    weights = _in_bytes(weights)
    if weights.dtype.kind == "V":
        raise F2FError(f".npy does not know {weights.dtype}", hint="write .safetensors")
    buffer = BytesIO()
    np.save(buffer, weights, allow_pickle=False)
    return buffer.getvalue()


def _safetensors(name: str, weights: NDArray[Any], scales: NDArray[Any] | None) -> bytes:
    name = name or UNNAMED
    if name == "__metadata__":
        raise F2FError(f"no tensor of .safetensors is called {name}", hint="write .npy")
    tensors = {name: _in_bytes(weights)}
    if scales is not None:
        tensors[name + SCALE] = scales
    data: bytes = safetensors.numpy.save(tensors)
    return data


def _safetensors_model(rest: Rest, tensors: Tensors, path: Path) -> None:
    head = [len(rest.header).to_bytes(8, "little"), rest.header]
    write_atomically(path, chain(head, chain.from_iterable(pieces for _, pieces in tensors)))


def _onnx_model(rest: Rest, tensors: Tensors, path: Path) -> None:
    if rest.frame is None:
        known = "a name ending .safetensors"
        raise F2FError(f"{rest.source} holds no ONNX model", expected=known, got=path)
    whole = ((name, b"".join(pieces)) for name, pieces in tensors)
    write_onnx(rest.frame, whole, path, rest.source)


WRITERS = Choices(
    "output format",
    [
        Writer(
            name="npy",
            label="NumPy array",
            help="The weights of one layer, without scales; int4 and smaller as int8.",
            suffixes=(".npy",),
            layer=_npy,
        ),
        Writer(
            name="safetensors",
            label="safetensors",
            help="One layer under its name, scales as NAME_scale; or a whole model.",
            suffixes=(".safetensors",),
            layer=_safetensors,
            model=_safetensors_model,
        ),
        Writer(
            name="onnx",
            label="ONNX model",
            help="A whole model that came as one.",
            cost='pip install "f2f-viz[onnx]"',
            suffixes=(".onnx",),
            model=_onnx_model,
            frame=frame_of,
        ),
    ],
)
"""The file formats that decoded weights can be written as."""

What = Literal["layer", "model"]


def endings(what: What) -> str:
    """Say in words how names of files that hold a layer, or a model, end."""
    return " or ".join(
        suffix
        for writer in WRITERS.values()
        if getattr(writer, what) is not None
        for suffix in writer.suffixes
    )


def writer_of(path: Path, what: What) -> Writer:
    """Choose by the name.

    Raises
    ------
    F2FError
        If no format for that has such names.
    """
    for writer in WRITERS.values():
        if getattr(writer, what) is not None and path.name.lower().endswith(writer.suffixes):
            return writer
    raise F2FError(f"output of a {what}", expected=f"a name ending {endings(what)}", got=path)
