"""The shipped samples: complete, pruned as they say, and as accurate as they say."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
import f2f_viz.samples as samples
from f2f_viz.analysis.compare import compare
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.entropy import block_stats
from f2f_viz.errors import F2FError
from f2f_viz.samples import predict, sample_info, sample_layer, sample_model, sample_names
from f2f_viz.samples.networks import NETWORKS
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.quantize import quantize

VARIANTS = [
    (network, variant) for network in NETWORKS for variant in sample_info(network)["variants"]
]
METHODS = ["gradual", "one-shot", "random", "l0", "vd"]
IMAGES, LABELS = samples.test_set()


@cache  # none is changed
def model_of(network, variant):
    return sample_model(variant, network)


def accuracy(network, model):
    return (predict(model, IMAGES, network) == LABELS).mean()


@pytest.mark.parametrize("network", ["digits-transformer", "digits-resnet"])
def test_variants_are_the_dense_one_and_each_method_at_each_rate(network):
    pruned = [f"{method}-{rate}" for method in METHODS for rate in (0.7, 0.9)]
    assert list(sample_info(network)["variants"]) == ["dense", *pruned]


def test_the_layers_are_large_enough():
    shapes = {n: w.shape for n, w in model_of("digits-transformer", "dense").items()}
    assert (shapes["ffn1.weight"], shapes["ffn2.weight"]) == ((512, 128), (128, 512))
    assert model_of("digits-resnet", "dense")["block2.conv2.weight"].shape == (64, 64, 3, 3)
    assert len(sample_names()) == sum(len(NETWORKS[network].pruned) for network, _ in VARIANTS)


@pytest.mark.parametrize(("network", "variant"), VARIANTS)
def test_accuracy_is_what_the_metadata_say(network, variant):
    # sums of float32 may differ by machine and flip a close call, so one digit's grace
    recorded = sample_info(network)["variants"][variant]["accuracy"]
    found = accuracy(network, model_of(network, variant))
    assert found == pytest.approx(recorded, abs=1.5 / len(LABELS))
    assert IMAGES.shape == (len(LABELS), 8, 8)


@pytest.mark.parametrize("network", ["digits-transformer", "digits-resnet"])
def test_the_networks_are_good(network):
    info = sample_info(network)["variants"]
    assert info["dense"]["accuracy"] >= 0.96
    assert min(v["accuracy"] for v in info.values()) >= 0.94


@pytest.mark.parametrize(("network", "variant"), VARIANTS)
def test_sparsity_is_what_the_metadata_say(network, variant):
    info = sample_info(network)["variants"][variant]
    model, pruned = model_of(network, variant), NETWORKS[network].pruned
    zeros = {name: float((model[name] == 0).mean()) for name in pruned}
    assert info["sparsity_by_layer"] == pytest.approx(zeros, abs=1e-4)
    assert info["sparsity"] == pytest.approx(info["rate"], abs=1e-4)
    others = np.concatenate([w.ravel() for n, w in model.items() if n not in pruned])
    assert (others == 0).mean() < 0.01
    words = np.concatenate([model[name].ravel().view(np.uint32) for name in pruned])
    assert not (words == 1 << 31).any()  # pruned weights are +0, and so come back from decoding


@pytest.mark.parametrize(("network", "variant"), [v for v in VARIANTS if v[1].endswith("0.9")])
def test_decoded_files_classify_as_the_pruned_network_does(network, variant, tmp_path):
    model = model_of(network, variant)
    decoded = dict(model)
    for name in NETWORKS[network].pruned:
        mask = f2f.prune(model[name], 0, "zeros")
        f2f.save(f2f.encode(model[name], mask, n_s=1), tmp_path / "layer.f2f")
        decoded[name] = f2f.decode(f2f.open(tmp_path / "layer.f2f"))
        assert decoded[name].tobytes() == model[name].tobytes()
    np.testing.assert_array_equal(
        predict(decoded, IMAGES, network), predict(model, IMAGES, network)
    )


@pytest.mark.parametrize("network", ["digits-transformer", "digits-resnet"])
@pytest.mark.parametrize("variant", ["dense", "l0-0.9"])
def test_int8_classifies_nearly_as_well(network, variant):
    model = model_of(network, variant)
    real = {}
    for name in NETWORKS[network].pruned:
        layer = Layer(name, model[name], "float32", "test")
        real[name] = quantize(layer, "int8", "channel").dequantize()
    assert accuracy(network, {**model, **real}) == pytest.approx(accuracy(network, model), abs=0.01)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_wrong_weight_shows(network):
    model = model_of(network, "dense")
    first = NETWORKS[network].pruned[0]
    broken = dict(model, **{first: model[first][::-1]})
    assert accuracy(network, broken) < accuracy(network, model) - 0.02


def test_layers_by_name():
    first = sample_layer()
    assert first.name == sample_names()[0] == "digits-transformer/dense/ffn1.weight"
    assert first.dtype == "float32"
    for name in sample_names():
        layer = sample_layer(name)
        network, variant, tensor = name.split("/")
        assert layer.name == name
        np.testing.assert_array_equal(layer.weights, model_of(network, variant)[tensor])
        assert "accuracy" in layer.source
    with pytest.raises(F2FError, match="no sample layer 'nothing'"):
        sample_layer("nothing")
    with pytest.raises(F2FError, match="expected one of dense, gradual"):
        sample_model("nothing")
    with pytest.raises(F2FError, match="expected one of digits-transformer"):
        sample_info("nothing")


def test_a_layer_is_one_that_may_be_written_to():
    sample_layer().weights[0, 0] = 7  # nobody else's, and no view of a file
    assert sample_layer().weights[0, 0] != 7


def test_the_start_shows_the_method_in_a_good_light():
    """Interleaved order does better than rows, and F2F takes less than CSR, masks counted."""
    layer, settings = sample_layer(), f2f.Settings()
    found = {order: f2f.analyze(layer, f2f.Settings(order=order)) for order in ORDERS}
    best = found[settings.code.order]
    assert settings.code.order == "interleaved"
    assert best.efficiency.value > found["row"].efficiency.value + 0.005
    spread = {o: block_stats(n_u, best.n_out).dispersion for o, n_u in best.n_u_orders.items()}
    assert spread["interleaved"] < 1.1 < 1.5 < spread["row"]
    rivals = {rival.name: rival.bytes for rival in compare(layer.weights, best.mask, best.encoded)}
    assert rivals["F2F, whole file"] < rivals["CSR"]


def test_provenance_and_size():
    for network in NETWORKS:
        info = sample_info(network)
        for key in ("model", "dataset", "licence", "seed", "script", "versions"):
            assert info[key]
        assert info["pruned"] == list(NETWORKS[network].pruned)
        assert (Path(__file__).parents[1] / info["script"]).is_file()
    data = Path(f2f.__file__).with_name("data")
    assert sum(file.stat().st_size for file in data.iterdir()) <= 4_000_000


def test_no_deep_learning_library_is_imported():
    code = (
        "import sys, f2f_viz.samples as s; s.predict(s.sample_model(), s.test_set()[0]);"
        "sys.exit(bool({'torch', 'sklearn', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
