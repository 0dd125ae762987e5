"""Pruning, block orders, corrections, the bound, the trace and the analysis."""

import threading
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import f2f_viz as f2f
from f2f_viz.codec import blocks, corrections, entropy, rice
from f2f_viz.codec.code import PRESETS
from f2f_viz.codec.instruction_set import NAMES
from f2f_viz.tensors.layer import Layer


def layer(shape=(64, 96), seed=0, dtype=np.float32):
    weights = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    return Layer("w", weights, np.dtype(dtype).name, "test")


# pruning


@pytest.mark.parametrize("method", ["magnitude", "random"])
@given(size=st.integers(0, 300), rate=st.floats(0, 1))
def test_prune_keeps_the_asked_count(method, size, rate):
    weights = np.random.default_rng(size).normal(size=size).astype(np.float32)
    assert f2f.prune(weights, rate, method).sum() == size - round(rate * size)


def test_magnitude_keeps_the_largest_ties_in_order_and_nan():
    weights = np.array([1, -3, 2, 2, -2, np.nan, 0], np.float32)
    assert f2f.prune(weights, 4 / 7).tolist() == [False, True, True, False, False, True, False]


def test_other_methods():
    weights = np.array([[0, 0.5], [-0.7, -0.0]], np.float32)
    assert f2f.prune(weights, 0, "zeros").tolist() == [[False, True], [True, False]]
    assert f2f.prune(weights, 0, "threshold", threshold=0.6).tolist() == [
        [False, False],
        [True, False],
    ]
    mask = np.array([[True, False], [False, True]])
    assert f2f.prune(weights, 0, "mask", mask=mask).tolist() == mask.tolist()
    one, other = (f2f.prune(np.ones(99, np.float32), 0.5, "random", seed=s) for s in (1, 2))
    assert (one != other).any()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1.5,), {}, "0 ≤ rate ≤ 1, got 1.5"),
        ((float("nan"),), {}, "got nan"),
        ((0.5, "best"), {}, "magnitude"),
        ((0.5, "magnitude"), {"threshold": 1}, "threshold"),
        ((0.5, "threshold"), {"threshold": -1}, "≥ 0"),
        ((0.5, "mask"), {"mask": [True]}, r"\(1,\)"),
    ],
)
def test_prune_rejects(arguments, options, message):
    with pytest.raises(f2f.F2FError, match=message):
        f2f.prune(np.zeros(3, np.float32), *arguments, **options)


# block orders


def test_stride_is_the_least_coprime_from_the_golden_section():
    assert [blocks.stride(n) for n in (0, 1, 2)] == [1, 1, 1]
    for n in range(3, 600):
        expected = next(g for g in range(1, n + 1) if 1000 * g >= 618 * n and gcd(g, n) == 1)
        assert blocks.stride(n) == expected


SHAPES = st.lists(st.integers(0, 12), min_size=0, max_size=4).map(tuple)


@pytest.mark.parametrize("order", blocks.ORDERS)
@given(shape=SHAPES, n_out=st.integers(1, 90))
def test_orders_hold_every_weight_once(order, shape, n_out):
    layout = blocks.Layout(shape, n_out, order)
    flat = np.arange(1, layout.size + 1)
    index, cut = layout.weights(), layout.gather(flat)
    assert index.shape == cut.shape == (layout.blocks, n_out)
    np.testing.assert_array_equal(np.where(index >= 0, index + 1, 0), cut)
    np.testing.assert_array_equal(np.sort(index[index >= 0]), flat - 1)
    block, bit = np.nonzero(index >= 0)
    if block.size:
        np.testing.assert_array_equal(layout.positions(index[block, bit]), (block, bit))
    chosen = np.arange(layout.blocks)[::2]
    np.testing.assert_array_equal(layout.gather(flat, chosen), cut[chosen])
    np.testing.assert_array_equal(layout.weights(chosen), index[chosen])


def test_interleaved_follows_its_formula():
    layout = blocks.Layout((1000,), 7, "interleaved")
    count, index = layout.blocks, layout.weights()
    assert count == 143
    for t, i in [(0, 0), (3, 2), (142, 6)]:
        at = i * count + t * blocks.stride(count) % count
        assert index[t, i] == (at if at < 1000 else -1)


