"""Model files as lists of tensors: one function a format, registered by suffix."""

from collections.abc import Callable
from pathlib import Path

from f2f_viz.errors import F2FError
from f2f_viz.loaders.base import Entry, TensorInfo
from f2f_viz.loaders.numpy_files import npy_entries, npz_entries
from f2f_viz.loaders.safetensors_files import safetensors_entries

__all__ = ["LOADERS", "Entry", "TensorInfo", "entries"]

LOADERS: dict[str, Callable[[Path], list[Entry]]] = {
    ".npy": npy_entries,
    ".npz": npz_entries,
    ".safetensors": safetensors_entries,
}


def entries(path: Path) -> list[Entry]:
    """List the tensors of a model file, in the file's order.

    Raises
    ------
    F2FError
        If there is no such file, its suffix is unknown, or it is damaged.
    """
    if not path.exists():
        raise F2FError(f"no such file: {path}")
    if path.is_dir():
        raise F2FError(f"{path} is a folder", expected="a file", got="a folder")
    if not path.is_file():  # a pipe or device would block or never end
        raise F2FError(f"{path} is not a regular file")
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise F2FError(
            f"unknown kind of file: {path.name}",
            expected=f"a name ending in {', '.join(LOADERS)}",
            got=path.suffix or "no suffix",
        )
    return loader(path)
