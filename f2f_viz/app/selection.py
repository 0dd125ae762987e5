"""What every view points at: one bit, hence one weight, block, plane and cycle."""

from dataclasses import dataclass, replace

import numpy as np

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
        Output bit of the block; with the block it says which weight.
    """

    plane: int = 0
    cycle: int = 0
    bit: int = 0

    def within(self, analysis: Analysis) -> "Selection":
        """Return the nearest that the analysis has."""
        counts = {"plane": len(analysis.planes), "cycle": analysis.blocks, "bit": analysis.n_out}
        return replace(self, **{k: max(min(getattr(self, k), n - 1), 0) for k, n in counts.items()})

    def next_block(self, analysis: Analysis, n_u: int) -> "Selection":
        """Return the next block with so many care bits, at its first care bit; self if none has."""
        found = np.flatnonzero(analysis.n_u == n_u)
        if not found.size:
            return self
        cycle = int(found[np.searchsorted(found, self.cycle, "right") % found.size])
        index = analysis.layout.weights(np.array([cycle]))[0]
        care = (index >= 0) & analysis.mask.reshape(-1)[index]
        return replace(self, cycle=cycle, bit=int(care.argmax()))

    def next_mismatch(self, analysis: Analysis) -> "Selection":
        """Return the next bit of this plane, or else of one after it, that is corrected.

        Self if there is none, as in a preview, where no bit is known to be.
        """
        if (encoded := analysis.encoded) is None:
            return self
        here, planes = self.cycle * analysis.n_out + self.bit, len(encoded.planes)
        for step in range(planes + 1):
            plane = (self.plane + step) % planes
            wrong = np.sort(encoded.positions(encoded.planes[plane]))
            found = wrong[wrong > here] if step == 0 else wrong
            if found.size:
                cycle, bit = divmod(int(found[0]), analysis.n_out)
                return Selection(plane, cycle, bit)
        return self
