import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec.trellis import encode_bits
from f2f_viz.figures.lesson_data import LESSON, N_IN, N_S, lesson_code, lesson_data, worker_script
from f2f_viz.samples import SMALL
from f2f_viz.tensors.pruning import METHODS, PruningMethod

DOCS = Path(__file__).parents[2] / "docs"


def settings_of(count, seed=1):
    """Settings that the page offers, those whose search is long more rarely."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        yield f2f.Settings(
            rate=round(float(rng.choice(np.arange(0.5, 0.955, 0.01))), 2),
            n_in=int(rng.choice(N_IN)),
            n_s=(0, 1, 2, 1)[k % 4],
            order=("interleaved", "row")[k // 4 % 2],
        )


@pytest.fixture
def worker(tmp_path):
    """Run tasks in the page's worker, under node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH")

    def run(layer, tasks, settings=None):
        made = lesson_data(layer, settings or f2f.Settings())
        (tmp_path / "worker.js").write_text(worker_script())
        for name in ("index", "words", "matrices"):
            (tmp_path / name).write_bytes(made.parts[name].tobytes())
        wasm = str(LESSON / "search.wasm")
        for task in tasks:
            task["setting"]["rate"] = made.values["rates"].index(task["setting"]["rate"])
        job = {"wasm": wasm, "data": made.values, "tasks": tasks}
        (tmp_path / "job.json").write_text(json.dumps(job))
        script = Path(__file__).with_name("lesson.mjs")
        subprocess.run([node, script, tmp_path], check=True, timeout=600)
        return json.loads((tmp_path / "found.json").read_text())

    return run


def setting(settings):
    code = settings.code
    return {"rate": settings.rate, "n_in": code.n_in, "n_s": code.n_s, "order": code.order}


def searched(worker, layer, every):
    tasks = [{"kind": "all", "setting": setting(settings)} for settings in every]
    return zip(every, worker(layer, tasks), strict=True)


def assert_same(layer, settings, found):
    mask = f2f.prune(layer.weights, settings.rate)
    encoded = f2f.encode(layer.weights, mask, lesson_code(settings))
    assert [plane.inverted for plane in encoded.planes] == found["inverted"]
    for plane, own in zip(encoded.planes, found["planes"], strict=True):
        np.testing.assert_array_equal(plane.symbols, own["symbols"])
        np.testing.assert_array_equal(plane.corrections, own["ranks"])
    np.testing.assert_array_equal(encoded.correction_bits, [own["bits"] for own in found["planes"]])
    return encoded


@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_the_page_finds_what_encode_finds(worker, count):
    layer, every = f2f.sample_layer(SMALL), list(settings_of(count))
    assert len({json.dumps(setting(s)) for s in every}) == count
    for settings, found in searched(worker, layer, every):
        assert_same(layer, settings, found)


@pytest.mark.parametrize("dtype", ["float16", "int8", "float64"])
def test_layers_of_several_tiles_and_other_formats(worker, dtype):
    rng = np.random.default_rng(2)
    weights = (40 * rng.normal(size=(420, 401))).astype(dtype)
    layer = f2f.Layer("w", weights, dtype, "test")
    every = [f2f.Settings(rate=0.9, n_in=6, n_s=n_s, order=o)
             for n_s, o in ((1, "interleaved"), (0, "row"))]  # fmt: skip
    for settings, found in searched(worker, layer, every):
        encoded = assert_same(layer, settings, found)
        assert len(encoded.planes[0].symbols) > 2048


def test_blocks_alone_are_searched_from_register_zero(worker):
    layer, settings = f2f.sample_layer(SMALL), f2f.Settings(rate=0.85, n_s=1)
    tasks = [
        {
            "kind": "blocks",
            "setting": setting(settings) | {"n_s": n_s},
            "plane": 20,
            "start": 17,
            "n": 40,
        }
        for n_s in N_S
    ]
    encoded = f2f.encode(layer.weights, f2f.prune(layer.weights, 0.85), lesson_code(settings))
    t = f2f.trace(encoded, 20, 17, 57)
    bits = (t.output ^ t.inverted) & t.care
    for task, found in zip(tasks, worker(layer, tasks), strict=True):
        code = replace(lesson_code(settings), n_s=task["setting"]["n_s"])
        network = code.network(encoded.network.n_out)
        symbols = encode_bits(bits, t.care, network).symbols
        wrong = ((network.decode(symbols) ^ bits) & t.care).sum(axis=1)
        np.testing.assert_array_equal(found["wrong"], wrong)


