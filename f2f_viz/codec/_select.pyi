"""The compiled kernels (cython_core/_select.pyx), typed where they are called."""

from typing import Any

def __getattr__(name: str) -> Any: ...
