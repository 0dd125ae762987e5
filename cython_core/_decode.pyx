# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Decoding kernel: symbols of all planes to words of weights. No policy, no validation."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "decode.h" nogil:
    int F2F_RUN
    ctypedef struct f2f_decoder:
        const uint64_t *tables
        const uint16_t *symbols
        const uint64_t *invert
        const uint8_t *mask
        int64_t stages, symbols_count, words, blocks, planes, n_out, tile_blocks, size, stride

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


def correct(word_t[::1] words, const int64_t[::1] positions, word_t bit, int64_t n_out,
            int64_t blocks, int64_t step):
    """Flip a bit of the weights at positions t·n_out + i; step: t·step mod l is t's address, or 0.

    Weight i·l + address in the interleaved order, the position itself (step 0) in row order;
    positions of the padding are passed over.
    """
    cdef Py_ssize_t k
    cdef int64_t t, at
    with nogil:
        for k in range(positions.shape[0]):
            at = positions[k]
            if step:
                t = at // n_out
                at = (at - t * n_out) * blocks + t * step % blocks
            if 0 <= at < words.shape[0]:  # not the padding
                words[at] ^= bit
