"""The .f2f file of a whole model (docs/format.md, section 10).

A magic, the version, an index, then every tensor's bytes in the order of the model's data, and the
SHA-256 of all that. The index holds the JSON header of the model as a safetensors file, the schemes
that its layers share (`layer_header`), and of each tensor whether it is carried or coded, by which
scheme, in how many bytes. It is deflated, and so is the rest of a model that came as ONNX
(`onnx_frame`), which stands behind it. A carried tensor is its bytes, a coded one the body of its
one-layer file (`layer_file`). Decoding writes that header again and every tensor where it says, so
that a model that came as one safetensors file comes back byte for byte but for its pruned weights.
"""

import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from f2f_viz.codec.bitplanes import WIRE
from f2f_viz.codec.encoded import Encoded
from f2f_viz.errors import F2FError
from f2f_viz.files.layer_file import MODEL_MAGIC, Packed, unpack_body, unseal
from f2f_viz.files.layer_header import Scheme, pack_scheme, unpack_scheme
from f2f_viz.files.numbers import Reader, number
from f2f_viz.files.writers import WRITERS
from f2f_viz.tensors.loaders import Entry, files_holding, loader_of
from f2f_viz.tensors.loaders.base import (
    MOST_DIMENSIONS,
    Fingerprint,
    Span,
    open_regular,
    storage_dtype,
)
from f2f_viz.tensors.loaders.safetensors_files import CODES
from f2f_viz.tensors.objects import is_path, object_entries, said
from f2f_viz.text import once

__all__ = [
    "ModelFile",
    "Slot",
    "Source",
    "deflated",
    "is_model_file",
    "open_model",
    "open_source",
    "pack_model",
    "with_entries",
    "with_offsets",
    "without_offsets",
]

VERSION = 1
_DIGEST = 32
_UNASKED, _MOST_DEFLATED = 1 << 26, 64
"""Bytes that a deflated string may always take, and times its own size; text takes some 20."""
_NO_OFFSETS = b'"data_offsets":[]'
_OF_TENSOR = {"dtype", "shape", "data_offsets"}
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
    if len(shape) > MOST_DIMENSIONS or end < begin:
        raise ValueError("no shape")
    if not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers):
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
        entries = self.entries.values()
        listing = {self.path} if self.path else {entry.path for entry in entries if entry.path}
        return {file for path in listing for file in files_holding(path, entries)}

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
    loader = loader_of(path) if path else None
    raw, parsed = loader.header(path) if path and loader and loader.header else (b"", {})
    if not raw or parsed.keys() - {"__metadata__"} != found.keys():
        # it has no such header, or one that lists what weights are stored as
        raw = _safetensors_header(origin, found)
        parsed = json.loads(raw)
    known = WRITERS.get(loader.name) if loader else None  # a format has one name in both tables
    frame = known.frame(path) if path and known and known.frame is not None else None
    return Source(path, raw, _slots(parsed), found, frame, origin)


def with_entries(source: Source, entries: dict[str, Entry]) -> Source:
    """Return a model with other tensors, which is one of safetensors whatever it was."""
    raw = _safetensors_header(source.origin, entries)
    return replace(source, header=raw, slots=_slots(json.loads(raw)), entries=entries, frame=None)


def _safetensors_header(origin: str, found: Mapping[str, Entry]) -> bytes:
    """Write the header that a model of another kind has as one safetensors file."""
    if "__metadata__" in found:
        raise F2FError(f"{origin} has a tensor with a reserved name: __metadata__")
    header: dict[str, Any] = {}
    at = 0
    for name, entry in found.items():
        info = entry.info
        nbytes = info.nbytes if entry.stored_bytes is None else entry.stored_bytes
        code, shape = CODES.get(info.dtype, info.dtype), info.shape
        if code not in CODES.values() or nbytes != info.nbytes:  # no place for it but as bytes
            code, shape = "U8", (nbytes,)
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [at, at + nbytes]}
        at += nbytes
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return raw + b" " * (-len(raw) % 8)


def deflated(data: bytes) -> bytes:
    """Write bytes for an index: how many there are and how many deflated, and these."""
    packed = zlib.compress(data, 9)
    return number(len(data)) + number(len(packed)) + packed


