"""The shipped samples: complete, pruned as they say, and as accurate as they say."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
import f2f_viz.samples as samples
from f2f_viz.errors import F2FError
from f2f_viz.samples import (
    PRUNED_LAYERS,
    predict,
    sample_info,
    sample_layer,
    sample_model,
    sample_names,
)
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.quantize import quantize

VARIANTS = list(sample_info()["variants"])


model_of = cache(sample_model)  # none is changed


def accuracy(model):
    images, labels = samples.test_set()
    return (predict(model, images) == labels).mean()


def test_variants_are_the_dense_one_and_each_method_at_each_rate():
    methods = ["gradual", "one-shot", "random", "l0"]
    assert ["dense", *(f"{m}-{rate}" for m in methods for rate in (0.7, 0.9))] == VARIANTS
    assert len(sample_names()) == len(VARIANTS) * len(PRUNED_LAYERS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_accuracy_is_what_the_metadata_say(variant):
    # sums of float32 may differ by machine and flip a close call, so one digit's grace
    images, labels = samples.test_set()
    recorded = sample_info()["variants"][variant]["accuracy"]
    assert accuracy(model_of(variant)) == pytest.approx(recorded, abs=1.5 / len(labels))
    assert images.shape == (len(labels), 8, 8)


def test_the_networks_are_good_and_pruning_by_lot_is_worst():
    info = sample_info()["variants"]
    assert info["dense"]["accuracy"] >= 0.96
    scores = {name: v["accuracy"] for name, v in info.items() if v["rate"] == 0.9}
    assert min(scores, key=scores.__getitem__) == "random-0.9"
    assert min(scores.values()) >= 0.95


@pytest.mark.parametrize("variant", VARIANTS)
def test_sparsity_is_what_the_metadata_say(variant):
    info = sample_info()["variants"][variant]
    model = model_of(variant)
    zeros = {name: float((model[name] == 0).mean()) for name in PRUNED_LAYERS}
    assert info["sparsity_by_layer"] == pytest.approx(zeros, abs=1e-4)
    assert info["sparsity"] == pytest.approx(info["rate"], abs=1e-4)
    others = np.concatenate([w.ravel() for n, w in model.items() if n not in PRUNED_LAYERS])
    assert (others == 0).mean() < 0.01


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_decoded_files_classify_as_the_pruned_network_does(variant, tmp_path):
    images, _ = samples.test_set()
    model = model_of(variant)
    decoded = dict(model)
    for name in PRUNED_LAYERS:
        mask = f2f.prune(model[name], 0, "zeros")
        f2f.save(f2f.encode(model[name], mask, n_s=1), tmp_path / "layer.f2f")
        decoded[name] = f2f.decode(f2f.open(tmp_path / "layer.f2f"))
        assert decoded[name].tobytes() == model[name].tobytes()  # pruned weights are +0 in both
    np.testing.assert_array_equal(predict(decoded, images), predict(model, images))


@pytest.mark.parametrize("variant", ["dense", "l0-0.9"])
def test_int8_classifies_nearly_as_well(variant):
    model = model_of(variant)
    layers = {name: Layer(name, model[name], "float32", "test") for name in PRUNED_LAYERS}
    small = {name: quantize(layer, "int8", "channel") for name, layer in layers.items()}
    real = {name: quantized.dequantize() for name, quantized in small.items()}
    assert accuracy({**model, **real}) == pytest.approx(accuracy(model), abs=0.01)


def test_a_wrong_weight_shows():
    model = model_of("gradual-0.9")
    broken = dict(model, **{"ffn1.weight": model["ffn1.weight"][::-1]})
    assert accuracy(broken) < accuracy(model) - 0.02


def test_layers_by_name():
    first = sample_layer()
    assert first.name == sample_names()[0] == "digits-transformer/dense/ffn1.weight"
    assert first.weights.shape == (160, 64)
    assert first.dtype == "float32"
    for name in sample_names():
        layer = sample_layer(name)
        _, variant, tensor = name.split("/")
        assert layer.name == name
        np.testing.assert_array_equal(layer.weights, model_of(variant)[tensor])
        assert "accuracy" in layer.source
    with pytest.raises(F2FError, match="no sample layer 'nothing'"):
        sample_layer("nothing")
    with pytest.raises(F2FError, match="expected one of dense, gradual"):
        sample_model("nothing")


def test_provenance_and_size():
    info = sample_info()
    for key in ("model", "dataset", "licence", "seed", "script", "versions"):
        assert info[key]
    root = Path(__file__).parents[1]
    assert (root / info["script"]).is_file()
    data = Path(samples.__file__).with_name("data")
    assert sum(file.stat().st_size for file in data.iterdir()) <= 1_500_000
    json.dumps(info)


def test_no_deep_learning_library_is_imported():
    code = (
        "import sys, f2f_viz.samples as s; s.predict(s.sample_model(), s.test_set()[0]);"
        "sys.exit(bool({'torch', 'sklearn', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
