"""The measured tables are complete, meet what they must show, and are computed again in part."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f


def script(name):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


paper, gains = script("paper_results"), script("gains")
ROWS = json.loads(paper.OUT.read_text())["rows"]


def select(**wanted):
    return [row for row in ROWS if all(row.get(key) == value for key, value in wanted.items())]


def test_every_row_is_there():
    asked = paper.rows_of(["transformer", "convolutional"])
    for row in asked:
        assert select(**row), row
    assert len(ROWS) == len(asked)


@pytest.mark.parametrize(("n_s", "least"), [(0, 0.934), (1, 0.986), (2, 0.994)])
def test_efficiency_on_random_data(n_s, least):
    rows = select(data="random", rate_asked=0.9, n_s=n_s, study=None)
    assert len(rows) == len(paper.SEEDS)
    assert np.mean([row["efficiency"] for row in rows]) >= least
    assert min(row["care_bits"] / (1 - row["sparsity"]) for row in rows) >= 1_000_000


@pytest.mark.parametrize(
    "wanted",
    [
        {"data": "random", "rate_asked": 0.9, "n_s": 0, "seed": 0},
        {"data": "random", "rate_asked": 0.9, "n_s": 1, "seed": 2},
        {"data": "random", "study": "n_in", "n_in": 4, "n_s": 1},
        {"data": "random", "study": "n_out", "scale": 1.1},
        {"data": "digits-transformer/l0-0.9", "n_s": 1, "dtype": "float32", "order": "row"},
        {
            "data": "digits-transformer/gradual-0.7",
            "n_s": 1,
            "dtype": "int8",
            "order": "interleaved",
        },
    ],
    ids=lambda wanted: "-".join(map(str, wanted.values())),
)
def test_rows_computed_again(wanted):
    (known,) = select(**wanted)
    measured = ("mismatches", "payload_bits", "rank_bits", "chunk_bits", "n_u")
    asked = {k: v for k, v in known.items() if k in paper.rows_of([])[0] or k in wanted}
    again = paper.fill(asked | {k: known[k] for k in ("dtype", "order", "pruning")}, {})
    for key in ("mismatches", "payload_bits", "care_bits", "efficiency", "n_u"):
        assert again[key] == pytest.approx(known[key], rel=1e-12), key
    # which of several best sequences is taken moves corrections a little
    assert again["rank_bits"] == pytest.approx(known["rank_bits"], rel=0.01)
    assert set(measured) <= set(known)


def test_order_matters_on_real_layers_only():
    for data in ("transformer", "convolutional"):
        found = {
            row["order"]: row
            for row in select(
                data=data, dtype="float32", n_s=1, rate_asked=0.9, pruning="magnitude", invert=None
            )
        }
        assert (
            found["row"]["n_u"]["dispersion"] > 2 > 1.3 > found["interleaved"]["n_u"]["dispersion"]
        )
        assert found["row"]["efficiency"] < found["interleaved"]["efficiency"]


@pytest.mark.parametrize(("code", "most"), [("default", 0.9), ("interleaved", 1.09)])
def test_a_whole_model_is_small(code, most):
    """Payload + corrections over the kept weights' bits; whole files against other formats."""
    path = paper.OUT.with_name("minilm.json")
    rows = json.loads(path.read_text())["float32, S=0.9, n_in=8, n_s=2"].values()
    assert len(rows) == 40
    bits = [row[code]["bits"] for row in rows]
    coded = sum(b["payload"] + b["corrections"] for b in bits)
    assert coded <= most * sum(row[code]["kept_bits"] for row in rows)
    if code == "default":
        size = sum(sum(b.values()) for b in bits) / 8
        for name in ("CSR", "COO", "bitmask + values", "zstd", "xz", "shuffled zstd"):
            assert size < sum(row["rivals"][name] for row in rows)


def test_what_options_gain():
    """What docs/results.md says of gains.json, and some of its rows again."""
    found = json.loads(gains.OUT.read_text())
    for row in found["n_out_by_plane"]:
        assert 0.999 * row["by_layer"] < row["by_plane"] <= row["by_layer"]
    for row in found["plain"]:
        assert row["chosen"] == ("plain" if row["coded"] > 1 else "coded")
        assert (row["chosen"] == "plain") == (row["rate"] <= (0.15 if row["n_s"] == 0 else 0))
    sample = f2f.sample_layer(gains.SAMPLE)
    for layer, rate, n_s in ((gains.random_layer(), 0.1, 0), (sample, 0.0, 1), (sample, 0.5, 1)):
        assert gains.plain_row(layer, rate, n_s) in found["plain"]
