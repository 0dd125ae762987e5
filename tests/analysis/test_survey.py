"""A survey tells what coding the model would give."""

import csv
import io
import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.survey import plain_row
from f2f_viz.tensors.roles import CODED, why_carried

RNG = np.random.default_rng(0)
MODEL = {
    "a": RNG.normal(size=(96, 80)).astype(np.float32),
    "b.scale": np.ones((8, 8), np.float32),
    "b": RNG.normal(size=(300, 200)).astype(np.float32),
    "c.bias": np.zeros(9, np.float32),
}
MODEL["b"][::3] = 0
SETTINGS = f2f.Settings(rate=0.9, n_s=1)


def test_an_exact_survey_is_what_encoding_gives(tmp_path):
    found = f2f.survey(MODEL, SETTINGS, exact=True)
    account = f2f.encode_model(MODEL, tmp_path / "m.f2f", SETTINGS)
    assert [row.name for row in found] == [layer.name for layer in account.layers] == ["a", "b"]
    for row, layer in zip(found, account.layers, strict=True):
        assert row.exact
        assert row.ratio == layer.report.ratio
        assert row.efficiency == layer.report.efficiency
        assert row.sparsity == layer.report.sparsity
    assert found.carried == {name: account.reasons[name] for name in ("b.scale", "c.bias")}
    assert found.carried_bytes == account.carried_bytes
    assert [row.zeros for row in found] == [0, pytest.approx(1 / 3)]
    assert set(found.rows[0].dispersion) == {"row", "interleaved"}


def test_estimates_hold_the_whole_search_in_their_intervals():
    model = {f"w{i}": RNG.normal(size=(1500, 900)).astype(np.float32) for i in range(3)}
    rough, whole = f2f.survey(model, SETTINGS), f2f.survey(model, SETTINGS, exact=True)
    assert not any(row.exact for row in rough)
    for about, row in zip(rough, whole, strict=True):
        slack = 0.002 * row.ratio  # one of twenty may lie outside by a little
        assert about.ratio.low - slack <= row.ratio <= about.ratio.high + slack
        assert about.bytes == pytest.approx(row.bytes, rel=0.01)


def test_progress_cancel_and_tables():
    told = []
    found = f2f.survey(MODEL, SETTINGS, progress=lambda *at: told.append(at))
    assert told[-1] == (96 * 80 + 300 * 200,) * 2
    frame = found.to_dataframe()
    assert frame["name"].tolist() == ["a", "b"]
    assert {"ratio", "ratio_low", "dispersion_row", "of_bound", "bytes"} <= set(frame)
    assert len(repr(found)) < 200
    assert "<table>" in found._repr_html_()
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(f2f.Cancelled):
        f2f.survey(MODEL, SETTINGS, cancel=cancel)
    assert len(f2f.survey({"bias": np.zeros(3, np.float32)})) == 0


def test_command_line(tmp_path, run):
    save_file(MODEL, tmp_path / "m.safetensors")
    common = ("survey", tmp_path / "m.safetensors", "--rate", 0.9, "--n-s", 1, "--exact")
    rows = [plain_row(row) for row in f2f.survey(MODEL, SETTINGS, exact=True)]
    assert [json.loads(line) for line in run(*common, "--json").splitlines()] == rows
    table = list(csv.DictReader(io.StringIO(run(*common, "--csv"))))
    assert [float(row["ratio"]) for row in table] == [row["ratio"] for row in rows]
    text = run(*common)
    assert "2 layers" in text
    assert "b 300×200 float32" in text


def test_what_a_model_carries_is_what_encoding_carries(tmp_path):
    small = np.zeros((8, 8), "int8")
    entries = f2f.list_tensors({"w": MODEL["b"], "small": small})
    assert [info.name for info in entries] == ["w", "small"]
    for dtype in ("uint4", "int2", "bool", "int64"):
        info = replace(entries[1], dtype=dtype, role="weight")
        assert bool(why_carried(info)) == (dtype not in CODED), dtype
    assert why_carried(replace(entries[1], dtype="uint4", role="weight")).startswith("numbers sm")


def test_hostile_names_stay_in_their_line(tmp_path, run):
    name = "\x1b[31mred\ntwo"
    save_file({name: MODEL["a"], "b": MODEL["b"]}, tmp_path / "m.safetensors")
    lines = run("survey", tmp_path / "m.safetensors", "--exact").splitlines()
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
    analysis = f2f.analyze(f2f.load_layer(tmp_path / "m.safetensors", name), preview=True)
    assert repr(analysis).isprintable()
    assert "\x1b" not in analysis._repr_html_()


def test_bytes_before_are_those_given_whatever_they_are_coded_as():
    weights = np.random.default_rng(0).standard_normal((16, 24)).astype(np.float32)
    (row,) = f2f.survey({"w": weights}, f2f.Settings(number_format="int8/channel"))
    assert (row.dtype, row.dense_bytes) == ("int8", 4 * weights.size)
