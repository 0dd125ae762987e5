"""The same analyzer in other people's front ends, behind a base URL as hubs set it."""

import base64
import contextlib
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image
from playwright.sync_api import expect

import f2f_viz as f2f
from tests.app.page import card

pytestmark = [pytest.mark.browser, pytest.mark.server]

HUB = "/user/ann/"
HTML_MANAGER = "@jupyter-widgets/html-manager@1.0.14"
SHARED = Path(sys.prefix) / "share/jupyter"
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    import f2f_viz as f2f
    f2f.Analyzer()
    return
"""

EMBED = """
import asyncio
import f2f_viz as f2f
from ipywidgets.embed import embed_snippet

async def write():
    analyzer = f2f.Analyzer()
    await analyzer.settled()
    widgets = embed_snippet([analyzer], requirejs=False, embed_url="embed-amd.js")
    with open("page.html", "w") as page:
        page.write('<!doctype html><meta charset="utf-8"><title>page</title><body>')
        page.write('<script src="require.js"></script>' + widgets)

asyncio.run(write())
"""


@dataclass
class Served:
    """A server of others, and the folder it serves."""

    url: str
    folder: Path


@contextlib.contextmanager
def serving(folder, path, *command):
    """Run a server that takes ``{port}`` in its command, until the test is done."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    env = os.environ | own | {"JUPYTER_RUNTIME_DIR": str(folder / "run"), "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=port) for word in command)],
            cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield Served(f"http://127.0.0.1:{port}{path}", folder), process
    finally:
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):  # kernels have its group
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url, process):
    assert process.poll() is None, "the server ended"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory, eventually):
    """Serve a notebook of two analyzers: JupyterLab, Notebook 7 and Voilà, all of one server."""
    folder = tmp_path_factory.mktemp("jupyter")
    sources = ["import f2f_viz as f2f\none = f2f.Analyzer()\none", "two = f2f.Analyzer()\ntwo"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "two.ipynb")
    kept = folder / "JUPYTER_CONFIG_DIR/lab/user-settings/@jupyter-widgets/jupyterlab-manager"
    kept.mkdir(parents=True)
    (kept / "plugin.jupyterlab-settings").write_text('{"saveState": true}')
    command = (
        "notebook", "--no-browser", "--ServerApp.port={port}", "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.base_url={HUB}", "--ServerApp.allow_root=True",
        "--IdentityProvider.token=t", f"--ServerApp.root_dir={folder}",
    )  # fmt: skip
    with serving(folder, HUB, *command) as (served, process):
        eventually(lambda: answers(f"{served.url}api", process), 60)
        yield served


@pytest.fixture(scope="module")
def marimo(tmp_path_factory, eventually):
    folder = tmp_path_factory.mktemp("marimo")
    (folder / "one.py").write_text(MARIMO)
    command = ("marimo", "run", "one.py", "--headless", "--no-token", "--port", "{port}",
               "--base-url", HUB.rstrip("/"))  # fmt: skip
    with serving(folder, HUB, *command) as (served, process):
        eventually(lambda: answers(served.url, process), 60)
        yield served


@pytest.fixture
def visit(browser):
    """Open a page; give it and, as they come, the outside hosts it asks."""
    context = browser.new_context(viewport={"width": 1400, "height": 1600})

    def visit(url):
        page, outside = context.new_page(), []
        page.set_default_timeout(60_000)
        ours = ("http://127.0.0.1:", "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(ours) else outside.append(r.url))
        page.goto(url)
        return page, outside

    yield visit
    context.close()


def run_all(page):
    page.locator(".jp-CodeCell").last.wait_for()
    expect(page.locator(".jp-KernelName").first).to_have_text("Python 3 (ipykernel)")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    # a slow machine has not connected the kernel yet, and is asked which it shall be
    page.add_locator_handler(
        page.get_by_role("button", name="Select", exact=True), lambda button: button.click()
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def follows(page, analyzers):
    """Check that its numbers are exact, and that the last one follows its controls."""
    apps = page.locator(".f2f-app")
    expect(apps).to_have_count(analyzers, timeout=60_000)
    for app in apps.all():
        app.locator(".f2f-headline-root[data-state=exact]").wait_for()
    ratio = card(apps.last, "ratio")
    before = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    expect(ratio).to_have_text(f"{before.ratio.value:.2f}×")
    apps.last.locator(".f2f-figure:not(.f2f-building) canvas").first.wait_for()
    apps.last.get_by_label("0", exact=True).check()
    after = f2f.analyze(f2f.sample_layer(), f2f.Settings(n_s=0))
    expect(ratio).to_have_text(f"{after.ratio.value:.2f}×")
    if analyzers > 1:
        expect(card(apps.first, "ratio")).to_have_text(f"{before.ratio.value:.2f}×")


def works(page, analyzers):
    """Check that, and that its other views are drawn."""
    follows(page, analyzers)
    apps = page.locator(".f2f-app")
    apps.last.get_by_role("tab", name="Decoder").click()
    expect(apps.last.locator(".f2f-stage svg")).to_be_visible()


@pytest.mark.parametrize("front", ["lab/tree", "notebooks"])
def test_notebooks_behind_a_base_url(jupyter, visit, front):
    page, outside = visit(f"{jupyter.url}{front}/two.ipynb?token=t&reset")
    run_all(page)
    works(page, 2)
    assert outside == []
    expect(page.locator(".f2f-still")).to_have_count(2)
    assert not any(still.is_visible() for still in page.locator(".f2f-still").all())


def stills(notebook):
    """The pictures of a saved notebook, as SVG."""
    images = []
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        found = re.search(
            r'src="data:image/svg\+xml;base64,([^"]+)"', output.data.get("text/html", "")
        )
        if found:
            images.append(base64.b64decode(found[1]).decode())
            with Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))) as png:
                assert png.size == (760, 316)
    return images


