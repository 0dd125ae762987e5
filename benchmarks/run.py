"""Measure search and decoding; write docs/benchmarks.md and its picture.

    make bench            (python -m benchmarks.run; --quick for a glance, nothing written)

Single-thread times are CPU times, so a busy machine disturbs them little; times of many threads and
of whole layers are wall-clock times. Every comparison is made in the one run, on the same data.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Event, Timer

import numpy as np
import scipy.sparse
import zstandard
from safetensors.numpy import save_file

import f2f_viz as f2f
from benchmarks.machine import machine
from benchmarks.picture import draw
from benchmarks.streams import (
    compile_yardstick,
    convolutions,
    packed,
    rng,
    run_yardstick,
    step_times,
    stream,
)
from benchmarks.timing import cpu, wall
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.trellis import search_tiles
from f2f_viz.codec.word_decoder import WordDecoder
from f2f_viz.errors import Cancelled
from f2f_viz.files.atomic import write_atomically
from f2f_viz.files.layer_file import to_bytes
from f2f_viz.tensors.magnitudes import Magnitudes

DOCS = Path(__file__).parents[1] / "docs"


def search_cost(n_in, n_s, sparsity, blocks=2048, planes=8, repeat=2):
    """CPU microseconds per block and plane, and the efficiency."""
    n_out = int(n_in / (1 - sparsity) + 1e-9)
    random = rng(n_in, n_s, n_out)
    _, care = stream(random, blocks, n_out, 1 - sparsity)
    streams = [packed(stream(random, blocks, n_out, 0.5)[0], care)[0] for _ in range(planes)]
    bits, flags = np.concatenate(streams), packed(care, care)[1]
    network = XorNetwork.random(n_in, n_out, n_s)
    found = []
    seconds = cpu(lambda: found.append(search_tiles(bits, flags, network, threads=1)), repeat)
    efficiency = 1 - found[0].mismatches.sum() / (care.sum() * planes)
    return seconds / (blocks * planes) * 1e6, efficiency


def against_yardstick(quick):
    """n_s, blocks compared, plain and own microseconds per block, ratio, equal cost."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        program = compile_yardstick(folder)
        for n_s, blocks in ((0, 4096), (1, 4096), (2, 8 if quick else 40)):
            random = rng(4, n_s)
            bits, care = stream(random, 4096, 80, 0.1)
            network = XorNetwork.random(8, 80, n_s)
            least, seconds = run_yardstick(program, network, bits[:blocks], care[:blocks])
            same = search_tiles(
                *packed(bits[:blocks], care[:blocks]), network, tile_blocks=blocks, threads=1
            )
            own = search_cost(8, n_s, 0.9)[0]
            plain = seconds / blocks * 1e6
            equal = "equal" if least == same.mismatches.sum() else "DIFFERENT"
            rows.append((n_s, plain, own, f"{plain / own:.0f}×", equal))
    return rows


def decoding(quick):
    """Name, GB/s of dense weights and stored share, for float32 at S = 0.9 on one core."""
    size = 1024
    weights = rng(1).normal(size=(size, size)).astype(np.float32)
    mask = f2f.prune(weights, 0.9)
    dense = weights * mask
    raw = dense.tobytes()
    target = np.ones_like(dense)
    ways = []  # name, run, bytes stored

    def first(encoded):
        layer = WordDecoder(encoded.coded_planes, encoded.mask.reshape(-1), encoded.layout)
        layer.decode(target.reshape(-1))

    with tempfile.TemporaryDirectory() as folder:
        for n_s in (0, 1) if quick else (0, 1, 2):
            encoded = f2f.encode(weights, mask, n_s=n_s)
            assert np.array_equal(f2f.decode(encoded, out=target), dense)
            path = Path(folder, f"{n_s}.f2f")
            f2f.save(encoded, path)
            for what, run in (
                ("decode", lambda e=encoded: f2f.decode(e, out=target)),
                ("decode for the first time", lambda e=encoded: first(e)),
                ("file → weights", lambda p=path: f2f.decode(f2f.open(p), out=target)),
            ):
                ways.append((f"f2f {what}, n_s = {n_s}", run, path.stat().st_size))
        for level in (3, 19):
            frame = zstandard.ZstdCompressor(level=level).compress(raw)
            path = Path(folder, f"{level}.zst")
            path.write_bytes(frame)
            unpack = zstandard.ZstdDecompressor()
            run = partial(lambda p, u: u.decompress(p.read_bytes()), path, unpack)
            ways.append((f"zstd -d (level {level}), file → weights", run, len(frame)))
        csr = scipy.sparse.csr_matrix(dense)
        stored = csr.data.nbytes + csr.indices.nbytes + csr.indptr.nbytes
        ways.append(("scipy CSR → dense", lambda: csr.toarray(out=target), stored))
        kept = weights[mask]

        def scatter():
            target.fill(0)
            target[mask] = kept

        def copy():
            ctypes.memmove(target.ctypes.data, dense.ctypes.data, len(raw))

        ways.append(("numpy boolean scatter", scatter, kept.nbytes + mask.size / 8))
        ways.append(("memcpy", copy, len(raw)))
        ways.append(("memset", lambda: ctypes.memset(target.ctypes.data, 0, len(raw)), 0))
        # in turn, again and again: what else the machine does slows all alike
        rounds = [[cpu(run, 2) for _, run, _ in ways] for _ in range(2 if quick else 10)]
    return [
        (name, len(raw) / least / 1e9, stored / len(raw))
        for (name, _, stored), least in zip(ways, np.min(rounds, axis=0), strict=True)
    ]


