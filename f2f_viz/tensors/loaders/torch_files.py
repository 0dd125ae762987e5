"""Loader for PyTorch checkpoints, by torch's restricted unpickler alone (``weights_only``)."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.errors import F2FError
from f2f_viz.tensors.loaders.base import (
    Entry,
    Fingerprint,
    TensorInfo,
    bad_file,
    changed,
    native,
    open_regular,
    reading,
    storage_dtype,
)

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
        _check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return [
            Entry(_info(name, tensor), path, partial(_read, path, fingerprint, name, tensor))
            for name, tensor in _tensors(content, path.stem)
        ]


def _check_archive(path: Path) -> None:
    """Refuse what torch.save does not write, before torch maps and trusts it."""
    if not zipfile.is_zipfile(path):
        raise F2FError(
            f"{path} is not a PyTorch checkpoint of version 1.6 or later",
            hint="load it with torch and save it again",
        )
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise bad_file(path, f"member {member.filename} is compressed")
            with archive.open(member):  # checks that the member's own header is where it must be
                pass
    if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
        raise bad_file(path, "its members claim more bytes than it has")


def _tensors(content: Any, name: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk nested containers, each once: they may be shared, or hold themselves."""
    import torch

    seen: set[int] = set()
    stack = [(prefix, content)]
    while stack:
        prefix, item = stack.pop()
        if isinstance(item, torch.Tensor):
            yield prefix or name, item.detach()
        elif isinstance(item, Mapping | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
            inner = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in pairs]
            stack.extend(reversed(inner))


def _info(name: str, tensor: Any) -> TensorInfo:
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        dtype = f"{tensor.layout} {dtype} on {tensor.device}".removeprefix("torch.")
    return TensorInfo(name, tuple(tensor.shape), dtype, tensor.numel() * tensor.element_size())


def _read(path: Path, fingerprint: Fingerprint, name: str, tensor: Any) -> NDArray[Any]:
    import torch

    dtype = storage_dtype(str(tensor.dtype).removeprefix("torch."))
    # A stride of 0 lets a file of a few bytes claim any size.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise bad_file(path, f"tensor {name} of shape {tuple(tensor.shape)} is not all stored")
    tensor = _copied(path, tensor).resolve_conj().resolve_neg().contiguous()
    if Fingerprint.of(path) != fingerprint:
        raise changed(path)
    if tensor.dtype == torch.bfloat16:  # which NumPy has only by ml_dtypes
        tensor = tensor.view(torch.int16)
    array: NDArray[Any] = tensor.numpy()
    return native(np.asarray(array.view(dtype)))


def _copied(path: Path, tensor: Any) -> Any:
    """Copy what a tensor needs of a mapped file.

    The bytes go through a pipe: where another program has cut the file short, the system call
    fails, and no signal (SIGBUS) kills the process.
    """
    import torch

    size = tensor.element_size()
    last = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True))
    count = (last + 1) * size if tensor.numel() else 0
    stored = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
    start = tensor.storage_offset() * size
    mapped = stored[start : start + count].numpy().data
    copy = np.empty(count, np.uint8)
    source, sink = os.pipe()
    try:
        at = 0
        while at < count:
            written = os.write(sink, mapped[at : at + _PIPE])
            while written:
                moved = os.readv(source, [copy[at : at + written].data])
                at, written = at + moved, written - moved
    except OSError:
        raise changed(path) from None
    finally:
        os.close(source)
        os.close(sink)
    own = torch.from_numpy(copy).view(tensor.dtype).as_strided(tensor.shape, tensor.stride(), 0)
    own = torch._neg_view(own) if tensor.is_neg() else own
    return own.conj() if tensor.is_conj() else own