def _inflated(reader: Reader) -> tuple[bytes, int]:
    """Invert `deflated`, and say how many bytes it took; more are not made than are told."""
    begin, size = reader.at, reader.number()
    packed = reader.take(reader.number())
    unpack = zlib.decompressobj()
    try:
        fits = size <= max(_UNASKED, _MOST_DEFLATED * len(packed))
        data = unpack.decompress(packed, max(size, 1)) if fits else b""
        whole = unpack.eof and not unpack.unused_data
    except zlib.error:
        whole = False
    if not whole or len(data) != size:
        raise F2FError("damaged file, index", expected=f"{size} bytes deflated", got="others")
    return data, reader.at - begin


def with_offsets(header: bytes) -> tuple[bytes, dict[str, Slot]]:
    """Put the places of tensors into a header that is without: one behind the other.

    It is parsed once, and so must say `_NO_OFFSETS` of each tensor, and nowhere else.

    Returns
    -------
    header : bytes
        The same, if it had places.
    slots : dict of str to Slot

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError, RecursionError
        If it is no such header.
    """
    parts = header.split(_NO_OFFSETS)
    if len(parts) == 1:
        return header, _slots(json.loads(header))
    specs = json.loads(header, object_pairs_hook=once)
    if not all(isinstance(text, str) for text in specs.pop("__metadata__", {}).values()):
        raise ValueError("no metadata")
    out, slots, at = [parts[0]], dict[str, Slot](), 0
    for part, (name, spec) in zip(parts[1:], specs.items(), strict=True):
        if spec.keys() != _OF_TENSOR or spec["data_offsets"] != []:
            raise ValueError("no tensor")
        slot = _slot(spec | {"data_offsets": [at, at]})
        end = at + math.prod(slot.shape) * slot.itemsize
        slots[name] = replace(slot, end=end)
        out += [b'"data_offsets":[%d,%d]' % (at, end), part]
        at = end
    return b"".join(out), slots


def without_offsets(header: bytes) -> bytes:
    """Leave the places of tensors out of a header, if `with_offsets` puts them in again."""
    short = re.sub(rb'"data_offsets":\[\d+,\d+\]', _NO_OFFSETS, header)
    try:
        same = with_offsets(short)[0] == header
    except (AttributeError, KeyError, TypeError, ValueError):
        same = False
    return short if same else header


class Place(NamedTuple):
    """Where a tensor is in a model's file.

    Attributes
    ----------
    scheme : Scheme or None
        None: it is carried.
    begin, nbytes : int
    """

    scheme: Scheme | None
    begin: int
    nbytes: int


