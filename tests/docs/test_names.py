"""Whatever a docstring names exists: modules, what is in them, parameters, files."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "f2f_viz").rglob("*.py"))
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCES
}
PAGES = [
    *SOURCES,
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *ROOT.glob("cython_core/*.md"),
]
FOLDERS = "benchmarks|cython_core|docs|f2f_viz|notebooks|tests|tools|training"


def docstrings(tree):
    """Strings that stand by themselves: docstrings, also those below a constant."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text


def said(tree):
    for text in docstrings(tree):
        yield from re.findall(r"(?<![`\w])`([A-Za-z_][\w.]*)`(?!`)", text)
        yield from re.findall(r"``(f2f_viz\.[\w.]+)``", text)


def identifiers(tree):
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.alias(name=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)) if name.isidentifier():
                yield name


def has(owner, chain):
    """Tell whether an attribute is there; of a dataclass, a field without default too."""
    for name in chain:
        fields = {**getattr(owner, "__dataclass_fields__", {}), **inspect.get_annotations(owner)}
        if name in fields:
            return True
        if not hasattr(owner, name):
            return False
        owner = getattr(owner, name)
    return True


def resolves(name, modules):
    """As a module's own, or as what some module of ours knows by its first word."""
    parts = name.split(".")
    for at in range(len(parts), 0, -1):
        ending = "." + ".".join(parts[:at])
        if any(
            ("." + known).endswith(ending) and has(module, parts[at:])
            for known, module in modules.items()
        ):
            return True
    owners = [getattr(module, parts[0], None) for module in modules.values()]
    return any(owner is not None and has(owner, parts[1:]) for owner in owners)


@pytest.mark.parametrize("folder", ["", pytest.param("servers.", marks=pytest.mark.slow)])
def test_dotted_names_in_docstrings_resolve(folder):
    """Those of the servers' modules apart: Jupyter's take seconds to import."""
    own = {name: path for name, path in MODULES.items() if folder or ".servers." not in name}
    modules = {name: import_module(name) for name in own if not name.endswith("servers.kernel")}
    wrong, seen = [], 0
    for name, path in own.items():
        for word in said(ast.parse(path.read_text())):
            if "." in word:
                seen += 1
                if not resolves(word, modules):
                    wrong.append(f"{name}: {word}")
    assert wrong == []
    assert seen > 50


def test_single_names_in_docstrings_are_in_the_code():
    trees = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
    known = {
        part for tree in trees.values() for name in identifiers(tree) for part in name.split(".")
    }
    known |= {part for name in MODULES for part in name.split(".")}
    wrong = [
        f"{name}: {word}"
        for name, tree in trees.items()
        for word in said(tree)
        if "." not in word and word not in known
    ]
    assert wrong == []


def test_files_that_are_named_are_there():
    wrong = [
        f"{page.name}: {file}"
        for page in PAGES
        for file in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", page.read_text())
        if not (ROOT / file).exists() and not re.search(r"/(_build|generated)\b", file)
    ]
    assert wrong == []
