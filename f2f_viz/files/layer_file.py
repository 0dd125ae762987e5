"""The .f2f file of one encoded layer (docs/format.md).

A magic, the version, number format, shape and name, the scheme and the body. The body is that of
the layer, as in the file of a model: a head (`layer_header`), then bit strings with bit 0 first:
``mask`` (`mask_coding`), ``ranks`` (the field's values by rank; none if not recoded), ``scales``
(float32; none if not quantized), ``symbols`` (plane after plane, n_in bits per block; planes at
zero rate have none), ``corrections`` (plane after plane, each from a byte's start). The last 32
bytes are the SHA-256 of all before, so that a damaged file is refused when it is opened.
"""

import hashlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import DTYPES, WIRE, field_bits, word_bits
from f2f_viz.codec.blocks import Layout
from f2f_viz.codec.corrections import CODINGS, CorrectionCoding
from f2f_viz.codec.decode import verified_sha256
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.mask_coding import pack_mask_bits, unpack_mask_bits
from f2f_viz.codec.packing import pack_symbols, unpack_symbols
from f2f_viz.codec.planes import Plane
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.layer_header import Scheme, pack_head, pack_scheme, unpack_head, unpack_scheme
from f2f_viz.files.numbers import Reader, number
from f2f_viz.tensors.loaders.base import MOST_DIMENSIONS, open_regular, reading
from f2f_viz.text import utf8

__all__ = [
    "MAGIC",
    "MODEL_MAGIC",
    "VERSION",
    "Packed",
    "from_bytes",
    "itemised",
    "join_body",
    "open",
    "parts",
    "save",
    "scheme_of",
    "seal",
    "stored_bits",
    "to_bytes",
    "unpack_body",
    "unseal",
]

VERSION = 1
MAGIC, MODEL_MAGIC = b"\x89F2F", b"\x89F2M"
"""How the files of a layer and of a model (`model_file`) begin."""
STRINGS = ("mask", "ranks", "scales", "symbols", "corrections")
_DIGEST = 32
_MOST_NAME = 1024
"""Bytes of the tensor's name; a longer one is left out."""
MAX_BYTES = 1 << 30
"""Memory that a small file may claim; ``F2F_VIZ_MAX_BYTES`` in the environment says otherwise."""
MAX_EXPANSION = 4096
"""Bytes of memory that each byte of a file may claim without asking. A tiny file that claims a huge
layer would only exhaust memory, unless all is pruned or constant."""
Bytes = NDArray[np.uint8]


class Packed(NamedTuple):
    """What the file of a layer is made of.

    Attributes
    ----------
    dtype : str
    shape : tuple of int
    name : str
        Of the tensor.
    scheme : Scheme
    body : memoryview
    """

    dtype: str
    shape: tuple[int, ...]
    name: str
    scheme: Scheme
    body: memoryview


def scheme_of(encoded: Encoded) -> Scheme:
    """Return how a layer is coded."""
    network = encoded.network
    matrix = np.packbits(network.matrix.reshape(-1), bitorder="little").tobytes()
    return Scheme(encoded.code, network.n_out, encoded.tile_blocks, matrix)


def parts(encoded: Encoded) -> tuple[dict[str, Bytes], dict[str, Any], dict[str, int]]:
    """Return the bit strings and the head of a body, and the exact bits of parts but the header."""
    plane_bits = encoded.blocks * encoded.n_out
    coding = CODINGS[encoded.code.coding]
    coded = [
        coding.pack(p.corrections, partial(encoded.positions, p), plane_bits)
        for p in encoded.planes
    ]
    stored = [plane.symbols for plane in encoded.planes if not plane.zero_rate]
    mask, mask_bits = pack_mask_bits(encoded.mask, encoded.code.mask_coding)
    ranks = np.empty(0, np.uint16) if encoded.ranks is None else encoded.ranks
    scales = np.empty(0, np.float32) if encoded.scales is None else encoded.scales
    strings = {
        "mask": mask,
        "ranks": pack_symbols([ranks], field_bits(encoded.dtype)[1]),
        "scales": scales.reshape(-1).astype("<f4").view(np.uint8),
        "symbols": pack_symbols(stored, encoded.n_in),
        "corrections": np.concatenate([packed for packed, _, _ in coded]),
    }
    head = {
        "kept": encoded.kept,
        "mask": mask.size,
        "ranks": 0 if encoded.ranks is None else encoded.ranks.size + 1,
        "scales": scales.size,
        "zero_rate": [int(plane.zero_rate) for plane in encoded.planes],
        "inverted": [int(plane.inverted) for plane in encoded.planes],
        "counts": [plane.corrections.size for plane in encoded.planes],
        "parameters": [parameter for _, _, parameter in coded],
        "checksum": encoded.checksum,
    }
    bits = {
        "payload": sum(own.size for own in stored) * encoded.n_in,
        "corrections": sum(bits for _, bits, _ in coded),
        "mask": mask_bits,
    }
    return strings, head, bits


def join_body(strings: dict[str, Bytes], head: dict[str, Any]) -> bytes:
    """Write a body of what `parts` gives; nothing is judged."""
    return b"".join([pack_head(head), *(strings[name].tobytes() for name in STRINGS)])


