"""The account of a model's .f2f file: totals, and every encoded layer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from f2f_viz.analysis.compare import Comparison, compare, total
from f2f_viz.analysis.dataframe import dataframe
from f2f_viz.analysis.report import Report, report
from f2f_viz.codec.decode import decoded
from f2f_viz.files.model_file import ModelFile, Slot

__all__ = ["LayerReport", "ModelReport", "model_report", "model_rivals"]


@dataclass(frozen=True)
class LayerReport:
    """One encoded tensor of a model.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
    report : Report
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    report: Report


@dataclass(frozen=True)
class ModelReport:
    """The account of a model's file.

    Attributes
    ----------
    layers : tuple of LayerReport
        Encoded tensors.
    carried : tuple of str
        Names of the tensors stored as they are: those not to prune, and pruned ones that are
        too small to gain.
    carried_bytes, model_bytes, file_bytes : int
        Of the carried tensors, of the model as a safetensors file, and of this file.
    """

    layers: tuple[LayerReport, ...]
    carried: tuple[str, ...]
    carried_bytes: int
    model_bytes: int
    file_bytes: int

    @property
    def bits(self) -> dict[str, int]:
        """Bits of payload, corrections, mask, matrix and header, over all encoded tensors."""
        parts = ("payload", "corrections", "mask", "matrix", "header")
        return {part: sum(layer.report.bits[part] for layer in self.layers) for part in parts}

    @property
    def dense_bits(self) -> int:
        """Bits of all weights of the encoded tensors."""
        return sum(layer.report.dense_bits for layer in self.layers)

    @property
    def kept_bits(self) -> int:
        """Bits of their kept weights."""
        return sum(layer.report.kept_bits for layer in self.layers)

    @property
    def per_kept_bit(self) -> float:
        """Payload + corrections over the kept weights' bits; the paper's bound is 1."""
        coded = self.bits["payload"] + self.bits["corrections"]
        return coded / self.kept_bits if self.kept_bits else 0.0

    @property
    def ratio(self) -> float:
        """The paper's accounting: dense bits of the encoded tensors / (payload + corrections)."""
        coded = self.bits["payload"] + self.bits["corrections"]
        return self.dense_bits / coded if coded else float("inf")

    @property
    def file_ratio(self) -> float:
        """Whole file: bytes of the model / bytes of this file."""
        return self.model_bytes / self.file_bytes

    def to_dataframe(self) -> Any:
        """Return a pandas.DataFrame, a row for each encoded tensor.

        Raises
        ------
        F2FError
            If pandas is not installed.
        """
        return dataframe(
            [
                {
                    "name": layer.name,
                    "shape": layer.shape,
                    "dtype": layer.dtype,
                    **{f: v for f, v in vars(layer.report).items() if f != "bits"},
                    **{f"{part} bits": bits for part, bits in layer.report.bits.items()},
                }
                for layer in self.layers
            ]
        )


def account(
    layers: dict[str, Report], slots: dict[str, Slot], rest: int, path: Path
) -> ModelReport:
    """Make the report of a file, given that of its layers and the bytes that are no tensors'."""
    carried = tuple(name for name in slots if name not in layers)
    return ModelReport(
        layers=tuple(
            LayerReport(name, slot.shape, slot.dtype, layers[name])
            for name, slot in slots.items()
            if name in layers
        ),
        carried=carried,
        carried_bytes=sum(slots[name].nbytes for name in carried),
        model_bytes=8 + rest + sum(slot.nbytes for slot in slots.values()),
        file_bytes=path.stat().st_size,
    )


def model_report(model: ModelFile) -> ModelReport:
    """Account for every bit of a model's file, from the file alone."""
    layers = {name: report(model.layer(name)) for name in model.layers}
    rest = len(model.header) + len(model.frame or b"")
    return account(layers, model.slots, rest, model.path)


def model_rivals(
    model: ModelFile, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Add up the encoded layers of a model in every format (`compare.compare`)."""
    found = []
    for name in model.layers:
        layer = model.layer(name)
        found.append(compare(decoded(layer, name), layer.mask, layer))
        if progress:
            progress(len(found), len(model.layers))
    return total(found)
