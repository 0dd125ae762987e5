"""The tour: every step sets what it tells of, and its check fails until its task is done."""

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.app import numbers
from f2f_viz.app.selection import Selection
from f2f_viz.app.tour import LIT, WATCHED, Check, Scene, read_tour
from f2f_viz.app.view_settings import ViewSettings
from tests.app.messages import say

TOUR = read_tour()
TITLES = [step.title for step in TOUR.steps]


def scene(step, **changes):
    """What the page shows at a step, once some settings are chosen otherwise."""
    values = {name: step.state[name] for name in f2f.Settings.names()} | changes
    a = f2f.analyze(f2f.sample_layer(step.state["sample"]), f2f.Settings.from_dict(values))
    return Scene(a, step.at.within(a), step.tab, step.view)


def moved(scene, **at):
    return replace(scene, selection=replace(scene.selection, **at))


def kept(scene):
    """Another kept weight than the one selected."""
    index = scene.analysis.layout.weights(np.array([7]))[0]
    return moved(scene, cycle=7, bit=int(scene.analysis.mask.reshape(-1)[index].argmax()))


def heavy(scene):
    return replace(scene, selection=scene.selection.next_block(scene.analysis, 12))


def wrong(scene):
    return replace(scene, selection=scene.selection.next_mismatch(scene.analysis))


# what a reader does who does as told
DONE = {
    "Irregular rows": lambda step: kept(scene(step)),
    "Lanes wait": lambda step: replace(scene(step), view=ViewSettings(lanes=64)),
    "Don't-cares": lambda step: moved(scene(step), cycle=step.at.cycle + 1),
    "One XOR equation": lambda step: moved(scene(step), bit=9),
    "Blocks differ": lambda step: heavy(scene(step)),
    "The register": lambda step: scene(step, n_s=1),
    "The trellis": lambda step: moved(scene(step), cycle=step.at.cycle + 1),
    "Corrections": lambda step: wrong(scene(step)),
    "The bound": lambda step: scene(step, n_s=2),
    "Order on a real layer": lambda step: scene(step, order="interleaved"),
    "The default code": lambda step: scene(step, **f2f.Code().to_dict() | {"matrix_seed": 0}),
}


def test_the_tour_begins_plain_and_ends_with_the_default():
    first, *_, last = TOUR.steps
    assert len(TOUR.steps) <= 12
    plain = {"recode": False, "fit_n_out": False, "plain": False, "zero_rate": False}
    assert plain.items() <= first.state.items()
    assert last.check == Check("preset", "default")


@pytest.mark.parametrize("step", TOUR.steps, ids=TITLES)
def test_each_check_fails_until_its_task_is_done(step):
    before = scene(step)
    assert not step.check.holds(before, before)
    assert step.check.holds(DONE[step.title](step), before)


@pytest.mark.parametrize("step", TOUR.steps, ids=TITLES)
def test_a_step_is_two_sentences_and_a_task(step):
    assert len(re.findall(r"[.!?](?: |$)", step.text)) == 2
    assert len(step.text) < 420
    assert step.task.endswith((".", "?"))


@pytest.mark.parametrize("step", [step for step in TOUR.steps if step.do], ids=lambda s: s.title)
def test_what_the_bar_does_is_what_the_task_asks_for(step):
    async def drive():
        analyzer = f2f.Analyzer()
        say(analyzer.tour, go=TOUR.steps.index(step) + 1)
        await analyzer.settled()
        assert analyzer.tour.doable
        assert not analyzer.tour.done
        say(analyzer.tour, do=True)
        await analyzer.settled()
        assert analyzer.tour.done
        assert analyzer.state["step"] == TOUR.steps.index(step) + 1
        analyzer.close()

    asyncio.run(drive())


def test_what_the_tour_says_in_numbers():
    by = dict(zip(TITLES, TOUR.steps, strict=True))
    differ = scene(by["Blocks differ"]).analysis
    assert round(differ.n_u.mean()) == 8 == differ.n_in
    assert {4, 13} <= set(differ.n_u.tolist())
    register = by["The register"]
    mismatches = [WATCHED["mismatches"](scene(register, n_s=n_s)) for n_s in (0, 1)]
    assert mismatches[1] < mismatches[0] / 4
    corrections = scene(by["Corrections"]).analysis
    assert round(1 / (1 - corrections.efficiency)) == 89
    assert round(100 * corrections.of_bound) == 92
    order = by["Order on a real layer"]
    rows, spread = (scene(order, order=name).analysis for name in ("row", "interleaved"))
    shares = [f2f.report(a.encoded).mismatches for a in (rows, spread)]
    assert shares[1] < shares[0] / 2
    binomial = rows.n_out * rows.sparsity * (1 - rows.sparsity)
    assert rows.n_u.var() > 2 * binomial > spread.n_u.var()
    default = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    assert default.of_bound > 1


def test_cards_that_can_be_lit_are_the_cards():
    cards = numbers.cards(scene(TOUR.steps[0]).analysis)
    assert tuple(card["key"] for card in cards) == numbers.CARDS