def pack_model(
    source: Source,
    layers: Mapping[str, Callable[[], bytes]],
    pruned: Mapping[str, Callable[[], bytes]],
) -> Iterator[bytes]:
    """Write the file of a model, in pieces.

    Parameters
    ----------
    source : Source
    layers : mapping of str to callable
        Coded tensors: a function that reads the one-layer file of each; the others are carried.
    pruned : mapping of str to callable
        Carried tensors that are not to be as in the source: a function that reads each.
    """
    coded = {}
    for name, read in layers.items():
        packed = unseal(read(), name)
        coded[name] = packed.scheme, len(packed.body)
    # long blocks first: the matrices of shorter ones may be their first rows
    schemes = sorted(dict.fromkeys(scheme for scheme, _ in coded.values()), key=lambda s: -s.n_out)
    header = without_offsets(source.header)
    index = [number(len(header)), header, number(len(schemes))]
    index += [pack_scheme(scheme, schemes[:at]) for at, scheme in enumerate(schemes)]
    numbers = {scheme: at for at, scheme in enumerate(schemes, 1)}
    for name in source.slots:
        if name in coded:
            scheme, size = coded[name]
            index += [number(numbers[scheme]), number(size)]
        else:
            index.append(number(0))
    front = deflated(b"".join(index)) + deflated(source.frame or b"")

    def pieces() -> Iterator[bytes]:
        yield b"".join([MODEL_MAGIC, number(VERSION), number(len(front)), front])
        for name in source.slots:
            if name in layers:
                size = coded[name][1]  # the digest is all that follows a body
                yield layers[name]()[-size - _DIGEST : -_DIGEST]
            else:
                yield from [pruned[name]()] if name in pruned else source.chunks(name)

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
    frame : bytes or None
        Of a model that came as ONNX, the rest of it.
    frame_bytes : int
        Bytes that it takes in this file.
    schemes : tuple of Scheme
    slots : dict of str to Slot
        The model's tensors in the order of their data.
    places : dict of str to Place
        The same tensors, in this file.
    fingerprint : Fingerprint
        Of the file; nothing is read of another.
    """

    path: Path
    header: bytes
    frame: bytes | None
    frame_bytes: int
    schemes: tuple[Scheme, ...]
    slots: dict[str, Slot]
    places: dict[str, Place]
    fingerprint: Fingerprint

    @property
    def layers(self) -> list[str]:
        """Names of the coded tensors, in the order of the model's data."""
        return [name for name, place in self.places.items() if place.scheme]

    @property
    def matrix_bits(self) -> int:
        """Bits of the matrices, each counted where it is stored."""
        own = {id(scheme.matrix): scheme.matrix_bits for scheme in reversed(self.schemes)}
        return sum(own.values())

    def _span(self, name: str) -> Span:
        place = self.places[name]
        return Span(self.path, self.fingerprint, place.begin, place.nbytes)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a carried tensor in pieces."""
        yield from self._span(name).pieces()

    def layer(self, name: str) -> Encoded:
        """Read one coded tensor.

        Raises
        ------
        F2FError
            If it is not what the model's header says.
        """
        slot, place = self.slots[name], self.places[name]
        if place.scheme is None:
            raise F2FError(f"tensor {name} of {self.path} is carried, and has no code")
        body = self._span(name).read().data
        packed = Packed(slot.dtype, slot.shape, name, place.scheme, body)
        return unpack_body(packed, f"layer {name} of {self.path}")


def is_model_file(path: Path) -> bool:
    """Tell whether a file says that it is the .f2f file of a model."""
    if not path.is_file():  # a pipe or device would block or never end
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MODEL_MAGIC)) == MODEL_MAGIC
    except OSError:
        return False


def open_model(path: Path) -> ModelFile:
    """Open the .f2f file of a model, checking all its bytes.

    Raises
    ------
    F2FError
        If it is damaged or of a later version.
    """
    with open_regular(path) as file:
        fingerprint = Fingerprint.of(file)
    whole = Span(path, fingerprint, 0, fingerprint.size)
    damaged = F2FError(f"{path} is damaged", expected="what f2f-viz encode writes", got="others")
    least = len(MODEL_MAGIC) + 1 + 9  # with the bytes of the index
    start = whole.part(0, least).read().tobytes() if whole.nbytes > least + _DIGEST else b""
    if start[: len(MODEL_MAGIC)] != MODEL_MAGIC:
        raise damaged
    if start[len(MODEL_MAGIC)] != VERSION:
        raise F2FError(
            f"{path} has another version of the format",
            expected=VERSION,
            got=start[len(MODEL_MAGIC)],
            hint="update f2f-viz",
        )
    digest = hashlib.sha256()
    for piece in whole.part(0, whole.nbytes - _DIGEST).pieces():
        digest.update(piece)
    if digest.digest() != whole.part(whole.nbytes - _DIGEST, _DIGEST).read().tobytes():
        raise damaged
    reader = Reader(memoryview(start), len(MODEL_MAGIC) + 1)
    size = reader.number()
    if size > whole.nbytes - _DIGEST - reader.at:
        raise damaged
    front = Reader(whole.part(reader.at, size).read().data)
    return _parse(front, path, fingerprint, reader.at + size, damaged)


def _parse(
    front: Reader, path: Path, fingerprint: Fingerprint, at: int, damaged: F2FError
) -> ModelFile:
    """Read what stands before the tensors, which begin at byte `at` and must fill the file."""
    (data, _), (frame, frame_bytes) = _inflated(front), _inflated(front)
    index = Reader(memoryview(data))
    try:
        header, slots = with_offsets(bytes(index.take(index.number())))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise damaged from None
    schemes: list[Scheme] = []
    if (count := index.number()) > len(slots):  # each is some tensor's
        raise damaged
    for _ in range(count):
        schemes.append(unpack_scheme(index, schemes))
    places, end = {}, 0
    for name, slot in slots.items():
        which = index.number()
        if slot.begin != end or which > len(schemes) or (which and slot.dtype not in WIRE):
            raise damaged
        if slot.code in _NAMES and math.prod(slot.shape) * slot.itemsize != slot.nbytes:
            raise damaged
        end = slot.end
        nbytes = index.number() if which else slot.nbytes
        places[name] = Place(schemes[which - 1] if which else None, at, nbytes)
        at += nbytes
    if index.left or front.left or at != fingerprint.size - _DIGEST:
        raise damaged
    return ModelFile(
        path, header, frame or None, frame_bytes if frame else 0, tuple(schemes), slots, places,
        fingerprint,
    )  # fmt: skip
