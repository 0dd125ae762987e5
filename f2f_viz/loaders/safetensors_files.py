"""Loader for safetensors: https://huggingface.co/docs/safetensors, "Format"."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from f2f_viz.loaders.base import Entry, TensorInfo, native, reading, storage_dtype

__all__ = ["safetensors_entries"]

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
}


def safetensors_entries(path: Path) -> list[Entry]:
    """List the tensors of a safetensors file from its header; reading maps one, with no copy."""
    with reading(path):
        # The library validates the whole header but does not tell where the data lie.
        with safe_open(path, framework="np"):
            pass
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        entries = []
        for name, spec in header.items():
            begin, end = spec["data_offsets"]
            dtype = _NAMES.get(spec["dtype"], spec["dtype"].lower())
            info = TensorInfo(name, tuple(spec["shape"]), dtype, end - begin)
            entries.append(Entry(info, path, partial(_read, path, info, 8 + length + begin)))
        return entries


def _read(path: Path, info: TensorInfo, offset: int) -> NDArray[Any]:
    if not math.prod(info.shape):
        return np.zeros(info.shape, storage_dtype(info.dtype))
    return native(np.memmap(path, storage_dtype(info.dtype), "r", offset, info.shape))
