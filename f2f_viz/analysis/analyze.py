"""Settings and a layer give an Analysis: everything that the screen shows, computed from them."""

import threading
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from f2f_viz.codec import blocks as _blocks
from f2f_viz.codec.bitplanes import plane_names, to_words, word_bits
from f2f_viz.codec.corrections import CHUNK_BITS, rice_bits
from f2f_viz.codec.decode import decode
from f2f_viz.codec.encode import Encoded, encode_recipe
from f2f_viz.codec.entropy import binary_entropy, care_per_block, max_ratio
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import Plane, Progress
from f2f_viz.codec.recipe import make_recipe
from f2f_viz.codec.sampling import Estimate, sample_mismatches
from f2f_viz.codec.trellis import TILE_BLOCKS
from f2f_viz.errors import stop_if
from f2f_viz.files.layer_file import stored_bits
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.magnitudes import Magnitudes
from f2f_viz.tensors.pruning import Lot, keep_count, prune, ranking
from f2f_viz.tensors.quantize import STORED, Quantized, in_format

__all__ = ["Analysis", "Estimate", "PlaneStats", "analyze"]


@dataclass(frozen=True)
class PlaneStats:
    """One bit-plane of the kept weights.

    Attributes
    ----------
    index : int
        0 is the most significant.
    name : str
        For example ``exponent 3``.
    ones : float
        Share of ones among the care bits.
    entropy : float
        h(ones), bits a care bit.
    inverted : bool
        Mostly ones, hence stored inverted.
    care_bits : int
    mismatches : float
        Exact count, or its estimate in a preview.
    payload, corrections : float
        Stored bits; no payload where the plane has no symbols (`planes`).
    """

    index: int
    name: str
    ones: float
    entropy: float
    inverted: bool
    care_bits: int
    mismatches: float
    payload: float
    corrections: float

    @property
    def efficiency(self) -> float:
        """Matched care bits / care bits; 1 where there is none."""
        return 1 - self.mismatches / self.care_bits if self.care_bits else 1.0

    @property
    def bits(self) -> float:
        """Stored bits of the plane."""
        return self.payload + self.corrections


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that is known of one layer under one choice of settings.

    Attributes
    ----------
    layer : Layer
        As it is coded: in the number format of the settings.
    given : Layer
        As it was given; pruning looks at its weights.
    settings : Settings
    mask : ndarray of bool, the layer's shape
        True = kept.
    n_out, blocks, tile_blocks : int
        Bits of a block, blocks of a plane (l), blocks of a tile.
    network : XorNetwork
        The decoder.
    exact : bool
        False: a preview, estimated from sampled tiles.
    n_u : ndarray of int64, shape (l,)
        Care bits of each block in the chosen order.
    n_u_orders : dict of str to ndarray
        The same for every block order.
    planes : tuple of PlaneStats
    sparsity, max_ratio : float
        S of the mask, and 1 / (1 − S).
    efficiency : Estimate
        E, matched care bits / all care bits, of the planes that have symbols.
    ratio : Estimate
        Seed's accounting: dense bits / (payload + corrections).
    bits : dict of str to float
        payload, corrections, mask, matrix, header; corrections and header are estimates in a
        preview.
    encoded : Encoded or None
        The encoded layer; None in a preview.
    bit_exact : bool or None
        Whether decoding gave back every kept weight bit for bit; None in a preview.
    seconds : float
        Wall time of this analysis.
    """

    layer: Layer
    given: Layer
    settings: Settings
    mask: NDArray[np.bool_]
    n_out: int
    blocks: int
    tile_blocks: int
    network: XorNetwork
    exact: bool
    n_u: NDArray[np.int64]
    n_u_orders: dict[str, NDArray[np.int64]]
    planes: tuple[PlaneStats, ...]
    sparsity: float
    max_ratio: float
    efficiency: Estimate
    ratio: Estimate
    bits: dict[str, float]
    encoded: Encoded | None
    bit_exact: bool | None
    seconds: float

    @property
    def dense_bits(self) -> int:
        """Bits of all weights."""
        return self.mask.size * len(self.planes)

    @property
    def of_bound(self) -> Estimate:
        """Share of the entropy bound reached, ratio / max_ratio."""
        if not self.mask.any():
            return Estimate.exactly(1.0)
        return Estimate(
            *(v / self.max_ratio for v in (self.ratio.value, self.ratio.low, self.ratio.high))
        )

    @property
    def file_ratio(self) -> float:
        """Whole file: dense bits / all bits."""
        return self.dense_bits / sum(self.bits.values())


_rankings: "WeakKeyDictionary[Layer, dict[tuple[str, int], Magnitudes | Lot]]" = WeakKeyDictionary()


_formats: "WeakKeyDictionary[Layer, tuple[str, Quantized]]" = WeakKeyDictionary()


def _in_format(layer: Layer, number_format: str) -> Quantized:
    """Quantize; the last format of a layer is kept, for a new rate needs no new rounding."""
    if number_format == STORED:  # not kept: it would hold the layer itself
        return in_format(layer, number_format)
    known = _formats.get(layer)
    if known is None or known[0] != number_format:
        known = _formats[layer] = number_format, in_format(layer, number_format)
    return known[1]


def _mask(layer: Layer, settings: Settings) -> NDArray[np.bool_]:
    """Prune; the ranking of a layer is kept, so that a new rate needs no new sort."""
    method = settings.method
    if method not in ("magnitude", "random") or settings.pruning_options().get("per") == "row":
        return prune(layer.weights, settings.rate, method, **settings.pruning_options())
    key = (method, settings.seed if method == "random" else 0)
    known = _rankings.setdefault(layer, {})
    if key not in known:
        known[key] = ranking(layer.weights, method, settings.seed)
    return known[key].largest(keep_count(layer.weights.size, settings.rate))


def _correction_bits(rates: NDArray[Any], kept: int, plane_bits: int, coding: str) -> NDArray[Any]:
    """Expected bits of the corrections of planes whose care bits mismatch at these rates."""
    if coding == "chunk":
        return rates * kept * (CHUNK_BITS + 1) + -(-plane_bits >> CHUNK_BITS)
    return rates * kept * np.array([rice_bits(rate) for rate in rates])


def _uncoded_bits(
    layer: Layer,
    settings: Settings,
    mask: NDArray[np.bool_],
    network: XorNetwork,
    scales: NDArray[np.float32] | None,
) -> dict[str, float]:
    """Itemise a file of this layer that has neither symbols nor corrections yet."""
    nothing = Plane(False, np.empty(0, np.uint16), np.empty(0, np.uint32))
    empty = Encoded(
        shape=mask.shape,
        dtype=layer.dtype,
        mask=mask,
        order=settings.order,
        tile_blocks=TILE_BLOCKS,
        network=network,
        planes=(nothing,) * word_bits(layer.dtype),
        coding=settings.coding,
        mask_coding=settings.mask_coding,
        ranks=None,
        checksum="0" * 64,
        scales=scales,
    )
    return dict(stored_bits(empty))


def analyze(
    layer: Layer,
    settings: Settings | None = None,
    *,
    preview: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """Prune and encode a layer, decode it again, and describe the result.

    Parameters
    ----------
    layer : Layer
    settings : Settings, optional
    preview : bool
        Search only a random sample of tiles where that is quicker: efficiency, corrections and
        ratio are then estimates with a 95 % interval; everything else is exact all the same.
    threads, progress, cancel
        As in `codec.encode`.

    Returns
    -------
    Analysis

    Raises
    ------
    F2FError
        For settings that do not fit the layer.
    Cancelled
        If `cancel` was set.
    """
    started = time.perf_counter()
    settings = settings or Settings()
    given, quantized = layer, _in_format(layer, settings.number_format)
    layer = quantized.layer
    scales = quantized.told_scales
    planes = word_bits(layer.dtype)
    mask = _mask(given, settings)
    kept = int(np.count_nonzero(mask))
    options = settings.codec_options()
    written = {name: options.pop(name) for name in ("coding", "mask_coding")}
    recipe = make_recipe(layer.weights, mask, **options, threads=threads, cancel=cancel)
    plan, network = recipe.plan, recipe.network
    zero_rate, ones, n_out = plan.zero_rate, plan.ones, network.n_out
    blocks = _blocks.block_count(mask.size, n_out)
    n_u_orders = {order: care_per_block(mask, n_out, order) for order in _blocks.ORDERS}

    sample, encoded, bit_exact = None, None, None
    if preview:
        sample = recipe.sample or sample_mismatches(
            recipe.words, mask, network, plan, order=settings.order, threads=threads,
            cancel=cancel,
        )  # fmt: skip
    if sample is not None:
        rate = sample.rate
        # a plane without symbols mismatches in its ones, whose number is known
        rates = np.where(zero_rate, np.minimum(ones, kept - ones) / max(kept, 1), sample.rates)
        corrections, fewest, most = (
            _correction_bits(
                np.clip(np.where(zero_rate, rates, rates + shift), 0, 1),
                kept, blocks * n_out, settings.coding,
            )
            for shift in (0.0, rate.low - rate.value, rate.high - rate.value)
        )  # fmt: skip
        mismatches = rates * kept
    else:
        encoded = encode_recipe(
            layer.weights, mask, recipe, order=settings.order, **written, scales=scales,
            threads=threads, progress=progress, cancel=cancel,
        )  # fmt: skip
        pruned = to_words(layer.weights) * mask.reshape(-1)
        stop_if(cancel)
        bit_exact = bool(np.array_equal(to_words(decode(encoded)), pruned))
        stop_if(cancel)
        mismatches = np.array([plane.corrections.size for plane in encoded.planes], float)
        corrections = fewest = most = encoded.correction_bits
        rate = Estimate.exactly(1 - encoded.report.efficiency)
    payloads = np.where(zero_rate, 0, blocks * settings.n_in)
    if encoded is None:
        bits = _uncoded_bits(layer, settings, mask, network, scales)
        bits |= {"payload": int(payloads.sum()), "corrections": float(corrections.sum())}
    else:
        bits = dict(encoded.report.bits)

    def ratio(correction_bits: float) -> float:
        coded = float(payloads.sum()) + correction_bits
        return mask.size * planes / coded if coded else float("inf")

    shares = ones / max(kept, 1)
    return Analysis(
        layer=layer,
        given=given,
        settings=settings,
        mask=mask,
        n_out=n_out,
        blocks=blocks,
        tile_blocks=TILE_BLOCKS,
        network=network,
        exact=encoded is not None,
        n_u=n_u_orders[settings.order],
        n_u_orders=n_u_orders,
        planes=tuple(
            PlaneStats(
                index=p,
                name=name,
                ones=float(shares[p]),
                entropy=float(binary_entropy(shares[p])),
                inverted=bool(plan.inverted[p]),
                care_bits=kept,
                mismatches=float(mismatches[p]),
                payload=int(payloads[p]),
                corrections=float(corrections[p]),
            )
            for p, name in enumerate(plane_names(layer.dtype))
        ),
        sparsity=1 - kept / mask.size if mask.size else 0.0,
        max_ratio=max_ratio(kept, mask.size),
        efficiency=Estimate(1 - rate.value, 1 - rate.high, 1 - rate.low),
        ratio=Estimate(*(ratio(float(total.sum())) for total in (corrections, most, fewest))),
        bits=bits,
        encoded=encoded,
        bit_exact=bit_exact,
        seconds=time.perf_counter() - started,
    )
