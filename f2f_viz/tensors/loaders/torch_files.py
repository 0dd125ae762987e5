"""Loader for PyTorch checkpoints, by torch's restricted unpickler alone (``weights_only``)."""

import io
import os
import pickle
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.archives import members_of
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

_STATE_DICT = "a state dict, such as torch.save(model.state_dict(), path) writes"
_PIPE = 1 << 16  # what Linux's pipes hold


def torch_entries(path: Path) -> list[Entry]:
    """List the tensors of a checkpoint, nested ones with dotted names.

    torch maps the file; see `_pieces`.
    """
    try:
        import torch
    except ImportError:
        raise F2FError(
            f"reading {path.name} needs PyTorch", hint='pip install "f2f-viz[torch]"'
        ) from None
    with reading(path):
        with open_regular(path) as file:
            fingerprint = Fingerprint.of(file)
        old = _is_legacy(path)
        sums = None
        if old:
            _check_legacy(path)
        else:
            sums = _check_archive(path)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=not old)
        except pickle.UnpicklingError as problem:
            found = re.search(r"GLOBAL ([\w.]+)", str(problem))
            raise F2FError(
                f"{path} holds more than tensors, which only unpickling could read: refused",
                expected=_STATE_DICT,
                got=found[1] if found else "other objects",
            ) from None
        checkpoint = _Checkpoint(path, fingerprint, sums)
        return [
            _entry(checkpoint, name, tensor)
            for name, tensor in leaves(content, path.stem, torch.is_tensor)
        ]


_Sums = frozenset[tuple[int, int]]
"""Bytes and CRC-32 of each member of an archive."""


@dataclass(frozen=True)
class _Checkpoint:
    """A file that torch has mapped, or read.

    Attributes
    ----------
    path : Path
    fingerprint : Fingerprint
    sums : frozenset or None
        None where nobody took any.
    right : set of int
        Where the storages lie that were looked at.
    """

    path: Path
    fingerprint: Fingerprint
    sums: _Sums | None
    right: set[int] = field(default_factory=set)

    def read(self, name: str, tensor: Any) -> NDArray[Any]:
        storage = tensor.untyped_storage()
        # A stride of 0 lets a file of a few bytes claim any size.
        if tensor.numel() * tensor.element_size() > storage.nbytes():
            raise bad_file(
                self.path, f"tensor {name} of shape {tuple(tensor.shape)} is not all stored"
            )
        self._check(name, storage)
        array = tensor_array(_copied(self.path, tensor.detach()))
        if Fingerprint.of(self.path) != self.fingerprint:
            raise changed(self.path)
        return array

    def _check(self, name: str, storage: Any) -> None:
        """Refuse a storage whose CRC-32 no member of its length has: torch looks at none."""
        if self.sums is None or not storage.nbytes() or storage.data_ptr() in self.right:
            return
        crc = 0
        for piece in _pieces(self.path, _octets(storage)):
            crc = zlib.crc32(piece, crc)
        if (storage.nbytes(), crc) not in self.sums:
            raise bad_file(self.path, f"the CRC-32 of tensor {name} is another")
        self.right.add(storage.data_ptr())


def _entry(checkpoint: _Checkpoint, name: str, tensor: Any) -> Entry:
    info = _info(name, tensor)
    read = partial(checkpoint.read, name, tensor)
    if is_storage(info.dtype):
        return Entry(info, checkpoint.path, read)
    stored = tensor_bytes(tensor)  # few tensors are so
    return Entry(info, checkpoint.path, read, stored=lambda: stored, stored_bytes=len(stored))


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


def _check_archive(path: Path) -> _Sums | None:
    """Refuse what torch.save does not write, before torch maps and trusts it."""
    if not zipfile.is_zipfile(path):
        raise F2FError(
            f"{path} is not a PyTorch checkpoint",
            hint="load it with torch and save it again",
        )
    found = members_of(path)
    members = {one.name.lower(): one for one in found}  # torch looks in upper or lower case
    if len(members) < len(found):
        raise F2FError(
            f"{path} gives a member twice",
            expected="each name once, be it in upper or lower case",
            got=f"{len(members)} names of {len(found)} members",
        )
    if any(name.endswith("/constants.pkl") for name in members):
        raise F2FError(
            f"{path} is TorchScript, a program: refused",
            expected=_STATE_DICT,
            got="code",
        )
    for member in found:
        if member.method != zipfile.ZIP_STORED:
            raise bad_file(path, f"member {member.name} is compressed")
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise F2FError(f"cannot read {path}", expected="one data.pkl", got=f"{len(pickles)}")
    folder = pickles[0].removesuffix(".pkl")
    # torch.serialization.set_crc32_options(False) leaves all at 0
    checked = any(member.crc for member in found)
    file = io.BytesIO(members[pickles[0]].read(checked=checked).data)
    for key, nbytes in storages_of(file)[1]:  # or it would read others' bytes
        stored = members.get(f"{folder}/{key.lower()}")
        if nbytes != (stored.size if stored else 0):
            raise F2FError(
                f"cannot read {path}: its storage {key} is not as long as its pickle says",
                expected=f"{nbytes} bytes",
                got=stored.size if stored else "none",
            )
    return frozenset((one.size, one.crc) for one in found) if checked else None


def _info(name: str, tensor: Any) -> TensorInfo:
    import torch

    info = tensor_info(name, tensor)
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        kind = f"{tensor.layout} {info.dtype} on {tensor.device}".removeprefix("torch.")
        info = replace(info, dtype=kind)
    return info


def _octets(storage: Any) -> memoryview:
    import torch

    return torch.empty(0, dtype=torch.uint8).set_(storage).numpy().data


def _pieces(path: Path, mapped: memoryview) -> Iterator[bytes | memoryview]:
    """Yield bytes of a mapped file.

    They go through a pipe: where another program has cut the file short, the system call fails,
    and no signal (SIGBUS) kills the process. Windows lets nobody cut a mapped file short.
    """
    if sys.platform == "win32":
        yield mapped
    else:
        source, sink = os.pipe()
        try:
            at = 0
            while at < len(mapped):
                written = os.write(sink, mapped[at : at + _PIPE])
                at += written
                while written:
                    piece = os.read(source, written)
                    written -= len(piece)
                    yield piece
        except OSError:
            raise changed(path) from None
        finally:
            os.close(source)
            os.close(sink)


def _copied(path: Path, tensor: Any) -> Any:
    """Copy what a tensor needs of a mapped file."""
    import torch

    size = tensor.element_size()
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    count = (last + 1) * size if tensor.numel() else 0
    start = tensor.storage_offset() * size
    kept = torch.empty(count, dtype=torch.uint8)
    copy, at = kept.numpy().data, 0
    for piece in _pieces(path, _octets(tensor.untyped_storage())[start : start + count]):
        copy[at : at + len(piece)] = piece
        at += len(piece)
    own = kept.view(tensor.dtype).as_strided(tensor.shape, tensor.stride(), 0)
    own = torch._neg_view(own) if tensor.is_neg() else own
    return own.conj() if tensor.is_conj() else own
