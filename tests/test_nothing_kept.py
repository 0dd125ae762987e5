"""A layer of which nothing is kept, or that has nothing, is a layer like others."""

import json
import re

import numpy as np
import pytest
from bokeh.models import ColumnDataSource

import f2f_viz as f2f
from f2f_viz.analysis.compare import bounds, compare, table
from f2f_viz.analysis.curves import point_of
from f2f_viz.analysis.sweep import SweepPoint
from f2f_viz.app import numbers
from f2f_viz.app.selection import Selection
from f2f_viz.app.sources import model_of
from f2f_viz.app.tabs import TABS, Link
from f2f_viz.figures import captions, trellis
from f2f_viz.figures.catalogue import FIGURES
from f2f_viz.figures.compare import CompareView
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.sweep import sweep_data
from f2f_viz.figures.unfolding import layer_unfolding, small_unfolding
from tests.test_hostile_text import strict

LAYERS = {
    "all pruned": (np.ones((12, 16), np.float32), {"rate": 1.0}),
    "no rows": (np.zeros((0, 5), np.float32), {}),
    "no columns": (np.zeros((5, 0), np.float16), {}),
    "one weight": (np.ones(1, np.float32), {"rate": 0.0}),
    "one pruned": (np.ones((1, 1), np.float32), {"rate": 1.0}),
    "scalar": (np.float32(2).reshape(()), {"rate": 0.0}),
    "zeros": (np.zeros((8, 8), np.int8), {"method": "zeros"}),
}
CODES = {"default": f2f.Code(), "paper": f2f.Code.paper(), "small": f2f.Code(n_in=3)}


QUICK = ("all pruned", "no rows", "one weight", "scalar")
"""Those that the quick tests draw, the first of them by all codes and as pages, too."""


def quick_if(wanted):
    return () if wanted else pytest.mark.slow


ENDLESS = re.compile(r"\b(inf|nan)\b|∞", re.IGNORECASE)
"""What a ratio over nothing looks like where nobody thought of it."""


@pytest.fixture(params=LAYERS)
def layer(request):
    weights, chosen = LAYERS[request.param]
    return f2f.Layer("w", weights, weights.dtype.name, "test"), chosen


@pytest.fixture(scope="module")
def tabs():
    """Tabs that went from layer to layer, as those of a page do."""
    held = {}
    yield held
    for part in (part for tab in held.values() for part in tab.parts):
        part.close()


def figures_of(analysis, given):
    """Every figure that there is of an analysis; of no points, or of points measured now."""
    for name, entry in FIGURES.items():
        points = () if given and entry.measure is not None else None
        try:
            yield name, f2f.figure(name, analysis, points=points)
        except f2f.F2FError as error:  # no trellis of no blocks, say
            assert str(error).isprintable()


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        pytest.param(
            name, code, marks=quick_if(name == QUICK[0] or (name in QUICK and code == "default"))
        )
        for name in LAYERS
        for code in CODES
    ],
    indirect=["layer"],
)
def test_every_figure_and_every_tab(layer, code, tabs):
    """All are drawn anew for each layer; for its other codes the same tabs follow."""
    settings = f2f.Settings(code=CODES[code], **layer[1])
    f2f.analyze(layer[0], settings, preview=True)
    analysis = f2f.analyze(layer[0], settings)
    assert not ENDLESS.search(repr(analysis) + analysis._repr_html_())
    for card in numbers.cards(analysis) + numbers.cards(analysis, analysis):
        assert not ENDLESS.search(f"{card['value']} {card['note']} {card['numbers']}")
    for _, figure in figures_of(analysis, code != "small"):
        assert not ENDLESS.search(figure.caption)
        strict(to_bytes(figure, "json"))
        to_bytes(figure, "csv")
    model = model_of({"source": "given"}, [], None, layer[0])
    link = Link(
        "light", Selection, lambda **_: None, lambda _: None, lambda _: None, lambda: False, list,
        lambda: model,
    )  # fmt: skip
    for name, make in TABS.items():
        if name == "Export":  # asks a loop for what it shows
            continue
        if code == "default" or name not in tabs:
            tabs[name] = make(link, analysis)
        tab = tabs[name]
        tab.update(analysis)
        tab.follow(Selection())
        for part in tab.parts:
            json.dumps(part.get_state(), allow_nan=False, default=lambda _: "bytes or a widget")


@pytest.mark.parametrize(
    "layer",
    [pytest.param(name, marks=quick_if(name == QUICK[0])) for name in LAYERS],
    indirect=True,
)
def test_every_figure_is_a_page(layer):
    analysis = f2f.analyze(layer[0], f2f.Settings(**layer[1]))
    for name, figure in figures_of(analysis, given=True):
        try:
            to_bytes(figure, "html")
        except f2f.F2FError as error:  # a lesson of no weights
            assert name == "decoder"
            assert "nothing to code" in str(error)


def pruned_of(weights, chosen):
    return np.zeros_like(weights) if weights.size != 1 or chosen["rate"] else weights


