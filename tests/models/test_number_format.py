"""Whole models in another number format: what one layer alone would be, with its scales beside."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f

RNG = np.random.default_rng(9)
WEIGHTS = RNG.normal(size=(40, 64)).astype(np.float32)
MODEL = {
    "a.weight": WEIGHTS,
    "a.bias": np.ones(40, np.float32),
    "b.weight": RNG.integers(-9, 9, (32, 32)).astype(np.int8),
    "tiny.weight": np.ones((2, 2), np.float32),
}


@pytest.fixture
def model(tmp_path):
    save_file(MODEL, tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def decoded(model, folder, **how):
    f2f.encode_model(model, folder / "m.f2f", **how)
    f2f.decode_model(folder / "m.f2f", folder / "back.safetensors")
    return load_file(folder / "back.safetensors")


@pytest.mark.parametrize("number_format", ["bfloat16", "float16", "int8", "int8/channel"])
@pytest.mark.parametrize("kind", ["file", "objects", "npz", "executor"])
def test_layers_are_those_that_are_encoded_alone(model, tmp_path, number_format, kind):
    settings = f2f.Settings(rate=0.7, n_s=0, number_format=number_format)
    how = {"settings": settings}
    source = model if kind in ("file", "executor") else MODEL
    if kind == "npz":
        source = tmp_path / "m.npz"
        np.savez(source, **MODEL)
    with ThreadPoolExecutor(1) as executor:
        back = decoded(
            source, tmp_path, **how, **({"executor": executor} if kind == "executor" else {})
        )
    alone = f2f.analyze(f2f.Layer("a.weight", WEIGHTS, "float32", "test"), settings)
    np.testing.assert_array_equal(back["a.weight"], f2f.decode(alone.encoded))
    assert back["a.weight"].dtype == alone.layer.weights.dtype
    # what is no float, and what is no weight, stays
    np.testing.assert_array_equal(back["a.bias"], MODEL["a.bias"])
    mask = f2f.prune(MODEL["b.weight"], 0.7)
    np.testing.assert_array_equal(back["b.weight"], MODEL["b.weight"] * mask)
    if number_format.startswith("int8"):
        real = back["a.weight"] * back["a.weight_scale"]
        assert back["a.weight_scale"].shape == ((40, 1) if "/" in number_format else ())
        np.testing.assert_allclose(real, WEIGHTS * alone.mask, atol=np.abs(WEIGHTS).max() / 250)
    else:
        assert back.keys() == MODEL.keys()


def test_what_does_not_fit_is_refused(model, tmp_path):
    with pytest.raises(f2f.F2FError, match="number format in whole models"):
        decoded(model, tmp_path, settings=f2f.Settings(number_format="int4"))
    save_file(MODEL | {"a.weight_scale": np.ones(1)}, model)
    with pytest.raises(f2f.F2FError, match=r"has a tensor a\.weight_scale already"):
        decoded(model, tmp_path, settings=f2f.Settings(number_format="int8"))
    assert not (tmp_path / "m.f2f").exists()


def test_an_onnx_model_comes_back_as_tensors(tmp_path):
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(WEIGHTS, "w")])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    settings = f2f.Settings(rate=0.7, n_s=0, number_format="int8")
    back = decoded(tmp_path / "m.onnx", tmp_path, settings=settings)
    assert back["w"].dtype == np.int8
    with pytest.raises(f2f.F2FError):
        f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.onnx")


def test_the_command_line(model, tmp_path, run):
    run("encode", model, "-o", tmp_path / "m.f2f", "--number-format", "int8/channel", "--n-s", 0)
    run("verify", tmp_path / "m.f2f")
    run("decode", tmp_path / "m.f2f", "-o", tmp_path / "back.safetensors")
    assert load_file(tmp_path / "back.safetensors")["a.weight"].dtype == np.int8
