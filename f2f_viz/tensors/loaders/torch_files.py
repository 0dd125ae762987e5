"""Loader for PyTorch checkpoints, by torch's restricted unpickler alone (``weights_only``)."""

import os
import sys
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.archives import open_archive
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    TensorInfo,
    bad_file,
    changed,
    is_storage,
    leaves,
    open_regular,
    reading,
)
from f2f_viz.tensors.loaders.torch_pickles import storages_of
from f2f_viz.tensors.loaders.torch_tensors import tensor_array, tensor_bytes, tensor_info

__all__ = ["torch_entries"]

_PIPE = 1 << 16  # what Linux's pipes hold


def torch_entries(path: Path) -> list[Entry]:
    """List the tensors of a checkpoint, nested ones with dotted names.

    torch maps the file; see `_copied`.
    """
    try:
        import torch
    except ImportError:
        raise F2FError(
            f"reading {path.name} needs PyTorch", hint='pip install "f2f-viz[torch]"'
        ) from None
    with reading(path):
        open_regular(path).close()
        fingerprint = Fingerprint.of(path)
        old = _is_legacy(path)
        (_check_legacy if old else _check_archive)(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=not old)
        return [
            _entry(path, fingerprint, name, tensor)
            for name, tensor in leaves(content, path.stem, torch.is_tensor)
        ]


def _entry(path: Path, fingerprint: Fingerprint, name: str, tensor: Any) -> Entry:
    info = _info(name, tensor)
    read = partial(_read, path, fingerprint, name, tensor)
    if is_storage(info.dtype):
        return Entry(info, path, read)
    stored = tensor_bytes(tensor)  # few tensors are so
    return Entry(info, path, read, stored=lambda: stored, stored_bytes=len(stored))


_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""What torch wrote first before version 1.6: a pickled number, then pickles and bare storages."""


_COUNT = 8
"""Bytes of the number before each of these storages."""


def _is_legacy(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(len(_LEGACY)) == _LEGACY


def _check_legacy(path: Path) -> None:
    """Refuse storages that are not there: torch would leave their memory as it finds it."""
    with open_regular(path) as file:
        *_, (_, asked), (keys, _) = [storages_of(file) for _ in range(5)]
        left = Fingerprint.of(file).size - file.tell()
    sizes = {one.key: one.nbytes for one in asked}
    if not sizes.keys() <= {*map(str, keys)}:
        raise bad_file(path, "it lacks a storage")
    needed = sum(_COUNT + sizes.get(str(key), 0) for key in keys)
    if left != needed:
        raise F2FError(
            f"cannot read {path}: its storages are not as long as its pickle says",
            expected=f"{needed} bytes to the end of the file",
            got=left,
        )


def _check_archive(path: Path) -> None:
    """Refuse what torch.save does not write, before torch maps and trusts it."""
    if not zipfile.is_zipfile(path):
        raise F2FError(
            f"{path} is not a PyTorch checkpoint",
            hint="load it with torch and save it again",
        )
    with open_archive(path) as archive:
        # torch looks for names in upper or lower case
        members = {member.filename.lower(): member for member in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise F2FError(
                f"{path} gives a member twice",
                expected="each name once, be it in upper or lower case",
                got=f"{len(members)} names of {len(archive.infolist())} members",
            )
        for member in members.values():
            if member.compress_type != zipfile.ZIP_STORED:
                raise bad_file(path, f"member {member.filename} is compressed")
            with archive.open(member):  # checks that the member's own header has its name
                pass
        pickles = [name for name in members if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise F2FError(f"cannot read {path}", expected="one data.pkl", got=f"{len(pickles)}")
        folder = pickles[0].removesuffix(".pkl")
        with archive.open(members[pickles[0]]) as file:
            for key, nbytes in storages_of(file)[1]:  # or it would read others' bytes
                stored = members.get(f"{folder}/{key.lower()}")
                if nbytes != (stored.file_size if stored else 0):
                    raise F2FError(
                        f"cannot read {path}: its storage {key} is not as long as its pickle says",
                        expected=f"{nbytes} bytes",
                        got=stored.file_size if stored else "none",
                    )


def _info(name: str, tensor: Any) -> TensorInfo:
    import torch

    info = tensor_info(name, tensor)
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        kind = f"{tensor.layout} {info.dtype} on {tensor.device}".removeprefix("torch.")
        info = replace(info, dtype=kind)
    return info


def _read(path: Path, fingerprint: Fingerprint, name: str, tensor: Any) -> NDArray[Any]:
    # A stride of 0 lets a file of a few bytes claim any size.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise bad_file(path, f"tensor {name} of shape {tuple(tensor.shape)} is not all stored")
    array = tensor_array(_copied(path, tensor.detach()))
    if Fingerprint.of(path) != fingerprint:
        raise changed(path)
    return array


def _copied(path: Path, tensor: Any) -> Any:
    """Copy what a tensor needs of a mapped file.

    The bytes go through a pipe: where another program has cut the file short, the system call
    fails, and no signal (SIGBUS) kills the process. Windows lets nobody cut a mapped file short.
    """
    import torch

    size = tensor.element_size()
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    count = (last + 1) * size if tensor.numel() else 0
    stored = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
    start = tensor.storage_offset() * size
    mapped = stored[start : start + count].numpy().data
    kept = torch.empty(count, dtype=torch.uint8)
    copy = kept.numpy().data
    if sys.platform == "win32":
        copy[:] = mapped
    else:
        source, sink = os.pipe()
        try:
            at = 0
            while at < count:
                written = os.write(sink, mapped[at : at + _PIPE])
                while written:
                    moved = os.readv(source, [copy[at : at + written]])
                    at, written = at + moved, written - moved
        except OSError:
            raise changed(path) from None
        finally:
            os.close(source)
            os.close(sink)
    own = kept.view(tensor.dtype).as_strided(tensor.shape, tensor.stride(), 0)
    own = torch._neg_view(own) if tensor.is_neg() else own
    return own.conj() if tensor.is_conj() else own
