"""Which instruction set the kernels use: the machine's best, or less if F2F_VIZ_ISA names one."""

import os

from f2f_viz.codec import _core, _decode
from f2f_viz.errors import F2FError

__all__ = ["NAMES", "decoding_set", "instruction_set"]

NAMES = ("portable", "avx2", "avx512")
"""What the environment variable F2F_VIZ_ISA may say. All give the same results."""
DECODING_SET = _decode.best_level()
"""Most of cython_core/decode and coding: 0 portable, 1 AVX2, 2 AVX2 with GFNI, 3 AVX-512."""


def instruction_set() -> int:
    """Return the index in `NAMES` of what the kernels use; read anew at each call.

    Raises
    ------
    F2FError
        If F2F_VIZ_ISA names none.
    """
    best: int = _core.best_instruction_set()
    asked = os.environ.get("F2F_VIZ_ISA") or NAMES[-1]
    if asked not in NAMES:
        raise F2FError(
            "F2F_VIZ_ISA names no instruction set", expected=" or ".join(NAMES), got=asked
        )
    return min(NAMES.index(asked), best)


def decoding_set() -> int:
    """Return what decoding and bit strings use: `DECODING_SET`, or less as F2F_VIZ_ISA says."""
    return min(DECODING_SET, (0, 2, 3)[instruction_set()])
