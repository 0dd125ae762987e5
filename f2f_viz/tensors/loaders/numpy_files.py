"""Loaders for NumPy's npy and npz (numpy.lib.format, "NEP 1"); pickles are never opened."""

import io
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.archives import Member, members_of
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    Span,
    TensorInfo,
    bad_file,
    checked_shape,
    native,
    open_regular,
    reading,
)

__all__ = ["npy_entries", "npz_entries"]

# NumPy itself refuses headers over 10,000 bytes; their declared length must not be trusted.
_HEADER_LIMIT = 1 << 14
_FIELDS = 3
"""Of a header; Python's literals would keep the last of two in silence."""
# A deflated member may grow at most so much, unless it stays under the floor: zip bombs.
_BOMB_RATIO = 100
BOMB_FLOOR = 256 << 20


@dataclass(frozen=True)
class _Header:
    info: TensorInfo
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    offset: int  # of the data

    def array(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        array = data.view(self.dtype).reshape(self.info.shape, order=self.order)
        if self.info.dtype == "bfloat16":
            array = array.view(DTYPES["bfloat16"])
        return native(array)


def npy_entries(path: Path) -> list[Entry]:
    """List the one tensor of a npy file, named after the file."""
    with reading(path), open_regular(path) as file:
        header = _header(file, path.stem, path)
        if header.dtype.hasobject:
            _refuse(path)
        fingerprint = Fingerprint.of(file)
        _check_size(path, header, fingerprint.size)
    span = Span(path, fingerprint, header.offset, header.info.nbytes)
    return [Entry(header.info, path, partial(_read_npy, span, header))]


def _read_npy(span: Span, header: _Header) -> NDArray[Any]:
    return header.array(span.read())


def npz_entries(path: Path) -> list[Entry]:
    """List the arrays of a npz archive; only those that are asked for are inflated.

    A member whose name does not end in .npy is one if it begins as npy does: so np.load reads it.
    """
    with reading(path):
        members = members_of(path)
        names = {member.name for member in members}
        entries = []
        for member in members:
            name, head = member.name.removesuffix(".npy"), member.head(_HEADER_LIMIT)
            if name != member.name and name in names:  # np.load gives one for both
                raise F2FError(
                    f"cannot read {path}: two members have the name {name}",
                    expected="each once, .npy or not",
                    got=f"{name} and {member.name}",
                )
            if name == member.name and not head.startswith(np.lib.format.MAGIC_PREFIX):
                continue
            header = _header(io.BytesIO(head), name, path)
            if header.dtype.hasobject:  # its pickle is carried as bytes and never opened
                left = member.size - header.offset
                stored = partial(_pickled, member, header.offset)
                refuse = partial(_refuse, path)
                entries.append(Entry(header.info, path, refuse, stored=stored, stored_bytes=left))
                continue
            _check_size(path, header, member.size)
            entries.append(Entry(header.info, path, partial(_inflate, member, header)))
        return entries


def _refuse(path: Path) -> NDArray[Any]:
    raise F2FError(
        f"{path} holds Python objects, which only unpickling could read: refused",
        expected="an array of numbers",
        got="an object array",
    )


def _pickled(member: Member, offset: int) -> bytes:
    return _bounded(member)[offset:].tobytes()


def _inflate(member: Member, header: _Header) -> NDArray[Any]:
    return header.array(_bounded(member)[header.offset :])


def _bounded(member: Member) -> NDArray[np.uint8]:
    packed = member.span.nbytes
    if member.size > max(BOMB_FLOOR, _BOMB_RATIO * packed):
        raise F2FError(
            f"member {member.name} of {member.span.path} inflates too far",
            expected=f"at most {_BOMB_RATIO} times its {packed} bytes",
            got=f"{member.size} bytes",
            hint="save it uncompressed, as npy",
        )
    return member.read()


def _header(file: IO[bytes], name: str, path: Path) -> _Header:
    """Parse a npy header from the beginning of a file."""
    start = io.BytesIO(file.read(_HEADER_LIMIT))
    version = np.lib.format.read_magic(start)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(start)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(start)
    else:
        raise bad_file(path, f"npy format version {version} is not 1.0 or 2.0")
    written = start.getvalue()[len(np.lib.format.MAGIC_PREFIX) + 4 : start.tell()]
    if dtype.names is None and (fields := written.count(b":")) != _FIELDS:
        raise F2FError(
            f"cannot read {path}: the header of tensor {name}",
            expected="descr, fortran_order and shape once each",
            got=f"{fields} fields",
        )
    shape = checked_shape(shape, name, path)
    # numpy writes ml_dtypes' bfloat16 as two opaque bytes, and has no other format of that name
    format_name = "bfloat16" if dtype.str[1:] == "V2" else dtype.name
    info = TensorInfo(name, shape, format_name, math.prod(shape) * dtype.itemsize)
    return _Header(info, dtype, "F" if fortran else "C", start.tell())


def _check_size(path: Path, header: _Header, size: int) -> None:
    if size - header.offset != header.info.nbytes:
        raise F2FError(
            f"{path} is not as long as its header says: "
            f"tensor {header.info.name} of shape {header.info.shape}",
            expected=f"{header.info.nbytes} bytes",
            got=f"{size - header.offset}",
        )
