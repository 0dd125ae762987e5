"""Loader for ONNX initializers and constants, in the model file or beside it as external data."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    Span,
    TensorInfo,
    bad_file,
    is_cached_blob,
    native,
    open_regular,
    reading,
    storage_dtype,
)

__all__ = ["graph_tensors", "import_onnx", "onnx_entries"]


def onnx_entries(path: Path) -> list[Entry]:
    """List the initializers of a model's graph, then its `Constant` nodes by their output.

    Some exporters write weights as one, some as the other.
    """
    onnx = import_onnx(path)
    with reading(path):
        with open_regular(path) as file:
            model = onnx.load_from_string(file.read())
        roles = _roles(model.graph)
        return [_entry(path, name, tensor, roles) for name, tensor in graph_tensors(model.graph)]


_INPUTS = {
    "DequantizeLinear": ("", "scale", "zero point"),
    "QuantizeLinear": ("", "scale", "zero point"),
    "QLinearConv": ("", "scale", "zero point", "", "scale", "zero point", "scale", "zero point",
                    "bias"),
    "QLinearMatMul": ("", "scale", "zero point", "", "scale", "zero point", "scale", "zero point"),
    "MatMulInteger": ("", "", "zero point", "zero point"),
    "ConvInteger": ("", "", "zero point", "zero point"),
    "MatMulNBits": ("", "packed", "scale", "zero point"),
    "Conv": ("", "", "bias"),
    "ConvTranspose": ("", "", "bias"),
    "Gemm": ("", "", "bias"),
    "BatchNormalization": ("", "norm", "norm", "norm", "norm"),
    "LayerNormalization": ("", "norm", "norm"),
    "InstanceNormalization": ("", "norm", "norm"),
    "GroupNormalization": ("", "norm", "norm"),
    "Gather": ("embedding",),
    "Where": ("mask",),
}  # fmt: skip
"""What the inputs of ONNX operations are for; "" where the tensor itself tells."""


def _roles(graph: Any) -> dict[str, str]:
    """Return the roles that a graph gives its tensors."""
    return {
        name: role
        for node in graph.node
        for name, role in zip(node.input, _INPUTS.get(node.op_type, ()), strict=False)
        if role
    }


def _entry(path: Path, name: str, tensor: Any, roles: dict[str, str]) -> Entry:
    from onnx.external_data_helper import uses_external_data

    info = replace(_info(name, tensor, path), role=roles.get(name, ""))
    if not uses_external_data(tensor):
        return Entry(info, path, partial(_read, info, tensor))
    try:
        span = _external(path, info, tensor)
    except F2FError as problem:  # the others can be read all the same
        return Entry(info, path, partial(_refuse, problem))
    return Entry(info, path, partial(_read_external, info, span), span)


def import_onnx(path: Path) -> Any:
    """Import the library, or say which extra has it."""
    try:
        import onnx
    except ImportError:
        raise F2FError(f"{path.name} needs ONNX", hint='pip install "f2f-viz[onnx]"') from None
    return onnx


def graph_tensors(graph: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and tensors of a graph: initializers and `Constant` nodes, but no strings."""
    for tensor in graph.initializer:
        if tensor.data_type != tensor.STRING:
            yield tensor.name, tensor
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and node.output:
            for attribute in node.attribute:
                tensor = attribute.t
                if attribute.name == "value" and tensor.data_type not in (0, tensor.STRING):
                    yield node.output[0], tensor


def _info(name: str, tensor: Any, path: Path) -> TensorInfo:
    import onnx

    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise bad_file(path, f"negative size in shape {shape} of tensor {name}")
    kind = onnx.TensorProto.DataType.Name(tensor.data_type).lower()
    dtype = {"float": "float32", "double": "float64"}.get(kind, kind)
    size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return TensorInfo(name, shape, dtype, math.prod(shape) * size)


def _refuse(problem: F2FError) -> NDArray[Any]:
    raise problem


def _read(info: TensorInfo, tensor: Any) -> NDArray[Any]:
    from onnx.numpy_helper import to_array

    return native(to_array(tensor)).reshape(info.shape)


def _external(path: Path, info: TensorInfo, tensor: Any) -> Span:
    """Find data in a file that must lie in the model's folder or below it."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.parent.resolve()
    if "\0" in fields.get("location", ""):
        raise bad_file(path, f"NUL in the location of tensor {info.name}")
    named = folder / fields.get("location", "")
    file = named.resolve()
    if folder not in file.parents and not is_cached_blob(folder, named):
        raise F2FError(
            f"tensor {info.name} of {path} has its data outside the model's folder: refused",
            expected=f"a file in {folder}",
            got=fields.get("location", ""),
        )
    if not file.is_file():
        raise F2FError(f"tensor {info.name} of {path} has its data in {file}, which is no file")
    nbytes = (info.nbytes + 1) // 2 if info.dtype == "int4" else info.nbytes
    offset = _number(fields.get("offset", "0"), info, path)
    length = _number(fields.get("length", str(nbytes)), info, path)
    fingerprint = Fingerprint.of(file)
    if length != nbytes or offset + nbytes > fingerprint.size:
        raise F2FError(
            f"tensor {info.name} of {path} does not fit its data in {file.name}",
            expected=f"{nbytes} bytes within {fingerprint.size}",
            got=f"{length} from {offset}",
        )
    return Span(file, fingerprint, offset, nbytes)


def _number(text: str, info: TensorInfo, path: Path) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise bad_file(path, f"tensor {info.name} does not fit its data at {text[:20]!r}")
    return int(text)


def _read_external(info: TensorInfo, span: Span) -> NDArray[Any]:
    bytes_ = span.read()
    if info.dtype == "int4":  # two to a byte, the first in the low half
        halves = np.stack([bytes_ & 15, bytes_ >> 4], axis=-1).reshape(-1)[: math.prod(info.shape)]
        signed = (halves.astype(np.int8) ^ np.int8(8)) - np.int8(8)
        return signed.astype(DTYPES["int4"]).reshape(info.shape)
    return bytes_.view(storage_dtype(info.dtype)).reshape(info.shape)
