# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Decoding kernels: symbols of all planes to words of weights. No policy, no validation."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

cdef extern from "decode/decode.h" nogil:
    int F2F_MOST_PLANES
    int F2F_WINDOW
    ctypedef struct f2f_layer:
        int64_t size, blocks, n_out, words, tile_blocks, step, back
        int planes, itemsize, n_in, stages, halves
        const uint8_t *matrix
        const uint16_t *const *symbols
        const uint32_t *const *corrections
        const int64_t *counts
        uint64_t invert
        const uint16_t *values
        int shift, width

    int f2f_best_decode_set()
    void f2f_rows(const f2f_layer *, const uint8_t *, int64_t, int64_t, uint64_t *, int)
    void f2f_starts(const f2f_layer *, const uint64_t *, int64_t *, int)
    int f2f_words(const f2f_layer *, const uint64_t *, const int64_t *, int64_t, int64_t, char *,
                  int)
    void f2f_place(const f2f_layer *, const uint8_t *, const uint64_t *, const int64_t *,
                   const char *, int64_t, int64_t, char *, char *,
                   int)
    void f2f_take(const f2f_layer *, const uint64_t *, const int64_t *, const char *, int64_t,
                  int64_t, char *, int)
    void f2f_planes(const uint8_t *, int, int, const uint64_t *, int64_t, int64_t, const char *,
                    int64_t, int64_t, uint64_t *, int)

cdef extern from * nogil:
    int lowest "__builtin_ctzll"(uint64_t)

ctypedef fused word_t:
    uint8_t
    uint16_t
    uint32_t
    uint64_t

WINDOW = F2F_WINDOW
MOST_PLANES = F2F_MOST_PLANES


def best_level():
    """The best level this machine runs: 0 portable, 1 AVX2, 2 AVX2 and GFNI, 3 AVX-512 and GFNI."""
    return f2f_best_decode_set()


cdef class Layer:
    """A layer as decode/layer.h describes it; holds on to its arrays."""

    cdef f2f_layer d
    cdef const uint16_t *_symbols[64]
    cdef const uint32_t *_corrections[64]
    cdef int64_t _counts[64]
    cdef tuple _held

    def __init__(self, int64_t size, int64_t blocks, int64_t n_out, int64_t tile_blocks,
                 int64_t step, int64_t back, int itemsize, int n_in,
                 const uint8_t[:, :, ::1] matrix, list symbols, list corrections, uint64_t invert,
                 const uint16_t[::1] values, int shift, int width):
        cdef const uint16_t[::1] own
        cdef const uint32_t[::1] wrong
        cdef int p
        self._held = (matrix, symbols, corrections, values)
        self.d.size, self.d.blocks = size, blocks
        self.d.n_out, self.d.words = n_out, (n_out + 63) // 64
        self.d.tile_blocks, self.d.step, self.d.back = tile_blocks, step, back
        self.d.planes, self.d.itemsize, self.d.n_in = <int> len(symbols), itemsize, n_in
        self.d.stages, self.d.halves = <int> matrix.shape[0], <int> matrix.shape[1]
        self.d.matrix = &matrix[0, 0, 0]
        for p in range(self.d.planes):
            self._symbols[p], self._corrections[p] = NULL, NULL
            if symbols[p] is not None:
                own = symbols[p]
                if own.shape[0]:
                    self._symbols[p] = &own[0]
            wrong = corrections[p]
            self._counts[p] = wrong.shape[0]
            if wrong.shape[0]:
                self._corrections[p] = &wrong[0]
        self.d.symbols, self.d.corrections = self._symbols, self._corrections
        self.d.counts = self._counts
        self.d.invert = invert
        self.d.values = NULL if values is None else &values[0]
        self.d.shift, self.d.width = shift, width

    def rows(self, const uint8_t[::1] mask, int64_t first, int64_t last, uint64_t[:, ::1] out,
             int level):
        """Care bits of the blocks at addresses first … last − 1 to out (blocks, words)."""
        with nogil:
            f2f_rows(&self.d, &mask[0], first, last, &out[0, 0], level)

    def starts(self, const uint64_t[:, ::1] rows, int64_t[::1] out, int level):
        """Care bits before each block to out (blocks + 1,)."""
        with nogil:
            f2f_starts(&self.d, &rows[0, 0], &out[0], level)

    def words(self, const uint64_t[:, ::1] rows, const int64_t[::1] start, int64_t first,
              int64_t last, uint8_t[::1] kept, int level):
        """Words of the kept weights of blocks first … last − 1; 0, or what is wrong (layer.h)."""
        cdef int status
        with nogil:
            status = f2f_words(&self.d, &rows[0, 0], &start[0], first, last, <char *> &kept[0],
                               level)
        return status

    def place(self, const uint8_t[::1] mask, const uint64_t[:, ::1] rows, const int64_t[::1] start,
              const uint8_t[::1] kept, int64_t first, int64_t last, uint8_t[::1] window,
              uint8_t[::1] out, int level):
        """Kept words of the blocks at addresses first … last − 1 to their places in `out`."""
        cdef char *through = NULL if window is None else <char *> &window[0]
        with nogil:
            f2f_place(&self.d, &mask[0], &rows[0, 0], &start[0], <const char *> &kept[0], first,
                      last, through, <char *> &out[0], level)

    def take(self, const uint64_t[:, ::1] rows, const int64_t[::1] start,
             const uint8_t[::1] dense, int64_t first, int64_t last, uint8_t[::1] kept, int level):
        """Words of the kept weights of the blocks at addresses first … last − 1 to their ranks."""
        with nogil:
            f2f_take(&self.d, &rows[0, 0], &start[0], <const char *> &dense[0], first, last,
                     <char *> &kept[0], level)


def planes(const uint8_t[::1] bit, int itemsize, const uint64_t[:, ::1] rows,
           const uint8_t[::1] kept, int64_t first, int64_t last, uint64_t[:, :, ::1] out,
           int level):
    """Bits of the kept words of blocks first … last − 1 to out (planes, blocks, words)."""
    cdef int64_t words = rows.shape[1], blocks = rows.shape[0]
    cdef int count = <int> bit.shape[0]
    cdef const char *own = <const char *> &kept[0] if kept.shape[0] else NULL
    if count and last > first:
        with nogil:
            f2f_planes(&bit[0], count, itemsize, &rows[0, 0], blocks, words, own, first, last,
                       &out[0, 0, 0], level)


cdef void _ones(const word_t[::1] words, int64_t rank, int64_t *at, uint32_t *out) noexcept nogil:
    cdef Py_ssize_t j
    cdef uint64_t left
    cdef int q
    for j in range(words.shape[0]):
        left = words[j]
        while left:
            q = lowest(left)
            if out != NULL:
                out[at[q]] = <uint32_t> (rank + j)
            at[q] += 1
            left &= left - 1


def ones(const word_t[::1] words, int64_t rank, int64_t[::1] at, uint32_t[::1] out):
    """List which words have each bit: rank + j, for word j, to out[at[q]], which then grows.

    at (64,); without `out` the words are only counted.
    """
    cdef uint32_t *to = NULL if out is None else &out[0]
    with nogil:
        _ones(words, rank, &at[0], to)


def clear(uint8_t[::1] out):
    """Zero bytes, not empty; NumPy takes nearly twice as long."""
    with nogil:
        memset(&out[0], 0, <size_t> out.shape[0])
