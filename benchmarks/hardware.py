"""Measure the decoder as a circuit; write hardware.json.

    python -m benchmarks.hardware [MODEL] [--only efficiency gates ...]

Debian's Icarus Verilog and Yosys are installed if they are not there (tools/ensure_iverilog.sh).
MODEL is that of minilm.json; without it the columns of the model keep what they hold. S = 0.9,
n_in = 8, n_out = 80 throughout; what was measured before is replaced part by part.

`efficiency`: of matrices of many weights, on random bits (20 matrices each) and on the 16 low planes
of a layer of the model, beside their gates. `gates`: look-up tables and flip-flops as Yosys maps
them (`synth -flatten -lut K`), of the XOR network and of whole lanes. `cycles`: of a lane that
decodes the sample layer, counted in Icarus. `lanes`: share of the ideal that schedules of many
lanes reach. `slots`: what corrections at a fixed rate cost every matrix of the model.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.encoded import Encoded
from f2f_viz.files.atomic import write_atomically
from f2f_viz.hardware import lanes
from f2f_viz.samples import SMALL
from f2f_viz.tensors.layer import Layer

OUT = Path(__file__).with_name("hardware.json")
ENSURE = Path(__file__).parents[1] / "tools" / "ensure_iverilog.sh"
S, N_IN, N_OUT = 0.9, 8, 80
SEEDS, BLOCKS = 20, 2000
LAYERS = ("encoder.layer.3.intermediate.dense.weight", "encoder.layer.3.output.dense.weight")
LOW_PLANES = slice(16, 32)
Row = dict[str, Any]

MATRICES: tuple[tuple[int, str, Row], ...] = (
    (0, "random, rows apart", {"matrix": "random"}),
    (0, "odd, light first", {"matrix": "odd"}),
    (1, "random, rows apart", {"matrix": "random"}),
    (1, "odd, light first / random", {"matrix": "odd"}),
    (1, "≤ 3 / 3", {"matrix": "light", "weights": (3, 3)}),
    (1, "≤ 3 / 1", {"matrix": "light", "weights": (3, 1)}),
    (2, "random, rows apart", {"matrix": "random"}),
    (2, "odd, light first / random", {"matrix": "odd"}),
    (2, "≤ 3 / 3", {"matrix": "light", "weights": (3, 3)}),
    (2, "≤ 2 / 1, then 3", {"matrix": "light", "weights": (2, 1, 3)}),
    (2, "≤ 3 / 1", {"matrix": "light", "weights": (3, 1)}),
    (2, "≤ 2 / 1", {"matrix": "light", "weights": (2, 1)}),
)
"""n_s, the ones of a row on x_t / on each older symbol, and the fields of Code."""


def plain_code(n_s: int, **fields: Any) -> f2f.Code:
    """Return a code of n_out = 80 whose planes are the bits as they are."""
    return f2f.Code(
        n_in=N_IN, n_s=n_s, n_out=N_OUT, fit_n_out=False, plain=False, recode=False,
        zero_rate=False, **fields,
    )  # fmt: skip


def corrected(encoded: Encoded) -> np.ndarray:
    """Return the corrections of every block of every plane, shape (planes, blocks)."""
    return np.stack(
        [
            np.bincount(encoded.positions(p) // encoded.n_out, minlength=encoded.blocks)
            for p in encoded.planes
        ]
    )


def pruned(layer: Layer) -> np.ndarray:
    return f2f.prune(layer.weights, S)


def efficiency(model: Path | None, before: list[Row]) -> list[Row]:
    rng = np.random.default_rng(123)
    care = rng.random((BLOCKS, N_OUT)) < 1 - S
    bits = rng.random(care.shape) < 0.5
    layer = f2f.load_layer(model, LAYERS[0]) if model else None
    known = {(row["n_s"], row["rows"]): row for row in before}
    rows = []
    for n_s, name, fields in tqdm(MATRICES, "efficiency", disable=None):
        networks = [plain_code(n_s, **fields, seed=seed).network(N_OUT) for seed in range(SEEDS)]
        found = [
            1 - int(f2f.encode_bits(bits, care, one).mismatches) / int(care.sum())
            for one in networks
        ]
        counts = [asdict(f2f.gates(one)) for one in networks]
        row = {
            "n_s": n_s, "rows": name, "seeds": SEEDS,
            "efficiency": float(np.mean(found)), "deviation": float(np.std(found)),
            **{key: float(np.mean([c[key] for c in counts])) for key in counts[0]},
        }  # fmt: skip
        row["model_efficiency"] = known.get((n_s, name), {}).get("model_efficiency")
        if layer is not None:
            encoded = f2f.encode(layer.weights, pruned(layer), plain_code(n_s, **fields))
            wrong = int(corrected(encoded)[LOW_PLANES].sum())
            row["model_efficiency"] = 1 - wrong / (16 * encoded.kept)
        rows.append(row)
    return rows


def sample_encoded(n_s: int) -> Encoded:
    layer = f2f.sample_layer(SMALL)
    return f2f.encode(layer.weights, pruned(layer), plain_code(n_s))


def mapped(folder: Path, sources: str, top: str, inputs: int) -> Row:
    """Return the look-up tables of so many inputs, and the flip-flops, that Yosys makes."""
    script = f"read_verilog {sources}; synth -flatten -top {top} -lut {inputs}; tee -q -o stat stat"
    subprocess.run(["yosys", "-q", "-p", script], cwd=folder, check=True)
    cells = dict(re.findall(r"^\s+(\S+)\s+(\d+)$", (folder / "stat").read_text(), re.M))
    flops = sum(int(count) for name, count in cells.items() if "DFF" in name)
    return {"luts": int(cells["$lut"]), "flip_flops": flops}


def gates(model: Path | None, before: list[Row]) -> list[Row]:
    rows = []
    for n_s in (0, 1, 2):
        encoded = sample_encoded(n_s)
        network = {"part": "XOR network", **asdict(f2f.gates(encoded.network))}
        for flips in (1, 2):
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                f2f.verilog(encoded, folder, flips=flips)
                parts = [
                    (
                        {
                            "part": f"whole lane, {'one flip' if flips == 1 else 'two flips'} a cycle"
                        },
                        "f2f_xor.v f2f_lane.v",
                        "f2f_lane",
                    )
                ]
                if flips == 1:
                    parts.insert(0, (network, "f2f_xor.v", "f2f_xor"))
                for row, sources, top in parts:
                    tables = {f"lut{k}": mapped(folder, sources, top, k)["luts"] for k in (4, 6)}
                    own = mapped(folder, sources, top, 6)["flip_flops"]
                    kept = {"flip_flops": own} if top == "f2f_lane" else {}
                    rows.append({"n_s": n_s, **row, **tables, **kept})
    return rows


def cycles(model: Path | None, before: list[Row]) -> list[Row]:
    rows = []
    for n_s in (0, 1, 2):
        encoded = sample_encoded(n_s)
        for flips in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                f2f.verilog(encoded, folder, flips=flips)
                made = subprocess.run(
                    ["make", "-s", "run"], cwd=folder, check=True, capture_output=True, text=True
                )
            found = {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", made.stdout)}
            rows.append({"n_s": n_s, "flips": flips, **found})
    return rows


def schedules(model: Path | None, before: list[Row]) -> list[Row]:
    if model is None:
        return before
    rows = []
    for name in LAYERS:
        layer = f2f.load_layer(model, name)
        mask = pruned(layer)
        encoded = f2f.encode(layer.weights, mask, plain_code(1))
        care = np.diff(encoded.care_starts)
        for count in (16, 64, 256):
            kept = mask.sum(axis=1)
            made = {
                "CSR, in lockstep": lanes.csr_lockstep(kept, count),
                "CSR, rows dealt out": lanes.csr_dealt(kept, count),
                "CSR, rows as lanes fall free": lanes.csr_free(kept, count),
                "bitmask, 16 groups of buffer": lanes.bitmask(care, count),
                "F2F, n_s = 1": lanes.f2f_blocks(corrected(encoded).reshape(-1), count),
            }
            rows += [
                {"layer": name, "lanes": count, "scheme": scheme, "share": schedule.share}
                for scheme, schedule in made.items()
            ]
    return rows


def matrices(model: Path) -> Iterator[Layer]:
    for info in sorted(f2f.list_tensors(model), key=lambda info: info.nbytes):
        if len(info.shape) == 2 and info.dtype == "float32":
            yield f2f.load_layer(model, info.name)


def slots(model: Path | None, before: list[Row]) -> list[Row]:
    """Cost in bits of the corrections in slots and by rank; overflow in corrections."""
    if model is None:
        return before
    rows = []
    for layer in tqdm(list(matrices(model)), "slots", disable=None):
        mask = pruned(layer)
        for n_s in (1, 2):
            code = f2f.Code.fixed_rate(n_s=n_s, n_out=N_OUT, fit_n_out=False, coding="rank")
            encoded = f2f.encode(layer.weights, mask, code)
            plane_bits = encoded.blocks * encoded.n_out
            by_rank, in_slots, late, with_overflow = 0, 0, 0, 0
            for plane in encoded.planes:
                where = partial(encoded.positions, plane)
                by_rank += CODINGS["rank"].bits(plane.corrections, where, plane_bits)
                _, bits, parameter = CODINGS["slots"].pack(plane.corrections, where, plane_bits)
                over = (bits - (parameter >> 8) * (parameter & 255)) // 32
                in_slots, late = in_slots + bits, late + over
                with_overflow += over > 0
            rows.append(
                {"layer": layer.name, "shape": list(layer.weights.shape), "n_s": n_s,
                 "payload": encoded.blocks * N_IN * len(encoded.planes), "rank": int(by_rank),
                 "slots": int(in_slots), "corrections": int(corrected(encoded).sum()),
                 "overflow": int(late), "planes": len(encoded.planes),
                 "planes_with_overflow": with_overflow}
            )  # fmt: skip
    return rows


PARTS = {
    "efficiency": efficiency,
    "gates": gates,
    "cycles": cycles,
    "lanes": schedules,
    "slots": slots,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=Path, nargs="?")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = arguments.parse_args()
    subprocess.run([ENSURE, "iverilog", "yosys"], check=True, env={**os.environ, "CI": "1"})
    found: Row = json.loads(OUT.read_text()) if OUT.exists() else {}
    yosys = subprocess.run(["yosys", "-V"], check=True, capture_output=True, text=True).stdout
    found["tools"] = " ".join(yosys.split()[:2])
    for part in chosen.only:
        found[part] = PARTS[part](chosen.model, found.get(part, []))
        write_atomically(OUT, json.dumps(found, indent=0, ensure_ascii=False).encode())
        print(part, *found[part], sep="\n  ")


if __name__ == "__main__":
    main()