@pytest.mark.parametrize("order", blocks.ORDERS)
@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize(
    ("shape", "n_out"),
    [((7, 300), 5), ((2000, 31), 80), ((3, 9000), 40), ((1200, 5), 1200), ((0, 4), 8)],
)
def test_care_bits_of_blocks_are_counted_alike(monkeypatch, order, asked, shape, n_out):
    monkeypatch.setenv("F2F_VIZ_ISA", asked)
    monkeypatch.setattr(blocks, "PIECE", 50)  # several threads
    layout = blocks.Layout(shape, n_out, order)
    for share in (0.1, 1.0):
        mask = np.random.default_rng(n_out).random(layout.size) < share
        expected = layout.gather(mask).sum(axis=1, dtype=np.int64)
        np.testing.assert_array_equal(layout.sums(mask, threads=3), expected)


def slow_blocks(shape, n_out):
    """The rule of docs/format.md, number by number."""
    fewest = -(-int(np.prod(shape)) // n_out)
    periods = {int(np.prod(shape[axis:])) for axis in range(1, len(shape))}

    def evenness(count):
        found = [1000]
        for period in periods:
            for k in range(1, min(n_out, period)):
                away = min(k * count % period, -k * count % period)
                found.append(1000 * k * away // period)
        return min(found)

    tried = range(fewest, fewest + min(fewest // 50, 4096) + 1)
    good = [count for count in tried if evenness(count) >= 200]
    return good[0] if good else max(tried, key=evenness)


@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple), n_out=st.integers(1, 99)
)
def test_interleaved_blocks_are_those_of_the_rule(shape, n_out):
    assert blocks.spread_blocks(shape, n_out) == slow_blocks(shape, n_out)


def clustered(shape, axis, rng):
    """A mask at S = 0.9 whose scale changes along an axis, or in patches where that is None."""
    scale = np.zeros(shape)
    if axis is None:
        for _ in range(40):
            sizes = [max(1, round(n * rng.uniform(0.1, 0.5))) for n in shape]
            corner = [rng.integers(0, n - s + 1) for n, s in zip(shape, sizes, strict=True)]
            scale[tuple(slice(c, c + s) for c, s in zip(corner, sizes, strict=True))] += 1
    else:
        along = [1] * len(shape)
        along[axis] = shape[axis]
        scale = scale + rng.permutation(np.linspace(-1.5, 1.5, shape[axis])).reshape(along)
    return f2f.prune(rng.normal(size=shape) * np.exp(scale), 0.9).reshape(-1)


@pytest.mark.parametrize(
    "shape",
    [(64, 160), (256, 256), (384, 1536), (1000, 512), (64, 64, 3, 3), (128, 64, 3, 3),
     (64, 64, 5, 5), (512, 512, 1, 1)],
)  # fmt: skip
def test_no_cluster_meets_the_interleaving(shape):
    layout = blocks.Layout(shape, 80, "interleaved")
    assert layout.blocks <= 1.02 * blocks.fewest_blocks(shape, 80)
    error = (2 / layout.blocks) ** 0.5  # of a variance from so many blocks
    for axis in (None, *range(len(shape))):
        found = [
            entropy.block_stats(layout.sums(clustered(shape, axis, rng)), 80).dispersion
            for rng in map(np.random.default_rng, range(4))
        ]
        assert np.mean(found) < 1 + 3 * error / 2 + 0.02, (axis, found)


def test_default_block_length_is_exact():
    assert blocks.default_n_out(8, 1, 10) == 80
    assert blocks.default_n_out(8, 3, 10) == 26
    assert blocks.default_n_out(8, 10, 10) == 8
    assert blocks.default_n_out(8, 0, 10) == 10  # nothing kept: one block, within reason
    assert blocks.default_n_out(8, 0, 10**6) == blocks.MAX_N_OUT


# corrections


@pytest.mark.parametrize("coding", corrections.CODINGS)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1), care=st.integers(0, 3000))
def test_corrections_round_trip_and_are_counted_to_the_bit(coding, seed, share, care):
    rng, entry = np.random.default_rng(seed), corrections.CODINGS[coding]
    plane = 3 * care
    care_at = np.sort(rng.permutation(plane)[:care])
    ranks = np.flatnonzero(rng.random(care) < share).astype(np.uint32)
    packed, bits, parameter = entry.pack(ranks, lambda: care_at[ranks], plane)
    limit = care if entry.by_rank else plane
    more = np.concatenate([packed, np.array([0xA5, 0xFF], np.uint8)])  # another plane's
    found, used = entry.unpack(more, ranks.size, parameter, limit)
    assert used == bits
    np.testing.assert_array_equal(found, ranks if entry.by_rank else care_at[ranks])
    assert packed.size == -(-bits // 8)
    assert bits == entry.bits(ranks, lambda: care_at[ranks], plane)


def test_rank_coding_is_near_the_entropy_of_the_gaps():
    rng = np.random.default_rng(0)
    for rate in (0.003, 0.01, 0.1):
        ranks = np.flatnonzero(rng.random(400_000) < rate).astype(np.uint32)
        bits = corrections.CODINGS["rank"].bits(ranks, lambda at=ranks: at, 400_000)
        assert entropy.binary_entropy(rate) * 400_000 <= bits * 1.01
        assert bits <= 1.05 * entropy.binary_entropy(rate) * 400_000
        assert bits / ranks.size == pytest.approx(rice.rice_bits(rate), rel=0.02)


def test_slots_serve_in_time_and_at_a_constant_rate():
    """Each slot serves its own group or one up to 16 later; what comes too late overflows."""
    entry, rng = corrections.CODINGS["slots"], np.random.default_rng(4)
    plane = 1280 * 400
    care_at = np.flatnonzero(rng.random(plane) < 0.1)
    spread = np.flatnonzero(rng.random(care_at.size) < 0.005)
    burst = np.union1d(spread, np.arange(20_000, 20_150))
    for ranks, most in ((spread, 0), (burst, 150)):
        packed, bits, parameter = entry.pack(
            ranks.astype(np.uint32), lambda ranks=ranks: care_at[ranks], plane
        )
        k, w = parameter // 256 // 400, parameter % 256
        assert parameter // 256 == 400 * k
        assert bits == 400 * k * w + 32 * ((bits - 400 * k * w) // 32)
        assert (bits - 400 * k * w) // 32 <= most
        values = np.unpackbits(packed, bitorder="little")[: 400 * k * w].reshape(-1, w)
        values = values.astype(int) @ (1 << np.arange(w))
        last, passes = -1, 2**w - 2
        for slot, value in enumerate(values.tolist()):
            if value < passes:
                last += value + 1
                group = care_at[last] // 1280
                assert slot // k <= group <= slot // k + 16
            elif value == passes:
                last += passes
        assert bits <= (4 if most else 2) * corrections.CODINGS["rank"].bits(
            ranks.astype(np.uint32), lambda ranks=ranks: care_at[ranks], plane
        )
        found, _ = entry.unpack(packed, ranks.size, parameter, care_at.size)
        np.testing.assert_array_equal(found, ranks)


def test_expected_bits_are_near_what_a_coding_takes():
    rng, plane = np.random.default_rng(5), 800_000
    care_at = np.flatnonzero(rng.random(plane) < 0.1)
    for entry in corrections.CODINGS.values():
        for rate in (0.004, 0.013, 0.06):
            ranks = np.flatnonzero(rng.random(care_at.size) < rate)
            bits = entry.bits(ranks.astype(np.uint32), lambda ranks=ranks: care_at[ranks], plane)
            share = ranks.size / care_at.size
            assert entry.expected_bits(share, care_at.size, plane) == pytest.approx(bits, rel=0.2)


def test_chunk_coding_follows_the_paper():
    # 1300 bits are three chunks; each correction is a flag and 9 bits, each chunk ends with a flag
    at = np.array([5, 700])
    packed, bits, _ = corrections.CODINGS["chunk"].pack(at.astype(np.uint32), lambda: at, 1300)
    assert bits == 3 + 2 * 10
    stream = np.unpackbits(packed, count=bits, bitorder="little")
    assert stream[0] == 1
    assert stream[1:10].tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert stream[10] == 0


# the bound


def test_entropy_and_block_statistics():
    assert entropy.binary_entropy([0, 0.5, 1, 0.11]) == pytest.approx([0, 1, 0, 0.49992], abs=1e-4)
    assert entropy.max_ratio(10, 100) == 10
    assert entropy.max_ratio(0, 100) == float("inf")
    assert entropy.n_u_binomial(80, 0.9).sum() == pytest.approx(1)
    assert entropy.n_u_binomial(3, 0.5) == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8])
    assert entropy.n_u_binomial(3, 0.0).tolist() == [0, 0, 0, 1]
    assert entropy.n_u_binomial(3, 1.0).tolist() == [1, 0, 0, 0]
    mask = np.random.default_rng(0).random(800_000) < 0.1
    layout = blocks.Layout(mask.shape, 80, "interleaved")
    stats = entropy.block_stats(layout.sums(mask), 80)
    assert stats.mean == pytest.approx(8, rel=0.01)
    assert stats.dispersion == pytest.approx(1, abs=0.05)
    assert stats.lag1 == pytest.approx(0, abs=0.05)
    assert stats.cv == pytest.approx((0.9 / 8) ** 0.5, rel=0.03)


