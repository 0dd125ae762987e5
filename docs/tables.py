"""Tables of the pages, written from the files of benchmarks/ when the pages are built.

``python docs/tables.py`` writes those of the README, each between its two comments; the test suite
compares them.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PAPER = HERE.parent / "benchmarks" / "paper.json"
MODEL = HERE.parent / "benchmarks" / "minilm.json"
RESNET = HERE.parent / "benchmarks" / "resnet.json"
LATENCY = HERE.parent / "benchmarks" / "latency.json"
GAINS = HERE.parent / "benchmarks" / "gains.json"
CHECKPOINTS = HERE.parent / "benchmarks" / "checkpoints.json"
HARDWARE = HERE.parent / "benchmarks" / "hardware.json"
COST = HERE.parent / "benchmarks" / "cost.json"
PRODUCTS = HERE.parent / "benchmarks" / "products.json"
SURVEY = HERE.parent / "benchmarks" / "survey.json"
Row = dict[str, Any]
NETWORKS = {
    "random": "random bits",
    "minilm": "MiniLM, 40 matrices",
    "transformer": "MiniLM, 3 matrices",
    "resnet-50": "ResNet-50, 45 kernels",
    "convolutional": "text detector, 6 kernels",
}
"""What the tables call the networks of paper.json."""
DTYPE_BITS = {"float32": 32, "bfloat16": 16, "int8": 8}


def percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f} %"


def markdown(head: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    head = list(head)
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


def select(rows: list[Row], **wanted: Any) -> list[Row]:
    """Return the rows with these values; None asks that the key be absent."""
    return [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]


def random_table(rows: list[Row]) -> str:
    lines = []
    for rate in (0.6, 0.7, 0.8, 0.9):
        for n_s in (0, 1, 2):
            seeds = select(rows, data="random", rate_asked=rate, n_s=n_s, study=None)
            if not seeds:
                continue
            e = [row["efficiency"] for row in seeds]
            mean = sum(e) / len(e)
            saved, chunk = (
                sum(row[key] for row in seeds) / len(seeds)
                for key in ("memory_reduction", "memory_reduction_chunk")
            )
            lines.append(
                [rate, n_s, f"{percent(mean)} ({percent(min(e))} to {percent(max(e))})",
                 percent(saved), percent(chunk), percent(seeds[0]["sparsity"])]
            )  # fmt: skip
    head = ["S", "n_s", f"efficiency, mean of {len(seeds)} matrices (range)", "memory reduction",
            "with the paper's corrections", "bound S"]  # fmt: skip
    return markdown(head, lines)


def measured(row: Row, value: float, digits: int = 2) -> str:
    """Return a share of a row in percent; an estimate where not every plane was searched."""
    return "≈ " * ("every" in row) + percent(value, digits)


def share(row: Row, memory_reduction: str = "memory_reduction") -> float:
    """Return the ratio over the maximum ratio, 1 / (1 − S)."""
    return (1 - row["sparsity"]) / (1 - row[memory_reduction])


def claim_table(rows: list[Row], dtype: str) -> str:
    """Shares of the maximum ratio at S = 0.9: the paper's code, then order and corrections ours."""
    found = [
        row for row in select(rows, rate_asked=0.9, invert=None, study=None)
        if row["dtype"] in (dtype, "uint8") and row.get("seed", 0) == 0
    ]  # fmt: skip
    samples = [row["data"] for row in found if row["data"].startswith("digits-")]
    lines = []
    for data in ("random", "minilm", "resnet-50", "convolutional", *dict.fromkeys(samples)):
        own = select(found, data=data)
        for pruning in dict.fromkeys(row["pruning"] for row in own):
            by_order = {
                order: sorted(select(own, pruning=pruning, order=order), key=lambda r: r["n_s"])
                for order in ("row", "interleaved")
            }
            paper = by_order["row"]
            ours = by_order["interleaved"] or paper  # of random bits any order is as good
            if len(paper) == len(ours) == 3:
                lines.append(
                    [NETWORKS.get(data, data.partition("/")[0]), pruning,
                     *(measured(row, share(row, "memory_reduction_chunk"), 1) for row in paper),
                     *(measured(row, share(row), 1) for row in ours),
                     *(f"{own[1]['n_u']['dispersion']:.2f}" for own in (paper, ours))]
                )  # fmt: skip
    head = ["network", "pruning", *(f"the paper's, n_s = {n}" for n in (0, 1, 2)),
            *(f"ours, n_s = {n}" for n in (0, 1, 2)), "dispersion, row", "interleaved"]  # fmt: skip
    return markdown(head, lines)


