import numpy as np
from dataclasses import dataclass
from f2f_viz.errors import Cancelled

TILE_BLOCKS = 4096
MAX_STATE_BITS = 16


def max_n_in(n_s):
    return 12 if n_s == 0 else 16 // n_s if n_s > 1 else 10


def search_seconds(n_in, n_s, n_out, blocks, planes):
    return {0: 2e-7, 1: 5e-7}.get(n_s, 8e-6) * blocks * planes


@dataclass
class TileSearch:
    symbols: object
    mismatches: object


class BitEncoding:
    pass


def encode_bits(*a, **k):
    pass


def search_tiles(
    bits, care, network, *, tile_blocks=4096, threads=None, progress=None, cancel=None
):
    if cancel and cancel.is_set():
        raise Cancelled
    P, B, W = bits.shape
    n_in = network.n_in
    M = network.matrix.astype(np.uint8)
    cols = np.zeros((M.shape[1], W * 64), np.uint8)
    cols[:, : M.shape[0]] = M.T
    cols = np.packbits(cols, axis=1, bitorder="little").view("<u8")

    def tab(k):
        t = np.zeros((1 << n_in, W), np.uint64)
        for x in range(1 << n_in):
            for j in range(n_in):
                if x >> j & 1:
                    t[x] ^= cols[k * n_in + j]
        return t

    T = [tab(k) for k in range(network.n_s + 1)]
    sy = np.zeros((P, B), np.uint16)
    for t in range(B):
        o = np.zeros((P, W), np.uint64)
        for k in range(1, network.n_s + 1):
            if t % tile_blocks >= k:
                o ^= T[k][sy[:, t - k]]
        d = np.bitwise_count(((o[:, None] ^ T[0][None]) ^ bits[:, t][:, None]) & care[t]).sum(2)
        sy[:, t] = d.argmin(1)
    if progress:
        progress(1, 1)
    return TileSearch(sy, None)
