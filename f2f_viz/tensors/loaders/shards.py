"""Loader for a folder of shards with an index, as Hugging Face writes them."""

import json
from pathlib import Path

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    bad_file,
    by_name,
    is_cached_blob,
    open_regular,
    reading,
)
from f2f_viz.tensors.loaders.compressed_tensors import with_weights
from f2f_viz.tensors.loaders.safetensors_files import safetensors_entries
from f2f_viz.tensors.loaders.torch_files import torch_entries
from f2f_viz.text import once, sound

__all__ = ["shard_entries"]

_SINGLE = "model.safetensors"
"""A whole model, where there is no index."""
_READERS = {".safetensors": safetensors_entries, ".bin": torch_entries}
"""How shards are read, the better kind first."""


def shard_entries(path: Path) -> list[Entry]:
    """List the tensors that an index names, in its order.

    Parameters
    ----------
    path
        The folder, or the index file in it. A folder may hold a whole model in one file instead.
    """
    if path.is_dir() and (path / _SINGLE).exists() and not any(path.glob("*.index.json")):
        return with_weights(_open_shard(path / _SINGLE, _SINGLE))
    index = _find_index(path) if path.is_dir() else path
    with reading(index):
        with open_regular(index) as file:
            content = json.load(file, object_pairs_hook=once)
        where = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(where, dict) or not all(isinstance(name, str) for name in where.values()):
            raise bad_file(index, "it has no weight_map from tensors to files")
        shards = {name: _open_shard(index, name) for name in dict.fromkeys(where.values())}
        where = {sound(tensor): name for tensor, name in where.items()}
        missing = [tensor for tensor, name in where.items() if tensor not in shards[name]]
        if missing:
            raise bad_file(index, f"tensor {missing[0]} is not in {where[missing[0]]}")
        return with_weights({tensor: shards[name][tensor] for tensor, name in where.items()})


def _find_index(folder: Path) -> Path:
    kinds = {suffix: sorted(folder.glob(f"*{suffix}.index.json")) for suffix in _READERS}
    found = next((indexes for indexes in kinds.values() if indexes), [])
    if len(found) != 1:
        raise F2FError(
            f"the folder {folder} is not one model",
            expected=f"{_SINGLE}, or one index, "
            + " or ".join(f"*{suffix}.index.json" for suffix in _READERS),
            got=f"{len(found)}",
            hint="give the path of one file",
        )
    return found[0]


def _open_shard(index: Path, name: str) -> dict[str, Entry]:
    """List a shard by tensor; it must be a file of the index's own folder, or cache."""
    folder = index.parent
    file = folder / name
    # Name and resolved place: "..", an absolute path or a symbolic link may all lead out.
    if (
        "\0" in name
        or Path(name).name != name
        or not (file.resolve().parent == folder.resolve() or is_cached_blob(folder, file))
    ):
        raise F2FError(
            f"{index} refers to a shard outside its folder: refused",
            expected=f"a file in {index.parent}",
            got=name,
            hint="copy the shards beside their index",
        )
    read = _READERS.get(file.suffix)
    if read is None or not file.is_file():
        raise F2FError(f"{index} refers to {name}, which is no file of weights beside it")
    return by_name(file, read(file))
