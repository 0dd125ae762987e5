/* One block of the search for n_s = 2, n_in = 8, with more care rows than pairs (a, c) reach.
 *
 * After such a block few states are within some levels of the least cost. A triple (a, m, c) leads to
 * each. It is found in one of two ways:
 *   by the cost of (m, c): from each such state, all a;
 *   by its distance: with a basis (basis.h) of what a, m and c do, a triple is a sum of vectors, and
 *                    its distance their number and the rows without a pivot that are wrong. Sums of
 *                    i vectors of one part and j of the other are matched.
 * With all costs below `low` and all distances below d done, new costs below low + d are known. The
 * cheaper of the two is done next.
 * Included once per instruction set. */

#if F2F_LEVEL == 2
#define F2F_MATCH 32
#define F2F_STATE_COST(n_u) ((n_u) <= 32 ? 14 : 60) /* nanoseconds, measured, as below */
#else
#define F2F_MATCH 16
#define F2F_STATE_COST(n_u) (F2F_LEVEL ? 100 : 1000)
typedef uint16_t F2F_NAME(match) __attribute__((vector_size(32), aligned(2)));
#endif
#define F2F_MATCH_COST (F2F_LEVEL == 2 ? 0.07 : 0.3)
#define F2F_TRIPLE_COST 4

typedef struct { /* sums of vectors, by their number: outputs on the rest rows, number, symbols */
    uint16_t rest[65536 + F2F_MATCH], number[65536 + F2F_MATCH];
    uint32_t tag[65536];
    int start[F2F_TRIPLES_SHELLS + 1];
} F2F_NAME(sums);

typedef struct {
    F2F_NAME(sums) part[2];
    uint64_t ya[256], yb[256], yc[256]; /* spans of A, B (from w) and C */
    uint32_t near[256];                 /* of ya, 32 rows */
    uint32_t found[F2F_TRIPLES_MOST];   /* new cost << 16 | m << 8 | a */
    int count, least, of_cost[256], limit;
} F2F_NAME(triples_space);

/* Sums of d of the n vectors from `first`: those whose last is i are those of d - 1 before i, and i. */
F2F_ISA static void F2F_NAME(triples_grow)(F2F_NAME(sums) *x, const f2f_basis *h, int first, int n,
                                           int d)
{
    if (!d) {
        x->rest[0] = x->number[0] = 0, x->tag[0] = 0;
        x->start[0] = 0, x->start[1] = 1;
        return;
    }
    int to = x->start[d], from = x->start[d - 1];
    for (int i = d - 1, prefix = 1; i < n; i++) {
        uint16_t rest = (uint16_t)f2f_rest(h, h->vector[first + i]);
        uint32_t tag = h->tag[first + i];
        for (int v = 0; v < prefix; v++) x->rest[to + v] = x->rest[from + v] ^ rest;
        for (int v = 0; v < prefix; v++) x->tag[to + v] = x->tag[from + v] ^ tag;
        for (int v = 0; v < prefix; v++) x->number[to + v] = (uint16_t)d;
        to += prefix;
        prefix = prefix * (i + 1) / (i - d + 2); /* C(i + 1, d - 1) */
    }
    x->start[d + 1] = to;
}

/* A triple to (m, a), unless it costs too much to matter. */
F2F_ISA static inline void F2F_NAME(triples_add)(F2F_NAME(triples_space) *s, int cost, int m, int a)
{
    if (cost >= s->least + s->limit || s->count == F2F_TRIPLES_MOST) return;
    if (cost < s->least) s->least = cost;
    s->of_cost[cost]++;
    s->found[s->count++] = (uint32_t)(cost << 16 | m << 8 | a);
}

/* All triples from state (m, c) of this cost. */
F2F_ISA static void F2F_NAME(triples_from)(F2F_NAME(triples_space) *s, int m, int c, int cost)
{
    uint64_t v = s->yb[m] ^ s->yc[c];
#if F2F_LEVEL == 2 /* 32 rows first, which seldom leave any */
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
            F2F_NAME(triples_add)(s, cost + __builtin_popcountll(s->ya[a] ^ v), m, a);
        }
#else
    for (int a = 0; a < 256; a++)
        F2F_NAME(triples_add)(s, cost + __builtin_popcountll(s->ya[a] ^ v), m, a);
#endif
}

/* Which sums from k, F2F_MATCH of them, have `want` vectors and rows not as `rest`; a mask. */
F2F_ISA static inline uint32_t F2F_NAME(triples_match)(const F2F_NAME(sums) *x, int k, uint16_t rest,
                                                       int want)
{
#if F2F_LEVEL == 2
    __m512i y = _mm512_xor_si512(_mm512_loadu_si512(x->rest + k), _mm512_set1_epi16((short)rest));
    y = _mm512_add_epi16(_mm512_popcnt_epi16(y), _mm512_loadu_si512(x->number + k));
    return _mm512_cmpeq_epi16_mask(y, _mm512_set1_epi16((short)want));
#else
    F2F_NAME(match) y = *(const F2F_NAME(match) *)(x->rest + k) ^ rest;
    uint32_t hits = 0;
    y -= y >> 1 & 0x5555;
    y = (y & 0x3333) + (y >> 2 & 0x3333);
    y = (y + (y >> 4)) & 0x0f0f;
    y = ((y + (y >> 8)) & 31) + *(const F2F_NAME(match) *)(x->number + k);
    ROW equal = (ROW)(y == (uint16_t)want);
    if (F2F_ANY(equal))
        for (int l = 0; l < 16; l++) hits |= (uint32_t)(equal[l / 4] >> 16 * (l & 3) & 1) << l;
    return hits;
#endif
}

