/* One block of the search for n_s = 2 with many care rows: only pairs (a, c) at small distances.
 *
 * With the basis of basis.h a pair is a sum of d vectors, d its distance on the pivots. Pairs are
 * made a distance at a time: those whose last vector is i are those of distance d - 1 from vectors
 * before i, and b_i. Level k of row a then takes level k - d of row c of every such pair; where rows
 * without a pivot are wrong in some lanes, a lower level there.
 * Included once per instruction set. */

#if F2F_LEVEL == 2 /* rows v and v + 1 in one vector */
#define F2F_PACK 2
#define F2F_SHARED 5 /* 2^5 rows are summed in registers */
typedef uint64_t F2F_NAME(pack) __attribute__((vector_size(64), aligned(64)));
#define PACK F2F_NAME(pack)
#define F2F_PACK_PICK(mask, yes, no)                                                              \
    ((PACK)_mm512_ternarylogic_epi64((__m512i)(mask), (__m512i)(yes), (__m512i)(no), 0xCA))
#define F2F_PACKED(x) ((PACK)_mm512_broadcast_i64x4((__m256i)(x)))
#else
#define F2F_PACK 1
#define F2F_SHARED 3
#define PACK ROW
#define F2F_PACK_PICK F2F_PICK
#define F2F_PACKED(x) (x)
#endif

/* Swap rows v and v ^ 2^j in the lanes of by[j], for all j < bits. */
F2F_ISA static void F2F_NAME(translate)(ROW *x, int bits, const ROW *by)
{
    for (int v = 0; F2F_PACK == 2 && v < 1 << bits; v += 2) {
        ROW a = F2F_PICK(by[0], x[v + 1], x[v]), b = F2F_PICK(by[0], x[v], x[v + 1]);
        x[v] = a, x[v + 1] = b;
    }
    for (int j = F2F_PACK - 1; j < bits; j += 2) {
        int step = (1 << j) / F2F_PACK, last = j + 1 == bits;
        PACK low = F2F_PACKED(by[j]), high = F2F_PACKED(by[j + !last]);
        for (int v = 0; v < (1 << bits) / F2F_PACK; v += step << (2 - last))
            for (PACK *p = (PACK *)x + v, *end = p + step; p < end; p++) {
                PACK a = F2F_PACK_PICK(low, p[step], p[0]), b = F2F_PACK_PICK(low, p[0], p[step]);
                if (!last) {
                    PACK *q = p + 2 * step;
                    PACK c = F2F_PACK_PICK(low, q[step], q[0]), d = F2F_PACK_PICK(low, q[0], q[step]);
                    q[0] = F2F_PACK_PICK(high, a, c), q[step] = F2F_PACK_PICK(high, b, d);
                    a = F2F_PACK_PICK(high, c, a), b = F2F_PACK_PICK(high, d, b);
                }
                p[0] = a, p[step] = b;
            }
    }
}

typedef struct {
    /* translated levels, [level][0: rows c, 1: rows c ^ 1][c], and the sums of them, [level][a] */
    ROW costs[F2F_SHELLS][F2F_PACK][256] __attribute__((aligned(64)));
    ROW sums[F2F_LEVELS * 256] __attribute__((aligned(64)));
    ROW within[(F2F_REST_MOST + 1) * 256];   /* [j][z]: lanes within j of z on the rest rows */
    uint32_t pair[1 << 16], sorted[1 << 16]; /* by distance; and by a */
} F2F_NAME(near_space);

