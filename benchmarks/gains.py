"""Measure what two options of how to code are worth; write gains.json.

    python benchmarks/gains.py [MODEL]

`plain`: payload + corrections, bits per weight and plane, with planes coded and with planes stored
plainly, of random bits and of the sample network. `n_out_by_plane`, if there is a MODEL (the one
of minilm.json): payload + corrections of some of its matrices, S = 0.9, n_in = 8, n_s = 1, at the
best of several block lengths for the layer, and at the best for each plane by itself.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import f2f_viz as f2f
from f2f_viz.codec import blocks
from f2f_viz.codec.encode import encode_recipe
from f2f_viz.codec.recipe import LENGTHS, make_recipe
from f2f_viz.samples import SMALL
from f2f_viz.tensors.layer import Layer

OUT = Path(__file__).with_name("gains.json")
RATES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
MATRICES = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")

MATRIX = "random"  # the default family when these were measured; efficiency is the same


def random_layer() -> Layer:
    """Weights of eight random bits."""
    weights = np.random.default_rng(0).integers(0, 256, (512, 512)).astype(np.uint8)
    return Layer("random bits", weights, "uint8", "random")


def plain_row(layer: Layer, rate: float, n_s: int) -> dict[str, Any]:
    """Bits per weight and plane that has symbols, coded and plain."""
    method = "random" if layer.name == "random bits" else "magnitude"
    mask = f2f.prune(layer.weights, rate, method)
    coded, plain = (
        f2f.encode(layer.weights, mask, n_s=n_s, matrix=MATRIX, **choice)
        for choice in ({"plain": False}, {"n_out": 8, "fit_n_out": False, "plain": False})
    )
    chosen = f2f.encode(layer.weights, mask, n_s=n_s, matrix=MATRIX)
    planes = [p for p, plane in enumerate(coded.planes) if not plane.zero_rate]
    bits = coded.blocks * 8 * len(planes) + int(coded.correction_bits[planes].sum())
    return {
        "data": layer.name, "n_s": n_s, "rate": rate, "n_out": coded.n_out,
        "coded": bits / layer.weights.size / len(planes),
        "plain": plain.blocks * 8 / layer.weights.size,
        "kept": coded.kept / layer.weights.size,
        "chosen": "plain" if chosen.network.is_plain else "coded",
    }  # fmt: skip


def plane_lengths(layer: Layer) -> dict[str, Any]:
    """Bits of a layer at each block length, and with the best length of every plane."""
    code = f2f.Code(n_s=2, matrix=MATRIX)
    mask = f2f.prune(layer.weights, 0.9)
    paper = blocks.default_n_out(code.n_in, int(mask.sum()), mask.size)
    bits = {}
    for length in sorted({int(paper * by) + more for by in LENGTHS for more in (0, 1)}):
        recipe = make_recipe(layer.weights, mask, replace(code, n_out=length))
        encoded = encode_recipe(layer.weights, mask, recipe)
        coded = ~recipe.plan.zero_rate
        bits[length] = encoded.correction_bits + coded * encoded.blocks * code.n_in
    best = min(bits, key=lambda length: bits[length].sum())
    by_plane = np.min(list(bits.values()), axis=0)
    return {
        "layer": layer.name, "n_out": best, "by_layer": int(bits[best].sum()),
        "by_plane": int(by_plane.sum()),
        "lengths": {str(length): int(total.sum()) for length, total in bits.items()},
    }  # fmt: skip


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path)
    path = parser.parse_args().model
    known = json.loads(OUT.read_text()) if OUT.exists() else {}
    layers = (random_layer(), f2f.sample_layer(SMALL))
    known["plain"] = [
        plain_row(layer, rate, n_s) for layer in layers for n_s in (0, 1, 2) for rate in RATES
    ]
    if path:
        known["n_out_by_plane"] = [
            plane_lengths(f2f.load_layer(path, f"encoder.layer.{block}.{name}.weight"))
            for block in (0, 3)
            for name in MATRICES
        ]
    OUT.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