def real_table(rows: list[Row]) -> str:
    lines = []
    for data in ("minilm", "resnet-50", "convolutional"):
        for dtype in ("float32", "int8"):
            for order in ("row", "interleaved"):
                found = select(
                    rows, data=data, dtype=dtype, order=order, pruning="magnitude", rate_asked=0.9,
                    invert=None,
                )  # fmt: skip
                by_n_s = {row["n_s"]: row for row in found}
                n_u = by_n_s[1]["n_u"]
                lines.append(
                    [NETWORKS[data], dtype, order, f"{n_u['cv']:.2f}", f"{n_u['dispersion']:.2f}",
                     *(measured(by_n_s[n], by_n_s[n]["efficiency"]) for n in (0, 1, 2)),
                     percent(by_n_s[1]["memory_reduction"])]
                )  # fmt: skip
    head = ["network", "format", "order", "CV of n_u", "dispersion", "E, n_s = 0", "E, n_s = 1",
            "E, n_s = 2", "memory reduction, n_s = 1"]  # fmt: skip
    return markdown(head, lines)


def rates_table(rows: list[Row]) -> str:
    lines = []
    for data, pruning in (
        ("transformer", "magnitude"), ("resnet-50", "magnitude"),
        ("resnet-50", "global magnitude"), ("resnet-50", "random"), ("convolutional", "magnitude"),
    ):  # fmt: skip
        for order in ("row", "interleaved"):
            for rate in (0.6, 0.7, 0.8, 0.9):
                found = select(
                    rows, data=data, dtype="float32", order=order, pruning=pruning,
                    rate_asked=rate, invert=None,
                )  # fmt: skip
                own = sorted(found, key=lambda row: row["n_s"])
                values = [measured(row, row["memory_reduction"]) for row in own]
                lines.append([NETWORKS[data], pruning, order, rate, *values, percent(rate, 0)])
    head = ["network", "pruning", "order", "S", "n_s = 0", "n_s = 1", "n_s = 2", "bound S"]
    return markdown(head, lines)


def samples_table(rows: list[Row]) -> str:
    lines = []
    for data in dict.fromkeys(r["data"] for r in rows if r["data"].startswith("digits-")):
        name = data.removeprefix("digits-").replace("/", ", ")
        for order in ("row", "interleaved"):
            by = {row["n_s"]: row for row in select(rows, data=data, order=order, dtype="float32")}
            lines.append(
                [name, percent(by[1]["accuracy"], 1), order, f"{by[1]['n_u']['dispersion']:.2f}",
                 *(percent(by[n]["efficiency"]) for n in (0, 1, 2)),
                 percent(by[2]["memory_reduction"]), percent(by[2]["sparsity"])]
            )  # fmt: skip
    head = ["network, pruning", "accuracy", "order", "dispersion", "E, n_s = 0", "E, n_s = 1",
            "E, n_s = 2", "memory reduction, n_s = 2", "bound S"]  # fmt: skip
    return markdown(head, lines)


def invert_table(rows: list[Row]) -> str:
    lines = []
    for data in ("minilm", "resnet-50", "convolutional"):
        for dtype in ("float32", "int8"):
            pair = [
                select(
                    rows, data=data, dtype=dtype, order="interleaved", pruning="magnitude",
                    rate_asked=0.9, n_s=1, invert=invert,
                )[0]
                for invert in (False, None)
            ]  # fmt: skip
            lines.append([NETWORKS[data], dtype, *(percent(row["efficiency"]) for row in pair)])
    return markdown(["network", "format", "E, not inverted", "E, inverted"], lines)


