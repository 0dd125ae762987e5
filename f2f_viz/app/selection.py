"""What every view points at."""

from dataclasses import dataclass, replace

from f2f_viz.analysis.analyze import Analysis

__all__ = ["Selection"]


@dataclass(frozen=True)
class Selection:
    """A bit of a block of a plane.

    Attributes
    ----------
    plane : int
        Bit-plane, 0 the most significant.
    cycle : int
        Cycle of the decoder, which is the block.
    bit : int
        Output bit of the block.
    """

    plane: int = 0
    cycle: int = 0
    bit: int = 0

    def within(self, analysis: Analysis) -> "Selection":
        """Return the nearest that the analysis has."""
        counts = {"plane": len(analysis.planes), "cycle": analysis.blocks, "bit": analysis.n_out}
        return replace(self, **{k: max(min(getattr(self, k), n - 1), 0) for k, n in counts.items()})
