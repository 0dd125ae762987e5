"""Write the golden files of the format: ``python -m tests.golden.make``.

Until the first release the format may change; they are then all made anew. After it a file that is
there stays as it is: a reader of any later version must decode it. `FILES` says what each holds,
whatever the defaults have become since; the tests compare. SHA256SUMS holds "<sha256 of the decoded
weights' little-endian bytes>  <name>" a line; an int4 weight is a byte whose high half is zero.
"""

import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np

import f2f_viz as f2f
from f2f_viz.codec.encode import sha256
from f2f_viz.files import layer_file
from tests.models.test_encode import SETTINGS, write_model

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


PAPER = f2f.Code.paper()
RANKS = f2f.Code(fit_n_out=False, plain=False)
FITTED = f2f.Code(fit_n_out=True, plain=True)
SCALES = (np.arange(1, 25) / 8192).astype(np.float32)[:, None]
FILES = {
    "float32-ranks.f2f": (weights(np.float32), 0.9, RANKS, {"n_s": 1}),
    "float16-paper.f2f": (weights(np.float16), 0.8, PAPER, {"n_s": 2}),
    "bfloat16-ranks.f2f": (weights(ml_dtypes.bfloat16), 0.9, RANKS, {"n_s": 1, "n_in": 5}),
    "int8-ranks.f2f": (weights(np.int8), 0.7, RANKS, {"n_s": 0, "mask_coding": "range"}),
    "int4-row.f2f": (
        weights(ml_dtypes.int4), 0.6, RANKS, {"n_s": 1, "order": "row", "n_out": 19}
    ),
    "empty.f2f": (weights(np.float32, (0, 3)), 0.9, PAPER, {"n_s": 1}),
    "all-pruned.f2f": (weights(np.float32), 1.0, RANKS, {"n_s": 1}),
    "none-pruned.f2f": (weights(np.float16, (9, 7)), 0.0, PAPER, {"n_s": 1}),
    "float32-fitted.f2f": (weights(np.float32, (64, 96)), 0.9, FITTED, {"n_s": 2}),
    "int8-plain.f2f": (weights(np.int8), 0.05, FITTED, {"n_s": 0}),
    "int8-slots.f2f": (weights(np.int8, (64, 96)), 0.8, f2f.Code.fixed_rate(), {"n_s": 1}),
    "int8-scales.f2f": (weights(np.int8), 0.9, FITTED, {"n_s": 1, "scales": SCALES}),
}  # fmt: skip


def make(name):
    """Encode what a golden file holds."""
    values, rate, code, options = FILES[name]
    layer = f2f.load_layer({f"µ.{name}": values})
    return f2f.encode(layer, f2f.prune(values, rate), code, **options)


def main():
    lines = []
    for name in FILES:
        encoded = make(name)
        (HERE / name).write_bytes(layer_file.to_bytes(encoded))
        lines.append(f"{sha256(f2f.decode(encoded))}  {name}\n")
    (HERE / "SHA256SUMS").write_text("".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / "m.safetensors")
        f2f.encode_model(Path(folder) / "m.safetensors", HERE / "model/model.f2f", SETTINGS)
    f2f.decode_model(HERE / "model/model.f2f", HERE / "model/model.safetensors")


if __name__ == "__main__":
    main()
