import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest

import f2f_viz as f2f
from tests.app.page import settle

# machines differ, and other work runs beside the tests
hypothesis.settings.register_profile("f2f", deadline=None)
hypothesis.settings.load_profile("f2f")

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def _eventually(condition, seconds=15.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a missing tool is a failure, never a skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@dataclass
class Server:
    """A server of ours in a process of its own."""

    command: str
    process: subprocess.Popen = field(init=False)
    url: str = field(init=False)

    def __post_init__(self):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import f2f_viz.cli.main; f2f_viz.cli.main.main()",
                self.command,
                "--no-browser",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.process.stderr.read()

    def kernels(self):
        """Process ids of the kernels this server started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = set()
        for pid in children.read_text().split():
            try:
                if b"ipykernel" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.add(int(pid))
            except FileNotFoundError:
                continue
        return found

    def stop(self, how=signal.SIGINT):
        """Stop it as a person or a supervisor would; return its exit code and its last words."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        assert out == ""  # the URL was all it printed
        return self.process.returncode, err


async def _until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def until():
    """Wait on the event loop until a condition is true."""
    return _until


@pytest.fixture
def eventually():
    """Poll until a condition is true; a browser and a kernel have no common clock to wait on."""
    return _eventually


@pytest.fixture
def start_server():
    """Start servers that end with the test, whatever becomes of it."""
    servers = []

    def start(command):
        servers.append(Server(command))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


@pytest.fixture(scope="module")
def app_server():
    server = Server("app")
    yield server
    code, words = server.stop()
    assert code == 0
    assert "Traceback" not in words, words


@pytest.fixture(scope="module")
def lab_server():
    server = Server("lab")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        message = "no Chromium on PATH: run tools/ensure_chromium.sh"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


def _pages(browser):
    """Open pages that must neither complain on the console nor ask an outside host."""
    contexts, errors, outside = [], [], []

    def watch(request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")):
            outside.append(request.url)

    def open_one(url, width=1280, height=800):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
        page.on("request", watch)
        page.goto(url)
        return page

    yield open_one
    complaints = list(errors)  # not those of a page whose kernel ends as it is closed
    for context in contexts:
        context.close()
    assert complaints == []
    assert outside == []


open_page = pytest.fixture(_pages)
open_shared = pytest.fixture(_pages, scope="module")


@pytest.fixture(scope="module")
def shared(app_server, open_shared):
    """One page for the tests that leave it usable: starting a kernel takes seconds."""
    page = open_shared(app_server.url)
    settle(page)
    return page


@pytest.fixture(scope="session")
def defaults(tmp_path_factory):
    """Return a file of the default settings."""
    path = tmp_path_factory.mktemp("settings") / "defaults.json"
    path.write_text(json.dumps(f2f.Settings().to_dict()))
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; give what it printed."""

    def run(*arguments, code=0):
        from f2f_viz.cli import main as cli

        monkeypatch.setattr(sys, "argv", ["f2f-viz", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        printed = capsys.readouterr()
        assert (exited.value.code or 0) == code, printed.err
        return printed.out if code == 0 else printed.err

    return run