def test_clusters_are_dispersed_in_row_order_and_not_interleaved():
    rows = np.random.default_rng(1).random(2000) < 0.1
    mask = np.repeat(rows, 400)
    row, interleaved = (
        entropy.block_stats(blocks.Layout(mask.shape, 80, o).sums(mask), 80)
        for o in ("row", "interleaved")
    )
    assert row.dispersion > 20
    assert row.lag1 > 0.5
    assert interleaved.dispersion < 1.5


# trace


@pytest.mark.parametrize("n_s", [0, 1, 2])
def test_trace_is_the_decoder(n_s):
    given_layer = layer()
    mask = f2f.prune(given_layer.weights, 0.8)
    encoded = f2f.encode(given_layer.weights, mask, n_s=n_s, n_in=5, recode=False)
    for plane in (0, 8, 31):
        whole = f2f.trace(encoded, plane, 0, encoded.blocks)
        raw = encoded.network.decode(encoded.planes[plane].symbols)
        np.testing.assert_array_equal(whole.raw, raw)
        assert whole.register.shape == (encoded.blocks, n_s + 1)
        np.testing.assert_array_equal(
            np.flatnonzero(whole.mismatch), encoded.positions(encoded.planes[plane])
        )
        part = f2f.trace(encoded, plane, 10, 20)
        for name in ("register", "raw", "output", "care", "mismatch", "weight_index"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[10:20])
        words = given_layer.weights.view(np.uint32).reshape(-1)
        index = whole.weight_index
        wanted = words[index] >> (31 - plane) & 1
        assert (whole.care == ((index >= 0) & mask.reshape(-1)[index])).all()
        assert (whole.output == wanted)[whole.care].all()


