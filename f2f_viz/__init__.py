"""f2f-viz: exact fixed-to-fixed (F2F) coding of pruned weights, made visible.

The method is Park et al., "Encoding Weights of Irregular Sparsity for Fixed-to-Fixed Model
Compression", ICLR 2022, https://arxiv.org/abs/2105.01869.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from f2f_viz.public import *  # noqa: F403
    from f2f_viz.public import __all__ as __all__
    from f2f_viz.public import __version__ as __version__


def __getattr__(name: str) -> Any:
    # Loaded with the first name that is asked for: the command line must come to its own handler of
    # Ctrl-C before half a second of imports.
    if name.startswith("__") and name not in ("__all__", "__version__"):
        raise AttributeError(name)
    public = import_module("f2f_viz.public")
    # a subpackage that this import brought is there now, as at the second time of asking
    return globals()[name] if name in globals() else getattr(public, name)


def __dir__() -> list[str]:
    return [*import_module("f2f_viz.public").__all__, *globals()]
