import asyncio
import itertools
import json
import os
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.app import controls, numbers, runner, sweeping
from f2f_viz.app.filler import Filler
from f2f_viz.app.history import History
from f2f_viz.app.runner import Runner
from f2f_viz.app.sources import Uploads, siblings
from f2f_viz.app.sweeping import legal_grid
from f2f_viz.figures.palette import LIGHT
from f2f_viz.hardware import gates
from f2f_viz.samples import SMALL
from tests.app.messages import say


def test_python_drives_the_analyzer():
    async def drive():
        analyzer = f2f.Analyzer()
        first = await analyzer.settled()
        assert first.settings == f2f.Settings()
        analyzer.settings = f2f.Settings(rate=0.6, n_s=0)
        second = await analyzer.settled()
        assert second.settings == f2f.Settings(rate=0.6, n_s=0)
        assert second.bit_exact
        weights = np.ones((3, 5), np.int8)
        analyzer.layer = f2f.Layer("mine", weights, "int8", "test")
        third = await analyzer.settled()
        assert third.layer.name == "mine"
        assert third.settings == second.settings

    asyncio.run(drive())


def test_analyzer_equals_analyze():
    async def drive():
        layer = f2f.Layer("w", np.arange(-40, 40, dtype=np.float32), "float32", "test")
        settings = f2f.Settings(rate=0.5, n_in=4)
        shown = await f2f.Analyzer(layer, settings).settled()
        direct = f2f.analyze(layer, settings)
        assert shown.ratio == direct.ratio
        np.testing.assert_array_equal(shown.encoded.symbols, direct.encoded.symbols)

    asyncio.run(drive())


def test_a_view_that_follows_a_change_is_never_called_old():
    """A note that comes and goes has the page laid out anew twice, and every figure drawn."""

    async def drive():
        analyzer = f2f.Analyzer(settings=f2f.Settings(n_s=0))
        await analyzer.settled()
        said = []
        analyzer.observe(lambda change: said.append(change["new"]), "notes")
        analyzer.settings = f2f.Settings(n_s=1, rate=0.8)
        assert (await analyzer.settled()).n_s == 1
        assert not said

    asyncio.run(drive())


@pytest.mark.parametrize("wrong", [{"rate": 2}, {"n_s": 99}])
def test_settings_are_checked_before_they_are_taken(wrong):
    with pytest.raises(f2f.F2FError):
        f2f.Settings(**wrong)


def test_analyzer_rejects_what_is_not_settings():
    with pytest.raises(f2f.F2FError, match="Settings"):
        f2f.Analyzer().settings = {"rate": 0.5}


class Bench:
    """A runner whose work is held until the test lets it go."""

    def __init__(self, work=None):
        self.published, self.failed, self.cancelled, self.started = [], [], 0, []
        self.told = []
        self.gate, self.drawn = threading.Event(), asyncio.Event()
        self.drawn.set()
        self.runner = Runner(
            work or self.work,
            is_exact=lambda result: result[1],
            worth=lambda job, newer: job != "slow",
            publish=self.publish,
            seen=self.seen,
            fail=lambda job, error: self.failed.append((job, error)),
            tell=lambda *told: self.told.append(told),
            cancelled=self.count_cancelled,
        )

    def work(self, job, *, begun, progress, cancel):
        self.started.append((job, begun is None))
        if begun is None:
            if job == "bad":
                raise f2f.F2FError("no good")
            return job, False
        while not self.gate.wait(0.005):
            if cancel.is_set():
                raise f2f.Cancelled
        return job, True

    async def publish(self, result):
        self.published.append(result)

    async def seen(self):
        await self.drawn.wait()

    def count_cancelled(self):
        self.cancelled += 1


def test_progress_of_a_search_that_was_left_is_not_told(monkeypatch):
    """It may wait on the loop behind the request for another job, whose state stands by then."""
    seconds = itertools.count()
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: next(seconds)))

    async def drive():
        loop = asyncio.get_running_loop()

        def work(job, *, begun, progress, cancel):
            if job == "first" and begun:
                loop.call_soon_threadsafe(bench.runner.request, "second")
                progress(500, 700)
                cancel.wait()
                raise f2f.Cancelled
            progress(1, 3)
            return job, job == "second"

        bench = Bench(work)
        bench.runner.request("first")
        await bench.runner.settled()
        assert bench.published == [("first", False), ("second", True)]
        assert [told[:2] for told in bench.told] == [(1, 3), (1, 3)]

    asyncio.run(drive())


