/* One block of the search for n_s = 2 with many care rows: only pairs (a, c) at small distances.
 *
 * With the basis of basis.h a pair is a sum of d vectors, d its distance on the pivots. Pairs are
 * made a distance at a time: those whose last vector is i are those of distance d - 1 from vectors
 * before i, and b_i. Level k of row a then takes level k - d of row c of every such pair; where rows
 * without a pivot are wrong in some lanes, a lower level there.
 * Included once per instruction set. */

/* Swap rows v and v ^ 2^j in the lanes of by[j], for all j < bits. */
F2F_ISA static void F2F_NAME(translate)(ROW *x, int bits, const ROW *by)
{
    for (int j = 0; j < bits; j += 2) {
        int step = 1 << j;
        ROW low = by[j], high = j + 1 < bits ? by[j + 1] : by[j];
        for (int v = 0; v < 1 << bits; v += j + 1 < bits ? 4 * step : 2 * step)
            for (ROW *p = x + v, *end = p + step; p < end; p++) {
                ROW a = F2F_PICK(low, p[step], p[0]), b = F2F_PICK(low, p[0], p[step]);
                if (j + 1 < bits) {
                    ROW *q = p + 2 * step;
                    ROW c = F2F_PICK(low, q[step], q[0]), d = F2F_PICK(low, q[0], q[step]);
                    q[0] = F2F_PICK(high, a, c), q[step] = F2F_PICK(high, b, d);
                    a = F2F_PICK(high, c, a), b = F2F_PICK(high, d, b);
                }
                p[0] = a, p[step] = b;
            }
    }
}

typedef uint64_t F2F_NAME(rows2) __attribute__((vector_size(64), aligned(64)));
#define ROWS2 F2F_NAME(rows2)

typedef struct {
    /* translated levels, [level][0: rows c, 1: rows c ^ 1], and the sums of them, [level][a] */
    ROW costs[F2F_SHELLS][2][256] __attribute__((aligned(64)));
    ROW sums[F2F_LEVELS * 256] __attribute__((aligned(64)));
    ROW within[(F2F_REST_MOST + 1) * 256];   /* [j][z]: lanes within j of z on the rest rows */
    uint64_t pair[1 << 16];
} F2F_NAME(near_space);

/* A pair in 16 bits each: c, a, its outputs on the rest rows. */
static inline uint64_t F2F_NAME(pair)(const f2f_basis *h, const uint8_t *to_c, const uint8_t *to_a,
                                      int tag, uint64_t output)
{
    uint64_t z = 0;
    for (int q = 0; q < h->rest; q++) z |= (output >> h->rest_row[q] & 1) << q;
    return to_c[tag & 255] | (uint64_t)to_a[tag >> 8] << 16 | z << 32;
}

/* sums of all pairs from e to end, and those that differ from them in the `shared` low bits of both
 * a and c: |= the given level of c, and lower ones where rest rows are wrong. */
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(near_add)(const F2F_NAME(near_space) *s, const uint64_t *e, const uint64_t *end, int level,
                   int most, const int shared, ROW *sums)
{
    for (; e < end; e++) {
        int c = (int)(*e & 255), a = (int)(*e >> 16 & 255), turn = c ^ a;
        for (int j = 0; j <= most; j++) {
            ROW near_ = s->within[256 * j + (*e >> 32)];
            if (!shared) {
                sums[a] |= s->costs[level - j][0][c] & near_;
                continue;
            }
            int low = (1 << shared) - 1;
            const ROWS2 *cost = (const ROWS2 *)(s->costs[level - j][turn & 1] + (c & ~low));
            ROWS2 *sum = (ROWS2 *)(sums + (a & ~low));
            ROWS2 both = (ROWS2){near_[0], near_[1], near_[2], near_[3],
                                 near_[0], near_[1], near_[2], near_[3]};
            int by = (turn & low) >> 1;
            for (int v = 0; v < 1 << (shared - 1); v++) sum[v] |= cost[v ^ by] & both;
        }
    }
}

F2F_ISA static inline int F2F_NAME(near_full)(const ROW *sums, int symbols)
{
    int a = 0;
    while (a < symbols && F2F_FULL(sums[a])) a++;
    return a == symbols;
}

