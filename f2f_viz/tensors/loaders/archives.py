"""Zip archives, as npz files and PyTorch checkpoints are (PKWARE's APPNOTE.TXT, section 4.3).

A reader of zip goes by the directory at the end: what that leaves out is lost in silence, and what
it tells wrong is read wrong. So the members must fill the file up to the directory, one behind the
other, each under a name of its own, and what stands before and behind each must tell the same.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import Fingerprint, Span, bad_file, open_regular

__all__ = ["Member", "members_of"]

_LOCAL = struct.Struct("<4s2xHH4xLLLHH")
"""Of a member's header: signature, flags, method, CRC, both sizes, lengths of name and extra."""
_ENCRYPTED, _SIZED_LATER, _UTF8 = 1, 8, 1 << 11
"""Flags of a member; the second says that its CRC and its sizes stand behind its data."""
_FULL_16, _FULL = 0xFFFF, 0xFFFFFFFF
"""What a field tells whose number has more bits, and stands elsewhere."""
_BEHIND = {12: "<LLL", 16: "<4sLLL", 20: "<LQQ", 24: "<4sLQQ"}
"""Signature, CRC and sizes behind a member's data, by the bytes of all that stands there."""
_END = struct.Struct("<4s4x2H2LH")
"""Of the end: signature, members here and in all, the directory's size and place, the comment's."""
_END_64 = struct.Struct("<4s20x4Q4s4xQ4x")
"""Before it where numbers are large: the same four, then where itself begins."""


@dataclass(frozen=True)
class Member:
    """A member of an archive; all that tells of it tells the same.

    Attributes
    ----------
    name : str
    span : Span
        Its bytes as they are packed.
    method : int
        How: a constant of ``zipfile``.
    size : int
        Bytes, unpacked.
    crc : int
        The CRC-32 of these.
    """

    name: str
    span: Span
    method: int
    size: int
    crc: int

    def head(self, nbytes: int) -> bytes:
        """Return its first bytes, at most so many; their CRC is not known."""
        packed = self.span.part(0, min(nbytes, self.span.nbytes)).read()
        return bytes(self._unpacked(packed, nbytes)[0])

    def read(self, *, checked: bool = True) -> NDArray[np.uint8]:
        """Return all of it; its CRC is not looked at where `checked` is False.

        Raises
        ------
        F2FError, zlib.error
        """
        data, whole = self._unpacked(self.span.read(), self.size + 1)
        here = f"member {self.name} of {self.span.path}"
        if len(data) != self.size:
            raise F2FError(
                f"{here} is not as long as its archive says",
                expected=f"{self.size} bytes",
                got="more" if len(data) > self.size else len(data),
            )
        if not whole:  # another reader would find what is hidden behind it
            raise F2FError(
                f"{here} ends elsewhere than its archive says",
                expected=f"{self.span.nbytes} compressed bytes",
                got="others",
            )
        if checked and zlib.crc32(data) != self.crc:
            raise bad_file(self.span.path, f"the CRC-32 of member {self.name} is another")
        return np.frombuffer(data, np.uint8)

    def _unpacked(self, packed: NDArray[np.uint8], most: int) -> tuple[Any, bool]:
        """Return its first bytes, and whether it ends where its packed bytes do."""
        if self.method == zipfile.ZIP_STORED:
            return packed[:most], True
        if self.method != zipfile.ZIP_DEFLATED:  # others may claim GBs of tables
            raise F2FError(
                f"member {self.name} of {self.span.path} has an unknown compression",
                expected="stored or deflated",
                got=f"method {self.method}",
            )
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflate.decompress(packed.data, most)
        return data, inflate.eof and not inflate.unused_data


