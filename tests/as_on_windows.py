"""Run by test_as_on_windows.py: f2f_viz sees a Windows in which it finds no POSIX.

Its modules, and nobody else's, import `os`, `signal`, `socket` and `sys` that lack what Windows lacks,
and no module that only POSIX has. A file that is open takes no other name, as there. What mypy finds by
``--platform win32`` is found from the hints; this runs.
"""

import builtins
import importlib
import os
import pkgutil
import sys
import types
from pathlib import Path

import numpy as np

POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
LACKING = {
    "os": {
        "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_TMPFILE", "PRIO_PROCESS",
        "chown", "fchmod", "fchown", "fork", "getegid", "geteuid", "getgid", "getloadavg", "getpgid",
        "getpriority", "getuid", "killpg", "mkfifo", "nice", "pread", "pwrite", "readv",
        "sched_getaffinity", "sendfile", "set_blocking", "setpriority", "setsid", "statvfs", "sysconf",
        "uname", "wait", "writev",
    },
    "signal": {"SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "alarm", "pthread_kill"},
    "socket": {"AF_UNIX"},
    "sys": set(),
}  # fmt: skip


def replace(source, target):
    opened = {os.path.realpath(f"/proc/self/fd/{handle}") for handle in os.listdir("/proc/self/fd")}
    if opened & {os.path.realpath(source), os.path.realpath(target)}:
        raise PermissionError(13, "The process cannot access the file", os.fspath(source))
    os.replace(source, target)


OTHER = {"sys": {"platform": "win32"}, "os": {"replace": replace}}


class Lesser(types.ModuleType):
    """A module, less what Windows lacks."""

    def __init__(self, name):
        super().__init__(name)
        self.__dict__.update(OTHER.get(name, {}))
        self.__dict__["_whole"] = importlib.import_module(name)

    def __getattr__(self, name):
        if name in LACKING[self.__name__]:
            raise AttributeError(f"Windows has no {self.__name__}.{name}")
        return getattr(self._whole, name)


LESSER = {name: Lesser(name) for name in LACKING}
whole_import = builtins.__import__


def lesser_import(name, globals=None, *rest, **more):
    found = whole_import(name, globals, *rest, **more)
    if str((globals or {}).get("__name__")).partition(".")[0] != "f2f_viz":
        return found
    if name.partition(".")[0] in POSIX:
        raise ModuleNotFoundError(f"No module named {name!r}")
    return LESSER.get(found.__name__, found)


builtins.__import__ = lesser_import
folder = Path(sys.argv[1])

import f2f_viz as f2f  # noqa: E402

modules = [module.name for module in pkgutil.walk_packages(f2f.__path__, "f2f_viz.")]
for name in modules:
    if not name.endswith("__main__"):
        importlib.import_module(name)
assert len(modules) > 100, modules
assert not hasattr(sys.modules["f2f_viz.files.atomic"].os, "O_TMPFILE")

from f2f_viz.app.scratch import own_folder  # noqa: E402
from f2f_viz.app.servers.ending import end_on_signals  # noqa: E402
from f2f_viz.cli.main import cli  # noqa: E402
from f2f_viz.files.atomic import claim  # noqa: E402

layer = f2f.sample_layer("digits-small/dense/ffn1.weight")
mask = f2f.prune(layer.weights, 0.9)
np.save(folder / "w.npy", layer.weights)


def run(*arguments):
    cli([*map(str, arguments)], standalone_mode=False)


for _ in range(2):  # the second replaces a file that is there
    run("encode", folder / "w.npy", "-o", folder / "w.f2f", "--rate", "0.9")
    run("decode", folder / "w.f2f", "-o", folder / "back.npy")
assert np.array_equal(np.load(folder / "back.npy"), np.where(mask, layer.weights, 0))
f2f.encode_model({"a": layer.weights, "b": layer.weights[:40]}, folder / "model.f2f")
f2f.decode_model(folder / "model.f2f", folder / "model.safetensors")
with claim(folder / "held"):
    try:
        with claim(folder / "held"):
            raise AssertionError("two hold one name")
    except f2f.F2FError as error:
        assert "another process is writing" in str(error)
(own_folder() / "upload").touch()
end_on_signals(lambda: [], folder)
assert sorted(os.listdir(folder)) == [
    "back.npy",
    "model.f2f",
    "model.safetensors",
    "w.f2f",
    "w.npy",
]