/* Fills out ([level][a]) with new levels from the first that is not empty, at most `limit`, and
 * returns their number, *least that are empty; or *least is -1, where that takes too many distances.
 * *exact: no state costs more than the last, and none was a lower bound. */
F2F_ISA static int F2F_NAME(near_step)(F2F_NAME(near_space) *s, const f2f_basis *h,
                                       const ROW *parity, const uint64_t *b, int n_in, uint64_t w,
                                       const ROW *level, int levels, int clamped, int limit,
                                       ROW *out, int *least, int *exact)
{
    const ROW zero = {0, 0, 0, 0};
    int symbols = 1 << n_in, rest = h->rest, shared = h->shared, start[F2F_SHELLS + 1] = {0};
    uint8_t from_c[256], to_c[256], from_a[256], to_a[256];
    ROW into_c[8], into_a[8], delta[F2F_REST_MOST];
    uint64_t vector[16], *pair = s->pair;
    f2f_coordinates(h->zero, 0, shared, n_in, from_c, to_c);
    f2f_coordinates(h->zero, 8, shared, n_in, from_a, to_a);
    for (int j = 0; j < 8; j++) into_c[j] = into_a[j] = zero;
    for (int q = 0; q < rest; q++)
        delta[q] = F2F_NAME(lanes)(parity, b, n_in, w, h->rest_row[q]);
    for (int i = 0; i < h->rank; i++) {
        ROW lane = F2F_NAME(lanes)(parity, b, n_in, w, h->pivot[i]);
        vector[i] = F2F_NAME(pair)(h, to_c, to_a, h->tag[i], h->vector[i]);
        for (int j = 0; j < n_in; j++) {
            into_c[j] ^= lane & -(vector[i] >> j & 1);
            into_a[j] ^= lane & -(vector[i] >> (16 + j) & 1);
        }
        for (int q = 0; q < rest; q++) delta[q] ^= lane & -(vector[i] >> (32 + q) & 1);
    }
    for (int j = 0; j < levels; j++) {
        for (int c = 0; c < symbols; c++) s->costs[j][0][c] = level[256 * j + from_c[c]];
        F2F_NAME(translate)(s->costs[j][0], n_in, into_c);
        for (int c = 0; c < symbols; c++) s->costs[j][1][c] = s->costs[j][0][c ^ 1];
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
                pair[v] ^ F2F_NAME(pair)(h, to_c, to_a, h->zero[i], 0);
    start[1] = 1 << (h->null - shared);
    *least = -1;
    for (k = 0; found < limit && !full && k < F2F_SHELLS; k++) {
        uint64_t *to = pair + start[k + !k];
        if (k && k <= h->rank) /* pairs at distance k: prefixes of those at k - 1 */
            for (int i = k - 1, prefix = start[1]; i < h->rank; i++) {
                for (int v = 0; v < prefix; v++) *to++ = pair[start[k - 1] + v] ^ vector[i];
                prefix = prefix * (i + 1) / (i - k + 2); /* start[1] times C(i + 1, k - 1) */
            }
        start[k + 1] = (int)(to - pair);
        for (int c = 0; k >= levels && c < 256; c++) s->costs[k][0][c] = s->costs[k][1][c] = ~zero;
        ROW *sums = s->sums + found * 256;
        for (int a = 0; a < symbols; a++) sums[a] = zero;
        for (int d = 0; d <= k && !(full = F2F_NAME(near_full)(sums, symbols)); d++) {
            const uint64_t *e = pair + start[d], *end = pair + start[d + 1];
            int most = F2F_LEAST(k - d, rest);
            switch (shared) {
            case 0: F2F_NAME(near_add)(s, e, end, k - d, most, 0, sums); break;
            case 1: F2F_NAME(near_add)(s, e, end, k - d, most, 1, sums); break;
            case 2: F2F_NAME(near_add)(s, e, end, k - d, most, 2, sums); break;
            case 3: F2F_NAME(near_add)(s, e, end, k - d, most, 3, sums); break;
            case 4: F2F_NAME(near_add)(s, e, end, k - d, most, 4, sums); break;
            case 5: F2F_NAME(near_add)(s, e, end, k - d, most, 5, sums); break;
            default: F2F_NAME(near_add)(s, e, end, k - d, most, shared, sums);
            }
        }
        full = F2F_NAME(near_full)(sums, symbols);
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
#undef ROWS2
