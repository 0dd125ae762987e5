"""Write the golden files of a format version, each once: ``python tests/golden/make.py``.

A file that is there is never written again: a reader of any later version must decode it as it is.
`FILES` says what each holds, whatever the presets have become since; the tests compare. The first
eight were written before matrices were chosen (they are wholly random), with tiles of 4096 blocks,
and the safetensors library wrote their frame, with tensors in the order of their names.
SHA256SUMS holds "<sha256 of the decoded weights' little-endian bytes>  <name>" a line; an int4
weight is a byte whose high half is zero.
"""

import sys
from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np

import f2f_viz as f2f
from f2f_viz.codec.encode import encode_recipe
from f2f_viz.codec.recipe import make_recipe
from f2f_viz.files import layer_file

HERE = Path(__file__).parent


def weights(dtype, shape=(24, 50), seed=1):
    """Heavy-tailed numbers, with the special ones of a float format among them."""
    values = np.random.default_rng(seed).standard_t(4, shape) * 0.05
    if np.dtype(dtype) in (np.int8, ml_dtypes.int4):
        low, high = (-128, 127) if np.dtype(dtype) == np.int8 else (-8, 7)
        return np.clip(np.round(values * high * 8), low, high).astype(dtype)
    values = values.astype(dtype)
    if values.size:
        values.reshape(-1)[:4] = [np.inf, -np.inf, np.nan, 6e-8]
    return values


PAPER = {"order": "row", "coding": "chunk", "mask_coding": "bitmap", "recode": False,
         "zero_rate": False}  # fmt: skip
BEST = {"order": "interleaved", "coding": "rank", "mask_coding": "range", "recode": True,
        "zero_rate": True}  # fmt: skip
SCALES = (np.arange(1, 25) / 8192).astype(np.float32)[:, None]
FITTED = BEST | {"fit_n_out": True, "plain": True}
FIRST = {
    "v1-float32-best.f2f": (weights(np.float32), 0.9, BEST | {"n_s": 1}),
    "v1-float16-paper.f2f": (weights(np.float16), 0.8, PAPER | {"n_s": 2}),
    "v1-bfloat16-best.f2f": (weights(ml_dtypes.bfloat16), 0.9, BEST | {"n_s": 1, "n_in": 5}),
    "v1-int8-best.f2f": (weights(np.int8), 0.7, BEST | {"n_s": 0}),
    "v1-int4-row.f2f": (
        weights(ml_dtypes.int4), 0.6, BEST | {"n_s": 1, "order": "row", "n_out": 19}
    ),
    "v1-empty.f2f": (weights(np.float32, (0, 3)), 0.9, PAPER | {"n_s": 1}),
    "v1-all-pruned.f2f": (weights(np.float32), 1.0, BEST | {"n_s": 1}),
    "v1-none-pruned.f2f": (weights(np.float16, (9, 7)), 0.0, PAPER | {"n_s": 1}),
}  # fmt: skip
FILES = FIRST | {
    "v1-float32-fitted.f2f": (weights(np.float32, (64, 96)), 0.9, FITTED | {"n_s": 2}),
    "v1-int8-plain.f2f": (weights(np.int8), 0.05, FITTED | {"n_s": 0}),
    "v1-int8-scales.f2f": (weights(np.int8), 0.9, FITTED | {"n_s": 1, "scales": SCALES}),
}


def make(name):
    """Encode what a golden file holds."""
    values, rate, options = FILES[name]
    mask = f2f.prune(values, rate)
    if name not in FIRST:
        return f2f.encode(values, mask, **options)
    defaults = {"n_in": 8, "n_out": None, "fit_n_out": False, "plain": False, "seed": 0}
    options = defaults | options
    written = {option: options.pop(option) for option in ("coding", "mask_coding")}
    recipe = make_recipe(values, mask, **options)
    shape = recipe.network.matrix.shape
    drawn = np.random.Generator(np.random.PCG64(0)).integers(0, 2, shape, dtype=np.uint8)
    recipe = replace(recipe, network=f2f.XorNetwork(drawn, options["n_in"]))
    encoded = encode_recipe(values, mask, recipe, order=options["order"], **written)
    assert encoded.blocks <= encoded.tile_blocks  # so that one tile is as good as another
    return replace(encoded, tile_blocks=4096)


def main():
    sums = HERE / "SHA256SUMS"
    listed = sums.read_text().split()[1::2]
    new = [name for name in FILES if name not in listed]
    if not new:
        sys.exit("golden files are written once; there already: " + ", ".join(listed))
    for name in new:
        encoded = make(name)
        with (HERE / name).open("xb") as file:
            file.write(layer_file.to_bytes(encoded))
        with sums.open("a") as file:
            file.write(f"{encoded.checksum}  {name}\n")


if __name__ == "__main__":
    main()
