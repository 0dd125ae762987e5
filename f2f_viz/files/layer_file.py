"""The .f2f file of one encoded layer (docs/format.md).

A magic, the version, a header (`layer_header`), then bit strings with bit 0 first: ``mask``
(`mask_coding`), ``matrix`` (M, row by row), ``ranks`` (the field's values by rank, two bytes each;
none if not recoded), ``scales`` (float32; none if not quantized), ``symbols`` (plane after plane,
n_in bits per block; zero-rate planes have none), ``corrections`` (plane after plane, each from a
byte's start). The last 32 bytes are the SHA-256 of all before, so that a damaged file is refused
when it is opened.
"""

import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import DTYPES, field_bits, word_bits
from f2f_viz.codec.blocks import MAX_N_OUT, Layout
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.decode import decoded
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.mask_coding import pack_mask_bits, unpack_mask_bits
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import pack_symbols, unpack_symbols
from f2f_viz.codec.planes import Plane
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.layer_header import Reader, number, pack_header, unpack_header
from f2f_viz.tensors.loaders.base import open_regular, reading

__all__ = [
    "VERSION",
    "frame_header",
    "from_bytes",
    "itemised",
    "join",
    "open",
    "parts",
    "save",
    "stored_bits",
    "to_bytes",
]

VERSION = 1
MAGIC = b"\x89F2F"
TENSORS = ("mask", "matrix", "ranks", "scales", "symbols", "corrections")
_DIGEST = 32
MAX_BYTES = 1 << 30
"""Memory that a small file may claim; ``F2F_VIZ_MAX_BYTES`` in the environment says otherwise."""
MAX_EXPANSION = 4096
"""Bytes of memory that each byte of a file may claim without asking. A tiny file that claims a huge
layer would only exhaust memory, unless all is pruned or constant."""
Bytes = NDArray[np.uint8]


def _pack(bits: NDArray[Any]) -> Bytes:
    return np.packbits(np.asarray(bits, np.uint8).reshape(-1), bitorder="little")


def _unpack(packed: Bytes, count: int, what: str) -> NDArray[np.bool_]:
    if packed.size != -(-count // 8):
        raise F2FError(f"damaged file, {what}", expected=f"{-(-count // 8)} bytes", got=packed.size)
    return np.unpackbits(packed, count=count, bitorder="little").astype(bool)


def parts(encoded: Encoded) -> tuple[dict[str, Bytes], dict[str, Any], dict[str, int]]:
    """Return the bit strings, the header's fields and the exact bits of each part but the header.

    `join` makes the file of the first two.
    """
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
    tensors = {
        "mask": mask,
        "matrix": _pack(encoded.network.matrix),
        "symbols": pack_symbols(stored, encoded.n_in),
        "corrections": np.concatenate([packed for packed, _, _ in coded]),
        "ranks": ranks.astype("<u2").view(np.uint8),
        "scales": scales.reshape(-1).astype("<f4").view(np.uint8),
    }
    header = {
        "shape": list(encoded.shape),
        "dtype": encoded.dtype,
        "code": encoded.code.to_dict(),
        "tile_blocks": encoded.tile_blocks,
        "n_out": encoded.n_out,
        "kept": encoded.kept,
        "recoded": encoded.ranks is not None,
        "zero_rate": [int(plane.zero_rate) for plane in encoded.planes],
        "inverted": [int(plane.inverted) for plane in encoded.planes],
        "counts": [plane.corrections.size for plane in encoded.planes],
        "parameters": [parameter for _, _, parameter in coded],
        "lengths": [packed.size for packed, _, _ in coded],
        "sha256": encoded.checksum,
    }
    bits = {
        "payload": sum(own.size for own in stored) * encoded.n_in,
        "corrections": sum(bits for _, bits, _ in coded),
        "mask": mask_bits,
        "matrix": encoded.network.matrix.size,
    }
    return tensors, header, bits


def to_bytes(encoded: Encoded) -> bytes:
    """Return the file of an encoded layer."""
    return itemised(encoded)[0]


def itemised(encoded: Encoded) -> tuple[bytes, dict[str, int]]:
    """Return the file of an encoded layer, and its bits as `stored_bits` gives them."""
    tensors, header, bits = parts(encoded)
    data = join(tensors, header)
    return data, bits | {"header": 8 * len(data) - sum(bits.values())}


def join(tensors: Mapping[str, Bytes], header: dict[str, Any]) -> bytes:
    """Write a file of what `parts` gives; nothing is judged."""
    sizes = {name: data.size for name, data in tensors.items()}
    pieces = [MAGIC, number(VERSION), pack_header(header, sizes)]
    pieces += [tensors[name].tobytes() for name in TENSORS]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return b"".join([*pieces, digest.digest()])


def frame_header(slots: Mapping[str, tuple[str, Sequence[int], int]], **metadata: str) -> bytes:
    """Write what stands before the data of a safetensors file.

    The library writes metadata in an order of chance; here the same input gives the same bytes.

    Parameters
    ----------
    slots : mapping of str to (str, sequence of int, int)
        safetensors' name of the number format, shape and bytes of each tensor, in the order of
        the data, which stand back to back.
    **metadata : str
    """
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, (code, shape, nbytes) in slots.items():
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [at, at + nbytes]}
        at += nbytes
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw


