import asyncio
import contextlib
import http.client
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
from f2f_viz.samples import SMALL
from tests.app.page import settle

# machines differ, and other work runs beside the tests
hypothesis.settings.register_profile("f2f", deadline=None)
hypothesis.settings.load_profile("f2f")

# what ends a run from outside ends it as Ctrl-C does, so that servers are stopped
signal.signal(signal.SIGTERM, signal.default_int_handler)

# a script's background job and nohup ignore these, and so would all that the tests start
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

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


def pytest_collection_modifyitems(items):
    """Whatever asks for a browser is marked so, by its fixtures.

    In CI it may be late once, for other work runs beside it; the report counts the second tries.
    """
    for item in items:
        if {"browser", "driver"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            if os.environ.get("CI"):
                item.add_marker(pytest.mark.flaky(reruns=1))


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
    """A server of ours in a process of its own, as its command starts it.

    `env` and `cwd` are what a stranger may have prepared; `prelude` is Python that runs first.
    """

    command: str
    env: dict = field(default_factory=dict)
    cwd: Path | None = None
    prelude: str = ""
    process: subprocess.Popen = field(init=False)
    url: str = field(init=False)

    def __post_init__(self):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                f"{self.prelude}\nfrom f2f_viz.cli.main import main; main()",
                self.command,
                "--no-browser",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.cwd,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.env,
        )
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http://127.0.0.1:"):
            self.process.kill()
            pytest.fail(f"no server: {self.process.communicate()}")

    def kernels(self):
        """Process ids of the kernels this server started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = set()
        for pid in children.read_text().split():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if b"servers.kernel" in command or b"ipykernel" in command:
                found.add(int(pid))
        return found

    def ask(self, path="/", method="GET", **headers):
        """Ask the server as a program would; give status, headers and text."""
        there = http.client.HTTPConnection(self.url.split("/")[2], timeout=30)
        with contextlib.closing(there):
            there.request(method, path, headers=headers)
            answer = there.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def cookie(self):
        """Show the token, as the printed address does; give the cookie that serves from then on."""
        status, headers, _ = self.ask("/?" + self.url.partition("?")[2])
        assert status == 302
        return headers["Set-Cookie"].partition(";")[0]

    def stop(self, how=signal.SIGTERM):
        """Stop it as a supervisor or a person would; return its exit code and its last words."""
        kernels = self.kernels()
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        assert out == ""  # the URL was all it printed
        _eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in kernels))
        return self.process.returncode, err

    def kill(self):
        """End it, whatever became of it, with its kernels."""
        if self.process.poll() is None:
            for pid in self.kernels():
                os.killpg(pid, signal.SIGKILL)
            self.process.kill()
        self.process.communicate()


async def _until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def until():
    """Wait on the event loop until a condition is true."""
    return _until


@pytest.fixture(scope="session")
def eventually():
    """Poll until a condition is true; a browser and a kernel have no common clock to wait on."""
    return _eventually


@pytest.fixture
def start_server():
    """Start servers that end with the test, whatever becomes of it."""
    servers = []

    def start(command, **circumstances):
        servers.append(Server(command, **circumstances))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


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

    def open_one(url, width=1280, height=800, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
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
    """One page for the tests that leave it usable: starting a kernel takes seconds.

    It shows the small sample, of which every weight is a cell of the mask.
    """
    page = open_shared(f"{app_server.url}&sample={SMALL}")
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
