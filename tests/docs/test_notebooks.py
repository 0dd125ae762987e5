"""Every notebook runs from top to bottom without a warning, and is committed without outputs."""

import json
from pathlib import Path

import pytest

from f2f_viz.app.servers import lab
from f2f_viz.app.servers.lab import copy_notebooks
from f2f_viz.errors import F2FError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# ipykernel warns of itself when it shuts down
STRICT = """import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")"""


def test_the_notebooks_are_there():
    assert {path.name[:2] for path in NOTEBOOKS} == {"01", "02", "03", "04", "05"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean(path):
    for cell in json.loads(path.read_bytes())["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            assert cell["execution_count"] is None
            source = "".join(cell["source"])
            compile(source, path.name, "exec", flags=8192)  # top-level await is allowed


def test_installed_notebooks_are_copied_and_changed_ones_stay(tmp_path):
    folder = tmp_path / "mine"
    copy_notebooks(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in NOTEBOOKS
    }
    (folder / NOTEBOOKS[0].name).write_text("changed")
    copy_notebooks(folder)
    assert (folder / NOTEBOOKS[0].name).read_text() == "changed"
    with pytest.raises(F2FError, match="notebooks not copied"):
        copy_notebooks(folder / NOTEBOOKS[0].name)


def test_notebooks_are_copied_whole_and_through_no_link(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / NOTEBOOKS[0].name).symlink_to(tmp_path / "elsewhere")

    def full(*_, **__):
        raise F2FError("cannot write: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lab, "write_atomically", full)
        with pytest.raises(F2FError, match=r"notebooks not copied.*No space"):
            copy_notebooks(folder)
    assert [path.name for path in folder.iterdir()] == [NOTEBOOKS[0].name]
    copy_notebooks(folder)
    assert not (tmp_path / "elsewhere").exists()
    assert len(list(folder.iterdir())) == len(NOTEBOOKS)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path):
    """From any folder."""
    import nbformat  # a second and a half, which the quick tests need not spend
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    said = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert not said
