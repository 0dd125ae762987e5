"""Loader for safetensors: https://huggingface.co/docs/safetensors, "Format"."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from f2f_viz.codec.bitplanes import from_words, unpack_words
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    Span,
    TensorInfo,
    checked_shape,
    open_regular,
    reading,
    storage_dtype,
)
from f2f_viz.text import once

__all__ = ["CODES", "Header", "read_header", "safetensors_entries"]

CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}
"""safetensors' name of each number format that NumPy or ml_dtypes knows, of whole bytes."""
_NAMES = {code: name for name, code in CODES.items()} | {"F4": "float4_e2m1fn"}


class Header(NamedTuple):
    """What stands before the data of a safetensors file.

    Attributes
    ----------
    raw : bytes
        The JSON as it stands in the file.
    parsed : dict
        The same, parsed.
    start : int
        Where the data begin; the header's offsets count from there.
    fingerprint : Fingerprint
        Of the file.
    """

    raw: bytes
    parsed: dict[str, Any]
    start: int
    fingerprint: Fingerprint


def read_header(path: Path) -> Header:
    """Read and validate a header.

    Raises
    ------
    F2FError
        If the file is not an intact safetensors file.
    """
    with reading(path), open_regular(path) as file:
        # The library validates the whole header but does not tell where the data lie.
        try:
            with safe_open(path, framework="np"):
                pass
        except SafetensorError as problem:
            raise F2FError(
                f"cannot read {path}",
                expected="a header, and tensors that fill the rest one behind the other",
                got=str(problem),
            ) from None
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length)
        parsed = json.loads(raw, object_pairs_hook=once)
        return Header(raw, parsed, 8 + length, Fingerprint.of(file))


def safetensors_entries(path: Path) -> list[Entry]:
    """List the tensors of a safetensors file from its header.

    Those of a format that is not known, such as 6-bit floats, keep its safetensors name and are
    read as their bytes.
    """
    header = read_header(path)
    header.parsed.pop("__metadata__", None)
    entries = []
    for name, spec in header.parsed.items():
        begin, end = spec["data_offsets"]
        dtype = _NAMES.get(spec["dtype"], spec["dtype"])
        shape = checked_shape(spec["shape"], name, path)
        nbytes = math.prod(shape) if spec["dtype"] == "F4" else end - begin
        info = TensorInfo(name, shape, dtype, nbytes)
        span = Span(path, header.fingerprint, header.start + begin, end - begin)
        entries.append(Entry(info, path, partial(_read, info, span), span))
    return entries


def _read(info: TensorInfo, span: Span) -> NDArray[Any]:
    if info.dtype == "float4_e2m1fn":
        words = unpack_words(span.read(), info.dtype, math.prod(info.shape))
        return from_words(words, info.dtype, info.shape)
    if info.dtype not in CODES:
        return span.read()
    return span.read().view(storage_dtype(info.dtype)).reshape(info.shape)