def test_every_matrix_and_layout_of_the_page_is_the_packages():
    layer, settings = f2f.sample_layer(SMALL), f2f.Settings(matrix="light", rate=0.913)
    made = lesson_data(layer, settings)
    values = made.values
    assert values["rates"][values["start"]["rate"]] == 0.913
    for n_in in N_IN:
        for kept, n_out in zip(values["kept"], values["n_out"][n_in], strict=True):
            assert n_out == n_in * layer.weights.size // kept
            for n_s in N_S:
                matrix = replace(lesson_code(settings), n_in=n_in, n_s=n_s).network(n_out).matrix
                bits = np.concatenate(
                    [np.packbits(stage.reshape(-1), bitorder="little")
                     for stage in np.split(matrix, n_s + 1, axis=1)]
                )  # fmt: skip
                at = values["matrices"][f"{n_in},{n_s},{n_out}"]
                np.testing.assert_array_equal(made.parts["matrices"][at : at + bits.size], bits)


@pytest.mark.parametrize(
    "settings",
    [
        f2f.Settings(method="random", seed=4),
        f2f.Settings(per="row", rate=0.7),
        f2f.Settings(method="threshold", threshold=0.1),
        f2f.Settings(number_format="int8"),
    ],
)
def test_masks_are_those_of_the_method(settings):
    layer = f2f.sample_layer(SMALL)
    made = lesson_data(layer, settings)
    analysis = f2f.analyze(layer, settings.replace(n_s=0))
    kept = made.values["kept"][made.values["start"]["rate"]]
    mask = np.zeros(layer.weights.size, bool)
    mask[made.parts["index"][:kept]] = True
    np.testing.assert_array_equal(mask.reshape(layer.weights.shape), analysis.mask)
    assert made.values["dtype"] == analysis.dtype
    values = made.parts["values"] if made.parts["values"].size else made.parts["words"].view("<f4")
    coded = analysis.layer.weights.reshape(-1)[made.parts["index"][:kept]]
    np.testing.assert_array_equal(values.reshape(-1)[:kept], coded)


def test_masks_that_do_not_lie_in_each_other_are_offered_at_one_rate(monkeypatch):
    def choose(weights, rate, seed):
        return np.random.default_rng(int(100 * rate)).random(weights.shape) > rate

    monkeypatch.setitem(
        METHODS, "lot", PruningMethod(name="lot", label="Lot", help="", choose=choose)
    )
    made = lesson_data(f2f.sample_layer(SMALL), f2f.Settings(method="lot", rate=0.8))
    assert made.values["rates"] == [0.8]
    assert made.values["start"]["rate"] == 0


@pytest.mark.parametrize(
    ("layer", "settings", "field"),
    [
        (None, f2f.Settings(n_in=3), "n_in"),
        (None, f2f.Settings(n_s=3, n_in=4), "n_s"),
        (np.zeros((0, 4), np.float32), f2f.Settings(), ""),
        (np.ones((4, 4), np.float32), f2f.Settings(rate=1), ""),
        (np.ones(1, np.float32), f2f.Settings(rate=0.9), ""),  # as do lower rates of the page
        (np.zeros((1 << 11, (1 << 11) + 1), np.float16), f2f.Settings(), ""),
    ],
)
def test_what_the_page_cannot_show_is_said(layer, settings, field):
    layer = f2f.sample_layer(SMALL) if layer is None else f2f.load_layer(layer)
    with pytest.raises(f2f.F2FError) as told:
        lesson_data(layer, settings)
    assert told.value.field == field


def test_values_beyond_float32_are_the_layers():
    weights = np.linspace(-1e300, 1e300, 64).reshape(8, 8)
    made = lesson_data(f2f.load_layer(weights), f2f.Settings(rate=0.5))
    index = made.parts["index"]
    assert made.parts["values"].size == 0  # the page reads the words
    np.testing.assert_array_equal(made.parts["words"].view("<f8").reshape(-1), weights.flat[index])


def test_the_size_of_the_samples_page_is_the_one_in_the_documents(tmp_path):
    f2f.lesson(f2f.sample_layer(SMALL), tmp_path / "lesson.html")
    size = (tmp_path / "lesson.html").stat().st_size / 1000
    said = re.search(r"takes (\d+) kB", (DOCS / "lesson.md").read_text())
    assert size == pytest.approx(int(said[1]), rel=0.02)
