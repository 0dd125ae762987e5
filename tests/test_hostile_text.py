"""Names are anybody's: nothing breaks out of the terminal's line, a page, an image or JSON."""

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import f2f_viz as f2f
from f2f_viz.figures.catalogue import FIGURES
from f2f_viz.figures.figure import to_bytes
from f2f_viz.figures.lesson import lesson_html
from f2f_viz.text import markup, shown, strict_json, utf8, well_formed

HOSTILE = [
    "$LAYER $STATE ${x}", "a\"b'c", "<script>alert(1)</script>", "]]></svg><!--", "-->", "&lt;&#0;",
    "\x1b[31mred\x1b]0;title\x07", "two\nlines\r\tand\x00", "\u202edne eht", "\ud800lone", "\udcff.npy",
    "\ufffe\uffff", "../../etc/passwd", "=1+1", "%s %n {0}", "\\u0041", "x" * 300, "π 权重 🙂",
]  # fmt: skip
KINDS = ["mask", "decoder", "circuit"]  # drawn by Bokeh, by a page of its own, as a vector
DRAWN = [name for name, entry in FIGURES.items() if entry.measure is None]  # the rest are slow
UNICODE = [
    name for name in HOSTILE if name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)
]


def weights(shape=(12, 16)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("text", HOSTILE)
def test_one_escaping_each(text):
    assert shown(text).isprintable()
    assert shown("π 权重") == "π 权重"
    root = ElementTree.fromstring(f'<a b="{markup(text)}">{markup(text)}</a>')
    assert root.text.replace("\n", "").replace("\r", "") == well_formed(text).replace(
        "\n", ""
    ).replace("\r", "")
    assert strict(strict_json({"a": text}))["a"] == text
    assert strict(utf8(json.dumps(text, ensure_ascii=False)).decode()) == text


def test_what_is_no_number_is_null():
    value = {"a": [1.5, float("nan"), (float("inf"), -float("inf"))], "b": True, "c": None}
    assert strict(strict_json(value)) == {"a": [1.5, None, [None, None]], "b": True, "c": None}


def test_errors_are_one_printable_line(tmp_path):
    for name in HOSTILE:
        with pytest.raises(f2f.F2FError) as error:
            f2f.load_layer(tmp_path / "a" / name)
        assert str(error.value).isprintable()


class Page(HTMLParser):
    """Lists the elements and what is told of a figure."""

    def __init__(self):
        super().__init__()
        self.tags, self.about, self.text = [], None, ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if ("name", "f2f-viz") in attributes:
            self.about = dict(attributes)["content"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def plain():
    made = analysis("plain")
    return {figure: page(to_bytes(f2f.figure(figure, made), "html")).tags for figure in DRAWN}


def analysis(name):
    layer = f2f.Layer(name, weights(), "float32", f"from {name}")
    return f2f.analyze(layer, f2f.Settings(n_in=3, n_s=1, n_out=9, rate=0.7))


def page(data):
    found = Page()
    found.feed(data.decode())
    return found


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        (HOSTILE[0], KINDS),
        *(pytest.param(name, KINDS, marks=pytest.mark.slow) for name in HOSTILE[1:4]),
        ("".join(HOSTILE), DRAWN),
    ],
)
def test_figures_with_hostile_names(name, drawn, plain):
    made = analysis(name)
    for figure in drawn:
        own = f2f.figure(figure, made)
        assert strict(to_bytes(own, "json"))["metadata"]["layer"] == made.layer.name
        assert strict(to_bytes(own, "csv").decode().split("\n")[0][2:])["layer"] == made.layer.name
        found = page(to_bytes(own, "html"))
        assert found.tags == plain[figure]
        assert strict(found.about)["layer"] == made.layer.name
        if own.vector is not None:
            root = ElementTree.fromstring(to_bytes(own, "svg"))
            assert strict(root.find("{*}metadata").text)["layer"] == made.layer.name
    lesson = page(lesson_html(made.given, f2f.Settings(rate=0.5)).encode())
    assert well_formed(made.layer.name).split("\n")[0] in lesson.text
    assert strict(lesson.about)["layer"] == made.layer.name


@pytest.mark.browser
def test_images_with_hostile_names():
    from io import BytesIO

    from PIL import Image
    from pypdf import PdfReader

    made = analysis("".join(HOSTILE))
    own = f2f.figure("histogram", made)
    for figure in ("histogram", "mask", "bits"):
        ElementTree.fromstring(to_bytes(f2f.figure(figure, made), "svg"))
    with Image.open(BytesIO(to_bytes(own, "png"))) as image:
        assert strict(image.text["f2f-viz"])["layer"] == made.layer.name
    told = PdfReader(BytesIO(to_bytes(own, "pdf"))).metadata
    assert strict(told["/f2f-viz"])["layer"] == made.layer.name


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({name: weights() for name in UNICODE}, path)
    return path


def test_whole_models_with_hostile_names(model, tmp_path, run):
    run("encode", model, "-o", tmp_path / "m.f2f", "--n-in", 4, "--preset", "paper")
    for arguments in (
        ["tensors", model],
        ["report", tmp_path / "m.f2f"],
        ["report", "--compare", tmp_path / "m.f2f"],
    ):
        printed = run(*arguments)
        assert all(c.isprintable() or c in "\n\t" for c in printed)
        assert all(shown(name) in printed for name in UNICODE)
    for arguments in (
        ["tensors", model],
        ["report", tmp_path / "m.f2f"],
        ["verify", tmp_path / "m.f2f"],
    ):
        strict(run(*arguments, "--json"))
    run("decode", tmp_path / "m.f2f", "-o", tmp_path / "back.safetensors")
    assert set(load_file(tmp_path / "back.safetensors")) == set(UNICODE)
    for name in UNICODE:
        run("encode", model, "--tensor", name, "-o", tmp_path / "one.f2f", "--n-in", 4)


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_no_encoding_gives_a_traceback(tmp_path, env):
    path = os.fsencode(tmp_path) + b"/\xff\n\x1b.npy"
    with open(path, "wb") as file:
        np.save(file, weights())
    done = command(b"tensors", path, code=TWICE, env=env)
    assert done.returncode == 0
    for text in (done.stdout, done.stderr):
        assert b"Traceback" not in text
        assert b"\x1b" not in text
        assert text.count(b"\n") == 1


TWICE = """
import sys
from f2f_viz.cli.main import main
for wanted in (0, 1):
    try:
        main()
    except SystemExit as ended:
        assert (ended.code or 0) == wanted
    sys.argv[-1] += "x"  # no such file
"""


def command(*arguments, code="from f2f_viz.cli.main import main; main()", env=(), **how):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | dict(env), **how
    )


@pytest.mark.parametrize("arguments", [["tensors"], ["tensors", "--json"], ["--help"]])
def test_what_cannot_be_printed_is_no_traceback(model, arguments):
    arguments = [*arguments, *[model] * (arguments != ["--help"])]
    with open("/dev/full", "wb") as full:
        done = command(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"f2f-viz: cannot print: No space left on device\n"
    read, write = os.pipe()
    os.close(read)
    done = command(*arguments, stdout=write)  # as `| head -1`, when it has gone
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