def stored_bits(encoded: Encoded) -> dict[str, int]:
    """Itemise the file in bits: payload, corrections, mask, matrix, and header for all else."""
    return itemised(encoded)[1]


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
        decoded(from_bytes(data, str(path), max_bytes=sys.maxsize))

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


def from_bytes(data: bytes, name: str = "file", *, max_bytes: int | None = None) -> Encoded:
    """Parse the bytes of an .f2f file; see `open`."""
    kind = F2FError(
        f"{name} is not an intact .f2f file", expected="what f2f_viz.save writes", got="other bytes"
    )
    whole = memoryview(data)
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
    header = unpack_header(reader)
    tensors = _tensors(header, reader)
    return _parse(header, tensors, name, _max_bytes() if max_bytes is None else max_bytes)


def _tensors(header: dict[str, Any], reader: Reader) -> dict[str, Bytes]:
    """Cut the bit strings out; the header says or implies how long each is, but for symbols."""
    code: Code = header["code"]
    sizes = header["sizes"] | {
        "matrix": -(-header["n_out"] * code.n_in * (code.n_s + 1) // 8),
        "corrections": sum(header["lengths"]),
    }
    rest = len(reader.data) - reader.at - sum(sizes.values())
    if rest < 0:
        raise F2FError("damaged file, lengths", expected=f"{-rest} bytes fewer", got="others")
    sizes["symbols"] = rest
    return {name: np.frombuffer(reader.take(sizes[name]), np.uint8) for name in TENSORS}


def _max_bytes() -> int:
    given = os.environ.get("F2F_VIZ_MAX_BYTES", str(MAX_BYTES))
    if not given.isdecimal():
        raise F2FError("F2F_VIZ_MAX_BYTES", expected="a number of bytes", got=repr(given))
    return int(given)


def _integer(header: dict[str, Any], key: str, low: int, high: int) -> int:
    value: int = header[key]
    if not low <= value <= high:
        raise F2FError(f"damaged file, {key}", expected=f"{low} to {high}", got=value)
    return value


def _shape(claimed: list[int]) -> tuple[int, ...]:
    """Check sizes one by one before anything is multiplied."""
    if any(n >> 48 for n in claimed) or math.prod(claimed) >> 48:
        raise F2FError("damaged file, shape", expected="product < 2^48", got="more")
    return tuple(claimed)


def _parse(header: dict[str, Any], tensors: dict[str, Bytes], name: str, max_bytes: int) -> Encoded:
    shape = _shape(header["shape"])
    dtype: str = header["dtype"]
    code: Code = header["code"]
    n_out = _integer(header, "n_out", 1, MAX_N_OUT)
    tile_blocks = _integer(header, "tile_blocks", 1, 1 << 40)
    size = math.prod(shape)
    layout = Layout(shape, n_out, code.order)
    stored = sum(data.size for data in tensors.values())
    _check_memory(name, dtype, size, layout.blocks, max(max_bytes, MAX_EXPANSION * stored))
    kept = _integer(header, "kept", 0, size)
    mask = unpack_mask_bits(tensors["mask"], size, kept, code.mask_coding).reshape(shape)
    ranks = _ranks(tensors["ranks"], dtype)
    return Encoded(
        shape=shape,
        dtype=dtype,
        mask=mask,
        code=code,
        tile_blocks=tile_blocks,
        network=_network(tensors["matrix"], n_out, code),
        planes=_planes(header, tensors, layout, mask, kept),
        ranks=ranks if header["recoded"] else None,
        checksum=header["sha256"],
        scales=_scales(tensors["scales"], shape) if tensors["scales"].size else None,
    )


def _check_memory(name: str, dtype: str, size: int, blocks: int, limit: int) -> None:
    """Refuse a layer that would take more memory than the limit, before any is taken."""
    # the mask thrice, positions of care bits, words; symbols of all planes
    memory = size * (3 + 8 + DTYPES[dtype].itemsize) + 2 * word_bits(dtype) * blocks
    if memory > limit:
        raise F2FError(
            f"{name} claims {size:,} weights, far more than its bytes account for",
            expected=f"at most {limit:,} bytes of memory",
            got=f"{memory:,}",
            hint=f"if you trust it, give max_bytes={memory} or set F2F_VIZ_MAX_BYTES={memory}",
        )


def _network(packed: Bytes, n_out: int, code: Code) -> XorNetwork:
    width = code.n_in * (code.n_s + 1)
    return XorNetwork(_unpack(packed, n_out * width, "matrix").reshape(n_out, width), code.n_in)


def _planes(
    header: dict[str, Any],
    tensors: dict[str, Bytes],
    layout: Layout,
    mask: NDArray[np.bool_],
    kept: int,
) -> tuple[Plane, ...]:
    code: Code = header["code"]
    zero_rate, inverted = header["zero_rate"], header["inverted"]
    wrong = _corrections(header, tensors["corrections"], layout, mask, kept)
    stored = iter(unpack_symbols(tensors["symbols"], zero_rate.count(0), layout.blocks, code.n_in))
    none = np.zeros(layout.blocks, np.uint16)
    symbols = [none if zero else next(stored) for zero in zero_rate]
    return tuple(
        Plane(bool(invert), own, ranks, bool(zero))
        for invert, own, ranks, zero in zip(inverted, symbols, wrong, zero_rate, strict=True)
    )


def _corrections(
    header: dict[str, Any], packed: Bytes, layout: Layout, mask: NDArray[np.bool_], kept: int
) -> list[NDArray[np.uint32]]:
    """Unpack each plane's corrections, as ranks among its care bits."""
    coding = CODINGS[header["code"].coding]
    columns = [header[key] for key in ("lengths", "counts", "parameters")]
    if not coding.by_rank:
        care = layout.gather(mask.reshape(-1)).reshape(-1)
        before = np.cumsum(care) - care  # care bits before each place
    found, start = [], 0
    for length, count, parameter in zip(*columns, strict=True):
        own = packed[start : start + length]
        start += length
        at = coding.unpack(
            own, count, parameter, kept if coding.by_rank else layout.blocks * layout.n_out
        )
        if not coding.by_rank:
            if not care[at].all():
                raise F2FError("damaged file, corrections", expected="care bits", got="others")
            at = before[at]
        found.append(at.astype(np.uint32, copy=False))
    return found


def _ranks(data: Bytes, dtype: str) -> NDArray[np.uint16]:
    if data.size % 2:
        raise F2FError("damaged file, ranks", expected="pairs of bytes", got=data.size)
    ranks = data.view("<u2").astype(np.uint16)
    field = 1 << field_bits(dtype)[1]
    if ranks.size > field or (ranks.size and int(ranks.max()) >= field):
        raise F2FError("damaged file, ranks", expected=f"values of {dtype}", got="others")
    return ranks


def _scales(data: Bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if data.size != 4 and (not shape or data.size != 4 * shape[0]):
        raise F2FError("damaged file, scales", expected="one, or one a row", got=data.size / 4)
    scales = data.view("<f4").astype(np.float32)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise F2FError("damaged file, scales", expected="finite numbers > 0", got="others")
    return scales.reshape(() if data.size == 4 else (-1, *[1] * (len(shape) - 1)))
