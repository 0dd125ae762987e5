# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Bit strings of files: no policy, no validation; coding/coding.h says what each function gives."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "coding/coding.h" nogil:
    int F2F_RICE_MOST
    void f2f_unpack_numbers(const uint8_t *, int64_t, int64_t, int64_t, int, uint16_t *, int)
    void f2f_pack_numbers(const uint16_t *, int64_t, int, int64_t, uint8_t *)
    int64_t f2f_rice_unpack(const uint8_t *, int64_t, int64_t, int, int64_t, uint32_t *, int)
    int64_t f2f_rice_bits(const uint32_t *, int64_t, int *)
    int64_t f2f_rice_pack(const uint32_t *, int64_t, int, uint8_t *)
    int64_t f2f_chunk_unpack(const uint8_t *, int64_t, int64_t, int, int64_t, int64_t *)
    int64_t f2f_chunk_pack(const int64_t *, int64_t, int, int64_t, uint8_t *)
    int64_t f2f_list_flags(const uint8_t *, int64_t, int, int64_t, uint32_t *, int)
    int64_t f2f_range_unpack(const uint8_t *, int64_t, int64_t, uint64_t, uint8_t *)

RICE_MOST = F2F_RICE_MOST

# the address of nothing cannot be taken: empty arrays give NULL


def unpack_numbers(const uint8_t[::1] packed, int64_t first, int width, uint16_t[::1] out,
                   int level):
    cdef int64_t length = packed.shape[0], count = out.shape[0]
    if count:
        with nogil:
            f2f_unpack_numbers(&packed[0], length, first, count, width, &out[0], level)


def pack_numbers(const uint16_t[::1] numbers, int width, int64_t first, uint8_t[::1] out):
    cdef int64_t count = numbers.shape[0]
    if count:
        with nogil:
            f2f_pack_numbers(&numbers[0], count, width, first, &out[0])


def rice_unpack(const uint8_t[::1] packed, int k, int64_t limit, uint32_t[::1] out, int level):
    cdef int64_t length = packed.shape[0], count = out.shape[0], bits
    cdef const uint8_t *own = &packed[0] if length else NULL
    cdef uint32_t *to = &out[0] if count else NULL
    with nogil:
        bits = f2f_rice_unpack(own, length, count, k, limit, to, level)
    return bits


def rice_bits(const uint32_t[::1] numbers):
    """The least k that takes the fewest bits, and those bits."""
    cdef int64_t count = numbers.shape[0], bits = 0
    cdef int k = 0
    if count:
        with nogil:
            bits = f2f_rice_bits(&numbers[0], count, &k)
    return k, bits


def rice_pack(const uint32_t[::1] numbers, int k, uint8_t[::1] out):
    cdef int64_t count = numbers.shape[0]
    if count:
        with nogil:
            f2f_rice_pack(&numbers[0], count, k, &out[0])


def chunk_unpack(const uint8_t[::1] packed, int width, int64_t limit, int64_t[::1] out):
    cdef int64_t length = packed.shape[0], count = out.shape[0], bits
    cdef const uint8_t *own = &packed[0] if length else NULL
    cdef int64_t *to = &out[0] if count else NULL
    with nogil:
        bits = f2f_chunk_unpack(own, length, count, width, limit, to)
    return bits


def chunk_pack(const int64_t[::1] numbers, int width, int64_t limit, uint8_t[::1] out):
    cdef int64_t count = numbers.shape[0]
    cdef const int64_t *own = &numbers[0] if count else NULL
    if out.shape[0]:
        with nogil:
            f2f_chunk_pack(own, count, width, limit, &out[0])


def list_flags(const uint8_t[::1] flags, bint wanted, uint32_t[::1] out, int level):
    cdef int64_t size = flags.shape[0], count = out.shape[0], found = 0
    if size and count:
        with nogil:
            found = f2f_list_flags(&flags[0], size, wanted, count, &out[0], level)
    return found


def range_unpack(const uint8_t[::1] packed, uint64_t cut, uint8_t[::1] out):
    cdef int64_t length = packed.shape[0], size = out.shape[0], ones
    cdef const uint8_t *own = &packed[0] if length else NULL
    if not size:
        return 0
    with nogil:
        ones = f2f_range_unpack(own, length, size, cut, &out[0])
    return ones


def set_flags(const uint32_t[::1] numbers, uint8_t[::1] flags, uint8_t value):
    """flags[n] = value for each number n, all of them below the size."""
    cdef Py_ssize_t j
    with nogil:
        for j in range(numbers.shape[0]):
            flags[numbers[j]] = value
