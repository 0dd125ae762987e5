"""Files: whole or not at all, refused when damaged, the same bytes for the same version."""

import dataclasses
import hashlib
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec.blocks import ORDERS
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS, pack_mask_bits
from f2f_viz.codec.network import MATRICES
from f2f_viz.files import layer_file
from f2f_viz.files.numbers import Reader, column, flags, number
from tests.files.lies import put_together, taken_apart, unchecked

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def encoded():
    weights = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float16)
    return f2f.encode(weights, f2f.prune(weights, 0.8), n_in=4, n_s=1)


def test_every_flipped_byte_is_refused(encoded):
    data = layer_file.to_bytes(encoded)
    rng = np.random.default_rng(0)
    for at in rng.choice(len(data), 300, replace=False):
        damaged = bytearray(data)
        damaged[at] ^= 1 << rng.integers(8)
        try:
            read = layer_file.from_bytes(bytes(damaged))
        except f2f.F2FError as problem:
            assert "\n" not in str(problem)
        else:
            np.testing.assert_array_equal(f2f.decode(read), f2f.decode(encoded))


def test_the_same_layer_gives_the_same_bytes(encoded):
    assert len({layer_file.to_bytes(encoded) for _ in range(9)}) == 1


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1])
def test_truncated_files_are_refused(encoded, cut):
    with pytest.raises(f2f.F2FError, match="not an intact"):
        layer_file.from_bytes(layer_file.to_bytes(encoded)[:cut])


def test_a_later_version_is_named(encoded, monkeypatch):
    monkeypatch.setattr(layer_file, "VERSION", layer_file.VERSION + 1)
    data = layer_file.to_bytes(encoded)
    monkeypatch.undo()
    with pytest.raises(f2f.F2FError, match=r"version.*update"):
        layer_file.from_bytes(data)


def test_a_failed_write_leaves_nothing(encoded, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layer_file.os, "replace", full)
    with pytest.raises(f2f.F2FError, match="No space left"):
        f2f.save(encoded, tmp_path / "w.f2f")
    assert not list(tmp_path.iterdir())


def test_a_file_is_read_back_before_it_takes_its_name(encoded, tmp_path):
    """As when another thread changed the weights while they were encoded."""
    wrong = dataclasses.replace(encoded, checksum="0" * 16)
    with pytest.raises(f2f.F2FError, match="not those that were encoded"):
        f2f.save(wrong, tmp_path / "w.f2f")
    assert not list(tmp_path.iterdir())


def test_golden_files_still_decode():
    """Written by version 1 of the format; a missing file fails."""
    sums = (GOLDEN / "SHA256SUMS").read_text().split()
    assert sums
    for expected, name in zip(sums[::2], sums[1::2], strict=True):
        encoded = f2f.open(GOLDEN / name)
        decoded = f2f.decode(encoded)
        assert hashlib.sha256(decoded.tobytes()).hexdigest() == expected
        assert expected.startswith(encoded.checksum)