def n_in_table(rows: list[Row]) -> str:
    lines = []
    for n_in in (2, 4, 6, 8, 10):
        values = []
        for n_s in (0, 1):
            if n_in == 8:
                row = select(rows, data="random", rate_asked=0.9, n_s=n_s, seed=0)[0]
            else:
                row = select(rows, data="random", n_s=n_s, study="n_in", n_in=n_in)[0]
            values += [percent(row["efficiency"]), percent(row["memory_reduction"])]
        lines.append([n_in, *values])
    head = ["n_in", "E, n_s = 0", "memory reduction", "E, n_s = 1", "memory reduction"]
    return markdown(head, lines)


def n_out_table(rows: list[Row]) -> str:
    plain = select(rows, data="random", rate_asked=0.9, n_s=1, seed=0)[:1]
    found = [*select(rows, data="random", study="n_out"), {**plain[0], "scale": 1.0}]
    lines = []
    for row in sorted(found, key=lambda row: row["scale"]):
        lines.append(
            [f"{row['scale']:.2f}", percent(row["efficiency"]), f"{row['rate']:.4f}",
             f"{row['rate_bound']:.4f}", percent(row["memory_reduction"])]
        )  # fmt: skip
    head = ["n_out / floor(n_in / (1 − S))", "efficiency", "payload bits per bit",
            "least possible at this E", "memory reduction, with corrections"]  # fmt: skip
    return markdown(head, lines)


def model_table(models: dict[str, dict[str, dict[str, Row]]]) -> str:
    """Payload + corrections over kept bits, of all matrices and kernels of a network."""
    lines = []
    for name, found in models.items():
        for title in sorted(found, key=lambda title: (-DTYPE_BITS[title.split(",")[0]], title)):
            values = []
            for code in ("row", "interleaved", "default"):
                known = [layer[code] for layer in found[title].values()]
                coded = sum(r["bits"]["payload"] + r["bits"]["corrections"] for r in known)
                values.append(f"{coded / sum(r['kept_bits'] for r in known):.3f}")
            dtype, *_, n_s = title.replace("n_s=", "").split(", ")
            lines.append([name, dtype, n_s, *values])
    head = ["network", "format", "n_s", "paper's coding, row order", "interleaved", "Code()"]
    return markdown(head, lines)


def model_rivals_table(found: dict[str, dict[str, Row]]) -> str:
    """Bytes of all matrices in every format."""
    columns: dict[str, dict[str, int]] = {}
    for title, layers in found.items():
        dtype, *_, n_s = title.split(", ")
        rows = list(layers.values())
        if all("default" in row for row in rows):
            size = sum(sum(row["default"]["bits"].values()) for row in rows) // 8
            columns.setdefault(dtype, {})[f"F2F, {n_s}"] = size
        if all("rivals" in row for row in rows):
            for name in rows[0]["rivals"]:
                sizes = [row["rivals"][name] for row in rows]
                if None not in sizes:
                    columns.setdefault(dtype, {})[name] = sum(sizes)
    shown = [dtype for dtype, sizes in columns.items() if "dense" in sizes]
    names = sorted(columns[shown[0]], key=lambda name: -columns[shown[0]][name]) if shown else []
    lines = [
        [name, *(f"{columns[d][name]:,}" if name in columns[d] else "—" for d in shown)]
        for name in names
    ]
    return markdown(["format", *(f"{dtype}, bytes" for dtype in shown)], lines)


def plain_table(rows: list[Row]) -> str:
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        for rate in dict.fromkeys(row["rate"] for row in rows):
            found = [select(rows, data=data, rate=rate, n_s=n_s)[0] for n_s in (0, 1, 2)]
            values = [
                f"{row['coded']:.4f}" + (", plain" if row["chosen"] == "plain" else "")
                for row in found
            ]
            lines.append([data, rate, *values, f"{found[0]['kept']:.2f}"])
    head = ["planes of", "S", "coded, n_s = 0", "coded, n_s = 1", "coded, n_s = 2", "1 − S"]
    return markdown(head, lines)


