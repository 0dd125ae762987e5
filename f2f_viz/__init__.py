"""f2f-viz: exact fixed-to-fixed (F2F) coding of pruned weights, made visible."""

from importlib.metadata import version

__version__ = version("f2f-viz")
