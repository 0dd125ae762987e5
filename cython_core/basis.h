/* A basis of what the symbols that enter and leave can do to many care rows, n_s = 2.
 *
 * D'(a, m) = min_c D(m, c) + |A a ^ B m ^ C c ^ w|. Gauss and Jordan: vectors b_i = C gamma_i ^
 * A alpha_i, each 1 on a pivot row of its own and 0 on the other pivots, span the outputs of C and A.
 * B m ^ w, written with them, moves into c and a (a translation of each lane m), leaving
 * |A a ^ C c ^ delta(m)| with delta on the rows that are no pivots: mostly none. So the pairs (a, c)
 * at distance d on the pivots are the sums of d vectors, and those plus what changes no output. */
#ifndef F2F_BASIS_H
#define F2F_BASIS_H
#include "code.h"

#define F2F_REST_MOST 8 /* rows without a pivot, at most */

typedef struct {
    int rank, rest;             /* vectors; rows that are no pivots */
    int null, shared;           /* basis of the pairs that change no output; its first `shared` have
                                   independent gamma, and independent alpha */
    uint64_t vector[16];
    uint8_t pivot[16], rest_row[F2F_REST_MOST];
    uint16_t tag[16], zero[16]; /* gamma | alpha << 8 of the vectors and of that basis */
} f2f_basis;

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

/* 0 where the block has too many care rows for it. */
static int f2f_basis_find(f2f_basis *h, const uint64_t *cols, int n_in, int n_u)
{
    if (n_u > 64) return 0;
    uint64_t others = n_u == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n_u) - 1;
    h->rank = h->rest = h->null = 0;
    for (int j = 0; j < 2 * n_in; j++) {
        uint64_t v = cols[j < n_in ? 2 * n_in + j : j - n_in];
        uint16_t tag = (uint16_t)(j < n_in ? 1 << j : 256 << (j - n_in));
        for (int i = 0; i < h->rank; i++) {
            uint64_t there = -(v >> h->pivot[i] & 1);
            v ^= h->vector[i] & there, tag ^= (uint16_t)(h->tag[i] & there);
        }
        if (!v) {
            h->zero[h->null++] = tag;
            continue;
        }
        int p = __builtin_ctzll(v);
        for (int i = 0; i < h->rank; i++) {
            uint64_t there = -(h->vector[i] >> p & 1);
            h->vector[i] ^= v & there, h->tag[i] ^= (uint16_t)(tag & there);
        }
        others &= ~((uint64_t)1 << p);
        h->pivot[h->rank] = (uint8_t)p;
        h->tag[h->rank] = tag;
        h->vector[h->rank++] = v;
    }
    if (__builtin_popcountll(others) > F2F_REST_MOST) return 0;
    for (; others; others &= others - 1)
        h->rest_row[h->rest++] = (uint8_t)__builtin_ctzll(others);
    f2f_span8 gamma = {0}, alpha = {0};
    for (int i = h->shared = 0; i < h->null; i++) {
        uint16_t tag = h->zero[i];
        if (!f2f_outside(&gamma, tag & 255) || !f2f_outside(&alpha, tag >> 8)) continue;
        f2f_include(&gamma, tag & 255), f2f_include(&alpha, tag >> 8);
        h->zero[i] = h->zero[h->shared];
        h->zero[h->shared++] = tag;
    }
    return 1;
}

/* from[v]: the symbol with coordinates v in the basis of the first `count` vectors given, completed
 * by unit vectors; to: the inverse. */
static void f2f_coordinates(const uint16_t *vector, int shift, int count, int n_in, uint8_t *from,
                            uint8_t *to)
{
    f2f_span8 span = {0};
    int n = 0;
    from[0] = 0;
    for (int k = 0; k < count + n_in; k++) {
        int v = k < count ? vector[k] >> shift & 255 : 1 << (k - count);
        if (!f2f_outside(&span, v)) continue;
        f2f_include(&span, v);
        for (int i = 0; i < 1 << n; i++) from[i + (1 << n)] = (uint8_t)(from[i] ^ v);
        n++;
    }
    for (int i = 0; i < 1 << n_in; i++) to[from[i]] = (uint8_t)i;
}
#endif
