"""Loaders for NumPy's npy and npz (numpy.lib.format, "NEP 1"); pickles are never opened."""

import math
import zipfile
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.loaders.base import Entry, TensorInfo, bad_file, native, reading

__all__ = ["npy_entries", "npz_entries"]

# A deflated member may grow at most so much, unless it stays under the floor: zip bombs.
_BOMB_RATIO = 100
_BOMB_FLOOR = 256 << 20


def npy_entries(path: Path) -> list[Entry]:
    """List the one tensor of a npy file, named after the file; reading maps it."""
    with reading(path), path.open("rb") as file:
        info, fortran, dtype = _header(file, path.stem, path)
        offset = file.tell()
    if path.stat().st_size - offset < info.nbytes:
        raise _truncated(path, info, path.stat().st_size - offset)

    def read() -> NDArray[Any]:
        if not info.nbytes:
            return np.zeros(info.shape, DTYPES[info.dtype])
        with reading(path):
            order: Any = "F" if fortran else "C"
            return np.memmap(path, dtype, "r", offset, info.shape, order)

    return [Entry(info, lambda: _finish(read(), info))]


def npz_entries(path: Path) -> list[Entry]:
    """List the npy members of a npz archive; only members that are asked for are inflated."""
    with reading(path), zipfile.ZipFile(path) as archive:
        entries = []
        for member in dict.fromkeys(archive.namelist()):
            if not member.endswith(".npy"):
                continue
            with _open_member(archive, member, path) as file:
                info, _, _ = _header(file, member.removesuffix(".npy"), path)
            entries.append(Entry(info, partial(_read_member, path, member)))
        return entries


def _read_member(path: Path, member: str) -> NDArray[Any]:
    with reading(path), zipfile.ZipFile(path) as archive:
        packed = archive.getinfo(member)
        with _open_member(archive, member, path) as file:
            info, fortran, dtype = _header(file, member.removesuffix(".npy"), path)
            if info.nbytes > max(_BOMB_FLOOR, _BOMB_RATIO * packed.compress_size):
                raise F2FError(
                    f"member {member} of {path} inflates too far",
                    expected=f"at most {_BOMB_RATIO} times its {packed.compress_size} bytes",
                    got=f"{info.nbytes} bytes",
                    hint="save it uncompressed, as npy",
                )
            if packed.file_size - file.tell() < info.nbytes:
                raise _truncated(path, info, packed.file_size - file.tell())
            data = file.read(info.nbytes)
            if len(data) < info.nbytes:
                raise _truncated(path, info, len(data))
            file.read(1)  # at the member's end zipfile compares its CRC
        order: Any = "F" if fortran else "C"
        return _finish(np.frombuffer(data, dtype).reshape(info.shape, order=order), info)


def _open_member(archive: zipfile.ZipFile, member: str, path: Path) -> IO[bytes]:
    kind = archive.getinfo(member).compress_type
    if kind not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others may claim GBs of tables
        raise F2FError(
            f"member {member} of {path} has an unknown compression",
            expected="stored or deflated",
            got=f"method {kind}",
        )
    return archive.open(member)


def _header(file: IO[bytes], name: str, path: Path) -> tuple[TensorInfo, bool, np.dtype[Any]]:
    """Parse a npy header, leaving the file at its data."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise bad_file(path, f"npy format version {version} is not 1.0 or 2.0")
    if dtype.hasobject:
        raise F2FError(
            f"{path} holds Python objects, which only unpickling could read: refused",
            expected="an array of numbers",
            got="an object array",
        )
    if any(size < 0 for size in shape):
        raise bad_file(path, f"negative size in shape {shape}")
    # numpy writes ml_dtypes' bfloat16 as two opaque bytes, and has no other format of that name
    format_name = "bfloat16" if dtype.str[1:] == "V2" else dtype.name
    info = TensorInfo(name, tuple(shape), format_name, math.prod(shape) * dtype.itemsize)
    return info, fortran, dtype


def _finish(array: NDArray[Any], info: TensorInfo) -> NDArray[Any]:
    if info.dtype == "bfloat16":
        array = array.view(DTYPES["bfloat16"])
    return native(array)


def _truncated(path: Path, info: TensorInfo, got: int) -> F2FError:
    return F2FError(
        f"{path} is truncated or its header is wrong: tensor {info.name} of shape {info.shape}",
        expected=f"{info.nbytes} bytes",
        got=f"{got}",
    )