def saving(quick):
    """What, n_s, wall-clock ms: the file of a 1024 × 1024 float32 layer at S = 0.9."""
    weights = rng(1).normal(size=(1024, 1024)).astype(np.float32)
    mask = f2f.prune(weights, 0.9)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.f2f")
        for n_s in (0, 1) if quick else (0, 1, 2):
            encoded = f2f.encode(weights, mask, n_s=n_s)
            for what, run in (
                ("bytes, digest in", lambda e=encoded: to_bytes(e)),
                ("written", lambda e=encoded: write_atomically(path, to_bytes(e))),
                ("`save`: written, read back and decoded", lambda e=encoded: f2f.save(e, path)),
            ):
                run()
                rows.append((n_s, what, wall(run, 5 if quick else 25)))
    return rows


def header_shares(quick):
    """Model, layers, bytes of its file, and shares of header and matrices, S = 0.9."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "m.safetensors"), Path(folder, "m.f2f")
        tensors = convolutions()
        save_file(dict(list(tensors.items())[::6]) if quick else tensors, source)
        for n_s in (0, 1, 2):
            account = f2f.encode_model(source, output, f2f.Settings(rate=0.9, n_s=n_s))
            bits, whole = account.bits, 8 * account.file_bytes
            rows.append(
                (
                    n_s, len(account.layers), account.file_bytes,
                    f"{bits['header'] / whole:.2%}", f"{bits['matrix'] / whole:.2%}",
                )
            )  # fmt: skip
    return rows


def whole_layers(quick):
    """n_s, threads, wall and CPU seconds to encode a 1024 × 1024 float32 layer at S = 0.9."""
    weights = rng(2).normal(size=(1024, 1024)).astype(np.float32)
    mask = f2f.prune(weights, 0.9)
    rows = []
    for n_s in (0, 1) if quick else (0, 1, 2):
        for threads in sorted({1, os.cpu_count() or 1}):
            seen = []
            begin, spent = time.perf_counter(), time.process_time()
            f2f.encode(
                weights, mask, n_s=n_s, threads=threads, progress=lambda *x, s=seen: s.append(x)
            )
            wall, spent = time.perf_counter() - begin, time.process_time() - spent
            rows.append((n_s, threads, wall, spent, len(seen)))
    return rows


def by_sorting(weights, keep):
    """Mark the largest |w| with NumPy alone: a partition, then the ties."""
    flat = np.abs(weights).reshape(-1)
    least = np.partition(flat, flat.size - keep)[flat.size - keep]
    mask = flat > least
    mask[np.flatnonzero(flat == least)[: keep - np.count_nonzero(mask)]] = True
    return mask.reshape(weights.shape)


def selection(quick):
    """What, shape, wall-clock ms, and that over NumPy's partition on the same weights."""
    rows = []
    for shape in ((1024, 1024),) if quick else ((4096, 4096), (4096, 14336)):
        weights = rng(5).normal(size=shape).astype(np.float32)
        keep = weights.size // 10

        plain = wall(lambda w=weights, k=keep: by_sorting(w, k), 1)
        ranked = Magnitudes(weights)
        assert np.array_equal(ranked.largest(keep), by_sorting(weights, keep))
        name = " × ".join(map(str, shape))

        layer = f2f.Layer("w", weights, "float32", "benchmark")
        rates = iter(np.linspace(0.85, 0.92, 99).tolist())

        def preview(layer=layer, rates=rates, **code):
            f2f.analyze(layer, f2f.Settings(rate=next(rates), **code), preview=True)

        for what, took in (
            ("NumPy: partition and ties", plain),
            ("`prune`", wall(lambda w=weights: f2f.prune(w, 0.9))),
            ("mask at a new rate", wall(lambda r=ranked, k=keep: r.largest(k))),
            ("first preview, n_out = 80", wall(lambda p=preview: p(n_out=80), 1)),
            ("preview at a new rate, n_out = 80", wall(lambda p=preview: p(n_out=80))),
            ("preview at a new rate, n_out fitted", wall(preview)),
        ):
            rows.append((name, what, took, f"{took / plain:.3f}"))
    return rows


