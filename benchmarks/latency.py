"""Measure how soon the screen follows the slider; write latency.json, a table of the docs.

    make latency          (python -m benchmarks.latency; --quick for a glance, nothing written)

Kernel side: the settings of a real `Analyzer` change; the time until its preview was computed and
every figure's new data was sent. Messages are counted and serialised as Jupyter would, but nobody
receives them. In the browser: an `input` event of the pruning-rate slider on the real page, from the
real server; the time until the headline holds the new numbers and the mask is painted anew. The
exact search that follows a preview runs on meanwhile, as it does for a user, and each new event
cancels it.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import comm
import numpy as np
from comm.base_comm import BaseComm
from jupyter_client.jsonutil import json_default
from playwright.sync_api import sync_playwright

import f2f_viz as f2f
from benchmarks.machine import machine
from docs.tables import latency_table

HERE = Path(__file__).parent
SHAPES = ((256, 256), (1024, 1024), (4096, 1024))
STAGES = (0, 1, 2)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PAUSE = 0.2
"""Seconds between changes: a person looks before moving on."""

FOLLOW = """async ([rate, percent]) => {
  const slider = document.querySelector('input[type=range][aria-label="Pruning rate, slider"]');
  const sparsity = document.querySelector('.f2f-card-value[data-key=sparsity]').parentNode.parentNode;
  const root = document.querySelector('.f2f-headline-root');
  const Bokeh = await [...globalThis[Symbol.for('f2f-viz.bokehjs')].values()][0];
  const sources = Bokeh.documents.flatMap((d) => [...d._all_models.values()])
    .filter((m) => m.type === 'ColumnDataSource' && m.data.image?.length);
  const before = sources.map((s) => s.data.image[0]);
  let painted = false;
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    if (sources.some((s, i) => s.data.image[0] !== before[i])) painted = true;
    return draw.apply(this, args);
  };
  const done = () => painted && ['preview', 'exact'].includes(root.dataset.state)
    && sparsity.querySelector('[data-key=sparsity]').textContent === percent
    && (root.dataset.state === 'exact'
        || sparsity.querySelector('[data-key=ratio]').textContent.startsWith('≈'));
  const began = performance.now();
  slider.value = rate;
  slider.dispatchEvent(new Event('input'));
  while (!done() && performance.now() - began < 20000)
    await new Promise((resume) => requestAnimationFrame(resume));
  await new Promise((resume) => setTimeout(resume));  // the frame is on the screen
  CanvasRenderingContext2D.prototype.drawImage = draw;
  return performance.now() - began;
}"""


class Wire(BaseComm):
    """Counts what a kernel would send."""

    sent = 0

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        """Serialise as Jupyter does, and drop it."""
        text = json.dumps({**(data or {}), **keys}, default=json_default, allow_nan=False)
        Wire.sent += len(text) + sum(memoryview(part).nbytes for part in buffers or ())


def rates(changes):
    """Rates that differ from one change to the next, around S = 0.9."""
    return [round(0.85 + 0.01 * (3 * i % 10), 2) for i in range(changes)]


def make_layer(shape):
    """Return a random float32 layer."""
    weights = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return f2f.Layer("random", weights, "float32", "benchmark")


def summary(seconds):
    """Median and 95th percentile, in ms."""
    return {
        "median_ms": round(1e3 * float(np.median(seconds)), 1),
        "p95_ms": round(1e3 * float(np.percentile(seconds, 95)), 1),
        "changes": len(seconds),
    }


async def kernel_side(shape, n_s, changes):
    """Times from a change of settings to all data sent, and bytes sent a change."""
    analyzer = f2f.Analyzer(make_layer(shape), f2f.Settings(n_s=n_s))
    shown = asyncio.Event()
    analyzer.headline.observe(lambda _: shown.set(), "cards")
    times, sent = [], []
    for rate in [0.5, *rates(changes)]:
        await asyncio.sleep(PAUSE)
        shown.clear()
        before, began = Wire.sent, time.perf_counter()
        analyzer.settings = f2f.Settings(n_s=n_s, rate=rate)
        await asyncio.wait_for(shown.wait(), 30)
        await asyncio.sleep(0)
        times.append(time.perf_counter() - began)
        sent.append(Wire.sent - before)
    analyzer._runner.cancel()
    await analyzer._runner.settled()
    return summary(times[1:]) | {"kilobytes": round(float(np.median(sent[1:])) / 1e3, 1)}


def in_browser(page, url, path, changes):
    """Times from the slider's event to the new number and the mask repainted."""
    page.goto(url)
    page.locator(".f2f-headline-root[data-state=exact]").wait_for()
    page.get_by_label("Path", exact=True).check()  # an address alone opens no file
    page.get_by_label("Path on this machine").fill(str(path))
    page.get_by_label("Path on this machine").press("Enter")
    page.locator(".f2f-layer", has_text=f"{path.stem} ×").wait_for()
    page.locator(".f2f-headline-root:is([data-state=preview], [data-state=exact])").wait_for()
    page.locator(".f2f-figure-mask canvas").first.wait_for()
    page.wait_for_timeout(1000)
    times = []
    for rate in [0.5, *rates(changes)]:
        times.append(page.evaluate(FOLLOW, [rate, f"{100 * rate:.2f}%"]) / 1e3)
        page.wait_for_timeout(1e3 * PAUSE)
    return summary(times[1:])


def measure_browser(changes):
    """All shapes and register lengths on one server."""
    server = subprocess.Popen(
        [sys.executable, "-c", "from f2f_viz.cli.main import main; main()", "app", "--no-browser"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    rows = {}
    try:
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(60_000)
            for shape in SHAPES:
                path = Path(folder) / f"{shape[0]}.npy"
                np.save(path, make_layer(shape).weights)
                for n_s in STAGES:
                    rows[shape, n_s] = in_browser(page, f"{url}&n_s={n_s}", path, changes)
                    print(shape, n_s, "browser", rows[shape, n_s], flush=True)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a glance; writes nothing")
    quick = parser.parse_args().quick
    changes = 4 if quick else 20
    comm.create_comm = Wire
    kernel = {}
    for shape in SHAPES:
        for n_s in STAGES:
            kernel[shape, n_s] = asyncio.run(kernel_side(shape, n_s, changes))
            print(shape, n_s, "kernel", kernel[shape, n_s], flush=True)
    browser = measure_browser(changes)
    rows = [
        {"shape": shape, "n_s": n_s, "kernel": kernel[shape, n_s], "browser": browser[shape, n_s]}
        for shape in SHAPES
        for n_s in STAGES
    ]
    found = {"machine": machine(), "version": version("f2f-viz"), "rows": rows}
    print(latency_table(found))
    if not quick:
        (HERE / "latency.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
