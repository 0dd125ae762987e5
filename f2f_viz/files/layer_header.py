"""What stands before the bit strings of a layer (docs/format.md, sections 2 and 3).

Two records: the **scheme**, how a layer is coded, which layers of a model share; and the **head**
of the layer's own body. Choices go by the number in their table's entry.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from f2f_viz.choices import Choices
from f2f_viz.codec.blocks import MAX_N_OUT, ORDERS
from f2f_viz.codec.code import Code
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.encoded import CHECKSUM_BYTES
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import MATRICES, MOST_ROW_WEIGHTS, MOST_TILE_BLOCKS, XorNetwork
from f2f_viz.errors import F2FError
from f2f_viz.files.numbers import Reader, column, flags, number

__all__ = ["Scheme", "pack_head", "pack_scheme", "unpack_head", "unpack_scheme"]

_CHOICES: dict[str, Choices[Any]] = {
    "order": ORDERS,
    "coding": CODINGS,
    "mask_coding": MASK_CODINGS,
    "matrix": MATRICES,
}
_FLAGS = ("fit_n_out", "plain", "recode", "zero_rate")


class Scheme(NamedTuple):
    """How a layer is coded.

    Attributes
    ----------
    code : Code
        What was asked for.
    n_out, tile_blocks : int
        Bits of a block, blocks of a tile.
    matrix : bytes
        M as a bit string, row by row; more rows may follow, which another scheme shares.
    """

    code: Code
    n_out: int
    tile_blocks: int
    matrix: bytes

    @property
    def matrix_bits(self) -> int:
        """Bits of M."""
        return self.n_out * self.code.n_in * (self.code.n_s + 1)

    @property
    def rows(self) -> bytes:
        """M alone as a bit string."""
        return _first_bits(self.matrix, self.matrix_bits)

    @property
    def network(self) -> XorNetwork:
        """The decoder, made anew: a file of many schemes takes memory for those that are used."""
        packed = np.frombuffer(self.matrix, np.uint8)
        bits = np.unpackbits(packed, count=self.matrix_bits, bitorder="little")
        return XorNetwork(bits.reshape(self.n_out, -1), self.code.n_in)


def _first_bits(packed: bytes, count: int) -> bytes:
    """Return the beginning of a bit string, filled up with zeros."""
    cut = packed[: -(-count // 8)]
    if not count % 8 or len(cut) < -(-count // 8):
        return cut
    return cut[:-1] + bytes([cut[-1] & (1 << count % 8) - 1])


def _begins_with(scheme: Scheme, other: Scheme) -> bool:
    """Tell whether the first rows of a scheme's matrix are another's."""
    sizes = [(each.code.n_in, each.code.n_s) for each in (scheme, other)]
    return (
        sizes[0] == sizes[1]
        and scheme.n_out >= other.n_out
        and _first_bits(scheme.matrix, other.matrix_bits) == other.rows
    )


def pack_scheme(scheme: Scheme, earlier: Sequence[Scheme] = ()) -> bytes:
    """Write a scheme; its matrix is the first rows of that of an earlier one, if it is so."""
    code = scheme.code
    shares = (at for at, other in enumerate(earlier, 1) if _begins_with(other, scheme))
    shared = next(shares, 0)
    values = [
        code.n_in,
        code.n_s,
        code.n_out or 0,
        *(table[getattr(code, field)].wire for field, table in _CHOICES.items()),
        code.seed,
        len(code.weights),
        *(0 if weight is None else weight + 1 for weight in code.weights),
        sum(getattr(code, name) << i for i, name in enumerate(_FLAGS)),
        scheme.n_out,
        scheme.tile_blocks,
        shared,
    ]
    return b"".join(map(number, values)) + (b"" if shared else scheme.rows)


def unpack_scheme(reader: Reader, earlier: Sequence[Scheme] = ()) -> Scheme:
    """Read a scheme.

    Raises
    ------
    F2FError
        If a choice is unknown, a number out of range, or there is no such earlier scheme.
    """
    take = reader.number
    code: dict[str, Any] = {"n_in": take(), "n_s": take(), "n_out": take() or None}
    for field, table in _CHOICES.items():
        code[field] = _named(field, {entry.wire: name for name, entry in table.items()}, take())
    code["seed"] = take()
    weights = reader.numbers(MOST_ROW_WEIGHTS)
    code["weights"] = [weight - 1 if weight else None for weight in weights]
    asked = take()
    if asked >> len(_FLAGS):
        raise F2FError("damaged file, flags", expected=f"< {1 << len(_FLAGS)}", got=asked)
    made = Code(**code | {name: bool(asked >> i & 1) for i, name in enumerate(_FLAGS)})
    n_out, tile_blocks, shared = take(), take(), take()
    for name, value, most in (
        ("n_out", n_out, MAX_N_OUT),
        ("tile_blocks", tile_blocks, MOST_TILE_BLOCKS),
    ):
        if not 1 <= value <= most:
            raise F2FError(f"damaged file, {name}", expected=f"1 to {most}", got=value)
    if not shared:
        bits = Scheme(made, n_out, tile_blocks, b"").matrix_bits
        return Scheme(made, n_out, tile_blocks, bytes(reader.take(-(-bits // 8))))
    if shared > len(earlier):
        raise F2FError("damaged file, matrix", expected="an earlier one", got=shared)
    other = earlier[shared - 1]
    if (other.code.n_in, other.code.n_s) != (made.n_in, made.n_s) or other.n_out < n_out:
        raise F2FError("damaged file, matrix", expected="one of as many rows", got="another")
    return Scheme(made, n_out, tile_blocks, other.matrix)


def pack_head(head: dict[str, Any]) -> bytes:
    """Write the head of a body: what `unpack_head` returns."""
    sizes = [head[name] for name in ("kept", "mask", "ranks", "scales")]
    pieces = [*map(number, sizes)]
    pieces += [flags(head[name]) for name in ("zero_rate", "inverted")]
    pieces += [column(head[name]) for name in ("counts", "parameters")]
    return b"".join(pieces) + bytes.fromhex(head["checksum"])


def unpack_head(reader: Reader, planes: int) -> dict[str, Any]:
    """Read the head of a body.

    Returns
    -------
    dict
        ``kept``, ``mask`` (bytes), ``ranks`` (how many and 1, or 0 if not recoded), ``scales`` (how
        many); by plane ``zero_rate``, ``inverted``, ``counts``, ``parameters``; ``checksum``.

    Raises
    ------
    F2FError
        If it is no head. Sizes are not judged here.
    """
    head: dict[str, Any] = {name: reader.number() for name in ("kept", "mask", "ranks", "scales")}
    head |= {name: reader.flags(planes) for name in ("zero_rate", "inverted")}
    head |= {name: reader.column(planes) for name in ("counts", "parameters")}
    head["checksum"] = bytes(reader.take(CHECKSUM_BYTES)).hex()
    return head


def _named(field: str, names: dict[int, str], wire: int) -> str:
    if wire not in names:
        raise F2FError(f"damaged file, {field}", expected=f"one of {sorted(names)}", got=wire)
    return names[wire]