def test_the_exact_search_waits_for_the_page_and_a_newer_job_does_not(until):
    async def drive():
        bench = Bench()
        bench.drawn.clear()
        bench.gate.set()
        bench.runner.request("a")
        await until(lambda: bench.published == [("a", False)])
        bench.runner.request("b")
        await until(lambda: bench.published[1:] == [("b", False)])
        assert bench.started == [("a", True), ("b", True)]
        bench.drawn.set()
        await bench.runner.settled()
        assert bench.published[2:] == [("b", True)]

    asyncio.run(drive())


def test_preview_comes_before_exact(until):
    async def drive():
        bench = Bench()
        bench.runner.request("a")
        await until(lambda: bench.published == [("a", False)])
        bench.gate.set()
        await bench.runner.settled()
        assert bench.published == [("a", False), ("a", True)]
        assert not bench.runner.busy

    asyncio.run(drive())


def test_newest_wins_and_one_is_in_flight(until):
    async def drive():
        bench = Bench()
        for job in "abc":
            bench.runner.request(job)
        await until(lambda: ("c", False) in bench.started)
        assert {job for job, _ in bench.started} == {"c"}
        bench.runner.request("d")
        bench.gate.set()
        await bench.runner.settled()
        assert bench.published[-2:] == [("d", False), ("d", True)]
        assert ("c", True) not in bench.published
        assert bench.cancelled == 0

    asyncio.run(drive())


def test_cancel_keeps_the_preview(until):
    async def drive():
        bench = Bench()
        bench.runner.request("a")
        await until(lambda: ("a", False) in bench.published and len(bench.started) == 2)
        bench.runner.cancel()
        await bench.runner.settled()
        assert bench.published == [("a", False)]
        assert bench.cancelled == 1

    asyncio.run(drive())


def test_cancel_is_told_at_once_and_nothing_more_is_shown(until):
    async def drive():
        begun, held = threading.Event(), threading.Event()

        def work(job, **options):
            begun.set()
            held.wait(5)
            return bench.work(job, **options)

        bench = Bench(work)
        bench.runner.request("a")
        await until(begun.is_set)
        bench.runner.cancel()
        assert bench.cancelled == 1  # though the thread is still at it
        bench.runner.request("b")  # waits for the thread, and is not lost
        bench.gate.set()
        held.set()
        await bench.runner.settled()
        assert bench.published == [("b", False), ("b", True)]

    asyncio.run(drive())


def test_a_preview_that_nobody_waits_for_is_left(until):
    async def drive():
        seen = []

        def work(job, *, begun, progress, cancel):
            seen.append(job)
            if job == "slow":
                assert cancel.wait(5)
                raise f2f.Cancelled
            return job, True

        bench = Bench(work)
        bench.runner.request("slow")
        await until(lambda: seen == ["slow"])
        bench.runner.request("b")
        await bench.runner.settled()
        assert bench.published == [("b", True)]
        assert bench.cancelled == 0

    asyncio.run(drive())


def test_failure_is_told_and_the_next_job_runs():
    async def drive():
        bench = Bench()
        bench.gate.set()
        bench.runner.request("bad")
        await bench.runner.settled()
        assert [job for job, _ in bench.failed] == ["bad"]
        bench.runner.request("a")
        await bench.runner.settled()
        assert bench.published[-1] == ("a", True)

    asyncio.run(drive())


