# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Kernels of f2f_viz: no policy, no validation."""

from libc.stdint cimport int64_t, uint16_t, uint64_t

cdef extern from "search/search.h" nogil:
    ctypedef struct f2f_code:
        int n_in
        int n_s
        int n_out
        int words
        const uint64_t *cols

    ctypedef struct f2f_tile:
        pass

    enum f2f_instruction_set:
        pass

    int f2f_tile_init(f2f_tile *tile, const f2f_code *code, const uint64_t *care, int64_t blocks)
    void f2f_tile_free(f2f_tile *tile)
    f2f_instruction_set f2f_best_instruction_set()
    int f2f_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                   uint16_t *symbols, int64_t *mismatches, const int *cancel,
                   f2f_instruction_set instruction_set)


def best_instruction_set():
    """The best instruction set this machine runs: 0 portable, 1 AVX2, 2 AVX-512."""
    return <int> f2f_best_instruction_set()


def search_tile(int n_in, int n_s, int n_out, const uint64_t[:, ::1] cols,
                const uint64_t[:, :, ::1] bits, const uint64_t[:, ::1] care,
                uint16_t[:, ::1] symbols, int64_t[::1] mismatches, const int[::1] cancel,
                int64_t[::1] done, int instruction_set):
    """Search one tile, plane after plane; 0 ok, 1 cancelled, 2 out of memory.

    cols (n_in·(n_s + 1), words), bits (planes, blocks, words), care (blocks, words), symbols
    (planes, blocks), mismatches (planes,); cancel (1,), which another thread may set; done (1,)
    counts planes. What they hold is in search/search.h. words is at least 1.
    """
    cdef f2f_code code
    cdef f2f_tile tile
    cdef int status
    cdef Py_ssize_t plane, blocks = care.shape[0]
    code.n_in, code.n_s, code.n_out, code.words = n_in, n_s, n_out, <int> cols.shape[1]
    code.cols = &cols[0, 0]
    if blocks == 0:
        return 0
    with nogil:
        status = f2f_tile_init(&tile, &code, &care[0, 0], blocks)
        for plane in range(bits.shape[0]):
            if status == 0:
                status = f2f_search(&code, &tile, &bits[plane, 0, 0], &symbols[plane, 0],
                                    &mismatches[plane], &cancel[0],
                                    <f2f_instruction_set> instruction_set)
                done[0] += 1
        f2f_tile_free(&tile)
    return status


cdef void _decode(const uint64_t[:, :, ::1] tables, const uint16_t[:, ::1] symbols,
                  Py_ssize_t tile, uint64_t[:, :, ::1] out) noexcept nogil:
    cdef Py_ssize_t p, t, k, w
    for p in range(out.shape[0]):
        for t in range(out.shape[1]):
            for k in range(tables.shape[0]):
                if k > t % tile:
                    break
                for w in range(out.shape[2]):
                    out[p, t, w] ^= tables[k, symbols[p, t - k], w]


def decode_packed(const uint64_t[:, :, ::1] tables, const uint16_t[:, ::1] symbols,
                  Py_ssize_t tile, uint64_t[:, :, ::1] out):
    """XOR the tables of all register stages; out (planes, blocks, words) is zero."""
    with nogil:
        _decode(tables, symbols, tile, out)
