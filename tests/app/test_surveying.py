"""The Model tab: a row for every tensor, of this model and these settings or seen to be old."""

import asyncio
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.app import surveying
from f2f_viz.app.sources import model_of, siblings
from tests.app.messages import say

RNG = np.random.default_rng(0)
MODEL = {
    "a": RNG.normal(size=(96, 80)).astype(np.float32),
    "norm.weight": np.ones(80, np.float32),
    "b": RNG.normal(size=(60, 40)).astype(np.float32),
    "steps": np.arange(6),
}


@pytest.fixture
def path(tmp_path):
    save_file(MODEL, tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def sent(monkeypatch):
    """What the tables' pages get, by kind, and whether it is strict JSON."""
    found = []

    def send(self, content, buffers=None):
        json.dumps(content, allow_nan=False)
        found.append(content)

    monkeypatch.setattr(surveying.ModelWidget, "send", send)
    monkeypatch.setattr(surveying, "_PAUSE", 0)
    return found


def shown(messages):
    """What a page shows that heard these, as ``static/model.js`` takes them."""
    tensors, rows, serial = [], {}, 0
    for message in messages:
        if message["kind"] == "tensors":
            tensors, rows, serial = message["tensors"], dict(message["rows"]), message["serial"]
        elif message["kind"] == "old":
            serial = message["serial"]
            rows = {name: row | {"old": True} for name, row in rows.items()}
        elif message["kind"] == "found" and message["serial"] == serial:
            rows |= message["rows"]
    return tensors, rows


async def opened(path, **settings):
    """Return an analyzer with a file, and its Model tab's widget."""
    analyzer = f2f.Analyzer(settings=f2f.Settings(n_in=4, **settings))
    analyzer.state = analyzer.state | {"source": "path", "path": str(path), "tensor": "a"}
    await analyzer.settled()
    analyzer.tab = "Model"
    (root,) = analyzer.views["Model"]
    return analyzer, root


def all_new(sent, *names):
    _, rows = shown(sent)
    return set(rows) == set(names) and not any(row["old"] for row in rows.values())


def test_rows_are_those_of_a_survey_and_what_is_carried_says_why(path, sent, until):
    async def drive():
        _, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        tensors, rows = shown(sent)
        whole = f2f.survey(path, f2f.Settings(n_in=4))
        assert [t["name"] for t in tensors] == [info.name for info in f2f.list_tensors(path)]
        assert {t["name"]: t["why"] for t in tensors if t["why"]} == whole.carried
        assert [t["name"] for t in tensors if not t["opens"]] == ["steps"]
        for row in whole:  # so small that all is searched
            assert rows[row.name] == surveying.row_data(row) | {"old": False}
        assert root.status == ""
        assert root.totals == {
            "layers": 2,
            "known": 2,
            "exact": 2,
            "dense": sum(row.dense_bytes for row in whole),
            "coded": sum(row.bytes for row in whole),
            "carried": 2,
            "carried_bytes": whole.carried_bytes,
        }
        assert root.name == "m.safetensors"

    asyncio.run(drive())


def test_other_settings_make_rows_old_until_they_are_estimated_anew(path, sent, until):
    async def drive():
        analyzer, _ = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        before = shown(sent)[1]
        heard = len(sent)
        analyzer.settings = f2f.Settings(n_in=4, rate=0.5)
        await analyzer.settled()
        await until(lambda: all_new(sent, "a", "b"))
        assert sent[heard]["kind"] == "old"
        after = shown(sent)[1]
        assert after["b"]["sparsity"] == 0.5 != before["b"]["sparsity"]

    asyncio.run(drive())


def test_a_click_opens_the_layer_and_its_row_stays(path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        heard = len(sent)
        say(root, kind="open", name="b")
        await until(lambda: analyzer.layer.name == "b")
        assert (await analyzer.settled()).given.name == "b"
        assert analyzer.tab == "Model"
        assert sent[heard:] == []  # the same model, the same settings
        say(root, kind="open", name="steps")  # which is no layer
        say(root, kind="open", name="no such")
        assert (await analyzer.settled()).given.name == "b"

    asyncio.run(drive())


def test_another_file_begins_anew_and_so_does_one_that_has_changed(path, tmp_path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        other = {"a": MODEL["a"], "c": MODEL["b"] + 1}
        save_file(other, tmp_path / "other.safetensors")
        analyzer.state = analyzer.state | {"path": str(tmp_path / "other.safetensors")}
        await analyzer.settled()
        await until(lambda: all_new(sent, "a", "c"))
        assert root.name == "other.safetensors"
        save_file(other | {"d": MODEL["b"] + 2}, tmp_path / "new")
        (tmp_path / "new").replace(tmp_path / "other.safetensors")
        say(root, kind="open", name="c")
        await until(lambda: all_new(sent, "a", "c", "d"))

    asyncio.run(drive())


def test_the_samples_are_a_model_too(sent, until):
    async def drive():
        analyzer = f2f.Analyzer(settings=f2f.Settings(n_in=4))
        assert analyzer.needless == []
        await analyzer.settled()
        analyzer.tab = "Model"
        (root,) = analyzer.views["Model"]
        name = f2f.sample_names()[1]
        own = name.rpartition("/")[2]
        await until(lambda: own in shown(sent)[1])
        tensors, _ = shown(sent)
        assert {"norm1.weight", own} < {tensor["name"] for tensor in tensors}
        say(root, kind="open", name=own)
        await until(lambda: analyzer.layer.name == name)

    asyncio.run(drive())


def test_one_array_needs_no_such_tab():
    assert f2f.Analyzer(MODEL["a"]).needless == ["Model"]


def test_an_analyzer_of_a_file_has_its_other_layers(path, sent, until):
    async def drive():
        analyzer = f2f.Analyzer(f"{path}:b", f2f.Settings(n_in=4))
        assert analyzer.needless == []
        assert (analyzer.state["path"], analyzer.state["tensor"]) == (str(path), "b")
        assert (await analyzer.settled()).given.name == "b"
        analyzer.tab = "Model"
        (root,) = analyzer.views["Model"]
        await until(lambda: all_new(sent, "a", "b"))
        say(root, kind="open", name="a")
        await until(lambda: analyzer.layer.name == "a")

    asyncio.run(drive())


def test_rows_are_picked_for_a_sweep(path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        say(root, kind="sweep", names=["b", "a", "steps"])
        assert analyzer.tab == "Sweep"
        (sweep,) = analyzer.views["Sweep"]
        assert sweep.picked == ["b", "a"]
        analyzer.tab = "Model"
        say(root, kind="sweep", names=["b"])
        assert sweep.picked == ["b"]
        analyzer.state = analyzer.state | {"source": "sample"}
        await analyzer.settled()
        assert sweep.picked == []

    asyncio.run(drive())


def test_what_cannot_be_coded_so_says_why_in_its_row(tmp_path, sent, until):
    save_file(
        MODEL | {"eight": RNG.integers(-9, 9, (40, 30)).astype(np.int8)}, tmp_path / "m.safetensors"
    )
    np.save(tmp_path / "mask.npy", MODEL["a"] > 1)

    async def drive():
        await opened(tmp_path / "m.safetensors", method="mask", mask=str(tmp_path / "mask.npy"))
        await until(lambda: all_new(sent, "a", "b", "eight"))
        _, rows = shown(sent)
        assert "problem" not in rows["a"]
        assert "(96, 80)" in rows["b"]["problem"]

    asyncio.run(drive())


def test_a_file_that_is_gone_is_said(path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        analyzer.tab = "Mask"
        path.unlink()
        analyzer.settings = f2f.Settings(n_in=4, rate=0.6)
        await analyzer.settled()
        analyzer.tab = "Model"
        await until(lambda: "no such file" in root.problem)
        assert shown(sent) == ([], {})
        assert (root.status, root.working, root.totals) == ("", "", {})

    asyncio.run(drive())


def test_it_stays_with_its_rows_when_the_theme_changes(path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        say(analyzer, kind="look", theme="dark", large=False)
        assert analyzer.views["Model"] == [root]

    asyncio.run(drive())


def test_siblings_of_a_model_are_its_own():
    layer = f2f.sample_layer()
    values = {"source": "sample", "sample": layer.name, "path": "", "tensor": None}
    model = model_of(values, siblings(values, [], None, layer), None, layer)
    assert model_of(values, [], None, layer, model) is model
    assert set(model.siblings) < set(model.entries)
    for name, sibling in model.siblings.items():
        np.testing.assert_array_equal(sibling.load().weights, model.entries[name].read())


def saved(monkeypatch):
    files = []
    monkeypatch.setattr(
        surveying.ModelWidget,
        "send",
        lambda self, content, buffers=None: files.append((content, buffers)),
    )
    return files


def test_rates_of_single_tensors_and_a_plan_that_encoding_takes(
    path, tmp_path, sent, until, monkeypatch
):
    async def drive():
        _, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        heard = len(sent)
        say(root, kind="rates", names=["a"], rate=0.5)
        await until(lambda: all_new(sent, "a", "b") and len(sent) > heard + 1)
        tensors, rows = shown(sent)
        assert rows["a"]["sparsity"] == 0.5
        assert rows["b"]["sparsity"] == 0.9
        assert {t["name"]: t["own"] for t in tensors if t["own"] and not t["why"]} == {"a": "0.500"}
        say(root, kind="rates", names=["b"], rate=None)
        say(root, kind="rates", names=["norm.weight", "no such"], rate=0.25)
        await until(lambda: all_new(sent, "a", "norm.weight") or "b" in shown(sent)[1])
        await until(lambda: {t["name"]: t["why"] for t in shown(sent)[0]}.get("b") == "so chosen")
        await until(lambda: root.totals["known"] == 2)
        files = saved(monkeypatch)
        say(root, kind="plan")
        (content, (data,)) = files[-1]
        assert content == {"kind": "file", "name": "m-plan.json"}
        (tmp_path / "plan.json").write_bytes(data)
        account = f2f.encode_model(path, tmp_path / "m.f2f", plan=tmp_path / "plan.json")
        sparsity = {layer.name: layer.report.sparsity for layer in account.layers}
        assert sparsity == {"a": 0.5, "norm.weight": 0.25}
        say(root, kind="csv")
        lines = files[-1][1][0].decode().splitlines()
        assert len(lines) == 3
        assert lines[0].startswith("name,shape,dtype,weights")

    asyncio.run(drive())


def test_rates_go_back_to_the_settings_and_leave_with_the_model(path, tmp_path, sent, until):
    async def drive():
        analyzer, root = await opened(path)
        await until(lambda: all_new(sent, "a", "b"))
        say(root, kind="rates", names=["a", "b"], rate=0.5)
        await until(lambda: all_new(sent, "a", "b") and shown(sent)[1]["b"]["sparsity"] == 0.5)
        say(root, kind="rates", names=["a"], rate="")
        await until(lambda: all_new(sent, "a", "b") and shown(sent)[1]["a"]["sparsity"] == 0.9)
        assert shown(sent)[1]["b"]["sparsity"] == 0.5
        save_file({"b": MODEL["b"] + 1, "c": MODEL["a"]}, tmp_path / "other.safetensors")
        analyzer.state = analyzer.state | {
            "path": str(tmp_path / "other.safetensors"),
            "tensor": "b",
        }
        await analyzer.settled()
        await until(lambda: all_new(sent, "b", "c"))
        assert shown(sent)[1]["b"]["sparsity"] == 0.9

    asyncio.run(drive())


def test_one_rate_over_all_is_that_of_a_survey_and_what_cannot_be_is_said(path, sent, until):
    async def drive():
        analyzer, root = await opened(path, rate=0.8)
        await until(lambda: all_new(sent, "a", "b"))
        say(root, kind="together", on=True)
        whole = f2f.survey(path, f2f.Settings(n_in=4, rate=0.8), together=True)
        wanted = {row.name: row.sparsity for row in whole}
        assert len(set(wanted.values())) == 2

        def found():
            return {name: row["sparsity"] for name, row in shown(sent)[1].items()}

        await until(lambda: all_new(sent, "a", "b") and found() == wanted)
        assert root.together
        analyzer.settings = f2f.Settings(n_in=4, method="random", rate=0.8)
        await analyzer.settled()
        await until(lambda: "magnitude" in root.problem)
        assert not root.together
        await until(lambda: all_new(sent, "a", "b"))
        heard = len(sent)
        for rate in (7, float("nan"), True, "0.5", [0.5]):
            root.problem = ""
            say(root, kind="rates", names=["a"], rate=rate)
            assert "0 to 1" in root.problem, rate
        assert sent[heard:] == []
        say(root, kind="rates", names=["b"], rate=0.5)
        await until(lambda: found() == {"a": 0.8, "b": 0.5} and all_new(sent, "a", "b"))
        assert root.problem == ""

    asyncio.run(drive())


def test_layers_are_searched_whole_on_demand_and_it_can_be_stopped(tmp_path, sent, until):
    large = RNG.normal(size=(1500, 900)).astype(np.float32)
    path = tmp_path / "m.safetensors"
    save_file({"a": MODEL["a"], "large": large, "second": large * 2}, path)

    async def drive():
        _, root = await opened(path, n_s=1)
        await until(lambda: all_new(sent, "a", "large", "second"))
        rows = shown(sent)[1]
        assert [rows[name]["exact"] for name in ("a", "large")] == [True, False]
        assert (root.working, root.status) == ("", "")
        say(root, kind="search", names=["large"])
        assert root.working == "stop"
        assert root.status.startswith("searching whole: 0 of 1 layers")
        say(root, kind="stop")
        assert root.working == "go"
        assert root.status.startswith("stopped")
        say(root, kind="go")
        await until(lambda: shown(sent)[1]["large"]["exact"])
        rows = shown(sent)[1]
        exact = f2f.survey(path, f2f.Settings(n_in=4, n_s=1), exact=True)
        row = next(row for row in exact if row.name == "large")
        assert rows["large"] == surveying.row_data(row) | {"old": False}
        assert not rows["second"]["exact"]
        await until(lambda: root.working == "")

    asyncio.run(drive())
