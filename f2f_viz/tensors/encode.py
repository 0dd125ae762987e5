"""Encode a layer and its mask, whatever they are held in."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import encode as codec
from f2f_viz.codec.code import Code
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.network import XorNetwork
from f2f_viz.errors import Progress
from f2f_viz.tensors.layer import load_layer, load_mask

__all__ = ["encode"]


def encode(
    weights: Any,
    mask: Any,
    code: Code | None = None,
    *,
    network: XorNetwork | None = None,
    scales: NDArray[np.float32] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    **code_fields: Any,
) -> Encoded:
    """Encode a pruned layer losslessly, fixed to fixed.

    Parameters
    ----------
    weights : array, any shape, a dtype of `bitplanes.DTYPES`
        Or what else `load_layer` takes: a tensor, a sparse array, a path, a `Layer`.
    mask : array of bool, the same shape
        True = kept. Only kept weights are preserved. Or what else than an array `load_mask` takes;
        of numbers, those that are not zero are then kept.
    code : Code, optional
        How to code; ``Code()`` if not given.
    network : XorNetwork, optional
        An own decoder; its n_in, n_s and n_out then replace the code's.
    scales : ndarray of float32, optional
        Of quantized weights, shape () or (shape[0], 1, …): kept, so that real values can be told.
    threads : int, optional
        One per core if not given.
    progress : callable, optional
        Called as ``progress(done, total)``.
    cancel : threading.Event, optional
        Set it to stop; `Cancelled` is raised.
    **code_fields
        Fields of `Code` to choose otherwise, such as ``n_s=2``.

    Returns
    -------
    Encoded

    Raises
    ------
    F2FError
        For an object that holds no layer, an unsupported dtype, a mask of another shape, or
        parameters out of range.

    Examples
    --------
    >>> weights = np.linspace(-1, 1, 1000, dtype=np.float32)
    >>> encoded = encode(weights, abs(weights) > 0.8, Code.paper(n_in=4))
    >>> encoded.kept, encoded.n_out, encoded.blocks
    (200, 20, 50)
    """
    mask = mask if isinstance(mask, np.ndarray) else load_mask(mask)
    layer = load_layer(weights)
    return codec.encode(
        layer.weights, mask, code, network=network, scales=scales, name=layer.name,
        threads=threads, progress=progress, cancel=cancel, **code_fields,
    )  # fmt: skip
