"""The machine that figures were measured on."""

import os
import platform
from pathlib import Path

import numpy as np

from f2f_viz.codec import _core

INSTRUCTION_SETS = ("portable", "AVX2", "AVX-512")


def machine():
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    isa = INSTRUCTION_SETS[_core.best_instruction_set()]
    return f"{model}, {os.cpu_count()} CPUs, {isa}, {platform.system()}, NumPy {np.__version__}"
