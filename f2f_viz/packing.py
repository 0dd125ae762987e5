import numpy as np


def pack_mask(m):
    b, n = m.shape
    W = -(-n // 64)
    out = np.zeros((b, W * 8), np.uint8)
    p = np.packbits(m, axis=1, bitorder="little")
    out[:, : p.shape[1]] = p
    return out.view("<u8")


def pack_planes(words, planes):
    return np.stack(
        [
            pack_mask(
                (words >> np.array(planes - 1 - p, words.dtype) & np.array(1, words.dtype)).astype(
                    bool
                )
            )
            for p in range(planes)
        ]
    )


def unpack_planes(bits, n_out, word):
    P = len(bits)
    out = np.zeros((bits.shape[1], n_out), word)
    for p in range(P):
        b = np.unpackbits(np.ascontiguousarray(bits[p]).view(np.uint8), axis=1, bitorder="little")[
            :, :n_out
        ]
        out |= b.astype(word) << np.array(P - 1 - p, word)
    return out
