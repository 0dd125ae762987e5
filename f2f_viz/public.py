"""The public names, as users write them: ``f2f_viz.encode``."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.analysis.report import Report, report
from f2f_viz.analysis.survey import Survey, SurveyRow, survey
from f2f_viz.analysis.sweep import Sweep, SweepPoint, sweep
from f2f_viz.codec.code import Code
from f2f_viz.codec.decode import decode, decode_rows, decode_tile
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.matmul import matmul
from f2f_viz.codec.network import XorNetwork
from f2f_viz.codec.trace import Trace, trace
from f2f_viz.codec.trellis import BitEncoding, encode_bits
from f2f_viz.errors import Cancelled, F2FError
from f2f_viz.files.layer_file import open, save
from f2f_viz.hardware.gates import Gates, gates
from f2f_viz.hardware.verilog import verilog
from f2f_viz.models.decode import decode_model
from f2f_viz.models.encode import encode_model
from f2f_viz.samples import sample_layer, sample_names
from f2f_viz.settings import Settings
from f2f_viz.tensors.encode import encode
from f2f_viz.tensors.layer import Layer, TensorInfo, list_tensors, load_layer
from f2f_viz.tensors.pruning import prune, prune_together, register_pruning
from f2f_viz.tensors.quantize import quantize

if TYPE_CHECKING:
    from f2f_viz.app.analyzer import Analyzer
    from f2f_viz.figures.catalogue import figure
    from f2f_viz.figures.lesson import lesson

__version__ = version("f2f-viz")
__all__ = [
    "Analysis",
    "Analyzer",
    "BitEncoding",
    "Cancelled",
    "Code",
    "Encoded",
    "F2FError",
    "Gates",
    "Layer",
    "Report",
    "Settings",
    "Survey",
    "SurveyRow",
    "Sweep",
    "SweepPoint",
    "TensorInfo",
    "Trace",
    "XorNetwork",
    "analyze",
    "decode",
    "decode_model",
    "decode_rows",
    "decode_tile",
    "encode",
    "encode_bits",
    "encode_model",
    "figure",
    "gates",
    "lesson",
    "list_tensors",
    "load_layer",
    "matmul",
    "open",
    "prune",
    "prune_together",
    "quantize",
    "register_pruning",
    "report",
    "sample_layer",
    "sample_names",
    "save",
    "survey",
    "sweep",
    "trace",
    "verilog",
]


def __getattr__(name: str) -> Any:
    # The widget and the figures bring bokeh and ipywidgets; the codec alone starts without them.
    if name == "Analyzer":
        from f2f_viz.app.analyzer import Analyzer

        return Analyzer
    if name == "figure":
        from f2f_viz.figures.catalogue import figure

        return figure
    if name == "lesson":
        from f2f_viz.figures.lesson import lesson

        return lesson
    raise AttributeError(f"module 'f2f_viz' has no attribute {name!r}")
