from dataclasses import dataclass
import numpy as np
from f2f_viz.errors import F2FError


@dataclass(frozen=True, eq=False)
class XorNetwork:
    matrix: np.ndarray
    n_in: int

    @property
    def n_out(self):
        return self.matrix.shape[0]

    @property
    def n_s(self):
        return self.matrix.shape[1] // self.n_in - 1

    @classmethod
    def random(cls, n_in, n_out, n_s, *, seed=0):
        if n_in < 1:
            raise F2FError("n_in", expected=">=1", got=n_in)
        if n_s < 0:
            raise F2FError("n_s", expected=">=0", got=n_s)
        if n_in * n_s > 16:
            raise F2FError("n_in*n_s", expected="<=16", got=n_in * n_s)
        return cls(
            np.random.default_rng(seed).integers(0, 2, (n_out, n_in * (n_s + 1))).astype(bool), n_in
        )

    def reg(self, sym, tile):
        t = np.arange(len(sym))[:, None]
        k = np.arange(self.n_s + 1)[None]
        ok = t % tile >= k
        r = (
            np.where(ok, sym[np.where(ok, t - k, 0)], 0)
            if len(sym)
            else np.zeros((0, self.n_s + 1), int)
        )
        return (r[:, :, None] >> np.arange(self.n_in) & 1).reshape(
            len(sym), self.n_in * (self.n_s + 1)
        )

    def decode(self, sym):
        sym = np.asarray(sym)
        return (self.reg(sym, max(len(sym), 1)) @ self.matrix.T.astype(int) & 1).astype(bool)

    def decode_packed(self, symbols, tile):
        from f2f_viz.packing import pack_mask

        return np.stack(
            [
                pack_mask((self.reg(s, tile) @ self.matrix.T.astype(int) & 1).astype(bool))
                for s in symbols
            ]
        )