def seal(dtype: str, shape: tuple[int, ...], name: bytes, scheme: Scheme, body: bytes) -> bytes:
    """Write the file of a layer round its body; nothing is judged."""
    sizes = b"".join(map(number, (WIRE[dtype], len(shape), *shape, len(name))))
    pieces = [MAGIC, number(VERSION), sizes, name, pack_scheme(scheme), body]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return b"".join([*pieces, digest.digest()])


def to_bytes(encoded: Encoded) -> bytes:
    """Return the file of an encoded layer."""
    return itemised(encoded)[0]


def stored_bits(encoded: Encoded, *, alone: bool = True) -> dict[str, int]:
    """Itemise the file in bits: payload, corrections, mask, matrix, and header for all else.

    Parameters
    ----------
    encoded : Encoded
    alone : bool
        False: the layer's part of the file of a model, which holds names and matrices itself.
    """
    return itemised(encoded, alone=alone)[1]


def itemised(encoded: Encoded, *, alone: bool = True) -> tuple[bytes, dict[str, int]]:
    """Return the file of an encoded layer, and its bits as `stored_bits` gives them."""
    strings, head, bits = parts(encoded)
    body = join_body(strings, head)
    name = utf8(encoded.name) if alone else b""
    name = name if len(name) <= _MOST_NAME else b""
    data = seal(encoded.dtype, encoded.shape, name, scheme_of(encoded), body)
    bits["matrix"] = encoded.network.matrix.size if alone else 0
    size = len(data) if alone else len(body)
    return data, bits | {"header": 8 * size - sum(bits.values())}


@checked
def save(encoded: Encoded, path: str | os.PathLike[str]) -> None:
    """Write an encoded layer as an .f2f file, and read it back before it takes its name.

    Raises
    ------
    F2FError
        If the file cannot be written, or does not decode to what was pruned, as when the weights
        were changed while they were encoded. Nothing is left of it then.
    """

    def check(file: IO[bytes]) -> None:
        data = file.read()
        verified_sha256(from_bytes(data, str(path), max_bytes=sys.maxsize))

    write_atomically(path, to_bytes(encoded), check=check)


