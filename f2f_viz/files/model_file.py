"""The .f2f file of a whole model (docs/format.md): a safetensors file of many layers.

Tensors, in this order: those that are carried unchanged, under their own names; every encoded one
as the bytes of its own one-layer .f2f file (`layer_file`), named ``f2f:`` + its name;
``f2f-model:onnx``, of a model that came as ONNX the rest of it (`onnx_frame`);
``f2f-model:header``, the JSON header of the model as a safetensors file; ``f2f-model:digest``, the
SHA-256 of all bytes before it. The metadata entry ``f2f_model`` is the version. Decoding writes
that header again and every tensor where it says, so that a model that came as one safetensors
file comes back byte for byte but for its pruned weights.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from f2f_viz.codec.encoded import Encoded
from f2f_viz.errors import F2FError
from f2f_viz.files import layer_file
from f2f_viz.files.onnx_frame import frame_of
from f2f_viz.tensors.loaders import Entry
from f2f_viz.tensors.loaders.base import Fingerprint, Span, storage_dtype
from f2f_viz.tensors.loaders.safetensors_files import CODES, read_header
from f2f_viz.tensors.objects import is_path, object_entries, said

__all__ = [
    "ModelFile",
    "Slot",
    "Source",
    "is_model_file",
    "open_model",
    "open_source",
    "pack_model",
]

VERSION = 1
LAYER = "f2f:"
FRAME = "f2f-model:onnx"
HEADER = "f2f-model:header"
DIGEST = "f2f-model:digest"
_NAMES = {code: name for name, code in CODES.items()}


@dataclass(frozen=True)
class Slot:
    """A tensor's place among the data of a safetensors file.

    Attributes
    ----------
    code : str
        safetensors' name of the number format.
    shape : tuple of int
    begin, end : int
        Bytes from the start of the data.
    """

    code: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor."""
        return self.end - self.begin

    @property
    def dtype(self) -> str:
        """Our name of the number format."""
        return _NAMES.get(self.code, self.code)

    @property
    def itemsize(self) -> int:
        """Bytes of an element; 1 if NumPy does not know the number format."""
        return storage_dtype(self.dtype).itemsize if self.code in _NAMES else 1


def _slot(spec: dict[str, Any]) -> Slot:
    """Read an entry of a header; sizes are whole numbers before anything is multiplied."""
    code, shape, (begin, end) = spec["dtype"], spec["shape"], spec["data_offsets"]
    numbers = isinstance(shape, list) and [*shape, begin, end]
    if not isinstance(code, str) or not numbers:
        raise ValueError("no tensor")
    if not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers) or end < begin:
        raise ValueError("no sizes")
    return Slot(code, tuple(shape), begin, end)


def _slots(header: dict[str, Any]) -> dict[str, Slot]:
    """Read a parsed header; tensors in the order of their data."""
    slots = {name: _slot(spec) for name, spec in header.items() if name != "__metadata__"}
    return dict(sorted(slots.items(), key=lambda item: (item[1].begin, item[1].end)))


@dataclass(frozen=True)
class Source:
    """A model to encode.

    Attributes
    ----------
    path : Path or None
        None of an object in memory.
    header : bytes
        Of the model as one safetensors file; its own if it is one.
    slots : dict of str to Slot
        In the order of the header's data.
    entries : dict of str to Entry
        How to read each.
    frame : bytes or None
        Of an ONNX model, the rest of it (`onnx_frame.frame_of`).
    origin : str
        Where it comes from, in words.
    """

    path: Path | None
    header: bytes
    slots: dict[str, Slot]
    entries: dict[str, Entry]
    frame: bytes | None = None
    origin: str = ""

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Of its files."""
        return tuple(Fingerprint.of(file) for file in sorted(self.files) if file.is_file())

    @property
    def files(self) -> set[Path]:
        """The files that hold it."""
        spans = [entry.span.path for entry in self.entries.values() if entry.span]
        listed = [self.path, *(entry.path for entry in self.entries.values())]
        return {path for path in (*spans, *listed) if path is not None}

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a tensor's bytes as they are, in pieces."""
        yield from self.entries[name].pieces()


def open_source(model: Any) -> Source:
    """Open a model file, a folder of shards, or another object that tensors are taken from.

    Raises
    ------
    F2FError
        If it cannot be read, or holds what no safetensors file can.
    """
    found, origin = object_entries(model), said(model)
    path = Path(model) if is_path(model) else None
    suffix = path.suffix.lower() if path else ""
    reserved = [name for name in found if name.startswith((LAYER, "f2f-model:"))]
    if reserved:
        raise F2FError(f"{origin} has a tensor with a reserved name: {reserved[0]}")
    if path and suffix == ".safetensors":
        raw, header, *_ = read_header(path)
    else:
        tensors = {}
        for name, entry in found.items():
            info = entry.info
            code = CODES.get(info.dtype, info.dtype)
            if not code.isupper() or name == "__metadata__":  # int4, torch's float8
                raise F2FError(
                    f"tensor {name} of {origin} has no place in a safetensors file",
                    expected=f"one of {', '.join(CODES)}",
                    got=info.dtype,
                    hint="encode single tensors with --tensor",
                )
            tensors[name] = (code, info.shape, info.nbytes)
        raw = layer_file.frame_header(tensors)[8:]
        header = json.loads(raw)
    frame = frame_of(path) if path and suffix == ".onnx" else None
    return Source(path, raw, _slots(header), found, frame, origin)