def encode_peak(shape):
    """MB of memory above the imports to load a float32 layer from a file, prune and encode it."""
    program = (
        "import sys, f2f_viz as f2f\n"  # ru_maxrss would begin with that of this process
        "status = lambda: open('/proc/self/status').read()\n"
        "peak = lambda: int(status().split('VmHWM:')[1].split()[0]) / 1024\n"
        "def run(path):\n"
        "    weights = f2f.load_layer(path).weights\n"
        "    f2f.encode(weights, f2f.prune(weights, 0.9), n_s=0, n_out=80)\n"
        "run(sys.argv[1])\n"  # imports what encoding needs
        "begin = peak()\n"
        "run(sys.argv[2])\n"
        "print(peak() - begin)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "small.npy", Path(folder) / "w.npy"]
        for path, of in zip(paths, ((8, 8), shape), strict=True):
            np.save(path, rng(6).normal(size=of).astype(np.float32))
        ran = subprocess.run(
            [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True
        )
    return float(ran.stdout)


def memory(quick):
    """Weights in millions, MB of them, and the peak of encoding."""
    shapes = ((1024, 1024),) if quick else ((2048, 2048), (4096, 4096), (8192, 8192))
    return [(np.prod(s) / 1e6, np.prod(s) * 4 / 2**20, encode_peak(s)) for s in shapes]


def cancel_latency():
    """Milliseconds from the event to the exception, n_s = 2."""
    weights = rng(3).normal(size=(1024, 1024)).astype(np.float32)
    cancel, at = Event(), []

    def press():
        at.append(time.perf_counter())
        cancel.set()

    timer = Timer(0.7, press)
    timer.start()
    try:
        f2f.encode(weights, f2f.prune(weights, 0.9), n_s=2, cancel=cancel)
    except Cancelled:
        return (time.perf_counter() - at[0]) * 1e3
    finally:
        timer.cancel()
    return float("nan")


def by_care_bits(n_s, blocks=8192):
    """n_s, care bits n_u, median µs that such blocks take, and that over the median of all.

    One block in 64 has more care bits than an S = 0.9 stream gives.
    """
    random, heavy = rng(6, n_s), (14, 16, 18, 20, 22, 24, 28, 32)
    bits, care = stream(random, blocks, 80, 0.1)
    for k, t in enumerate(range(5, blocks, 64)):
        care[t] = random.permutation(80) < heavy[k % len(heavy)]
    with tempfile.TemporaryDirectory() as folder:
        n_u, spent = step_times(folder, XorNetwork.random(8, 80, n_s), bits, care)
    usual = float(np.median(spent))
    rows = []
    for n in (*range(2, 15), *heavy[1:]):
        own = float(np.median(spent[n_u == n]))
        rows.append((n_s, n, own, f"{own / usual:.1f}"))
    return rows


def table(title, head, rows, note=""):
    """Markdown of one table."""
    lines = [f"## {title}", ""]
    if note:
        lines += [note, ""]
    lines += ["| " + " | ".join(head) + " |", "|" + " --: |" * len(head)]
    for row in rows:
        cells = [f"{c:.3g}" if isinstance(c, float) else str(c) for c in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a glance; writes nothing")
    quick = parser.parse_args().quick
    parts = [
        "# Benchmarks", "",
        f"Measured by `make bench` on {machine()}; f2f-viz {version('f2f-viz')}. Single-thread "
        "times are CPU times. Wall-clock times of whole layers were taken on a shared machine with a "
        f"load average of {os.getloadavg()[0]:.0f}; where it exceeds the CPUs, divide CPU seconds by "
        "the threads instead.", "",
    ]  # fmt: skip

    def add(*section):
        parts.append(table(*section))
        print(parts[-1], flush=True)

    add(
        "Search against the textbook program",
        ("n_s", "textbook C, µs per block", "f2f-viz, µs per block", "ratio", "cost"),
        against_yardstick(quick),
        "n_in = 8, S = 0.9. The textbook program (`benchmarks/yardstick.c`, gcc -O2 -mpopcnt) visits "
        "every transition. Both find the same minimum on the same stream.",
    )
    codes = [
        (n, s) for s in range(4) for n in range(1, 13) if n * s <= 16 and n <= (12, 10, 8, 5)[s]
    ]
    if quick:
        codes = [(8, 0), (8, 1), (8, 2)]
    by_code = [(n, s, *search_cost(n, s, 0.9, 512 if n * s > 10 else 2048, 2, 1)) for n, s in codes]
    add("Search by code, S = 0.9", ("n_in", "n_s", "µs per block", "efficiency"), by_code)
    rates = (0.9,) if quick else (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    by_rate = [(s, n_s, *search_cost(8, n_s, s, 2048, 4, 1)) for n_s in (0, 1, 2) for s in rates]
    add("Search by sparsity, n_in = 8", ("S", "n_s", "µs per block", "efficiency"), by_rate)
    heavy = [] if quick else [row for n_s in (1, 2) for row in by_care_bits(n_s)]
    add(
        "Blocks by care bits, n_in = 8",
        ("n_s", "care bits n_u", "µs", "over the median of all"), heavy,
        "Median time of a block, forward and back (`benchmarks/steps.c`), in a stream of S = 0.9 in "
        "which one block in 64 is given 14 to 32 care bits.",
    )  # fmt: skip
    layers = whole_layers(quick)
    add(
        "A 1024 × 1024 float32 layer, S = 0.9, encoded whole",
        ("n_s", "threads", "wall s", "CPU s", "progress calls"), layers,
        f"Cancelling an n_s = 2 search took {cancel_latency():.0f} ms.",
    )  # fmt: skip
    add(
        "Pruning and previews of float32 layers",
        ("layer", "what", "ms", "over NumPy's partition"), selection(quick),
        "S = 0.9, wall-clock medians on all CPUs; previews at the default code.",
    )  # fmt: skip
    add(
        "Memory to load, prune and encode a float32 layer, n_s = 0",
        ("million weights", "their MB", "peak above the imports, MB"), memory(quick),
    )  # fmt: skip
    decoded = decoding(quick)
    memcpy, memset = (speed for _, speed, _ in decoded[-2:])
    add(
        "Decoding float32 at S = 0.9, one core",
        ("decoder", "GB/s of dense weights", "stored, of dense", "of memcpy", "of memset"),
        [(*row, f"{row[1] / memcpy:.0%}", f"{row[1] / memset:.0%}") for row in decoded],
        "1024 × 1024 weights, into memory that was in use before (`decode(…, out=)`), but for zstd, which "
        "compresses the dense bytes with zeros in place. The first time the mask is packed by blocks, "
        "as it is from the file; it is kept for the next. Reading a file checks its digest.",
    )
    speeds = {name: speed for name, speed, _ in decoded}
    zstd = speeds["zstd -d (level 3), file → weights"]
    add(
        "From the file to weights, against zstd -d level 3",
        ("n_s", "times as fast"),
        [
            (n_s, speeds[f"f2f file → weights, n_s = {n_s}"] / zstd)
            for n_s in (0, 1, 2)
            if f"f2f file → weights, n_s = {n_s}" in speeds
        ],
    )
    add(
        "Saving a 1024 × 1024 float32 layer, S = 0.9", ("n_s", "what", "ms"), saving(quick),
        "Wall-clock medians.",
    )  # fmt: skip
    add(
        "What is no symbol, correction or mask in the file of a model",
        ("n_s", "layers", "bytes of the file", "header, of the file", "matrices, of the file"),
        header_shares(quick),
        "63 float32 convolutions of 432 to 147,456 weights, S = 0.9 (`benchmarks/streams.py`). The "
        "header is all else: names, shapes, tables of planes, ranks, digests, padding.",
    )
    if not quick:
        parts.append("![Costs of search and decoding](images/benchmarks.svg)\n")
        (DOCS / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")
        draw(by_code, by_rate, decoded, DOCS / "images" / "benchmarks.svg")


if __name__ == "__main__":
    main()
