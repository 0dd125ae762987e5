"""Settings and a layer give one mask and one coded layer, whoever asks."""

import asyncio
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.prepare import encode_layer, prepare
from f2f_viz.analysis.sweep import grid, sweep
from f2f_viz.files.model_file import open_model
from f2f_viz.tensors.pruning import METHODS


@pytest.fixture
def model(tmp_path):
    """A file of two tensors, the first of them not the largest."""
    rng = np.random.default_rng(0)
    tensors = {
        "small": rng.normal(size=(40, 50)).astype(np.float32),
        "large": rng.normal(size=(60, 50)).astype(np.float32),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.needs])
def test_of_a_file_of_several_tensors_everybody_takes_the_layers_own(
    run, model, tmp_path, method, suffix
):
    rng = np.random.default_rng(1)
    given = {  # the largest stands first, and has the shape of neither
        "other": rng.random((100, 100)).astype(np.float32),
        "large": rng.random((60, 50)).astype(np.float32),
        "small": rng.random((40, 50)).astype(np.float32),
    }
    if method == "mask":
        given = {name: values > 0.8 for name, values in given.items()}
    path = tmp_path / f"given.{suffix}"
    save_file(given, path) if suffix == "safetensors" else np.savez(path, **given)
    layer = f2f.load_layer(model, "small")
    settings = f2f.Settings(rate=0.8, method=method, n_in=4, **{method: str(path)})
    expected = f2f.prune(layer.weights, 0.8, method, **{method: given["small"]})
    (point,) = sweep([layer], grid(settings, n_s=[1]))
    f2f.encode_model(model, tmp_path / "model.f2f", settings)
    options = "--method", method, f"--{method}", path, "--rate", 0.8, "--n-in", 4
    run("encode", model, "--tensor", "small", "-o", tmp_path / "one.f2f", *options)
    run("encode", model, "-o", tmp_path / "all.f2f", *options)
    found = {
        "prepare": prepare(layer, settings).mask,
        "encode_layer": encode_layer(layer, settings).mask,
        "analyze": f2f.analyze(layer, settings).mask,
        "preview": f2f.analyze(layer, settings, preview=True).mask,
        "encode_model": open_model(tmp_path / "model.f2f").layer("small").mask,
        "command, one": f2f.open(tmp_path / "one.f2f").mask,
        "command, all": open_model(tmp_path / "all.f2f").layer("small").mask,
    }
    for who, mask in found.items():
        np.testing.assert_array_equal(mask, expected, who)
    assert point.sparsity == pytest.approx(1 - expected.mean())


def test_one_set_of_defaults(run, tmp_path):
    """Python, the command line, the sweep and the app give one ratio at S = 0.9 and n_s = 1."""
    layer = f2f.sample_layer()
    np.save(tmp_path / "w.npy", layer.weights)
    mask = f2f.prune(layer.weights, 0.9)

    def told(*arguments):
        return json.loads(run(*arguments, "--json"))["ratio"]

    async def shown():
        return (await f2f.Analyzer(layer).settled()).ratio.value

    (point,) = sweep([layer], grid(rate=[0.9], n_s=[1]))
    found = {
        "encode": f2f.report(f2f.encode(layer.weights, mask)).ratio,
        "encode_layer": f2f.report(encode_layer(layer, f2f.Settings())).ratio,
        "analyze": f2f.analyze(layer, f2f.Settings(rate=0.9, n_s=1)).ratio.value,
        "sweep": point.ratio,
        "command": told("encode", tmp_path / "w.npy", "-o", tmp_path / "w.f2f"),
        "command, asked": told(
            "encode", tmp_path / "w.npy", "-o", tmp_path / "x.f2f", "--rate", 0.9, "--n-s", 1
        ),
        "report": told("report", tmp_path / "w.f2f"),
        "sweep command": told("sweep", tmp_path / "w.npy", "--axis", "n_s=1"),
        "app": asyncio.run(shown()),
    }
    assert len(set(found.values())) == 1, found