GOOD = """
title = "Mine"
sample = "digits-transformer/dense/ffn2.weight"
[[step]]
title = "One"
text = "Look."
task = "Do."
tab = "Mask"
check = { watch = "n_s", is = 0 }
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Mine"', "title = 3", "title: expected a text"),
        ("ffn2", "ffn9", "sample: expected a name of a sample layer"),
        ("[[step]]", "[step]", "one or more"),
        ('"Mask"', '"Moon"', "step 1: tab: expected one of Mask"),
        ('"n_s"', '"moon"', "step 1: check: expected watch, one of"),
        (", is = 0", "", "step 1: check: expected a comparison"),
        (", is = 0", ', at_least = "x"', "at_least: expected a number"),
        ("task", "tusk", "step 1: names: expected some of title"),
        ("check =", "settings = { n_s = 9 }\ncheck =", "step 1: "),
        ("check =", 'settings = { mask = "a.npy" }\ncheck =', "none that names a file"),
        ("check =", "at = { bit = -1 }\ncheck =", "step 1: at: expected whole numbers"),
        (
            "check =",
            "at = { lanes = 300 }\ncheck =",
            "step 1: lanes: expected a whole number from 1",
        ),
        ("check =", 'at = { trellis = "moon" }\ncheck =', "step 1: trellis: expected one of small"),
        ("check =", "do = { moon = 1 }\ncheck =", "step 1: names: expected some of"),
        ("check =", "do = { cycle = -1 }\ncheck =", "step 1: do: expected whole numbers"),
        ("check =", "do = { lanes = 300 }\ncheck =", "step 1: lanes: expected a whole"),
        ("check =", "do = { n_s = 9 }\ncheck =", "step 1: n_in: expected 1 to 1"),
        ("check =", 'do = { preset = "moon" }\ncheck =', "step 1: "),
        ("check =", 'do = { mask = "a.npy" }\ncheck =', "none that names a file"),
        ("check =", 'lit = "card moon"\ncheck =', "step 1: lit: expected one of mask"),
        (", is = 0", ", at_least = " + "9" * 400, "at_least: expected a number"),
        ("title", "title = = ", "is no TOML"),
        ("title", "title = " + "[" * 10_000, "is no TOML"),
        ("title", "#" * (1 << 16) + "\ntitle", "expected at most 65536 bytes"),
    ],
)
def test_a_tour_that_cannot_be_is_refused_in_words(tmp_path, old, new, words):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert read_tour(path).title == "Mine"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(f2f.F2FError, match=re.escape(words)):
        read_tour(path)


def test_the_documentation_shows_a_tour_and_names_all_that_it_may_say(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "tour.md").read_text()
    lines = text[text.index('    title = "Two') :].split("\n- ")[0].splitlines()
    example = "\n".join(line[4:] for line in lines if line.startswith("    "))
    (tmp_path / "example.toml").write_text(example)
    assert read_tour(tmp_path / "example.toml").steps[0].lit == "control n_s"
    named = set(re.findall(r"`(\w+)`", text))
    assert {*LIT, *WATCHED} - set(f2f.Settings.names()) <= named


def test_no_file_and_no_text_are_refused(tmp_path):
    with pytest.raises(f2f.F2FError, match="No such file"):
        read_tour(tmp_path / "none.toml")
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it
    with pytest.raises(f2f.F2FError, match="pipe"):
        read_tour(tmp_path / "pipe")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(f2f.F2FError, match="is no TOML"):
        f2f.Analyzer(tour=tmp_path / "bytes")


def test_the_command_refuses_it_before_it_serves(run, tmp_path):
    (tmp_path / "bad.toml").write_text("title = 1")
    assert "title: expected a text" in run("app", "--tour", tmp_path / "bad.toml", code=1)


def test_the_analyzer_goes_through_the_steps_and_keeps_the_place():
    async def drive():
        analyzer = f2f.Analyzer()
        bar = analyzer.tour
        say(analyzer, kind="tour")
        assert bar.step == 1
        await analyzer.settled()
        assert analyzer.settings.code.order == "row"
        say(bar, go=6)
        assert analyzer.tab == "Decoder"
        assert analyzer.state["step"] == 6
        await analyzer.settled()
        assert not bar.done
        analyzer.settings = f2f.Settings.from_dict(analyzer.settings.to_dict() | {"n_s": 1})
        await analyzer.settled()
        assert bar.done
        say(bar, go=0)
        assert (bar.step, analyzer.state["step"]) == (0, 0)
        assert analyzer.settings.code.n_s == 1  # leaving changes nothing
        say(analyzer, kind="tour")
        assert (bar.step, bar.done, analyzer.settings.code.n_s) == (6, False, 0)
        say(bar, go=99)
        assert bar.step == len(TOUR.steps)
        analyzer.state = {"step": 3, "n_in": 5}  # as an address says it: nothing else is set
        assert (bar.step, analyzer.settings.code.n_in, analyzer.tab) == (3, 5, "Mask")
        analyzer.close()

    asyncio.run(drive())


def test_a_task_that_is_about_a_place():
    async def drive():
        analyzer = f2f.Analyzer()
        say(analyzer, kind="tour")
        say(analyzer.tour, go=4)
        await analyzer.settled()
        assert not analyzer.tour.done
        analyzer.selection = Selection(20, 40, 9)
        assert analyzer.tour.done
        analyzer.close()

    asyncio.run(drive())


def test_a_step_that_is_opened_by_a_link_is_not_done_by_the_link():
    async def drive():
        analyzer = f2f.Analyzer()
        bar = analyzer.tour
        await analyzer.settled()
        analyzer.state = {"step": 2, "lanes": 64, "tab": "Lanes"}
        assert (bar.step, bar.done, analyzer.view_settings.lanes) == (2, False, 64)
        analyzer.view_settings = ViewSettings(lanes=128)
        assert bar.done
        analyzer.state = {"step": 4, "tab": "Decoder", "bit": 9}  # it asks for another bit
        assert (bar.step, bar.done) == (4, False)
        analyzer.selection = replace(analyzer.selection, bit=10)
        assert bar.done
        analyzer.state = {"step": 10, "order": "interleaved"}
        for order, done in (("interleaved", False), ("row", False), ("interleaved", True)):
            chosen = analyzer.settings.to_dict() | {"order": order}
            analyzer.settings = f2f.Settings.from_dict(chosen)
            await analyzer.settled()
            assert bar.done == done
        analyzer.close()

    asyncio.run(drive())