/* For all pairs from e to end, and those that differ from them in the `shared` low bits of both a
 * and c: row a of sums |= row c of that level of costs, and of lower ones where rest rows are wrong. */
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(near_add)(const F2F_NAME(near_space) *s, const uint32_t *e, const uint32_t *end, int level,
                   const int most, const int shared, ROW *sums)
{
    const int low = (1 << shared) - 1, packs = (1 << shared) / F2F_PACK;
    while (e < end) {
        int block = (int)(*e >> 8 & 255 & ~low);
        if (!packs) {
            const ROW *cost = s->costs[level][0] + (*e & 255), *within = s->within + (*e >> 16);
            ROW sum = sums[block];
            for (int j = 0; j <= most; j++)
                sum |= cost[-256 * F2F_PACK * j] & within[256 * j];
            sums[block] = sum;
            e++;
            continue;
        }
        PACK *to = (PACK *)(sums + block), sum[(1 << F2F_SHARED) / F2F_PACK];
        for (int v = 0; v < packs; v++) sum[v] = to[v];
        do {
            int c = (int)(*e & 255), turn = (c ^ (int)(*e >> 8)) & low;
            for (int j = 0; j <= most; j++) {
                PACK within = F2F_PACKED(s->within[256 * j + (*e >> 16)]);
                const ROW *cost = s->costs[level - j][turn & (F2F_PACK - 1)] + (c & ~low);
                for (int v = 0; v < packs; v++)
                    sum[v] |= ((const PACK *)cost)[v ^ turn / F2F_PACK] & within;
            }
        } while (++e < end && (int)(*e >> 8 & 255 & ~low) == block);
        for (int v = 0; v < packs; v++) to[v] = sum[v];
    }
}

F2F_ISA static inline int F2F_NAME(near_full)(const ROW *sums, int symbols)
{
    int a = 0;
    while (a < symbols && F2F_FULL(sums[a])) a++;
    return a == symbols;
}

/* Level k of all rows a, from pairs at distances 0 to k that begin at start[d] of the list; whether
 * all of them are full. */
F2F_ISA static int F2F_NAME(near_level)(const F2F_NAME(near_space) *s, const uint32_t *list,
                                        const int *start, int k, int rest, int shared, int symbols,
                                        ROW *sums)
{
    for (int a = 0; a < symbols; a++) sums[a] = (ROW){0, 0, 0, 0};
    for (int d = 0; d <= k && !F2F_NAME(near_full)(sums, symbols); d++) {
        const uint32_t *e = list + start[d], *end = list + start[d + 1];
        int most = F2F_LEAST(k - d, rest);
        switch (shared ? 8 + shared : F2F_LEAST(most, 5)) { /* constants where they are inlined */
        case 0: F2F_NAME(near_add)(s, e, end, k - d, 0, 0, sums); break;
        case 1: F2F_NAME(near_add)(s, e, end, k - d, 1, 0, sums); break;
        case 2: F2F_NAME(near_add)(s, e, end, k - d, 2, 0, sums); break;
        case 3: F2F_NAME(near_add)(s, e, end, k - d, 3, 0, sums); break;
        case 4: F2F_NAME(near_add)(s, e, end, k - d, 4, 0, sums); break;
        case 5: F2F_NAME(near_add)(s, e, end, k - d, most, 0, sums); break;
        case 9: F2F_NAME(near_add)(s, e, end, k - d, most, 1, sums); break;
        case 10: F2F_NAME(near_add)(s, e, end, k - d, most, 2, sums); break;
#if F2F_SHARED > 3
        case 11: F2F_NAME(near_add)(s, e, end, k - d, most, 3, sums); break;
        case 12: F2F_NAME(near_add)(s, e, end, k - d, most, 4, sums); break;
#endif
        default: F2F_NAME(near_add)(s, e, end, k - d, most, F2F_SHARED, sums);
        }
    }
    return F2F_NAME(near_full)(sums, symbols);
}

/* Fills out ([level][a]) with new levels from the first that is not empty, at most `limit`, and
 * returns their number, *least that are empty; or *least is -1, where that takes too many rows or
 * distances. *exact: no state costs more than the last, and none was a lower bound. */
