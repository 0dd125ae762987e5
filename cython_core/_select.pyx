# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Selection kernels: magnitudes, masks, sums of blocks. No policy, no validation: select.h."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "select/select.h" nogil:
    int F2F_KEYS, F2F_SPREAD
    ctypedef struct f2f_magnitudes:
        const void *words
        int itemsize
        uint64_t mask, largest
        int shift
        uint16_t *keys

    ctypedef struct f2f_selection:
        void (*count)(const f2f_magnitudes *, int64_t, int64_t, uint32_t *) noexcept nogil
        int64_t (*mark)(const f2f_magnitudes *, int64_t, int64_t, uint16_t, uint8_t *,
                        int64_t *) noexcept nogil
        void (*census)(const void *, int, const uint8_t *, int64_t, int64_t, int, int, int64_t *,
                       int64_t *) noexcept nogil
        void (*sums_apart)(const uint8_t *, int64_t, int64_t, int64_t, int64_t,
                           uint16_t *) noexcept nogil
        void (*sums_near)(const uint8_t *, int64_t, int64_t, int64_t, int64_t,
                          uint16_t *) noexcept nogil

    const f2f_selection *f2f_selection_for(int)

KEYS = F2F_KEYS
SPREAD = F2F_SPREAD


cdef class Magnitudes:
    """f2f_magnitudes of select.h, over arrays that it holds on to. Not empty."""
    cdef f2f_magnitudes m
    cdef const uint8_t[::1] words
    cdef uint16_t[::1] keys

    def __init__(self, const uint8_t[::1] words, int itemsize, uint64_t mask, uint64_t largest,
                 int shift, uint16_t[::1] keys):
        self.words, self.keys = words, keys
        self.m.words, self.m.keys = &words[0], &keys[0]
        self.m.itemsize, self.m.mask, self.m.largest, self.m.shift = itemsize, mask, largest, shift

    def count(self, int64_t first, int64_t last, uint32_t[:, ::1] counts, int isa):
        """Write the keys, and count them."""
        with nogil:
            f2f_selection_for(isa).count(&self.m, first, last, &counts[0, 0])

    def mark(self, int64_t first, int64_t last, uint16_t key, uint8_t[::1] mask, int64_t[::1] at,
             int isa):
        """Mark keys above `key`, and list where it is; `at` has room for all. Return how many."""
        cdef int64_t found
        with nogil:
            found = f2f_selection_for(isa).mark(&self.m, first, last, key, &mask[0], &at[0])
        return found


def census(const uint8_t[::1] words, int itemsize, const uint8_t[::1] mask, int64_t first,
           int64_t last, int shift, int width, int64_t[::1] ones, int64_t[::1] values, int isa):
    """Count, among kept words, the ones of every bit and the values of a field."""
    with nogil:
        f2f_selection_for(isa).census(&words[0], itemsize, &mask[0], first, last, shift, width,
                                      &ones[0], &values[0])


def sums_apart(const uint8_t[::1] flags, int64_t l, int64_t first, int64_t last,
               uint16_t[::1] sums, int isa):
    """Sum every l-th flag, from flags first … last − 1 on."""
    with nogil:
        f2f_selection_for(isa).sums_apart(&flags[0], flags.shape[0], l, first, last, &sums[0])


def sums_near(const uint8_t[::1] flags, int64_t n, int64_t first, int64_t last,
              uint16_t[::1] sums, int isa):
    """Sum groups first … last − 1 of n neighbouring flags."""
    with nogil:
        f2f_selection_for(isa).sums_near(&flags[0], flags.shape[0], n, first, last, &sums[0])
