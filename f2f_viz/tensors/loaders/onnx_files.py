"""Loader for ONNX initializers and constants, in the model file or beside it as external data."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import (
    DTYPES,
    from_words,
    pack_words,
    packed_bytes,
    to_words,
    unpack_words,
    word_bits,
)
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    Span,
    TensorInfo,
    bad_file,
    checked_shape,
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
    if missing := _check_data(info, tensor, path):
        return Entry(info, path, partial(_refuse, missing))
    if not uses_external_data(tensor):
        read = partial(_read, info, tensor)
        if info.dtype in DTYPES and not _is_packed(info):
            return Entry(info, path, read)
        stored = tensor.raw_data or _packed(info, read)
        return Entry(info, path, read, stored=lambda: stored, stored_bytes=len(stored))
    try:
        span = _external(path, info, tensor)
    except F2FError as problem:  # the others can be read all the same
        return Entry(info, path, partial(_refuse, problem))
    return Entry(
        info, path, partial(_read_external, info, span), span, stored_bytes=_stored_bytes(info)
    )


def import_onnx(path: Path) -> Any:
    """Import the library, or say which extra has it."""
    try:
        import onnx
    except ImportError:
        raise F2FError(f"{path.name} needs ONNX", hint='pip install "f2f-viz[onnx]"') from None
    return onnx


def graph_tensors(graph: Any, within: str = "") -> Iterator[tuple[str, Any]]:
    """Yield names and tensors of a graph: initializers and `Constant` nodes, but no strings.

    Those of branches and loops are named after the node and its attribute: two branches may hold
    tensors of one name.
    """
    for tensor in graph.initializer:
        if tensor.data_type != tensor.STRING:
            yield within + tensor.name, tensor
    for at, node in enumerate(graph.node):
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and node.output:
            for attribute in node.attribute:
                tensor = attribute.t
                if attribute.name == "value" and tensor.data_type not in (0, tensor.STRING):
                    yield within + node.output[0], tensor
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
            for number, subgraph in enumerate(inner):
                place = f"{node.name or f'{node.op_type}_{at}'}/{attribute.name}"
                place += f"_{number}" * (len(inner) > 1)
                yield from graph_tensors(subgraph, f"{within}{place}/")


_KINDS = {
    "float": "float32", "double": "float64", "float8e4m3fn": "float8_e4m3fn",
    "float8e5m2": "float8_e5m2", "float4e2m1": "float4_e2m1fn",
}  # fmt: skip
"""Our names of ONNX's number formats, where they differ."""


def _info(name: str, tensor: Any, path: Path) -> TensorInfo:
    import onnx

    shape = checked_shape(tensor.dims, name, path)
    kind = onnx.TensorProto.DataType.Name(tensor.data_type).lower()
    dtype = _KINDS.get(kind, kind)
    size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return TensorInfo(name, shape, dtype, math.prod(shape) * size)


_FIELDS = [
    "raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data",
    "uint64_data",
]  # fmt: skip
"""Where a tensor may hold its numbers, if not outside."""
_BITS = {
    "int4": 4, "uint4": 4, "float4_e2m1fn": 4, "int2": 2, "uint2": 2, "float6e2m3": 6,
    "float6e3m2": 6,
}  # fmt: skip
"""Bits of a number in raw data, where they are no whole bytes."""


def _check_data(info: TensorInfo, tensor: Any, path: Path) -> F2FError | None:
    """Refuse numbers in two places, in those of another format, or more or fewer than the shape's.

    Readers take one place in silence, not all the same. A tensor that has none, as of a model
    without its weights, is no lie: its error is returned, for those who want to read it.
    """
    import onnx

    size, bits = math.prod(info.shape), _BITS.get(info.dtype)
    raw = -(-size * bits // 8) if bits else info.nbytes
    own = onnx.helper.tensor_dtype_to_field(tensor.data_type)
    numbers = raw if bits in (2, 4) else size * (2 if "complex" in info.dtype else 1)
    outside = tensor.data_location == tensor.EXTERNAL
    held = {field: len(getattr(tensor, field)) for field in _FIELDS}
    held = {field: count for field, count in held.items() if count}
    if not held if outside or not size else held in ({"raw_data": raw}, {own: numbers}):
        return None
    problem = F2FError(
        f"cannot read {path}: the numbers of tensor {info.name} of shape {info.shape}",
        expected="none beside those outside" if outside
        else f"{raw} bytes of raw_data or {numbers} numbers of {own}, alone",
        got=" and ".join(f"{count} of {field}" for field, count in held.items()) or "none",
    )  # fmt: skip
    if held:
        raise problem
    return problem


def _refuse(problem: F2FError) -> NDArray[Any]:
    raise problem


def _read(info: TensorInfo, tensor: Any) -> NDArray[Any]:
    from onnx.numpy_helper import to_array

    return native(to_array(tensor)).reshape(info.shape)


def _packed(info: TensorInfo, read: Callable[[], NDArray[Any]]) -> bytes:
    return (
        pack_words(to_words(read()), info.dtype).tobytes() if _is_packed(info) else read().tobytes()
    )


def _external(path: Path, info: TensorInfo, tensor: Any) -> Span:
    """Find data in a file that must lie in the model's folder or below it."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    if len(fields) < len(tensor.external_data):
        raise F2FError(
            f"tensor {info.name} of {path} does not fit its data",
            expected="location, offset and length once each",
            got=[entry.key for entry in tensor.external_data],
        )
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
    nbytes = _stored_bytes(info)
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
    if _is_packed(info):
        words = unpack_words(bytes_, info.dtype, math.prod(info.shape))
        return from_words(words, info.dtype, info.shape)
    return bytes_.view(storage_dtype(info.dtype)).reshape(info.shape)


def _is_packed(info: TensorInfo) -> bool:
    return info.dtype in DTYPES and word_bits(info.dtype) < 8


def _stored_bytes(info: TensorInfo) -> int:
    return packed_bytes(math.prod(info.shape), info.dtype) if _is_packed(info) else info.nbytes
