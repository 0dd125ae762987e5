"""The command line: exit codes, one-line errors, no partial output, JSON."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.sweep import SweepPoint, front
from f2f_viz.cli import main as cli
from f2f_viz.figures.palette import DARK


@pytest.fixture
def weights(tmp_path):
    values = np.random.default_rng(0).normal(size=(60, 70)).astype(np.float32)
    np.save(tmp_path / "w.npy", values)
    return values


@pytest.fixture
def coded(tmp_path, run, weights):
    run("encode", tmp_path / "w.npy", "-o", tmp_path / "w.f2f", "--rate", "0.8", "--n-s", "1")
    return tmp_path / "w.f2f"


def test_encode_verify_decode_report(run, tmp_path, weights, coded):
    assert run("verify", coded).startswith("ok: w, 60×70 float32, 840 kept")
    run("decode", coded, "-o", tmp_path / "back.npy")
    mask = f2f.prune(weights, 0.8)
    np.testing.assert_array_equal(np.load(tmp_path / "back.npy"), np.where(mask, weights, 0))
    run("decode", coded, "-o", tmp_path / "back.safetensors")
    back = f2f.load_layer(tmp_path / "back.safetensors").weights
    np.testing.assert_array_equal(back, np.where(mask, weights, 0))
    report = json.loads(run("report", coded, "--json"))
    assert sum(report["bits"].values()) == 8 * coded.stat().st_size
    assert report["sparsity"] == pytest.approx(0.8)
    assert "maximum ratio" in run("report", coded)
    assert "CSR" in run("report", coded, "--compare")
    rows = json.loads(run("report", coded, "--compare", "--json"))["rivals"]
    assert rows[-1]["bytes"] == coded.stat().st_size
    assert json.loads(run("tensors", tmp_path / "w.npy", "--json"))[0]["shape"] == [60, 70]
    assert "60×70" in run("tensors", tmp_path / "w.npy")


def test_a_tensor_comes_back_under_its_name(run, tmp_path, weights):
    save_file({"b.bias": weights[0], "b.weight": weights}, tmp_path / "m.safetensors")
    coded, back = tmp_path / "w.f2f", tmp_path / "back.safetensors"
    run("encode", tmp_path / "m.safetensors", "--tensor", "b.weight", "-o", coded, "--n-s", "0")
    run("decode", coded, "-o", back)
    assert run("verify", coded).startswith("ok: b.weight, 60×70 float32")
    assert [(t.name, t.shape) for t in f2f.list_tensors(back)] == [("b.weight", (60, 70))]
    run("encode", tmp_path / "m.safetensors", "--tensor", "b.weight", "-o", coded,
        "--number-format", "int8", "--force")  # fmt: skip
    run("decode", coded, "-o", back, "--force")
    assert {t.name for t in f2f.list_tensors(back)} == {"b.weight", "b.weight_scale"}
    f2f.save(f2f.encode(f2f.Layer("__metadata__", weights, "float32", ""), weights > 1), coded)
    assert "__metadata__" in run("decode", coded, "-o", tmp_path / "no.safetensors", code=1)
    assert not (tmp_path / "no.safetensors").exists()
    run("decode", coded, "-o", tmp_path / "yes.npy")


@pytest.mark.parametrize("name", ["e.npz", "e.safetensors", "e.onnx", "e.pt"])
def test_a_file_of_no_tensors_says_so(tmp_path, name, run):
    path = tmp_path / name
    match path.suffix:
        case ".npz":
            np.savez(path)
        case ".safetensors":
            save_file({}, path)
        case ".onnx":
            onnx = pytest.importorskip("onnx")
            onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])), path)
        case _:
            pytest.importorskip("torch").save({}, path)
    assert run("tensors", path, "--json") == "[]\n"
    told = CliRunner().invoke(cli.cli, ["tensors", str(path)])
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", f"{path} holds no tensors\n")


def test_encode_options_reach_the_encoder(run, tmp_path, weights):
    out = tmp_path / "w.f2f"
    run("encode", tmp_path / "w.npy", "-o", out, "--n-in", "4", "--n-s", "3", "--n-out", "11", "--order",
        "row", "--coding", "chunk", "--matrix", "light", "--weights", "2,1", "--matrix-seed", "5", "--method", "threshold", "--threshold", "1")  # fmt: skip
    encoded = f2f.open(out)
    assert (encoded.n_in, encoded.n_s, encoded.n_out) == (4, 3, 11)
    assert (encoded.order, encoded.code.coding) == ("row", "chunk")
    np.testing.assert_array_equal(encoded.mask, np.abs(weights) > 1)
    assert encoded.network == f2f.XorNetwork.light(4, 11, 3, weights=(2, 1), seed=5)
    assert encoded.code.weights == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["encode", "missing.npy", "-o", "o.f2f"], "missing.npy"),
        (["encode", "w.npy", "-o", "o.f2f", "--rate", "1.5"], "1.5"),
        (["encode", "w.npy", "-o", "o.f2f", "--tensor", "q"], "'q'"),
        (["encode", "w.npy", "-o", "o.f2f", "--n-s", "3"], "n_in"),
        (["encode", "w.npy", "-o", "none/o.f2f"], "none/o.f2f"),
        (["encode", "complex.npy", "-o", "o.f2f"], "float32"),
        (["tensors", "broken.npz"], "broken.npz"),
        (["verify", "w.npy"], ".f2f"),
        (["decode", "broken.f2f", "-o", "o.npy"], "broken.f2f"),
        (["decode", "w.f2f", "-o", "o.txt"], "o.txt"),
        (["report", "missing.f2f"], "missing.f2f"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run, tmp_path, monkeypatch, coded, arguments, word
):
    monkeypatch.chdir(tmp_path)
    np.save("complex.npy", np.zeros(3, complex))
    Path("broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    Path("broken.f2f").write_bytes(coded.read_bytes()[:-1] + b"x")
    before = sorted(tmp_path.iterdir())
    error = run(*arguments, code=1)
    assert error.count("\n") == 1
    assert word in error
    assert "Traceback" not in error
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_usage_is_2(run, tmp_path):
    run("encode", code=2)
    run("nonsense", code=2)
    run("encode", tmp_path / "w.npy", "-o", "o", "--n-in", "many", code=2)


def test_outputs_are_written_as_a_careful_tool_writes_them(run, tmp_path, coded):
    layer = tmp_path / "w.npy"
    for command in (
        ["encode", layer, "-o", ""],
        ["decode", coded, "-o", ""],
        ["figure", "mask", "-o", ""],
        ["sweep", "--axis", "n_s=0", "-o", ""],
    ):
        assert "name is missing" in run(*command, code=2)
    before = layer.read_bytes(), coded.read_bytes()
    (tmp_path / "w.svg").symlink_to("w.npy")
    for command in (
        ["encode", layer, "-o", layer],
        ["encode", layer, "-o", tmp_path / "." / "w.npy", "--rule", "*=0.5"],
        ["sweep", layer, "--axis", "n_s=0", "-o", layer],
        ["figure", "mask", layer, "-o", tmp_path / "w.svg"],
    ):
        assert "--force" in run(*command, code=1)
    (tmp_path / "w.safetensors").symlink_to("w.f2f")
    assert "--force" in run("decode", coded, "-o", tmp_path / "w.safetensors", code=1)
    assert (layer.read_bytes(), coded.read_bytes()) == before
    points = tmp_path / "points.jsonl"
    points.write_text("mine\n")
    assert "no sweep" in run("sweep", layer, "--axis", "n_s=0", "-o", points, code=1)
    assert points.read_text() == "mine\n"
    run("sweep", layer, "--axis", "n_s=0", "-o", points, "--force")
    assert len(points.read_text().splitlines()) == 1
    run("encode", layer, "-o", os.devnull, "--n-s", "0")
    assert not os.path.isfile(os.devnull)
    run("encode", layer, "-o", layer, "--n-s", "0", "--force")
    assert f2f.open(layer).n_s == 0
    run("decode", coded, "-o", tmp_path / "w.safetensors", "--force")
    assert f2f.load_layer(coded.rename(tmp_path / "x.safetensors")).weights.any()


@pytest.fixture
def model_of_many_files(tmp_path, monkeypatch):
    """Shards, an ONNX model with its data beside it, a mask, points of a sweep; all in one folder."""
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    w = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    np.save("mask.npy", abs(w) > 1)
    save_file({"a": w}, "s1.safetensors")
    save_file({"b": w}, "s2.safetensors")
    where = {"weight_map": {"a": "s1.safetensors", "b": "s2.safetensors"}}
    Path("m.safetensors.index.json").write_text(json.dumps(where))
    graph = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(w, "w")])
    onnx.save(onnx.helper.make_model(graph), "m.onnx", save_as_external_data=True,
              location="m.data", size_threshold=0)  # fmt: skip
    Path("points.json").write_text("")
    return tmp_path


MASKED = ["method=mask", "mask=mask.npy"]


@pytest.mark.parametrize(
    "command",
    [
        ["encode", ".", "-o", "s2.safetensors"],
        ["encode", ".", "-o", "m.safetensors.index.json"],
        ["encode", ".", "--tensor", "a", "-o", "s1.safetensors"],
        ["encode", "m.onnx", "-o", "m.data"],
        ["encode", "m.onnx", "--tensor", "w", "-o", "m.data"],
        ["encode", ".", "--method", "mask", "--mask", "mask.npy", "-o", "mask.npy"],
        ["encode", "m.onnx", "--method", "mask", "--mask", "mask.npy:mask", "-o", "mask.npy"],
        ["figure", "bits", "s1.safetensors:a", "-o", "link.json"],
        ["figure", "bits", "s1.safetensors", *(f"--set={m}" for m in MASKED), "-o", "mask.json"],
        ["figure", "sweep", "s1.safetensors", "--points", "points.json", "-o", "points.json"],
    ],
)
def test_no_output_replaces_any_file_that_it_is_made_of(run, model_of_many_files, command):
    """Shards, their index, data beside a model, masks and points too."""
    Path("link.json").symlink_to("s1.safetensors")
    Path("mask.json").symlink_to("mask.npy")
    before = {path: path.read_bytes() for path in model_of_many_files.iterdir()}
    assert "would replace what it is made of" in run(*command, code=1)
    assert {path: path.read_bytes() for path in model_of_many_files.iterdir()} == before


def test_control_c_says_that_finished_layers_are_kept(run, tmp_path, monkeypatch, weights):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "encode_model", interrupted)
    output = tmp_path / "m.f2f"
    error = run("encode", tmp_path / "w.npy", "--rule", "*=0.5", "-o", output, code=130)
    assert f"finished layers are kept in {output}.parts" in error


INTERRUPTED = """
import os, signal, sys

