"""What the package imports is declared, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOR_WORK = {"dev", "docs", "train"}  # extras for those who work on the package, not with it
OWN = {"f2f_viz"}
BY_NAME = {"ipywidgets", "voila"}  # the notebooks', and a server whose page and files are taken


def named(requirements):
    """Names of distributions, as PEP 503 writes them."""
    names = (re.match(r"[\w.-]+", requirement)[0] for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


REQUIRED = named(PROJECT["dependencies"])
EXTRAS = {
    extra: named(wanted)
    for extra, wanted in PROJECT["optional-dependencies"].items()
    if extra not in FOR_WORK
}


def imported(tree, inside):
    """Yield the modules that are imported: by functions, or as the module is."""
    for node in ast.iter_child_nodes(tree):
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        match node:
            case ast.Import(names=names):
                yield from ((inside, alias.name) for alias in names)
            case ast.ImportFrom(module=str(name), level=0):
                yield inside, name
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
                continue
        yield from imported(node, inside or function)


@pytest.fixture(scope="module")
def needs():
    """Distributions that are needed at once, and all."""
    owners = packages_distributions()
    found = {False: set(), True: set()}
    for path in sorted((ROOT / "f2f_viz").rglob("*.py")):
        for inside, name in imported(ast.parse(path.read_text()), inside=False):
            top = name.partition(".")[0]
            if top not in OWN | sys.stdlib_module_names:
                found[inside] |= named(owners.get(top, [top])[:1])
    return found[False], found[False] | found[True]


def test_imports_are_declared(needs):
    at_once, all_of_them = needs
    assert at_once - REQUIRED == set()  # an extra's is imported by the function that uses it
    assert all_of_them - REQUIRED - set().union(*EXTRAS.values()) == set()


def test_what_is_declared_is_imported(needs):
    _, imported = needs
    assert REQUIRED - imported == BY_NAME
    assert set().union(*EXTRAS.values()) - imported == set()
