"""How to code a layer: everything that the encoder may choose, in one frozen object."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from f2f_viz.choices import Choice, Choices, checked_flag, checked_number
from f2f_viz.codec.blocks import MAX_N_OUT, ORDERS
from f2f_viz.codec.corrections import CODINGS
from f2f_viz.codec.mask_coding import MASK_CODINGS
from f2f_viz.codec.network import MATRICES, XorNetwork, drawn, row_weights
from f2f_viz.codec.trellis import MAX_STATE_BITS, max_n_in
from f2f_viz.errors import F2FError

__all__ = ["PRESETS", "Code", "Preset", "code_of"]


@dataclass(frozen=True)
class Code:
    """How to code a layer; ``Code()`` is the default of Python, command line and app.

    Attributes
    ----------
    n_in : int
        Bits of a symbol.
    n_s : int
        Stages of the decoder's shift register; 0 is the combinational decoder.
    n_out : int or None
        Bits of a block; None takes floor(n_in / (1 − S)), S the mask's sparsity.
    fit_n_out : bool
        Where n_out is None, take the length near it that stores the fewest bits (`recipe`).
    plain : bool
        Where n_out is None, store planes as they are (M the identity, n_out = n_in) if symbols
        and corrections take more, as they can where little is pruned.
    order : str
        Which weight is which bit of which block: a name of `blocks.ORDERS`.
    coding : str
        How corrections are written: a name of `corrections.CODINGS`.
    mask_coding : str
        How the mask is written: a name of `mask_coding.MASK_CODINGS`.
    recode : bool
        Store exponents (whole integers) as ranks (`exponent_ranks`).
    zero_rate : bool
        Store skewed planes without symbols where that pays (`planes`).
    matrix : str
        How M is drawn: a name of `network.MATRICES`.
    weights : tuple of int or None
        Of the matrix ``light``: ones of a row on x_t, at most, then on x_{t−1}, x_{t−2}, …; the
        last holds for all older symbols (`XorNetwork.light`).
    seed : int
        Of the matrix M.

    Raises
    ------
    F2FError
        For a value out of range; its `field` names it.
    """

    n_in: int = 8
    n_s: int = 1
    n_out: int | None = None
    fit_n_out: bool = True
    plain: bool = True
    order: str = "interleaved"
    coding: str = "rank"
    mask_coding: str = "rice"
    recode: bool = True
    zero_rate: bool = True
    matrix: str = "odd"
    weights: tuple[int | None, ...] = (3, 1)
    seed: int = 0

    def __post_init__(self) -> None:
        ORDERS.pick(self.order)
        CODINGS.pick(self.coding)
        MASK_CODINGS.pick(self.mask_coding)
        MATRICES.pick(self.matrix)
        object.__setattr__(self, "weights", row_weights(self.weights))
        checked_flag(self, "fit_n_out", "plain", "recode", "zero_rate")
        checked_number(self, "n_s", int, 0, MAX_STATE_BITS)
        most = max_n_in(self.n_s)
        why = f"at n_s = {self.n_s} the exact search takes symbols of up to {most} bits"
        checked_number(self, "n_in", int, 1, most, why)
        checked_number(self, "seed", int, 0, 2**63 - 1)
        if self.n_out is not None:
            checked_number(self, "n_out", int, 1, MAX_N_OUT)

    @classmethod
    def start(cls, **chosen: Any) -> "Code":
        """Return a plain code to begin with: no ranks, no fitted blocks, all planes searched.

        Parameters
        ----------
        **chosen
            Fields to choose, such as ``order="row"``.
        """
        return code_of(PRESETS["start"].code, chosen)

    @classmethod
    def paper(cls, **chosen: Any) -> "Code":
        """Return the paper's own code: its order, block length, corrections and a bitmap.

        Parameters
        ----------
        **chosen
            Fields to choose, such as ``n_s=2``.
        """
        return code_of(PRESETS["paper"].code, chosen)

    @classmethod
    def fixed_rate(cls, **chosen: Any) -> "Code":
        """Return a code whose file has a fixed rate: corrections in slots, a bitmap, all symbols.

        Parameters
        ----------
        **chosen
            Fields to choose, such as ``n_s=1``.
        """
        return code_of(PRESETS["fixed_rate"].code, chosen)

    def network(self, n_out: int) -> XorNetwork:
        """Return the decoder that this code has at a block length."""
        family = MATRICES[self.matrix]
        return drawn(family, self.n_in, n_out, self.n_s, self.weights, self.seed)

    @property
    def preset(self) -> str | None:
        """Name of the entry of `PRESETS` that this is, whatever n_in, n_s and seed."""
        for name, entry in PRESETS.items():
            if self == replace(entry.code, n_in=self.n_in, n_s=self.n_s, seed=self.seed):
                return name
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values by field."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return found | {"weights": list(self.weights)}


@dataclass(frozen=True, kw_only=True)
class Preset(Choice):
    """A named way to code; n_in, n_s and seed stay free."""

    code: Code


PRESETS = Choices(
    "preset",
    [
        Preset(
            name="default",
            label="Default",
            help="Small files that open fast.",
            cost="ranks and a fitted block length, beyond the paper",
            code=Code(),
        ),
        Preset(
            name="start",
            label="Start",
            help="A plain code to begin with: no ranks, no fitted blocks, all planes searched.",
            cost="more bits than Default",
            code=Code(fit_n_out=False, plain=False, recode=False, zero_rate=False),
        ),
        Preset(
            name="paper",
            label="The paper's",
            help="Row order, floor(n_in / (1 − S)), corrections by chunk, the mask as a bitmap.",
            cost="more corrections where kept weights cluster",
            code=Code(
                fit_n_out=False,
                plain=False,
                order="row",
                coding="chunk",
                mask_coding="bitmap",
                recode=False,
                zero_rate=False,
                matrix="uniform",
            ),
        ),
        Preset(
            name="fixed_rate",
            label="Fixed rate",
            help="Symbols, corrections and mask at a constant rate: slots, a bitmap.",
            cost="slots cost more than ranks, a bitmap a bit per weight",
            code=Code(
                n_s=2,
                coding="slots",
                mask_coding="bitmap",
                zero_rate=False,
            ),
        ),
    ],
)
"""Named ways to code."""


def code_of(code: Code | None, chosen: Mapping[str, Any]) -> Code:
    """Return a code, the default if None, with some fields chosen otherwise.

    Raises
    ------
    F2FError
        For an unknown field or a value out of range.
    """
    if code is not None and not isinstance(code, Code):
        raise F2FError("code", expected="a Code", got=type(code).__name__, field="code")
    known = [field.name for field in fields(Code)]
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise F2FError(
            "unknown fields of Code", expected=f"some of {', '.join(known)}", got=", ".join(unknown)
        )
    return replace(code or Code(), **chosen)