def test_filler_goes_on_where_it_paused(until):
    async def drive():
        worked, shown = [], []

        def work(job, cancel):
            worked.append(job)
            if job == 13:
                raise f2f.F2FError("not for this layer")
            return 10 * job

        filler = Filler(work, lambda r, done, total: shown.append((list(r), done, total)), bool)
        filler.request("grid", [1, 13, 2])
        await until(lambda: len(shown) >= 1)
        filler.pause()
        filler.request("grid", [1, 13, 2])
        await until(lambda: shown and shown[-1][1] == 3)
        assert shown[-1] == ([10, 20], 3, 3)
        assert worked.count(1) == 1
        filler.request("grid", [1, 13, 2])  # nothing is left to do
        assert not filler.running
        filler.request("other", [5])
        await until(lambda: shown[-1] == ([50], 1, 1))

    asyncio.run(drive())


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are not a thread's own")
def test_a_filler_lets_the_page_have_the_cores_first(until):
    def nice():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def drive():
        found = []
        filler = Filler(lambda *_: nice(), lambda results, *_: found.extend(results), bool)
        filler.request("grid", [1])
        await until(lambda: found)
        assert found[0] > nice() or nice() == 19
        # what the user waits for does not stand back
        assert await asyncio.to_thread(nice) == nice()

    asyncio.run(drive())


def test_grids_leave_out_what_is_not_legal():
    choices = {"rate": [0.5, 2.0], "n_in": [8], "n_s": [0, 1, 2, 3], "order": ["row"]}
    found = legal_grid(f2f.Settings(seed=4, n_out=7), choices)
    assert [s.code.n_s for s in found] == [0, 1, 2]  # 8 · 3 bits of state are too many
    assert {(s.rate, s.seed, s.code.n_out) for s in found} == {(0.5, 4, None)}


def test_grids_have_methods_without_a_rate_once():
    choices = {"method": ["n:m", "random"], "rate": [0.5, 0.7, 0.9], "n_in": [], "n_s": []}
    found = legal_grid(f2f.Settings(rate=0.8, n_in=5, n_s=2), choices)
    assert [(s.method, s.rate) for s in found] == [
        ("n:m", 0.8), ("random", 0.5), ("random", 0.7), ("random", 0.9),
    ]  # fmt: skip
    assert {(s.code.n_in, s.code.n_s) for s in found} == {(5, 2)}  # as they were


def test_siblings_are_the_samples_or_the_tensors_of_the_file(tmp_path):
    shown = f2f.sample_layer()
    values = {"source": "sample", "sample": shown.name, "path": "", "tensor": None}
    found = {s.name: s for s in siblings(values, [], None, shown)}
    assert list(found) == f2f.sample_names()
    assert found[shown.name].load() is shown
    other = f2f.sample_names()[5]
    np.testing.assert_array_equal(found[other].load().weights, f2f.sample_layer(other).weights)
    np.savez(tmp_path / "m.npz", a=np.ones((2, 3), np.float32), b=np.zeros((4, 4), np.float16))
    path = str(tmp_path / "m.npz")
    values |= {"source": "path", "path": path, "tensor": "a"}
    tensors = [{"name": "a", "shape": [2, 3]}, {"name": "b", "shape": [4, 4]}]
    _, b = siblings(values, tensors, None, f2f.load_layer(path, "a"))
    assert b.load().weights.shape == (4, 4)
    assert b.choose == {"source": "path", "path": path, "tensor": "b"}
    assert b.text == "b · 4 × 4"


