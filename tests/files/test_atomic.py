"""Output files: umask, modes, links, pipes and devices, one writer at a time, nothing half done."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import claim, write_atomically, write_folder


@pytest.fixture(params=["nameless", "named"])
def unnamed(request, monkeypatch):
    """On file systems that know files without names, and on those that do not."""
    if request.param == "named":

        def refuse(path, flags, mode=0o777, *, dir_fd=None, real=os.open):
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "no such files here")
            return real(path, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", refuse)


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_new_files_obey_umask_and_others_keep_their_mode(tmp_path, unnamed, umask):
    write_atomically(tmp_path / "w", b"one")
    assert mode(tmp_path / "w") == 0o640
    os.chmod(tmp_path / "w", 0o604)
    write_atomically(tmp_path / "w", [b"t", b"wo"])
    assert mode(tmp_path / "w") == 0o604
    assert (tmp_path / "w").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["w"]


def test_links_are_followed(tmp_path, unnamed):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to("folder/w")
    for content in (b"new", b"newer"):
        write_atomically(link, content)
        assert link.is_symlink()
        assert (tmp_path / "folder" / "w").read_bytes() == content
    assert os.listdir(tmp_path / "folder") == ["w"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(F2FError, match="cannot write"):
        write_atomically(tmp_path / "loop", b"")


def test_devices_and_pipes_are_written_to(tmp_path):
    null = os.stat(os.devnull)
    write_atomically(os.devnull, b"gone")
    assert os.stat(os.devnull).st_ino == null.st_ino
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(F2FError, match="No space left"):
        write_atomically("/dev/full", b"too much")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(F2FError, match="cannot write"):  # and no waiting for a reader
        write_atomically(pipe, b"unread")
    with (
        (tmp_path / "read").open("wb") as out,
        subprocess.Popen(["cat", pipe], stdout=out),
    ):
        handle = os.open(pipe, os.O_WRONLY)  # waits until cat has opened it
        write_atomically(pipe, [b"read ", bytes(1 << 20)])
        os.close(handle)
    assert (tmp_path / "read").read_bytes() == b"read " + bytes(1 << 20)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_what_cannot_be_written(tmp_path, unnamed, monkeypatch):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "w").write_bytes(b"mine")
    for name in ("", "a\0b", tmp_path, tmp_path / "no" / "w", tmp_path / "socket",
                 tmp_path / "w" / "x", tmp_path / ("n" * 300)):  # fmt: skip
        with pytest.raises(F2FError):
            write_atomically(name, b"")
        with pytest.raises(F2FError), claim(name):
            pass
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for place in (tmp_path / "w", tmp_path / "new"):
        with pytest.raises(F2FError, match="Permission denied"), claim(place):
            pass
    with pytest.raises(F2FError, match="Permission denied"):
        write_atomically(tmp_path / "w", b"")
    assert sorted(os.listdir(tmp_path)) == ["socket", "w"]
    assert (tmp_path / "w").read_bytes() == b"mine"


def test_what_fails_leaves_nothing(tmp_path, unnamed):
    def pieces():
        yield b"half"
        raise F2FError("the source ended")

    def check(file):
        assert file.read() == b"whole"
        raise F2FError("another one")

    (tmp_path / "old").write_bytes(b"old")
    for name in ("old", "new"):
        with pytest.raises(F2FError, match="the source ended"):
            write_atomically(tmp_path / name, pieces())
        with pytest.raises(F2FError, match="another one"):
            write_atomically(tmp_path / name, b"whole", check=check)
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


WRITING = """
import sys
from f2f_viz.files.atomic import claim, write_atomically, write_folder

def pieces():
    yield bytes(1 << 20)
    print("half", flush=True)
    sys.stdin.read()

with claim(sys.argv[1]):
    write_atomically(sys.argv[1], pieces())
"""


def test_a_killed_process_leaves_neither_a_file_nor_its_claim(tmp_path):
    path = tmp_path / "w"
    command = [sys.executable, "-c", WRITING, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"half\n"
        with pytest.raises(F2FError, match="another process is writing"), claim(path):
            pass
        process.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == []
    with claim(path):
        pass


def test_one_writer_at_a_time_by_whatever_name(tmp_path):
    (tmp_path / "link").symlink_to("w")
    with claim(tmp_path / "w"), claim(tmp_path / "other"):
        for name in (tmp_path / "w", tmp_path / "link", tmp_path / "." / "w"):
            with pytest.raises(F2FError, match="another process is writing"), claim(name):
                pass
    with claim(tmp_path / "w"), claim(os.devnull), claim(os.devnull):
        pass


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """As on systems that know no abstract sockets; the folder of their lock files."""
    pytest.importorskip("filelock")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_one_writer_at_a_time_where_names_may_differ_in_case(tmp_path, elsewhere):
    with claim(tmp_path / "wé"), claim(tmp_path / "v"):
        for name in ("wé", "WÉ", "we\u0301"):
            with (
                pytest.raises(F2FError, match="another process is writing"),
                claim(tmp_path / name),
            ):
                pass
    with claim(tmp_path / "WÉ"):
        pass


@pytest.mark.parametrize("trouble", ["other's", "no folder", "none"])
def test_a_lock_that_cannot_be_had_is_said_in_words(tmp_path, elsewhere, monkeypatch, trouble):
    if trouble == "other's":

        def refuse(path, *how, real=os.open, **more):
            if os.fspath(path).endswith(".lock"):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return real(path, *how, **more)

        monkeypatch.setattr(os, "open", refuse)
    elif trouble == "no folder":
        monkeypatch.setattr(tempfile, "tempdir", "/proc")
    else:
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_get_default_tempdir", lambda: (_ for _ in ()).throw(
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found")
        ))  # fmt: skip
    with pytest.raises(F2FError, match=r"cannot lock .*TMPDIR"), claim(tmp_path / "w"):
        pass
    with pytest.raises(F2FError, match=r"cannot lock .*TMPDIR"):
        write_folder(tmp_path / "rtl", {"a.v": b""}, mark="a.v")
    assert not (tmp_path / "rtl").exists()


def test_an_input_is_replaced_only_if_that_is_meant(tmp_path):
    (tmp_path / "w").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("w")
    os.link(tmp_path / "w", tmp_path / "hard")
    for name in ("w", "link", "hard"):
        with pytest.raises(F2FError, match="--force"), claim(tmp_path / name, tmp_path / "w"):
            pass
        with claim(tmp_path / name, tmp_path / "w", force=True):
            pass
    with claim(tmp_path / "new", tmp_path / "w", tmp_path / "none"):
        pass


def test_threads_that_write_one_file_leave_one_of_theirs_whole(tmp_path):
    contents = [bytes([n]) * 100_000 for n in range(8)]
    threads = [
        threading.Thread(target=write_atomically, args=(tmp_path / "w", content))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "w").read_bytes() in contents
    assert os.listdir(tmp_path) == ["w"]
