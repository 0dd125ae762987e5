"""A plan says what becomes of each tensor; encoding by it is encoding by what it was made of."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.plan import Plan, read_plan

RNG = np.random.default_rng(5)
MODEL = {
    "embed.weight": RNG.normal(size=(40, 30)).astype(np.float32),
    "wide": (3 * RNG.normal(size=(50, 60))).astype(np.float32),
    "narrow": RNG.normal(size=(64, 60)).astype(np.float32),
    "steps": RNG.integers(-9, 10, size=(30, 40)).astype(np.int8),
    "c.bias": np.zeros(9, np.float32),
}
SETTINGS = f2f.Settings(rate=0.8, n_s=0, n_in=4)
RULES = [("embed*", None), ("narrow", 0.6)]


@pytest.fixture
def path(tmp_path):
    save_file(MODEL, tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def test_a_plan_from_a_file_encodes_as_its_settings_and_rules_do(path, tmp_path):
    plan = f2f.survey(path, SETTINGS, rules=RULES).plan
    plan.save(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert {name: own.rate for name, own in plan.layers.items()} == {
        "wide": 0.8, "narrow": 0.6, "steps": 0.8}  # fmt: skip
    assert plan.carried == {"embed.weight": "the rule embed*=keep", "c.bias": "a bias"}
    by_hand = f2f.encode_model(path, tmp_path / "a.f2f", SETTINGS, rules=RULES)
    for given in (plan, tmp_path / "plan.json"):
        planned = f2f.encode_model(path, tmp_path / "b.f2f", plan=given)
        assert planned == by_hand
        assert (tmp_path / "a.f2f").read_bytes() == (tmp_path / "b.f2f").read_bytes()


def test_one_rate_over_all_is_that_of_pruning_together(path, tmp_path):
    rules = [("embed*", None), ("steps", 0.5)]
    found = f2f.survey(path, SETTINGS, rules=rules, together=True)
    masks = f2f.prune_together({name: MODEL[name] for name in ("wide", "narrow")}, 0.8)
    rates = {name: own.rate for name, own in found.plan.layers.items()}
    assert rates["narrow"] > 0.9 > 0.7 > rates["wide"]
    assert rates["steps"] == 0.5
    f2f.encode_model(path, tmp_path / "m.f2f", plan=found.plan)
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    for name, mask in masks.items():
        back = f2f.load_layer(tmp_path / "back.safetensors", name).weights
        np.testing.assert_array_equal(back, np.where(mask, MODEL[name], 0))


def test_no_rate_over_all_without_a_common_magnitude(path):
    with pytest.raises(f2f.F2FError, match=r"int8 in 'steps'.*rule"):
        f2f.survey(path, SETTINGS, together=True)
    for other in ({"method": "random"}, {"per": "row"}):
        with pytest.raises(f2f.F2FError, match="magnitude, of whole layers"):
            f2f.survey(path, SETTINGS.replace(**other), together=True)


def test_masks_and_number_formats_of_their_own(tmp_path):
    mask = RNG.random((64, 60)) < 0.3
    model = {"w_orig": MODEL["narrow"], "w_mask": mask.astype(np.float32), "q": MODEL["steps"]}
    settings = SETTINGS.replace(number_format="bfloat16")
    found = f2f.survey(model, settings, exact=True)
    assert found.plan.layers["w_orig"].method == "zeros"
    assert [row.dtype for row in found] == ["bfloat16", "int8"]
    assert found.rows[0].sparsity == 1 - mask.mean()
    f2f.encode_model(model, tmp_path / "a.f2f", settings)
    f2f.encode_model(model, tmp_path / "b.f2f", plan=found.plan)
    assert (tmp_path / "a.f2f").read_bytes() == (tmp_path / "b.f2f").read_bytes()


def changed(**parts):
    return lambda good: good | parts


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda good: [], "values by name"),
        (lambda good: {}, "expected plan, settings, layers, carried"),
        (changed(more=1), "more"),
        (changed(plan=2), "version"),
        (changed(plan=True), "version"),
        (changed(settings=None), "settings"),
        (changed(settings={"rate": "half"}), "rate"),
        (changed(layers=[]), "layers"),
        (changed(layers={"wide": {"rate": 2}}), "layer 'wide' of the plan: rate"),
        (changed(layers={"wide": {"rats": 0.2}}), "rats"),
        (changed(layers={"wide": 0.5}), "wide"),
        (changed(carried={"c.bias": 5}), "c.bias"),
        (changed(layers={"c.bias": {}}), "twice"),
        (changed(layers={"c.bias": {"n_s": 99}}), "n_s"),
        (changed(carried={}), "the plan says nothing of it"),
        (lambda good: good | {"carried": good["carried"] | {"d": ""}}, "'d': the plan names it"),
    ],
)
def test_what_is_no_plan_of_this_model_is_refused(path, tmp_path, spoil, says):
    good = f2f.survey(path, SETTINGS).plan.to_dict()
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(spoil(good)))
    with pytest.raises(f2f.F2FError, match=says):
        f2f.encode_model(path, tmp_path / "m.f2f", plan=file)
    assert sorted(tmp_path.iterdir()) == sorted([path, file])


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"plan": 1, "plan": 1}', '{"plan": 1e999}', "\xff"]
)
def test_other_files_are_no_plans(tmp_path, text):
    file = tmp_path / "plan.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(f2f.F2FError, match=r"plan\.json"):
        read_plan(file)
    with pytest.raises(f2f.F2FError, match="cannot read"):
        read_plan(tmp_path / "none.json")


def test_a_plan_codes_only_what_can_be_coded(tmp_path):
    model = {"w": MODEL["wide"], "ids": np.arange(12).reshape(3, 4)}
    plan = f2f.survey(model, SETTINGS).plan
    moved = Plan(SETTINGS, plan.layers | {"ids": SETTINGS}, {})
    with pytest.raises(f2f.F2FError, match="can be carried"):
        f2f.encode_model(model, tmp_path / "m.f2f", plan=moved)
    for beside in ({"settings": SETTINGS}, {"rules": [("w", 0.5)]}):
        with pytest.raises(f2f.F2FError, match="no others beside it"):
            f2f.encode_model(model, tmp_path / "m.f2f", plan=plan, **beside)


def test_commands(path, tmp_path, run):
    file, out = tmp_path / "plan.json", tmp_path / "m.f2f"
    how = ("--rate", 0.8, "--n-s", 0, "--n-in", 4, "--rule", "embed*=keep", "--rule", "steps=0.5")
    run("survey", path, *how, "--together", "--save-plan", file)
    expected = f2f.survey(
        path, SETTINGS, rules=[("embed*", None), ("steps", 0.5)], together=True
    ).plan
    assert read_plan(file) == expected
    run("encode", path, "--plan", file, "-o", out)
    f2f.encode_model(path, tmp_path / "other.f2f", plan=expected)
    assert out.read_bytes() == (tmp_path / "other.f2f").read_bytes()
    for more in (("--rate", 0.5), ("--preset", "paper"), ("--rule", "wide=0.5")):
        assert "--plan" in run("encode", path, "--plan", file, *more, "-o", out, code=2)
    assert "--plan" in run("encode", path, "--tensor", "wide", "--plan", file, "-o", out, code=2)
    run("survey", path, "--save-plan", path, code=1)
    assert f2f.load_layer(path, "wide").weights.shape == (50, 60)
    run("encode", path, "--plan", file, "-o", file, code=1)
    assert read_plan(file) == expected
