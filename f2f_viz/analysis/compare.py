"""F2F against the other formats: measured bytes on one mask and tensor, and the bounds.

Some variable-length formats are smaller than F2F. They are shown all the same; `verdict` says by
how much, and what F2F gives for it: a fixed rate, access to any block, no pointers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.analysis import rivals as _rivals
from f2f_viz.analysis.dataframe import dataframe
from f2f_viz.analysis.rivals import Buffer, Pruned, nbytes
from f2f_viz.codec.bitplanes import field_bits, word_bits
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.entropy import binary_entropy
from f2f_viz.codec.parallel import as_finished, workers
from f2f_viz.errors import F2FError, Progress
from f2f_viz.files.layer_file import stored_bits

__all__ = [
    "Bounds",
    "Comparison",
    "RatePoint",
    "Rival",
    "bounds",
    "compare",
    "table",
    "total",
    "verdict",
]

F2F = "F2F, whole file"


@dataclass(frozen=True)
class Rival:
    """One format and what the layer takes in it.

    Attributes
    ----------
    name : str
    bytes : int or None
        Measured; None where the format does not apply or is not installed, as the note says.
    fixed_rate : bool
        Every group of weights takes the same bits, so that hardware fetches them at one pace.
    random_access : bool
        A weight is found without reading all that comes before it.
    lossless : bool
        The pruned tensor comes back bit for bit.
    note : str
    """

    name: str
    bytes: int | None
    fixed_rate: bool
    random_access: bool
    lossless: bool = True
    note: str = ""


class Comparison(list[Rival]):
    """The formats side by side, one `Rival` each."""

    def to_dataframe(self) -> Any:
        """Return a pandas.DataFrame, a row for each format.

        Raises
        ------
        F2FError
            If pandas is not installed.
        """
        return dataframe([vars(rival) for rival in self])


@dataclass(frozen=True)
class _Format:
    name: str
    write: Callable[[Pruned], list[Buffer] | None]
    fixed_rate: bool = False
    random_access: bool = False
    note: str = ""
    package: str = ""
    """Which must be installed, where we do not ask for it."""

    def explained(self, size: int | None) -> str:
        if size is not None:
            return self.note
        if self.package and find_spec(self.package) is None:
            return f"not installed: pip install {self.package} ({self.note})"
        return f"does not apply: {self.note}"


_FORMATS = (
    _Format("dense", _rivals.dense, True, True, "all weights, zeros too"),
    _Format("CSR", _rivals.csr, False, True, "by row; rows vary in length"),
    _Format("COO", _rivals.coo, False, True, "by binary search; one index a kept weight"),
    _Format("bitmask + values", _rivals.bitmask, False, False, "one bit per weight"),
    _Format("2:4", _rivals.n_of_m, True, True, "only masks with at most 2 of every 4 kept"),
    _Format("zstd", _rivals.zstd, note=f"level {_rivals.ZSTD_LEVEL}, of the pruned tensor"),
    _Format("xz", _rivals.xz, note="preset 6, of the pruned tensor"),
    _Format("shuffled zstd", _rivals.shuffled_zstd, note="bytes sorted by place, then zstd"),
    _Format("zipnn", _rivals.zipnn, note="float32, float16, bfloat16", package="zipnn"),
    _Format(
        "entropy mask + zstd",
        _rivals.entropy_mask_zstd,
        note="range-coded mask, shuffled zstd of kept values",
    ),
    _Format(
        "entropy mask + exponents",
        _rivals.entropy_coded,
        note="range-coded mask and exponents, other bits as they are",
    ),
)


def compare(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    encoded: Encoded | None = None,
    *,
    alone: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Write a pruned layer in every format and measure; several at a time.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
    mask : ndarray of bool, the same shape
        True = kept.
    encoded : Encoded, optional
        The same layer as F2F; its file is then the last row.
    alone : bool
        As in `layer_file.stored_bits`.
    threads : int, optional
        Default: the CPUs of this process.
    progress : callable, optional
        Called as ``progress(done, total)``, in formats, some ten times a second. What it raises
        ends all at once, save that threads end the format which they have begun.

    Returns
    -------
    Comparison

    Raises
    ------
    F2FError
        For a mask of another shape.

    Notes
    -----
    Takes about 5 s a million weights, mostly Zstandard and LZMA at their strong settings.
    """
    layer = _pruned(weights, mask)
    sizes: dict[_Format, int | None] = {}

    def written(each: _Format) -> int | None:
        buffers = each.write(layer)
        return None if buffers is None else nbytes(buffers)

    def poll() -> None:
        if progress is not None:
            progress(len(sizes), len(_FORMATS))

    for each, size in as_finished(written, _FORMATS, workers(threads), poll=poll):
        sizes[each] = size
    poll()
    found = Comparison(
        Rival(
            each.name,
            sizes[each],
            each.fixed_rate,
            each.random_access,
            note=each.explained(sizes[each]),
        )
        for each in _FORMATS
    )
    if encoded is not None:
        note = "symbols at a fixed rate, by tile; corrections and mask are lists"
        size = sum(stored_bits(encoded, alone=alone).values()) // 8
        found.append(Rival(F2F, size, True, True, note=note))
    return found


def total(layers: Iterable[list[Rival]]) -> Comparison:
    """Add up the rows of several layers; a format that does not apply to one has no total."""
    sums = Comparison()
    for rows in zip(*layers, strict=True):
        sizes = [row.bytes for row in rows if row.bytes is not None]
        row = next((row for row in rows if row.bytes is None), rows[0])
        sums.append(replace(row, bytes=sum(sizes) if len(sizes) == len(rows) else None))
    return sums