def test_a_sweep_goes_over_layers_and_methods_and_loads_its_points(until, monkeypatch):
    monkeypatch.setattr(sweeping, "_PAUSE", 0)  # every point is shown

    async def drive():
        analyzer = f2f.Analyzer()
        await analyzer.settled()
        analyzer.tab = "Sweep"
        (root,) = analyzer.views["Sweep"]
        names = [f2f.sample_names()[0], "digits-transformer/l0-0.9/ffn2.weight"]
        choices = {
            "method": ["magnitude", "n:m"],
            "rate": [0.5, 0.9],
            "n_in": [4],
            "n_s": [0],
            "order": [],
        }
        say(root, kind="plan", layers=names, grid=choices)
        plan = dict(root.plan["axes"]) | root.plan
        assert (plan["points"], len(plan["layers"]), root.rows, root.total) == (6, 2, [], 0)
        assert plan["rate"] == ["0.5", "0.9"]
        assert plan["order"] == ["Interleaved"]  # of the settings
        assert plan["took"]
        analyzer.settings = analyzer.settings.replace(order="row")
        await until(lambda: dict(root.plan["axes"])["order"] == ["Row"])
        analyzer.settings = analyzer.settings.replace(order="interleaved")
        await analyzer.settled()
        say(root, kind="start", layers=names, grid=choices)
        await until(lambda: root.done == 6)
        rows = root.rows
        # by the names that stand in the list of layers
        labels = dict(root.layers)
        assert [row["layer"] for row in rows] == [labels[name] for name in names for _ in range(3)]
        assert [row["pruning"] for row in rows[:3]] == [
            "magnitude 0.5",
            "magnitude 0.9",
            "2:4",
        ]
        for name, row in zip([names[0]] * 3 + [names[1]] * 3, rows, strict=True):
            settings = f2f.Settings(
                method="n:m" if row["pruning"] == "2:4" else "magnitude", rate=row["rate"],
                n_in=4, n_s=0,
            )  # fmt: skip
            a = f2f.analyze(f2f.sample_layer(name), settings)
            assert (row["ratio"], row["sparsity"]) == (a.ratio.value, a.sparsity)
        assert not root.running
        say(root, kind="start", layers=names, grid=choices)
        await until(lambda: 0 < root.done < 6)
        root.running = False  # as the page's button does
        done = root.done
        await asyncio.to_thread(f2f.analyze, f2f.sample_layer(names[0]))  # time enough
        assert root.done == done
        root.running = True
        await until(lambda: root.done == 6)
        assert root.rows == [
            r | {"seconds": s["seconds"]} for r, s in zip(rows, root.rows, strict=True)
        ]
        assert root.measured == "of 2 layers"
        analyzer.layer = f2f.sample_layer(f2f.sample_names()[1])
        await until(lambda: root.measured == "of 2 layers, not the layer shown")
        say(root, kind="load", row=4)
        loaded = await analyzer.settled()
        assert root.measured == "of 2 layers"
        assert loaded.layer.name == names[1]
        # a pruned sample begins with its own zeros, but the point was pruned by magnitude
        assert (loaded.settings.method, loaded.settings.rate) == ("magnitude", 0.9)
        assert loaded.ratio.value == rows[4]["ratio"]

    asyncio.run(drive())


def test_a_change_leaves_alone_what_the_kernel_changed_meanwhile():
    """A pruned sample brings its own method; a page that has not heard of it yet sends an order."""

    async def drive():
        analyzer = f2f.Analyzer()
        panel = analyzer.panel
        pruned = next(name for name in f2f.sample_names() if "gradual" in name)
        say(panel, kind="set", view="a", made=[0, 0], change={"sample": pruned})
        say(panel, kind="set", view="a", made=[0, 0], change={"order": "row"})
        assert panel.values["method"] != "magnitude"
        assert panel.values["order"] == "row"
        # both at once, as a slow kernel gets them: what somebody chose counts
        say(
            panel,
            kind="set",
            view="a",
            made=[0, 0],
            change={"sample": f2f.sample_names()[0], "method": "random"},
        )
        assert (await analyzer.settled()).settings.method == "random"

    asyncio.run(drive())


def test_python_to_copy_gives_the_same_analysis():
    layer = f2f.sample_layer()
    settings = f2f.Settings(rate=0.5, n_in=3, number_format="int8/channel")
    scope = {}
    exec(controls.as_python(layer, {"source": "sample"}, settings), scope)
    assert scope["analysis"].settings == settings
    np.testing.assert_array_equal(scope["layer"].weights, layer.weights)
    assert scope["analysis"].encoded.scales.shape == (512, 1)


@pytest.mark.parametrize(("name", "value"), [("rate", None), ("n_in", 99), ("seed", -1)])
def test_errors_name_their_control(name, value):
    with pytest.raises(f2f.F2FError) as caught:
        controls.read_settings({**f2f.Settings().to_dict(), name: value})
    assert caught.value.field == name