def test_a_saved_notebook_is_small_and_shows_the_last_result(jupyter, visit, eventually):
    path = jupyter.folder / "saved.ipynb"
    path.write_bytes((jupyter.folder / "two.ipynb").read_bytes())
    page, _ = visit(f"{jupyter.url}notebooks/saved.ipynb?token=t")
    run_all(page)
    works(page, 2)  # with a decoder opened, that is the most that is saved
    expected = f2f.analyze(f2f.sample_layer(), f2f.Settings(n_s=0))
    wanted = f"{expected.ratio.value:.2f} ×"

    def saved():
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        notebook = nbformat.read(path, 4)
        images = stills(notebook)
        return len(images) == 2 and wanted in images[1] and "widgets" in notebook.metadata

    page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
    eventually(saved, 60)
    notebook = nbformat.read(path, 4)
    assert wanted not in stills(notebook)[0]
    assert path.stat().st_size <= 1 << 20, path.stat().st_size
    del notebook.metadata["widgets"]
    nbformat.write(notebook, path)
    assert path.stat().st_size <= 50_000

    html, _ = HTMLExporter().from_notebook_node(notebook)
    (jupyter.folder / "saved.html").write_text(html)
    page, _ = visit((jupyter.folder / "saved.html").as_uri())
    images = page.locator(".f2f-still img")
    expect(images).to_have_count(2)
    for image in images.all():
        expect(image).to_be_visible()
        assert image.evaluate("image => image.naturalWidth") == 760
        assert "digits-transformer" in image.get_attribute("alt")
    assert wanted in images.last.get_attribute("alt")


def test_voila_as_it_comes_behind_a_base_url(jupyter, visit):
    page, _ = visit(f"{jupyter.url}voila/render/two.ipynb?token=t")  # its template asks for fonts
    works(page, 2)


def test_marimo_behind_a_base_url(marimo, visit):
    page, outside = visit(marimo.url)
    works(page, 1)
    assert outside == []


@pytest.fixture
def html_manager(tmp_path, eventually):
    """Serve a folder of the scripts that pages with embedded widgets load from other hosts."""
    subprocess.run(["npm", "pack", "--silent", HTML_MANAGER], cwd=tmp_path, check=True)
    with tarfile.open(next(tmp_path.glob("*.tgz"))) as package:
        script = package.extractfile("package/dist/embed-amd.js")
        (tmp_path / "embed-amd.js").write_bytes(script.read())
    shutil.copy(SHARED / "voila/templates/base/static/require.min.js", tmp_path / "require.js")
    shutil.copy(SHARED / "nbextensions/anywidget/index.js", tmp_path / "anywidget.js")
    command = ("http.server", "{port}", "--bind", "127.0.0.1")
    with serving(tmp_path, "/", *command) as (served, process):
        eventually(lambda: answers(served.url, process), 60)
        yield served


def test_html_manager_shows_the_last_result_and_offers_no_control(html_manager, visit):
    subprocess.run([sys.executable, "-c", EMBED], cwd=html_manager.folder, check=True)
    page, outside = visit(f"{html_manager.url}page.html")
    app = page.locator(".f2f-app")
    expect(app.locator(".f2f-headline-root[data-state=exact]")).to_be_visible()
    found = f2f.analyze(f2f.sample_layer(), f2f.Settings())
    expect(card(app, "ratio")).to_have_text(f"{found.ratio.value:.2f}×")
    app.locator(".f2f-figure-mask:not(.f2f-building) canvas").first.wait_for()
    expect(app.get_by_text("No kernel holds this analyzer")).to_be_visible()
    for control in (app.get_by_label("0", exact=True), app.get_by_role("tab", name="Decoder")):
        assert control.evaluate("node => Boolean(node.closest('[inert]'))")
    assert outside == []
