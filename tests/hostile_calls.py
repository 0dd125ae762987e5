"""Every public function with hostile arguments, one at a time. Run by tests/test_hostile_calls.py
in a process of its own, where a crash is seen: ``python -m tests.hostile_calls``."""

import faulthandler
import os
import signal
import sys
import tempfile
import threading
import traceback
import warnings
from dataclasses import fields, replace
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.plan import Plan
from f2f_viz.errors import named
from f2f_viz.text import shown

SECONDS = 20
"""Of CPU time, since other work may run beside; who waits for ever is ended by the test."""
FIXED = np.arange(12, dtype=np.float32).reshape(3, 4)
FIXED.flags.writeable = False
HOSTILE = [
    None, True, False, -1, 0, 1, 7, 2**15, 2**31, 2**32, 2**63, 2**64, 10**30, -(10**30), 10**5000,
    0.5, -0.5, 1.5, 1e300, float("nan"), float("inf"), -float("inf"), 1j,
    "", "a", "0.5", "\0", "\n\x1b[2J", "\ud800", "x" * 5000, "missing.npy", "/", "/dev/zero", "/proc/self/mem",
    b"", b"x", [], {}, (), set(), [1], ["a"], [[1], [1, 2]], {"a": 1}, (1, None), range(3),
    object(), object, len, lambda *_: None, Path("missing.f2f"), Path("."), sys,
    np.int8(-1), np.uint8(255), np.int64(3), np.float32("nan"), np.bool_(True), np.str_("a"),
    np.datetime64("2020-01-01"), np.timedelta64(1, "s"),
    np.zeros(0, np.float32), np.zeros((0, 5), np.float32), np.zeros((5, 0), bool), np.array(1.0), np.array(None),
    np.array(["a", "b"]), np.zeros(3, object), np.zeros(3, "V8"), np.zeros(3, [("a", "f4")]), np.zeros((2, 2), "M8[s]"),
    FIXED, FIXED.T, FIXED[::2, ::-1], np.full((8, 8), np.nan, np.float32), np.full((8, 8), np.inf, np.float16),
    np.ones((8, 8), bool), np.zeros((8, 8), bool), np.ones((8, 8), np.int64), np.ones((8, 8), ">f4"), np.ones((8, 8), np.complex64),
    np.ones((8, 8), np.uint16), np.full((3,), 65535, np.uint16), np.array([3, 2, 1], np.uint32), np.array([2**32 - 1], np.uint32),
    np.array([-1, 5]), np.ones((2,) * 9 + (1,) * 11, np.int8), np.ones((8, 8), ml_dtypes.bfloat16), np.ones((8, 8), ml_dtypes.int4),
    np.broadcast_to(np.float32(1), (8, 8)), np.broadcast_to(np.True_, (8, 8)),
]  # fmt: skip


ENDLESS: list = []
ENDLESS.append(ENDLESS)
HOSTILE.append(ENDLESS)


class TooSlow(BaseException):
    pass


def too_slow(*_):
    raise TooSlow