def test_a_preview_tells_its_steps_and_the_search_its_cpu_time():
    told = []
    layer = f2f.sample_layer()
    preview = f2f.analyze(layer, preview=True, progress=lambda *step: told.append(step))
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert preview.search_seconds is None or preview.exact
    exact = f2f.analyze(layer, f2f.Settings(n_s=2))
    assert exact.search_seconds > 0
    (point,) = f2f.sweep(layer, f2f.Settings(n_s=0), threads=1)
    assert point.seconds < exact.search_seconds  # some hundredth


def test_cards_put_the_numbers_in():
    layer = f2f.Layer("w", np.arange(200, dtype=np.float32), "float32", "test")
    cards = {c["key"]: c for c in numbers.cards(f2f.analyze(layer, f2f.Settings(rate=0.75)))}
    assert cards["sparsity"]["value"] == "75.00"
    assert cards["sparsity"]["numbers"] == ["= (200 − ", ("50", "kept"), ") / 200 = 0.7500"]
    assert cards["max_ratio"]["value"] == "4.00"
    circuit = f2f.gates(f2f.analyze(layer, f2f.Settings(rate=0.75)).network)
    assert cards["gates"]["value"] == str(circuit.shared)
    assert cards["gates"]["note"] == f"{circuit.naive} if none shared"
    saved = circuit.naive - circuit.shared
    assert cards["gates"]["numbers"] == [
        "= ",
        (str(circuit.naive), "matrix"),
        f" − {saved} = {circuit.shared}",
    ]
    for card in cards.values():
        for piece in card["formula"] + card["numbers"]:
            assert isinstance(piece, str) or hasattr(LIGHT, piece[1])
    json.dumps(list(cards.values()))
    analysis = f2f.analyze(layer, f2f.Settings(rate=0.75))
    nothing = f2f.analyze(layer, f2f.Settings(rate=1.0))
    for key in ("max_ratio", "ratio", "of_bound"):
        [card] = [card for card in numbers.cards(nothing) if card["key"] == key]
        assert (card["value"], card["unit"], card["note"]) == ("—", "", "nothing to code")
        assert card["numbers"][-1].endswith(": nothing to code")
    [card] = [c for c in numbers.cards(nothing, analysis) if c["key"] == "max_ratio"]
    assert card["change"] == f"pinned: {analysis.max_ratio:.2f}"
    [card] = [c for c in numbers.cards(analysis, nothing) if c["key"] == "max_ratio"]
    assert card["change"] == "pinned: —"


def test_a_pinned_result_turns_the_cards_into_differences():
    layer = f2f.sample_layer()
    pinned, now = (f2f.analyze(layer, f2f.Settings(n_s=n_s)) for n_s in (1, 0))
    cards = {card["key"]: card for card in numbers.cards(now, pinned)}
    gain = now.ratio.value - pinned.ratio.value
    assert cards["ratio"]["change"] == f"▼ {gain:.2f}".replace("-", "−")
    assert cards["ratio"]["better"] == -1
    assert cards["ratio"]["before"] == f"{pinned.ratio.value:.2f}"
    assert cards["sparsity"]["change"] == "as pinned"
    what, differs = numbers.describe_pinned(now, pinned)
    assert layer.name in what
    assert differs == "now: Register stages n_s 1 → 0"
    assert all("change" not in card for card in numbers.cards(pinned, pinned))
    assert numbers.describe_pinned(now, None) == []


def test_the_state_is_a_dict_to_read_and_set():
    async def drive():
        analyzer = f2f.Analyzer()
        start = dict(analyzer.state)
        assert start.keys() >= {"source", "sample", "rate", "n_s", "matrix", "tab", "plane", "bit"}
        analyzer.settings = f2f.Settings(n_s=0)
        assert analyzer.state == start | {"n_s": 0}
        analyzer.state = {"rate": 0.8, "tab": "Decoder", "plane": 3, "cycle": 5}
        assert analyzer.settings == f2f.Settings(rate=0.8)  # what is not named is as at the start
        assert (analyzer.tab, analyzer.selection.plane, analyzer.selection.cycle) == (
            "Decoder",
            3,
            5,
        )
        await analyzer.settled()
        assert analyzer.state == start | {"rate": 0.8, "tab": "Decoder", "plane": 3, "cycle": 5}
        pruned = "digits-transformer/l0-0.9/ffn2.weight"
        analyzer.state = {"sample": pruned}
        assert (analyzer.layer.name, analyzer.settings.method) == (pruned, "zeros")
        analyzer.state = {"sample": pruned, "method": "magnitude"}
        assert (analyzer.layer.name, analyzer.settings.method) == (pruned, "magnitude")
        before = analyzer.state
        for wrong in ({"rate": 2}, {"tab": "x"}, {"colour": 1}, {"cycle": -1}, {"source": "moon"}):
            with pytest.raises(f2f.F2FError):
                analyzer.state = wrong
        assert analyzer.state == before
        analyzer.close()

    asyncio.run(drive())


