"""Settings and a layer give an Analysis: everything that the screen shows, computed from them."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.analysis.prepare import Prepared, prepare
from f2f_viz.analysis.report import Report, report
from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import plane_names, to_words, word_bits
from f2f_viz.codec.blocks import ORDERS, Layout
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.decode import decode
from f2f_viz.codec.encode import encode_recipe
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.entropy import binary_entropy, max_ratio
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.planes import Plane
from f2f_viz.codec.recipe import Recipe, make_recipe
from f2f_viz.codec.sampling import Estimate, Sample, sample_mismatches
from f2f_viz.codec.trellis import TILE_BLOCKS
from f2f_viz.display import html_table, text_line
from f2f_viz.errors import Progress, stop_if
from f2f_viz.files.layer_file import stored_bits
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, load_layer
from f2f_viz.text import times

__all__ = ["Analysis", "Estimate", "PlaneStats", "analyze"]


_PREVIEW_STEPS = 3
"""Steps that a preview tells of: pruning, block length and planes, the sampled tiles."""


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
        h(ones), bits per care bit.
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
    layout : Layout
        Which weight is which bit of which block.
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
        E, matched care bits / all care bits, of the planes that have symbols; a float that has
        the ends of its interval.
    ratio : Estimate
        The paper's accounting: dense bits / (payload + corrections); likewise.
    bits : dict of str to float
        payload, corrections, mask, matrix, header; in a preview corrections, header and a mask
        whose size the coder decides are estimates.
    encoded : Encoded or None
        The encoded layer; None in a preview.
    bit_exact : bool or None
        Whether decoding gave back every kept weight bit for bit; None in a preview.
    seconds : float
        Wall time of this analysis.
    search_seconds : float or None
        CPU time of the exact search, of all threads together; None in a preview.
    recipe : Recipe or None
        Of a preview: what was decided of the coding, for the exact analysis to take over.
    numbers : tuple of int
        As of `prepare.Prepared`.
    """

    layer: Layer
    given: Layer
    settings: Settings
    mask: NDArray[np.bool_]
    n_out: int
    blocks: int
    tile_blocks: int
    layout: Layout
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
    search_seconds: float | None = None
    recipe: Recipe | None = None
    numbers: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return text_line("Analysis", self._facts())

    def _repr_html_(self) -> str:
        bits = {f"{part} bits": f"{round(count):,}" for part, count in self.bits.items()}
        return html_table("Analysis", self._facts() | bits)

    def _facts(self) -> dict[str, str]:
        """Say in short what was found."""
        about = "≈ " * (not self.exact)
        return {
            "layer": f"{self.layer.name} {'×'.join(map(str, self.shape)) or 'scalar'} {self.dtype}",
            "S": f"{self.sparsity:.4f}",
            "ratio": f"{about}{times(self.ratio.value, 3)}",
            "max_ratio": times(self.max_ratio, 3),
            "file_ratio": f"{about}{self.file_ratio:.3f}",
            "efficiency": f"{about}{self.efficiency.value:.4f}",
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the layer."""
        return self.mask.shape

    @property
    def dtype(self) -> str:
        """Number format of the layer as it is coded."""
        return self.layer.dtype

    @property
    def size(self) -> int:
        """Weights of the layer."""
        return self.mask.size

    @property
    def kept(self) -> int:
        """Kept weights."""
        return int(np.count_nonzero(self.mask))

    @property
    def n_in(self) -> int:
        """Bits of a symbol."""
        return self.network.n_in

    @property
    def n_s(self) -> int:
        """Stages of the shift register."""
        return self.network.n_s

    @property
    def order(self) -> str:
        """Name of the block order."""
        return self.layout.order

    @property
    def report(self) -> Report:
        """The account of the layer; in a preview, of what its whole search is likely to give."""
        if self.encoded is not None:
            return report(self.encoded)
        coded = [plane for plane in self.planes if plane.payload]
        return Report(
            sparsity=self.sparsity,
            max_ratio=self.max_ratio,
            ratio=self.ratio.value,
            file_ratio=self.file_ratio,
            efficiency=self.efficiency.value,
            care_bits=sum(plane.care_bits for plane in coded),
            mismatches=round(sum(plane.mismatches for plane in coded)),
            dense_bits=self.dense_bits,
            kept_bits=self.kept * len(self.planes),
            bits={part: round(count) for part, count in self.bits.items()},
        )

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


@checked
def analyze(
    layer: Any,
    settings: Settings | None = None,
    *,
    preview: bool = False,
    begun: Analysis | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """Prune and encode a layer, decode it again, and describe the result.

    Parameters
    ----------
    layer : Layer
        Or what else `load_layer` takes: an array, a tensor, a module, a path.
    settings : Settings, optional
    preview : bool
        Search only a random sample of tiles where that is quicker: efficiency, corrections and
        ratio are then estimates with a 95 % interval; everything else is exact all the same.
    begun : Analysis, optional
        A preview: where it is of the same layer and settings the block length is not tried anew.
    threads, progress, cancel
        As in `encode.encode`. A preview tells of three steps: pruning, what can be said without a
        search, the sampled tiles.

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
    told = progress if preview and progress is not None else lambda *_: None
    told(0, _PREVIEW_STEPS)
    ready = prepare(load_layer(layer), settings or Settings())
    stop_if(cancel)
    told(1, _PREVIEW_STEPS)
    code = ready.settings.code
    recipe = _begun(begun, ready) or make_recipe(
        ready.layer.weights, ready.mask, code, threads=threads, cancel=cancel
    )
    sample = recipe.sample if preview else None
    told(2, _PREVIEW_STEPS)
    if preview and sample is None:
        sample = sample_mismatches(
            recipe.words, ready.mask.reshape(-1), recipe.layout, recipe.network, recipe.plan,
            threads=threads, cancel=cancel,
        )  # fmt: skip
    found = (
        _estimated(ready, recipe, sample)
        if sample is not None
        else _measured(ready, recipe, threads, None if preview else progress, cancel)
    )
    return _analysis(ready, recipe, found, started)


def _begun(preview: Analysis | None, ready: Prepared) -> Recipe | None:
    """Return what a preview decided of the same weights, mask and code."""
    if preview is None or preview.given is not ready.given or preview.settings != ready.settings:
        return None
    same = preview.numbers == ready.numbers and np.array_equal(preview.mask, ready.mask)
    return preview.recipe if same else None  # arrays change, and files of masks


@dataclass(frozen=True, eq=False)
class _Found:
    """What the search found, or a sample of it lets expect."""

    rate: Estimate  # mismatches per care bit
    mismatches: NDArray[np.float64]  # of each plane
    corrections: NDArray[np.float64]  # bits, of each plane
    correction_bits: Estimate  # of all planes
    bits: dict[str, float]
    encoded: Encoded | None = None
    bit_exact: bool | None = None
    search_seconds: float | None = None


def _estimated(ready: Prepared, recipe: Recipe, sample: Sample) -> _Found:
    """Take a sample for the whole: corrections and what follows from them are estimates."""
    plan, kept = recipe.plan, recipe.plan.kept
    rate = sample.rate
    # a plane without symbols mismatches in its ones, whose number is known
    exact = np.minimum(plan.ones, kept - plan.ones) / max(kept, 1)
    rates = np.where(plan.zero_rate, exact, sample.rates)
    coding = CODINGS[recipe.code.coding]
    plane_bits = recipe.layout.blocks * recipe.layout.n_out

    expected = coding.expected_bits
    ends = coding.ends or (lambda *of: (expected(*of), expected(*of)))

    def shifted(shift: float) -> NDArray[np.float64]:
        return np.clip(rates + np.where(plan.zero_rate, 0.0, shift), 0, 1)

    likely = np.array([expected(r, kept, plane_bits) for r in rates])
    value = float(likely.sum())
    low = sum(ends(r, kept, plane_bits)[0] for r in shifted(rate.low - rate.value))
    high = sum(ends(r, kept, plane_bits)[1] for r in shifted(rate.high - rate.value))
    total = Estimate(value, min(low, value), max(high, value))
    bits = {
        "payload": float(_payloads(recipe).sum()),
        "corrections": total.value,
        "mask": MASK_CODINGS[recipe.code.mask_coding].expected_bits(kept, ready.mask.size),
        "matrix": float(recipe.network.matrix.size),
        "header": _header_bits(ready, recipe),
    }
    return _Found(rate, rates * kept, likely, total, bits)


def _measured(
    ready: Prepared,
    recipe: Recipe,
    threads: int | None,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> _Found:
    """Encode, decode again and compare."""
    weights = ready.layer.weights
    cpu: list[float] = []
    encoded = encode_recipe(
        weights, ready.mask, recipe, scales=ready.scales, name=ready.layer.name,
        threads=threads, progress=progress, cancel=cancel, cpu=cpu,
    )  # fmt: skip
    stop_if(cancel)
    pruned = to_words(weights) * ready.mask.reshape(-1)
    bit_exact = bool(np.array_equal(to_words(decode(encoded)), pruned))
    stop_if(cancel)
    account = report(encoded)
    corrections = encoded.correction_bits.astype(float)
    return _Found(
        rate=Estimate.exactly(1 - account.efficiency),
        mismatches=np.array([plane.corrections.size for plane in encoded.planes], float),
        corrections=corrections,
        correction_bits=Estimate.exactly(float(corrections.sum())),
        bits=dict(account.bits),
        encoded=encoded,
        bit_exact=bit_exact,
        search_seconds=sum(cpu),
    )


def _payloads(recipe: Recipe) -> NDArray[np.int64]:
    """Bits of the symbols of each plane."""
    return np.where(recipe.plan.zero_rate, 0, recipe.layout.blocks * recipe.network.n_in)


def _header_bits(ready: Prepared, recipe: Recipe) -> float:
    """Estimate all that a file holds beside its bits: that of an empty layer coded alike."""
    nothing = Plane(False, np.empty(0, np.uint16), np.empty(0, np.uint32))
    empty = Encoded(
        shape=(0,),
        dtype=ready.layer.dtype,
        mask=np.zeros(0, bool),
        code=recipe.code,
        tile_blocks=TILE_BLOCKS,
        network=recipe.network,
        planes=(nothing,) * word_bits(ready.layer.dtype),
        ranks=recipe.words.ranks,
        checksum="0" * 16,
        name=ready.layer.name,
    )
    scales = 0 if ready.scales is None else 8 * ready.scales.nbytes
    return float(stored_bits(empty)["header"] + scales)


def _analysis(ready: Prepared, recipe: Recipe, found: _Found, started: float) -> Analysis:
    """Put together what previews and exact analyses share."""
    mask, n_out, plan = ready.mask, recipe.network.n_out, recipe.plan
    names = plane_names(ready.layer.dtype, ranks=recipe.words.ranks is not None)
    kept = plan.kept
    shares, payloads = plan.ones / max(kept, 1), _payloads(recipe)
    dense, payload, corrections = mask.size * len(names), payloads.sum(), found.correction_bits
    flat = mask.reshape(-1)
    n_u_orders = {order: Layout(mask.shape, n_out, order).sums(flat) for order in ORDERS}

    def ratio(correction_bits: float) -> float:
        coded = float(payload) + correction_bits
        return dense / coded if coded else float("inf")

    return Analysis(
        layer=ready.layer,
        given=ready.given,
        settings=ready.settings,
        mask=mask,
        n_out=n_out,
        blocks=recipe.layout.blocks,
        tile_blocks=TILE_BLOCKS,
        layout=recipe.layout,
        network=recipe.network,
        exact=found.encoded is not None,
        n_u=n_u_orders[recipe.layout.order],
        n_u_orders=n_u_orders,
        planes=tuple(
            PlaneStats(
                index=p,
                name=name,
                ones=float(shares[p]),
                entropy=float(binary_entropy(shares[p])),
                inverted=bool(plan.inverted[p]),
                care_bits=kept,
                mismatches=float(found.mismatches[p]),
                payload=int(payloads[p]),
                corrections=float(found.corrections[p]),
            )
            for p, name in enumerate(names)
        ),
        sparsity=1 - kept / mask.size if mask.size else 0.0,
        max_ratio=max_ratio(kept, mask.size),
        efficiency=Estimate(1 - found.rate.value, 1 - found.rate.high, 1 - found.rate.low),
        ratio=Estimate(*map(ratio, (corrections.value, corrections.high, corrections.low))),
        bits=found.bits,
        encoded=found.encoded,
        bit_exact=found.bit_exact,
        seconds=time.perf_counter() - started,
        search_seconds=found.search_seconds,
        recipe=recipe if found.encoded is None else None,
        numbers=ready.numbers,
    )
