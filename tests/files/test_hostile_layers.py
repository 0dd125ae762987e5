"""Hostile model files: one clear error, bounded memory and time, nothing executed.

F2F_FUZZ sets how many damaged files of each format are tried: 2000 unless told; 20000
take a minute.
"""

import importlib.util
import io
import json
import os
import pickle
import resource
import signal
import struct
import warnings
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

import f2f_viz as f2f
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import list_tensors, load_layer
from f2f_viz.tensors.loaders import LOADERS, numpy_files

FILES = int(os.environ.get("F2F_FUZZ", "2000"))
SECONDS, MEGABYTES = 5, 64
HUGE = [2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63 - 1, 2**63, 2**64 - 1]


# Good files, small, to be damaged


def good_npy():
    file = io.BytesIO()
    np.save(file, np.arange(24, dtype="f4").reshape(4, 6))
    return file.getvalue()


def good_npz():
    file = io.BytesIO()
    np.savez_compressed(file, a=np.arange(24.0).reshape(4, 6), b=np.zeros(50, "f2"))
    return file.getvalue()


def good_safetensors():
    tensors = {"a": np.arange(24, dtype="f4").reshape(4, 6), "b": np.zeros(5, "i1")}
    return save(tensors, {"note": "x"})


def good_compressed():
    """A sparse weight and packed integers of compressed-tensors."""
    kept = np.arange(4 * 13).reshape(4, 13) % 3 == 0
    sparse = {
        "l.shape": np.array(kept.shape),
        "l.compressed": np.ones(kept.sum(), "f4"),
        "l.bitmask": np.packbits(kept, axis=-1, bitorder="little"),
        "l.row_offsets": np.zeros(4, "i8"),
    }
    packed = {"p_packed": np.arange(12, dtype="i4").reshape(3, 4), "p_shape": np.array([3, 30])}
    return save(sparse | packed)


def good_onnx():
    from onnx import TensorProto, helper, numpy_helper

    initializers = [
        numpy_helper.from_array(np.arange(24, dtype="f4").reshape(4, 6), "a"),
        numpy_helper.from_array(np.arange(7).astype(DTYPES["int4"]), "b"),
        helper.make_tensor("c", TensorProto.DOUBLE, (3,), [1, 2, 3]),
        TensorProto(name="d", dims=[2], data_type=1, data_location=1),
    ]
    initializers[-1].external_data.add(key="location", value="data.bin")
    graph = helper.make_graph([], "g", [], [], initializers)
    return helper.make_model(graph).SerializeToString()


def good_pt():
    import torch

    file = io.BytesIO()
    weight = torch.arange(24.0).reshape(4, 6)
    torch.save({"a": weight, "b": {"c": weight.T, "d": torch.zeros(3).bfloat16()}}, file)
    return file.getvalue()


def good_index():
    content = {"metadata": {"total_size": 100}, "weight_map": {"a": "x.safetensors"}}
    return json.dumps(content).encode()


GOOD = {
    "w.npy": good_npy,
    "w.npz": good_npz,
    "w.safetensors": good_safetensors,
    "compressed.safetensors": good_compressed,
    "w.safetensors.index.json": good_index,
    "w.onnx": good_onnx,
    "w.pt": good_pt,
}


# Damage


