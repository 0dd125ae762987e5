"""A choice is one entry of one table: a throw-away one of each kind is found wherever it must be."""

import ast
import dataclasses
import json
import re
import runpy
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import f2f_viz as f2f
from f2f_viz.analysis.sweep import grid, sweep
from f2f_viz.app import controls
from f2f_viz.app.exporting import ExportView
from f2f_viz.app.selection import Selection
from f2f_viz.app.sweeping import SweepView, legal_grid
from f2f_viz.cli.options import field_options, settings_of
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import MATRICES
from f2f_viz.figures.catalogue import FIGURES
from f2f_viz.figures.catalogue import Entry as FigureEntry
from f2f_viz.figures.figure import Figure
from f2f_viz.files.writers import WRITERS, Writer
from f2f_viz.settings import FIELDS
from f2f_viz.tensors.loaders import LOADERS, Loader
from f2f_viz.tensors.loaders.base import Entry, TensorInfo
from f2f_viz.tensors.pruning import METHODS
from f2f_viz.tensors.quantize import NUMBER_FORMATS, NumberFormat, Quantized

ROOT = Path(__file__).parents[1]
NAME, LABEL, HELP = "throw-away", "Thrown away", "Stands in every place for one test."
KINDS = {
    "pruning method": METHODS,
    "block order": ORDERS,
    "correction coding": CODINGS,
    "mask coding": MASK_CODINGS,
    "number format": NUMBER_FORMATS,
    "file format": LOADERS,
    "output format": WRITERS,
    "figure": FIGURES,
    "matrix family": MATRICES,
}
"""As CONTRIBUTING names them."""


def first_half(weights, rate, seed):
    return (np.arange(weights.size) < round((1 - rate) * weights.size)).reshape(weights.shape)


def signs(layer):
    weights = np.sign(layer.weights).astype(np.int8)
    return Quantized(f2f.Layer(layer.name, weights, "int8", "test"), np.float32(0.5).reshape(()))


def garbled(base):
    """Corrections in bytes that no other coding reads."""

    def pack(*given):
        packed, *rest = base.pack(*given)
        return packed ^ 0x55, *rest

    return {"pack": pack, "unpack": lambda packed, *rest: base.unpack(packed ^ 0x55, *rest)}


def turned(base):
    """A mask as the one of the pruned weights."""
    return {
        "pack": lambda flat, kept: base.pack(~flat, flat.size - kept),
        "unpack": lambda packed, size, kept: ~base.unpack(packed, size, size - kept),
    }


def variant(table, name, **changes):
    table.add(dataclasses.replace(table[name], name=NAME, label=LABEL, help=HELP, **changes))


ADD = {
    "method": lambda: f2f.register_pruning(NAME, first_half, label=LABEL, help=HELP),
    "order": lambda: variant(ORDERS, "interleaved", step=lambda blocks: max(blocks - 1, 1)),
    "coding": lambda: variant(CODINGS, "chunk", **garbled(CODINGS["chunk"])),
    "mask_coding": lambda: variant(MASK_CODINGS, "bitmap", **turned(MASK_CODINGS["bitmap"])),
    "number_format": lambda: NUMBER_FORMATS.add(
        NumberFormat(name=NAME, label=LABEL, help=HELP, convert=signs)
    ),
    "matrix": lambda: variant(MATRICES, "uniform"),
}
"""By the setting that names an entry."""
KEEP_AT_HALF = {"rate": 0.5, "n_in": 4}


@pytest.fixture(params=ADD)
def setting(request):
    """A setting of whose choices one is the throw-away."""
    ADD[request.param]()
    yield request.param
    del FIELDS[request.param].choices[NAME]


@pytest.fixture
def layer():
    weights = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    return f2f.Layer("w", weights, "float32", "test")


def page():
    """The page of choices, as the documentation is built."""
    return runpy.run_path(str(ROOT / "docs" / "tables.py"))["choices_page"]()


def test_every_choice_of_a_setting_is_tried():
    assert {*ADD, "per"} == {name for name, field in FIELDS.items() if field.choices is not None}


def test_settings_take_it_and_refuse_it_once_it_is_gone(setting):
    settings = f2f.Settings(**{setting: NAME})
    assert f2f.Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    entry = FIELDS[setting].choices.pop(NAME)
    with pytest.raises(f2f.F2FError, match=NAME) as caught:
        f2f.Settings(**{setting: NAME})
    assert caught.value.field == setting
    FIELDS[setting].choices.add(entry)
    with pytest.raises(f2f.F2FError, match="there already"):
        FIELDS[setting].choices.add(entry)


