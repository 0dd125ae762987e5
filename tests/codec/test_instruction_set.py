"""F2F_VIZ_ISA: one reading of it for search and decoding, and none that breaks the import."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import f2f_viz as f2f
from f2f_viz.codec import _core, _decode
from f2f_viz.codec.instruction_set import NAMES, instruction_set

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(
    not CPUINFO.exists() or platform.machine() != "x86_64", reason="Linux on x86_64 lists them"
)
def test_the_machines_best_is_what_linux_lists():
    lines = CPUINFO.read_text().splitlines()
    listed = set(next(line for line in lines if line.startswith("flags")).split())
    avx2 = {"avx2", "bmi1", "bmi2", "popcnt"}
    wide = avx2 | {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512vbmi"}
    searching = [avx2, wide | {"avx512_vpopcntdq", "avx512_bitalg"}]
    decoding = [avx2, avx2 | {"gfni"}, wide | {"gfni", "avx512_vbmi2"}]
    assert _core.best_instruction_set() == sum(needed <= listed for needed in searching)
    assert _decode.best_level() == sum(needed <= listed for needed in decoding)


@pytest.mark.parametrize("asked", ["", *NAMES])
def test_what_is_asked_for_or_the_machines_best(monkeypatch, asked):
    monkeypatch.setenv("F2F_VIZ_ISA", asked)
    wanted = NAMES.index(asked or NAMES[-1])
    assert instruction_set() == min(wanted, _core.best_instruction_set())


@pytest.mark.parametrize("asked", [*NAMES, "AVX2", "2", "sse"])
def test_search_and_decoding_read_it_alike(monkeypatch, asked):
    weights = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    mask = np.abs(weights) > 1.5
    monkeypatch.delenv("F2F_VIZ_ISA", raising=False)
    encoded = f2f.encode(weights, mask)
    monkeypatch.setenv("F2F_VIZ_ISA", asked)
    if asked in NAMES:
        again = f2f.encode(weights, mask)
        for one, other in zip(again.planes, encoded.planes, strict=True):
            np.testing.assert_array_equal(one.symbols, other.symbols)
        np.testing.assert_array_equal(f2f.decode(again), np.where(mask, weights, 0))
    else:
        with pytest.raises(f2f.F2FError, match="F2F_VIZ_ISA"):
            f2f.encode(weights, mask)
        with pytest.raises(f2f.F2FError, match="portable or avx2 or avx512"):
            f2f.decode(encoded)


@pytest.mark.parametrize("asked", ["avx2", "nonsense"])
def test_the_import_does_not_depend_on_it(asked):
    environment = {**os.environ, "F2F_VIZ_ISA": asked}
    subprocess.run([sys.executable, "-c", "import f2f_viz"], env=environment, check=True)