def pack_model(
    source: Source,
    layers: Mapping[str, tuple[int, Callable[[], bytes]]],
    plain: Mapping[str, Callable[[], bytes]],
) -> Iterator[bytes]:
    """Write the file of a model, in pieces.

    Parameters
    ----------
    source : Source
    layers : mapping of str to (int, callable)
        Encoded tensors: how many bytes each takes, and a function that reads them; the others
        are carried.
    plain : mapping of str to callable
        Carried tensors that are not to be as in the source: a function that reads each.
    """
    carried = [name for name in source.slots if name not in layers]
    # wide formats first keeps every carried tensor aligned
    carried.sort(key=lambda name: -source.slots[name].itemsize)
    tensors: dict[str, tuple[str, tuple[int, ...], int]] = {
        name: (slot.code, slot.shape, slot.nbytes)
        for name, slot in ((name, source.slots[name]) for name in carried)
    }
    tensors |= {LAYER + name: ("U8", (size,), size) for name, (size, _) in layers.items()}
    parts = (
        {HEADER: source.header}
        if source.frame is None
        else {FRAME: source.frame, HEADER: source.header}
    )
    tensors |= {name: ("U8", (len(data),), len(data)) for name, data in parts.items()}
    tensors[DIGEST] = ("U8", (32,), 32)
    frame = layer_file.frame_header(tensors, f2f_model=str(VERSION))

    def pieces() -> Iterator[bytes]:
        yield frame
        for name in carried:
            yield from [plain[name]()] if name in plain else source.chunks(name)
        for _, read in layers.values():
            yield read()
        yield from parts.values()

    digest = hashlib.sha256()
    for piece in pieces():
        digest.update(piece)
        yield piece
    yield digest.digest()


@dataclass(frozen=True)
class ModelFile:
    """An intact .f2f file of a model.

    Attributes
    ----------
    path : Path
    header : bytes
        Of the model as a safetensors file.
    slots : dict of str to Slot
        The model's tensors in the order of their data.
    stored : dict of str to Slot
        The file's own tensors.
    start : int
        Where the file's data begin.
    fingerprint : Fingerprint
        Of the file; nothing is read of another.
    """

    path: Path
    header: bytes
    slots: dict[str, Slot]
    stored: dict[str, Slot]
    start: int
    fingerprint: Fingerprint

    @property
    def layers(self) -> list[str]:
        """Names of the encoded tensors, in the order of the model's data."""
        return [name for name in self.slots if LAYER + name in self.stored]

    @property
    def frame(self) -> bytes | None:
        """Of a model that came as ONNX, the rest of it."""
        return self.read(FRAME) if FRAME in self.stored else None

    def read(self, name: str) -> bytes:
        """Read one of the file's own tensors."""
        return self._span(name).read().tobytes()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield one of the file's own tensors in pieces."""
        yield from self._span(name).pieces()

    def _span(self, name: str) -> Span:
        slot = self.stored[name]
        return Span(self.path, self.fingerprint, self.start + slot.begin, slot.nbytes)

    def layer(self, name: str) -> Encoded:
        """Read one encoded tensor.

        Raises
        ------
        F2FError
            If it is not what the model's header says.
        """
        encoded = layer_file.from_bytes(self.read(LAYER + name), f"layer {name} of {self.path}")
        slot = self.slots[name]
        if (encoded.dtype, encoded.shape) != (slot.dtype, slot.shape):
            raise F2FError(
                f"damaged file, layer {name}",
                expected=f"{slot.dtype} {slot.shape}",
                got=f"{encoded.dtype} {encoded.shape}",
            )
        return encoded


def is_model_file(path: Path) -> bool:
    """Tell whether a file says that it is the .f2f file of a model."""
    if not path.is_file():  # a pipe or device would block or never end
        return False
    try:
        with safe_open(path, framework="np") as file:
            return "f2f_model" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def open_model(path: Path) -> ModelFile:
    """Open the .f2f file of a model, checking all its bytes.

    Raises
    ------
    F2FError
        If it is damaged or of a later version.
    """
    raw, header, start, fingerprint = read_header(path)
    stored = _slots(header)
    version = header.get("__metadata__", {}).get("f2f_model")
    if version != str(VERSION):
        raise F2FError(
            f"{path} has another version of the format",
            expected=VERSION,
            got=version,
            hint="update f2f-viz",
        )
    damaged = F2FError(f"{path} is damaged", expected="what f2f-viz encode writes", got="others")
    last = next(reversed(stored), None)
    if last != DIGEST or HEADER not in stored or stored[DIGEST].nbytes != 32:
        raise damaged
    inner = ModelFile(path, b"", {}, stored, start, fingerprint)
    digest = hashlib.sha256(len(raw).to_bytes(8, "little") + raw)
    for name in stored:
        if name != DIGEST:
            for piece in inner.chunks(name):
                digest.update(piece)
    if digest.digest() != inner.read(DIGEST):
        raise damaged
    model_header = inner.read(HEADER)
    try:
        slots = _slots(json.loads(model_header))
        ends = [0, *(slot.end for slot in slots.values())]
        if any(slot.begin != end for slot, end in zip(slots.values(), ends, strict=False)):
            raise damaged
        for name, slot in slots.items():
            own = stored.get(name)
            if LAYER + name in stored:
                if math.prod(slot.shape) * slot.itemsize != slot.nbytes:
                    raise damaged
            elif own is None or (own.code, own.shape, own.nbytes) != (
                slot.code, slot.shape, slot.nbytes,
            ):  # fmt: skip
                raise damaged
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise damaged from None
    return ModelFile(path, model_header, slots, stored, start, fingerprint)
