import os
import subprocess
import sys
import time

import pytest

import f2f_viz as f2f
from f2f_viz.app import scratch

HOLD = "from f2f_viz.app.scratch import own_folder; print(own_folder(), flush=True); input()"


@pytest.fixture
def hold(tmp_path):
    """Start processes that hold a folder of their own."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {"TMPDIR": str(tmp_path)},
        )  # fmt: skip
        started.append(process)
        return process, tmp_path / process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_killed_process_left_is_cleared_and_what_is_in_use_is_not(hold, tmp_path):
    killed, left = hold()
    _, used = hold()
    (left / "upload").write_bytes(b"large")
    (used / "upload").write_bytes(b"mine")
    killed.kill()
    killed.wait()
    assert left.exists()
    others = tmp_path / "f2f-viz-notes"  # somebody's own, no folder of ours
    others.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".lock").touch()
    (tmp_path / "f2f-viz-link").symlink_to(elsewhere)
    ended, fresh = hold()
    assert not left.exists()
    assert (used / "upload").read_bytes() == b"mine"
    assert others.exists()
    assert (elsewhere / ".lock").exists()
    ended.communicate("\n")
    assert not fresh.exists()  # and one that ends in peace clears its own


def test_old_folders_without_a_lock_are_cleared_if_they_are_surely_ours(hold, tmp_path):
    week = time.time() - 8 * 86400
    names = {
        "f2f-viz-0niy3sl8": False,
        ".f2f-viz-0niy3sl8": False,  # killed before its lock was held
        "f2f-viz-projects": True,  # somebody's own
        "f2f-viz-1niy3sl8": True,  # others may look into it: not ours
        "f2f-viz-2niy3sl8": True,  # in use lately
        "f2f-viz-0niy3sl8.tar": True,
    }
    for name in names:
        (tmp_path / name).mkdir(mode=0o755 if name.endswith("1niy3sl8") else 0o700)
        (tmp_path / name / "upload").touch()
        for place in (tmp_path / name / "upload", tmp_path / name):
            os.utime(place, (week, week))
    (tmp_path / "f2f-viz-2niy3sl8" / "upload").touch()
    hold()
    assert {name: (tmp_path / name).exists() for name in names} == names


def test_no_temporary_folder_is_said_in_words(monkeypatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", "/dev/null/nowhere")
    scratch.own_folder.cache_clear()
    with pytest.raises(f2f.F2FError, match="TMPDIR"):
        scratch.own_folder()
