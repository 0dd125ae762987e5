"""What must not be pruned is not: told by name, shape, company and graph, and said."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import load_mask
from f2f_viz.tensors.loaders import TensorInfo
from f2f_viz.tensors.roles import ROLES, with_roles

RNG = np.random.default_rng(0)
FEW = f2f.Settings(n_s=0, rate=0.9)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


MODEL = [
    # name, shape, number format, role
    ("w", (64, 64), "int8", "weight"),
    ("w_scale", (64, 64), "float32", "scale"),
    ("w_zero_point", (64, 64), "int8", "zero point"),
    ("w.outliers", (64, 64), "float32", "companion"),
    ("a.weight_scale_inv", (9, 9), "float32", "scale"),
    ("q.qweight", (9, 9), "int32", "other"),
    ("q.qzeros", (9, 9), "int32", "zero point"),
    ("q.scales", (9, 9), "float16", "scale"),
    ("hqq.zero", (9, 9), "float32", "zero point"),
    ("aqlm.codebooks", (2, 256, 1, 8), "float16", "scale"),
    ("aqlm.codes", (9, 9, 2), "int8", "packed"),
    ("optimizer.state.0.exp_avg", (9, 9), "float32", "optimizer"),
    ("optimizer_states.0.state.3.momentum_buffer", (9, 9), "float32", "optimizer"),
    ("moments.exp_avg_sq", (9, 9), "float32", "optimizer"),
    ("optimal.weight", (9, 9), "float32", "weight"),
    ("zero_convs.0.weight", (9, 9), "float32", "weight"),
    ("conv.weight_orig", (9, 9), "float32", "weight"),
    ("conv.weight_mask", (9, 9), "float32", "mask"),
    ("causal", (1, 9, 9), "bool", "mask"),
    ("ln_f.weight", (9, 9), "float32", "norm"),
    ("h.0.ln_1.weight", (9,), "float32", "norm"),
    ("bn1.running_mean", (9,), "float32", "norm"),
    ("encoder.LayerNorm.weight", (9,), "float32", "norm"),
    ("norm1.linear.weight", (9, 9), "float32", "weight"),
    ("normalize.proj.weight", (9, 9), "float32", "weight"),
    ("time_scale_shift.weight", (9, 9), "float32", "weight"),
    ("relative_position_bias_table", (9, 9), "float32", "bias"),
    ("lstm.bias_ih_l0", (9,), "float32", "bias"),
    ("debiased.weight", (9, 9), "float32", "weight"),
    ("wte.weight", (9, 9), "float32", "embedding"),
    ("model.embed_tokens.weight", (9, 9), "float32", "embedding"),
    ("depthwise.weight", (9, 1, 3, 3), "float16", "weight"),
    ("head.weight", (1, 64), "float32", "vector"),
    ("experts_blocks", (3, 4, 5), "uint8", "packed"),
    ("nothing", (0, 4, 4), "float32", "empty"),
    ("position_ids", (1, 512), "int64", "other"),
]


@pytest.mark.parametrize("of", MODEL, ids=lambda row: row[0])
def test_roles(of):
    infos = with_roles(TensorInfo(name, shape, dtype, 0) for name, shape, dtype, _ in MODEL)
    assert {info.name: info.role for info in infos}[of[0]] == of[3]


def test_every_role_is_tried():
    assert {row[3] for row in MODEL} == set(ROLES)


def quantized():
    return {
        "w": RNG.integers(-127, 128, (64, 64)).astype(np.int8),
        "w_scale": abs(floats(64, 16)),
        "fc.weight": floats(64, 64),
        "embed.weight": floats(64, 64),
        "fc.norm": floats(64, 1),
    }


def test_scales_of_an_int8_checkpoint_come_back_whole(tmp_path, run):
    held = quantized()
    save_file(held, tmp_path / "m.safetensors")
    out = run("encode", tmp_path / "m.safetensors", "--n-s", 0, "-o", tmp_path / "m.f2f")
    assert "scales of a quantized tensor: w_scale" in out
    assert "of a normalisation: fc.norm" in out
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    back = load_file(tmp_path / "back.safetensors")
    for name in ("w_scale", "fc.norm"):
        assert back[name].tobytes() == held[name].tobytes()
    assert (back["w"] == 0).mean() > 0.89
    listed = run("tensors", tmp_path / "m.safetensors").splitlines()
    assert listed[1].endswith("carried: scales of a quantized tensor") == (
        listed[1].startswith("w_scale")
    )
    roles = {row["name"]: row["role"] for row in json.loads(run("tensors", "--json", tmp_path / "m.safetensors"))}  # fmt: skip
    assert roles["w_scale"] == "scale"
    assert "carried unchanged" in run("report", tmp_path / "m.f2f")


@pytest.mark.parametrize(
    ("rules", "coded"),
    [
        ([], {"w", "fc.weight", "embed.weight"}),
        ([("*", 0.5)], {"w", "fc.weight", "embed.weight"}),  # what is no weight stays out
        ([("*", None)], set()),
        ([("w_scale", 0.5)], {"w", "fc.weight", "embed.weight", "w_scale"}),
        ([("*_scale", 0.5)], {"w", "fc.weight", "embed.weight", "w_scale"}),
        ([("role:embedding", None)], {"w", "fc.weight"}),
        ([("role:scale", 0.9), ("*", None)], {"w_scale"}),
    ],
)
def test_rules_go_before_roles(tmp_path, rules, coded):
    account = f2f.encode_model(quantized(), tmp_path / "m.f2f", FEW, rules=rules)
    assert {layer.name for layer in account.layers} == coded
    assert set(account.reasons) == set(account.carried)
    if ("*", None) in rules:
        assert account.reasons["fc.weight"] == "the rule *=keep"


@pytest.mark.parametrize("pattern", ["absent*", "role:mask", "role:absent"])
def test_a_rule_for_nothing(tmp_path, pattern):
    with pytest.raises(
        F2FError, match=f"the rule '{pattern}' is for no tensor".replace("*", r"\*")
    ):
        f2f.encode_model(quantized(), tmp_path / "m.f2f", FEW, rules=[(pattern, None)])


def pruned_module():
    torch = pytest.importorskip("torch")
    from torch.nn.utils import prune

    torch.manual_seed(0)
    linear = torch.nn.Linear(64, 64)
    prune.random_unstructured(linear, "weight", 0.75)
    return linear


@pytest.mark.parametrize("held", ["module", "file"])
def test_the_mask_of_torch_prunes_its_weight(tmp_path, held):
    linear = pruned_module()
    state = linear.state_dict()
    model = linear
    if held == "file":
        model = tmp_path / "m.safetensors"
        save_file({name: tensor.numpy() for name, tensor in state.items()}, model)
    account = f2f.encode_model(model, tmp_path / "m.f2f", FEW)
    (layer,) = account.layers
    assert layer.name == "weight_orig"
    assert layer.report.sparsity == 0.75  # not 0.9
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    back = load_file(tmp_path / "back.safetensors")
    np.testing.assert_array_equal(back["weight_mask"], state["weight_mask"])
    np.testing.assert_array_equal(back["weight_orig"], linear.weight.detach())
    np.testing.assert_array_equal(
        f2f.load_layer(model, "weight_orig").weights, linear.weight.detach()
    )
    assert f2f.load_layer(model).name == "weight_orig"  # never the mask
    f2f.encode_model(model, tmp_path / "k.f2f", FEW, rules=[("*", None)])
    f2f.decode_model(tmp_path / "k.f2f", tmp_path / "kept.safetensors")
    kept = load_file(tmp_path / "kept.safetensors")["weight_orig"]
    np.testing.assert_array_equal(kept, state["weight_orig"])  # carried as it was
    ruled = f2f.encode_model(model, tmp_path / "r.f2f", FEW, rules=[("weight_orig", 0.9)])
    assert ruled.layers[0].report.sparsity == pytest.approx(0.9, abs=1e-3)


def test_a_tensor_of_a_mask_file_is_named(tmp_path, run):
    layer = floats(32, 32)
    masks = {"a": layer > 0, "b": layer > 1, "x:y": layer > 2}
    save_file(masks, tmp_path / "masks.safetensors")
    np.save(tmp_path / "w.npy", layer)
    for name, mask in masks.items():
        named = f"{tmp_path}/masks.safetensors:{name}"
        np.testing.assert_array_equal(load_mask(named), mask)
        settings = f2f.Settings(method="mask", mask=named, n_s=0)
        np.testing.assert_array_equal(f2f.analyze(layer, settings).mask, mask)
        assert settings.files == [f"{tmp_path}/masks.safetensors"]
    run("encode", tmp_path / "w.npy", "--method", "mask", "--mask",
        f"{tmp_path}/masks.safetensors:b", "--n-s", 0, "-o", tmp_path / "w.f2f")  # fmt: skip
    np.testing.assert_array_equal(f2f.open(tmp_path / "w.f2f").mask, masks["b"])
    with pytest.raises(F2FError, match="no tensor 'c' in"):
        load_mask(f"{tmp_path}/masks.safetensors:c")
    with pytest.raises(F2FError, match="no such file"):
        load_mask(f"{tmp_path}/absent.safetensors:c")


def test_onnx_says_it_in_its_graph(tmp_path):
    onnx = pytest.importorskip("onnx")
    arrays = {
        "m1": RNG.integers(-127, 128, (64, 64)).astype(np.int8),
        "m2": abs(floats(64, 64)),
        "m3": np.zeros((64, 64), np.int8),
        "m4": floats(64, 64),
        "m5": floats(64, 64),
    }
    nodes = [
        onnx.helper.make_node("DequantizeLinear", ["m1", "m2", "m3"], ["w"]),
        onnx.helper.make_node("Gather", ["m4", "ids"], ["x"]),
        onnx.helper.make_node("MatMul", ["x", "m5"], ["y"]),
    ]
    graph = onnx.helper.make_graph(
        nodes, "g", [], [], [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()]
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    roles = {info.name: info.role for info in f2f.list_tensors(tmp_path / "m.onnx")}
    assert roles == {
        "m1": "weight", "m2": "scale", "m3": "zero point", "m4": "embedding", "m5": "weight",
    }  # fmt: skip