def plane_lengths_table(rows: list[Row]) -> str:
    lines = [
        [row["layer"], row["n_out"], f"{row['by_layer']:,}", f"{row['by_plane']:,}",
         percent(1 - row["by_plane"] / row["by_layer"], 3)]
        for row in rows
    ]  # fmt: skip
    head = ["matrix", "n_out", "bits, one length", "bits, a length a plane", "would save"]
    return markdown(head, lines)


def readme_random_table(rows: list[Row]) -> str:
    lines = []
    for rate in (0.6, 0.7, 0.8, 0.9):
        values = []
        for n_s in (0, 1, 2):
            seeds = select(rows, data="random", rate_asked=rate, n_s=n_s, study=None)
            mean, saved = (
                sum(row[key] for row in seeds) / len(seeds)
                for key in ("efficiency", "memory_reduction")
            )
            values.append(f"{percent(mean)} ({percent(saved, 1)})")
        lines.append([rate, *values])
    return markdown(["S", "n_s = 0", "n_s = 1", "n_s = 2"], lines)


def readme_real_table(rows: list[Row]) -> str:
    lines = []
    for data in ("minilm", "resnet-50"):
        for order in ("row", "interleaved"):
            found = select(
                rows, data=data, dtype="float32", order=order, pruning="magnitude",
                rate_asked=0.9, invert=None,
            )  # fmt: skip
            by_n_s = {row["n_s"]: row for row in found}
            values = (measured(by_n_s[n], by_n_s[n]["efficiency"]) for n in (0, 1, 2))
            n_u = by_n_s[1]["n_u"]
            lines.append([NETWORKS[data], order, f"{n_u['dispersion']:.2f}", *values])
    head = ["Network", "Order", "Dispersion of n_u", "n_s = 0", "n_s = 1", "n_s = 2"]
    return markdown(head, lines)


SHOWN = {
    "dense": ("dense", "yes", "yes"),
    "COO": ("COO", "no", "by search"),
    "shuffled zstd": ("byte-shuffled zstd", "no", "no"),
    "CSR": ("CSR", "no", "by row"),
    "bitmask + values": ("bitmask + values", "no", "no"),
    "zstd": ("zstd, level 19", "no", "no"),
    "xz": ("xz", "no", "no"),
    "F2F": ("**F2F**, `Code(n_s=2)`", "symbols", "by tile"),
    "zipnn": ("ZipNN", "no", "no"),
    "entropy mask + zstd": ("entropy-coded mask + zstd of kept weights", "no", "no"),
    "entropy mask + exponents": ("entropy-coded mask + exponents", "no", "no"),
}
"""Names of formats in the README; fixed rate; random access."""
LAYER = "encoder.layer.3.intermediate.dense.weight"


