/* One block at n_s = 2 with more care bits than step_levels.h takes: level sets by the pairs (a, c) at
 * small distances.
 *
 * With the basis of basis.h a pair is a sum of vectors; their number is its distance on the pivots. The
 * pairs at distance d are listed from those at d - 1: the ones whose last vector is i are those at d - 1
 * of vectors before i, each with b_i added. Level k of row a is then the OR, over the pairs (a, c) at
 * distances d <= k, of level k - d of row c; in lanes where j rest bits are wrong, of level k - d - j.
 * Pairs that change no care bit become coordinates: symbols are renumbered so that such a pair differs
 * in the same low bits of a and c (`shared` of them). Then one pair in the list stands for 2^shared. */
#ifndef F2F_STEP_NEAR_H
#define F2F_STEP_NEAR_H
#include "basis.h"
#include "rows.h"

/* f2f_pack: F2F_PACK rows in one vector, v and v + 1 with AVX-512. */
#if F2F_SIMD == 2
#define F2F_PACK   2
#define F2F_SHARED 5 /* 2^5 rows are summed in registers */
typedef uint64_t f2f_pack __attribute__((vector_size(64), aligned(64)));
#define F2F_PACK_PICK(mask, yes, no) \
    ((f2f_pack)_mm512_ternarylogic_epi64((__m512i)(mask), (__m512i)(yes), (__m512i)(no), 0xCA))
#define F2F_PACKED(x) ((f2f_pack)_mm512_broadcast_i64x4((__m256i)(x)))
#else
#define F2F_PACK      1
#define F2F_SHARED    3
typedef f2f_row f2f_pack;
#define F2F_PACK_PICK F2F_PICK
#define F2F_PACKED(x) (x)
#endif

/* Rows v and v ^ 2^j are swapped in the lanes of by[j], for all j < bits: so symbols move, in each lane
 * in its own way. */
static inline void translate(f2f_row *x, int bits, const f2f_row *by)
{
    for (int v = 0; F2F_PACK == 2 && v < 1 << bits; v += 2) {
        f2f_row a = F2F_PICK(by[0], x[v + 1], x[v]), b = F2F_PICK(by[0], x[v], x[v + 1]);
        x[v] = a, x[v + 1] = b;
    }
    for (int j = F2F_PACK - 1; j < bits; j += 2) {
        int step = (1 << j) / F2F_PACK, last = j + 1 == bits;
        f2f_pack low = F2F_PACKED(by[j]), high = F2F_PACKED(by[j + !last]);
        for (int v = 0; v < (1 << bits) / F2F_PACK; v += step << (2 - last))
            for (f2f_pack *p = (f2f_pack *)x + v, *end = p + step; p < end; p++) {
                f2f_pack a = F2F_PACK_PICK(low, p[step], p[0]),
                         b = F2F_PACK_PICK(low, p[0], p[step]);
                if (!last) {
                    f2f_pack *q = p + 2 * step;
                    f2f_pack c = F2F_PACK_PICK(low, q[step], q[0]),
                             d = F2F_PACK_PICK(low, q[0], q[step]);
                    q[0] = F2F_PACK_PICK(high, a, c), q[step] = F2F_PACK_PICK(high, b, d);
                    a = F2F_PACK_PICK(high, c, a), b = F2F_PACK_PICK(high, d, b);
                }
                p[0] = a, p[step] = b;
            }
    }
}

typedef struct {
    /* translated levels, [level][0: rows c, 1: rows c ^ 1][c], and the sums of them, [level][a] */
    f2f_row costs[F2F_NEAR_DISTANCES][F2F_PACK][256] __attribute__((aligned(64)));
    f2f_row sums[F2F_TWO_MAX_LEVELS * 256] __attribute__((aligned(64)));
    f2f_row within[(F2F_NEAR_MAX_REST + 1) *
                   256]; /* [j][z]: where rest bits differ from z in j at most */
    uint32_t pair[1 << 16], sorted[1 << 16]; /* pair_of, by distance; and within each by a */
} near_space;

/* For all pairs from e to end, and those that differ from them in the `shared` low bits of both a and
 * c: row a of sums |= row c of this level of costs; where j <= most rest bits are wrong, of level - j. */
