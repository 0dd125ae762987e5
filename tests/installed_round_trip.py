"""Run by .ci/run where only the built package is installed: a round trip through files, and the app."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import numpy as np

import f2f_viz as f2f

assert "site-packages" in f2f.__file__, f"not the installed package: {f2f.__file__}"
layer = f2f.sample_layer()
with tempfile.TemporaryDirectory() as folder:
    source, coded, back = (Path(folder) / name for name in ("w.npy", "w.f2f", "back.npy"))
    np.save(source, layer.weights)

    def run(*arguments):
        command = [str(Path(sys.executable).with_name("f2f-viz")), *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    report = json.loads(
        run("encode", source, "-o", coded, "--rate", "0.8", "--no-fit-n-out", "--json")
    )
    run("verify", coded)
    run("decode", coded, "-o", back)
    mask = f2f.prune(layer.weights, 0.8)
    pruned = np.where(mask, layer.weights, layer.weights.dtype.type(0))
    assert np.load(back).tobytes() == pruned.tobytes()
    assert report["efficiency"] > 0.98, report
print(
    f"{Path(f2f.__file__).parent}: round trip of {layer.name} is bit-exact, ratio {report['ratio']:.3f}"
)

# and the app answers with its page
app = [str(Path(sys.executable).with_name("f2f-viz")), "app", "--no-browser"]
with subprocess.Popen(app, stdout=subprocess.PIPE, text=True) as server:
    try:
        address = server.stdout.readline().strip()
        asks = build_opener(HTTPCookieProcessor())
        with asks.open(address, timeout=120) as page:
            text = page.read().decode()
    finally:
        server.terminate()
assert server.returncode == 0, server.returncode
assert "<title>f2f-viz</title>" in text, text[:2000]
print("the app answers")
