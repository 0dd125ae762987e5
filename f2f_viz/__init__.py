"""f2f-viz: exact fixed-to-fixed (F2F) coding of pruned weights, made visible.

The method is Park et al., "Encoding Weights of Irregular Sparsity for Fixed-to-Fixed Model
Compression", ICLR 2022, https://arxiv.org/abs/2105.01869.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from f2f_viz.analysis import Analysis, analyze
from f2f_viz.codec import Encoded, decode, decode_tile, encode
from f2f_viz.container import open, save
from f2f_viz.errors import Cancelled, F2FError
from f2f_viz.layers import Layer, TensorInfo, list_tensors, load_layer
from f2f_viz.model import decode_model, encode_model
from f2f_viz.network import XorNetwork
from f2f_viz.pruning import prune, prune_together
from f2f_viz.quantize import quantize
from f2f_viz.report import Report
from f2f_viz.samples import sample_layer, sample_names
from f2f_viz.settings import Settings
from f2f_viz.trace import Trace, trace
from f2f_viz.trellis import BitEncoding, encode_bits

if TYPE_CHECKING:
    from f2f_viz.app import Analyzer
    from f2f_viz.figures.export import figure

__version__ = version("f2f-viz")
__all__ = [
    "Analysis",
    "Analyzer",
    "BitEncoding",
    "Cancelled",
    "Encoded",
    "F2FError",
    "Layer",
    "Report",
    "Settings",
    "TensorInfo",
    "Trace",
    "XorNetwork",
    "analyze",
    "decode",
    "decode_model",
    "decode_tile",
    "encode",
    "encode_bits",
    "encode_model",
    "figure",
    "list_tensors",
    "load_layer",
    "open",
    "prune",
    "prune_together",
    "quantize",
    "sample_layer",
    "sample_names",
    "save",
    "trace",
]


def __getattr__(name: str) -> Any:
    # The widget and the figures bring bokeh and ipywidgets; the codec alone starts without them.
    if name == "Analyzer":
        from f2f_viz.app import Analyzer

        return Analyzer
    if name == "figure":
        from f2f_viz.figures.export import figure

        return figure
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
