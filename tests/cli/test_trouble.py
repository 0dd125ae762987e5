"""Killed, and a full disk: no partial file, one line, and the next run gives the same bytes."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

KILLED = """
import os, signal, sys
left = int(sys.argv.pop(1))

def count(frame, event, _):
    global left
    if event == "call" and frame.f_code.co_filename.endswith(("atomic.py", "planes.py", "decode.py")):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

from f2f_viz.cli.main import main
sys.setprofile(count)
main()
"""


@pytest.fixture
def layer(tmp_path):
    path = tmp_path / "w.npy"
    np.save(path, np.random.default_rng(0).normal(size=(120, 160)).astype(np.float32))
    return path


@pytest.fixture
def whole(layer, tmp_path, run):
    run("encode", layer, "-o", tmp_path / "whole.f2f")
    return (tmp_path / "whole.f2f").read_bytes()


@pytest.mark.slow
def test_a_layer_s_encode_is_killed_at_ten_moments(layer, whole, tmp_path, run):
    out = tmp_path / "out"
    out.mkdir()
    for at in (1, 3, 5, 7, 9, 11, 13, 15, 17, 19):
        command = [sys.executable, "-c", KILLED, str(at), "encode", layer, "-o", out / "w.f2f"]
        done = subprocess.run(command, capture_output=True)
        assert done.returncode == -signal.SIGKILL
        assert [p for p in out.iterdir() if p.suffix == ".f2f" and p.read_bytes() != whole] == []
        run("encode", layer, "-o", out / "w.f2f")
        assert (out / "w.f2f").read_bytes() == whole
        (out / "w.f2f").unlink()


@pytest.mark.parametrize("trouble", ["size=4k", "ro"])
def test_a_disk_that_is_full_or_read_only(layer, whole, tmp_path, run, trouble):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", trouble, "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no mount here")
    try:
        assert run("encode", layer, "-o", disk / "w.f2f", code=1).count("\n") == 1
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
    run("encode", layer, "-o", disk / "w.f2f")
    assert (disk / "w.f2f").read_bytes() == whole
