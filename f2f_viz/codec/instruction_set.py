"""Which instruction set the kernels use: the machine's best, or less if F2F_VIZ_ISA names one."""

import os

from f2f_viz.codec import _core
from f2f_viz.errors import F2FError

__all__ = ["AVX512", "NAMES", "instruction_set"]

NAMES = ("portable", "avx2", "avx512")
"""What the environment variable F2F_VIZ_ISA may say. All give the same results."""
AVX512 = NAMES.index("avx512")


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
