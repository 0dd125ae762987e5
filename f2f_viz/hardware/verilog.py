"""The decoder as synthesizable Verilog-2005, with a testbench of the layer's own blocks.

The modules are the files of ``rtl/``; only the XOR network is written line by line.
"""

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from string import Template
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.packing import unpack_mask
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_folder
from f2f_viz.hardware.gates import gates

__all__ = ["Correction", "correction_items", "verilog", "xor_module"]

RTL = files("f2f_viz.hardware") / "rtl"
SKIP_BITS = 8
MOST_FLIPS = 8


class Correction(NamedTuple):
    """One item of the list of corrections: pass `skip` blocks, then flip `bits` of the next.

    `last` tells that no further item belongs to that block.
    """

    skip: int
    bits: tuple[int, ...]
    last: bool


def xor_module(network: XorNetwork) -> str:
    """Return the Verilog of y = M z over GF(2), z = {x_{t−n_s}, …, x_{t−1}, x_t}.

    Parameters
    ----------
    network : XorNetwork
    """
    width = network.matrix.shape[1]
    masks = [int("".join("01"[v] for v in row[::-1]), 2) for row in network.matrix]
    rows = "\n".join(
        f"  assign y[{i}] = ^(z & {width}'h{mask:0{-(-width // 4)}X});"
        for i, mask in enumerate(masks)
    )
    return (
        f"// The XOR network of an F2F decoder: n_in = {network.n_in}, n_s = {network.n_s}.\n"
        "// Bit j of a mask is column j of M, bit j of x_t, x_{t-1}, ... one after another.\n"
        f"module f2f_xor (input wire [{width - 1}:0] z, output wire [{network.n_out - 1}:0] y);\n"
        f"{rows}\nendmodule\n"
    )


def correction_items(
    positions: NDArray[np.int64], n_out: int, flips: int = 1, skip_bits: int = SKIP_BITS
) -> Iterator[Correction]:
    """List corrections as the lane takes them.

    Parameters
    ----------
    positions : ndarray of int64, increasing
        Bits to flip, t·n_out + i.
    n_out : int
        Bits of a block.
    flips : int
        Bits that one item may flip.
    skip_bits : int
        Bits of `Correction.skip`; a longer gap takes items that flip nothing.
    """
    longest = (1 << skip_bits) - 1
    block, bit = np.divmod(positions, n_out)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    next_block = 0
    for start, stop in zip(starts, np.append(starts, len(block))[1:], strict=True):
        skip = int(block[start]) - next_block
        while skip > longest:
            yield Correction(longest, (), True)
            skip -= longest + 1
        for at in range(start, stop, flips):
            bits = tuple(bit[at : min(at + flips, stop)].tolist())
            yield Correction(skip if at == start else 0, bits, at + flips >= stop)
        next_block = int(block[start]) + 1


@checked
def verilog(
    encoded: Encoded, folder: str | os.PathLike[str], *, flips: int = 1, force: bool = False
) -> None:
    """Write one lane of a layer's decoder and a testbench of all its blocks.

    Parameters
    ----------
    encoded : Encoded
    folder : path
        Made if it is not there. Its README.md tells the ports; ``make`` there runs the testbench
        in Icarus Verilog, which prints a line that begins with PASS or FAIL.
    flips : int
        Bits that the lane flips in a cycle, 1 to 8.
    force : bool
        Files of a folder that holds others than these may be replaced.

    Raises
    ------
    F2FError
        For a layer without weights, flips out of range, or a folder that cannot be made or holds
        other files.
    """
    if not 1 <= flips <= MOST_FLIPS:
        raise F2FError("flips per cycle", expected=f"1 to {MOST_FLIPS}", got=flips, field="flips")
    if not encoded.blocks:
        raise F2FError("a layer without weights has no blocks to decode")
    plane_bits = encoded.blocks * encoded.n_out
    positions = [encoded.positions(own) + p * plane_bits for p, own in enumerate(encoded.planes)]
    items = list(correction_items(np.concatenate(positions), encoded.n_out, flips))
    sizes = {
        "N_IN": encoded.n_in,
        "N_S": encoded.n_s,
        "N_OUT": encoded.n_out,
        "FLIPS": flips,
        "SKIP": SKIP_BITS,
        "INDEX": _index_bits(encoded.n_out),
        "BLOCKS": encoded.blocks * len(encoded.planes),
        "ITEMS": len(items),
    }
    circuit = gates(encoded.network)
    words = {name.lower(): value for name, value in sizes.items()} | {
        "symbols": sizes["BLOCKS"],
        "blocks": encoded.blocks,
        "planes": len(encoded.planes),
        "tile_blocks": encoded.tile_blocks,
        "corrections": sum(len(item.bits) for item in items),
        "shared": circuit.shared,
        "naive": circuit.naive,
    }
    made: dict[str, bytes | Iterator[bytes]] = {
        "f2f_xor.v": xor_module(encoded.network).encode(),
        "f2f_lane.v": _sized(_rtl("f2f_lane.v"), sizes).encode(),
        "f2f_lane_tb.v": _sized(_rtl("f2f_lane_tb.v"), sizes).encode(),
        "Makefile": _rtl("Makefile").encode(),
        "README.md": Template(_rtl("README.md")).substitute(words).encode(),
        "symbols.hex": _symbol_lines(encoded),
        "corrections.hex": _item_lines(items, flips, sizes["INDEX"]),
        "blocks.hex": _block_lines(encoded),
    }
    write_folder(folder, made, mark="f2f_lane.v", force=force)