def test_trace_rejects():
    encoded = f2f.encode(np.ones(100, np.int8), np.ones(100, bool))
    with pytest.raises(f2f.F2FError, match="0 to 7, got 8"):
        f2f.trace(encoded, 8, 0, 1)
    with pytest.raises(f2f.F2FError, match="stop"):
        f2f.trace(encoded, 0, 0, 10**6)


# settings and analysis


def test_settings_round_trip_and_reject():
    settings = f2f.Settings(rate=0.7, n_in=4, n_s=2, order="row")
    assert f2f.Settings.from_dict(settings.to_dict()) == settings
    with pytest.raises(f2f.F2FError, match=r"unknown settings.*got width"):
        f2f.Settings.from_dict({"width": 3})
    wrong = [
        {"rate": 2}, {"rate": "0.9"}, {"rate": float("nan")}, {"n_in": 0}, {"n_in": 9, "n_s": 2},
        {"n_s": 1.5}, {"n_out": 0}, {"order": "x"}, {"seed": -1},
    ]  # fmt: skip
    for values in wrong:
        with pytest.raises(f2f.F2FError) as caught:
            f2f.Settings(**values)
        assert caught.value.field in values


@pytest.mark.parametrize("preset", PRESETS)
def test_analysis_agrees_with_the_report(preset):
    analysis = f2f.analyze(layer(), f2f.Settings(rate=0.85, code=PRESETS[preset].code))
    report = f2f.report(analysis.encoded)
    assert analysis.exact
    assert analysis.bit_exact is True
    assert analysis.bits == report.bits
    assert analysis.ratio.value == report.ratio
    assert analysis.ratio.low == analysis.ratio.high == analysis.ratio.value
    assert analysis.of_bound.value == pytest.approx(report.of_bound)
    assert analysis.efficiency.value == pytest.approx(report.efficiency)
    assert analysis.n_u.sum() == analysis.mask.sum()
    assert (
        sum(p.bits for p in analysis.planes) == report.bits["payload"] + report.bits["corrections"]
    )
    np.testing.assert_allclose(
        [p.efficiency for p in analysis.planes if p.payload],
        [
            1 - p.corrections.size / report.kept_bits * 32
            for p in analysis.encoded.planes
            if not p.zero_rate
        ],
    )
    sign = (analysis.layer.weights[analysis.mask] < 0).mean()
    assert analysis.planes[0].ones == pytest.approx(sign)