def test_layers_are_analyzed_by_it_and_come_back_from_a_file(setting, layer, tmp_path):
    usual = f2f.analyze(layer, f2f.Settings(**KEEP_AT_HALF))
    for preview in (True, False):
        found = f2f.analyze(layer, usual.settings.replace(**{setting: NAME}), preview=preview)
    assert found.bit_exact
    f2f.save(found.encoded, tmp_path / "w.f2f")
    read = f2f.open(tmp_path / "w.f2f")
    assert read.code == found.settings.code
    np.testing.assert_array_equal(read.mask, found.mask)
    np.testing.assert_array_equal(f2f.decode(read), found.layer.weights * found.mask)
    differs = {
        "method": lambda: (found.mask != usual.mask).any()
        and (found.mask == first_half(layer.weights, 0.5, 0)).all(),
        "order": lambda: (found.n_u != usual.n_u).any() and (found.n_u == found.n_u_orders[NAME]).all(),
        "coding": lambda: found.bits["corrections"] != usual.bits["corrections"],
        "mask_coding": lambda: found.bits["mask"] == 20 * 30,
        "matrix": lambda: found.network != usual.network,
        "number_format": lambda: found.layer.dtype == "int8" and set(np.unique(found.layer.weights)) == {-1, 1},
    }  # fmt: skip
    assert differs[setting]()


def test_whole_models_take_it(setting, layer, tmp_path):
    np.savez(tmp_path / "m.npz", w=layer.weights)
    settings = f2f.Settings(**KEEP_AT_HALF, **{setting: NAME})
    f2f.encode_model(tmp_path / "m.npz", tmp_path / "m.f2f", settings)
    f2f.decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    back = f2f.load_layer(tmp_path / "back.safetensors", "w").weights
    found = f2f.analyze(layer, settings)
    np.testing.assert_array_equal(back, found.layer.weights * found.mask)


def test_sweeps_have_it_for_an_axis(setting, layer):
    now = f2f.Settings(**KEEP_AT_HALF)
    both = grid(now, **{setting: [now.to_dict()[setting], NAME]})
    points = list(sweep([layer], both))
    assert [point.settings.to_dict()[setting] for point in points] == [
        now.to_dict()[setting],
        NAME,
    ]
    in_the_app = SweepView(lambda values: None, lambda: False, list).root.axes
    if setting in in_the_app:
        assert [NAME, LABEL] in in_the_app[setting]
        (one,) = legal_grid(now, {setting: [NAME]})
        assert one == now.replace(**{setting: NAME})


@field_options
@click.command()
def command(**chosen):
    """Made before entries are added, as those of the command line are."""
    click.echo(json.dumps(settings_of("default", chosen).to_dict()))


def test_the_command_line_offers_it(setting, layer, tmp_path, run):
    option = "--" + setting.replace("_", "-")
    assert NAME in CliRunner().invoke(command, ["--help"]).output
    asked = CliRunner().invoke(command, [option, NAME])
    assert json.loads(asked.output) == f2f.Settings(**{setting: NAME}).to_dict()
    np.save(tmp_path / "w.npy", layer.weights)
    (line,) = run(
        "sweep", tmp_path / "w.npy", "--axis", f"{setting}={NAME}", "--set", "n_in=4", "--json"
    ).splitlines()
    assert json.loads(line)["settings"][setting] == NAME


def test_the_app_offers_it(setting):
    (told,) = [
        text for name, label, text in controls.choices()[setting] if (name, label) == (NAME, LABEL)
    ]
    assert told.startswith(HELP)
    if setting == "method":
        assert controls.shown_options()[NAME] == ["rate", "seed"]
    values = {**f2f.Settings().to_dict(), setting: NAME}
    assert controls.read_settings(values) == f2f.Settings(**{setting: NAME})


def test_figures_show_it(setting, layer):
    """Their data of each choice; drawn of what they show most of."""
    analysis = f2f.analyze(layer, f2f.Settings(**KEEP_AT_HALF, **{setting: NAME}))
    for name in FIGURES:
        if name != "trellis":
            measured = {"points": ()} if FIGURES[name].measure else {}
            if name in ("sweep", "gates"):
                measured = {"points": tuple(sweep([layer], [analysis.settings]))}
            figure = f2f.figure(name, analysis, **measured)
            assert figure.data
            if figure.draw is not None and setting in ("method", "order"):
                figure.draw(False)
    if setting == "order":
        assert NAME in f2f.figure("histogram", analysis).data["order"]


def test_the_documentation_lists_it(setting):
    assert re.search(rf"\| `{NAME}` \| {LABEL} \| {re.escape(HELP)}", page())


@pytest.fixture
def file_format():
    """A format that stores float32 numbers as text."""

    def list_entries(path):
        numbers = np.array(path.read_text().split(), np.float32)
        info = TensorInfo(path.stem, numbers.shape, "float32", numbers.nbytes)
        return [Entry(info, path, lambda: numbers)]

    LOADERS.add(
        Loader(name=NAME, label=LABEL, help=HELP, suffixes=(".txt",), list_entries=list_entries)
    )
    yield
    del LOADERS[NAME]