def members_of(path: Path) -> list[Member]:
    """List an archive whose directory tells all that is in the file, and tells it right.

    Raises
    ------
    F2FError, zipfile.BadZipFile
    """
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        _check_end(path, archive, file)
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        begins = [*(member.header_offset for member in members), archive.start_dir]
        if begins[0]:
            raise F2FError(f"{path} has bytes before its archive", expected="none", got=begins[0])
        fingerprint, found = Fingerprint.of(file), dict[str, Member]()
        for member, end in zip(members, begins[1:], strict=True):
            name = member.filename
            if name in found:
                raise F2FError(f"{path} gives a member twice", expected="each name once", got=name)
            begin = _check_member(path, member, end, file)
            span = Span(path, fingerprint, begin, member.compress_size)
            found[name] = Member(name, span, member.compress_type, member.file_size, member.CRC)
        return [found[name] for name in archive.namelist()]


def _check_end(path: Path, archive: zipfile.ZipFile, file: IO[bytes]) -> None:
    end = file.seek(-_END.size - len(archive.comment), 2)
    mark, *told, length = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or length != len(archive.comment):
        raise F2FError(
            f"{path} goes on after the end of its archive", expected="nothing", got="bytes"
        )
    if end >= _END_64.size:
        begin = file.seek(end - _END_64.size)
        first, *large, second, place = _END_64.unpack(file.read(_END_64.size))
        if second == b"PK\x06\x07":
            if first != b"PK\x06\x06" or place != begin:
                raise F2FError(
                    f"{path} has bytes before its archive", expected="none", got=begin - place
                )
            full = _FULL_16, _FULL_16, _FULL, _FULL
            if any(a not in (b, no) for a, b, no in zip(told, large, full, strict=True)):
                raise F2FError(
                    f"{path} tells two things of its directory: its members twice, size and place",
                    expected=f"{large}, of 64 bits",
                    got=f"{told}, of 16 and 32",
                )
            told = large
    if (many := len(archive.infolist())) not in told[:2] or told[0] != told[1]:
        raise F2FError(
            f"{path} has other members than it says",
            expected=f"{told[1]} in its directory",
            got=many,
        )


def _check_member(path: Path, member: zipfile.ZipInfo, end: int, file: IO[bytes]) -> int:
    """Compare what the directory tells of a member with what stands there; say where it begins."""
    file.seek(member.header_offset)
    _, flags, method, crc, packed, size, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
    here = f"member {member.filename} of {path}"
    own = file.read(name).decode(encoding)
    if own != member.orig_filename or "\0" in own:  # which some readers take for a name's end
        raise F2FError(
            f"{path} tells two names of a member",
            expected=f"{member.filename} as in its directory",
            got=own,
        )
    if (flags | member.flag_bits) & _ENCRYPTED:
        raise F2FError(f"{here} is encrypted", hint="unpack it with its password, and pack it anew")
    told = member.compress_type, member.CRC, member.compress_size, member.file_size
    later = 0 if flags & _SIZED_LATER else None
    crc = member.CRC if crc == later else crc
    unpacked = told[2] if method == zipfile.ZIP_STORED else told[3]
    packed = told[2] if packed in (later, _FULL) else packed
    size = unpacked if size in (later, _FULL) else size
    begin = member.header_offset + _LOCAL.size + name + extra
    rest = end - begin - packed
    if rest < 0:
        raise F2FError(f"{here} lies over another", expected="one behind the other", got="both")
    if flags & _SIZED_LATER and rest in _BEHIND:
        file.seek(end - rest)
        *mark, behind, packed, size = struct.unpack(_BEHIND[rest], file.read(rest))
        crc = crc if crc != member.CRC else behind
        if mark not in ([], [b"PK\x07\x08"]):
            raise F2FError(f"{here} has bytes behind it", expected="its sizes", got="others")
    elif rest:
        raise F2FError(
            f"{here} does not fill its place", expected=f"{packed + rest} bytes", got=packed
        )
    if (method, crc, packed, size) != told:
        raise F2FError(
            f"{path} tells two things of its member {member.filename}: "
            "how it is compressed, its CRC, to how many bytes, from how many",
            expected=f"{told} as in its directory",
            got=f"{(method, crc, packed, size)}",
        )
    return begin
