"""Loader for safetensors: https://huggingface.co/docs/safetensors, "Format"."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from f2f_viz.tensors.loaders.base import Entry, TensorInfo, native, reading, storage_dtype

__all__ = ["CODES", "read_header", "safetensors_entries"]

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
}
"""safetensors' name of each number format that NumPy knows too."""
_NAMES = {code: name for name, code in CODES.items()}


def read_header(path: Path) -> tuple[bytes, dict[str, Any], int]:
    """Read and validate a header.

    Returns
    -------
    raw : bytes
        The JSON as it stands in the file.
    header : dict
        The same, parsed.
    start : int
        Where the data begin; the header's offsets count from there.
    """
    with reading(path):
        # The library validates the whole header but does not tell where the data lie.
        with safe_open(path, framework="np"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            raw = file.read(length)
        return raw, json.loads(raw), 8 + length


def safetensors_entries(path: Path) -> list[Entry]:
    """List the tensors of a safetensors file from its header; reading maps one, with no copy.

    Those of a format that NumPy does not know, such as 8-bit floats, keep its safetensors name
    and are read as their bytes.
    """
    _, header, start = read_header(path)
    header.pop("__metadata__", None)
    entries = []
    for name, spec in header.items():
        begin, end = spec["data_offsets"]
        dtype = _NAMES.get(spec["dtype"], spec["dtype"])
        info = TensorInfo(name, tuple(spec["shape"]), dtype, end - begin)
        entries.append(Entry(info, path, partial(_read, path, info, start + begin)))
    return entries


def _read(path: Path, info: TensorInfo, offset: int) -> NDArray[Any]:
    known = info.dtype in CODES
    dtype = storage_dtype(info.dtype if known else "uint8")
    shape = info.shape if known else (info.nbytes,)
    if not math.prod(shape):
        return np.zeros(shape, dtype)
    return native(np.memmap(path, dtype, "r", offset, shape))