def calls(folder):
    """Good calls: name, function, its arguments by name; each is made with one of them hostile."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(24, 16)).astype(np.float32)
    mask = f2f.prune(weights, 0.7)
    code = f2f.Code(n_in=4, n_s=1)
    layer = f2f.Layer("a", weights, "float32", "here")
    encoded = f2f.encode(weights, mask, code)
    network = f2f.XorNetwork.random(4, 10, 1)
    bits, care = random.random((2, 6, 10)) < 0.5
    model, file, whole = folder / "m.safetensors", folder / "a.f2f", folder / "m.f2f"
    save_file({"a": weights, "b": weights[:8, :8].copy()}, model)
    settings = f2f.Settings(code=code, rate=0.7)
    f2f.save(encoded, file)
    f2f.encode_model(model, whole, settings)
    analysis = f2f.analyze(layer, settings)
    common = {"threads": 1, "progress": told, "cancel": threading.Event()}
    plane = next(p for p in encoded.planes if p.corrections.size and not p.zero_rate)
    index = encoded.planes.index(plane)

    def with_plane(**changed):
        planes = list(encoded.planes)
        planes[index] = replace(plane, **changed)
        return f2f.decode(replace(encoded, planes=tuple(planes)))

    def spoilt(**changed):
        """An Encoded with a hostile field, and everything that takes one."""
        found = replace(encoded, **changed)
        for use in (f2f.decode, f2f.report, repr):
            use(found)
        f2f.decode_tile(found, 0)
        f2f.decode_rows(found, 0, 1)
        f2f.trace(found, 0, 0, 1)
        f2f.save(found, folder / "spoilt.f2f")

    def pruned(method, **options):
        return lambda weights, rate, seed, **more: f2f.prune(
            weights, rate, method, seed=seed, **options | more
        )

    prune = {"weights": weights, "rate": 0.5, "seed": 0}
    drawn = {"n_in": 4, "n_out": 10, "n_s": 1, "seed": 0}
    number = iter(range(10**9))
    yield "Code", f2f.Code, f2f.Code().to_dict()
    yield "Code.paper", f2f.Code.paper, {"n_s": 1, "n_out": 8}
    yield "Settings", f2f.Settings, f2f.Settings().to_dict() | {"code": None}
    yield "Settings.from_dict", f2f.Settings.from_dict, {"values": {}}
    yield "Settings.replace", settings.replace, {"rate": 0.5, "n_s": 1}
    yield "Layer", f2f.Layer, {"name": "a", "weights": weights, "dtype": "float32", "source": ""}
    yield "Encoded", spoilt, {f.name: getattr(encoded, f.name) for f in fields(encoded)}
    yield "Plane", with_plane, {f.name: getattr(plane, f.name) for f in fields(plane)}
    yield "encode", f2f.encode, {"weights": weights, "mask": mask, "code": None, "network": None,
                                 "scales": None, "n_in": 4, "n_s": 1, **common}  # fmt: skip
    yield "decode", f2f.decode, {"encoded": encoded, "out": None, "threads": 1}
    yield "decode_rows", f2f.decode_rows, {"encoded": encoded, "start": 0, "stop": 2}
    yield "decode_tile", f2f.decode_tile, {"encoded": encoded, "tile": 0}
    yield (
        "encode_bits",
        f2f.encode_bits,
        {"bits": bits, "care": care, "network": network, "threads": 1},
    )
    yield "matmul", f2f.matmul, {"encoded": encoded, "x": np.ones(16)}
    yield "survey", f2f.survey, {"model": model, "settings": settings, "rules": [],
                                 "together": False, "exact": True, "executor": None,
                                 **common}  # fmt: skip
    planned = f2f.survey(model, settings).plan
    yield "Plan", Plan, {f.name: getattr(planned, f.name) for f in fields(planned)}
    yield "Plan.from_dict", Plan.from_dict, {"values": planned.to_dict()}
    yield "Plan.save", planned.save, {"path": folder / "plan.json"}
    yield "sweep", lambda **given: list(f2f.sweep(**given)), {
        "layers": [layer], "settings": [settings], "done": (), "executor": None, **common}  # fmt: skip
    yield "lesson", f2f.lesson, {
        "layer": layer, "path": folder / "lesson.html", "settings": settings, "theme": "light"}  # fmt: skip
    yield "trace", f2f.trace, {"encoded": encoded, "plane": 3, "start": 0, "stop": 2}
    yield "XorNetwork", f2f.XorNetwork, {"matrix": network.matrix, "n_in": 4}
    yield "XorNetwork.random", f2f.XorNetwork.random, drawn
    yield "XorNetwork.uniform", f2f.XorNetwork.uniform, drawn
    yield "XorNetwork.light", f2f.XorNetwork.light, drawn | {"weights": (3, 1)}
    yield "XorNetwork.plain", f2f.XorNetwork.plain, {"n_in": 4, "n_s": 1}
    yield "XorNetwork.decode", network.decode, {"symbols": [1, 2]}
    yield "XorNetwork.decode_packed", network.decode_packed, {
        "symbols": np.ones((2, 3), np.uint16), "tile_blocks": 2}  # fmt: skip
    yield "gates", f2f.gates, {"network": network}
    yield "verilog", f2f.verilog, {"encoded": encoded, "folder": folder / "rtl", "flips": 1}
    yield "report", f2f.report, {"encoded": encoded}
    yield "save", f2f.save, {"encoded": encoded, "path": folder / "b.f2f"}
    yield "open", f2f.open, {"path": file, "max_bytes": None}
    yield "list_tensors", f2f.list_tensors, {"source": model}
    yield "load_layer", f2f.load_layer, {"source": model, "tensor": "a"}
    yield "sample_layer", f2f.sample_layer, {"name": None}
    yield "prune", f2f.prune, prune | {"method": "magnitude", "per": "row"}
    yield "prune threshold", pruned("threshold"), prune | {"threshold": 0.5}
    yield "prune n:m", pruned("n:m"), prune | {"pattern": "2:4"}
    yield "prune mask", pruned("mask"), prune | {"mask": mask}
    yield "prune scores", pruned("scores"), prune | {"scores": weights}
    yield "prune random", pruned("random"), prune
    yield "prune zeros", pruned("zeros"), prune
    yield "prune_together", f2f.prune_together, {"weights": {"a": weights}, "rate": 0.5}
    yield "prune_together of", lambda a: f2f.prune_together({"a": a}, 0.5), {"a": weights}
    yield "register_pruning", lambda **given: f2f.register_pruning(
        **{"name": f"own{next(number)}"} | given), {
        "choose": lambda *_: None, "label": "", "help": "", "options": ()}  # fmt: skip
    yield "register_pruning name", f2f.register_pruning, {"name": "new", "choose": lambda *_: None}
    yield "quantize", f2f.quantize, {"layer": layer, "to": "int8", "per": "channel"}
    yield "analyze", f2f.analyze, {"layer": layer, "settings": settings, "preview": False, **common}
    yield (
        "figure",
        f2f.figure,
        {"name": "mask", "analysis": analysis, "theme": "light", "grid": False},
    )
    yield "figure trellis", lambda plane, cycle, length: f2f.figure(
        "trellis", analysis, plane=plane, cycle=cycle, length=length), {
        "plane": 0, "cycle": 0, "length": 4}  # fmt: skip
    yield (
        "figure ratio",
        lambda points: f2f.figure("ratio", analysis, points=points),
        {"points": ()},
    )
    yield (
        "figure sweep",
        lambda points: f2f.figure("sweep", analysis, points=points),
        {"points": ()},
    )
    yield "Figure.save", f2f.figure("bits", analysis).save, {
        "path": folder / "bits.json", "width_mm": 90.0, "height_mm": None, "scale": 1.0, "font_pt": 8.0}  # fmt: skip
    yield "encode_model", f2f.encode_model, {"model": model, "output": whole, "settings": settings,
                                             "rules": [], "force": False, "executor": None, **common}  # fmt: skip
    yield "encode_model plan", lambda plan: f2f.encode_model(model, whole, plan=plan), {
        "plan": planned}  # fmt: skip
    yield (
        "encode_model rule",
        lambda rule: f2f.encode_model(model, whole, settings, rules=[rule]),
        {"rule": ("a", None)},
    )
    yield "decode_model", f2f.decode_model, {"path": whole, "output": folder / "back.safetensors",
                                             "force": False, "progress": told, "cancel": None}  # fmt: skip
    yield "Analyzer", analyzer, {"layer": layer, "settings": settings}


def told(done, total):
    pass


def analyzer(**given):
    f2f.Analyzer(**given).close()


def main():
    faulthandler.enable()
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, too_slow)
    wrong = count = 0
    os.chdir(tempfile.mkdtemp())
    for name, function, good in calls(Path.cwd()):
        if name != "figure sweep":  # there is none of no points
            function(**good)
        for argument in good:
            for value in HOSTILE:
                if callable(good[argument]) and callable(value):
                    continue  # a caller's own function fails as it likes
                count += 1
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                try:
                    function(**good | {argument: value})
                except f2f.F2FError as error:
                    if not str(error).isprintable() or len(str(error)) > 1000:
                        wrong += 1
                        print(f"{name}({argument}={named(value)}): what it says: {error!r:.200}")
                except (Exception, TooSlow) as error:
                    wrong += 1
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    print(f"{name}({argument}={named(value)}): {type(error).__name__}: {shown(str(error)):.80}"
                          f" at {'/'.join(where.filename.split('/')[-2:])}:{where.lineno}")  # fmt: skip
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
    print(f"{count} calls, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
