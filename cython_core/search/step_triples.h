/* One block at n_s = 2, n_in = 8, with more care bits than pairs (a, c) reach: level sets by the triples
 * (a, m, c) that matter.
 *
 * After such a block few states (m, a) cost little more than the least, and only those matter. Such a state
 * comes from a state (m, c), and costs what that does and the care bits in which A a ^ B m ^ C c differs
 * from w: the distance of the triple. Triples of small cost are found in one of two ways:
 *   by the old cost: from each state (m, c) of cost 0, then 1, ..., all a are tried;
 *   by the distance: those at 0, then 1, .... With a basis of what a, m and c do (basis.h) a triple is a
 *                    sum of vectors, its distance their number and the rest bits that are wrong. The
 *                    vectors are cut into two parts: sums of i of one and j of the other are matched
 *                    by their rest bits.
 * With all old costs below `low` and all distances below d done, all new costs below low + d are known.
 * The cheaper of the two goes on, until the levels wanted are known. */
#ifndef F2F_STEP_TRIPLES_H
#define F2F_STEP_TRIPLES_H
#include "basis.h"
#include "rows.h"
#include <string.h>

/* What decides which way is cheaper, nanoseconds as measured: to try all a from a state, to match a pair
 * of sums, to note a triple. F2F_MATCH: sums matched in one instruction. */
#if F2F_SIMD == 2
#define F2F_MATCH           32
#define F2F_STATE_COST(n_u) ((n_u) <= 32 ? 14 : 60)
#else
#define F2F_MATCH           16
#define F2F_STATE_COST(n_u) (F2F_SIMD ? 100 : 1000)
typedef uint16_t triples_match16 __attribute__((vector_size(32), aligned(2)));
#endif
#define F2F_MATCH_COST  (F2F_SIMD == 2 ? 0.07 : 0.3)
#define F2F_TRIPLE_COST 4

/* Sums of vectors, by their number: those of d begin at start[d]. */
typedef struct {
    uint16_t rest[65536 + F2F_MATCH];   /* what a sum gives on the rest bits */
    uint16_t number[65536 + F2F_MATCH]; /* of vectors */
    uint32_t tag[65536];                /* symbols c | a << 8 | m << 16 */
    int start[F2F_TRIPLES_DISTANCES + 1];
} triples_sums;

typedef struct {
    triples_sums part[2];
    uint64_t ya[256], yb[256], yc[256]; /* spans of A, B (from w) and C */
    uint32_t near[256];                 /* the first 32 care bits of ya */
    uint32_t found[F2F_TRIPLES_MAX];    /* new cost << 16 | m << 8 | a */
    int count, least, of_cost[256], limit;
} triples_space;

/* Lists the sums of d of the n vectors from `first`, those of d - 1 being there: the sums whose last
 * vector is i are those of d - 1 vectors before i, each with i added. */
static inline void triples_grow(triples_sums *x, const f2f_basis *h, int first, int n, int d)
{
    if (!d) {
        x->rest[0] = x->number[0] = 0, x->tag[0] = 0;
        x->start[0] = 0, x->start[1] = 1;
        return;
    }
    int to = x->start[d], from = x->start[d - 1];
    for (int i = d - 1, prefix = 1; i < n; i++) {
        uint16_t rest = (uint16_t)rest_bits(h, h->vector[first + i]);
        uint32_t tag = h->tag[first + i];
        for (int v = 0; v < prefix; v++) x->rest[to + v] = x->rest[from + v] ^ rest;
        for (int v = 0; v < prefix; v++) x->tag[to + v] = x->tag[from + v] ^ tag;
        for (int v = 0; v < prefix; v++) x->number[to + v] = (uint16_t)d;
        to += prefix;
        prefix = prefix * (i + 1) / (i - d + 2); /* C(i + 1, d - 1) */
    }
    x->start[d + 1] = to;
    assert(to <= 65536);
}

