"""Model files as lists of tensors: one entry per file format."""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f2f_viz.choices import Choice, Choices
from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import Entry, Fingerprint, TensorInfo, by_name
from f2f_viz.tensors.loaders.compressed_tensors import with_weights
from f2f_viz.tensors.loaders.numpy_files import npy_entries, npz_entries
from f2f_viz.tensors.loaders.onnx_files import onnx_entries
from f2f_viz.tensors.loaders.safetensors_files import read_header, safetensors_entries
from f2f_viz.tensors.loaders.shards import shard_entries
from f2f_viz.tensors.loaders.torch_files import torch_entries

__all__ = [
    "LOADERS",
    "Entry",
    "Loader",
    "TensorInfo",
    "by_name",
    "entries",
    "files_holding",
    "listed",
    "loader_of",
    "split_name",
    "suffixes",
]


@dataclass(frozen=True, kw_only=True)
class Loader(Choice):
    """A file format that tensors are read from.

    Attributes
    ----------
    suffixes : tuple of str
        How names of such files end, in lower case.
    list_entries : callable
        ``list_entries(path)`` gives the `Entry` of every tensor, from the file's headers.
    folders : bool
        It reads folders as well.
    header : callable or None
        ``header(path)`` gives the header of a file that is laid out as safetensors, raw and parsed.
    """

    suffixes: tuple[str, ...]
    list_entries: Callable[[Path], list[Entry]]
    folders: bool = False
    header: Callable[[Path], tuple[bytes, dict[str, Any]]] | None = None


LOADERS = Choices(
    "file format",
    [
        Loader(
            name="npy",
            label="NumPy array",
            help="One array, named after the file.",
            suffixes=(".npy",),
            list_entries=npy_entries,
        ),
        Loader(
            name="npz",
            label="NumPy archive",
            help="Arrays by name, compressed or not.",
            suffixes=(".npz",),
            list_entries=npz_entries,
        ),
        Loader(
            name="safetensors",
            label="safetensors",
            help="Tensors by name, also as compressed-tensors writes them.",
            suffixes=(".safetensors",),
            list_entries=lambda path: with_weights(by_name(path, safetensors_entries(path))),
            header=lambda path: read_header(path)[:2],
        ),
        Loader(
            name="torch",
            label="PyTorch checkpoint",
            help="A state dict, by torch's restricted unpickler alone.",
            cost='pip install "f2f-viz[torch]"',
            suffixes=(".pt", ".pth", ".bin", ".ckpt"),
            list_entries=torch_entries,
        ),
        Loader(
            name="onnx",
            label="ONNX model",
            help="Initializers and constants, in the model or beside it.",
            cost='pip install "f2f-viz[onnx]"',
            suffixes=(".onnx",),
            list_entries=onnx_entries,
        ),
        Loader(
            name="shards",
            label="Sharded model",
            help="Shards of safetensors or PyTorch beside their index, or the folder of one model.",
            suffixes=(".index.json",),
            list_entries=shard_entries,
            folders=True,
        ),
    ],
)
"""The file formats that can be read."""


def suffixes() -> list[str]:
    """Return how names of files that can be read end."""
    return [suffix for loader in LOADERS.values() for suffix in loader.suffixes]


def loader_of(path: Path) -> Loader:
    """Choose by the name; a folder has one of its own.

    Raises
    ------
    F2FError
        If no format has such names.
    """
    for loader in LOADERS.values():
        if loader.folders if path.is_dir() else path.name.lower().endswith(loader.suffixes):
            return loader
    raise F2FError(
        f"unknown kind of file: {path.name}",
        expected=f"a folder of shards or a name ending in {', '.join(suffixes())}",
        got=path.suffix or "no suffix",
    )


_LONGEST = 4096  # PATH_MAX


def split_name(source: Any) -> tuple[Any, str | None]:
    """Split ``FILE:NAME``, a tensor of a file, where there is such a file and none of the whole."""
    if isinstance(source, str | os.PathLike) and not _is_there(source):
        text = os.fspath(source)
        for at, letter in enumerate(text[:_LONGEST]):
            if letter == ":" and _is_there(text[:at]):
                return text[:at], text[at + 1 :]
    return source, None


def _is_there(path: Any) -> bool:
    try:
        return os.path.exists(path)
    except (OSError, ValueError):  # a name too long, or with NUL
        return False


def entries(path: Path) -> dict[str, Entry]:
    """List the tensors of a model file, or of a folder of shards, by name in the file's order.

    Raises
    ------
    F2FError
        If there is no such file, its suffix is unknown, it is damaged, or it gives a name twice.
    """
    if not _is_there(path):
        file, tensor = split_name(path)
        hint = f"the tensor of {file}: --tensor {tensor}" if tensor else ""
        raise F2FError(f"no such file: {path}", hint=hint)
    if not path.is_dir() and not path.is_file():  # a pipe or device would block or never end
        raise F2FError(f"{path} is not a regular file")
    return by_name(path, loader_of(path).list_entries(path))


def files_holding(path: Path, tensors: Iterable[Entry]) -> set[Path]:
    """Return the files that a model is read from: its own, those of its data, a folder's index."""
    tensors = list(tensors)
    spans = {entry.span.path for entry in tensors if entry.span}
    own = set(path.glob("*.index.json")) if path.is_dir() else {path}
    return own | spans | {entry.path for entry in tensors if entry.path}


@dataclass(frozen=True)
class _Listing:
    """The tensors of a file, and what tells that they are still its tensors."""

    tensors: dict[str, Entry]
    files: dict[Path, Fingerprint]

    @classmethod
    def of(cls, path: Path) -> "_Listing":
        tensors = entries(path)
        files = files_holding(path, tensors.values()) | {path}
        if path.is_dir():
            files |= set(path.iterdir())
        return cls(tensors, {file: Fingerprint.of(file) for file in files})

    @property
    def holds(self) -> bool:
        try:
            return all(Fingerprint.of(file) == known for file, known in self.files.items())
        except OSError:
            return False


_LISTINGS = 2  # a model, and the masks or scores of its tensors
_listings: dict[Path, _Listing] = {}
_listing = threading.Lock()


def listed(path: Path) -> dict[str, Entry]:
    """Return `entries` of a file that is asked for again and again: listed once, until it changes.

    The last few are kept, and with them whatever their entries hold open.
    """
    with _listing:
        known = _listings.pop(path, None)
        if known is None or not known.holds:
            known = _Listing.of(path)
        _listings[path] = known
        for other in list(_listings)[:-_LISTINGS]:
            del _listings[other]
        return known.tensors
