"""Rival formats hold what they claim to: each is read back here, from the bytes counted."""

import json
import lzma
from dataclasses import asdict
from threading import Event

import constriction
import numpy as np
import pytest
import scipy.sparse
from numcodecs import Shuffle, Zstd

import f2f_viz as f2f
from f2f_viz.analysis import compare, rivals
from f2f_viz.analysis.rivals import Pruned
from f2f_viz.codec.bitplanes import DTYPES, field_bits, from_words, to_words, word_bits
from f2f_viz.codec.entropy import binary_entropy


def layer_of(dtype="float32", shape=(60, 300), kept=0.1, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.normal(scale=2, size=shape).astype(np.float32).astype(DTYPES[dtype])
    return Pruned(weights, rng.random(shape) < kept)


@pytest.fixture(params=DTYPES)
def layer(request):
    return layer_of(request.param)


def words_of(layer, buffer):
    """Read stored weights; those smaller than a byte share it, the first in the low bits."""
    data, bits = np.frombuffer(buffer, np.uint8), word_bits(layer.dtype)
    if bits < 8:
        return np.stack([data >> at & (1 << bits) - 1 for at in range(0, 8, bits)], 1).reshape(-1)
    return data.view(layer.words.dtype)


def range_decoded(buffers, count):
    values, counts, *coded = buffers
    if not coded:
        return np.repeat(values, counts)
    model = constriction.stream.model.Categorical(counts / counts.sum(), perfect=False)
    return values[constriction.stream.queue.RangeDecoder(coded[0]).decode(model, count)]


def test_formats_that_store_the_whole_tensor(layer):
    size = layer.words.size
    whole = rivals.dense(layer)[0].tobytes()
    np.testing.assert_array_equal(words_of(layer, whole)[:size], layer.words)
    assert Zstd().decode(rivals.zstd(layer)[0]) == whole
    assert lzma.decompress(rivals.xz(layer)[0]) == whole
    shuffled = Zstd().decode(rivals.shuffled_zstd(layer)[0])
    itemsize = DTYPES[layer.dtype].itemsize
    assert bytes(Shuffle(itemsize).decode(shuffled)) == whole


def test_bitmask(layer):
    mask, values = rivals.bitmask(layer)
    back = np.unpackbits(mask, count=layer.mask.size).astype(bool)
    np.testing.assert_array_equal(back, layer.mask.reshape(-1))
    np.testing.assert_array_equal(words_of(layer, values)[: layer.kept.size], layer.kept)


def test_csr_is_scipys_with_narrow_indices():
    layer = layer_of()
    starts, columns, values = rivals.csr(layer)
    assert columns.dtype == np.uint16  # 300 columns
    assert starts.dtype == np.uint16  # about 1,800 kept
    matrix = scipy.sparse.csr_array((values, columns.astype(int), starts.astype(int)), (60, 300))
    np.testing.assert_array_equal(matrix.toarray(), layer.words.reshape(60, 300))
    assert rivals.csr(layer_of(shape=(60, 256)))[1].dtype == np.uint8


def test_coo_takes_the_narrower_index():
    row, column, values = rivals.coo(layer_of(shape=(200, 1000)))
    assert (row.dtype, column.dtype) == (np.uint8, np.uint16)
    layer = layer_of(shape=(200, 300))  # 60,000 weights: one flat uint16 is less than 1 + 2 bytes
    flat, values = rivals.coo(layer)
    assert flat.dtype == np.uint16
    words = np.zeros(60_000, np.uint32)
    words[flat] = values
    np.testing.assert_array_equal(words, layer.words)


@pytest.mark.parametrize("dtype", DTYPES)
def test_2_of_4_only_where_the_mask_obeys(dtype):
    layer = layer_of(dtype, kept=0.5)
    assert rivals.n_of_m(layer) is None
    assert rivals.n_of_m(layer_of(shape=(8, 7), kept=0)) is None
    order = np.random.default_rng(1).random((60, 75, 4)).argsort(axis=2)
    layer = Pruned(layer.weights, (order < np.arange(60)[:, None, None] % 3).reshape(60, 300))
    packed, values = rivals.n_of_m(layer)
    assert packed.nbytes == 60 * 150 * 2 / 8
    bits = np.unpackbits(packed).reshape(-1, 2)
    places = (bits[:, 0] + 2 * bits[:, 1]).reshape(-1, 2)
    assert (np.diff(places.astype(int)) > 0).all()
    words = np.zeros((60 * 75, 4), layer.words.dtype)
    np.put_along_axis(
        words, places.astype(int), words_of(layer, values)[: places.size].reshape(-1, 2), 1
    )
    np.testing.assert_array_equal(words.reshape(-1), layer.words)


def test_entropy_coded_parts_read_back(layer):
    size, count = layer.words.size, layer.kept.size
    *parts, rest = rivals.entropy_coded(layer)
    np.testing.assert_array_equal(range_decoded(parts[:3], size), layer.mask.reshape(-1))
    field = range_decoded(parts[3:], count).astype(layer.words.dtype)
    shift, width = field_bits(layer.dtype)
    bits = word_bits(layer.dtype) - width
    digits = np.unpackbits(rest, count=count * bits).reshape(count, bits)
    low = (digits.astype(np.uint64) << np.arange(bits, dtype=np.uint64)).sum(
        axis=1, dtype=np.uint64
    )
    words = low & np.uint64((1 << shift) - 1) | field.astype(np.uint64) << np.uint64(shift)
    if bits > shift:
        words |= low >> np.uint64(shift) << np.uint64(shift + width)
    np.testing.assert_array_equal(words, layer.kept)


def test_range_coding_meets_the_entropy_with_its_table(monkeypatch):
    monkeypatch.setattr(rivals, "PIECE", 777)
    values = np.random.default_rng(0).choice(5, 50_000, p=[0.5, 0.2, 0.2, 0.07, 0.03])
    buffers = rivals.range_coded(values.astype(np.uint8))
    np.testing.assert_array_equal(range_decoded(buffers, values.size), values)
    shares = np.bincount(values) / values.size
    entropy = -(shares * np.log2(shares)).sum() * values.size / 8
    assert entropy < rivals.nbytes(buffers) < 1.01 * entropy + 100
    assert rivals.nbytes(rivals.range_coded(np.full(1000, 7, np.uint8))) == 3


def test_what_progress_raises_waits_for_no_format(monkeypatch):
    begun, go, ended = Event(), Event(), []

    def write(_):
        begun.set()
        ended.append(go.wait(60))
        return []

    def progress(done, total):
        assert (done, total) == (0, 1)
        if begun.is_set():
            raise KeyboardInterrupt

    monkeypatch.setattr(compare, "_FORMATS", (compare._Format("slow", write),))
    with pytest.raises(KeyboardInterrupt):
        compare.compare(np.ones(3, np.float32), np.ones(3, bool), progress=progress)
    assert not ended
    go.set()


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0), (5,), (2, 3, 4)])
@pytest.mark.parametrize("kept", [0, 0.5, 1])
def test_any_shape(shape, kept):
    for dtype in ("float32", "int4"):
        layer = layer_of(dtype, shape, kept)
        rows = compare.compare(layer.weights, layer.mask)
        by_name = {row.name: row.bytes for row in rows}
        assert by_name["dense"] == -(-layer.mask.size * word_bits(dtype) // 8)
        assert all(row.lossless for row in rows)
        assert compare.table(rows)
        compare.bounds(layer.weights, layer.mask)


def test_compare_with_an_encoded_layer(layer):
    encoded = f2f.encode(layer.weights, layer.mask, n_s=0)
    rows = compare.compare(layer.weights, layer.mask, encoded)
    assert rows[-1].name == compare.F2F
    assert rows[-1].bytes * 8 == sum(f2f.report(encoded).bits.values())
    assert rows[-1].fixed_rate
    by_name = {row.name: row for row in rows}
    assert by_name["2:4"].bytes is None
    text = compare.table(rows)
    assert "CSR" in text
    assert "does not apply" in text
    assert json.loads(json.dumps([asdict(row) for row in rows]))[0]["name"] == "dense"
    doubled = compare.total([rows, rows])
    assert [row.bytes for row in doubled] == [row.bytes and 2 * row.bytes for row in rows]


def test_the_verdict_names_whoever_wins():
    def row(name, size):
        return compare.Rival(name, size, False, False)

    rows = [row("dense", 100), row("CSR", 40), row("xz", 20), row(compare.F2F, 25)]
    assert compare.verdict(rows).startswith(
        "Smaller than F2F (25 bytes): xz. F2F takes 25.0 % more"
    )
    rows[-1] = row(compare.F2F, 19)
    assert compare.verdict(rows) == "F2F is the smallest: 19 bytes; next is xz, 20 bytes."
    assert compare.verdict(rows[:3]) == "Smallest: xz, 20 bytes."


def test_bounds_of_known_bits():
    words = np.tile(np.array([0x3F800000, 0x40000000, 0xBF800000, 0x40800000], np.uint32), 100)
    weights = from_words(
        words, "float32", (400,)
    )  # exponents 127 half the time, 128, 129; no mantissa
    mask = np.ones(400, bool)
    found = compare.bounds(weights, mask)
    assert found.kept_bits == found.dense_bits == 400 * 32
    assert found.mask_bits == 0
    assert found.joint_bits == pytest.approx(400 * (24 + 1.5))
    planes = 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.75
    ones = to_words(weights)[:, None] >> np.arange(31, 22, -1) & 1
    np.testing.assert_allclose(ones.mean(axis=0), planes)
    assert found.plane_bits == pytest.approx(400 * binary_entropy(np.array(planes)).sum())
    assert found.rate_point is None


def test_no_code_beats_the_rate_distortion_curve():
    rng = np.random.default_rng(0)
    weights = from_words(rng.integers(0, 1 << 16, 8000).astype(np.uint16), "float16", (8000,))
    mask = rng.random(8000) < 0.2
    for n_s in (0, 1):
        encoded = f2f.encode(weights, mask, n_s=n_s)
        point = compare.bounds(weights, mask, encoded).rate_point
        assert point.q == pytest.approx(mask.mean())
        assert point.delta == pytest.approx(1 - f2f.report(encoded).efficiency)
        assert point.bound < point.rate
        assert point.bound == pytest.approx(point.q * (1 - binary_entropy(point.delta)))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_zipnn_reads_back():
    zipnn = pytest.importorskip("zipnn")
    layer = layer_of()
    (packed,) = rivals.zipnn(layer)
    codec = zipnn.ZipNN(input_format="byte", bytearray_dtype="float32")
    assert bytes(codec.decompress(packed)) == layer.words.tobytes()
    assert rivals.zipnn(layer_of("int8")) is None


def test_what_is_not_installed_says_how_to(monkeypatch):
    monkeypatch.setattr(compare, "find_spec", lambda name: None)
    monkeypatch.setattr(rivals, "find_spec", lambda name: None)
    weights = np.ones(64, np.float32)
    text = compare.table(compare.compare(weights, np.ones(64, bool)))
    (line,) = (line for line in text.splitlines() if line.startswith("zipnn"))
    assert "not installed: pip install zipnn" in line
    assert "does not apply" not in line


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(f2f.F2FError, match=r"\(2, 3\)"):
        compare.compare(np.zeros((2, 3), np.float32), np.ones((3, 2), bool))