def layer_sizes(model: dict[str, dict[str, Row]]) -> dict[str, int]:
    """Bytes of the README's layer in every format that applies."""
    row = model["float32, S=0.9, n_in=8, n_s=2"][LAYER]
    sizes = {name: size for name, size in row["rivals"].items() if size is not None}
    return sizes | {"F2F": sum(row["default"]["bits"].values()) // 8}


def readme_rivals_table(model: dict[str, dict[str, Row]]) -> str:
    sizes = layer_sizes(model)
    lines = []
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        name, rate, access = SHOWN[key]
        lines.append([name, f"{sizes[key]:,}", f"{sizes['dense'] / sizes[key]:.2f}", rate, access])
    text = markdown(["Format", "Bytes", "Dense / bytes", "Fixed rate", "Random access"], lines)
    return text.replace("| --- | --- | --- |", "| --- | ---: | ---: |", 1)


def readme() -> str:
    """Return the README with the tables that the files of benchmarks/ give."""
    rows, model = json.loads(PAPER.read_text())["rows"], json.loads(MODEL.read_text())
    tables = {
        "random": readme_random_table(rows),
        "real": readme_real_table(rows),
        "rivals": readme_rivals_table(model),
    }
    text = README.read_text()
    for name, table in tables.items():
        start, end = f"<!-- {name}: docs/tables.py -->\n\n", f"\n<!-- {name} ends -->"
        before, rest = text.split(start)
        text = before + start + table + end + rest.split(end)[1]
    return text


def latency_table(found: dict[str, Any]) -> str:
    """Milliseconds from a change to the figures, at the kernel and in the browser."""
    lines = []
    for row in found["rows"]:
        kernel, browser = row["kernel"], row["browser"]
        lines.append(
            [" × ".join(map(str, row["shape"])), row["n_s"],
             *(f"{part[key]:.0f} ms" for part in (kernel, browser)
               for key in ("median_ms", "p95_ms")),
             f"{kernel['kilobytes']:.0f} kB"]
        )  # fmt: skip
    head = ["layer, float32", "n_s", "kernel, median", "95 %", "browser, median", "95 %", "sent"]
    note = f"Medians and 95th percentiles of {found['rows'][0]['browser']['changes']} changes on "
    return markdown(head, lines) + f"\n{note}{found['machine']}; f2f-viz {found['version']}.\n"


def hardware_efficiency_table(rows: list[Row]) -> str:
    lines = [
        [row["n_s"], row["rows"],
         f"{percent(row['efficiency'])} (± {100 * row['deviation']:.2f})",
         percent(row["model_efficiency"]), f"{row['naive']:.0f}", f"{row['depth']:.1f}",
         f"{row['shared']:.0f}", f"{row['flip_flops']:.0f}"]
        for row in rows
    ]  # fmt: skip
    head = ["n_s", "ones of a row on x_t / on each older symbol",
            f"E, random bits, {rows[0]['seeds']} matrices (deviation)", "E, MiniLM, low planes",
            "gates, none shared", "their depth", "gates, shared", "flip-flops"]  # fmt: skip
    return markdown(head, lines)


def hardware_gates_table(rows: list[Row]) -> str:
    lines = [
        [row["n_s"], row["part"], row.get("naive", ""), row.get("shared", ""), row["lut4"],
         row["lut6"], row["flip_flops"]]
        for row in rows
    ]  # fmt: skip
    head = ["n_s", "circuit", "XOR gates", "shared", "LUTs of 4 inputs", "LUTs of 6 inputs",
            "flip-flops"]  # fmt: skip
    return markdown(head, lines)


def hardware_cycles_table(rows: list[Row]) -> str:
    lines = []
    for n_s in (0, 1, 2):
        found = select(rows, n_s=n_s)
        lines.append([n_s, *(f"{row['cycles'] / row['blocks']:.4f}" for row in found)])
    return markdown(["n_s", "one flip per cycle", "two flips per cycle"], lines)


def hardware_lanes_table(rows: list[Row]) -> str:
    lines = []
    for layer in dict.fromkeys(row["layer"] for row in rows):
        for scheme in dict.fromkeys(row["scheme"] for row in rows):
            found = select(rows, layer=layer, scheme=scheme)
            shares = (f"{row['share']:.2f}" for row in found)
            lines.append([f"`{layer.removesuffix('.weight')}`", scheme, *shares])
    counts = dict.fromkeys(row["lanes"] for row in rows)
    return markdown(["layer", "scheme", *(f"{count} lanes" for count in counts)], lines)


def hardware_slots_table(rows: list[Row]) -> str:
    """Corrections over payload, by rank and in slots; corrections that overflow; by layer."""
    names = list(dict.fromkeys(row["layer"] for row in rows))
    sums = ("payload", "rank", "slots", "corrections", "overflow")
    lines = []
    for name in [*names, "all"]:
        line = [f"`{name.removesuffix('.weight')}`" if name != "all" else "all"]
        for n_s in (1, 2):
            own = [row for row in select(rows, n_s=n_s) if name in (row["layer"], "all")]
            total = {key: sum(row[key] for row in own) for key in sums}
            rank, slots = (percent(total[key] / total["payload"], 1) for key in ("rank", "slots"))
            over = total["overflow"] / total["corrections"] if total["corrections"] else 0.0
            planes = sum(row["planes_with_overflow"] for row in own)
            count = sum(row["planes"] for row in own)
            line += [rank, slots, f"{percent(over)}, {planes} of {count} planes"]
        lines.append(line)
    head = ["layer"]
    for n_s in (1, 2):
        head += [f"n_s = {n_s}: by rank", "in slots", "overflow, of the corrections"]
    return markdown(head, lines)


def checkpoints_table(rows: list[Row]) -> str:
    tried = ("list", "encode", "verify", "decode", "equal")
    lines = []
    for row in rows:
        marks = ["yes" if row[part] else "**no**" for part in tried]
        made_by = f"{row['library']} {row['version'].partition('+')[0]}"
        lines.append([made_by, row["kind"], row["tensors"], row.get("coded", ""), *marks])
    return markdown(["made by", "kind", "tensors", "coded", *tried], lines)


def cost_table(found: Row) -> str:
    """CPU seconds of a million weights, and core-hours of seven billion, by n_s."""
    large = 7_000  # million weights
    lines = []
    for row in found["rows"]:
        hours = (f"{row[part] * large / 3600:.2g}" for part in ("survey", "encode"))
        seconds = (f"{row[part]:.2g}" for part in ("survey", "encode"))
        lines.append([row["format"], row["rate"], row["n_s"], *seconds, *hours])
    head = ["coded as", "S", "n_s", "survey, s per million", "encode, s per million",
            "survey of 7 billion, core-hours", "encode of 7 billion, core-hours"]  # fmt: skip
    return markdown(head, lines) + f"\nMeasured on {found['machine']}.\n"


def products_table(found: Row) -> str:
    """Milliseconds of a product by S, columns of x and way; what a kept weight costs CSR."""
    rows = found["rows"]
    ways = list(dict.fromkeys(row["way"] for row in rows))
    lines, dearer = [], []
    for k in dict.fromkeys(row["columns"] for row in rows):
        for rate in dict.fromkeys(row["rate"] for row in rows):
            own = {row["way"]: row["ms"] for row in select(rows, columns=k, rate=rate)}
            lines.append([k, rate, *(f"{own[way]:.3g}" for way in ways)])
            if rate == 0.9:
                dearer.append(own["CSR, SciPy"] / own["dense"] / (1 - rate))
    return (
        markdown(["columns of x", "S", *ways], lines)
        + f"\nMeasured on {found['machine']}. At S = 0.9 a kept weight costs SciPy's CSR "
        f"{dearer[0]:.1f} times what a weight costs the dense product, with 64 columns "
        f"{dearer[1]:.1f} times.\n"
    )


def product_bytes_table(found: Row) -> str:
    """Bytes of the matrix of `products_table`, by S."""
    rows = found["rows"]
    ways = {"dense": "dense", "CSR": "CSR, SciPy", "F2F": "F2F, matmul"}
    lines = []
    for rate in dict.fromkeys(row["rate"] for row in rows):
        own = {row["way"]: row["bytes"] for row in select(rows, rate=rate)}
        lines.append([rate, *(f"{own[way]:,}" for way in ways.values())])
    return markdown(["S", *(f"{name}, bytes" for name in ways)], lines)


def survey_table(found: Row) -> str:
    """How near the survey of a whole model came to its encodes."""
    lines = []
    for key, row in found.items():
        within, millions = f"{row['within']} of {row['layers']}", row["weights"] / 1e6
        lines.append(
            [key.removeprefix("n_s="), row["sampled"], f"{millions:.1f} million",
             f"{row['cpu_seconds']:.1f} s", within, percent(row["largest_error"])]
        )  # fmt: skip
    head = ["n_s", "layers sampled", "weights", "CPU", "ratios in their interval",
            "farthest ratio, off by"]  # fmt: skip
    return markdown(head, lines)


def choices_page() -> str:
    """Return the tables of choices as the package holds them, one below the other."""
    from f2f_viz.codec.blocks import ORDERS
    from f2f_viz.codec.code import PRESETS
    from f2f_viz.codec.corrections import CODINGS
    from f2f_viz.codec.mask_coding import MASK_CODINGS
    from f2f_viz.codec.network import MATRICES
    from f2f_viz.figures.catalogue import FIGURES
    from f2f_viz.files.writers import WRITERS
    from f2f_viz.tensors.loaders import LOADERS
    from f2f_viz.tensors.pruning import METHODS
    from f2f_viz.tensors.quantize import NUMBER_FORMATS

    parts = []
    for title, table in (
        ("Presets", PRESETS), ("Pruning methods", METHODS), ("Number formats", NUMBER_FORMATS),
        ("Block orders", ORDERS), ("Codings of corrections", CODINGS),
        ("Codings of masks", MASK_CODINGS),
        ("Matrix families", MATRICES), ("Files that are read", LOADERS),
        ("Files that are written", WRITERS), ("Figures", FIGURES),
    ):  # fmt: skip
        lines = []
        for entry in table.values():
            suffixes = ", ".join(getattr(entry, "suffixes", ()))
            label = f"{entry.label} ({suffixes})" if suffixes else entry.label
            words = [f"`{entry.name}`", label, entry.help, entry.cost]
            lines.append([word.replace("|", "\\|") for word in words])
        parts += [
            f"## {title}",
            markdown(["name", "shown as", "what it does", "what it costs"], lines),
        ]
    return "\n\n".join(parts) + "\n"


def write(*_: Any) -> None:
    """Write every table to docs/generated/."""
    rows = json.loads(PAPER.read_text())["rows"]
    folder = HERE / "generated"
    folder.mkdir(exist_ok=True)
    for make in (random_table, real_table, rates_table, samples_table, invert_table, n_in_table,
                 n_out_table):  # fmt: skip
        name = make.__name__.removesuffix("_table")
        (folder / f"{name}.md").write_text(make(rows))
    (folder / "choices.md").write_text(choices_page())
    for dtype in ("float32", "int8"):
        (folder / f"claim_{dtype}.md").write_text(claim_table(rows, dtype))
    model, resnet = json.loads(MODEL.read_text()), json.loads(RESNET.read_text())
    (folder / "model.md").write_text(model_table({"MiniLM": model, "ResNet-50": resnet}))
    (folder / "resnet_rivals.md").write_text(model_rivals_table(resnet))
    (folder / "latency.md").write_text(latency_table(json.loads(LATENCY.read_text())))
    (folder / "model_rivals.md").write_text(model_rivals_table(model))
    checkpoints = json.loads(CHECKPOINTS.read_text())
    (folder / "checkpoints.md").write_text(checkpoints_table(checkpoints))
    products = json.loads(PRODUCTS.read_text())
    for make, found in (
        (cost_table, json.loads(COST.read_text())), (products_table, products),
        (product_bytes_table, products), (survey_table, json.loads(SURVEY.read_text())),
    ):  # fmt: skip
        (folder / f"{make.__name__.removesuffix('_table')}.md").write_text(make(found))
    hardware = json.loads(HARDWARE.read_text())
    for part in ("efficiency", "gates", "cycles", "lanes", "slots"):
        table = globals()[f"hardware_{part}_table"](hardware[part])
        (folder / f"hardware_{part}.md").write_text(table)
    gains = json.loads(GAINS.read_text())
    (folder / "plain.md").write_text(plain_table(gains["plain"]))
    (folder / "plane_lengths.md").write_text(plane_lengths_table(gains["n_out_by_plane"]))


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write the tables before it reads the pages."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    README.write_text(readme())
