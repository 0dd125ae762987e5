"""Loader for ONNX initializers and constants, in the model file or beside it as external data."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    TensorInfo,
    bad_file,
    is_cached_blob,
    native,
    reading,
    storage_dtype,
)

__all__ = ["graph_tensors", "import_onnx", "onnx_entries"]


def onnx_entries(path: Path) -> list[Entry]:
    """List the initializers of a model's graph, then its `Constant` nodes by their output.

    Some exporters write weights as one, some as the other. External data are mapped.
    """
    onnx = import_onnx(path)
    with reading(path):
        model = onnx.load(path, load_external_data=False)
        return [
            Entry(info, path, partial(_read, path, info, tensor))
            for name, tensor in graph_tensors(model.graph)
            for info in [_info(name, tensor, path)]
        ]


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


def _read(path: Path, info: TensorInfo, tensor: Any) -> NDArray[Any]:
    from onnx.external_data_helper import uses_external_data
    from onnx.numpy_helper import to_array

    if uses_external_data(tensor):
        return _external(path, info, tensor)
    return native(to_array(tensor)).reshape(info.shape)


def _external(path: Path, info: TensorInfo, tensor: Any) -> NDArray[Any]:
    """Map data from a file that must lie in the model's folder or below it."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.parent.resolve()
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
    packed = info.dtype == "int4"  # two to a byte, the first in the low half
    nbytes = (info.nbytes + 1) // 2 if packed else info.nbytes
    offset, length = int(fields.get("offset", 0)), int(fields.get("length", nbytes))
    if offset < 0 or length != nbytes or offset + nbytes > file.stat().st_size:
        raise F2FError(
            f"tensor {info.name} of {path} does not fit its data in {file.name}",
            expected=f"{nbytes} bytes within {file.stat().st_size}",
            got=f"{length} from {offset}",
        )
    if not nbytes:
        return np.zeros(info.shape, storage_dtype(info.dtype))
    if packed:
        bytes_ = np.memmap(file, np.uint8, "r", offset, (nbytes,))
        halves = np.stack([bytes_ & 15, bytes_ >> 4], axis=-1).reshape(-1)[: math.prod(info.shape)]
        signed = (halves.astype(np.int8) ^ np.int8(8)) - np.int8(8)
        return signed.astype(DTYPES["int4"]).reshape(info.shape)
    return native(np.memmap(file, storage_dtype(info.dtype), "r", offset, info.shape))
