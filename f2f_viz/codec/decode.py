"""Decode a layer, whole or in part: kept weights bit for bit, pruned ones +0."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.codec.encode import PIECE, sha256
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.packing import pack_mask, unpack_mask
from f2f_viz.codec.word_decoder import CodedPlanes, decode_blocks
from f2f_viz.errors import F2FError

__all__ = [
    "decode",
    "decode_rows",
    "decode_tile",
    "decode_verified",
    "kept_by_tile",
    "verified_sha256",
]


@checked
def decode(encoded: Encoded, *, out: NDArray[Any] | None = None, threads: int = 1) -> NDArray[Any]:
    """Decode a layer.

    Parameters
    ----------
    encoded : Encoded
    out : ndarray, optional
        Takes the weights: of the layer's dtype and shape, in C order, writeable. Memory that was in
        use before saves more time than decoding takes.
    threads : int
        Worth it for layers of millions of weights.

    Returns
    -------
    ndarray, the layer's dtype and shape
        `out` if it was given.

    Raises
    ------
    F2FError
        If `out` does not fit, or a plane is damaged.
    """
    dtype = DTYPES[encoded.dtype]
    if out is None:
        out = np.empty(encoded.shape, dtype)
    elif not isinstance(out, np.ndarray) or out.dtype != dtype or out.shape != encoded.shape:
        raise F2FError(
            "out does not fit the layer",
            expected=f"{dtype} of shape {encoded.shape}",
            got=f"{out.dtype} of shape {out.shape}" if hasattr(out, "shape") else type(out),
        )
    elif not out.flags.c_contiguous or not out.flags.writeable:
        raise F2FError("out cannot take the weights", expected="C order, writeable", got="other")
    encoded.word_decoder.decode(out.reshape(-1), threads=threads)
    return out


@checked
def decode_tile(encoded: Encoded, tile: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Decode one tile alone: symbols have a fixed rate and the register starts at 0.

    Parameters
    ----------
    encoded : Encoded
    tile : int
        Blocks tile·tile_blocks … of every plane.

    Returns
    -------
    index : ndarray of int64, shape (weights,)
        Flat indices in C order of the tile's weights, in block order.
    weights : ndarray, the layer's dtype, shape (weights,)

    Raises
    ------
    F2FError
        If there is no such tile.
    """
    tiles = -(-encoded.blocks // encoded.tile_blocks)
    if not 0 <= tile < tiles:
        raise F2FError("no such tile", expected=f"0 to {tiles - 1}", got=tile)
    blocks, care, kept = _kept_of_tile(encoded, encoded.coded_planes, tile)
    index = encoded.layout.weights(blocks)
    weights = np.zeros(index.shape, kept.dtype)
    weights[care] = kept
    inside = index >= 0
    return index[inside], weights[inside].view(DTYPES[encoded.dtype])


def _kept_of_tile(
    encoded: Encoded, planes: CodedPlanes, tile: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[Any]]:
    """Return the blocks of a tile, which of their bits are of kept weights, and these' words."""
    first = tile * encoded.tile_blocks
    last = min(first + encoded.tile_blocks, encoded.blocks)
    blocks = np.arange(first, last)
    rows = encoded.word_decoder.rows(blocks)
    start = encoded.care_starts[first : last + 1]
    cuts = encoded.correction_starts[:, tile : tile + 2]
    own_planes = planes._replace(
        symbols=[None if own is None else own[first:last] for own in planes.symbols],
        corrections=[
            own[begin:end] for own, (begin, end) in zip(planes.corrections, cuts, strict=True)
        ],
    )
    return blocks, unpack_mask(rows, encoded.n_out), decode_blocks(own_planes, rows, start)


def kept_by_tile(encoded: Encoded) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yield flat indices (C order) and values of the kept weights, a tile after another."""
    planes = encoded.coded_planes
    for tile in range(-(-encoded.blocks // encoded.tile_blocks)):
        blocks, care, kept = _kept_of_tile(encoded, planes, tile)
        yield encoded.layout.flagged(care, blocks), kept.view(DTYPES[encoded.dtype])


@checked
def decode_rows(encoded: Encoded, start: int, stop: int) -> NDArray[Any]:
    """Decode some rows, that is entries of the first axis, and no other weight.

    Parameters
    ----------
    encoded : Encoded
    start, stop : int
        Rows start … stop − 1.

    Returns
    -------
    ndarray, the layer's dtype, shape (stop − start, …), the rest as the layer's

    Raises
    ------
    F2FError
        If there are no such rows.
    """
    if not encoded.shape or not 0 <= start <= stop <= encoded.shape[0]:
        most = encoded.shape[0] if encoded.shape else "no rows"
        raise F2FError("no such rows", expected=f"0 ≤ start ≤ stop ≤ {most}", got=(start, stop))
    shape = (stop - start, *encoded.shape[1:])
    width = encoded.size // max(encoded.shape[0], 1)
    planes, n_out, n_s = encoded.coded_planes, encoded.n_out, encoded.n_s
    words = np.zeros(shape, planes.word)
    mask = encoded.mask.reshape(-1)
    weight = np.flatnonzero(mask[start * width : stop * width])
    if not weight.size:
        return words.view(DTYPES[encoded.dtype])
    t, i = encoded.layout.positions(weight + start * width)
    by_position = np.lexsort((i, t))
    t, i, weight = t[by_position], i[by_position], weight[by_position]
    chosen, at = np.unique(t, return_inverse=True)
    # the ranks of the wanted bits: care bits before their blocks, and before them in the block
    index = encoded.layout.weights(chosen)
    care = (index >= 0) & mask[index]
    before: NDArray[np.int64] = np.cumsum(care, axis=1) - care
    ranks = encoded.care_starts[t] + before[at, i]
    corrections = []
    for own in planes.corrections:
        found = np.searchsorted(own, ranks)
        there = found < own.size
        there[there] = own[found[there]] == ranks[there]
        corrections.append(np.flatnonzero(there).astype(np.uint32))
    # every block behind the n_s blocks that are in its register, each a tile of its own
    steps = n_s + 1
    wanted = np.zeros((chosen.size * steps, n_out), bool)
    wanted[at * steps + n_s, i] = True
    age = np.arange(n_s, -1, -1)
    there = chosen[:, None] % encoded.tile_blocks >= age
    source = np.where(there, chosen[:, None] - age, 0).reshape(-1)
    there = there.reshape(-1)
    planes = planes._replace(
        symbols=[None if own is None else own[source] * there for own in planes.symbols],
        corrections=corrections,
        tile_blocks=steps,
    )
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(wanted.sum(axis=1))])
    words.reshape(-1)[weight] = decode_blocks(planes, pack_mask(wanted), starts)
    return words.view(DTYPES[encoded.dtype])


@checked
def decode_verified(encoded: Encoded, name: str = "weights") -> NDArray[Any]:
    """Decode a layer and check it against its checksum.

    Raises
    ------
    F2FError
        If the decoded weights are not those that were encoded.
    """
    weights = decode(encoded)
    _check(encoded, name, sha256(weights))
    return weights


def verified_sha256(encoded: Encoded, name: str = "weights") -> str:
    """Return the SHA-256 of a layer's weights, checked; no more than some are held at a time.

    Raises
    ------
    F2FError
        As `decode_verified`.
    """
    digest = hashlib.sha256()
    for words in encoded.word_decoder.in_turn(PIECE):
        digest.update(words.data)
    found = digest.hexdigest()
    _check(encoded, name, found)
    return found


def _check(encoded: Encoded, name: str, found: str) -> None:
    if not found.startswith(encoded.checksum):
        raise F2FError(
            f"the decoded {name} are not those that were encoded",
            expected=f"sha256 {encoded.checksum}…",
            got=f"{found[: len(encoded.checksum)]}…",
        )