class Finder:
    def find_spec(name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
sys.meta_path.insert(0, Finder)
from f2f_viz.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["numpy", "f2f_viz.cli.main", "f2f_viz.app.servers.app"])
def test_control_c_while_modules_load_is_one_line(module):
    command = [sys.executable, "-c", INTERRUPTED, module, "app", "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "f2f-viz: interrupted\n")


def test_control_c_is_one_line(run, tmp_path, monkeypatch, weights):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "encode_layer", interrupted)
    error = run("encode", tmp_path / "w.npy", "-o", tmp_path / "w.f2f", code=130)
    assert error == "f2f-viz: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["w.npy"]


def test_too_little_memory_is_one_line(run, tmp_path, monkeypatch, weights):
    def too_large(*args, **options):
        raise MemoryError

    monkeypatch.setattr(cli, "encode_layer", too_large)
    error = run("encode", tmp_path / "w.npy", "-o", tmp_path / "w.f2f", code=1)
    assert error.splitlines()[-1] == "f2f-viz: not enough memory"


def test_the_installed_command_runs():
    command = Path(sys.executable).with_name("f2f-viz")
    assert f2f.__version__ in subprocess.check_output([command, "--version"], text=True)


def test_a_subpackage_is_there_when_it_is_first_asked_for():
    script = "import f2f_viz; f2f_viz.codec, f2f_viz.analysis"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_sweep_goes_on_where_it_stopped(run, tmp_path, weights):
    arguments = [
        "sweep",
        tmp_path / "w.npy",
        "--axis",
        "rate=0.7,0.9",
        "--axis",
        "n_s=0,1",
        "-o",
        tmp_path / "s.jsonl",
    ]
    table = run(*arguments)
    heading, *rows, told = table.splitlines()
    assert (len(rows), told[:6]) == (4, "* best")
    for title in ("ratio", "efficiency", "rate", "n_s"):  # cells end below their headings
        end = heading.index(f"{title} ") + len(title)
        assert all(f"{row} "[end - 1 : end + 1].strip() == row[end - 1] for row in rows)
    lines = (tmp_path / "s.jsonl").read_text().splitlines()
    known = [SweepPoint.from_dict(json.loads(line)) for line in lines]
    assert [line.startswith("*") for line in rows] == front(known).tolist()
    marked = json.loads(lines[1]) | {"ratio": 123.5}
    (tmp_path / "s.jsonl").write_text(lines[0] + "\n" + json.dumps(marked) + '\n{"cut')
    points = [json.loads(line) for line in run(*arguments, "--json").splitlines()]
    assert points[1]["ratio"] == 123.5  # taken over, not measured again
    assert [p["settings"]["n_s"] for p in points] == [0, 1, 0, 1]
    assert "is no sweep" in run("sweep", "--axis", "n_s=0", "-o", tmp_path / "w.npy", code=1)
    assert "expected" in run("sweep", "--axis", "n_s", code=2)
    assert "no-such" in run("sweep", "--axis", "no-such=1", code=1)


