"""Zip archives, as npz files and PyTorch checkpoints are (PKWARE's APPNOTE.TXT, section 4.3).

A reader of zip goes by the directory at the end: what that leaves out is lost in silence, and what
it tells wrong is read wrong. So the members must fill the file up to the directory, one behind the
other, each under a name of its own, and the header before each must tell the same.
"""

import struct
import zipfile
from pathlib import Path
from typing import IO

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import open_regular

__all__ = ["open_archive"]

_LOCAL = struct.Struct("<4s2xHH8xLLHH")
"""Of a member's header: signature, flags, method, both sizes, lengths of name and extra field."""
_SIZED_LATER = 8
"""The flag of a member whose sizes stand behind its data."""
_UNTOLD = (0, 0xFFFFFFFF)
"""Sizes that a header leaves to what stands behind, or to the extra field of a large member."""
_BEHIND = {12: "<LL", 16: "<LL", 20: "<QQ", 24: "<QQ"}
"""Sizes that stand behind a member's data, last, by the bytes of all that stands there."""
_END = struct.Struct("<4s6xH8xH")
"""Of the end of the directory: signature, how many members, length of the comment."""
_MANY = 0xFFFF
"""Members that are too many for that."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive whose directory tells all that is in the file, and tells it right.

    Raises
    ------
    F2FError, zipfile.BadZipFile
    """
    archive = zipfile.ZipFile(path)
    try:
        with open_regular(path) as file:
            _check(path, archive, file)
    except BaseException:
        archive.close()
        raise
    return archive


def _check(path: Path, archive: zipfile.ZipFile, file: IO[bytes]) -> None:
    file.seek(-_END.size - len(archive.comment), 2)
    mark, count, length = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or length != len(archive.comment):
        raise F2FError(
            f"{path} goes on after the end of its archive", expected="nothing", got="bytes"
        )
    if count not in (len(archive.infolist()), _MANY):
        raise F2FError(
            f"{path} has other members than it says",
            expected=f"{count} in its directory",
            got=len(archive.infolist()),
        )
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    begins = [*(member.header_offset for member in members), archive.start_dir]
    if begins[0]:
        raise F2FError(f"{path} has bytes before its archive", expected="none", got=begins[0])
    seen = set[str]()
    for member, end in zip(members, begins[1:], strict=True):
        if member.filename in seen:
            raise F2FError(
                f"{path} gives a member twice", expected="each name once", got=member.filename
            )
        seen.add(member.filename)
        _check_member(path, member, end, file)


def _check_member(path: Path, member: zipfile.ZipInfo, end: int, file: IO[bytes]) -> None:
    """Compare what the directory tells of a member with its header and the place it has."""
    file.seek(member.header_offset)
    _, flags, method, packed, size, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    told = member.compress_type, member.compress_size, member.file_size
    unpacked = told[1] if method == zipfile.ZIP_STORED else told[2]
    packed = told[1] if packed in _UNTOLD else packed
    size = unpacked if size in _UNTOLD else size
    rest = end - member.header_offset - _LOCAL.size - name - extra - packed
    if flags & _SIZED_LATER and rest in _BEHIND:
        behind = struct.Struct(_BEHIND[rest])
        file.seek(end - behind.size)
        packed, size = behind.unpack(file.read(behind.size))
    elif rest:
        raise F2FError(
            f"member {member.filename} of {path} does not fill its place",
            expected=f"{packed + rest} bytes",
            got=packed,
        )
    if (method, packed, size) != told:
        raise F2FError(
            f"{path} tells two things of its member {member.filename}: "
            "how it is compressed, to how many bytes, from how many",
            expected=f"{told} as in its directory",
            got=f"{(method, packed, size)}",
        )
