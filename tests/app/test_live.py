"""The analyzer under many changes, without a browser: no backlog, no growth."""

import asyncio
import gc
import threading

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.model import Model
from ipywidgets import Widget

import f2f_viz as f2f
from f2f_viz.app import analyzer as module
from f2f_viz.app.tabs import TABS


def small_layer():
    weights = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    return f2f.Layer("small", weights, "float32", "test")


class Gate:
    """`analyze`, held at a gate and counted."""

    def __init__(self, monkeypatch):
        self.started, self.running, self.most, self.open = [], 0, 0, threading.Event()
        self.lock = threading.Lock()
        monkeypatch.setattr(module, "analyze", self)

    def __call__(self, layer, settings, *, preview, **options):
        with self.lock:
            self.started.append((settings.rate, preview))
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            assert self.open.wait(10)
            return f2f.analyze(layer, settings, preview=preview, **options)
        finally:
            with self.lock:
                self.running -= 1


def test_fifty_changes_leave_one_preview_to_do(monkeypatch, until):
    gate = Gate(monkeypatch)
    rates = [round(0.3 + 0.01 * i, 2) for i in range(51)]

    async def drag():
        analyzer = f2f.Analyzer(small_layer(), f2f.Settings(n_in=4))
        for rate in rates:
            analyzer.settings = f2f.Settings(n_in=4, rate=rate)
            await until(lambda: gate.started)
        gate.open.set()
        last = await analyzer.settled()
        assert last.exact
        assert last.settings.rate == rates[-1]
        ratio = next(c for c in analyzer.headline.cards if c["key"] == "ratio")
        assert ratio["value"] == f"{last.ratio.value:.2f}"

    asyncio.run(drag())
    assert gate.most == 1
    # the one that ran when the others came, and the newest
    assert [rate for rate, preview in gate.started if preview] == [rates[0], rates[-1]]
    assert len(gate.started) <= 4


def test_changes_while_previews_run_never_queue(monkeypatch, until):
    gate = Gate(monkeypatch)
    gate.open.set()
    rates = [round(0.3 + 0.01 * i, 2) for i in range(50)]

    async def drag():
        analyzer = f2f.Analyzer(small_layer(), f2f.Settings(n_in=4))
        for turn, rate in enumerate(rates):
            analyzer.settings = f2f.Settings(n_in=4, rate=rate)
            if turn % 3 == 0:  # some previews end amid the drag, others are overtaken
                known = len(gate.started)
                await until(lambda known=known: len(gate.started) > known or not gate.running)
        before = len(gate.started)
        assert (await analyzer.settled()).settings.rate == rates[-1]
        assert len(gate.started) - before <= 2  # the newest: preview, exact

    asyncio.run(drag())
    assert gate.most == 1
    shown = [rate for rate, preview in gate.started if preview]
    assert shown == sorted(set(shown))  # never an older one after a newer one


def living():
    """Count what a change could leave behind."""
    gc.collect()
    kinds = {"models": Model, "documents": Document, "widgets": Widget, "analyses": f2f.Analysis}
    objects = gc.get_objects()
    counts = {
        # of the type: asking for __class__ wakes things that other libraries left behind
        name: sum(issubclass(type(thing), kind) for thing in objects)
        for name, kind in kinds.items()
    }
    return counts | {"threads": threading.active_count(), "objects": len(objects)}


@pytest.mark.parametrize("tab", [name for name in TABS if name != "Sweep"])
@pytest.mark.slow
def test_nothing_grows_in_a_tab(tab):
    async def change(analyzer, turns):
        for turn in range(turns):
            analyzer.settings = f2f.Settings(n_in=4, rate=round(0.4 + 0.02 * (turn % 25), 2))
            await analyzer.settled()

    async def drive():
        analyzer = f2f.Analyzer(small_layer(), f2f.Settings(n_in=4))
        await analyzer.settled()
        analyzer.tab = tab
        await change(analyzer, 12)
        before = living()
        await change(analyzer, 12)
        after = living()
        for name in ("models", "documents", "widgets"):
            assert after[name] <= before[name], (name, before, after)
        # a measurement under way holds the analysis it is of
        assert after["analyses"] <= before["analyses"] + 2 * (tab in ("Ratio", "Compare"))
        assert after["threads"] <= before["threads"] + 4  # asyncio's pool
        if tab not in ("Ratio", "Compare"):
            assert after["objects"] - before["objects"] < 500

    asyncio.run(drive())


@pytest.mark.slow
def test_nothing_grows_over_five_hundred_changes():
    async def drive():
        weights = np.random.default_rng(0).integers(-9, 9, (16, 20)).astype(np.int8)
        analyzer = f2f.Analyzer(f2f.Layer("tiny", weights, "int8", "test"), f2f.Settings(n_in=3))
        await analyzer.settled()
        for name in TABS:
            if name not in ("Ratio", "Compare", "Sweep"):  # those measure; they are tested apart
                analyzer.tab = name
        analyzer.tab = "Mask"

        async def change(turns):
            for turn in range(turns):
                analyzer.settings = f2f.Settings(n_in=3, rate=round(0.4 + 0.02 * (turn % 25), 2))
                await analyzer.settled()

        await change(50)
        before = living()
        await change(450)
        after = living()
        for name in ("models", "documents", "widgets", "analyses"):
            assert after[name] <= before[name], (name, before, after)
        assert after["threads"] <= before["threads"] + 4  # asyncio's pool
        assert after["objects"] - before["objects"] < 500

    asyncio.run(drive())


def test_a_search_that_has_ended_is_cancelled_all_the_same():
    cancel = threading.Event()

    def progress(done, total):
        if done == total:
            cancel.set()

    with pytest.raises(f2f.Cancelled):  # accounting for a large layer takes long as well
        f2f.analyze(small_layer(), f2f.Settings(n_in=4), progress=progress, cancel=cancel)
