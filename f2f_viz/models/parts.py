"""Finished layers beside the output, so that an interrupted encode goes on where it stopped."""

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import Check, write_atomically
from f2f_viz.tensors.loaders.base import Fingerprint, open_regular

__all__ = ["Parts"]

_SUFFIX = ".part"
_DIGEST = 32
_OURS = re.compile(rf"[0-9a-f]{{64}}{re.escape(_SUFFIX)}")


class Parts:
    """The folder ``OUTPUT.parts``: one file per layer, named after all that it is made of.

    A part is one line of JSON about its data, then the data, then the SHA-256 of all that: one
    that was not written whole, or changed since, is no part.

    Parameters
    ----------
    output : Path
        The file that the parts will become.
    source : iterable of Fingerprint
        Of the files that they are made of; parts of others are not taken, nor those of another
        version of this package: its search and its accounts may be others.

    Raises
    ------
    F2FError
        If the output is no file, something else has the folder's name, or it is too long.
    """

    def __init__(self, output: Path, source: Iterable[Fingerprint]):
        self.output = output
        self.made_of = {
            "version": version("f2f-viz"),
            "source": [list(astuple(one)) for one in source],
        }
        self.folder = output.with_name(output.name + ".parts")
        if output.exists() and not output.is_file():
            raise F2FError(f"cannot write {output}", expected="a regular file", got="a device")
        try:
            in_the_way = self.folder.exists() and not self.folder.is_dir()
        except OSError as problem:  # a name that is too long, with what is added to it
            raise F2FError(f"cannot write {self.folder}: {problem.strerror}") from None
        if in_the_way:
            raise F2FError(f"{self.folder} is in the way", expected="no such file", got="a file")

    def _path(self, key: str) -> Path:
        return self.folder / (key + _SUFFIX)

    def write(self, key: str, data: bytes, about: dict[str, Any]) -> None:
        """Keep a finished layer.

        Parameters
        ----------
        key : str
            A digest of all that the layer is made of.
        data : bytes
        about : dict
            JSON values.
        """
        line = json.dumps(about | self.made_of | {"size": len(data)}).encode() + b"\n"
        digest = hashlib.sha256(line)
        digest.update(data)
        path = self._path(key)
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            with path.open("xb") as file:
                file.writelines([line, data, digest.digest()])
        except OSError as problem:
            raise F2FError(f"cannot write {path}: {problem.strerror}") from None

    def has(self, key: str) -> bool:
        """Tell whether an intact part of this source is there; a power cut may break one."""
        try:
            with open_regular(self._path(key)) as file:
                content = memoryview(file.read())
            whole = hashlib.sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]
            line = bytes(content[: 1 << 16]).partition(b"\n")[0]
            return whole and json.loads(line).items() >= self.made_of.items()
        except (OSError, ValueError, AttributeError):
            return False

    def about(self, key: str) -> dict[str, Any]:
        """Return what is known of a part: what `write` was told, and ``size`` in bytes."""
        with self._path(key).open("rb") as file:
            about: dict[str, Any] = json.loads(file.readline())
        return about

    def read(self, key: str) -> bytes:
        """Return a part's data."""
        with self._path(key).open("rb") as file:
            size: int = json.loads(file.readline())["size"]
            return file.read(size)

    def finish(self, pieces: Iterable[bytes], check: Check) -> None:
        """Write the output, checked, and remove the folder with all its parts."""
        write_atomically(self.output, pieces, check=check)
        with suppress(OSError):  # what is not ours stays, and the folder with it
            for file in self.folder.iterdir():
                if _OURS.fullmatch(file.name):
                    file.unlink()
            self.folder.rmdir()