NOTHING = {
    "no rows": ("has no weights", {}),
    "all pruned": ("no weight is kept", {}),
    "zeros": ("no weight is kept", {}),
    "scalar": ("all kept bits are equal", {}),
    "one weight": ("all kept bits are equal", {"n_in": 3}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_every_view_says_why_there_is_nothing_to_code(name):
    (weights, chosen), (why, more) = LAYERS[name], NOTHING[name]
    layer = f2f.Layer("w", weights, weights.dtype.name, "test")
    analysis = f2f.analyze(layer, f2f.Settings(**chosen, **more))
    assert analysis.bits["payload"] == 0
    told = [captions.why_not_decoded(analysis, 3), trellis.why_none(analysis, 3)]
    told += [small_unfolding(analysis)["reason"], layer_unfolding(analysis, 3, 0)["reason"]]
    for text in told:
        assert text.startswith("Nothing to code: ")
        assert why in text
    point = point_of(analysis)
    assert np.isnan([point.rate, point.of_plane_bound]).all()
    sizes = compare(analysis.layer.weights, analysis.mask, analysis.encoded)
    limits = bounds(analysis.layer.weights, analysis.mask, analysis.encoded)
    assert not ENDLESS.search(table(sizes))
    for narrow in (False, True):
        view = CompareView(narrow=narrow)
        view.show(sizes, limits)
        (source,) = (
            one for one in view.root.select({"type": ColumnDataSource}) if "label" in one.data
        )
        for size, label in zip(source.data["bytes"], source.data["label"], strict=True):
            assert not ENDLESS.search(label)
            assert ("nothing to code" in label) == (size == 0)


def test_what_is_stored_as_it_is_had_no_search_and_a_silent_plane_of_it_says_so():
    noise = np.random.default_rng(0).integers(0, 128, (16, 16)).astype(np.int8)
    settings = f2f.Settings(rate=0.0, recode=False, n_in=3, n_s=1)
    analysis = f2f.analyze(f2f.Layer("noise", noise, "int8", "test"), settings)
    assert analysis.network.is_plain
    assert "no symbols" in captions.why_not_decoded(analysis, 0)  # the sign
    assert "no symbols" in trellis.why_none(analysis, 0)
    for text in (captions.why_not_decoded(analysis, 4), trellis.why_none(analysis, 4)):
        assert text.startswith("Stored as they are")


def test_every_command(layer, tmp_path, run):
    weights, chosen = layer[0].weights, layer[1]
    np.save(tmp_path / "w.npy", weights)
    file = tmp_path / "w.f2f"
    options = [part for name, value in chosen.items() for part in (f"--{name}", value)]
    for preset in ("default", "paper", "fixed_rate"):
        said = run("encode", tmp_path / "w.npy", "-o", file, "--preset", preset, "--json", *options)
        assert strict(said)["efficiency"] == 1 or weights.size == 1
        said = run("report", file)
        assert not ENDLESS.search(said)
        kept = weights.size == 1 and not chosen["rate"]
        assert ("maximum ratio 1/(1-S) nothing to code" in said) == (not kept)
        run("report", "--compare", file)
        strict(run("report", "--json", file))
        strict(run("report", "--compare", "--json", file))
        strict(run("verify", "--json", file))
        run("decode", file, "-o", tmp_path / "back.npy")
        np.testing.assert_array_equal(np.load(tmp_path / "back.npy"), pruned_of(weights, chosen))


def test_a_sweep(tmp_path, run):
    np.save(tmp_path / "w.npy", np.ones((12, 16), np.float32))
    arguments = ["sweep", tmp_path / "w.npy", "--axis", "rate=1.0,0.5", "-o", tmp_path / "points"]
    said = run(*arguments)
    assert "nothing to code" in said
    assert not ENDLESS.search(said)
    lines = (tmp_path / "points").read_text().splitlines()
    points = [SweepPoint.from_dict(json.loads(line)) for line in lines]
    json.dumps(sweep_data(points), allow_nan=False)  # as a page is sent them
    for line in (tmp_path / "points").read_text().splitlines() + run(
        *arguments, "--json"
    ).splitlines():
        strict(line)


def test_a_model_of_nothing(tmp_path, run):
    from safetensors.numpy import save_file

    save_file(
        {"a": np.ones((8, 8), np.float32), "b": np.zeros((0, 4), np.float32)},
        tmp_path / "m.safetensors",
    )
    for rule in ([], ["--rate", 1]):
        run("encode", tmp_path / "m.safetensors", "-o", tmp_path / "m.f2f", *rule)
        for more in ([], ["--compare"]):
            run("report", tmp_path / "m.f2f", *more)
            strict(run("report", tmp_path / "m.f2f", "--json", *more))
        said = run("report", tmp_path / "m.f2f") + run("survey", tmp_path / "m.safetensors", *rule)
        assert not ENDLESS.search(said)
    assert said.count("nothing to code") == 3  # its row and the model's ratio; the survey's row
