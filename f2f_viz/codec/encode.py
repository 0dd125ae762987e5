"""Encode a pruned layer: planes → symbols + corrections."""

import hashlib
import threading
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import as_array, checked
from f2f_viz.codec.bitplanes import dtype_name, to_words
from f2f_viz.codec.code import Code, code_of
from f2f_viz.codec.encoded import CHECKSUM_BYTES, Encoded
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import corrected_planes, search_planes
from f2f_viz.codec.recipe import Recipe, make_recipe
from f2f_viz.codec.trellis import TILE_BLOCKS
from f2f_viz.errors import F2FError, Progress

__all__ = ["encode", "encode_recipe", "sha256"]

PIECE = 1 << 18  # words hashed at a time


@checked
def encode(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    code: Code | None = None,
    *,
    network: XorNetwork | None = None,
    scales: NDArray[np.float32] | None = None,
    name: str = "",
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    **code_fields: Any,
) -> Encoded:
    """Encode arrays; `f2f_viz.encode` is the same for whatever else a layer is held in.

    Parameters
    ----------
    weights : ndarray, any shape, a dtype of `bitplanes.DTYPES`
    mask : ndarray of bool, the same shape
        True = kept. Only kept weights are preserved.
    name : str
        Of the tensor.
    code, network, scales, threads, progress, cancel, **code_fields
        As there.

    Raises
    ------
    F2FError
        For an unsupported dtype, a mask of another shape, or parameters out of range.
    """
    weights, mask = as_array("weights", weights), as_array("mask", mask)
    dtype_name(weights.dtype)  # or it says which formats there are
    if mask.shape != weights.shape:
        raise F2FError("the mask has another shape", expected=weights.shape, got=mask.shape)
    if mask.dtype != np.bool_:
        raise F2FError("the mask is not boolean", expected="bool", got=mask.dtype)
    by_channel = (*weights.shape[:1], *[1] * (weights.ndim - 1))
    if scales is not None:
        scales = as_array("scales", scales)
        if scales.shape not in ((), by_channel):
            raise F2FError("scales", expected="one, or one for each first index", got=scales.shape)
    code = code_of(code, code_fields)
    if network is not None:
        code = replace(code, n_in=network.n_in, n_s=network.n_s, n_out=network.n_out)
    recipe = make_recipe(weights, mask, code, network=network, threads=threads, cancel=cancel)
    return encode_recipe(
        weights, mask, recipe, scales=scales, name=name,
        threads=threads, progress=progress, cancel=cancel,
    )  # fmt: skip


def encode_recipe(
    weights: NDArray[Any],
    mask: NDArray[np.bool_],
    recipe: Recipe,
    *,
    scales: NDArray[np.float32] | None = None,
    name: str = "",
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    cpu: list[float] | None = None,
) -> Encoded:
    """Encode a layer of which `make_recipe` has decided how; parameters as in `encode`."""
    flat, network = mask.reshape(-1), recipe.network
    found = recipe.found or search_planes(
        recipe.words, flat, recipe.layout, network, recipe.plan, threads=threads, progress=progress,
        cancel=cancel,
    )  # fmt: skip
    if cpu is not None:
        cpu.append(found.seconds)
    if recipe.found and progress is not None:
        progress(1, 1)
    return Encoded(
        shape=weights.shape,
        dtype=dtype_name(weights.dtype),
        mask=mask.copy(),
        code=recipe.code,
        tile_blocks=TILE_BLOCKS,
        network=network,
        planes=corrected_planes(found, network, recipe.plan),
        ranks=recipe.words.ranks,
        checksum=_sha256(to_words(weights), flat)[: 2 * CHECKSUM_BYTES],
        scales=scales,
        name=name,
    )


def sha256(weights: NDArray[Any]) -> str:
    """Return the SHA-256 of weights as little-endian bytes in C order, in hexadecimal."""
    return _sha256(to_words(weights))


def _sha256(words: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> str:
    """Hash words, 0 where a mask is False, with few of them copied at a time."""
    digest = hashlib.sha256()
    for at in range(0, words.size, PIECE):
        piece = words[at : at + PIECE]
        digest.update((piece if mask is None else piece * mask[at : at + PIECE]).data)
    return digest.hexdigest()