@checked
def open(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> Encoded:
    """Read an .f2f file.

    Parameters
    ----------
    path
    max_bytes : int, optional
        Memory that reading and decoding may take if it is more than 4096 times the file, as it
        is where a large layer is all pruned; `MAX_BYTES` if not given.

    Returns
    -------
    Encoded

    Raises
    ------
    F2FError
        If the file is missing, damaged, of another kind or of a later version, or claims more
        memory than it may.
    """
    with reading(Path(path)), open_regular(Path(path)) as file:
        data = file.read()
    return from_bytes(data, str(path), max_bytes=max_bytes)


def unseal(data: bytes, name: str = "file") -> Packed:
    """Cut the bytes of an .f2f file into its parts, checked by the digest; errors as of `open`."""
    whole = memoryview(data)
    kinds = {MAGIC: "other bytes", MODEL_MAGIC: "the file of a whole model"}
    kind = F2FError(
        f"{name} is not an intact .f2f file",
        expected="what f2f_viz.save writes of a layer",
        got=kinds.get(bytes(whole[: len(MAGIC)]), "a file of another kind"),
    )
    if whole[: len(MAGIC)] != MAGIC or len(whole) < len(MAGIC) + 1 + _DIGEST:
        raise kind
    version = whole[len(MAGIC)]
    if version != VERSION:
        raise F2FError(
            f"{name} has another version", expected=VERSION, got=version, hint="update f2f-viz"
        )
    if hashlib.sha256(whole[:-_DIGEST]).digest() != whole[-_DIGEST:]:
        raise kind
    reader = Reader(whole[:-_DIGEST], len(MAGIC) + 1)
    dtypes = {wire: dtype for dtype, wire in WIRE.items()}
    wire = reader.number()
    if wire not in dtypes:
        raise F2FError("damaged file, dtype", expected=f"one of {sorted(dtypes)}", got=wire)
    shape = tuple(reader.numbers(MOST_DIMENSIONS))
    name, scheme = _name(reader), unpack_scheme(reader)
    return Packed(dtypes[wire], shape, name, scheme, reader.take(reader.left))


def from_bytes(data: bytes, name: str = "file", *, max_bytes: int | None = None) -> Encoded:
    """Parse the bytes of an .f2f file; see `open`."""
    return unpack_body(unseal(data, name), name, max_bytes=max_bytes)


def _name(reader: Reader) -> str:
    size = reader.number()
    if size > _MOST_NAME:
        raise F2FError("damaged file, name", expected=f"<= {_MOST_NAME} bytes", got=size)
    try:
        return str(reader.take(size), "utf-8")
    except UnicodeDecodeError:
        raise F2FError("damaged file, name", expected="UTF-8", got="other bytes") from None


def _max_bytes() -> int:
    given = os.environ.get("F2F_VIZ_MAX_BYTES", str(MAX_BYTES))
    if not given.isdecimal():
        raise F2FError("F2F_VIZ_MAX_BYTES", expected="a number of bytes", got=repr(given))
    return int(given)


def _shape(claimed: Sequence[int]) -> tuple[int, ...]:
    """Check sizes one by one before anything is multiplied."""
    if len(claimed) > MOST_DIMENSIONS or any(n >> 48 for n in claimed) or math.prod(claimed) >> 48:
        raise F2FError("damaged file, shape", expected="product < 2^48", got="more")
    return tuple(claimed)


def unpack_body(packed: Packed, name: str, *, max_bytes: int | None = None) -> Encoded:
    """Read a layer's body.

    Parameters
    ----------
    packed : Packed
    name : str
        For errors.
    max_bytes
        As in `open`.
    """
    dtype, _, tensor, scheme, body = packed
    shape = _shape(packed.shape)
    code, n_out = scheme.code, scheme.n_out
    n_in, coding, planes = code.n_in, CODINGS[code.coding], word_bits(dtype)
    size, layout = math.prod(shape), Layout(shape, n_out, code.order)
    blocks = layout.blocks
    # the mask thrice, positions of care bits, words; symbols of all planes
    memory = size * (3 + 8 + DTYPES[dtype].itemsize) + 2 * planes * blocks
    limit = max(_max_bytes() if max_bytes is None else max_bytes, MAX_EXPANSION * len(body))
    if memory > limit:
        raise F2FError(
            f"{name} claims {size:,} weights, far more than its bytes account for",
            expected=f"at most {limit:,} bytes of memory",
            got=f"{memory:,}",
            hint=f"if you trust it, give max_bytes={memory} or set F2F_VIZ_MAX_BYTES={memory}",
        )
    reader = Reader(body)
    head = unpack_head(reader, planes)
    kept: int = head["kept"]
    if kept > size:
        raise F2FError("damaged file, kept", expected=f"0 to {size}", got=kept)

    def string(count: int) -> Bytes:
        return np.frombuffer(reader.take(count), np.uint8)

    mask = unpack_mask_bits(string(head["mask"]), size, kept, code.mask_coding).reshape(shape)
    ranks = _ranks(string, dtype, head["ranks"])
    scales = _scales(string(4 * head["scales"]), shape) if head["scales"] else None
    stored = head["zero_rate"].count(0)
    symbols = unpack_symbols(string(-(-stored * blocks * n_in // 8)), stored, blocks, n_in)
    corrections = string(reader.left)
    return Encoded(
        shape=shape,
        dtype=dtype,
        mask=mask,
        code=code,
        tile_blocks=scheme.tile_blocks,
        network=scheme.network,
        planes=_planes(head, symbols, corrections, layout, mask.reshape(-1), coding),
        ranks=ranks,
        checksum=head["checksum"],
        scales=scales,
        name=tensor,
    )


def _planes(
    head: dict[str, Any],
    symbols: NDArray[np.uint16],
    corrections: Bytes,
    layout: Layout,
    mask: NDArray[np.bool_],
    coding: CorrectionCoding,
) -> tuple[Plane, ...]:
    """Put symbols and corrections together; each plane's corrections end where they say."""
    plane_bits, kept = layout.blocks * layout.n_out, head["kept"]
    care = np.empty(0, bool)
    if not coding.by_rank:
        care = layout.gather(mask).reshape(-1)
        before = np.cumsum(care) - care
    nothing = np.zeros(layout.blocks, np.uint16)
    own, found = iter(symbols), []
    columns = [head[name] for name in ("zero_rate", "inverted", "counts", "parameters")]
    for zero_rate, inverted, count, parameter in zip(*columns, strict=True):
        at, bits = coding.unpack(
            corrections, count, parameter, kept if coding.by_rank else plane_bits
        )
        corrections = corrections[-(-bits // 8) :]
        if not coding.by_rank:
            if not care[at].all():
                raise F2FError("damaged file, corrections", expected="care bits", got="others")
            at = before[at]
        wrong = at.astype(np.uint32, copy=False)
        plane = Plane(bool(inverted), nothing if zero_rate else next(own), wrong, bool(zero_rate))
        found.append(plane)
    if corrections.size:
        raise F2FError("damaged file, corrections", expected="an end", got="more bytes")
    return tuple(found)


def _ranks(string: Callable[[int], Bytes], dtype: str, told: int) -> NDArray[np.uint16] | None:
    """Read the values by rank, of which there are one fewer than is told; None if not recoded."""
    width = field_bits(dtype)[1]
    count = max(told - 1, 0)
    if count > 1 << width:
        raise F2FError("damaged file, ranks", expected=f"values of {dtype}", got="more")
    ranks = unpack_symbols(string(-(-count * width // 8)), 1, count, width)[0]
    return ranks if told else None


def _scales(data: Bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if data.size != 4 and (not shape or data.size != 4 * shape[0]):
        raise F2FError("damaged file, scales", expected="one, or one per row", got=data.size / 4)
    scales = data.view("<f4").astype(np.float32)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise F2FError("damaged file, scales", expected="finite numbers > 0", got="others")
    return scales.reshape(() if data.size == 4 else (-1, *[1] * (len(shape) - 1)))