def test_analysis_prunes_as_prune_does():
    for method in ("magnitude", "random", "zeros", "threshold"):
        settings = f2f.Settings(method=method, rate=0.6, threshold=0.5, seed=3)
        options = {"threshold": 0.5} if method == "threshold" else {}
        expected = f2f.prune(layer().weights, 0.6, method, seed=3, **options)
        np.testing.assert_array_equal(f2f.analyze(layer(), settings).mask, expected)


def test_bit_exact_is_really_computed(monkeypatch):
    from f2f_viz.analysis import analyze as analysis

    def wrong(encoded):
        weights = f2f.decode(encoded)
        weights.reshape(-1)[np.flatnonzero(encoded.mask)[0]] += 1
        return weights

    monkeypatch.setattr(analysis, "decode", wrong)
    assert f2f.analyze(layer()).bit_exact is False


def test_preview_is_marked_and_its_interval_holds_the_exact_value():
    big = layer((700, 1024))
    inside = 0
    for rate, preset in ((0.7, "paper"), (0.8, "default"), (0.9, "paper"), (0.9, "default")):
        settings = f2f.Settings(rate=rate, n_s=1, code=PRESETS[preset].code)
        preview = f2f.analyze(big, settings, preview=True)
        exact = f2f.analyze(big, settings)
        assert not preview.exact
        assert preview.encoded is None
        assert preview.bit_exact is None
        assert preview.efficiency.low < preview.efficiency.value < preview.efficiency.high
        assert preview.ratio.low < preview.ratio.value < preview.ratio.high
        assert preview.bits["payload"] == exact.bits["payload"]
        assert preview.bits["header"] == pytest.approx(exact.bits["header"], abs=1000)
        assert preview.bits["mask"] == pytest.approx(exact.bits["mask"], rel=1e-3)
        assert preview.bits["matrix"] == exact.bits["matrix"]
        np.testing.assert_array_equal(preview.mask, exact.mask)
        for guessed, known in zip(preview.planes, exact.planes, strict=True):
            assert (guessed.payload, guessed.ones) == (known.payload, known.ones)
        inside += preview.efficiency.low <= exact.efficiency.value <= preview.efficiency.high
    assert inside >= 3


def test_small_layers_need_no_preview():
    assert f2f.analyze(layer((20, 20)), preview=True).exact


def test_analysis_can_be_cancelled_and_tells_progress():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(f2f.Cancelled):
        f2f.analyze(layer((512, 512)), cancel=cancel)
    seen = []
    f2f.analyze(layer((64, 64)), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 1)])
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_analysis_of_hardly_anything(shape, rate):
    analysis = f2f.analyze(layer(shape), f2f.Settings(rate=rate), preview=True)
    assert analysis.bit_exact
    assert analysis.of_bound.value >= 0


def test_settings_reach_every_pruning_method(tmp_path):
    given_layer = layer((8, 16))
    scores = np.random.default_rng(1).random((8, 16))
    np.save(tmp_path / "scores.npy", scores)
    np.save(tmp_path / "mask.npy", scores > 0.5)
    cases = [
        ({"method": "magnitude", "rate": 0.5, "per": "row"}, {"per": "row"}),
        ({"method": "n:m", "pattern": "1:4"}, {"pattern": "1:4"}),
        ({"method": "mask", "mask": str(tmp_path / "mask.npy")}, {"mask": scores > 0.5}),
        (
            {"method": "scores", "rate": 0.5, "scores": str(tmp_path / "scores.npy")},
            {"scores": scores},
        ),
    ]
    for values, options in cases:
        settings = f2f.Settings(**values)
        expected = f2f.prune(given_layer.weights, settings.rate, settings.method, **options)
        np.testing.assert_array_equal(f2f.analyze(given_layer, settings).mask, expected)
    with pytest.raises(f2f.F2FError, match="reads a file"):
        f2f.Settings(method="mask")