/* Notes a triple to (m, a), unless it costs too much to matter. */
static inline void triples_add(triples_space *s, int cost, int m, int a)
{
    if (cost >= s->least + s->limit || s->count == F2F_TRIPLES_MAX) return;
    if (cost < s->least) s->least = cost;
    assert(cost >= 0 && cost < 256);
    s->of_cost[cost]++;
    s->found[s->count++] = (uint32_t)(cost << 16 | m << 8 | a);
}

/* Notes all triples from the state (m, c), which costs `cost`. */
static inline void triples_from(triples_space *s, int m, int c, int cost)
{
    uint64_t v = s->yb[m] ^ s->yc[c];
#if F2F_SIMD == 2 /* 32 care bits first, which seldom leave any */
    __m512i to = _mm512_set1_epi32((int)v), least = _mm512_set1_epi32(64), d[16];
    __m512i most = _mm512_set1_epi32(s->least + s->limit - 1 - cost);
    for (int k = 0; k < 16; k++) {
        d[k] = _mm512_popcnt_epi32(_mm512_xor_si512(to, _mm512_loadu_si512(s->near + 16 * k)));
        least = _mm512_min_epi32(least, d[k]);
    }
    if (!_mm512_cmple_epi32_mask(least, most)) return;
    for (int k = 0; k < 16; k++)
        for (uint32_t near = _mm512_cmple_epi32_mask(d[k], most); near; near &= near - 1) {
            int a = 16 * k + __builtin_ctz(near);
            triples_add(s, cost + __builtin_popcountll(s->ya[a] ^ v), m, a);
        }
#else
    for (int a = 0; a < 256; a++) triples_add(s, cost + __builtin_popcountll(s->ya[a] ^ v), m, a);
#endif
}

/* Of the F2F_MATCH sums from k, a mask of those whose vectors and rest bits that differ from `rest` are
 * `want` together. */
static inline uint32_t triples_match(const triples_sums *x, int k, uint16_t rest, int want)
{
#if F2F_SIMD == 2
    __m512i y = _mm512_xor_si512(_mm512_loadu_si512(x->rest + k), _mm512_set1_epi16((short)rest));
    y = _mm512_add_epi16(_mm512_popcnt_epi16(y), _mm512_loadu_si512(x->number + k));
    return _mm512_cmpeq_epi16_mask(y, _mm512_set1_epi16((short)want));
#else
    triples_match16 y = *(const triples_match16 *)(x->rest + k) ^ rest;
    uint32_t hits = 0;
    y -= y >> 1 & 0x5555;
    y = (y & 0x3333) + (y >> 2 & 0x3333);
    y = (y + (y >> 4)) & 0x0f0f;
    y = ((y + (y >> 8)) & 31) + *(const triples_match16 *)(x->number + k);
    f2f_row equal = (f2f_row)(y == (uint16_t)want);
    if (F2F_ANY(equal))
        for (int l = 0; l < 16; l++) hits |= (uint32_t)(equal[l / 4] >> 16 * (l & 3) & 1) << l;
    return hits;
#endif
}

/* Notes all triples at distance d. origin: the symbols that clear w on the pivots; rest: what is left of
 * w. old ([c][m]): costs in bytes. */
static inline void triples_at(triples_space *s, const f2f_basis *h, int d, uint32_t origin,
                              uint16_t rest, const uint8_t *old)
{
    const triples_sums *p = s->part, *q = s->part + 1;
    for (int e = 0; e < p->start[d + 1]; e++) {
        int want = d - p->number[e], end = q->start[want + 1];
        for (int k = q->start[want > h->rest ? want - h->rest : 0]; k < end; k += F2F_MATCH) {
            uint32_t hits = triples_match(q, k, p->rest[e] ^ rest, want);
            if (end - k < F2F_MATCH) hits &= ((uint32_t)1 << (end - k)) - 1;
            for (; hits; hits &= hits - 1) {
                uint32_t tag = origin ^ p->tag[e] ^ q->tag[k + __builtin_ctz(hits)];
                for (uint32_t z = 1;; z++) { /* with all that changes no output, by a Gray code */
                    int c = (int)(tag & 255), a = (int)(tag >> 8 & 255), m = (int)(tag >> 16);
                    triples_add(s, d + old[256 * c + m], m, a);
                    if (z >> h->null) break;
                    tag ^= h->zero[__builtin_ctz(z)];
                }
            }
        }
    }
}

