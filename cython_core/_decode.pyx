# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Decoding kernel: symbols of all planes to words of weights. No policy, no validation."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "decode/decode.h" nogil:
    int F2F_RUN
    ctypedef struct f2f_decoder:
        const uint64_t *tables
        const uint16_t *symbols
        const uint64_t *invert
        const uint8_t *mask
        int64_t stages, symbols_count, words, blocks, planes, n_out, tile_blocks, size, stride

    ctypedef struct f2f_address:
        pass

    f2f_address f2f_addressing(int64_t, int64_t, int64_t)
    int64_t f2f_weight_at(const f2f_address *, int64_t)
    int f2f_decode_simd()
    void f2f_decode_uint8_t(const f2f_decoder *, int64_t, int64_t, int, uint64_t *, uint8_t *,
                            uint8_t *)
    void f2f_decode_uint16_t(const f2f_decoder *, int64_t, int64_t, int, uint64_t *, uint16_t *,
                             uint16_t *)
    void f2f_decode_uint32_t(const f2f_decoder *, int64_t, int64_t, int, uint64_t *, uint32_t *,
                             uint32_t *)
    void f2f_decode_uint64_t(const f2f_decoder *, int64_t, int64_t, int, uint64_t *, uint64_t *,
                             uint64_t *)

RUN = F2F_RUN
cdef int64_t STRETCH = 8192  # weights corrected at a time: they stay in the first-level cache

ctypedef fused word_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


def has_simd():
    """Return whether this machine runs the AVX-512 and GFNI path."""
    return bool(f2f_decode_simd())


def decode_range(const uint64_t[:, :, ::1] tables, const uint16_t[:, ::1] symbols,
                 const uint64_t[::1] invert, const uint8_t[::1] mask, int64_t n_out,
                 int64_t tile_blocks, int64_t stride, int64_t start, int64_t stop, bint simd,
                 uint64_t[::1] raw, word_t[::1] run, word_t[::1] out):
    """Decode the blocks at addresses start … stop − 1 into out (size,); see decode.h."""
    cdef f2f_decoder d
    d.tables, d.symbols = &tables[0, 0, 0], &symbols[0, 0]
    d.invert, d.mask = &invert[0], &mask[0]
    d.stages, d.symbols_count, d.words = tables.shape[0], tables.shape[1], tables.shape[2]
    d.blocks, d.planes = symbols.shape[0], symbols.shape[1]
    d.n_out, d.tile_blocks, d.size, d.stride = n_out, tile_blocks, out.shape[0], stride
    with nogil:
        if word_t is uint8_t:
            f2f_decode_uint8_t(&d, start, stop, simd, &raw[0], &run[0], &out[0])
        elif word_t is uint16_t:
            f2f_decode_uint16_t(&d, start, stop, simd, &raw[0], &run[0], &out[0])
        elif word_t is uint32_t:
            f2f_decode_uint32_t(&d, start, stop, simd, &raw[0], &run[0], &out[0])
        else:
            f2f_decode_uint64_t(&d, start, stop, simd, &raw[0], &run[0], &out[0])


def by_block(list planes, uint16_t[:, ::1] out):
    """Write the symbols of all planes block by block, some at a time: out (blocks, planes)."""
    cdef const uint16_t *plane[64]
    cdef const uint16_t[::1] symbols
    cdef Py_ssize_t t, p, start, stop, blocks = out.shape[0], count = out.shape[1]
    if not blocks:
        return
    for p in range(count):
        symbols = planes[p]
        plane[p] = &symbols[0]
    with nogil:
        for start in range(0, blocks, 64):
            stop = min(start + 64, blocks)
            for p in range(count):
                for t in range(start, stop):
                    out[t, p] = plane[p][t]


def correct(word_t[::1] words, list corrections, int64_t n_out, int64_t blocks, int64_t step):
    """Flip bits: the last plane's, of weight 1, to the first's.

    Corrections are increasing positions t·n_out + i of each plane: of weight i·l + t·step mod l in
    the interleaved order; of the position itself, a stretch of weights at a time, where step is 0
    (row order). Those of the padding are passed over.
    """
    cdef const int64_t *at[64]
    cdef const int64_t *end[64]
    cdef const int64_t[::1] positions
    cdef int64_t size = words.shape[0], stop = 0, weight
    cdef Py_ssize_t p, planes = len(corrections)
    cdef f2f_address address = f2f_addressing(n_out, blocks, step)
    cdef word_t bit
    for p in range(planes):
        positions = corrections[planes - 1 - p]
        at[p] = end[p] = NULL
        if positions.shape[0]:
            at[p] = &positions[0]
            end[p] = at[p] + positions.shape[0]
    with nogil:
        while stop < size:
            stop = size if step else min(stop + STRETCH, size)
            for p in range(planes):
                bit = <word_t>1 << p
                while at[p] < end[p] and (step or at[p][0] < stop):
                    weight = f2f_weight_at(&address, at[p][0]) if step else at[p][0]
                    if 0 <= weight < size:  # not the padding
                        words[weight] ^= bit
                    at[p] += 1