FIXED = f2f.Code(fit_n_out=False, plain=False)


@pytest.mark.parametrize("shape", [(64, 96), (256, 512)])  # searched whole, and by sampled tiles
def test_fitted_block_length_stores_fewer_bits(shape):
    given_layer = layer(shape, dtype=np.float16)
    mask = f2f.prune(given_layer.weights, 0.9)

    def coded(**options):
        encoded = f2f.encode(given_layer.weights, mask, FIXED, **options)
        return encoded.n_out, f2f.report(encoded).bits["payload"] + f2f.report(encoded).bits[
            "corrections"
        ]

    paper, paper_bits = coded()
    fitted, fitted_bits = coded(fit_n_out=True)
    assert paper < fitted <= 1.2 * paper
    assert fitted_bits < paper_bits
    assert coded(fit_n_out=True, n_out=paper) == (paper, paper_bits)
    analysis = f2f.analyze(given_layer, f2f.Settings(rate=0.9, code=FIXED, fit_n_out=True))
    assert (analysis.n_out, sum(p.bits for p in analysis.planes)) == (fitted, fitted_bits)


@pytest.mark.parametrize(("n_s", "rate"), [(0, 0.1), (1, 0.0), (2, 0.0)])
@pytest.mark.parametrize("shape", [(30, 47), pytest.param((256, 512), marks=pytest.mark.slow)])
def test_planes_are_stored_plainly_where_that_is_smaller(n_s, rate, shape):
    given_layer = layer(shape, dtype=np.float16)
    mask = f2f.prune(given_layer.weights, rate)
    coded = f2f.encode(given_layer.weights, mask, n_s=n_s, plain=False)
    plain = f2f.encode(given_layer, mask, n_s=n_s)
    searched = sum(not plane.zero_rate for plane in plain.planes)
    assert not coded.network.is_plain
    np.testing.assert_array_equal(plain.network.matrix, np.eye(8, 8 * (n_s + 1)))
    # one bit per weight and plane; corrections are only of planes that have no symbols at all
    assert f2f.report(plain).bits["payload"] == searched * -(-mask.size // 8) * 8
    assert f2f.report(plain).efficiency == 1
    assert not any(plane.corrections.size for plane in plain.planes if not plane.zero_rate)
    # a full-rank matrix of blocks no longer than symbols can match as much
    assert sum(f2f.report(plain).bits.values()) <= sum(f2f.report(coded).bits.values())
    np.testing.assert_array_equal(f2f.decode(plain), np.where(mask, given_layer.weights, 0))
    index, first = f2f.decode_tile(plain, 0)
    np.testing.assert_array_equal(first, f2f.decode(plain).reshape(-1)[index])
    for preview in (False, True):  # nothing to search, nothing to estimate
        seen = f2f.analyze(given_layer, f2f.Settings(rate=rate, n_s=n_s), preview=preview)
        assert seen.exact
        assert seen.bit_exact
        assert seen.bits == f2f.report(plain).bits
    with pytest.raises(
        f2f.F2FError, match="n_in: expected 1 to 8, got 9"
    ):  # n_in and n_s are what they must be
        f2f.encode(given_layer.weights, mask, n_in=9, n_s=2)


@pytest.mark.parametrize(("n_s", "rate"), [(0, 0.3), (1, 0.1), (2, 0.1), (1, 0.9)])
def test_planes_are_coded_where_that_is_smaller(n_s, rate):
    given_layer = layer((128, 256), dtype=np.float16)
    encoded = f2f.encode(given_layer.weights, f2f.prune(given_layer.weights, rate), n_s=n_s)
    assert not encoded.network.is_plain


def test_blocks_are_not_single_columns():
    """Columns that are kept whole: where l is a multiple of a row's length, a block is one."""
    weights = np.random.default_rng(0).normal(size=(128, 64)).astype(np.float32)
    weights[:, ::8] *= 50
    encoded = f2f.encode(weights, f2f.prune(weights, 0.875), FIXED)
    assert encoded.blocks == 129
    n_u = encoded.layout.sums(encoded.mask.reshape(-1))
    assert entropy.block_stats(n_u, encoded.n_out).dispersion < 1.2