F2F_ISA static int F2F_NAME(near_step)(F2F_NAME(near_space) *s, const ROW *parity,
                                       const uint64_t *cols, int n_in, int n_u, uint64_t w,
                                       const ROW *level, int levels, int clamped, int limit,
                                       ROW *out, int *least, int *exact)
{
    const ROW zero = {0, 0, 0, 0};
    int symbols = 1 << n_in, start[F2F_SHELLS + 1] = {0}, tag;
    uint8_t from_c[256], to_c[256], from_a[256], to_a[256];
    ROW into_c[8], into_a[8], delta[F2F_REST_MOST];
    uint32_t vector[16], moved[9], *pair = s->pair;
    f2f_basis basis, *h = &basis;
    *least = -1;
    f2f_basis_find(h, cols, n_in, n_u, 1, 2);
    int rest = h->rest, shared = F2F_LEAST(h->shared, F2F_SHARED);
    if (rest > F2F_REST_MOST) return -1;
    f2f_coordinates(h->zero, 0, shared, n_in, from_c, to_c);
    f2f_coordinates(h->zero, 8, shared, n_in, from_a, to_a);
    for (int i = 0; i < h->rank; i++)
        vector[i] = f2f_pair(h, to_c, to_a, h->tag[i], h->vector[i]);
    for (int j = 0; j <= n_in; j++) { /* how B moves into c, a and the rest; last, w */
        f2f_output v = f2f_reduce(h, j < n_in ? cols[n_in + j] : w, &tag);
        moved[j] = f2f_pair(h, to_c, to_a, (uint32_t)tag, v);
    }
    for (int j = 0; j < n_in; j++) {
        into_c[j] = F2F_NAME(lanes)(parity, moved, n_in, j);
        into_a[j] = F2F_NAME(lanes)(parity, moved, n_in, 8 + j);
    }
    for (int q = 0; q < rest; q++) delta[q] = F2F_NAME(lanes)(parity, moved, n_in, 16 + q);
    for (int j = 0; j < levels; j++) {
        for (int c = 0; c < symbols; c++) s->costs[j][0][c] = level[256 * j + from_c[c]];
        F2F_NAME(translate)(s->costs[j][0], n_in, into_c);
        for (int c = 0; c < symbols; c++) s->costs[j][F2F_PACK - 1][c] = s->costs[j][0][c ^ (F2F_PACK - 1)];
    }
    for (int z = 0; z < 1 << rest; z++) {
        ROW *x = s->within + z;
        for (int j = 0; j <= rest; j++) x[256 * j] = ~zero;
        for (int q = 0; q < rest; q++) {
            ROW miss = z >> q & 1 ? ~delta[q] : delta[q];
            for (int j = rest - 1; j > 0; j--)
                x[256 * j] = F2F_PICK(miss, x[256 * (j - 1)], x[256 * j]);
            x[0] &= ~miss;
        }
    }
    int found = 0, full = 0, k;
    pair[0] = 0;
    for (int i = shared; i < h->null; i++)
        for (int v = 0; v < 1 << (i - shared); v++)
            pair[v + (1 << (i - shared))] =
                pair[v] ^ f2f_pair(h, to_c, to_a, h->zero[i], 0);
    start[1] = 1 << (h->null - shared);
    for (k = 0; found < limit && !full && k < F2F_SHELLS; k++) {
        uint32_t *to = pair + start[k + !k];
        if (k && k <= h->rank) /* pairs at distance k: prefixes of those at k - 1 */
            for (int i = k - 1, prefix = start[1]; i < h->rank; i++) {
                for (int v = 0; v < prefix; v++) *to++ = pair[start[k - 1] + v] ^ vector[i];
                prefix = prefix * (i + 1) / (i - k + 2); /* start[1] times C(i + 1, k - 1) */
            }
        start[k + 1] = (int)(to - pair);
        int64_t work = 0;
        for (int d = 0; d <= k; d++)
            work += (int64_t)(start[d + 1] - start[d]) * (F2F_LEAST(k - d, rest) + 1) << shared;
        if (work > F2F_NEAR_MOST) break;
        const uint32_t *list = shared < 4 ? pair : s->sorted;
        if (shared >= 4) f2f_sort_pairs(pair + start[k], to, shared, s->sorted + start[k]);
        for (int c = 0; k >= levels && c < 256 * F2F_PACK; c++) s->costs[k][c >> 8][c & 255] = ~zero;
        ROW *sums = s->sums + found * 256;
        full = F2F_NAME(near_level)(s, list, start, k, rest, shared, symbols, sums);
        for (int a = 0; a < symbols && *least < 0; a++)
            if (F2F_ANY(sums[a])) *least = k;
        if (*least >= 0 && !full) found++;
    }
    if (*least < 0 || (found < F2F_ENOUGH(limit) && !full)) return *least = -1;
    for (int j = 0; j < found; j++) {
        F2F_NAME(translate)(s->sums + 256 * j, n_in, into_a);
        for (int a = 0; a < symbols; a++) out[256 * j + from_a[a]] = s->sums[256 * j + a];
    }
    *exact = full && (k <= levels || !clamped);
    return found;
}
#undef PACK
#undef F2F_PACK
#undef F2F_PACK_PICK
#undef F2F_PACKED
#undef F2F_SHARED