def corrections_by_hand(coding, numbers, plane_bits):
    """Numbers, true or not, as docs/format.md writes them: bytes, bits, parameter."""
    bits, k = [], 3
    if coding == "rank":
        gaps = (np.diff(numbers, prepend=-1) - 1).tolist()
        for gap in gaps:
            bits += [0] * (gap >> k) + [1]
        for gap in gaps:
            bits += [gap >> i & 1 for i in range(k)]
        return np.packbits(np.array(bits, np.uint8), bitorder="little"), len(bits), k
    for chunk in range(-(-plane_bits // 512)):
        for at in numbers[numbers // 512 == chunk].tolist():
            bits += [1] + [at >> i & 1 for i in range(9)]
        bits.append(0)
    return np.packbits(np.array(bits, np.uint8), bitorder="little"), len(bits), 9


@pytest.mark.parametrize(
    ("coding", "wrong"),
    [("chunk", "padding"), ("chunk", "don't-care"), ("chunk", "twice"), ("rank", "beyond")],
)
def test_corrections_elsewhere_are_refused(monkeypatch, coding, wrong):
    """A file can be whole, digest and all, and still not be one that the encoder writes."""
    weights = np.random.default_rng(1).normal(size=1001).astype(np.float16)
    code = f2f.Code(n_in=4, n_s=0, n_out=20, coding=coding)
    encoded = f2f.encode(weights, f2f.prune(weights, 0.8), code)
    last = encoded.planes[-1].corrections
    assert last.size > 2
    care = np.zeros(encoded.blocks * encoded.n_out, bool)
    care[encoded.care_positions] = True

    def file(lie):
        def pack(ranks, positions, plane_bits):
            numbers = (ranks if coding == "rank" else positions()).astype(np.int64)
            if lie and ranks is last:
                if wrong == "twice":
                    numbers[1] = numbers[0]
                else:
                    places = {
                        "padding": care.size - 1,
                        "don't-care": int(np.flatnonzero(~care[: numbers[-1] + 1]).max(initial=0)),
                        "beyond": encoded.kept,
                    }
                    numbers[-1] = places[wrong]
                    numbers.sort()
            return corrections_by_hand(coding, numbers, plane_bits)

        with monkeypatch.context() as patch:
            patch.setitem(CODINGS, coding, dataclasses.replace(CODINGS[coding], pack=pack))
            return layer_file.to_bytes(encoded)

    assert f2f.decode(layer_file.from_bytes(file(False))).tobytes() == f2f.decode(encoded).tobytes()
    with pytest.raises(f2f.F2FError, match="corrections"):
        layer_file.from_bytes(file(True))


def sealed(body):
    return body + hashlib.sha256(body).digest()


def test_headers_that_lie_are_refused(encoded, capsys):
    """Every number says something else, under a digest that fits: an error, or a sound layer."""
    junk = [b"", *map(number, [0, 1, 2, 3, 4, 5, 7, 31, 127, 255, 4096, 2**31, 2**47, 2**63 - 1]),
            b"\xff" * 12, b"\x80" * 8 + b"\0"]  # fmt: skip
    data, layer = layer_file.to_bytes(encoded), taken_apart(encoded)
    start = len(layer_file.MAGIC) + 1
    end = len(data) - 32 - sum(string.size for string in layer.strings.values())
    refused = sound = 0
    for at in range(start, end):  # numbers of one byte, most of them
        for other in [*junk, data[at : at + 1] * 2]:
            try:
                lying = sealed(data[:at] + other + data[at + 1 : -32])
                f2f.decode(layer_file.from_bytes(lying))
                sound += 1
            except f2f.F2FError as problem:
                assert "\n" not in str(problem)
                refused += 1
    rng = np.random.default_rng(0)
    for name, string in layer.strings.items():  # other bytes, fewer, more
        for _ in range(60):
            data = string.copy()
            if data.size:
                data[rng.integers(data.size)] ^= 1 << rng.integers(8)
            data = data[: rng.integers(data.size + 1)] if rng.random() < 0.3 else data
            if rng.random() < 0.3:
                more = rng.integers(0, 256, rng.integers(4)).astype(np.uint8)
                data = np.concatenate([data, more])
            layer.strings = layer.strings | {name: data}
            try:
                f2f.decode(layer_file.from_bytes(put_together(layer)))
                sound += 1
            except f2f.F2FError as problem:
                assert "\n" not in str(problem)
                refused += 1
            layer.strings[name] = string
    with capsys.disabled():
        print(f" [{refused} lying files refused, {sound} harmless] ", end="")
    assert refused > 500


def claiming(encoded, shape):
    """The file of a layer that says it has another shape, under a digest that fits."""
    layer = taken_apart(encoded)
    layer.shape = shape
    return put_together(layer)


@pytest.fixture
def all_pruned():
    weights = np.ones(100, np.float64)
    return f2f.encode(weights, np.zeros(100, bool))


def test_a_large_layer_that_is_all_pruned_is_read(tmp_path):
    shape = (5000, 7000)
    weights = np.ones(shape, np.int8)
    encoded = f2f.encode(weights, np.zeros(shape, bool))
    f2f.save(encoded, tmp_path / "w.f2f")
    assert weights.size > 1 << 24
    assert weights.size > 2000 * (tmp_path / "w.f2f").stat().st_size
    assert not f2f.decode(f2f.open(tmp_path / "w.f2f")).any()


def test_a_small_file_may_claim_what_the_caller_allows(all_pruned, tmp_path, monkeypatch):
    path = tmp_path / "w.f2f"
    path.write_bytes(claiming(all_pruned, shape=[1 << 26]))
    tracemalloc.start()
    with pytest.raises(f2f.F2FError, match=r"claims 67,108,864 weights.*max_bytes=\d+") as problem:
        f2f.open(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20  # refused before anything is allocated
    tracemalloc.stop()
    needed = int(re.search(r"max_bytes=(\d+)", str(problem.value))[1])
    assert f2f.open(path, max_bytes=needed).shape == (1 << 26,)
    with pytest.raises(f2f.F2FError, match="claims"):
        f2f.open(path, max_bytes=needed - 1)
    monkeypatch.setenv("F2F_VIZ_MAX_BYTES", str(needed))
    assert f2f.open(path).kept == 0
    monkeypatch.setenv("F2F_VIZ_MAX_BYTES", "much")
    with pytest.raises(f2f.F2FError, match="F2F_VIZ_MAX_BYTES: expected a number of bytes"):
        f2f.open(path)


@pytest.mark.parametrize("kept", ["none", "one", "all"])
@pytest.mark.parametrize("n_out", [1, 64])
def test_what_a_small_file_claims_is_the_memory_it_takes(all_pruned, kept, n_out, monkeypatch):
    """At the very limit, reading and decoding allocate no more, whatever the claim is made of."""
    monkeypatch.setattr(layer_file, "MAX_EXPANSION", 0)
    layer, size = taken_apart(all_pruned), 10**6
    layer.shape = [size]
    layer.scheme = layer.scheme._replace(n_out=n_out, matrix=bytes(n_out * 2))
    layer.head |= {"ranks": 2, "kept": {"none": 0, "one": 1, "all": size}[kept]}
    layer.strings["ranks"] = np.zeros(2, np.uint8)
    if kept == "one":  # the last of a million
        mask = np.arange(size) == size - 1
        layer.strings["mask"], _ = pack_mask_bits(mask, all_pruned.code.mask_coding)
        layer.head["mask"] = layer.strings["mask"].size
    data = put_together(layer)
    with pytest.raises(f2f.F2FError, match="claims") as problem:
        layer_file.from_bytes(data, max_bytes=0)
    needed = int(re.search(r"max_bytes=(\d+)", str(problem.value))[1])
    tracemalloc.start()
    read = layer_file.from_bytes(data, max_bytes=needed)
    f2f.decode(read)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < needed + (1 << 22)  # what pieces take, whatever the size


@pytest.mark.parametrize(
    "shape",
    [[1] * 100, [2**40] * 16, [2**47, 2], [0, 2**47, 2**48], [2**63 - 1], [2**62, 4]],
)
def test_shapes_that_no_array_has_are_refused(all_pruned, shape):
    with pytest.raises(f2f.F2FError) as problem:
        layer_file.from_bytes(claiming(all_pruned, shape=shape))
    assert len(str(problem.value)) < 500


def test_more_ranks_than_their_field_has_are_refused(encoded):
    layer = taken_apart(encoded)
    layer.head["ranks"] = 34  # float16 has 5 bits of exponent
    layer.strings["ranks"] = np.zeros(-(-33 * 5 // 8), np.uint8)
    with pytest.raises(f2f.F2FError, match="ranks"):
        layer_file.from_bytes(put_together(layer))


@pytest.mark.parametrize(("n_in", "n_s"), [(12, 0), (10, 1), (8, 2), (4, 4), (1, 16), (12, 16)])
def test_decoding_costs_little_whatever_a_small_file_claims(n_in, n_s):
    """Decoding took 10 s and gigabytes for one scalar: no table may grow with the code."""
    layer = taken_apart(f2f.encode(np.float32(1), np.True_, n_in=2, n_s=1))
    code = unchecked(layer.scheme.code, n_in=n_in, n_s=n_s)
    layer.scheme = layer.scheme._replace(
        code=code, n_out=4096, matrix=bytes(4096 * n_in * (n_s + 1) // 8)
    )
    layer.head |= {name: [0] * 32 for name in ("counts", "parameters", "zero_rate")}
    layer.strings |= {
        "symbols": np.zeros(32 * n_in // 8, np.uint8),
        "corrections": np.zeros(0, np.uint8),
    }
    data = put_together(layer)
    if (n_in, n_s) == (12, 16):
        with pytest.raises(f2f.F2FError, match="n_in"):
            layer_file.from_bytes(data)
        return
    tracemalloc.start()
    f2f.decode(layer_file.from_bytes(data))
    assert tracemalloc.get_traced_memory()[1] < 2e7
    tracemalloc.stop()


@pytest.mark.parametrize("shape", [(12, 4, 3, 3), (256, 128), (512, 512)])
@pytest.mark.parametrize("n_s", [0, 1])
def test_headers_are_small(shape, n_s):
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    encoded = f2f.encode(weights, f2f.prune(weights, 0.9), n_s=n_s)
    assert layer_file.stored_bits(encoded)["header"] <= 8 * 160
    assert layer_file.stored_bits(encoded, alone=False)["header"] <= 8 * 120
    assert layer_file.from_bytes(layer_file.to_bytes(encoded)).code == encoded.code


@pytest.mark.parametrize("table", [ORDERS, CODINGS, MASK_CODINGS, MATRICES])
def test_every_choice_that_files_name_has_its_own_number(table):
    numbers = [entry.wire for entry in table.values()]
    assert min(numbers) >= 0
    assert len(set(numbers)) == len(numbers)


@given(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 40), max_size=64))
def test_columns_come_back(values):
    written = column(values) + b"\xa5"
    reader = Reader(memoryview(written))
    assert reader.column(len(values)) == values
    assert reader.left == 1


@given(st.binary(max_size=40), st.integers(0, 64))
def test_any_bytes_are_a_column_or_refused(data, count):
    try:
        values = Reader(memoryview(data)).column(count)
    except f2f.F2FError:
        return
    assert len(values) == count
    assert all(0 <= value < 2**63 for value in values)


@given(st.lists(st.integers(0, 1), max_size=70), st.integers(0, 2**63 - 1))
def test_flags_and_numbers_come_back(values, value):
    reader = Reader(memoryview(flags(values) + number(value)))
    assert (reader.flags(len(values)), reader.number(), reader.left) == (values, value, 0)


@pytest.mark.parametrize("name", ["fc1.weight", "", "ünïcode/Δ", "\x1b]0;x\x07\n\0", "x" * 1024])
def test_the_name_of_a_tensor_survives(encoded, name):
    told = dataclasses.replace(encoded, name=name)
    data = layer_file.to_bytes(told)
    assert layer_file.from_bytes(data).name == name
    nameless = dataclasses.replace(encoded, name="")
    more = len(data) - len(layer_file.to_bytes(nameless))
    assert more == len(name.encode()) + (len(name) > 127)
    headers = [layer_file.stored_bits(each)["header"] for each in (told, nameless)]
    assert headers[0] - headers[1] == 8 * more
    in_model = layer_file.stored_bits(told, alone=False)
    assert in_model == layer_file.stored_bits(nameless, alone=False)
    assert str(told).isprintable()


def test_a_name_that_no_file_holds_is_left_out_or_told(encoded):
    long = dataclasses.replace(encoded, name="ü" * 513)
    assert layer_file.from_bytes(layer_file.to_bytes(long)).name == ""
    lone = dataclasses.replace(encoded, name="\ud800")
    assert layer_file.from_bytes(layer_file.to_bytes(lone)).name == lone.name == "\\ud800"


@pytest.mark.parametrize(
    ("name", "message"),
    [(b"\xff", "UTF-8"), (b"\xed\xa0\x80", "UTF-8"), (b"\xc0\x80", "UTF-8"), (b"x" * 1025, "1024")],
)
def test_names_that_are_none_are_refused(encoded, name, message):
    layer = taken_apart(encoded)
    layer.name = name
    with pytest.raises(f2f.F2FError, match=f"damaged file, name.*{message}"):
        layer_file.from_bytes(put_together(layer))


def test_a_file_of_another_kind_is_named(encoded, tmp_path):
    f2f.encode_model({"a": np.ones((8, 8), np.float32)}, tmp_path / "m.f2f", f2f.Settings(n_in=4))
    with pytest.raises(f2f.F2FError, match="the file of a whole model"):
        f2f.open(tmp_path / "m.f2f")
    with pytest.raises(f2f.F2FError, match="a file of another kind"):
        layer_file.from_bytes(b"\x93NUMPY" + bytes(200))
