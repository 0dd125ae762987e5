"""Compare a survey of a pretrained Transformer with its whole encodes; write survey.json.

    python benchmarks/survey.py MODEL

MODEL is that of benchmarks/minilm.json, which holds the whole encodes by Code() at
S = 0.9. Seconds are CPU's, of all threads: on a machine with other work wall time says little.
"""

import argparse
import json
import time
from pathlib import Path

import f2f_viz as f2f
from f2f_viz.files.atomic import write_atomically

FOLDER = Path(__file__).parent
RATE = 0.9


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=Path)
    model = arguments.parse_args().model
    table = json.loads((FOLDER / "minilm.json").read_text())
    out = {}
    for n_s in (1, 2):
        whole = table[f"float32, S={RATE}, n_in=8, n_s={n_s}"]
        began, cpu = time.perf_counter(), time.process_time()
        found = f2f.survey(model, f2f.Settings(rate=RATE, n_s=n_s))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        rows = []
        for row in found:
            own = whole[row.name]["default"]
            true = own["dense_bits"] / (own["bits"]["payload"] + own["bits"]["corrections"])
            rows.append({
                "name": row.name, "sampled": not row.exact, "low": row.ratio.low,
                "ratio": row.ratio.value, "high": row.ratio.high, "whole": true,
            })  # fmt: skip
        within = [row["low"] - 1e-9 <= row["whole"] <= row["high"] + 1e-9 for row in rows]
        sampled = [fits for row, fits in zip(rows, within, strict=True) if row["sampled"]]
        out[f"n_s={n_s}"] = {
            "layers": len(rows), "within": sum(within),
            "sampled": len(sampled), "sampled_within": sum(sampled),
            "largest_error": max(abs(row["ratio"] / row["whole"] - 1) for row in rows),
            "weights": sum(row.weights for row in found),
            "cpu_seconds": round(cpu, 2), "wall_seconds": round(wall, 2), "rows": rows,
        }  # fmt: skip
        print(f"n_s={n_s}", {k: v for k, v in out[f"n_s={n_s}"].items() if k != "rows"})
        for row, fits in zip(rows, within, strict=True):
            if not fits:
                print("  outside:", row)
    write_atomically(FOLDER / "survey.json", json.dumps(out, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