@pytest.mark.usefixtures("file_format")
def test_a_file_format_is_read_offered_and_listed(tmp_path, run):
    path = tmp_path / "numbers.txt"
    weights = np.random.default_rng(0).normal(size=300).astype(np.float32)
    path.write_text(" ".join(map(repr, weights.tolist())))
    assert [info.name for info in f2f.list_tensors(path)] == ["numbers"]
    np.testing.assert_array_equal(f2f.load_layer(path).weights, weights)
    run("encode", path, "-o", tmp_path / "w.f2f", "--rate", 0.5)
    kept = f2f.prune(weights, 0.5)
    np.testing.assert_array_equal(f2f.decode(f2f.open(tmp_path / "w.f2f")), weights * kept)
    said = re.sub(r"\s+", " ", run("tensors", "--help"))
    assert f".txt {LABEL}. {HELP}" in said
    (tmp_path / "x.unknown").touch()
    with pytest.raises(f2f.F2FError, match=r"\.txt"):
        f2f.list_tensors(tmp_path / "x.unknown")
    assert [NAME, LABEL, HELP] in controls.choices()["path"]
    assert re.search(rf"\| `{NAME}` \| {LABEL} \(.txt\) \| {re.escape(HELP)}", page())


@pytest.fixture
def output_format():
    def write(name, weights, scales):
        return f"# {name}\n{' '.join(map(repr, weights.tolist()))}".encode()

    WRITERS.add(Writer(name=NAME, label=LABEL, help=HELP, suffixes=(".txt",), layer=write))
    yield
    del WRITERS[NAME]


@pytest.mark.usefixtures("output_format")
def test_an_output_format_is_written_and_listed(tmp_path, run):
    weights = np.arange(12, dtype=np.float32)
    f2f.save(f2f.encode(weights, weights > 5), tmp_path / "w.f2f")
    run("decode", tmp_path / "w.f2f", "-o", tmp_path / "w.txt")
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "w.txt"), weights * (weights > 5))
    said = run("decode", tmp_path / "w.f2f", "-o", tmp_path / "w.unknown", code=1)
    assert ".txt" in said
    assert re.search(rf"\| `{NAME}` \| {LABEL} \(.txt\) \| {re.escape(HELP)}", page())


@pytest.fixture
def figure():
    def make(analysis, look):
        data = {"kept": [int(analysis.mask.sum())]}
        return Figure(name=NAME, analysis=analysis, data=data)

    FIGURES.add(FigureEntry(name=NAME, label=LABEL, help=HELP, make=make, formats=("csv", "json")))
    yield
    del FIGURES[NAME]


@pytest.mark.usefixtures("figure")
def test_a_figure_is_made_offered_and_listed(layer, tmp_path, run):
    analysis = f2f.analyze(layer, f2f.Settings(**KEEP_AT_HALF))
    assert f2f.figure(NAME, analysis).data == {"kept": [300]}
    assert HELP in re.sub(r"\s+", " ", run("figure", "--help"))
    run("figure", NAME, "-o", tmp_path / "x.csv", "--set", "n_s=0")
    head, value = (tmp_path / "x.csv").read_text().split()[-2:]
    assert (head, int(value)) == ("kept", f2f.prune(f2f.sample_layer().weights, 0.9).sum())
    offered = ExportView(Selection).root.figures
    assert offered[NAME] == [LABEL, HELP, ["csv", "json"], ["title", "legend", "font"]]
    assert re.search(rf"\| `{NAME}` \| {LABEL} \| {re.escape(HELP)}", page())


@pytest.mark.parametrize("kind", KINDS)
def test_contributing_says_which_files_an_entry_touches(kind):
    """The first of them is where the table stands; the docs list what the table holds."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (row,) = re.findall(rf"^\| (?:an? )?{kind} \|(.*)\|(.*)\|$", text, re.M)
    table, files = (re.findall(r"`([^`]+)`", cell) for cell in row)
    assert files
    assert all((ROOT / file).exists() for file in files)
    assert re.search(rf"^{table[0]} = Choices\(", (ROOT / files[0]).read_text(), re.M)
    assert len(re.findall(rf"^\*\*An? {kind}", text, re.M)) == 1, "no recipe"
    for entry in KINDS[kind].values():
        assert f"| `{entry.name}` |" in page()
        assert entry.label
        assert entry.help


def test_no_error_says_that_it_got_none_because_nobody_said_what():
    root = Path(f2f.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "F2FError":
                given = {keyword.arg for keyword in node.keywords}
                assert "expected" not in given or "got" in given, (path, node.lineno)
