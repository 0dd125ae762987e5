"""What goes with a figure in words: a caption, and the Python that makes it; both are computed."""

from collections.abc import Mapping
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.samples import sample_names
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer
from f2f_viz.tensors.pruning import METHODS

__all__ = ["code_for", "describe", "describe_pruning", "why_not_decoded", "why_nothing"]


def describe(analysis: Analysis) -> str:
    """Say in sentences what was measured, and on what."""
    a, code = analysis, analysis.settings.code
    shape = " × ".join(map(str, a.mask.shape))
    sampled = "" if a.exact else "estimated from a sample of blocks: "
    bound = "no weight is kept" if a.max_ratio == inf else f"1/(1 − S) = {a.max_ratio:.2f}"
    ratio = (
        f"ratio {a.ratio.value:.2f} (dense bits over payload and corrections; {bound})"
        if a.ratio.value < inf
        else "nothing to code"
    )
    return (
        f"Layer {a.layer.name} ({shape}, {a.layer.dtype}); pruning: "
        f"{describe_pruning(a.settings)}; sparsity S = {a.sparsity:.3f}. "
        f"F2F with n_in = {a.network.n_in}, n_out = {a.n_out}, n_s = {a.network.n_s}, "
        f"{a.layout.order} order, {code.matrix} matrix (seed {code.seed}), {code.coding} "
        f"corrections; {sampled}efficiency {100 * a.efficiency.value:.2f} %, {ratio}. "
        f"f2f-viz {version('f2f-viz')}."
    )


def why_nothing(analysis: Analysis) -> str:
    """Say why there is nothing to code; empty if there is."""
    if analysis.ratio.value < inf:
        return ""
    if not analysis.size:
        return "Nothing to code: the layer has no weights"
    if not analysis.kept:
        return "Nothing to code: no weight is kept"
    return "Nothing to code: in each plane all kept bits are equal"


def why_not_decoded(analysis: Analysis, plane: int) -> str:
    """Say of a plane of an exact analysis why there is no decoder to draw; empty if there is."""
    if nothing := why_nothing(analysis):
        return f"{nothing}. No gates decode it."
    p = analysis.planes[plane]
    if p.payload and analysis.network.is_plain:
        return "Stored as they are, the bits of this layer take less: no gates decode them."
    if p.payload:
        return ""
    filled = (
        f"it is filled with {int(p.inverted)}s, and its corrections, {p.mismatches:,.0f} of "
        f"{p.care_bits:,} care bits, flip the others"
    )
    return f"Plane {p.index}, {p.name}, has no symbols: {filled}. No gates decode it."


def describe_pruning(settings: Settings) -> str:
    """Say in a few words how a layer is pruned."""
    method = METHODS.pick(settings.method)
    if method.words is None:
        return f"{method.name} {settings.rate:g}"
    return method.words(settings.to_dict())


def code_for(
    name: str,
    analysis: Analysis,
    options: Mapping[str, Any],
    filename: str,
    sizes: Mapping[str, Any],
) -> str:
    """Return Python that makes a figure and saves it, from nothing.

    Parameters
    ----------
    name : str
        A name of `catalogue.FIGURES`.
    analysis : Analysis
    options : mapping
        What `catalogue.figure` takes beside the analysis.
    filename : str
    sizes : mapping
        What `Figure.save` takes beside the path.
    """
    usual = Settings().to_dict()
    chosen = analysis.settings.to_dict().items()
    settings = _arguments({key: value for key, value in chosen if value != usual[key]})
    return (
        "import f2f_viz as f2f\n\n"
        f"layer = {_load(analysis.given)}\n"
        f"analysis = f2f.analyze(layer, f2f.Settings({settings}))\n"
        f"made = f2f.figure({_call(repr(name), 'analysis', _arguments(options))})\n"
        f"made.save({_call(repr(filename), _arguments(sizes))})"
    )


def _call(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _arguments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _load(layer: Layer) -> str:
    if layer.name in sample_names():
        return f"f2f.sample_layer({layer.name!r})"
    if Path(layer.source).is_file():
        return f"f2f.load_layer({layer.source!r}, {layer.name!r})"
    return "layer  # that you gave"
