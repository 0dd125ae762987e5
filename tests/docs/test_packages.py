"""The picture of the packages shows their imports, all of them and no others."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# in a process of its own: grimp cannot read through the finder of meson-python's editable install
IMPORTS = """
import json, sys
sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__name__.startswith("MesonpyMeta")]
sys.path.insert(0, sys.argv[1])
import grimp
graph = grimp.build_graph("f2f_viz", exclude_type_checking_imports=True, cache_dir=None)
pairs = {
    (by.split(".")[1], of.split(".")[1])
    for by in graph.modules
    for of in graph.find_modules_directly_imported_by(by)
    if "." in by and "." in of
}
fronts = "public", "__main__"  # of all packages
print(json.dumps(sorted(pair for pair in pairs if pair[0] not in (pair[1], *fronts))))
"""


@pytest.fixture(scope="module")
def imports():
    given = [sys.executable, "-P", "-c", IMPORTS, ROOT]
    said = subprocess.run(given, check=True, capture_output=True, text=True).stdout
    return {f"{by}->{of}" for by, of in json.loads(said)}


@pytest.mark.parametrize(
    ("file", "arrow"),
    [("packages.dot", r"^ *(\w+ -> \w+)"), ("images/packages.svg", r"<title>(\w+&#45;&gt;\w+)<")],
)
def test_the_picture_shows_the_imports(imports, file, arrow):
    text = (ROOT / "docs" / file).read_text()
    drawn = [html.unescape(found).replace(" ", "") for found in re.findall(arrow, text, re.M)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == imports, "mend docs/packages.dot; its head says how to draw it"