def _rtl(name: str) -> str:
    return (RTL / name).read_text("utf-8")


def _sized(text: str, sizes: dict[str, int]) -> str:
    """Set the parameters of a module to a code's."""

    def line(found: re.Match[str]) -> str:
        return f"{found['start']}{sizes[found['name']]}"

    return re.sub(r"(?P<start>(?:parameter|localparam) (?P<name>\w+) *= )\d+\b(?! \+)", line, text)


def _index_bits(n_out: int) -> int:
    return max((n_out - 1).bit_length(), 1)


def _hex_lines(bits: NDArray[np.bool_]) -> bytes:
    """Write rows of bits, bit 0 least significant, as lines of hexadecimal digits."""
    digits = -(-bits.shape[1] // 4)
    padded = np.zeros((len(bits), 4 * digits), np.uint8)
    padded[:, : bits.shape[1]] = bits
    values = (padded.reshape(len(bits), digits, 4) << np.arange(4, dtype=np.uint8)).sum(axis=2)
    lines = np.full((len(bits), digits + 1), ord("\n"), np.uint8)
    lines[:, :-1] = np.frombuffer(b"0123456789abcdef", np.uint8)[values[:, ::-1]]
    return lines.tobytes()


def _bits(values: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    return (values[:, None] >> np.arange(width) & 1).astype(bool)


def _symbol_lines(encoded: Encoded) -> Iterator[bytes]:
    """Lines of {invert, first, x}, a plane at a time."""
    first = np.arange(encoded.blocks) % encoded.tile_blocks == 0
    for plane in encoded.planes:
        x = _bits(plane.symbols.astype(np.int64), encoded.n_in)
        invert = np.full(encoded.blocks, plane.inverted)
        yield _hex_lines(np.column_stack([x, first, invert]))


def _block_lines(encoded: Encoded) -> Iterator[bytes]:
    """Lines of wanted blocks, a plane at a time: decoded, inverted, corrected."""
    for plane in encoded.planes:
        packed = encoded.network.decode_packed(plane.symbols[None], encoded.tile_blocks)[0]
        bits = unpack_mask(packed, encoded.n_out) ^ plane.inverted
        bits.reshape(-1)[encoded.positions(plane)] ^= True
        yield _hex_lines(bits)


def _item_lines(items: list[Correction], flips: int, index: int) -> bytes:
    """Lines of {last, skip, on, bit}, and one that is never used."""
    skip = np.array([item.skip for item in items] + [0])
    last = np.array([item.last for item in items] + [False])
    count = np.array([len(item.bits) for item in items] + [0])
    bit = np.zeros((len(items) + 1, flips), np.int64)
    for row, item in zip(bit, items, strict=False):
        row[: len(item.bits)] = item.bits
    fields = [_bits(column, index) for column in bit.T]
    on = np.arange(flips) < count[:, None]
    return _hex_lines(np.column_stack([*fields, on, _bits(skip, SKIP_BITS), last]))
