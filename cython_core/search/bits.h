/* Blocks cut down to their care bits, and sums of columns. */
#ifndef F2F_BITS_H
#define F2F_BITS_H
#include "search.h"
#include "simd.h"

/* 64-bit words that hold n_u care bits. */
static inline int words_of(int n_u)
{
    return (n_u + 63) / 64;
}

/* The bits of v where mask is 1, side by side from bit 0. */
static inline uint64_t extract_bits(uint64_t v, uint64_t mask)
{
#if F2F_SIMD > 0
    return _pext_u64(v, mask);
#else
    uint64_t out = 0;
    for (uint64_t bit = 1; mask; bit <<= 1, mask &= mask - 1)
        if (v & mask & -mask) out |= bit;
    return out;
#endif
}

/* The n_u care bits of v (words), side by side: out (words_of(n_u)), zeroed here. */
static inline void gather_care(const uint64_t *v, const uint64_t *care, int words, int n_u,
                               uint64_t *out)
{
    for (int k = 0; k < words_of(n_u); k++) out[k] = 0;
    int at = 0;
    for (int k = 0; k < words; k++) {
        if (!care[k]) continue;
        uint64_t g = extract_bits(v[k], care[k]);
        out[at >> 6] |= g << (at & 63);
        int n = __builtin_popcountll(care[k]);
        if ((at & 63) + n > 64) out[(at >> 6) + 1] |= g >> (64 - (at & 63));
        at += n;
    }
}

/* w: the wanted care bits of block t, whose `words` words of bits are given. */
static inline void wanted(const f2f_code *code, const f2f_tile *tile, int64_t t,
                          const uint64_t *bits, uint64_t *w)
{
    gather_care(bits, tile->care + t * code->words, code->words, tile->n_u[t], w);
}

/* All sums (XOR) of n columns of `words` words: out[v] is that of the columns j where bit j of v is 1,
 * and of origin, unless that is NULL. out: (2^n, words). */
static inline void span_words(const uint64_t *cols, int n, int words, const uint64_t *origin,
                              uint64_t *out)
{
    for (int k = 0; k < words; k++) out[k] = origin ? origin[k] : 0;
    for (int j = 0; j < n; j++)
        for (int64_t v = 0; v < (int64_t)1 << j; v++)
            for (int k = 0; k < words; k++)
                out[(v + ((int64_t)1 << j)) * words + k] =
                    out[v * words + k] ^ cols[(int64_t)j * words + k];
}

/* The same of n <= 8 columns of up to 16 bits; all 256 are written, as if further columns were 0. */
static inline void span16(const uint64_t *cols, int n, uint16_t origin, uint16_t *out)
{
    out[0] = origin;
    for (int j = 0; j < n; j++) {
        uint16_t col = (uint16_t)cols[j];
        for (int v = 0; v < 1 << j; v++) out[v + (1 << j)] = out[v] ^ col;
    }
    for (int v = 1 << n; v < 256; v++) out[v] = out[v & ((1 << n) - 1)];
}

/* Bits in which p and q differ. */
F2F_INLINE int distance(const uint64_t *p, const uint64_t *q, int words)
{
    int n = 0;
    for (int k = 0; k < words; k++) n += __builtin_popcountll(p[k] ^ q[k]);
    return n;
}
#endif
