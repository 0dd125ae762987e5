"""The account of an encoded layer: every stored bit, and the ratios with their denominators."""

from dataclasses import dataclass

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import word_bits
from f2f_viz.codec.encoded import Encoded
from f2f_viz.codec.entropy import max_ratio
from f2f_viz.files import layer_file

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """What an encoded layer costs.

    Attributes
    ----------
    sparsity : float
        S, pruned weights / all weights.
    max_ratio : float
        1 / (1 − S), the entropy bound on `ratio`.
    ratio : float
        The paper's accounting: dense bits / (payload + corrections).
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
    planes = word_bits(encoded.dtype)
    bits = layer_file.stored_bits(encoded) if bits is None else bits
    coded_planes = [plane for plane in encoded.planes if not plane.zero_rate]
    care_bits = encoded.kept * len(coded_planes)
    mismatches = sum(plane.corrections.size for plane in coded_planes)
    dense = encoded.size * planes
    coded = bits["payload"] + bits["corrections"]
    return Report(
        sparsity=1 - encoded.kept / encoded.size if encoded.size else 0.0,
        max_ratio=max_ratio(encoded.kept, encoded.size),
        ratio=dense / coded if coded else float("inf"),
        file_ratio=dense / sum(bits.values()),
        efficiency=1 - mismatches / care_bits if care_bits else 1.0,
        care_bits=care_bits,
        mismatches=mismatches,
        dense_bits=dense,
        kept_bits=encoded.kept * planes,
        bits=bits,
    )