def test_figure_measures_curves_and_draws_a_sweep(run, tmp_path):
    np.save(tmp_path / "w.npy", np.random.default_rng(0).normal(size=(20, 20)).astype("<f2"))
    where = (tmp_path / "w.npy", "--set", "n_in=3")
    said = run("figure", "ratio", *where, "-o", tmp_path / "r.csv", "--caption", "--no-title")
    assert "Layer w (20 × 20, float16)" in said
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()[1:]))
    measured = [(row["n_s"], row["sparsity"]) for row in rows if row["kind"] == "measured"]
    assert len(measured) == len(set(measured)) == 24
    run("sweep", *where, "--axis", "n_s=0,1", "-o", tmp_path / "points.jsonl")
    run("figure", "sweep", *where, "--points", tmp_path / "points.jsonl", "-o", tmp_path / "s.json")
    drawn = json.loads((tmp_path / "s.json").read_text())
    assert drawn["data"]["n_s"] == [0, 1]


def test_figure_writes_data_and_pages(run, tmp_path):
    run("figure", "bits", "-o", tmp_path / "bits.csv", "--set", "n_s=0")
    assert "payload" in (tmp_path / "bits.csv").read_text()
    run("figure", "mask", "-o", tmp_path / "mask.html", "--set", "rate=0.8", "--preset", "paper")
    run("figure", "bits", "-o", tmp_path / "dark.html", "--theme", "dark")
    assert DARK.symbol in (tmp_path / "dark.html").read_text()
    assert "<html" in (tmp_path / "mask.html").read_text()
    where = ("--plane", 2, "--cycle", 30)
    run(
        "figure",
        "trellis",
        "-o",
        tmp_path / "t.csv",
        "--set",
        "n_in=4",
        "--preset",
        "paper",
        *where,
    )
    assert "trellis" in (tmp_path / "t.csv").read_text()
    assert "trellis" in run("figure", "mask", "-o", tmp_path / "x.csv", *where, code=2)
    assert "sweep" in run("figure", "mask", "-o", tmp_path / "x.csv", "--points", "p", code=2)
    assert "one of" in run("figure", "nothing", "-o", tmp_path / "x.csv", code=1)
    assert "rate" in run("figure", "bits", "-o", tmp_path / "x.csv", "--set", "rate=2", code=1)


