"""The decoder of F2F: XOR gates and shift-register stages (Park et al. 2022, section 3).

A block of n_out bits is y_t = M [x_t ; x_{t-1} ; … ; x_{t-n_s}] over GF(2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.arguments import as_array, checked, in_range
from f2f_viz.choices import Choice, Choices
from f2f_viz.codec import _core
from f2f_viz.codec.blocks import MAX_N_OUT
from f2f_viz.codec.packing import pack_mask
from f2f_viz.errors import F2FError, named

__all__ = [
    "MATRICES",
    "MAX_N_S",
    "MOST_TILE_BLOCKS",
    "MatrixFamily",
    "XorNetwork",
    "drawn",
    "row_weights",
    "symbol_name",
]

MAX_N_IN = 12
MAX_N_S = 16
MOST_ROW_WEIGHTS = MAX_N_S + 1
MOST_TILE_BLOCKS = 1 << 40


@dataclass(frozen=True, init=False, eq=False)
class XorNetwork:
    """A sequential XOR-gate decoder.

    Parameters
    ----------
    matrix : array of 0/1, shape (n_out, n_in (n_s + 1))
        M. Column n_in·k + j meets bit j of x_{t−k}; bit 0 of a symbol is its least significant.
    n_in : int
        Bits of a symbol.

    Attributes
    ----------
    matrix : ndarray of uint8
    n_in, n_out, n_s : int
        Symbol bits, block bits and register stages.

    Examples
    --------
    y0 = bit 0 of the symbol, y1 = bit 1, y2 = their sum:

    >>> XorNetwork([[1, 0], [0, 1], [1, 1]], n_in=2).decode([1, 2, 3]).astype(int)
    array([[1, 0, 1],
           [0, 1, 1],
           [1, 1, 0]])
    """

    matrix: NDArray[np.uint8]
    n_in: int

    @checked
    def __init__(self, matrix: Any, n_in: int):
        given = as_array("matrix", matrix)
        if given.ndim != 2 or given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
            raise F2FError(
                "a decoder matrix holds zeros and ones",
                expected="0/1 of shape (n_out, n_in (n_s + 1))",
                got=f"{given.dtype} of shape {given.shape}",
            )
        _check(n_in, 0, given.shape[0])
        if given.shape[1] == 0 or given.shape[1] % n_in:
            raise F2FError(
                "matrix columns must be a multiple of n_in",
                expected=f"a multiple of {n_in}",
                got=given.shape[1],
            )
        _check(n_in, given.shape[1] // n_in - 1, given.shape[0])
        own = np.array(given, dtype=np.uint8, order="C")
        own.flags.writeable = False
        object.__setattr__(self, "matrix", own)
        object.__setattr__(self, "n_in", int(n_in))

    @classmethod
    @checked
    def random(cls, n_in: int, n_out: int, n_s: int, *, seed: int = 0) -> "XorNetwork":
        """Draw a good network; the same arguments always give the same one.

        The rows that meet x_t are distinct and no three of them add up to zero, as far as n_out
        allows: they are drawn without repetition off a random hyperplane of GF(2)^n_in (2^(n_in−1)
        vectors), then from the rest of the non-zero vectors, then over again. So few care rows of a
        block depend on one another. The rows that meet older symbols are random. At n_in = 8,
        S = 0.9 this matches 93.96 ± 0.02 % of the care bits at n_s = 0 (mean ± deviation over 20
        seeds), where wholly random matrices match 93.37 ± 0.19 %; and 98.73 ± 0.01 % against
        98.68 ± 0.02 % at n_s = 1.

        Parameters
        ----------
        n_in, n_out, n_s : int
            Symbol bits, block bits, register stages.
        seed : int
            Any non-negative integer.
        """
        _check(n_in, n_s, n_out)
        rng = _generator(seed)
        matrix = rng.integers(0, 2, (n_out, n_in * (n_s + 1)), dtype=np.uint8)
        vectors = np.arange(1, 1 << n_in)
        off = np.bitwise_count(vectors & rng.integers(1, 1 << n_in)) % 2 == 1
        drawn = _repeated(
            lambda: np.concatenate([rng.permutation(vectors[off]), rng.permutation(vectors[~off])]),
            n_out,
        )
        matrix[:, :n_in] = drawn[:, None] >> np.arange(n_in) & 1
        return cls(matrix, n_in)

    @classmethod
    @checked
    def uniform(cls, n_in: int, n_out: int, n_s: int, *, seed: int = 0) -> "XorNetwork":
        """Draw a wholly random network, the paper's; parameters as in `random`."""
        _check(n_in, n_s, n_out)
        rng = _generator(seed)
        return cls(rng.integers(0, 2, (n_out, n_in * (n_s + 1)), dtype=np.uint8), n_in)

    @classmethod
    @checked
    def light(
        cls,
        n_in: int,
        n_out: int,
        n_s: int,
        *,
        weights: Sequence[int | None] = (3, 1),
        seed: int = 0,
    ) -> "XorNetwork":
        """Draw a network of few gates; the same arguments always give the same one.

        The rows that meet x_t are distinct as far as their weight allows: odd weights before even
        ones, since no three rows of odd weight add up to zero, and light ones before heavy ones.
        The rows that meet an older symbol all have one weight and use its bits evenly.

        Parameters
        ----------
        n_in, n_out, n_s : int
            Symbol bits, block bits, register stages.
        weights : sequence of int or None
            Ones of a row on x_t, at most; then exactly on x_{t−1}, x_{t−2}, …; the last holds for
            all older symbols. None, or none given: any weight on x_t, random rows on older ones.
        seed : int
            Any non-negative integer.

        Raises
        ------
        F2FError
            For a weight that a row of n_in bits cannot have.
        """
        _check(n_in, n_s, n_out)
        newest, *older = row_weights(weights) if weights else (None,)
        older = [*(older or [None])]
        for weight, least, most in ((newest, 1, MAX_N_IN), *((w, 0, n_in) for w in older)):
            if weight is not None and not least <= weight <= most:
                raise F2FError(
                    "weight of a matrix row", expected=f"{least} to {most}", got=weight,
                    field="weights",
                )  # fmt: skip
        rng = _generator(seed)
        vectors = np.arange(1 << n_in)
        ones = np.bitwise_count(vectors)

        def odd_and_light() -> NDArray[np.int64]:
            own = rng.permutation(vectors[(ones > 0) & (ones <= (newest or n_in))])
            count = np.bitwise_count(own)
            return own[np.lexsort((count, count % 2 == 0))]

        def of_weight(weight: int | None) -> NDArray[np.int64]:
            if weight is None:
                return rng.integers(0, 1 << n_in, n_out)
            return rng.permutation(vectors[ones == weight])

        rows = [_repeated(odd_and_light, n_out)]
        for weight in (older + older[-1:] * n_s)[:n_s]:
            rows.append(_repeated(partial(of_weight, weight), n_out))
        matrix = np.stack(rows, axis=1)[:, :, None] >> np.arange(n_in) & 1
        return cls(matrix.reshape(n_out, -1), n_in)

    @classmethod
    @checked
    def plain(cls, n_in: int, n_s: int) -> "XorNetwork":
        """Return the network whose blocks are its symbols: M is the identity, then zeros."""
        _check(n_in, n_s, n_in)
        return cls(np.eye(n_in, n_in * (n_s + 1), dtype=np.uint8), n_in)

    @cached_property
    def is_plain(self) -> bool:
        """Whether blocks are symbols as they are, so that there is nothing to search."""
        return np.array_equal(self.matrix, np.eye(self.n_in, self.matrix.shape[1]))

    @property
    def n_out(self) -> int:
        """Bits of a block."""
        return int(self.matrix.shape[0])

    @property
    def n_s(self) -> int:
        """Shift-register stages."""
        return int(self.matrix.shape[1]) // self.n_in - 1

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, XorNetwork)
            and self.n_in == other.n_in
            and np.array_equal(self.matrix, other.matrix)
        )

    def __hash__(self) -> int:
        return hash((self.n_in, self.matrix.tobytes()))

    def register_stages(self) -> NDArray[np.bool_]:
        """Tabulate each stage's contribution to a block.

        Returns
        -------
        ndarray of bool, shape (n_s + 1, 2**n_in, n_out)
            Entry [k, x] is what symbol x adds (XOR) to a block when it is x_{t−k}.
        """
        bits = np.arange(1 << self.n_in)[:, None] >> np.arange(self.n_in) & 1
        stages = self.matrix.reshape(self.n_out, self.n_s + 1, self.n_in).transpose(1, 2, 0)
        # float matmul is exact here (sums up to n_in) and uses BLAS
        return (bits.astype(np.float32) @ stages.astype(np.float32)).astype(np.int64) % 2 == 1

    @cached_property
    def tables(self) -> NDArray[np.uint64]:
        """`register_stages` packed, shape (n_s + 1, 2**n_in, ceil(n_out / 64))."""
        stages = self.register_stages()
        return pack_mask(stages.reshape(-1, self.n_out)).reshape(*stages.shape[:2], -1)

    @cached_property
    def columns(self) -> NDArray[np.uint64]:
        """Columns of M packed for the search, shape (n_in (n_s + 1), ceil(n_out / 64))."""
        return pack_mask(np.ascontiguousarray(self.matrix.T).astype(bool))

    @cached_property
    def row_bytes(self) -> NDArray[np.uint8]:
        """M for the decoder's kernels, shape (n_s + 1, ceil(n_in / 8), 64 ceil(n_out / 64)).

        Entry [k, h, i] holds the bits of row i that meet bits 8h … of x_{t−k}.
        """
        halves = -(-self.n_in // 8)
        bits = np.zeros((self.n_s + 1, 8 * halves, -(-self.n_out // 64) * 64), np.uint8)
        stages = self.matrix.reshape(self.n_out, self.n_s + 1, self.n_in)
        bits[:, : self.n_in, : self.n_out] = stages.transpose(1, 2, 0)
        octets = bits.reshape(self.n_s + 1, halves, 8, -1)
        return np.ascontiguousarray(np.packbits(octets, axis=2, bitorder="little")[:, :, 0])

    def decode_packed(self, symbols: NDArray[np.uint16], tile_blocks: int) -> NDArray[np.uint64]:
        """Decode all planes, the register starting at zero in every tile.

        Parameters
        ----------
        symbols : ndarray of uint16 below 2**n_in, shape (planes, blocks)
        tile_blocks : int

        Returns
        -------
        ndarray of uint64, shape (planes, blocks, ceil(n_out / 64))
            Packed as in `f2f_viz.codec.packing`.
        """
        symbols = np.ascontiguousarray(as_array("symbols", symbols))
        tile_blocks = in_range("tile_blocks", tile_blocks, int, 1, MOST_TILE_BLOCKS)
        if symbols.dtype != np.uint16 or symbols.ndim != 2:
            raise F2FError(
                "symbols of planes",
                expected="uint16 of shape (planes, blocks)",
                got=symbols,
            )
        self.check_symbols(symbols)
        tables = self.tables
        out = np.zeros((*symbols.shape, tables.shape[2]), np.uint64)
        if out.size:
            _core.decode_packed(tables, symbols, tile_blocks, out)
        return out

    def check_symbols(self, symbols: NDArray[Any]) -> None:
        """Raise F2FError if a symbol has more than n_in bits."""
        if symbols.size and int(symbols.max()) >> self.n_in:
            raise F2FError(
                "symbol too large", expected=f"below {1 << self.n_in}", got=int(symbols.max())
            )

    def decode(self, symbols: Any) -> NDArray[np.bool_]:
        """Decode symbols, the register starting at zero.

        Parameters
        ----------
        symbols : array of unsigned ints below 2**n_in, shape (blocks,)

        Returns
        -------
        ndarray of bool, shape (blocks, n_out)
        """
        x = as_array("symbols", symbols)
        if x.ndim != 1 or (x.size and (x.dtype.kind not in "ui" or x.min() < 0)):
            raise F2FError(
                "symbols are a vector of unsigned integers",
                expected="unsigned ints of shape (blocks,)",
                got=f"{x.dtype} of shape {x.shape}",
            )
        self.check_symbols(x)
        out = np.zeros((x.size, self.n_out), dtype=bool)
        for k, table in enumerate(self.register_stages()[: max(x.size, 1)]):
            out[k:] ^= table[x[: x.size - k].astype(np.intp)]
        return out


def _check(n_in: int, n_s: int, n_out: int) -> None:
    for what, name, value, low, high in (
        ("symbol bits", "n_in", n_in, 1, MAX_N_IN),
        ("register stages", "n_s", n_s, 0, MAX_N_S),
        ("block bits", "n_out", n_out, 1, MAX_N_OUT),
    ):
        if not low <= value <= high:
            raise F2FError(
                f"{what} out of range", expected=f"{name} {low} to {high}", got=value, field=name
            )


def _generator(seed: int) -> np.random.Generator:
    if seed < 0:
        raise F2FError("seed", expected="a whole number ≥ 0", got=seed, field="seed")
    return np.random.Generator(np.random.PCG64(seed))


def row_weights(weights: Any) -> tuple[int | None, ...]:
    """Return row weights as a tuple; lists and a text such as "3,1" are taken too.

    Raises
    ------
    F2FError
        If they are no weights of rows.
    """
    try:
        parts = weights.split(",") if isinstance(weights, str) else [*weights]
        found = tuple(None if w in (None, "") else int(w) for w in parts)
    except (TypeError, ValueError, OverflowError):
        found = ()
    fit = all(w is None or 0 <= w <= MAX_N_IN for w in found)
    if not 1 <= len(found) <= MOST_ROW_WEIGHTS or not fit or found[0] == 0:
        raise F2FError(
            "weight of a matrix row",
            expected=f"1 to {MOST_ROW_WEIGHTS} numbers up to {MAX_N_IN}, such as (3, 1)",
            got=named(weights),
            field="weights",
        )
    return found


def _repeated(draw: Callable[[], NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """Draw again and again until there are `count` rows."""
    drawn = draw()
    while drawn.size < count:
        drawn = np.concatenate([drawn, draw()])
    return drawn[:count]


Weights = tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class MatrixFamily(Choice):
    """A way to draw the matrix M.

    Attributes
    ----------
    draw : callable
        ``draw(n_in, n_out, n_s, weights, seed)`` gives the network; only ``light`` reads `weights`.
    """

    draw: Callable[[int, int, int, Weights, int], XorNetwork]


MATRICES = Choices(
    "matrix",
    [
        MatrixFamily(
            name="odd",
            wire=0,
            label="Odd rows, light first",
            help="Rows of odd weight on x_t, light ones first; random rows on older symbols.",
            cost="7 to 27 % fewer naive gates than random rows, at equal efficiency",
            draw=lambda n_in, n_out, n_s, weights, seed: XorNetwork.light(
                n_in, n_out, n_s, weights=(None, None), seed=seed
            ),
        ),
        MatrixFamily(
            name="random",
            wire=1,
            label="Random, rows apart",
            help="Rows on x_t no three of which add up to zero; random rows on older symbols.",
            cost="more gates than odd rows",
            draw=lambda n_in, n_out, n_s, weights, seed: XorNetwork.random(
                n_in, n_out, n_s, seed=seed
            ),
        ),
        MatrixFamily(
            name="uniform",
            wire=2,
            label="Uniform (the paper's)",
            help="Every entry of M is 0 or 1 alike.",
            cost="at n_s = 0 some 0.7 points of efficiency",
            draw=lambda n_in, n_out, n_s, weights, seed: XorNetwork.uniform(
                n_in, n_out, n_s, seed=seed
            ),
        ),
        MatrixFamily(
            name="light",
            wire=3,
            label="Light rows",
            help="At most weights[0] ones of a row on x_t, weights[1] on each older symbol.",
            cost="with 3 and 1 half the shared gates, and 0.8 points of efficiency at n_s = 1",
            draw=lambda n_in, n_out, n_s, weights, seed: XorNetwork.light(
                n_in, n_out, n_s, weights=weights, seed=seed
            ),
        ),
    ],
)
"""The known families of matrices."""


@lru_cache(maxsize=64)
def drawn(
    family: MatrixFamily, n_in: int, n_out: int, n_s: int, weights: Weights, seed: int
) -> XorNetwork:
    """Draw a network, or return the one drawn before: a model's layers share a few."""
    return family.draw(n_in, n_out, n_s, weights, seed)


def symbol_name(stage: int) -> str:
    """Return how a symbol of the register is called: xₜ, xₜ₋₁, xₜ₋₂, …"""
    digits = "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(stage))
    return f"xₜ₋{digits}" if stage else "xₜ"
