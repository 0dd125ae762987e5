"""What the documents promise: their code runs, their commands exist, their links lead somewhere."""

import doctest
import importlib
import json
import pkgutil
import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.cli.main import cli
from f2f_viz.samples import SMALL

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with the files that the documents' examples use."""
    weights = f2f.sample_layer(SMALL).weights
    tensors = {"dense/ffn1.weight": weights, "dense/embed.weight": weights[:40]}
    save_file(tensors, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme_python(shop, capsys):
    for code in blocks(ROOT / "README.md", "python"):
        exec(compile(code, "README.md", "exec"), {})
    assert "of at most" in capsys.readouterr().out


def test_readme_tables():
    """They are what benchmarks/ measured; `python docs/tables.py` writes them."""
    tables = runpy.run_path(ROOT / "docs" / "tables.py")
    text = (ROOT / "README.md").read_text()
    assert text == tables["readme"]()
    sizes = tables["layer_sizes"](json.loads(tables["MODEL"].read_text()))
    more = sizes["F2F"] / sizes["entropy mask + exponents"] - 1
    assert f"What F2F gives for its\n{more:.1%}".replace("%", " %") in text
    row = tables["readme_random_table"](json.loads(tables["PAPER"].read_text())["rows"])
    last = [float(e) for e in re.findall(r"(\d+\.\d+) %? \(", row.splitlines()[-1])]
    guide = (ROOT / "docs" / "guide.md").read_text()
    said = re.search(r"([\d.]+) % \(n_s = 0\) to ([\d.]+) % \(n_s = 1\) and ([\d.]+) %", guide)
    assert [float(e) for e in said.groups()] == pytest.approx(last, abs=0.051)


def test_tables_are_written_from_what_commands_measured(tmp_path):
    """Pages show every table that is made, and no other; and say which command measured it."""
    tables = runpy.run_path(ROOT / "docs" / "tables.py")
    tables["write"].__globals__["HERE"] = tmp_path
    tables["write"]()
    made = {file.name for file in (tmp_path / "generated").iterdir()}
    assert all((tmp_path / "generated" / name).read_text().count("\n|") > 2 for name in made)
    pages = "\n".join(page.read_text() for page in PAGES)
    shown = set(re.findall(r"^```\{include\} generated/(\S+)", pages, re.M))
    assert made == shown - {"gallery.md"}  # docs/live.py

    scripts = [file.read_text().split('"""')[1] for file in (ROOT / "benchmarks").glob("[a-z]*.py")]
    for file in (ROOT / "benchmarks").glob("*.json"):
        commands = [
            re.search(r"^    (python (?:-m )?\S+|make \w+)", script, re.M)[1]
            for script in scripts
            if file.name in script
        ]
        said = [page.read_text() for page in PAGES if f"benchmarks/{file.name}" in page.read_text()]
        assert any(command in page for command in commands for page in said), file


@pytest.mark.parametrize(
    "page", ["README.md", "docs/howto.md", "docs/hardware.md", "docs/lesson.md"]
)
def test_commands(page, shop):
    lines = [line for block in blocks(ROOT / page, "console") for line in block.splitlines()]
    assert lines
    for line in lines:
        prompt, program, *arguments = shlex.split(line)
        assert (prompt, program) == ("$", "f2f-viz")
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, f"{line}: {done.output}"


def test_howto_has_no_block_that_no_test_reads():
    """Blocks of ``sh`` need a Dask cluster, which test_executor.py has; here, that the words exist."""
    page = ROOT / "docs" / "howto.md"
    assert set(re.findall(r"^```(\w+)$", page.read_text(), re.M)) == {"python", "console", "sh"}
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    ours = [shlex.split(line)[1:] for line in lines if line.startswith("f2f-viz ")]
    assert ours
    for arguments in ours:
        done = CliRunner().invoke(cli, [*arguments, "--help"])
        assert done.exit_code == 0, f"{arguments}: {done.output}"


def test_promises_name_tests_that_exist():
    text = (ROOT / "docs" / "promises.md").read_text()
    tests = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    rows = [line for line in text.splitlines() if re.match(r"\| [A-Z].*\.", line)]
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"no test: {row}"
        for name in named:
            assert len(re.findall(rf"^(?:async )?def {name}\(", tests, re.M)) == 1, name


def test_the_page_of_the_interface_has_every_public_name_once():
    text = (ROOT / "docs" / "api.md").read_text().partition("Modules\n")[0]
    assert sorted(re.findall(r"^   (\w+)$", text, re.M)) == sorted(f2f.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    text = re.sub(r"^(```|    ).*?(^```|$)", "", page.read_text(), flags=re.M | re.S)
    for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", link):
            # the site has the notebooks among its pages, copied when it is built
            folder = ROOT if link.startswith("notebooks/") else page.parent
            target = folder / link.partition("#")[0]
            assert target.exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", ["start", "howto", "coming-from", "hardware", "lesson"])
def test_examples_in_the_pages(page, shop):
    text = "\n".join(blocks(ROOT / "docs" / f"{page}.md", "python"))
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert test.examples
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=failures.append)
    assert not failures, "".join(failures)


def test_no_page_has_a_name_that_sphinx_takes_for_its_own():
    """In a table of contents these name its index and its search form: the page would be hidden."""
    names = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert not names & {"search", "genindex", "modindex"}


def test_examples_in_the_docstrings():
    modules = [f2f, *(importlib.import_module(f"f2f_viz.{m.name}") for m in pkgutil.iter_modules(f2f.__path__) if m.name != "_core")]  # fmt: skip
    for module in modules:
        assert doctest.testmod(module).failed == 0, module.__name__


def test_diagrams_are_those_of_the_script(tmp_path, monkeypatch):
    path = ROOT / "docs" / "diagrams.py"
    drawn = runpy.run_path(str(path))
    monkeypatch.setitem(drawn["main"].__globals__, "IMAGES", tmp_path)
    drawn["main"]()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == sorted(file.name for file in (ROOT / "docs/images").glob("guide-*.svg"))
    for name in names:
        assert (tmp_path / name).read_text() == (ROOT / "docs/images" / name).read_text()
