"""What every loader gives: a list of entries, each knowing its tensor and how to read it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError

__all__ = [
    "Entry",
    "TensorInfo",
    "bad_file",
    "is_cached_blob",
    "native",
    "reading",
    "storage_dtype",
]


@dataclass(frozen=True)
class TensorInfo:
    """A tensor in a file, as its header tells it; nothing of its data is read.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        A name of `f2f_viz.codec.bitplanes.DTYPES`, or another that cannot be loaded as a layer.
    nbytes : int
        Bytes of the data, unpacked.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int


@dataclass(frozen=True)
class Entry:
    """A tensor of a file and how to read it, alone, when it is asked for."""

    info: TensorInfo
    path: Path
    reader: Callable[[], NDArray[Any]]

    def read(self) -> NDArray[Any]:
        """Return the data, C-ordered and little-endian; a view of the file where it allows."""
        with reading(self.path):
            return self.reader()


def bad_file(path: Path, reason: object) -> F2FError:
    """Return the error for a file that is not what its suffix says."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return F2FError(f"cannot read {path}: {lines[0][:300]}")


def is_cached_blob(folder: Path, file: Path) -> bool:
    """Tell whether links lead from a folder of Hugging Face's cache to the same model's blobs.

    There ``MODEL/snapshots/REVISION/model.safetensors`` links to ``MODEL/blobs/HASH``.
    """
    place = file.resolve().parent
    return any(
        above.name == "snapshots" and place == above.parent / "blobs"
        for above in folder.resolve().parents
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into one `F2FError` that names it.

    A format library met with arbitrary bytes raises errors of many types, so `Exception` is what
    must be caught here; `MemoryError` is one of them, KeyboardInterrupt is not.
    """
    try:
        yield
    except F2FError:
        raise
    except Exception as error:
        raise bad_file(path, error) from error


def storage_dtype(name: str) -> np.dtype[Any]:
    """Return the dtype of a name in `TensorInfo`, which need not be a layer's: bool, int64."""
    return DTYPES[name] if name in DTYPES else np.dtype(name).newbyteorder("<")


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array C-ordered, aligned and little-endian; itself where it is so already."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.asarray(np.require(little, requirements=["C", "ALIGNED"]))