F2F_INLINE void near_add(const near_space *s, const uint32_t *e, const uint32_t *end, int level,
                         const int most, const int shared, f2f_row *sums)
{
    const int low = (1 << shared) - 1, packs = (1 << shared) / F2F_PACK;
    while (e < end) {
        int block = (int)(*e >> 8 & 255 & ~low);
        if (!packs) {
            const f2f_row *cost = s->costs[level][0] + (*e & 255), *within = s->within + (*e >> 16);
            f2f_row sum = sums[block];
            for (int j = 0; j <= most; j++) sum |= cost[-256 * F2F_PACK * j] & within[256 * j];
            sums[block] = sum;
            e++;
            continue;
        }
        f2f_pack *to = (f2f_pack *)(sums + block), sum[(1 << F2F_SHARED) / F2F_PACK];
        for (int v = 0; v < packs; v++) sum[v] = to[v];
        do {
            int c = (int)(*e & 255), turn = (c ^ (int)(*e >> 8)) & low;
            for (int j = 0; j <= most; j++) {
                f2f_pack within = F2F_PACKED(s->within[256 * j + (*e >> 16)]);
                const f2f_row *cost = s->costs[level - j][turn & (F2F_PACK - 1)] + (c & ~low);
                for (int v = 0; v < packs; v++)
                    sum[v] |= ((const f2f_pack *)cost)[v ^ turn / F2F_PACK] & within;
            }
        } while (++e < end && (int)(*e >> 8 & 255 & ~low) == block);
        for (int v = 0; v < packs; v++) to[v] = sum[v];
    }
}

/* Whether all rows are full. */
static inline int near_full(const f2f_row *sums, int symbols)
{
    int a = 0;
    while (a < symbols && F2F_FULL(sums[a])) a++;
    return a == symbols;
}

/* Level k of all rows a, from pairs at distances 0 to k that begin at start[d] of the list; whether
 * all of them are full. */
static inline int near_level(const near_space *s, const uint32_t *list, const int *start, int k,
                             int rest, int shared, int symbols, f2f_row *sums)
{
    for (int a = 0; a < symbols; a++) sums[a] = (f2f_row){0, 0, 0, 0};
    for (int d = 0; d <= k && !near_full(sums, symbols); d++) {
        const uint32_t *e = list + start[d], *end = list + start[d + 1];
        int most = F2F_MIN(k - d, rest);
        switch (shared ? 8 + shared : F2F_MIN(most, 5)) { /* constants where they are inlined */
        case 0: near_add(s, e, end, k - d, 0, 0, sums); break;
        case 1: near_add(s, e, end, k - d, 1, 0, sums); break;
        case 2: near_add(s, e, end, k - d, 2, 0, sums); break;
        case 3: near_add(s, e, end, k - d, 3, 0, sums); break;
        case 4: near_add(s, e, end, k - d, 4, 0, sums); break;
        case 5: near_add(s, e, end, k - d, most, 0, sums); break;
        case 9: near_add(s, e, end, k - d, most, 1, sums); break;
        case 10: near_add(s, e, end, k - d, most, 2, sums); break;
#if F2F_SHARED > 3
        case 11: near_add(s, e, end, k - d, most, 3, sums); break;
        case 12: near_add(s, e, end, k - d, most, 4, sums); break;
#endif
        default: near_add(s, e, end, k - d, most, F2F_SHARED, sums);
        }
    }
    return near_full(sums, symbols);
}

/* s->within from delta, the lanes where B m ^ w has each rest bit: which lanes are within j of z. */
static inline void near_within(near_space *s, const f2f_row *delta, int rest)
{
    const f2f_row all = ~(f2f_row){0, 0, 0, 0};
    for (int z = 0; z < 1 << rest; z++) {
        f2f_row *x = s->within + z;
        for (int j = 0; j <= rest; j++) x[256 * j] = all;
        for (int q = 0; q < rest; q++) {
            f2f_row miss = z >> q & 1 ? ~delta[q] : delta[q];
            for (int j = rest - 1; j > 0; j--)
                x[256 * j] = F2F_PICK(miss, x[256 * (j - 1)], x[256 * j]);
            x[0] &= ~miss;
        }
    }
}

/* s->costs from the old levels: rows in coordinates, and moved to where B m takes c. */
static inline void near_costs(near_space *s, const f2f_row *level, int levels, int n_in,
                              const uint8_t *from_c, const f2f_row *into_c)
{
    const int symbols = 1 << n_in;
    for (int j = 0; j < levels; j++) {
        for (int c = 0; c < symbols; c++) s->costs[j][0][c] = level[256 * j + from_c[c]];
        translate(s->costs[j][0], n_in, into_c);
        for (int c = 0; c < symbols; c++)
            s->costs[j][F2F_PACK - 1][c] = s->costs[j][0][c ^ (F2F_PACK - 1)];
    }
}

/* Lists the pairs at distance k, from start[k], those at smaller ones being there; start[k + 1]: their
 * end. vector: the basis as pairs. Those at distance 0 are given. */
static inline void near_pairs(near_space *s, const uint32_t *vector, int rank, int k, int *start)
{
    uint32_t *to = s->pair + start[k];
    if (k > rank) {
        start[k + 1] = start[k];
        return;
    }
    for (int i = k - 1, prefix = start[1]; i < rank; i++) {
        for (int v = 0; v < prefix; v++) *to++ = s->pair[start[k - 1] + v] ^ vector[i];
        prefix = prefix * (i + 1) / (i - k + 2); /* start[1] times C(i + 1, k - 1) */
    }
    start[k + 1] = (int)(to - s->pair);
    assert(start[k + 1] <= 1 << 16);
}

