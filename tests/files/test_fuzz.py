"""Files whose structure lies: values changed, checksums right. F2F_FUZZ sets how many of each."""

import copy
import io
import json
import os
import signal
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.decode import decode_verified
from f2f_viz.files import layer_file
from f2f_viz.files.model_file import open_model
from tests import independent_decoder
from tests.files.lies import (
    model_put_together,
    model_taken_apart,
    put_together,
    taken_apart,
    unchecked,
)
from tests.files.test_hostile_layers import GOOD, TooSlow, check_message, too_slow

FILES = int(os.environ.get("F2F_FUZZ", "2000")) // 20
SECONDS = 5
MOST_CHECKED = 4000
"""Weights of a file that the independent decoder, in plain Python, is asked about too."""
HOSTILE = [
    0, 1, -1, 3, 7, 64, 65, 255, 2**15, 2**31, 2**32, 2**47, 2**48, 2**53, 2**63 - 1, 2**63, 2**64,
    1.5, 1e300, True, None, "", "a", "F32", "I64", "F8_E4M3", "row", "rank", "\x00", "../x", "\ud800",
    [], {}, [1], ["a", 10**9], [10**9] * 9, [0, 0], [[1]], {"a": 1},
]  # fmt: skip


NUMBERS = [value for value in HOSTILE if type(value) is int and 0 <= value < 2**63]


def mutated(value, random):
    """Change one place of a tree of JSON values; drop it, double it, or put something hostile."""
    places = []

    def walk(node, path):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key], (*path, key))

    walk(value, ())
    for _ in range(random.integers(1, 3)):
        node, key = places[random.integers(len(places))]
        if (isinstance(node, dict) and key not in node) or (
            isinstance(node, list) and key >= len(node)
        ):
            continue
        match random.integers(4):
            case 0 if isinstance(node, dict):
                del node[key]
            case 1 if type(node[key]) is int:
                node[key] += int(random.integers(-9, 10))
            case 2 if isinstance(node, list):
                node.append(node[key])
            case _:
                node[key] = HOSTILE[random.integers(len(HOSTILE))]
    return value


def framed(header, data):
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + data


def parted(file):
    start = 8 + int.from_bytes(file[:8], "little")
    return json.loads(file[8:start]), file[start:]


def lying_safetensors(good, random):
    header, data = parted(good)
    return framed(mutated(header, random), data)


def lie_about(layer, random):
    """Change a layer that is taken apart: numbers of its scheme and head, and its strings."""
    scheme = layer.scheme._asdict()
    code = {name: getattr(scheme["code"], name) for name in ("n_in", "n_s", "n_out", "seed")}
    numbers = [[scheme, key] for key in ("n_out", "tile_blocks")]
    numbers += [[layer.head, key] for key in ("kept", "mask", "ranks", "scales")]
    numbers += [[code, key] for key in code]
    for values in (layer.shape, layer.head["counts"], layer.head["parameters"]):
        numbers += [[values, at] for at in range(len(values))]
    for _ in range(random.integers(1, 3)):
        place, key = numbers[random.integers(len(numbers))]
        near = max((place[key] or 0) + int(random.integers(-9, 10)), 0)
        place[key] = [near, *NUMBERS][random.integers(len(NUMBERS) + 1)]
    layer.scheme = layer.scheme._replace(**scheme | {"code": unchecked(scheme["code"], **code)})
    names = list(layer.strings)
    name = names[random.integers(len(names))]
    size = layer.strings[name].size
    if random.integers(3) == 0:
        sizes = [0, 1, size + 1, 2 * size]
        layer.strings[name] = np.resize(layer.strings[name], int(random.choice(sizes)))
    elif size and random.integers(2):
        layer.strings[name] = layer.strings[name].copy()
        layer.strings[name][random.integers(size)] ^= 1 << random.integers(8)


def lying_layer(good, random):
    layer = taken_apart(layer_file.from_bytes(good))
    lie_about(layer, random)
    if random.integers(9) == 0:
        layer.name = random.bytes(int(random.choice([1, 5, 1024, 1025])))
    return put_together(layer)


def lying_model(good, random):
    """Change the model's header, a layer of it, or the rest of its index; the digest is right."""
    model, layers = copy.deepcopy(good)
    match random.integers(3):
        case 0:
            inner = mutated(json.loads(model.header), random)
            model.header = json.dumps(inner).encode("utf-8", "surrogatepass")
        case 1:
            at = int(random.choice([at for at, (which, _) in enumerate(model.ways) if which]))
            layer = layers[at]
            lie_about(layer, random)
            model.data[at] = layer_file.join_body(layer.strings, layer.head)
            model.schemes[model.ways[at][0] - 1] = layer.scheme
            if random.integers(4):
                model.ways[at] = model.ways[at][0], len(model.data[at])
        case 2:
            at = random.integers(len(model.ways))
            way = list(model.ways[at])
            way[random.integers(2)] = NUMBERS[random.integers(len(NUMBERS))]
            model.ways[at] = tuple(way)
    return model_put_together(model)


def lying_npy(good, random):
    at = 10 + int.from_bytes(good[8:10], "little")
    fields = {"descr": "<f4", "fortran_order": False, "shape": [4, 6]}
    fields = mutated(fields, random)
    if isinstance(fields.get("shape"), list):
        fields["shape"] = tuple(fields["shape"])
    text = repr(fields).encode("utf-8", "surrogatepass") + b"\n"
    return good[:8] + len(text).to_bytes(2, "little") + text + good[at:]


