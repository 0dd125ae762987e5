"""Measure what a model of a million weights costs, in CPU seconds; write cost.json.

    python -m benchmarks.cost          (--quick for a glance, nothing written)

`encode_model` on a file of normally distributed weights, pruned by magnitude and coded by `Code()`:
read, digests, mask, block length, search, corrections, file, and all of it decoded again. Interleaved
blocks of trained layers are as hard as these (docs/results.md). `survey` on a layer of 4096 × 4096, as
models of seven billion weights have them. One thread; CPU time, the least of several runs, since other work on the
machine only adds.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import f2f_viz as f2f
from benchmarks.machine import machine
from benchmarks.timing import cpu
from f2f_viz.files.atomic import write_atomically

HERE = Path(__file__).parent
FORMATS = {"float32": "stored", "bfloat16": "bfloat16", "int8": "int8/channel"}
RATES = (0.7, 0.9)
STAGES = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a glance; writes nothing")
    quick = parser.parse_args().quick
    side, wide = (256, 1024) if quick else (1024, 4096)
    random, rows = np.random.default_rng(7), []
    with tempfile.TemporaryDirectory() as folder:
        model, large, out = (Path(folder, name) for name in ("m.safetensors", "large.npy", "m.f2f"))
        save_file({"w": random.standard_normal((side, side), dtype=np.float32)}, model)
        np.save(large, random.standard_normal((wide, wide), dtype=np.float32))
        for name, stored in FORMATS.items():
            for rate in RATES:
                for n_s in STAGES:
                    settings = f2f.Settings(rate=rate, n_s=n_s, number_format=stored)
                    encode = cpu(
                        lambda own=settings: f2f.encode_model(model, out, own, threads=1),
                        1 if quick or n_s == 2 else 3,
                    )
                    survey = cpu(lambda own=settings: f2f.survey(large, own, threads=1), 2)
                    rows.append({
                        "format": name, "rate": rate, "n_s": n_s,
                        "encode": encode / (side**2 / 1e6), "survey": survey / (wide**2 / 1e6),
                    })  # fmt: skip
                    print(rows[-1], flush=True)
    found = {"machine": machine(), "encode_weights": side**2, "survey_weights": wide**2}
    if not quick:
        text = json.dumps(found | {"rows": rows}, indent=1) + "\n"
        write_atomically(HERE / "cost.json", text.encode())


if __name__ == "__main__":
    main()