def damage(data, random):
    """Change a file in one to three places, each in one of the ways that parsers fear."""
    data = bytearray(data)
    for _ in range(random.integers(1, 4)):
        at = int(random.integers(0, len(data) + 1))
        to = min(len(data), at + int(random.integers(1, 16)))
        match random.integers(0, 7):
            case 0 if at < len(data):
                data[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                del data[at:]
            case 2:
                del data[at:to]
            case 3:
                data[at:at] = data[at:to] * int(random.integers(1, 40))
            case 4:
                word = struct.pack("<Q", HUGE[random.integers(0, len(HUGE))])
                data[at : at + 8] = word[: int(random.choice([2, 4, 8]))]
            case 5:
                data[at:to] = random.bytes(to - at)
            case 6:  # a number of the header's text grows, or turns negative
                digits = [i for i, byte in enumerate(data[:4096]) if 48 <= byte <= 57] or [at]
                at = int(random.choice(digits))
                number = int(random.choice([0, -1, 9, 10**18, 2**62])) * int(random.choice([1, 10]))
                data[at : at + 1] = str(number).encode()
    return bytes(data)


class TooSlow(BaseException):
    """Not an Exception, so that nothing mistakes it for a parser's complaint."""


def too_slow(signum, frame):
    raise TooSlow


def check_message(error):
    assert "\n" not in str(error)
    assert len(str(error)) < 1000


def try_everything(path):
    """List and load all of a file's tensors; what is neither good nor an F2FError escapes."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        for info in list_tensors(path):
            try:
                layer = load_layer(path, info.name)
            except F2FError as error:
                check_message(error)
            else:
                assert layer.weights.dtype == DTYPES[info.dtype]
                assert layer.weights.shape == info.shape
                layer.weights.tobytes()
    except F2FError as error:
        check_message(error)
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return True


@pytest.mark.parametrize("name", GOOD)
def test_damaged_files(name, tmp_path, capsys):
    library = {"w.onnx": "onnx", "w.pt": "torch"}.get(name)
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")
    good = GOOD[name]()
    (tmp_path / "data.bin").write_bytes(bytes(8))
    (tmp_path / "x.safetensors").write_bytes(good_safetensors())
    path = tmp_path / name
    path.write_bytes(good)
    assert try_everything(path)
    previous = signal.signal(signal.SIGALRM, too_slow)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    random = np.random.default_rng(2022)
    refused = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parsers may warn of what they then refuse
            for _ in range(FILES):
                path.unlink()  # files read before may be mapped still
                path.write_bytes(damage(good, random))
                refused += not try_everything(path)
    finally:
        signal.signal(signal.SIGALRM, previous)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with capsys.disabled():
        print(f"\n{name}: {FILES} damaged files, {refused} refused, memory +{grown:.0f} MB")
    assert refused > FILES / 10
    assert grown < MEGABYTES


# Attacks by name


def npy_header(text, version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode()


def fields(descr="'<f4'", shape="(2, 2)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


@pytest.mark.parametrize(
    "data",
    [
        npy_header(fields(shape="(1000000000, 1000000000)")) + bytes(16),
        npy_header(fields(shape=f"({10**18},)")) + bytes(16),
        npy_header(fields(shape="(-2, -2)")) + bytes(16),
        npy_header(fields(shape="(0, 99999999999999999999)")),
        npy_header(fields(descr="'<f4', " * 2)) + bytes(16),
        npy_header(fields(descr="'|V1000000000000'")) + bytes(16),
        npy_header("[" * 9000) + bytes(16),
        npy_header("__import__('os').mkdir('executed')\n") + bytes(16),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(16),
        b"\x93NUMPY\x09\x00" + bytes(16),
        pickle.dumps({"w": 1}),
    ],
)
def test_npy_attacks(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.npy").write_bytes(data)
    with pytest.raises(F2FError):
        load_layer(tmp_path / "w.npy")
    assert os.listdir() == ["w.npy"]


def header_file(spec, data=b"", length=None):
    text = (spec if isinstance(spec, str) else json.dumps(spec)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "data",
    [
        header_file({}, length=2**60),
        header_file({}, length=2**64 - 1),
        header_file({"a": tensor([10**18], 0, 4 * 10**18)}, bytes(16)),
        header_file({"a": tensor([2**32, 2**32], 0, 0)}),
        header_file({"a": tensor([4], 0, 16), "b": tensor([4], 0, 16)}, bytes(16)),
        header_file({"a": tensor([4], 16, 0)}, bytes(16)),
        header_file({"a": tensor([-4], 0, 16)}, bytes(16)),
        header_file({"a": tensor([5], 0, 16)}, bytes(16)),
        header_file({"a": tensor([4], 0, 16, "PICKLE")}, bytes(16)),
        header_file("[" * 100_000),
        header_file('{"a":' * 100_000),
        header_file({"a": []}),
    ],
)
def test_safetensors_attacks(data, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(F2FError):
        load_layer(tmp_path / "w.safetensors")


def zip_of(path, member, data, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(member, data)
    return path


def test_zip_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_files, "BOMB_FLOOR", 1 << 20)
    bomb = zip_of(
        tmp_path / "w.npz", "w.npy", npy_header(fields(shape="(1000000,)")) + bytes(4_000_000)
    )
    with pytest.raises(F2FError, match="inflates too far: expected at most 100 times its"):
        load_layer(bomb)
    # a claim of a few bytes before a long run of zeros, of which none is inflated
    modest = zip_of(tmp_path / "w.npz", "w.npy", npy_header(fields()) + bytes(4_000_000))
    with pytest.raises(F2FError, match="expected 16 bytes, got 4000000"):
        load_layer(modest)
    # a header that claims to be 4 GB of a member that could give them
    header = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(4_000_000)
    with pytest.raises(F2FError):
        list_tensors(zip_of(tmp_path / "w.npz", "w.npy", header))


def test_npz_with_other_compression_corrupt_data_or_pickles(tmp_path):
    path = tmp_path / "w.npz"
    with pytest.raises(F2FError, match="stored or deflated"):
        list_tensors(zip_of(path, "w.npy", good_npy(), zipfile.ZIP_LZMA))
    data = zip_of(path, "w.npy", good_npy(), zipfile.ZIP_STORED).read_bytes()
    path.write_bytes(data.replace(np.float32(17).tobytes(), np.float32(18).tobytes()))
    with pytest.raises(F2FError, match="CRC"):
        load_layer(path)
    with pytest.raises(F2FError, match="cannot read"):
        load_layer(zip_of(path, "w.npy", pickle.dumps([1])))


@pytest.mark.parametrize("suffix", [*LOADERS, ".f2f"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_not_waited_for(tmp_path, run, suffix, kind):
    path = tmp_path / f"w{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(F2FError, match="not a regular file"):
        load_layer(path) if suffix != ".f2f" else f2f.open(path)
    for command in ("verify", "report"):
        assert "not a regular file" in run(command, path, code=1)
