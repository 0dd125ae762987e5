"""A model whose weights are brought into another number format, with their scales beside them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from f2f_viz.errors import F2FError
from f2f_viz.files.model_file import Source, with_entries
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import layer_of
from f2f_viz.tensors.loaders import Entry, TensorInfo
from f2f_viz.tensors.quantize import SCALE, STORED, in_format
from f2f_viz.tensors.roles import CODED

__all__ = ["converted"]


def converted(source: Source, plan: Mapping[str, Settings]) -> Source:
    """Return the model as it is when each planned tensor has the number format of its settings.

    Whole steps of a scale have their scales in a tensor ``NAME_scale`` behind them. A model that
    changes so is no ONNX model any more: its operations take other numbers.

    Raises
    ------
    F2FError
        If a tensor cannot be brought into the format, a whole model has no place for the format,
        or there is a tensor with the name of scales.
    """
    if all(own.number_format == STORED for own in plan.values()):
        return source
    entries: dict[str, Entry] = {}
    for name in source.slots:
        found = source.entries[name]
        if name in plan and plan[name].number_format != STORED:
            entries |= _converted(found, plan[name].number_format, source)
        else:
            entries[name] = found
    return with_entries(source, entries)


def _converted(entry: Entry, number_format: str, source: Source) -> dict[str, Entry]:
    name = entry.info.name
    small = in_format(layer_of(entry), number_format)
    dtype, weights = small.layer.dtype, small.layer.weights
    if dtype not in CODED:
        raise F2FError(
            "no such number format in whole models", expected=f"one of {', '.join(sorted(CODED))}",
            got=dtype, hint="encode one tensor", field="number_format",
        )  # fmt: skip
    info = replace(entry.info, dtype=dtype, nbytes=weights.nbytes)
    there = {name: _in_memory(entry, info)}
    if (scales := small.told_scales) is not None:
        beside = name + SCALE
        if beside in source.entries:
            raise F2FError(f"{source.origin} has a tensor {beside} already", field="number_format")
        told = TensorInfo(beside, scales.shape, "float32", scales.nbytes)
        there[beside] = replace(_in_memory(entry, told), reader=partial(np.array, scales))
    return there


def _in_memory(entry: Entry, info: TensorInfo) -> Entry:
    """Return an entry of numbers that no file holds; those of weights are encoded elsewhere."""
    return replace(entry, info=info, span=None, stored=None, stored_bytes=None, mask=None)
