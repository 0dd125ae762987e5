"""Loaders for NumPy's npy and npz (numpy.lib.format, "NEP 1"); pickles are never opened."""

import io
import math
import zipfile
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.archives import open_archive
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    Span,
    TensorInfo,
    bad_file,
    changed,
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
    """List the npy members of a npz archive; only members that are asked for are inflated.

    The archive stays open for them: to open it means to read its whole directory.
    """
    with reading(path):
        open_regular(path).close()
        archive = open_archive(path)
        fingerprint = Fingerprint.of(path)
        entries = []
        for member in archive.namelist():
            if member.endswith(".npy"):
                with _open_member(archive, member, path) as file:
                    header = _header(file, member.removesuffix(".npy"), path)
                size = archive.getinfo(member).file_size
                if header.dtype.hasobject:  # its pickle is carried as bytes and never opened
                    left = size - header.offset
                    stored = partial(_data, path, archive, member, header.offset, left)
                    refuse = partial(_refuse, path)
                    entry = Entry(header.info, path, refuse, stored=stored, stored_bytes=left)
                    entries.append(entry)
                    continue
                _check_size(path, header, size)
                read = partial(_inflate, path, fingerprint, archive, member, header)
                entries.append(Entry(header.info, path, read))
        return entries


def _refuse(path: Path) -> NDArray[Any]:
    raise F2FError(
        f"{path} holds Python objects, which only unpickling could read: refused",
        expected="an array of numbers",
        got="an object array",
    )


def _inflate(
    path: Path, fingerprint: Fingerprint, archive: zipfile.ZipFile, member: str, header: _Header
) -> NDArray[Any]:
    info = header.info
    packed = min(archive.getinfo(member).compress_size, fingerprint.size)
    if info.nbytes > max(BOMB_FLOOR, _BOMB_RATIO * packed):
        raise F2FError(
            f"member {member} of {path} inflates too far",
            expected=f"at most {_BOMB_RATIO} times its {packed} bytes",
            got=f"{info.nbytes} bytes",
            hint="save it uncompressed, as npy",
        )
    data = _data(path, archive, member, header.offset, info.nbytes)
    if Fingerprint.of(path) != fingerprint:
        raise changed(path)
    return header.array(np.frombuffer(data, np.uint8))


def _data(path: Path, archive: zipfile.ZipFile, member: str, offset: int, nbytes: int) -> bytes:
    """Read a member's bytes from one on, up to its end."""
    with _open_member(archive, member, path) as file:
        file.seek(offset)
        data = file.read(nbytes + 1)  # at the member's end zipfile compares its CRC
    if len(data) != nbytes:
        raise F2FError(
            f"member {member} of {path} is not as long as its archive says",
            expected=f"{nbytes} bytes",
            got="more" if len(data) > nbytes else len(data),
        )
    return data


def _open_member(archive: zipfile.ZipFile, member: str, path: Path) -> IO[bytes]:
    about = copy(archive.getinfo(member))
    about.file_size += 1  # zipfile would cut in silence what inflates to more
    kind = about.compress_type
    if kind not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may claim GBs of tables
        raise F2FError(
            f"member {member} of {path} has an unknown compression",
            expected="stored or deflated",
            got=f"method {kind}",
        )
    return archive.open(about)


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
