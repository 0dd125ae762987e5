/* A basis of what the symbols that enter and leave the register can do to a block's care bits, n_s = 2.
 *
 * The step is D'(a, m) = min_c D(m, c) + |A a ^ B m ^ C c ^ w|, as in docs/exact-search.md. Elimination
 * (Gauss and Jordan) gives vectors b_i = C gamma_i ^ A alpha_i, each 1 on one care bit of its own, its
 * pivot, and 0 on all other pivots; they span all that C and A give. "Rest" are the care bits that are
 * no pivots: up to 12 or 14 care bits there are none. B m ^ w, cleared on the pivots by adding some
 * b_i, leaves delta(m) on the rest, and what was added only moves c and a, for each m in its own way.
 * So the distance becomes |A a ^ C c ^ delta(m)|: how many vectors make the pair (a, c), and how many
 * rest bits are then wrong. */
#ifndef F2F_BASIS_H
#define F2F_BASIS_H
#include "bits.h"
#include "limits.h"
#include <assert.h>

typedef unsigned __int128 f2f_output; /* a block's care bits */

typedef struct {
    int rank, rest; /* number of vectors b_i, and of care bits that are no pivots */
    int null;       /* number of independent symbols that together change no care bit */
    int shared;     /* the first of those whose gamma are independent, and whose alpha are */
    f2f_output vector[24];
    uint8_t pivot[24], rest_bit[F2F_BASIS_MAX_CARE]; /* which care bits those are */
    uint32_t tag[24],
        zero[24]; /* of the vectors, and of those symbols: gamma | alpha << 8 | beta << 16 */
} f2f_basis;

/* Column j of a block, of `words` words (1 or 2). */
static inline f2f_output column_of(const uint64_t *cols, int words, int j)
{
    return words == 2 ? (f2f_output)cols[2 * j + 1] << 64 | cols[2 * j] : cols[j];
}

/* v with its pivots cleared; *tag: the symbols that clear them. */
static inline f2f_output clear_pivots(const f2f_basis *h, f2f_output v, int *tag)
{
    int sum = 0;
    for (int i = 0; i < h->rank; i++) {
        int there = (int)(v >> h->pivot[i] & 1);
        v ^= h->vector[i] & -(f2f_output)there, sum ^= h->tag[i] & -there;
    }
    *tag = sum;
    return v;
}

/* The outputs on the rest bits, the first in bit 0. */
static inline f2f_output rest_bits(const f2f_basis *h, f2f_output v)
{
    f2f_output out = 0;
    for (int q = 0; q < h->rest; q++) out |= (v >> h->rest_bit[q] & 1) << q;
    return out;
}

/* The sums of some symbols. */
typedef struct {
    uint8_t top[8]; /* one with this highest bit, or 0 */
} span8;

/* v less what the span has of it: 0 where v is in the span. */
static inline int span8_outside(const span8 *span, int v)
{
    for (int j = 7; j >= 0; j--) v ^= span->top[j] & -(v >> j & 1);
    return v;
}

/* Takes v, which is not in the span, into it. */
static inline void span8_include(span8 *span, int v)
{
    v = span8_outside(span, v);
    assert(v > 0 && v < 256);
    span->top[31 - __builtin_clz((unsigned)v)] = (uint8_t)v;
}

/* cols: A, B and C, n_in columns each, of n_u care bits in `words` words (1 or 2). maps: 2 for the
 * basis of what pairs (a, c) give; 3 for that of triples (a, m, c), with vectors that have B beta too. */
static inline void basis_find(f2f_basis *h, const uint64_t *cols, int n_in, int n_u, int words,
                              int maps)
{
    static const uint8_t at[3] = {2, 0, 1}; /* C, A and B in cols */
    f2f_output pivots = 0;
    assert(n_in >= 1 && n_in <= 8 && n_u >= 1 && n_u <= 64 * words);
    assert(words <= 2 && n_u <= F2F_BASIS_MAX_CARE && (maps == 2 || maps == 3));
    h->rank = h->rest = h->null = h->shared = 0;
    for (int k = 0; k < maps * n_in; k++) {
        int tag;
        f2f_output v =
            clear_pivots(h, column_of(cols, words, at[k / n_in] * n_in + k % n_in), &tag);
        tag ^= 1 << (k / n_in * 8 + k % n_in);
        if (!v) {
            h->zero[h->null++] = (uint32_t)tag;
            continue;
        }
        int p =
            (uint64_t)v ? __builtin_ctzll((uint64_t)v) : 64 + __builtin_ctzll((uint64_t)(v >> 64));
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
        if (!(pivots >> q & 1)) h->rest_bit[h->rest++] = (uint8_t)q;
    assert(h->rank + h->null == maps * n_in && h->rank + h->rest == n_u);
    span8 gamma = {0}, alpha = {0};
    for (int i = 0; i < h->null; i++) {
        uint32_t tag = h->zero[i];
        int c = (int)(tag & 255), a = (int)(tag >> 8 & 255);
        if (!span8_outside(&gamma, c) || !span8_outside(&alpha, a)) continue;
        span8_include(&gamma, c), span8_include(&alpha, a);
        h->zero[i] = h->zero[h->shared];
        h->zero[h->shared++] = tag;
    }
}

/* from[v]: the symbol with coordinates v in the basis of the first `count` vectors given, completed
 * by unit vectors; to: the inverse. */
static inline void coordinates_of(const uint32_t *vector, int shift, int count, int n_in,
                                  uint8_t *from, uint8_t *to)
{
    span8 span = {0};
    int n = 0;
    from[0] = 0;
    for (int k = 0; k < count + n_in; k++) {
        int v = k < count ? (int)(vector[k] >> shift & 255) : 1 << (k - count);
        if (!span8_outside(&span, v)) continue;
        span8_include(&span, v);
        for (int i = 0; i < 1 << n; i++) from[i + (1 << n)] = (uint8_t)(from[i] ^ v);
        n++;
    }
    for (int i = 0; i < 1 << n_in; i++) to[from[i]] = (uint8_t)i;
}

/* A pair as c, a << 8, its outputs on the rest bits << 16; c and a in coordinates. */
static inline uint32_t pair_of(const f2f_basis *h, const uint8_t *to_c, const uint8_t *to_a,
                               uint32_t tag, f2f_output output)
{
    return to_c[tag & 255] | (uint32_t)to_a[tag >> 8] << 8 | (uint32_t)rest_bits(h, output) << 16;
}

/* Pairs from e to end in the order of a, but for its `low` bits. */
static inline void sort_pairs(const uint32_t *e, const uint32_t *end, int low, uint32_t *to)
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
