"""Weights as checkpoints of compressed-tensors hold them, told by names and sizes alone.

https://github.com/vllm-project/compressed-tensors, formats ``sparse-bitmask``,
``sparse-24-bitmask`` and ``pack-quantized``; in the others weights stand as tensors of their own.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import from_words, unpack_words, word_bits
from f2f_viz.tensors.loaders.base import MOST_DIMENSIONS, Entry, TensorInfo, bad_file, is_storage

__all__ = ["with_weights"]

_SPARSE = ("compressed", "bitmask", "shape")
_OFFSETS = "row_offsets"  # where rows begin among the values: it follows from the bitmask
_PACKED, _SHAPE, _ZEROS = "_packed", "_shape", "_zero_point"
_WORD = 4
_SMALL = ("int4", "int2")
"""Numbers that never straddle a word; those of 8 bits, and of odd ones, are carried as words."""


def with_weights(entries: Mapping[str, Entry]) -> list[Entry]:
    """Put weights in the place of what they are stored as.

    - ``L.compressed`` (the values kept, row by row), ``L.bitmask`` (for each row of weights as many
      bytes as it fills, the first weight in the lowest bit) and ``L.shape`` become ``L.weight``
      with its mask.
    - ``W_packed`` (words of 32 bits, the first weight lowest, as weight + 2^(bits − 1)) beside
      ``W_shape``, without zero points, is read as int4 or int2; its bytes stay as they are.

    What does not fit together is left as it is.
    """
    weights: dict[str, Entry] = {}
    parts = set[str]()
    for name, entry in entries.items():
        if name.endswith(".bitmask"):
            layer = name.removesuffix(".bitmask")
            if weight := _sparse(entries, layer):
                weights[name] = weight
                parts |= {f"{layer}.{part}" for part in (*_SPARSE, _OFFSETS)}
        elif name.endswith(_PACKED):
            weights[name] = _packed(entries, entry, name.removesuffix(_PACKED))
    return [
        weights.get(name, entry)
        for name, entry in entries.items()
        if name in weights or name not in parts
    ]


def _sparse(entries: Mapping[str, Entry], layer: str) -> Entry | None:
    """Return a sparse weight, or None if the parts are not there or their sizes do not fit."""
    parts = [entries.get(f"{layer}.{part}") for part in _SPARSE]
    if None in parts or f"{layer}.weight" in entries:
        return None
    values, bits, told = (part for part in parts if part is not None)
    shape = _shape_of(told)
    rows = (*shape[:-1], -(-shape[-1] // 8)) if shape else ()
    if not shape or bits.info.dtype != "uint8" or bits.info.shape != rows:
        return None
    size, count = math.prod(shape), math.prod(values.info.shape)
    if count > size or not is_storage(values.info.dtype) or values.info.nbytes % max(count, 1):
        return None
    nbytes = size * (values.info.nbytes // max(count, 1))
    name = f"{layer}.weight"
    info = TensorInfo(name, shape, values.info.dtype, nbytes)
    flags = partial(_flags, bits, shape, count)
    mask = Entry(TensorInfo(f"{name} mask", shape, "bool", size), bits.path, flags)
    return Entry(info, bits.path, partial(_scattered, flags, values), mask=mask)


def _flags(bits: Entry, shape: tuple[int, ...], count: int) -> NDArray[np.bool_]:
    """Unpack a bitmask that is as long as its rows, and says how many values there are."""
    rows = bits.read()
    flags = np.unpackbits(rows, axis=-1, count=shape[-1], bitorder="little").view(np.bool_)
    if np.count_nonzero(flags) != count:
        raise bad_file(bits.source, f"{bits.info.name} keeps other than {count} weights")
    return flags


def _scattered(flags: partial[NDArray[np.bool_]], values: Entry) -> NDArray[Any]:
    kept, places = values.read().reshape(-1), flags()
    weights = np.zeros(places.shape, kept.dtype)
    weights[places] = kept
    return weights


def _packed(entries: Mapping[str, Entry], entry: Entry, weight: str) -> Entry:
    """Return packed numbers with their own shape, or the entry as it is."""
    told = entries.get(weight + _SHAPE)
    shape = _shape_of(told) if told and weight + _ZEROS not in entries else ()
    if len(shape) < 2 or entry.info.dtype != "int32" or entry.span is None:
        return entry
    fitting = [
        dtype
        for dtype in _SMALL
        if entry.info.shape == (*shape[:-1], -(-shape[-1] * word_bits(dtype) // (8 * _WORD)))
    ]
    if len(fitting) != 1:  # a row of few weights may be of either
        return entry
    info = replace(entry.info, shape=shape, dtype=fitting[0], nbytes=math.prod(shape))
    reader = partial(_unpacked, entry, info)
    return replace(entry, info=info, reader=reader, stored_bytes=entry.span.nbytes)


def _unpacked(entry: Entry, info: TensorInfo) -> NDArray[Any]:
    octets = entry.read().astype("<i4", copy=False).view(np.uint8).reshape(-1)
    words = unpack_words(octets, info.dtype, 8 * octets.size // word_bits(info.dtype))
    columns = info.shape[-1]
    rows = words.reshape(*info.shape[:-1], -1)[..., :columns]
    signed = rows ^ np.uint8(1 << word_bits(info.dtype) - 1)  # from an offset to two's complement
    return from_words(np.ascontiguousarray(signed).reshape(-1), info.dtype, info.shape)


def _shape_of(told: Entry) -> tuple[int, ...]:
    """Read a shape that is stored as a tensor; empty if it is none."""
    if told.info.dtype != "int64" or not 0 < math.prod(told.info.shape) <= MOST_DIMENSIONS:
        return ()
    shape = tuple(int(size) for size in told.read().reshape(-1))
    return shape if min(shape) > 0 else ()
