"""What a user chooses: one frozen, validated, serialisable object."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from f2f_viz.codec.blocks import MAX_N_OUT, ORDERS
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.trellis import MAX_STATE_BITS, max_n_in
from f2f_viz.errors import F2FError
from f2f_viz.tensors.quantize import NUMBER_FORMATS, STORED

__all__ = ["PRESETS", "PRUNINGS", "Settings"]

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "n_out": None, "fit_n_out": False, "plain": False, "order": "row",
        "coding": "chunk", "mask_coding": "bitmap", "recode": False, "zero_rate": False,
    },
    "best": {
        "n_out": None, "fit_n_out": True, "plain": True, "order": "interleaved",
        "coding": "rank", "mask_coding": "range", "recode": True, "zero_rate": True,
    },
}  # fmt: skip
"""Named choices of how to code: the paper's own, and the smallest files."""
_PRUNING_OPTIONS: dict[str, tuple[str, ...]] = {
    "magnitude": ("per",),
    "random": (),
    "threshold": ("threshold",),
    "zeros": (),
    "n:m": ("pattern",),
    "mask": ("mask",),
    "scores": ("scores",),
}
_ALL_PRUNING_OPTIONS = {name for names in _PRUNING_OPTIONS.values() for name in names}
PRUNINGS = tuple(_PRUNING_OPTIONS)


@dataclass(frozen=True)
class Settings:
    """Pruning and code of an analysis.

    Attributes
    ----------
    number_format : str
        One of `quantize.NUMBER_FORMATS`: as stored, or quantized after pruning.
    method : {"magnitude", "random", "threshold", "zeros", "n:m", "mask", "scores"}
        Pruning method (`pruning.prune`).
    rate : float
        Share of the weights to prune, 0 to 1; used by ``magnitude``, ``random``, ``scores``.
    per : {"layer", "row"}
        Whether ``magnitude`` prunes the layer as one or every row alike.
    threshold : float
        ``threshold`` keeps absolute values above it.
    pattern : str
        ``n:m`` keeps N of every M, for instance ``2:4``.
    mask, scores : str or None
        Files that ``mask`` and ``scores`` read.
    n_in : int
        Bits of a symbol.
    n_s : int
        Register stages.
    n_out : int or None
        Bits of a block; None takes floor(n_in / (1 − S)).
    fit_n_out : bool
        Where n_out is None, take the length that stores the fewest bits (`fit`).
    plain : bool
        Where n_out is None, store planes as they are if symbols and corrections take more.
    order : {"interleaved", "row"}
        Block order.
    seed : int
        Of the matrix M, and of random pruning.
    coding : {"rank", "chunk"}
        Corrections by care rank, or the paper's position in chunk.
    mask_coding : {"range", "bitmap"}
        Mask range-coded, or one bit a weight.
    recode : bool
        Exponents (whole integers) as ranks.
    zero_rate : bool
        No symbols for skewed planes where that pays.
    """

    number_format: str = STORED
    method: str = "magnitude"
    rate: float = 0.9
    per: str = "layer"
    threshold: float = 0.0
    pattern: str = "2:4"
    mask: str | None = None
    scores: str | None = None
    n_in: int = 8
    n_s: int = 1
    n_out: int | None = None
    fit_n_out: bool = False
    plain: bool = False
    order: str = "interleaved"
    seed: int = 0
    coding: str = "rank"
    mask_coding: str = "range"
    recode: bool = False
    zero_rate: bool = False

    def __post_init__(self) -> None:
        self._choice("number_format", NUMBER_FORMATS)
        self._choice("method", PRUNINGS)
        self._choice("per", ("layer", "row"))
        for field in ("mask", "scores"):
            if self.method == field and not getattr(self, field):
                raise F2FError(
                    f"method {field!r} reads a file", expected="its path", got="none", field=field
                )
        self._choice("order", ORDERS)
        self._choice("coding", CODINGS)
        self._choice("mask_coding", MASK_CODINGS)
        for field in ("fit_n_out", "plain", "recode", "zero_rate"):
            self._choice(field, (False, True))
        self._number("rate", float, 0, 1)
        self._number("threshold", float, 0, float("inf"))
        self._number("n_s", int, 0, MAX_STATE_BITS)
        self._number("n_in", int, 1, max_n_in(self.n_s))
        self._number("seed", int, 0, 2**63 - 1)
        if self.n_out is not None:
            self._number("n_out", int, 1, MAX_N_OUT)

    def _choice(self, field: str, known: tuple[object, ...]) -> None:
        value = getattr(self, field)
        if value not in known:
            raise F2FError(
                field, expected=f"one of {', '.join(map(str, known))}", got=repr(value), field=field
            )

    def _number(self, field: str, kind: type, low: float, high: float) -> None:
        value = getattr(self, field)
        right = isinstance(value, (int, kind)) and not isinstance(value, bool)
        if not right or not low <= value <= high:
            raise F2FError(field, expected=f"{low} to {high}", got=repr(value), field=field)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` takes them."""
        return asdict(self)

    def pruning_options(self) -> dict[str, Any]:
        """Return the options of `pruning.prune` that the method takes."""
        names = _PRUNING_OPTIONS[self.method]
        return {name: getattr(self, name) for name in names}

    def codec_options(self) -> dict[str, Any]:
        """Return the keyword arguments of `codec.encode` that these settings mean."""
        others = {"number_format", "method", "rate", *_ALL_PRUNING_OPTIONS}
        return {name: value for name, value in self.to_dict().items() if name not in others}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Settings":
        """Make settings of plain values.

        Raises
        ------
        F2FError
            For an unknown name or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise F2FError(
                "unknown settings", expected=f"some of {', '.join(known)}", got=", ".join(unknown)
            )
        return cls(**values)
