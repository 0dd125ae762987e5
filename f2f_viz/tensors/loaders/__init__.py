"""Model files as lists of tensors: one function a format, registered by suffix."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import Entry, TensorInfo, bad_file
from f2f_viz.tensors.loaders.numpy_files import npy_entries, npz_entries
from f2f_viz.tensors.loaders.onnx_files import onnx_entries
from f2f_viz.tensors.loaders.safetensors_files import safetensors_entries
from f2f_viz.tensors.loaders.shards import shard_entries
from f2f_viz.tensors.loaders.torch_files import torch_entries

__all__ = ["LOADERS", "Entry", "TensorInfo", "entries"]

LOADERS: dict[str, Callable[[Path], list[Entry]]] = {
    ".npy": npy_entries,
    ".npz": npz_entries,
    ".safetensors": safetensors_entries,
    ".pt": torch_entries,
    ".pth": torch_entries,
    ".onnx": onnx_entries,
    ".index.json": shard_entries,
}


def entries(path: Path) -> dict[str, Entry]:
    """List the tensors of a model file, or of a folder of shards, by name in the file's order.

    Raises
    ------
    F2FError
        If there is no such file, its suffix is unknown, it is damaged, or it gives a name twice.
    """
    if "\0" in str(path) or not path.exists():
        raise F2FError(f"no such file: {path}")
    if path.is_dir():
        return _by_name(path, shard_entries(path))
    if not path.is_file():  # a pipe or device would block or never end
        raise F2FError(f"{path} is not a regular file")
    for suffix, loader in LOADERS.items():
        if path.name.lower().endswith(suffix):
            return _by_name(path, loader(path))
    raise F2FError(
        f"unknown kind of file: {path.name}",
        expected=f"a folder of shards or a name ending in {', '.join(LOADERS)}",
        got=path.suffix or "no suffix",
    )


def _by_name(path: Path, found: list[Entry]) -> dict[str, Entry]:
    for name, count in Counter(entry.info.name for entry in found).most_common(1):
        if count > 1:
            raise bad_file(path, f"{count} tensors have the name {name}")
    return {entry.info.name: entry for entry in found}