def lying_zip(good, random, change):
    """Change a member; its CRC is right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = random.integers(len(old.namelist()))
        for k, info in enumerate(old.infolist()):
            data = old.read(info)
            new.writestr(info.filename, change(data, random) if k == chosen else data)
    return out.getvalue()


def changed_bytes(data, random):
    data = bytearray(data)
    for _ in range(random.integers(1, 4)):
        if data:
            data[random.integers(len(data))] = random.integers(256)
    return bytes(data[: len(data) - int(random.integers(0, 2)) * int(random.integers(0, 9))])


def lying_onnx(good, random):
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto.FromString(good)
    tensors = model.graph.initializer
    tensor = tensors[random.integers(len(tensors))]
    numbers = [n for n in HOSTILE if type(n) is int and -(2**63) <= n < 2**63]
    match random.integers(6):
        case 0:
            tensor.dims.append(numbers[random.integers(len(numbers))])
        case 1 if tensor.dims:
            tensor.dims[0] = numbers[random.integers(len(numbers))]
        case 2:
            tensor.data_type = int(random.integers(0, 30))
        case 3:
            tensor.raw_data = bytes(int(random.integers(0, 200)))
        case 4:
            key = ("location", "offset", "length")[random.integers(3)]
            value = HOSTILE[random.integers(len(HOSTILE))]
            text = str(value).encode("utf-8", "replace").decode()
            tensor.external_data.add(key=key, value=text)
            tensor.data_location = 1
        case _:
            tensor.name = tensors[random.integers(len(tensors))].name
    return model.SerializeToString()


WEIGHTS = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)


def good_layer(folder):
    return layer_file.to_bytes(f2f.encode(WEIGHTS, f2f.prune(WEIGHTS, 0.8), n_in=4, n_s=1))


def good_model(folder):
    """A model that is taken apart, and so its layers by their places."""
    tensors = {"a": WEIGHTS, "b": np.arange(5), "c": WEIGHTS[:20]}
    (folder / "m.safetensors").write_bytes(save(tensors))
    f2f.encode_model(folder / "m.safetensors", folder / "m.f2f", f2f.Settings(n_in=4, n_s=1))
    model, opened = model_taken_apart(folder / "m.f2f"), open_model(folder / "m.f2f")
    layers = {
        at: taken_apart(opened.layer(name))
        for at, name in enumerate(opened.slots)
        if name in opened.layers
    }
    assert len(layers) == 2
    return model, layers


KINDS = {
    "layer.f2f": (good_layer, lying_layer),
    "model.f2f": (good_model, lying_model),
    "w.safetensors": (lambda folder: GOOD["w.safetensors"](), lying_safetensors),
    "w.npy": (lambda folder: GOOD["w.npy"](), lying_npy),
    "w.npz": (lambda folder: GOOD["w.npz"](), lambda g, r: lying_zip(g, r, lying_npy)),
    "w.pt": (lambda folder: GOOD["w.pt"](), lambda g, r: lying_zip(g, r, changed_bytes)),
    "w.onnx": (lambda folder: GOOD["w.onnx"](), lying_onnx),
}


def use(path):
    """Do with a file what can be done; right answers are checked by those who know them."""
    if path.suffix != ".f2f":
        for info in f2f.list_tensors(path):
            try:
                layer = f2f.load_layer(path, info.name)
            except f2f.F2FError as error:
                check_message(error)
            else:
                assert (layer.weights.shape, layer.dtype) == (info.shape, info.dtype)
    elif path.name.startswith("layer"):
        encoded = f2f.open(path)
        assert f2f.decode(encoded).shape == encoded.shape
        weights = decode_verified(encoded)
        f2f.report(encoded)
        if weights.size <= MOST_CHECKED:  # a lie that is taken for true is told alike by others
            assert to_words(weights).tobytes() == independent_decoder.decode(path.read_bytes())
    else:
        back = path.with_name("back.safetensors")
        f2f.decode_model(path, back, force=True)
        for info in f2f.list_tensors(back):
            assert info.nbytes >= 0
        if back.stat().st_size <= 4 * MOST_CHECKED:
            assert back.read_bytes() == independent_decoder.decode_model(path.read_bytes())


@pytest.mark.parametrize("name", KINDS)
def test_files_whose_structure_lies(name, tmp_path, recwarn):
    if name == "w.pt":
        pytest.importorskip("torch")
    make, lie = KINDS[name]
    good = make(tmp_path)
    (tmp_path / "data.bin").write_bytes(bytes(8))
    path = tmp_path / name
    random = np.random.default_rng(13)
    before = signal.signal(signal.SIGALRM, too_slow)
    refused = 0
    try:
        for case in range(FILES):
            try:
                data = lie(good, random)
            except ValueError:  # no such file can be written
                continue
            path.unlink(missing_ok=True)
            path.write_bytes(data)
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                use(path)
            except f2f.F2FError as error:
                check_message(error)
                refused += 1
            except (Exception, TooSlow) as problem:
                raise AssertionError(f"case {case}: {data[:2000]!r}") from problem
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert refused > FILES / 10