/* The states (m, c) whose old cost is j: word k of 1024, four of lanes m for each row c. */
static inline uint64_t triples_states(const f2f_row *level, int j, int k)
{
    uint64_t at_most = ((const uint64_t *)(level + 256 * j))[k];
    return j ? at_most & ~((const uint64_t *)(level + 256 * (j - 1)))[k] : at_most;
}

/* New levels: level ([level][m], lanes a), from the first that is not empty, at most `limit`; returns
 * their number, and *least, how many are empty. Returns 0 where that takes too many triples.
 * cols: A, B and C, 8 columns each, of n_u <= 64 care bits; w: those wanted. old_level ([level][c], lanes
 * m): the old ones, `levels` of them; old ([c][m]): the same costs in bytes. */
static inline int triples_step(triples_space *s, const uint64_t *cols, int n_u, uint64_t w,
                               const f2f_row *old_level, int levels, const uint8_t *old, int limit,
                               f2f_row *level, int *least)
{
    f2f_basis basis, *h = &basis;
    int origin, low = 0, d = 0;
    assert(n_u >= 1 && n_u <= 64 && limit >= 1 && limit < 128);
    basis_find(h, cols, 8, n_u, 1, 3);
    if (h->rest > (F2F_SIMD ? 16 : 10)) return 0; /* more take longer than bytes */
    uint16_t rest = (uint16_t)rest_bits(h, clear_pivots(h, w, &origin));
    int second = h->rank < 16 ? h->rank : 16, first = h->rank - second;
    /* sums of at most d vectors, triples at distance d: expected */
    double shell = 1, sums = 1, triples = (double)(1 << h->null) / (1 << h->rest);
    s->count = 0, s->least = 255 - limit, s->limit = limit;
    memset(s->of_cost, 0, sizeof s->of_cost);
    span_words(cols, 8, 1, NULL, s->ya);
    span_words(cols + 8, 8, 1, &w, s->yb);
    span_words(cols + 16, 8, 1, NULL, s->yc);
    for (int a = 0; a < 256; a++) s->near[a] = (uint32_t)s->ya[a];
    while (low + d < s->least + limit) {
        int states = 0, known = 0;
        for (int k = 0; low < levels && k < 1024; k++)
            states += __builtin_popcountll(triples_states(old_level, low, k));
        if (low < levels &&
            states * F2F_STATE_COST(n_u) < triples * F2F_TRIPLE_COST + sums * F2F_MATCH_COST) {
            for (int k = 0; k < 1024; k++)
                for (uint64_t x = triples_states(old_level, low, k); x; x &= x - 1)
                    triples_from(s, 64 * (k & 3) + __builtin_ctzll(x), k / 4, low);
            low++;
        } else {
            if (d == F2F_TRIPLES_DISTANCES) return 0;
            triples_grow(s->part, h, 0, first, d);
            triples_grow(s->part + 1, h, first, second, d);
            triples_at(s, h, d, (uint32_t)origin, rest, old);
            d++;
            shell *= (double)(h->rank - d + 1) / d, sums += shell;
            triples *= (double)(n_u - d + 1) / d;
        }
        for (int k = s->least; k < low + d; k++) known += s->of_cost[k];
        if (known > F2F_TRIPLES_ENOUGH && low + d > s->least + 1) limit = low + d - s->least;
    }
    if (s->count == F2F_TRIPLES_MAX) return 0;
    memset(level, 0, (size_t)limit * 256 * sizeof(f2f_row));
    for (int k = 0; k < s->count; k++) {
        int cost = (int)(s->found[k] >> 16) - s->least, state = (int)(s->found[k] & 65535);
        if (cost < limit)
            ((uint64_t *)(level + 256 * cost))[state >> 6] |= (uint64_t)1 << (state & 63);
    }
    for (int k = 256; k < 256 * limit; k++) level[k] |= level[k - 256];
    *least = s->least;
    return limit;
}
#endif
