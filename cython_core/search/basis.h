/* A basis of what the symbols that enter and leave can do to many care rows, n_s = 2.
 *
 * D'(a, m) = min_c D(m, c) + |A a ^ B m ^ C c ^ w|. Gauss and Jordan: vectors b_i = C gamma_i ^
 * A alpha_i, each 1 on a pivot row of its own and 0 on the other pivots, span the outputs of C and A.
 * B m ^ w, less those that clear its pivots, moves into c and a (a translation for each m), leaving
 * |A a ^ C c ^ delta(m)| with delta on the rows that are no pivots: none up to 12 or 14 care rows. */
#ifndef F2F_BASIS_H
#define F2F_BASIS_H
#include "code.h"

#define F2F_BASIS_MOST 112 /* care rows at most: with 16 bits of pivots, what an f2f_output holds */

typedef unsigned __int128 f2f_output;

typedef struct {
    int rank, rest;             /* vectors; rows that are no pivots */
    int null, shared;           /* basis of the pairs that change no output; its first `shared` have
                                   independent gamma, and independent alpha */
    f2f_output vector[24];
    uint8_t pivot[24], rest_row[F2F_BASIS_MOST];
    uint32_t tag[24], zero[24]; /* gamma | alpha << 8 | beta << 16 of the vectors and of that basis */
} f2f_basis;

static inline f2f_output f2f_column(const uint64_t *cols, int words, int j)
{
    return words == 2 ? (f2f_output)cols[2 * j + 1] << 64 | cols[2 * j] : cols[j];
}

/* v with its pivots cleared; *tag: the symbols that clear them. */
static inline f2f_output f2f_reduce(const f2f_basis *h, f2f_output v, int *tag)
{
    int sum = 0;
    for (int i = 0; i < h->rank; i++) {
        int there = (int)(v >> h->pivot[i] & 1);
        v ^= h->vector[i] & -(f2f_output)there, sum ^= h->tag[i] & -there;
    }
    *tag = sum;
    return v;
}

/* The outputs on the rest rows, the first in bit 0. */
static inline f2f_output f2f_rest(const f2f_basis *h, f2f_output v)
{
    f2f_output out = 0;
    for (int q = 0; q < h->rest; q++) out |= (v >> h->rest_row[q] & 1) << q;
    return out;
}

typedef struct {
    uint8_t top[8]; /* a vector of the span with this highest bit, or 0 */
} f2f_span8;

/* What is left of v, 0 where the span has it. */
static inline int f2f_outside(const f2f_span8 *span, int v)
{
    for (int j = 7; j >= 0; j--) v ^= span->top[j] & -(v >> j & 1);
    return v;
}

static inline void f2f_include(f2f_span8 *span, int v)
{
    v = f2f_outside(span, v);
    span->top[31 - __builtin_clz((unsigned)v)] = (uint8_t)v;
}

/* cols: A, B and C, n_in columns each, of n_u care rows in `words` words (1 or 2). maps: 2, the basis
 * of the pairs (a, c); 3, of the triples (a, m, c), with B m among them and beta its m. */
static void f2f_basis_find(f2f_basis *h, const uint64_t *cols, int n_in, int n_u, int words,
                           int maps)
{
    static const uint8_t at[3] = {2, 0, 1}; /* C, A and B in cols */
    f2f_output pivots = 0;
    h->rank = h->rest = h->null = h->shared = 0;
    for (int k = 0; k < maps * n_in; k++) {
        int tag;
        f2f_output v = f2f_reduce(h, f2f_column(cols, words, at[k / n_in] * n_in + k % n_in), &tag);
        tag ^= 1 << (k / n_in * 8 + k % n_in);
        if (!v) {
            h->zero[h->null++] = (uint32_t)tag;
            continue;
        }
        int p = (uint64_t)v ? __builtin_ctzll((uint64_t)v) : 64 + __builtin_ctzll((uint64_t)(v >> 64));
        for (int i = 0; i < h->rank; i++) {
            int there = (int)(h->vector[i] >> p & 1);
            h->vector[i] ^= v & -(f2f_output)there, h->tag[i] ^= (uint32_t)(tag & -there);
        }
        pivots |= (f2f_output)1 << p;
        h->pivot[h->rank] = (uint8_t)p;
        h->tag[h->rank] = (uint32_t)tag;
        h->vector[h->rank++] = v;
    }
    for (int q = 0; q < n_u; q++)
        if (!(pivots >> q & 1)) h->rest_row[h->rest++] = (uint8_t)q;
    f2f_span8 gamma = {0}, alpha = {0};
    for (int i = 0; i < h->null; i++) {
        uint32_t tag = h->zero[i];
        int c = (int)(tag & 255), a = (int)(tag >> 8 & 255);
        if (!f2f_outside(&gamma, c) || !f2f_outside(&alpha, a)) continue;
        f2f_include(&gamma, c), f2f_include(&alpha, a);
        h->zero[i] = h->zero[h->shared];
        h->zero[h->shared++] = tag;
    }
}

/* from[v]: the symbol with coordinates v in the basis of the first `count` vectors given, completed
 * by unit vectors; to: the inverse. */
static void f2f_coordinates(const uint32_t *vector, int shift, int count, int n_in, uint8_t *from,
                            uint8_t *to)
{
    f2f_span8 span = {0};
    int n = 0;
    from[0] = 0;
    for (int k = 0; k < count + n_in; k++) {
        int v = k < count ? (int)(vector[k] >> shift & 255) : 1 << (k - count);
        if (!f2f_outside(&span, v)) continue;
        f2f_include(&span, v);
        for (int i = 0; i < 1 << n; i++) from[i + (1 << n)] = (uint8_t)(from[i] ^ v);
        n++;
    }
    for (int i = 0; i < 1 << n_in; i++) to[from[i]] = (uint8_t)i;
}

/* A pair as c, a << 8, its outputs on the rest rows << 16; c and a in coordinates. */
static inline uint32_t f2f_pair(const f2f_basis *h, const uint8_t *to_c, const uint8_t *to_a, uint32_t tag,
                                f2f_output output)
{
    return to_c[tag & 255] | (uint32_t)to_a[tag >> 8] << 8 | (uint32_t)f2f_rest(h, output) << 16;
}

/* Pairs from e to end in the order of a, but for its `low` bits. */
static void f2f_sort_pairs(const uint32_t *e, const uint32_t *end, int low, uint32_t *to)
{
    uint32_t count[256] = {0}, at = 0;
    for (const uint32_t *x = e; x < end; x++) count[(*x >> 8 & 255) >> low]++;
    for (int i = 0; i < 256 >> low; i++) {
        uint32_t n = count[i];
        count[i] = at, at += n;
    }
    for (; e < end; e++) to[count[(*e >> 8 & 255) >> low]++] = *e;
}
#endif
