"""Every notebook runs from top to bottom without a warning, and is committed without outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TABLE = ROOT / "benchmarks" / "paper.json"
# ipykernel warns of itself when it shuts down
STRICT = """import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")"""


def test_the_notebooks_are_there():
    assert {path.name[:2] for path in NOTEBOOKS} == {"01", "02", "03", "04", "05"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
            compile(cell.source, path.name, "exec", flags=8192)  # top-level await is allowed


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path):
    """In a copy of the places that they read and write."""
    here = tmp_path / "notebooks"
    here.mkdir()
    if TABLE.exists():
        (tmp_path / "benchmarks").mkdir()
        shutil.copy(TABLE, tmp_path / "benchmarks")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(here)}},
    ).execute()
    said = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert not said