/* All triples at distance d; `origin`, `rest`: what clears w, and what is left of it. */
F2F_ISA static void F2F_NAME(triples_at)(F2F_NAME(triples_space) *s, const f2f_basis *h, int d,
                                         uint32_t origin, uint16_t rest, const uint8_t *old)
{
    const F2F_NAME(sums) *p = s->part, *q = s->part + 1;
    for (int e = 0; e < p->start[d + 1]; e++) {
        int want = d - p->number[e], end = q->start[want + 1];
        for (int k = q->start[want > h->rest ? want - h->rest : 0]; k < end; k += F2F_MATCH) {
            uint32_t hits = F2F_NAME(triples_match)(q, k, p->rest[e] ^ rest, want);
            if (end - k < F2F_MATCH) hits &= ((uint32_t)1 << (end - k)) - 1;
            for (; hits; hits &= hits - 1) {
                uint32_t tag = origin ^ p->tag[e] ^ q->tag[k + __builtin_ctz(hits)];
                for (uint32_t z = 1;; z++) { /* with all that changes no output, by a Gray code */
                    int c = (int)(tag & 255), a = (int)(tag >> 8 & 255), m = (int)(tag >> 16);
                    F2F_NAME(triples_add)(s, d + old[256 * c + m], m, a);
                    if (z >> h->null) break;
                    tag ^= h->zero[__builtin_ctz(z)];
                }
            }
        }
    }
}

/* Lanes m, word k of all rows c, whose cost is j. */
F2F_ISA static inline uint64_t F2F_NAME(triples_states)(const ROW *level, int j, int k)
{
    uint64_t at_most = ((const uint64_t *)(level + 256 * j))[k];
    return j ? at_most & ~((const uint64_t *)(level + 256 * (j - 1)))[k] : at_most;
}

/* New levels ([level][m], lanes a) from the first that is not empty, at most `limit`; returns their
 * number, or 0 where that takes too many triples. *least: new costs less than it are none. Costs `old`
 * in bytes, [c][m], are those of old_level. */
F2F_ISA static int F2F_NAME(triples_step)(F2F_NAME(triples_space) *s, const uint64_t *cols, int n_u,
                                          uint64_t w, const ROW *old_level, int levels,
                                          const uint8_t *old, int limit, ROW *level, int *least)
{
    f2f_basis basis, *h = &basis;
    int origin, low = 0, d = 0;
    f2f_basis_find(h, cols, 8, n_u, 1, 3);
    if (h->rest > (F2F_LEVEL ? 16 : 10)) return 0; /* more take longer than bytes */
    uint16_t rest = (uint16_t)f2f_rest(h, f2f_reduce(h, w, &origin));
    int second = h->rank < 16 ? h->rank : 16, first = h->rank - second;
    /* sums of at most d vectors, triples at distance d: expected */
    double shell = 1, sums = 1, triples = (double)(1 << h->null) / (1 << h->rest);
    s->count = 0, s->least = 255 - limit, s->limit = limit;
    memset(s->of_cost, 0, sizeof s->of_cost);
    f2f_span(cols, 8, 1, NULL, s->ya);
    f2f_span(cols + 8, 8, 1, &w, s->yb);
    f2f_span(cols + 16, 8, 1, NULL, s->yc);
    for (int a = 0; a < 256; a++) s->near[a] = (uint32_t)s->ya[a];
    while (low + d < s->least + limit) {
        int states = 0, known = 0;
        for (int k = 0; low < levels && k < 1024; k++)
            states += __builtin_popcountll(F2F_NAME(triples_states)(old_level, low, k));
        if (low < levels && states * F2F_STATE_COST(n_u) <
                                triples * F2F_TRIPLE_COST + sums * F2F_MATCH_COST) {
            for (int k = 0; k < 1024; k++)
                for (uint64_t x = F2F_NAME(triples_states)(old_level, low, k); x; x &= x - 1)
                    F2F_NAME(triples_from)(s, 64 * (k & 3) + __builtin_ctzll(x), k / 4, low);
            low++;
        } else {
            if (d == F2F_TRIPLES_SHELLS) return 0;
            F2F_NAME(triples_grow)(s->part, h, 0, first, d);
            F2F_NAME(triples_grow)(s->part + 1, h, first, second, d);
            F2F_NAME(triples_at)(s, h, d, (uint32_t)origin, rest, old);
            d++;
            shell *= (double)(h->rank - d + 1) / d, sums += shell;
            triples *= (double)(n_u - d + 1) / d;
        }
        for (int k = s->least; k < low + d; k++) known += s->of_cost[k];
        if (known > F2F_TRIPLES_ENOUGH && low + d > s->least + 1) limit = low + d - s->least;
    }
    if (s->count == F2F_TRIPLES_MOST) return 0;
    memset(level, 0, (size_t)limit * 256 * sizeof(ROW));
    for (int k = 0; k < s->count; k++) {
        int cost = (int)(s->found[k] >> 16) - s->least, state = (int)(s->found[k] & 65535);
        if (cost < limit)
            ((uint64_t *)(level + 256 * cost))[state >> 6] |= (uint64_t)1 << (state & 63);
    }
    for (int k = 256; k < 256 * limit; k++) level[k] |= level[k - 256];
    *least = s->least;
    return limit;
}
#undef F2F_MATCH
#undef F2F_STATE_COST
#undef F2F_MATCH_COST
#undef F2F_TRIPLE_COST
