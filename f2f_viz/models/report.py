"""The account of a model's .f2f file: totals, and every encoded layer."""

import math
from dataclasses import dataclass, field
from typing import Any

from f2f_viz.analysis.compare import Comparison, compare, total
from f2f_viz.analysis.dataframe import dataframe
from f2f_viz.analysis.report import Report, report
from f2f_viz.codec.decode import decode_verified
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.parallel import as_finished, workers
from f2f_viz.errors import Progress
from f2f_viz.files.layer_file import stored_bits
from f2f_viz.files.model_file import ModelFile, Slot
from f2f_viz.tensors.loaders import TensorInfo
from f2f_viz.tensors.roles import ROLES, with_roles

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
    reasons : dict of str to str
        Why each of them is.
    carried_bytes, frame_bytes, model_bytes, file_bytes : int
        Of the carried tensors, of an ONNX model's rest as it is stored, of the model as it came,
        and of this file.
    matrix_bits : int
        Of the matrices that the layers share.
    """

    layers: tuple[LayerReport, ...]
    carried: tuple[str, ...]
    carried_bytes: int
    frame_bytes: int
    model_bytes: int
    file_bytes: int
    matrix_bits: int
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def bits(self) -> dict[str, int]:
        """Bits of payload, corrections, mask, matrix, and header: all else but what is carried."""
        parts = ("payload", "corrections", "mask")
        found = {part: sum(layer.report.bits[part] for layer in self.layers) for part in parts}
        found["matrix"] = self.matrix_bits
        ours = 8 * (self.file_bytes - self.carried_bytes - self.frame_bytes)
        return found | {"header": ours - sum(found.values())}

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


def account(layers: dict[str, Report], model: ModelFile) -> ModelReport:
    """Make the report of a file, given those of its layers."""
    slots = model.slots
    carried = tuple(name for name in slots if name not in layers)
    whole = 8 + len(model.header) + len(model.frame or b"")
    return ModelReport(
        layers=tuple(
            LayerReport(name, slot.shape, slot.dtype, layers[name])
            for name, slot in slots.items()
            if name in layers
        ),
        carried=carried,
        reasons=_reasons(slots, carried),
        carried_bytes=sum(slots[name].nbytes for name in carried),
        frame_bytes=model.frame_bytes,
        model_bytes=whole + sum(slot.nbytes for slot in slots.values()),
        file_bytes=model.fingerprint.size,
        matrix_bits=model.matrix_bits,
    )


def _report(layer: Encoded) -> Report:
    return report(layer, stored_bits(layer, alone=False))


def _reasons(slots: dict[str, Slot], carried: tuple[str, ...]) -> dict[str, str]:
    """Say of carried tensors what they are; a file does not tell rules."""
    infos = with_roles(
        TensorInfo(name, slots[name].shape, slots[name].dtype, slots[name].nbytes) for name in slots
    )
    roles = {info.name: ROLES[info.role] for info in infos}
    return {
        name: "a rule, or no smaller when coded" if roles[name].pruned else roles[name].help
        for name in carried
    }


def model_report(model: ModelFile) -> ModelReport:
    """Account for every bit of a model's file, from the file alone."""
    layers = {name: _report(model.layer(name)) for name in model.layers}
    return account(layers, model)


def model_rivals(
    model: ModelFile, progress: Progress | None = None, *, threads: int | None = None
) -> Comparison:
    """Add up the encoded layers of a model in every format (`compare.compare`).

    Layers are measured side by side, the largest first. `progress` is told weights; what it raises
    ends all at once, save that threads end the format which they have begun.
    """
    sizes = {name: math.prod(model.slots[name].shape) for name in model.layers}
    order = sorted(sizes, key=lambda name: -sizes[name])
    done = dict.fromkeys(order, 0)

    def run(name: str) -> Comparison:
        def inner(part: int, whole: int) -> None:
            done[name] = sizes[name] * part // whole

        layer = model.layer(name)
        return compare(
            decode_verified(layer, name), layer.mask, layer, alone=False, threads=1, progress=inner
        )

    def poll() -> None:
        if progress:
            progress(sum(done.values()), sum(sizes.values()))

    found = dict(as_finished(run, order, workers(threads), poll=poll))
    poll()
    return total(found[name] for name in model.layers)
