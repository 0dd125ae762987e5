"""How long a call takes: CPU time, which other work disturbs little, or by the clock."""

import time

import numpy as np


def cpu(run, repeat=3):
    """Least CPU seconds of a call."""
    best, calls = np.inf, 1
    for attempt in range(repeat + 1):
        begin = time.process_time()
        for _ in range(calls):
            run()
        spent = time.process_time() - begin
        if attempt:
            best = min(best, spent / calls)
        else:  # warm; and measure short calls together
            best, calls = (spent, 1) if repeat == 1 else (best, int(0.02 / max(spent, 1e-4)) + 1)
            if repeat == 1:
                break
    return best


def wall(run, repeat=5):
    """Median wall-clock milliseconds of a call."""
    spent = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begin)
    return float(np.median(spent)) * 1e3