def test_lesson_writes_a_page(run, tmp_path):
    np.save(tmp_path / "w.npy", np.random.default_rng(0).normal(size=(20, 20)).astype("<f2"))
    page = tmp_path / "page.html"
    said = run("lesson", tmp_path / "w.npy", "--set", "rate=0.7", "--theme", "dark", "-o", page)
    assert f"{page.stat().st_size:,} bytes" in said
    assert "Fixed-to-fixed coding, live" in page.read_text()
    assert "would replace" in run("lesson", tmp_path / "w.npy", "-o", tmp_path / "w.npy", code=1)
    assert "n_in" in run("lesson", "--set", "n_in=3", "-o", tmp_path / "other.html", code=1)
    assert not (tmp_path / "other.html").exists()


def test_a_long_search_is_announced_and_too_long_a_one_refused(run, tmp_path, weights, monkeypatch):
    from f2f_viz.codec import trellis

    arguments = ["encode", tmp_path / "w.npy", "-o", tmp_path / "w.f2f", "--n-s", "1"]
    monkeypatch.setattr(cli, "search_seconds", lambda *sizes: 123.0)
    monkeypatch.setattr(trellis, "MAX_SECONDS", 0.0)
    error = run(*arguments, code=1)
    assert "about 123 s of search" in error
    assert "take too long" in error
    assert not (tmp_path / "w.f2f").exists()
