"""The account of an encoded layer: every stored bit, and the ratios with their denominators."""

from dataclasses import dataclass

from f2f_viz.arguments import checked
from f2f_viz.codec.encoded import Encoded
from f2f_viz.display import html_table, text_line
from f2f_viz.files import layer_file
from f2f_viz.text import times

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """What an encoded layer costs.

    Attributes
    ----------
    sparsity : float
        S, pruned weights / all weights.
    max_ratio : float
        1 / (1 − S), the entropy bound on `ratio`; infinite where nothing is kept.
    ratio : float
        The paper's accounting: dense bits / (payload + corrections); infinite where there is
        neither, nothing to code.
    file_ratio : float
        Whole file: dense bits / all bits of the file.
    efficiency : float
        E, matched care bits / all care bits, of the planes that have symbols; 1 where there is
        none.
    care_bits, mismatches : int
        Care bits of those planes, and those the decoder gets wrong.
    dense_bits, kept_bits : int
        Bits of all weights, and of the kept ones, in all planes.
    bits : dict of str to int
        payload (n_in bits per block and plane), corrections, mask, matrix, header (all else in the
        file); they add up to the file's size.
    """

    sparsity: float
    max_ratio: float
    ratio: float
    file_ratio: float
    efficiency: float
    care_bits: int
    mismatches: int
    dense_bits: int
    kept_bits: int
    bits: dict[str, int]

    def __repr__(self) -> str:
        return text_line("Report", self._facts())

    def _repr_html_(self) -> str:
        return html_table(
            "Report", self._facts() | {f"{part} bits": f"{n:,}" for part, n in self.bits.items()}
        )

    def _facts(self) -> dict[str, str]:
        """Say in short what it costs."""
        return {
            "S": f"{self.sparsity:.4f}",
            "ratio": times(self.ratio, 3),
            "max_ratio": times(self.max_ratio, 3),
            "file_ratio": f"{self.file_ratio:.3f}",
            "efficiency": f"{self.efficiency:.4f}",
        }

    @property
    def of_bound(self) -> float:
        """Share of the entropy bound reached, ratio / max_ratio = kept bits / coded bits."""
        coded = self.bits["payload"] + self.bits["corrections"]
        return self.kept_bits / coded if coded else 1.0

    @property
    def per_kept_bit(self) -> float:
        """Payload + corrections over the kept weights' bits; the bound is 1."""
        return 1 / self.of_bound if self.of_bound else float("inf")


@checked
def report(encoded: Encoded, bits: dict[str, int] | None = None) -> Report:
    """Account for an encoded layer.

    Parameters
    ----------
    encoded : Encoded
    bits : dict of str to int, optional
        What `layer_file.stored_bits` gives, if known; else the file is laid out in memory.
    """
    bits = layer_file.stored_bits(encoded) if bits is None else bits
    coded = bits["payload"] + bits["corrections"]
    return Report(
        sparsity=encoded.sparsity,
        max_ratio=encoded.max_ratio,
        ratio=encoded.dense_bits / coded if coded else float("inf"),
        file_ratio=encoded.dense_bits / sum(bits.values()),
        efficiency=encoded.efficiency,
        care_bits=encoded.care_bits,
        mismatches=encoded.mismatches,
        dense_bits=encoded.dense_bits,
        kept_bits=encoded.kept_bits,
        bits=bits,
    )
