"""What a user chooses: one frozen, validated, serialisable object."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

from f2f_viz.choices import Choice, Choices, checked_number
from f2f_viz.codec.blocks import MAX_N_OUT, ORDERS
from f2f_viz.codec.code import Code, code_of
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import MATRICES
from f2f_viz.codec.trellis import MAX_STATE_BITS, max_n_in
from f2f_viz.errors import F2FError, named
from f2f_viz.tensors.layer import mask_of, scores_of, split_name
from f2f_viz.tensors.pruning import METHODS, PER
from f2f_viz.tensors.quantize import NUMBER_FORMATS, STORED

__all__ = ["FIELDS", "Field", "Settings"]

_CODE_NAMES = {
    "matrix_seed" if field.name == "seed" else field.name: field.name for field in fields(Code)
}
"""Code's fields by the keywords that `Settings` takes; its own seed is that of pruning."""


_CODE = Code()


@dataclass(frozen=True, init=False)
class Settings:
    """Pruning, number format and code of an analysis.

    Parameters
    ----------
    code : Code, optional
        How to code; ``Code()`` if not given.
    **chosen
        Attributes below, and fields of `Code` to choose otherwise: ``Settings(rate=0.9, n_s=2)``;
        the matrix's seed is ``matrix_seed``.

    Attributes
    ----------
    number_format : str
        As stored, or quantized after pruning: a name of `quantize.NUMBER_FORMATS`.
    method : str
        Pruning method: a name of `pruning.METHODS`.
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
    seed : int
        Of random pruning.
    code : Code

    Raises
    ------
    F2FError
        For an unknown name or a value out of range; its `field` names it.
    """

    number_format: str = STORED
    method: str = "magnitude"
    rate: float = 0.9
    per: str = "layer"
    threshold: float = 0.0
    pattern: str = "2:4"
    mask: str | None = None
    scores: str | None = None
    seed: int = 0
    code: Code = _CODE

    def __init__(self, *, code: Code | None = None, **chosen: Any) -> None:
        own = {field.name: field.default for field in fields(self)}
        unknown = sorted(set(chosen) - set(own) - set(_CODE_NAMES))
        if unknown:
            raise F2FError(
                "unknown settings",
                expected=f"some of {', '.join(self.names())}",
                got=", ".join(unknown),
            )
        code_fields = {_CODE_NAMES[name]: chosen.pop(name) for name in {*chosen} - set(own)}
        try:
            coded = code_of(code, code_fields)
        except F2FError as error:
            here = {field: name for name, field in _CODE_NAMES.items()}
            error.field = here.get(error.field, error.field)
            raise
        for name, value in (own | chosen | {"code": coded}).items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        NUMBER_FORMATS.pick(self.number_format)
        PER.pick(self.per)
        needs = METHODS.pick(self.method).needs
        if needs and not getattr(self, needs):
            raise F2FError(
                f"method {self.method!r} reads a file", expected="its path", got="none", field=needs
            )
        for name in ("pattern", "mask", "scores"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "pattern"):
                raise F2FError(name, expected="a text", got=named(value), field=name)
        checked_number(self, "rate", float, 0, 1)
        checked_number(self, "threshold", float, 0, sys.float_info.max)
        checked_number(self, "seed", int, 0, 2**63 - 1)

    @classmethod
    def names(cls) -> list[str]:
        """Return the keywords that are taken, those of the code too."""
        return [field.name for field in fields(cls) if field.name != "code"] + [*_CODE_NAMES]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values by the keywords of `names`; `from_dict` takes them."""
        values = self.code.to_dict()
        code = {name: values[field] for name, field in _CODE_NAMES.items()}
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        del own["code"]
        return own | code

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Settings":
        """Make settings of JSON values.

        Raises
        ------
        F2FError
            For an unknown name or a value out of range.
        """
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise F2FError("settings", expected="values by name", got=named(values))
        return cls(**values)

    def replace(self, **chosen: Any) -> "Settings":
        """Return these settings with some keywords of `names` chosen otherwise."""
        return Settings(**self.to_dict() | chosen)

    @property
    def files(self) -> list[str]:
        """Paths of the files that pruning by these settings reads."""
        return [
            split_name(value)[0]
            for name, value in self.pruning_options().items()
            if FIELDS[name].read is not None and value
        ]

    def anywhere(self) -> "Settings":
        """Return the same for another folder: paths of files are absolute."""
        named = {field.name: getattr(self, field.name) for field in FIELDS.values() if field.read}
        return self.replace(**{name: os.path.abspath(path) for name, path in named.items() if path})

    def pruning_options(self) -> dict[str, Any]:
        """Return the options of `pruning.prune` that the method takes."""
        return {name: getattr(self, name) for name in METHODS[self.method].options}


@dataclass(frozen=True, kw_only=True)
class Field(Choice):
    """A keyword of `Settings` as command line, app and documentation show it.

    Attributes
    ----------
    kind : type
        bool, int, float or str.
    choices : Choices or None
        The table that a str names an entry of.
    low, high : float
        Range of a number.
    read : callable or None
        Of a str that is the path of a file: ``read(path, layer)`` gives the array for a layer.
    """

    kind: type
    choices: Choices[Any] | None = None
    low: float = 0
    high: float = float("inf")
    read: Callable[[str, str], NDArray[Any]] | None = None


FIELDS = Choices(
    "setting",
    [
        Field(name="number_format", label="Number format", kind=str, choices=NUMBER_FORMATS,
              help="As stored, or quantized after pruning."),
        Field(name="method", label="Method", kind=str, choices=METHODS,
              help="How weights to prune are chosen."),
        Field(name="rate", label="Pruning rate S", kind=float, high=1,
              help="Share of the weights to prune."),
        Field(name="per", label="Alike in", kind=str, choices=PER,
              help="For magnitude: what loses the same share."),
        Field(name="threshold", label="Threshold", kind=float,
              help="For threshold: keep absolute values above it."),
        Field(name="pattern", label="Pattern N:M", kind=str,
              help="For n:m: keep N of every M, such as 2:4."),
        Field(name="mask", label="Mask file", kind=str, read=mask_of,
              help="For mask: a file of booleans, or of weights that are zero where pruned; "
              "FILE:NAME names a tensor of it."),
        Field(name="scores", label="Scores file", kind=str,
              read=scores_of,
              help="For scores: a file of one number per weight, or FILE:NAME; the highest stay."),
        Field(name="seed", label="Pruning seed", kind=int, high=2**63 - 1,
              help="Of random pruning."),
        Field(name="n_in", label="Symbol bits n_in", kind=int, low=1, high=max_n_in(0),
              help="Bits of a symbol, what is stored for a block."),
        Field(name="n_s", label="Register stages n_s", kind=int, high=MAX_STATE_BITS,
              help="Older symbols that the decoder still sees; 0 has no register."),
        Field(name="n_out", label="Block bits n_out", kind=int, low=1, high=MAX_N_OUT,
              help="Bits of a block; about n_in / (1 - S) if not given."),
        Field(name="fit_n_out", label="Fit n_out", kind=bool,
              help="Blocks somewhat longer, if that stores fewer bits."),
        Field(name="plain", label="Plain planes", kind=bool,
              help="Planes as they are, if that stores fewer bits."),
        Field(name="order", label="Block order", kind=str, choices=ORDERS,
              help="Which weight is which bit of which block."),
        Field(name="coding", label="Corrections", kind=str, choices=CODINGS,
              help="How corrections are written."),
        Field(name="mask_coding", label="Mask", kind=str, choices=MASK_CODINGS,
              help="How the mask is written."),
        Field(name="recode", label="Exponents as ranks", kind=bool,
              help="Exponents as ranks, the most frequent first."),
        Field(name="zero_rate", label="Zero-rate planes", kind=bool,
              help="Skewed planes without symbols, where that pays."),
        Field(name="matrix", label="Matrix M", kind=str, choices=MATRICES,
              help="How the decoder's matrix is drawn."),
        Field(name="weights", label="Row weights", kind=str,
              help="For matrix light: ones of a row on x_t and on older symbols, such as 3,1."),
        Field(name="matrix_seed", label="Matrix seed", kind=int, high=2**63 - 1,
              help="Of the decoder's matrix M."),
    ],
)  # fmt: skip
"""All keywords of `Settings`, in the order in which they are offered."""