/* New levels: out ([level][a], lanes m), from the first that is not empty, at most `limit`; returns
 * their number, and *least, how many are empty. *least is -1 where that takes too many rows or
 * distances. *exact: no state costs more than the last level, and none was a lower bound.
 * cols: A, B and C, n_in columns each, of n_u <= 64 care bits; w: those wanted. level ([level][c], lanes
 * m): the old ones, `levels` of them; clamped: what they do not have is a lower bound. parity: rows.h. */
static inline int near_step(near_space *s, const f2f_row *parity, const uint64_t *cols, int n_in,
                            int n_u, uint64_t w, const f2f_row *level, int levels, int clamped,
                            int limit, f2f_row *out, int *least, int *exact)
{
    const f2f_row zero = {0, 0, 0, 0};
    int symbols = 1 << n_in, start[F2F_NEAR_DISTANCES + 1] = {0}, tag;
    uint8_t from_c[256], to_c[256], from_a[256], to_a[256];
    f2f_row into_c[8], into_a[8], delta[F2F_NEAR_MAX_REST];
    uint32_t vector[16], moved[9];
    f2f_basis basis, *h = &basis;
    assert(n_u >= 1 && n_u <= 64 && levels <= F2F_TWO_MAX_LEVELS && limit <= F2F_TWO_MAX_LEVELS);
    *least = -1;
    basis_find(h, cols, n_in, n_u, 1, 2);
    int rest = h->rest, shared = F2F_MIN(h->shared, F2F_SHARED);
    if (rest > F2F_NEAR_MAX_REST) return -1;
    coordinates_of(h->zero, 0, shared, n_in, from_c, to_c);
    coordinates_of(h->zero, 8, shared, n_in, from_a, to_a);
    for (int i = 0; i < h->rank; i++) vector[i] = pair_of(h, to_c, to_a, h->tag[i], h->vector[i]);
    for (int j = 0; j <= n_in; j++) { /* how B moves into c, a and the rest; last, w */
        f2f_output v = clear_pivots(h, j < n_in ? cols[n_in + j] : w, &tag);
        moved[j] = pair_of(h, to_c, to_a, (uint32_t)tag, v);
    }
    for (int j = 0; j < n_in; j++) {
        lanes_where(parity, moved, n_in, j, into_c + j);
        lanes_where(parity, moved, n_in, 8 + j, into_a + j);
    }
    for (int q = 0; q < rest; q++) lanes_where(parity, moved, n_in, 16 + q, delta + q);
    near_costs(s, level, levels, n_in, from_c, into_c);
    near_within(s, delta, rest);
    int found = 0, full = 0, k;
    s->pair[0] = 0; /* distance 0: the pairs that change no care bit, but for the shared ones */
    for (int i = shared; i < h->null; i++)
        for (int v = 0; v < 1 << (i - shared); v++)
            s->pair[v + (1 << (i - shared))] = s->pair[v] ^ pair_of(h, to_c, to_a, h->zero[i], 0);
    start[1] = 1 << (h->null - shared);
    for (k = 0; found < limit && !full && k < F2F_NEAR_DISTANCES; k++) {
        if (k) near_pairs(s, vector, h->rank, k, start);
        int64_t work = 0;
        for (int d = 0; d <= k; d++)
            work += (int64_t)(start[d + 1] - start[d]) * (F2F_MIN(k - d, rest) + 1) << shared;
        if (work > F2F_NEAR_MAX_WORK) break;
        const uint32_t *list = shared < 4 ? s->pair : s->sorted;
        if (shared >= 4)
            sort_pairs(s->pair + start[k], s->pair + start[k + 1], shared, s->sorted + start[k]);
        for (int c = 0; k >= levels && c < 256 * F2F_PACK; c++) /* all states cost at most that */
            s->costs[k][c >> 8][c & 255] = ~zero;
        f2f_row *sums = s->sums + found * 256;
        full = near_level(s, list, start, k, rest, shared, symbols, sums);
        for (int a = 0; a < symbols && *least < 0; a++)
            if (F2F_ANY(sums[a])) *least = k;
        if (*least >= 0 && !full) found++;
    }
    if (*least < 0 || (found < F2F_NEAR_ENOUGH(limit) && !full)) return *least = -1;
    for (int j = 0; j < found; j++) {
        translate(s->sums + 256 * j, n_in, into_a);
        for (int a = 0; a < symbols; a++) out[256 * j + from_a[a]] = s->sums[256 * j + a];
    }
    *exact = full && (k <= levels || !clamped);
    return found;
}
#endif
