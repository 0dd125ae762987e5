"""Whole models: everything back bit for bit, whatever stops the encoder on the way."""

import copy
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save, save_file

import f2f_viz as f2f
from benchmarks.streams import convolutions
from f2f_viz.analysis.dask import dask_executor
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.network import MATRICES
from f2f_viz.codec.recipe import LENGTHS
from f2f_viz.files import layer_file
from f2f_viz.files.atomic import claim
from f2f_viz.files.model_file import open_model, with_offsets, without_offsets
from f2f_viz.models import encode as model
from f2f_viz.models import parts
from f2f_viz.models.decode import decode_model
from f2f_viz.models.encode import encode_model
from f2f_viz.models.parts import Parts
from f2f_viz.models.report import model_report, model_rivals
from f2f_viz.settings import Settings
from f2f_viz.tensors import loaders
from tests.files.lies import model_put_together, model_taken_apart

SETTINGS = Settings(rate=0.8, n_in=4, n_s=1)
# name: (safetensors dtype, shape); encoded are the first five
TENSORS = {
    "embed.weight": ("F32", (60, 50)),
    "attn.weight": ("BF16", (40, 60)),
    "conv": ("F16", (8, 6, 5, 7)),
    "quantized": ("I8", (50, 60)),
    "wide": ("F64", (30, 20)),
    "bias": ("F32", (60,)),
    "ids": ("I64", (1, 12)),
    "scalar": ("F32", ()),
    "empty": ("F32", (0, 4)),
    "fp8": ("F8_E8M0", (9, 5)),
    "flags": ("BOOL", (3, 3)),
}
SIZES = {"F64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2, "I8": 1, "F8_E8M0": 1, "BOOL": 1}
ENCODED = list(TENSORS)[:5]


def write_model(path, seed=0):
    """A file as another program may write it: names and data in orders of their own."""
    rng = np.random.default_rng(seed)
    header, data = {"__metadata__": {"format": "pt", "note": "ünïcode"}}, b""
    for name in sorted(TENSORS):
        code, shape = TENSORS[name]
        count = math.prod(shape)
        values = rng.normal(size=count).astype("f4")
        raw = rng.integers(0, 2, count, np.uint8).tobytes() if code == "BOOL" else None
        if code in ("F64", "F32", "F16"):
            raw = values.astype(f"<f{SIZES[code]}").tobytes()
        elif code == "BF16":
            raw = (values.view("<u4") >> 16).astype("<u2").tobytes()
        raw = rng.integers(0, 256, count * SIZES[code], np.uint8).tobytes() if raw is None else raw
        header[name] = {
            "dtype": code,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    header = {name: header[name] for name in reversed(header)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8 + 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.fixture
def source(tmp_path):
    write_model(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def pruned_file(source, rates):
    """The bytes that decoding must give: the source's own, zeros where weights are pruned."""
    data = bytearray(source.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    for name, rate in rates.items():
        weights = f2f.load_layer(source, name).weights
        words = to_words(weights) * f2f.prune(weights, rate).reshape(-1)
        begin, end = header[name]["data_offsets"]
        data[start + begin : start + end] = words.tobytes()
    return bytes(data)


def test_the_same_file_comes_back_with_zeros(source, tmp_path):
    account = encode_model(source, tmp_path / "m.f2f", SETTINGS)
    model = decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == pruned_file(
        source, dict.fromkeys(ENCODED, 0.8)
    )
    assert sorted(model.layers) == sorted(ENCODED)
    assert account == model_report(model)
    assert account.model_bytes == source.stat().st_size
    assert account.file_bytes == (tmp_path / "m.f2f").stat().st_size
    assert sorted(account.carried) == sorted(set(TENSORS) - set(ENCODED))
    assert sorted(tmp_path.iterdir()) == sorted(
        [source, tmp_path / "m.f2f", tmp_path / "back.safetensors"]
    )


def test_the_golden_model_still_decodes(tmp_path):
    """`write_model`'s file, encoded with SETTINGS by tests/golden/make.py."""
    golden = Path(__file__).parents[1] / "golden" / "model"
    decode_model(golden / "model.f2f", tmp_path / "back.safetensors")
    back = (tmp_path / "back.safetensors").read_bytes()
    assert back == (golden / "model.safetensors").read_bytes()


def test_each_layer_can_be_its_own_f2f_file(source, tmp_path):
    encode_model(source, tmp_path / "m.f2f", SETTINGS)
    layer = f2f.load_layer(source, "attn.weight")
    one = f2f.encode(layer, f2f.prune(layer, 0.8), SETTINGS.code)
    f2f.save(open_model(tmp_path / "m.f2f").layer("attn.weight"), tmp_path / "one.f2f")
    assert (tmp_path / "one.f2f").read_bytes() == layer_file.to_bytes(one)


def test_rules_set_rates_by_name(source, tmp_path):
    rules = [("embed.weight", 0.5), ("*.weight", 0.6), ("quant*", None)]
    account = encode_model(source, tmp_path / "m.f2f", SETTINGS, rules=rules)
    rates = {"embed.weight": 0.5, "attn.weight": 0.6, "conv": 0.8, "wide": 0.8}
    assert {layer.name: round(layer.report.sparsity, 6) for layer in account.layers} == rates
    decode_model(tmp_path / "m.f2f", tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == pruned_file(source, rates)
    with pytest.raises(f2f.F2FError, match=r"nothing\*.*embed"):
        encode_model(source, tmp_path / "x.f2f", SETTINGS, rules=[("nothing*", 0.5)])
    assert not list(tmp_path.glob("x*"))


def test_tensors_too_small_to_gain_are_stored_pruned(tmp_path):
    weights = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    save_file({"tiny": weights, "bias": weights[0]}, tmp_path / "t.safetensors")
    account = encode_model(tmp_path / "t.safetensors", tmp_path / "t.f2f", Settings(rate=0.5))
    assert not account.layers
    decode_model(tmp_path / "t.f2f", tmp_path / "b.safetensors")
    back = load_file(tmp_path / "b.safetensors")
    np.testing.assert_array_equal(back["tiny"], np.where(weights > 3, weights, 0))
    np.testing.assert_array_equal(back["bias"], weights[0])


def test_masks_by_name_from_a_file(tmp_path):
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(40, 50)).astype(np.float32) for name in "ab"}
    masks = {name: rng.random((40, 50)) < 0.1 for name in "ab"}
    save_file(weights, tmp_path / "w.safetensors")
    save_file(masks, tmp_path / "masks.safetensors")
    settings = Settings(method="mask", mask=str(tmp_path / "masks.safetensors"))
    encode_model(tmp_path / "w.safetensors", tmp_path / "w.f2f", settings)
    model = open_model(tmp_path / "w.f2f")
    for name in "ab":
        np.testing.assert_array_equal(model.layer(name).mask, masks[name])


@pytest.mark.parametrize("kind", ["npz", "shards", "torch"])
def test_other_kinds_of_models_become_safetensors(kind, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "w": rng.normal(size=(40, 50)).astype(np.float32),
        "ids": rng.integers(0, 9, 7),
        "b": rng.normal(size=9).astype(np.float16),
    }
    path = tmp_path / "m.npz"
    if kind == "npz":
        np.savez(path, **arrays)
    elif kind == "torch":
        torch = pytest.importorskip("torch")
        path = tmp_path / "m.pt"
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    else:
        path = tmp_path / "folder"
        path.mkdir()
        save_file({"w": arrays["w"]}, path / "1.safetensors")
        save_file({name: arrays[name] for name in ("ids", "b")}, path / "2.safetensors")
        where = {"w": "1.safetensors", "ids": "2.safetensors", "b": "2.safetensors"}
        (path / "m.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    encode_model(path, tmp_path / "m.f2f", SETTINGS)
    decode_model(tmp_path / "m.f2f", tmp_path / "back.safetensors")
    back = load_file(tmp_path / "back.safetensors")
    arrays["w"] = np.where(f2f.prune(arrays["w"], 0.8), arrays["w"], 0)
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


@pytest.fixture
def whole(source, tmp_path):
    """The bytes of an uninterrupted run."""
    encode_model(source, tmp_path / "whole.f2f", SETTINGS)
    return (tmp_path / "whole.f2f").read_bytes()


@pytest.fixture
def encoded_parts(monkeypatch):
    """Names of the layers encoded since."""
    names, real = [], model.prepare

    def counted(layer, *rest, **options):
        names.append(layer.name)
        return real(layer, *rest, **options)

    monkeypatch.setattr(model, "prepare", counted)
    return names


def cancel_after(layers, size=SIZES):
    cancel = threading.Event()
    seen = set()

    def progress(done, total):
        seen.add(done)
        if len(list_parts(progress.folder)) >= layers:
            cancel.set()

    return cancel, progress


def list_parts(folder):
    return list(folder.glob("[!.]*.part")) if folder.exists() else []


def test_cancel_and_go_on(source, whole, tmp_path, encoded_parts):
    output = tmp_path / "m.f2f"
    cancel, progress = cancel_after(2)
    progress.folder = tmp_path / "m.f2f.parts"
    with pytest.raises(f2f.Cancelled):
        encode_model(source, output, SETTINGS, threads=1, progress=progress, cancel=cancel)
    assert not output.exists()
    assert len(list_parts(progress.folder)) == 2
    before, found = list(encoded_parts), []
    encode_model(source, output, SETTINGS, progress=lambda done, total: found.append((done, total)))
    assert output.read_bytes() == whole
    assert not progress.folder.exists()
    again = encoded_parts[len(before) :]
    assert sorted(set(again) | set(before[:2])) == sorted(ENCODED)
    assert not set(again) & set(before[:2])
    sizes = {name: math.prod(TENSORS[name][1]) for name in ENCODED}
    total = sum(sizes.values())
    assert found[0] == (sum(sizes[name] for name in before[:2]), total)
    assert found[-1] == (total, total)
    assert found == sorted(found)


def test_killed_and_resumed(source, whole, tmp_path):
    """SIGKILL while it encodes: what is finished is kept, the file is the same in the end."""
    program = """
import sys
from pathlib import Path
from f2f_viz.models.encode import encode_model
from f2f_viz.settings import Settings

def progress(done, total):
    if len(list(Path(sys.argv[2] + ".parts").glob("*.part"))) == 2:
        print("two", flush=True)
        sys.stdin.read()

encode_model(sys.argv[1], sys.argv[2], Settings.from_dict(eval(sys.argv[3])), progress=progress)
"""
    output = tmp_path / "m.f2f"
    arguments = [sys.executable, "-c", program, source, output, repr(SETTINGS.to_dict())]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"two\n"
        process.send_signal(signal.SIGKILL)
    assert not output.exists()
    folder = tmp_path / "m.f2f.parts"
    kept = {path: path.stat().st_mtime_ns for path in list_parts(folder)}
    assert len(kept) == 2
    (folder / ("0" * 64 + ".part")).write_bytes(b"what a process left that was killed writing it")
    cancel, progress = cancel_after(3)
    progress.folder = folder
    with pytest.raises(f2f.Cancelled):
        encode_model(source, output, SETTINGS, progress=progress, cancel=cancel)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    encode_model(source, output, SETTINGS)
    assert output.read_bytes() == whole
    assert not folder.exists()


def test_parts_of_other_settings_or_damaged_ones_are_not_taken(source, whole, tmp_path):
    output, folder = tmp_path / "m.f2f", tmp_path / "m.f2f.parts"
    for settings, layers in ((Settings(rate=0.7, n_in=4, n_s=1), 2), (SETTINGS, 4)):
        cancel, progress = cancel_after(layers)
        progress.folder = folder
        with pytest.raises(f2f.Cancelled):
            encode_model(source, output, settings, progress=progress, cancel=cancel)
    for path in list_parts(folder):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    (folder / "mine.txt").write_text("keep me")
    encode_model(source, output, SETTINGS)
    assert output.read_bytes() == whole
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("at", range(10))
def test_a_killed_encode_leaves_no_file_and_its_rerun_gives_the_same_bytes(
    source, whole, tmp_path, at
):
    """SIGKILL at ten moments of a whole model's encode: as many of its steps have been reported."""
    program = """
import sys
from f2f_viz.models.encode import encode_model
from f2f_viz.settings import Settings

def progress(done, total, seen=[]):
    seen.append(done)
    if len(seen) == int(sys.argv[4]) or done == total:
        print("now", flush=True)
        sys.stdin.read()

encode_model(sys.argv[1], sys.argv[2], Settings.from_dict(eval(sys.argv[3])), progress=progress)
"""
    output = tmp_path / "out" / "m.f2f"
    output.parent.mkdir()
    arguments = [
        sys.executable,
        "-c",
        program,
        source,
        output,
        repr(SETTINGS.to_dict()),
        str(at + 1),
    ]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)
    assert [p.name for p in output.parent.iterdir()] in ([], ["m.f2f.parts"])
    encode_model(source, output, SETTINGS)
    assert output.read_bytes() == whole
    assert [p.name for p in output.parent.iterdir()] == ["m.f2f"]


def test_no_byte_of_a_part_is_trusted(source, whole, tmp_path):
    """Its line of JSON neither: its checksum is over everything."""
    output, folder = tmp_path / "m.f2f", tmp_path / "m.f2f.parts"
    for change in (lambda line: line.replace(b'"payload": ', b'"payload": 1'),
                   lambda line: line.replace(b'"size": ', b'"size": 1')):  # fmt: skip
        cancel, progress = cancel_after(3)
        progress.folder = folder
        with pytest.raises(f2f.Cancelled):
            encode_model(source, output, SETTINGS, progress=progress, cancel=cancel)
        for path in list_parts(folder):
            line, rest = path.read_bytes().split(b"\n", 1)
            assert change(line) != line
            path.write_bytes(change(line) + b"\n" + rest)
        account = encode_model(source, output, SETTINGS)
        assert output.read_bytes() == whole
        assert account == model_report(open_model(output))


@pytest.mark.parametrize("when", ["before a layer", "before the carried tensors"])
def test_a_model_that_is_overwritten_while_it_is_encoded_gives_no_mixture(source, tmp_path, when):
    """Another checkpoint is saved into the file: one line, and no file of layers of both."""

    def progress(done, total, seen=[]):  # noqa: B006
        seen.append(done)
        if (len(seen) == 1) if when == "before a layer" else (done == total):
            before = source.stat().st_mtime_ns
            write_model(source, seed=1)
            os.utime(source, ns=(before, before + 1))  # clocks may be coarse

    with pytest.raises(f2f.F2FError, match="changed while it was read"):
        encode_model(source, tmp_path / "m.f2f", SETTINGS, progress=progress)
    assert not (tmp_path / "m.f2f").exists()
    encode_model(source, tmp_path / "m.f2f", SETTINGS)
    encode_model(source, tmp_path / "fresh.f2f", SETTINGS)
    assert (tmp_path / "m.f2f").read_bytes() == (tmp_path / "fresh.f2f").read_bytes()


def test_a_model_file_that_changes_while_it_is_decoded_gives_no_file(source, whole, tmp_path):
    def progress(done, total):
        path = tmp_path / "whole.f2f"
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))

    with pytest.raises(f2f.F2FError, match="changed while it was read"):
        decode_model(tmp_path / "whole.f2f", tmp_path / "back.safetensors", progress=progress)
    assert not (tmp_path / "back.safetensors").exists()


def test_the_new_file_is_read_back(source, tmp_path, monkeypatch):
    def wrong(settings_file, layers, plain, real=model.pack_model):
        for at, piece in enumerate(real(settings_file, layers, plain)):
            yield piece.replace(b"\x01", b"\x02") if at else piece

    monkeypatch.setattr(model, "pack_model", wrong)
    with pytest.raises(f2f.F2FError, match=r"damaged|cannot read"):
        encode_model(source, tmp_path / "m.f2f", SETTINGS)
    assert not (tmp_path / "m.f2f").exists()


@pytest.mark.parametrize("tensor", [None, "embed.weight"])
def test_a_file_size_limit_is_one_line_and_no_file(source, tmp_path, tensor):
    command = [
        Path(sys.executable).with_name("f2f-viz"),
        "encode",
        source,
        "-o",
        tmp_path / "m.f2f",
    ]
    command += ["--tensor", tensor] * (tensor is not None)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (500, 500))
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert not (tmp_path / "m.f2f").exists()


@pytest.mark.parametrize("method", ["mask", "scores", "magnitude"])
def test_work_is_linear_in_the_number_of_tensors(tmp_path, monkeypatch, method):
    """Each file is listed once, and layers of a kind share the networks that are tried."""
    lists, draws = [], []
    loader, family = loaders.LOADERS["npz"], MATRICES["odd"]

    def listing(path):
        lists.append(path.name)
        return loader.list_entries(path)

    def drawing(*arguments):
        draws.append(arguments)
        return family.draw(*arguments)

    monkeypatch.setitem(loaders.LOADERS, "npz", replace(loader, list_entries=listing))
    monkeypatch.setitem(MATRICES, "odd", replace(family, draw=drawing))
    rng = np.random.default_rng(0)
    tensors = {f"t{i}": rng.normal(size=(8, 8)).astype(np.float32) for i in range(50)}
    np.savez(tmp_path / "m.npz", **tensors)
    given = {name: rng.permutation(64).reshape(8, 8) < 7 for name in tensors}
    np.savez(tmp_path / "mask.npz", **given)
    np.savez(tmp_path / "scores.npz", **{n: v.astype(np.float32) for n, v in given.items()})
    chosen = {} if method == "magnitude" else {method: str(tmp_path / f"{method}.npz")}
    settings = SETTINGS.replace(method=method, rate=0.9, n_out=None, **chosen)
    encode_model(tmp_path / "m.npz", tmp_path / "m.f2f", settings, threads=1)
    assert lists == ["m.npz", *(f"{name}.npz" for name in chosen)]
    assert 1 <= len(draws) == len(set(draws)) <= len(LENGTHS)


def test_a_listing_is_made_anew_when_its_file_changes(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, a=np.zeros(3))
    first = loaders.listed(path)
    assert loaders.listed(path) is first
    np.savez(path, b=np.zeros(3), c=np.zeros(3))
    assert list(loaders.listed(path)) == ["b", "c"]


def test_another_model_does_not_take_the_parts(source, whole, tmp_path):
    output = tmp_path / "m.f2f"
    cancel, progress = cancel_after(3)
    progress.folder = tmp_path / "m.f2f.parts"
    write_model(source, seed=1)
    with pytest.raises(f2f.Cancelled):
        encode_model(source, output, SETTINGS, progress=progress, cancel=cancel)
    write_model(source, seed=0)
    encode_model(source, output, SETTINGS)
    assert output.read_bytes() == whole


def test_another_version_does_not_take_the_parts(tmp_path, monkeypatch):
    """Its search and its accounts may be others."""
    mine = Parts(tmp_path / "m.f2f", [])
    mine.write("0" * 64, b"data", {"report": None})
    assert Parts(tmp_path / "m.f2f", []).has("0" * 64)
    monkeypatch.setattr(parts, "version", lambda _: "0.0.1")
    assert not Parts(tmp_path / "m.f2f", []).has("0" * 64)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_executors_give_the_same_bytes(source, whole, tmp_path, kind):
    pool = (
        ThreadPoolExecutor(2)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    )
    found = []
    with pool as executor:
        encode_model(
            source, tmp_path / "m.f2f", SETTINGS, executor=executor,
            progress=lambda done, total: found.append(done / total),
        )  # fmt: skip
    assert (tmp_path / "m.f2f").read_bytes() == whole
    assert found == sorted(found)
    assert (found[0], found[-1], len(found)) == (0, 1, 6)


class Inline(Executor):
    """Runs a task when it is submitted; breaks at the third."""

    count = 0

    def submit(self, function, *arguments):
        future = Future()
        self.count += 1
        if self.count > 2:
            future.set_exception(BrokenExecutor("killed"))
        else:
            future.set_result(function(*arguments))
        return future


def test_a_dead_pool_is_an_error_and_keeps_what_is_finished(source, whole, tmp_path):
    for _ in range(3):  # at least one layer more each time
        if not list_parts(tmp_path / "m.f2f.parts"):
            with pytest.raises(f2f.F2FError, match="run again"):
                encode_model(source, tmp_path / "m.f2f", SETTINGS, executor=Inline())
    encode_model(source, tmp_path / "m.f2f", SETTINGS)
    assert (tmp_path / "m.f2f").read_bytes() == whole


def test_cancel_with_an_executor(source, tmp_path):
    cancel = threading.Event()
    cancel.set()
    with ThreadPoolExecutor(1) as executor, pytest.raises(f2f.Cancelled):
        encode_model(source, tmp_path / "m.f2f", SETTINGS, executor=executor, cancel=cancel)
    assert not (tmp_path / "m.f2f").exists()


def test_a_full_disk_leaves_no_output(source, tmp_path, monkeypatch):
    def full(old, new, real=os.replace):
        if Path(new).name == "m.f2f":
            raise OSError(28, "No space left on device")
        real(old, new)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(f2f.F2FError, match="No space left"):
        encode_model(source, tmp_path / "m.f2f", SETTINGS)
    assert not (tmp_path / "m.f2f").exists()


def test_a_device_or_the_model_itself_is_no_place_for_a_model(source, tmp_path):
    with pytest.raises(f2f.F2FError, match="regular file"):
        encode_model(source, os.devnull, SETTINGS)
    assert not os.path.exists(os.devnull + ".parts")
    before = source.read_bytes()
    with pytest.raises(f2f.F2FError, match="force"):
        encode_model(source, source, SETTINGS)
    assert source.read_bytes() == before
    with claim(tmp_path / "m.f2f"), pytest.raises(f2f.F2FError, match="another process"):
        encode_model(source, tmp_path / "m.f2f", SETTINGS)
    encode_model(source, tmp_path / "m.f2f", SETTINGS)
    with pytest.raises(f2f.F2FError, match="force"):
        decode_model(tmp_path / "m.f2f", tmp_path / "m.f2f")


def test_names_in_the_way(source, tmp_path):
    (tmp_path / "m.f2f.parts").write_text("a file")
    with pytest.raises(f2f.F2FError, match="in the way"):
        encode_model(source, tmp_path / "m.f2f", SETTINGS)


def test_flipped_and_truncated_files_are_refused(source, whole, tmp_path):
    path, back = tmp_path / "x.f2f", tmp_path / "back.safetensors"
    decode_model(tmp_path / "whole.f2f", tmp_path / "good.safetensors")
    rng = np.random.default_rng(0)
    starts = min(place.begin for place in open_model(tmp_path / "whole.f2f").places.values())
    places = [*rng.choice(starts, 150), *rng.choice(len(whole), 150), len(whole) - 1]
    for at in places:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(f2f.F2FError) as problem:
            decode_model(path, back)
        assert "\n" not in str(problem.value)
        assert not back.exists()
    for size in (0, 7, 8, 100, starts, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(f2f.F2FError):
            decode_model(path, back)
    assert sorted(tmp_path.glob(".*")) == []


def forged(path, change):
    """A file whose digest is right, but whose inner header is another."""
    taken = model_taken_apart(path)
    inner = json.loads(taken.header)
    change(inner)
    taken.header = json.dumps(inner).encode()
    return model_put_together(taken)


@pytest.mark.parametrize(
    "change",
    [
        lambda inner: inner["bias"].update(shape=[15, 5]),
        lambda inner: inner["embed.weight"].update(shape=[50, 61]),
        lambda inner: inner["embed.weight"].update(dtype="I32"),
        lambda inner: inner.pop("bias"),
        lambda inner: inner["bias"].update(data_offsets=[0, 1 << 60]),
        lambda inner: inner["bias"].update(data_offsets="ab"),
        lambda inner: inner["embed.weight"].update(shape=["a", 10**9]),  # "a" * 10**9 is 1 GB
        lambda inner: inner["embed.weight"].update(shape="ab", dtype=None),
        lambda inner: inner.update(more={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}),
    ],
)
def test_a_forged_header_is_refused(whole, tmp_path, change):
    path = tmp_path / "x.f2f"
    path.write_bytes(forged(tmp_path / "whole.f2f", lambda inner: None))
    decode_model(path, None)
    path.write_bytes(forged(tmp_path / "whole.f2f", change))
    with pytest.raises(f2f.F2FError):
        decode_model(path, tmp_path / "back.safetensors")
    assert not (tmp_path / "back.safetensors").exists()


def test_headers_of_small_convolutions_are_a_hundredth_of_the_file(tmp_path):
    save_file(convolutions(), tmp_path / "m.safetensors")
    account = encode_model(
        tmp_path / "m.safetensors", tmp_path / "m.f2f", Settings(rate=0.9, n_s=1)
    )
    assert len(account.layers) == 63
    beside = account.bits["header"] + account.bits["matrix"]
    assert beside < 0.009 * 8 * account.file_bytes
    assert sum(account.bits.values()) == 8 * account.file_bytes


def test_headers_leave_out_places_that_can_be_told():
    packed = save({"a": np.zeros((2, 3), np.float16), 'b "c': np.zeros(5), "d": np.zeros((0, 4))})
    header = packed[8 : 8 + int.from_bytes(packed[:8], "little")]
    short = without_offsets(header)
    assert len(short) < len(header)
    assert with_offsets(short) == (header, with_offsets(header)[1])
    gap = header.replace(b'"data_offsets":[0,', b'"data_offsets":[8,')
    other = json.dumps(json.loads(header)).encode()
    for kept in (gap, other, b"{}", b"not JSON", header[:-4]):
        assert without_offsets(kept) == kept
    places = b'"data_offsets":[]'
    for bad in (
        b"{" + places + b"}",
        short.replace(b"[2,3]", b'["a",3]'),
        b"[" + short + b"]",
        short.replace(places, places + b"," + places, 1).replace(places + b"}}", b"}}"),
        short.replace(b"{", b'{"__metadata__":{' + places + b"},", 1).replace(
            places + b"}}", b"}}"
        ),
        b'{"a":{"dtype":"F32","shape":[%s],%s}}' % (b",".join([b"1"] * 65), places),
    ):
        with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
            with_offsets(bad)


def test_rivals_of_a_model(source, whole, tmp_path):
    opened = open_model(tmp_path / "whole.f2f")
    rows = {row.name: row.bytes for row in model_rivals(opened)}
    assert rows["dense"] == sum(
        math.prod(TENSORS[name][1]) * SIZES[TENSORS[name][0]] for name in ENCODED
    )
    assert rows["F2F, whole file"] == sum(opened.places[name].nbytes for name in ENCODED)
    assert rows["zipnn"] is None  # not for int8


def test_command_line(run, source, tmp_path):
    output = tmp_path / "m.f2f"
    options = ["--rate", "0.8", "--n-in", "4", "--n-s", "1"]
    text = run(
        "encode", source, "-o", output, *options, "--rule", "quant*=keep", "--rule", "conv=.5"
    )
    assert "embed.weight" in text
    assert "encoded layers     4" in text
    found = json.loads(run("report", output, "--json"))
    assert found["file_bytes"] == output.stat().st_size
    assert [layer["name"] for layer in found["layers"]] == sorted(set(ENCODED) - {"quantized"})
    assert "xz" in run("report", output, "--compare")
    assert json.loads(run("report", output, "--compare", "--json"))["rivals"]
    assert run("verify", output) == "ok: model of 4 encoded layers, 7 tensors carried unchanged\n"
    assert json.loads(run("verify", output, "--json"))["ok"]
    run("decode", output, "-o", tmp_path / "back.safetensors")
    rates = {"embed.weight": 0.8, "attn.weight": 0.8, "conv": 0.5, "wide": 0.8}
    assert (tmp_path / "back.safetensors").read_bytes() == pruned_file(source, rates)
    assert "safetensors" in run("decode", output, "-o", tmp_path / "back.npy", code=1)
    one = tmp_path / "one.f2f"
    run("encode", source, "-o", one, "--tensor", "conv", *options)
    assert f2f.open(one).shape == (8, 6, 5, 7)


@pytest.mark.parametrize(
    ("arguments", "word", "code"),
    [
        (["--rule", "conv"], "PATTERN=RATE", 1),
        (["--rule", "conv=lots"], "PATTERN=RATE", 1),
        (["--rule", "conv=1.5"], "1.5", 1),
        (["--rule", "none=0.5"], "none", 1),
        (["--tensor", "conv", "--rule", "conv=0.5"], "--tensor", 2),
        (["--dask", "nonsense://x"], "Dask", 1),
        (["-o", "nowhere/m.f2f"], "nowhere", 1),
    ],
)
def test_bad_commands_leave_nothing(run, source, tmp_path, monkeypatch, arguments, word, code):
    monkeypatch.chdir(tmp_path)
    error = run("encode", source, "-o", tmp_path / "m.f2f", *arguments, code=code)
    assert word in error
    assert list(tmp_path.iterdir()) == [source]


def test_paper_preset_is_the_papers(run, source, tmp_path):
    run("encode", source, "-o", tmp_path / "m.f2f", "--preset", "paper", "--n-s", "0")
    layer = open_model(tmp_path / "m.f2f").layer("embed.weight")
    assert (layer.code.preset, layer.ranks) == ("paper", None)
    assert layer.n_s == 0


@pytest.mark.slow
def test_dask_cluster_with_a_worker_killed(source, whole, tmp_path):
    """Two workers, one killed at the first finished layer while it has another to do."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        killed = []

        def progress(done, total):
            if 0 < done < total and not killed:
                killed.append(workers.popitem()[1])
                os.kill(killed[0], signal.SIGKILL)

        with dask_executor(cluster.scheduler_address) as executor:
            encode_model(source, tmp_path / "m.f2f", SETTINGS, executor=executor, progress=progress)
    assert killed
    assert (tmp_path / "m.f2f").read_bytes() == whole


def test_a_tiny_file_cannot_claim_what_takes_minutes_to_read(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"a": np.ones((8, 8), np.float32)}, path)
    f2f.encode_model(path, tmp_path / "m.f2f", f2f.Settings(n_in=4))
    good = model_taken_apart(tmp_path / "m.f2f")
    for field, value in (
        ("schemes", good.schemes * 2),
        ("header", b'{"__metadata__":{"a":"' + b"x" * (1 << 26) + b'"}}'),
        ("frame", bytes((1 << 26) + 1)),
    ):
        lying = copy.copy(good)
        setattr(lying, field, value)
        (tmp_path / "lies.f2f").write_bytes(model_put_together(lying))
        with pytest.raises(f2f.F2FError, match="damaged"):
            open_model(tmp_path / "lies.f2f")


def test_what_is_not_ours_stays_in_the_folder_of_parts(tmp_path):
    path, folder = tmp_path / "m.safetensors", tmp_path / "m.f2f.parts"
    save_file({"a": np.ones((8, 8), np.float32)}, path)
    folder.mkdir()
    for name in (".notes", "mine", "notes.part"):
        (folder / name).write_text("mine")
    (folder / ("0" * 64 + ".part")).write_text("left by one that was killed")
    f2f.encode_model(path, tmp_path / "m.f2f", f2f.Settings(n_in=4))
    assert sorted(p.name for p in folder.iterdir()) == [".notes", "mine", "notes.part"]


def test_a_name_too_long_for_its_parts_is_refused_in_words(tmp_path):
    save_file({"w": np.ones((8, 8), "f4")}, tmp_path / "m.safetensors")
    output = tmp_path / ("y" * 254)
    with pytest.raises(f2f.F2FError, match=r"cannot write .*: File name too long"):
        encode_model(tmp_path / "m.safetensors", output, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