@dataclass(frozen=True)
class RatePoint:
    """Where the code stands against the rate–distortion curve R = q·(1 − h(δ)).

    Attributes
    ----------
    q : float
        Care bits / all bits.
    delta : float
        δ, mismatched care bits / care bits, over the planes that have symbols.
    rate : float
        Payload bits per bit of the plane, n_in / n_out.
    bound : float
        R at this δ: no code for random care bits has a lower rate.
    """

    q: float
    delta: float
    rate: float
    bound: float


@dataclass(frozen=True)
class Bounds:
    """How few bits a layer could take, by what is taken to be random.

    Attributes
    ----------
    dense_bits : int
        Bits of all weights.
    kept_bits : int
        Bits of kept weights: dense_bits / kept_bits is the paper's 1 / (1 − S).
    plane_bits : float
        Kept weights, each plane coded to its entropy h(ones).
    joint_bits : float
        Kept weights, exponents (whole integers) coded to their joint entropy, other bits as
        they are.
    mask_bits : float
        The mask at h(S) bits per weight, as if its places were independent.
    rate_point : RatePoint or None
        None without an encoded layer, or where nothing is kept.
    """

    dense_bits: int
    kept_bits: int
    plane_bits: float
    joint_bits: float
    mask_bits: float
    rate_point: RatePoint | None


def bounds(
    weights: NDArray[Any], mask: NDArray[np.bool_], encoded: Encoded | None = None
) -> Bounds:
    """Return the bounds of a pruned layer; parameters as in `compare`."""
    layer = _pruned(weights, mask)
    bits = word_bits(layer.dtype)
    kept, size = layer.kept.size, layer.mask.size
    ones = np.array([np.count_nonzero(layer.kept >> p & 1) for p in range(bits)])
    shift, width = field_bits(layer.dtype)
    field = layer.kept >> shift & (1 << width) - 1
    shares = np.unique(field, return_counts=True)[1] / max(kept, 1)
    joint = -float((shares * np.log2(shares)).sum())
    return Bounds(
        dense_bits=size * bits,
        kept_bits=kept * bits,
        plane_bits=kept * float(binary_entropy(ones / max(kept, 1)).sum()),
        joint_bits=kept * (bits - width + joint),
        mask_bits=size * float(binary_entropy(kept / max(size, 1))),
        rate_point=None if encoded is None else _rate_point(encoded),
    )


def _rate_point(encoded: Encoded) -> RatePoint | None:
    searched = [plane for plane in encoded.planes if not plane.zero_rate]
    if not searched or not encoded.kept:
        return None
    q = encoded.kept / encoded.size
    wrong = sum(plane.corrections.size for plane in searched)
    delta = wrong / (encoded.kept * len(searched))
    return RatePoint(
        q=q,
        delta=delta,
        rate=encoded.n_in * encoded.blocks / encoded.size,
        bound=q * (1 - float(binary_entropy(delta))),
    )


def _pruned(weights: NDArray[Any], mask: NDArray[np.bool_]) -> Pruned:
    weights, mask = np.asarray(weights), np.asarray(mask)
    if weights.shape != mask.shape or mask.dtype != np.bool_:
        raise F2FError(
            "the mask does not fit",
            expected=f"bool {weights.shape}",
            got=f"{mask.dtype} {mask.shape}",
        )
    return Pruned(weights, mask)


def verdict(rivals: list[Rival]) -> str:
    """Say in one sentence who is smallest, and what F2F gives where it is not."""
    sizes = {rival.name: rival.bytes for rival in rivals if rival.bytes is not None}
    mine = sizes.pop(F2F, None)
    best = min(sizes, key=lambda name: sizes[name])
    if mine is None:
        return f"Smallest: {best}, {sizes[best]:,} bytes."
    if mine <= sizes[best]:
        return f"F2F is the smallest: {mine:,} bytes; next is {best}, {sizes[best]:,} bytes."
    smaller = sorted((name for name in sizes if sizes[name] < mine), key=lambda name: sizes[name])
    if not sizes[best]:
        return f"{best} takes nothing; F2F takes {mine:,} bytes."
    extra = mine / sizes[best] - 1
    return (
        f"Smaller than F2F ({mine:,} bytes): {', '.join(smaller)}. F2F takes {100 * extra:.1f} % "
        f"more than {best} and gives for it a fixed rate, access to any tile, and no pointers."
    )


def table(rivals: list[Rival]) -> str:
    """Return the comparison as lines of text, largest first, then the verdict."""
    dense = next(rival.bytes for rival in rivals if rival.name == "dense")
    width = max(len(rival.name) for rival in rivals)
    lines = [f"{'format':<{width}}  {'bytes':>13}  {'ratio':>7}  fixed rate  random access  note"]
    known = [rival for rival in rivals if rival.bytes is not None]
    for rival in sorted(known, key=lambda rival: -(rival.bytes or 0)):
        ratio = f"{(dense or 0) / rival.bytes:.3f}" if rival.bytes else "—"
        fixed, access = (
            "yes" if flag else "no" for flag in (rival.fixed_rate, rival.random_access)
        )
        lines.append(
            f"{rival.name:<{width}}  {rival.bytes:>13,}  {ratio:>7}  {fixed:<10}  {access:<13}  "
            f"{rival.note}"
        )
    for rival in rivals:
        if rival.bytes is None:
            lines.append(f"{rival.name:<{width}}  {'—':>13}  {rival.note}")
    return "\n".join([*lines, verdict(rivals)])