def test_undo_and_redo_go_step_by_step():
    async def drive():
        analyzer = f2f.Analyzer()
        say = analyzer._chooser._said
        analyzer.settings = f2f.Settings(n_s=0)
        analyzer.settings = f2f.Settings(n_s=0, order="row")
        analyzer._chooser.put(
            {"source": "sample", "sample": "digits-transformer/l0-0.9/ffn2.weight"}
        )
        assert analyzer.settings.method == "zeros"
        say(None, {"kind": "undo"}, [])
        assert analyzer.layer.name == f2f.sample_names()[0]
        assert analyzer.settings == f2f.Settings(n_s=0, order="row")
        say(None, {"kind": "undo"}, [])
        say(None, {"kind": "undo"}, [])
        assert analyzer.settings == f2f.Settings()
        assert not analyzer.panel.can_undo
        say(None, {"kind": "undo"}, [])  # nothing is left
        say(None, {"kind": "redo"}, [])
        assert analyzer.settings == f2f.Settings(n_s=0)
        analyzer.settings = f2f.Settings(n_s=2)
        assert not analyzer.panel.can_redo
        analyzer.close()

    asyncio.run(drive())


def test_undo_leads_from_what_was_refused_to_what_stood_before_it():
    async def drive():
        analyzer = f2f.Analyzer()
        panel, say = analyzer.panel, analyzer._chooser._said
        analyzer.settings = f2f.Settings(n_s=0)
        panel.values = {**panel.values, "n_in": 99}
        assert "n_in" in panel.errors
        assert panel.can_undo
        assert not panel.can_redo
        say(None, {"kind": "undo"}, [])
        assert panel.values["n_in"] == 8
        assert not panel.errors
        assert analyzer.settings == f2f.Settings(n_s=0)
        say(None, {"kind": "undo"}, [])
        assert analyzer.settings == f2f.Settings()
        assert not panel.can_undo
        panel.values = {**panel.values, "n_in": 99}  # the first of all is gone back on too
        assert panel.can_undo
        say(None, {"kind": "undo"}, [])
        assert panel.values["n_in"] == 8
        assert not panel.can_undo
        analyzer.close()

    asyncio.run(drive())


def test_what_is_refused_no_more_sends_nobody_to_a_message():
    async def drive():
        analyzer = f2f.Analyzer()
        await analyzer.settled()
        panel = analyzer.panel
        panel.values = {**panel.values, "n_in": 99}
        assert panel.errors
        assert "see the message" in analyzer.notes["Mask"]
        panel.values = {**panel.values, "n_in": 7}  # and the preview takes its time
        assert not panel.errors
        assert analyzer.notes["Mask"] == "Not of these settings: preview…"
        await analyzer.settled()
        assert not analyzer.notes

    asyncio.run(drive())


def test_gates_are_shared_before_the_page_asks_for_them(monkeypatch):
    """Sharing those of a wide code takes longer than a page may stand still."""
    asked = []
    share = gates.share
    monkeypatch.setattr(
        gates, "share", lambda n: asked.append(threading.current_thread()) or share(n)
    )

    async def drive():
        analyzer = f2f.Analyzer(settings=f2f.Settings(rate=0.97, n_s=0))
        analyzer._request()
        await analyzer.settled()

    share.cache_clear()
    asyncio.run(drive())
    assert asked[0] is not threading.main_thread()


