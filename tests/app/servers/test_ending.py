"""SIGTERM always ends a server and its kernels, and what was killed leaves nothing for ever."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

BUSY = """
import asyncio, os, subprocess, sys
from pathlib import Path
from f2f_viz.app.servers.ending import end_on_signals

kernel = subprocess.Popen(["sleep", "1000"], start_new_session=True)
end_on_signals(lambda: [kernel.pid, 999_999_999], Path(sys.argv[1]))

def swallow():
    print(kernel.pid, flush=True)
    while True:
        try:
            sum(range(1000))
        except BaseException:
            pass

async def serve():
    asyncio.get_running_loop().call_soon(swallow)
    await asyncio.sleep(1000)

asyncio.run(serve())
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def scratch(pid):
    """The folder of a server, which its kernels have in their environment."""
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    (session,) = (v.partition(b"=")[2] for v in environ if v.startswith(b"F2F_VIZ_SESSION="))
    return Path(os.fsdecode(session)).parent


@pytest.fixture
def opened(start_server, eventually):
    """A server with a page open: itself, the kernel's process id and the server's folder."""
    server = start_server("app")
    server.ask("/", Cookie=server.cookie())
    (kernel,) = server.kernels()
    return server, kernel, scratch(kernel)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_an_event_loop_that_never_comes_round_ends(how, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "upload").touch()
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, folder], stdout=subprocess.PIPE, text=True
    ) as process:
        kernel = int(process.stdout.readline())
        process.send_signal(how)
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()  # or leaving the block would wait for ever
    assert not alive(kernel)
    assert not folder.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_ends_with_a_kernel_that_does_not_answer(opened, how):
    server, kernel, folder = opened
    os.kill(kernel, signal.SIGSTOP)
    assert server.stop(how) == (0, "")
    assert not alive(kernel)
    assert not folder.exists()


def test_control_c_ends_a_server(start_server):
    # a script's background job ignores SIGINT, and so do the tests when they run in one
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    for command in ("app", "lab"):
        code, words = start_server(command, prelude=heed).stop(signal.SIGINT)
        assert code == 0
        assert "Traceback" not in words, words


def test_a_background_job_stays_deaf_to_control_c(start_server):
    ignore = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    server = start_server("app", prelude=ignore)
    server.process.send_signal(signal.SIGINT)
    assert server.ask("/lab/index.css")[0] == 200
    assert server.stop() == (0, "")


def test_tests_that_a_script_runs_in_the_background_leave_no_server(tmp_path):
    """A shell's background job ignores SIGINT, and hands that on to all that it starts."""
    mark = f"F2F_TESTS={tmp_path}"
    tests = [__file__, "-k", "control_c_ends or stays_deaf", f"--basetemp={tmp_path / 'tests'}"]
    script = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "pytest", *tests]
    name, _, value = mark.partition("=")
    done = subprocess.run(script, env=os.environ | {name: value}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert [pid for pid in os.listdir("/proc") if pid.isdigit() and holds(pid, mark)] == []


def holds(pid, mark):
    """Tell whether a process was started with an entry of the environment."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return False


def test_a_server_ends_while_a_page_starts(start_server, eventually):
    server = start_server("app")
    cookie = server.cookie()

    def ask():
        with pytest.raises((OSError, http.client.HTTPException)):
            server.ask("/", Cookie=cookie)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    eventually(server.kernels)
    assert server.stop()[0] == 0
    asking.join(timeout=20)
    assert not asking.is_alive()


def test_a_killed_server_takes_its_kernels_and_the_next_start_its_files(
    opened, start_server, eventually
):
    server, kernel, folder = opened
    (folder / "upload").write_bytes(b"large")
    server.process.kill()
    eventually(lambda: not alive(kernel))
    assert folder.exists()
    start_server("app")
    assert not folder.exists()


def test_a_page_that_is_left_ends_its_kernel_and_its_files(opened, eventually):
    server, kernel, folder = opened
    (own,) = (path for path in folder.iterdir() if path.is_dir())
    os.kill(kernel, signal.SIGSTOP)  # busy, say
    token = server.url.partition("?token=")[2]
    address = f"/voila/api/shutdown/{own.name}"
    status, _, _ = server.ask(address, "POST", Authorization=f"token {token}")
    assert status == 204
    assert not alive(kernel)
    assert not own.exists()
    assert server.ask(address, "POST")[0] == 403


def test_sigterm_ends_the_lab_and_its_kernels(start_server, eventually):
    server = start_server("lab")
    token = server.url.partition("?token=")[2]
    status, _, _ = server.ask("/api/kernels", "POST", Authorization=f"token {token}")
    assert status == 201
    (kernel,) = server.kernels()
    os.kill(kernel, signal.SIGSTOP)
    code, words = server.stop()
    assert code == 0
    assert "Traceback" not in words
    assert not alive(kernel)
