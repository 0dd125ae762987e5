/* What the decoding kernels share, and which instruction set this compilation is for, as the
 * compiler's flags say. */
#ifndef F2F_DECODE_COMMON_H
#define F2F_DECODE_COMMON_H
#include "layer.h"
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512VBMI2__) && defined(__AVX512VBMI__) && defined(__AVX512BW__) && \
    defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__GFNI__) && defined(__BMI2__)
#define F2F_LEVEL 3 /* AVX-512 as of Ice Lake and Zen 4 */
#elif defined(__AVX2__) && defined(__GFNI__) && defined(__BMI2__)
#define F2F_LEVEL 2 /* AVX2 and GFNI */
#elif defined(__AVX2__) && defined(__BMI2__)
#define F2F_LEVEL 1 /* AVX2 */
#else
#define F2F_LEVEL 0 /* portable */
#endif

#if F2F_LEVEL > 0
#include <immintrin.h>
#endif

/* Inlined wherever it is called, so that an argument that is a constant there (bytes of a word) is
 * one in its loops. */
#define F2F_INLINE static inline __attribute__((always_inline))

static inline int64_t f2f_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* a·b mod n for a, b < n < 2^61. A product of 128 bits would be divided by a library of the compiler's
 * that Windows' linker is not given. */
static inline int64_t f2f_times(int64_t a, int64_t b, int64_t n)
{
    if ((a | b) >> 31 == 0) return a * b % n;
    int64_t product = 0;
    for (int bit = 60; bit >= 0; bit--) {
        product = 2 * product + (b >> bit & 1) * a; /* < 3n */
        product -= product >= 2 * n ? 2 * n : product >= n ? n : 0;
    }
    return product;
}

/* A word of `size` bytes, size constant where this is inlined. */
F2F_INLINE uint64_t f2f_get(const char *at, const int size)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    switch (size) {
    case 1: memcpy(&a, at, 1); return a;
    case 2: memcpy(&b, at, 2); return b;
    case 4: memcpy(&c, at, 4); return c;
    default: memcpy(&d, at, 8); return d;
    }
}

F2F_INLINE void f2f_put(char *at, uint64_t word, const int size)
{
    const uint8_t a = (uint8_t)word;
    const uint16_t b = (uint16_t)word;
    const uint32_t c = (uint32_t)word;
    switch (size) {
    case 1: memcpy(at, &a, 1); break;
    case 2: memcpy(at, &b, 2); break;
    case 4: memcpy(at, &c, 4); break;
    default: memcpy(at, &word, 8);
    }
}

/* Transpose 8 × 8 bits, row i in byte i (Warren, Hacker's Delight, 2nd ed., section 7-3). */
static inline uint64_t f2f_transpose8(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
    return x ^ t ^ (t << 28);
}

/* First place in the increasing at[0 … n) that is not below `least`. */
static inline int64_t f2f_lower(const uint32_t *at, int64_t n, int64_t least)
{
    int64_t low = 0;
    while (n > 0) {
        const int64_t half = n / 2;
        if ((int64_t)at[low + half] < least) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}
#endif