def test_a_drag_is_one_step():
    seconds = iter([0.0, 1.0, 1.2, 1.4, 1.5, 9.0])
    history = History({"rate": 0.5, "n_s": 1}, clock=lambda: next(seconds))
    assert [history.note({"rate": rate, "n_s": 1}) for rate in (0.6, 0.7, 0.8)] == [
        True,
        False,
        False,
    ]
    assert history.note({"rate": 0.8, "n_s": 2})  # another name is another step
    assert not history.note({"rate": 0.8, "n_s": 2})
    assert history.note({"rate": 0.8, "n_s": 0})  # and so is a later change of the same
    found = [history.undo()["n_s"], history.undo()["n_s"], history.undo()["rate"]]
    assert found == [2, 1, 0.5]
    assert history.redo() == {"rate": 0.8, "n_s": 1}


def test_a_drag_is_one_step_however_late_it_is_heard():
    history = History({"rate": 0.5}, clock=lambda: 100.0)
    assert history.note({"rate": 0.6}, made=(50.0, 50.0))
    assert not history.note({"rate": 0.7}, made=(50.4, 58.0))  # what came while nobody heard
    assert not history.note({"rate": 0.8}, made=(58.5, 58.5))
    assert history.note({"rate": 0.9}, made=(60.0, 60.0))


def test_uploads_arrive_in_parts():
    uploads = Uploads()
    content = {"id": "a/../b", "name": "../../evil.npy", "size": 6}
    assert not uploads.receive({**content, "at": 0}, b"abc")
    assert uploads.receive({**content, "at": 3}, memoryview(b"def"))
    assert uploads.path.name == "evil.npy"
    assert uploads.path.read_bytes() == b"abcdef"
    first = uploads.path
    assert uploads.receive({"id": "c", "name": "", "size": 0, "at": 0}, b"")
    assert not first.exists()


def test_of_uploads_that_do_not_end_nothing_is_kept():
    uploads = Uploads()
    whole = {"id": "a", "name": "a.npy", "size": 1, "at": 0}
    assert uploads.receive(whole, b"a")

    def files():
        return [path.name for path in uploads.path.parent.iterdir()]

    begun = {"id": "b", "name": "b.npy", "size": 6, "at": 0}
    uploads.receive(begun, b"abc")
    assert len(files()) == 2
    uploads.give_up("a")  # which has ended
    assert len(files()) == 2
    uploads.give_up("b")
    assert files() == ["a.npy"]
    assert not uploads.receive(begun | {"at": 3}, b"def")  # it was under way when it was given up
    assert files() == ["a.npy"]
    uploads.receive(begun, b"abc")
    uploads.receive(begun | {"id": "c"}, b"abc")
    assert not uploads.receive(begun | {"at": 3}, b"def")
    assert uploads.receive(begun | {"id": "c", "at": 3}, b"DEF")
    assert files() == ["b.npy"]
    assert uploads.path.read_bytes() == b"abcDEF"


@pytest.mark.parametrize(
    ("field", "chosen", "why"),
    [
        ("n_in", {"n_in": 12}, "at n_s = 1"),
        ("n_in", {"n_s": 2, "n_in": 9}, "up to 8 bits"),
        ("n_out", {"n_out": 0}, "1 to 4096"),
        ("seed", {"seed": -1}, "0 to"),
        ("matrix_seed", {"matrix_seed": -1}, "0 to"),
        ("weights", {"weights": "x"}, "numbers"),
        ("pattern", {"method": "n:m", "pattern": "4:2"}, "N ≤ M"),
        ("pattern", {"method": "n:m", "pattern": "1:7"}, "a multiple of 7"),
        ("mask", {"method": "mask", "mask": "/none.npy"}, "no such file"),
        ("scores", {"method": "scores", "scores": "/none.npy"}, "no such file"),
        ("scores", {"method": "scores"}, "its path"),
    ],
)
def test_what_is_refused_names_its_control_and_says_why(field, chosen, why):
    def analyze():
        settings = controls.read_settings(f2f.Settings().to_dict() | chosen)
        f2f.analyze(f2f.sample_layer(SMALL), settings)

    with pytest.raises(f2f.F2FError, match=why) as refused:
        analyze()
    assert refused.value.field == field
