"""What stands before the bit strings of a layer's .f2f file (docs/format.md, section 2).

Whole numbers in seven bits a byte (LEB128), so that small ones take one byte; choices by the
number in their table's entry.
"""

from typing import Any

from f2f_viz.choices import Choices
from f2f_viz.codec.bitplanes import WIRE, word_bits
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import MATRICES
from f2f_viz.errors import F2FError

__all__ = ["Reader", "number", "pack_header", "unpack_header"]

_CHOICES: dict[str, Choices[Any]] = {
    "order": ORDERS,
    "coding": CODINGS,
    "mask_coding": MASK_CODINGS,
    "matrix": MATRICES,
}
_FLAGS = ("fit_n_out", "plain", "recode", "zero_rate")
_MAX_NUMBERS = 32  # of a list: dimensions, weights of a matrix
_CHECKSUM = 32
_MAX_NUMBER = 9  # bytes: below 2^63


def number(value: int) -> bytes:
    """Write a whole number, seven bits a byte, the lowest first; all bytes but the last + 128."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


class Reader:
    """Reads numbers and bytes one after another, and never past the end.

    Parameters
    ----------
    data : bytes-like
    at : int
        Where to begin.
    """

    def __init__(self, data: memoryview, at: int = 0):
        self.data, self.at = data, at

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        if count > len(self.data) - self.at:
            raise F2FError("damaged file", expected=f"{count} bytes more", got="fewer")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """Return the next number."""
        value = 0
        for i in range(_MAX_NUMBER):
            byte = self.take(1)[0]
            value |= (byte & 127) << 7 * i
            if byte < 128:
                return value
        raise F2FError("damaged file, numbers", expected="below 2^63", got="more")


def pack_header(header: dict[str, Any], sizes: dict[str, int]) -> bytes:
    """Write a header: what `unpack_header` returns, ``code`` as a dict and ``sizes`` apart."""
    code: dict[str, Any] = header["code"]
    flags = [*(code[name] for name in _FLAGS), header["recoded"]]
    values = [
        WIRE[header["dtype"]],
        len(header["shape"]),
        *header["shape"],
        code["n_in"],
        code["n_s"],
        code["n_out"] or 0,
        *(table[code[field]].wire for field, table in _CHOICES.items()),
        code["seed"],
        len(code["weights"]),
        *(0 if weight is None else weight + 1 for weight in code["weights"]),
        sum(bool(flag) << i for i, flag in enumerate(flags)),
        header["n_out"],
        header["tile_blocks"],
        header["kept"],
        *(sizes[name] for name in ("mask", "ranks", "scales")),
    ]
    out = [number(value) for value in values]
    out += [_packed_flags(header[name]) for name in ("zero_rate", "inverted")]
    planes = zip(header["counts"], header["parameters"], header["lengths"], strict=True)
    for count, parameter, length in planes:
        out += [number(count), number(parameter), number(length)]
    return b"".join(out) + bytes.fromhex(header["sha256"])


def _packed_flags(flags: list[int]) -> bytes:
    return sum(flag << p for p, flag in enumerate(flags)).to_bytes(-(-len(flags) // 8), "little")


def unpack_header(reader: Reader) -> dict[str, Any]:
    """Read a header.

    Returns
    -------
    dict
        ``shape``, ``dtype``, ``code`` (a `Code`), ``n_out``, ``tile_blocks``, ``kept``,
        ``recoded``, ``sizes`` (bytes of mask, ranks and scales); by plane ``zero_rate``,
        ``inverted``, ``counts``, ``parameters``, ``lengths``; ``sha256``.

    Raises
    ------
    F2FError
        If a choice is unknown or the code out of range. Sizes are not judged here.
    """
    take = reader.number
    dtype = _named("dtype", {wire: name for name, wire in WIRE.items()}, take())
    header: dict[str, Any] = {"dtype": dtype, "shape": _numbers(reader, take())}
    code: dict[str, Any] = {"n_in": take(), "n_s": take(), "n_out": take() or None}
    for field, table in _CHOICES.items():
        code[field] = _named(field, {entry.wire: name for name, entry in table.items()}, take())
    code["seed"] = take()
    code["weights"] = [weight - 1 if weight else None for weight in _numbers(reader, take())]
    flags = take()
    if flags >> len(_FLAGS) + 1:
        raise F2FError("damaged file, flags", expected=f"< {2 << len(_FLAGS)}", got=flags)
    code |= {name: bool(flags >> i & 1) for i, name in enumerate(_FLAGS)}
    header |= {"code": Code(**code), "recoded": bool(flags >> len(_FLAGS) & 1)}
    header |= {name: take() for name in ("n_out", "tile_blocks", "kept")}
    header["sizes"] = {name: take() for name in ("mask", "ranks", "scales")}
    planes = word_bits(dtype)
    for name in ("zero_rate", "inverted"):
        packed = int.from_bytes(reader.take(-(-planes // 8)), "little")
        if packed >> planes:
            raise F2FError(f"damaged file, {name}", expected=f"{planes} flags", got="more")
        header[name] = [packed >> p & 1 for p in range(planes)]
    columns = zip(*([take(), take(), take()] for _ in range(planes)), strict=True)
    header |= zip(("counts", "parameters", "lengths"), map(list, columns), strict=True)
    header["sha256"] = bytes(reader.take(_CHECKSUM)).hex()
    return header


def _numbers(reader: Reader, count: int) -> list[int]:
    if count > _MAX_NUMBERS:
        raise F2FError("damaged file, numbers", expected=f"<= {_MAX_NUMBERS}", got=count)
    return [reader.number() for _ in range(count)]


def _named(field: str, names: dict[int, str], wire: int) -> str:
    if wire not in names:
        raise F2FError(f"damaged file, {field}", expected=f"one of {sorted(names)}", got=wire)
    return names[wire]
