/* What a block with many care rows needs at n_s = 2, found once for all planes.
 *
 * D'(a, m) = min_c D(m, c) + |A a ^ B m ^ C c ^ w|. Eliminate: vectors b_i = C gamma_i ^ A alpha_i,
 * each with a pivot row, span the outputs of C (first) and A. Writing B m ^ w as a sum of b_i moves
 * it into c and a (a translation of each lane m), leaving |A a ^ C c ^ delta(m)| with delta on the
 * rows that are no pivots: mostly none. The pairs (a, c) at a small distance on the pivot rows are
 * few; they are listed by a and distance, so costs need only be looked up along short lists. */
#ifndef F2F_HEAVY_H
#define F2F_HEAVY_H
#include "code.h"

#define F2F_LIST_MOST 26000 /* pairs listed for a block: memory, not exactness */
#define F2F_TILE_LISTS 12000000 /* pairs listed for a tile: 36 MB; later blocks list none */
#define F2F_SHELLS 10       /* distances listed at most */
#define F2F_REST_MOST 8     /* rows without a pivot, at most */

typedef struct f2f_heavy {
    int rank, from_c;           /* vectors, of which the first from_c come from C alone */
    uint64_t vector[16];        /* b_i, zero on the pivots of earlier C (for A: of all C) vectors */
    uint8_t pivot[16], gamma[16], alpha[16];
    int rest;                   /* rows that are no pivots */
    uint8_t rest_row[F2F_REST_MOST];
    int shells;                 /* distances 0 … shells - 1 are listed completely */
    uint16_t *start;            /* (2^n_in, shells + 1) where the list of (a, distance) starts */
    uint16_t *entry;            /* listed pairs: 8 c - distance + 16, or with rest c + 256 distance */
    uint8_t *z;                 /* with rest: the pair's outputs on the rest rows */
} f2f_heavy;

static inline uint16_t f2f_entry(int rest, int c, int d)
{
    return (uint16_t)(rest ? c | d << 8 : 8 * c - d + 16);
}

static void f2f_heavy_free(f2f_heavy *h)
{
    if (h) free(h->start), free(h->entry), free(h->z), free(h);
}

typedef struct {
    uint64_t v;
    uint16_t tag; /* gamma | alpha << 8 */
} f2f_tagged;

/* Pairs (a, c) by a and by distance, the pivot rows on which A a ^ C c is 1: for each a all c at
 * once, one bit each, the distance counted in bits of five words. */
static int f2f_heavy_lists(f2f_heavy *h, const uint64_t *cols, int n_in, int64_t *left)
{
    int symbols = 1 << n_in, rank = h->rank;
    int64_t shell = ((int64_t)1 << 2 * n_in) >> rank, total = 0;
    for (h->shells = 0; h->shells < F2F_SHELLS && h->shells <= rank; h->shells++) {
        if (total + shell > F2F_LIST_MOST || total + shell > *left) break;
        total += shell;
        shell = shell * (rank - h->shells) / (h->shells + 1);
    }
    *left -= total;
    h->start = malloc((size_t)(symbols * (h->shells + 1)) * sizeof *h->start);
    h->entry = malloc((size_t)(total + 1) * 2);
    h->z = malloc(h->rest ? (size_t)total + 1 : 1);
    if (!h->start || !h->entry || !h->z) return F2F_NO_MEMORY;
    uint64_t ya[256], yc[256], lane[16][4] = {{0}};
    uint8_t za[256] = {0}, zc[256] = {0};
    f2f_span(cols, n_in, 1, NULL, ya);
    f2f_span(cols + 2 * n_in, n_in, 1, NULL, yc);
    for (int c = 0; c < symbols; c++) {
        for (int i = 0; i < rank; i++)
            lane[i][c >> 6] |= (yc[c] >> h->pivot[i] & 1) << (c & 63);
        for (int q = 0; q < h->rest; q++) {
            zc[c] |= (uint8_t)((yc[c] >> h->rest_row[q] & 1) << q);
            za[c] |= (uint8_t)((ya[c] >> h->rest_row[q] & 1) << q);
        }
    }
    uint16_t at = 0, *start = h->start;
    for (int a = 0; a < symbols; a++) {
        uint64_t count[5][4] = {{0}};
        for (int i = 0; i < rank; i++) {
            uint64_t flip = -(ya[a] >> h->pivot[i] & 1);
            for (int k = 0; k < 4; k++) {
                uint64_t carry = lane[i][k] ^ flip;
                for (int b = 0; b < 5; b++) {
                    uint64_t sum = count[b][k] ^ carry;
                    carry &= count[b][k];
                    count[b][k] = sum;
                }
            }
        }
        for (int d = 0; d < h->shells; d++) {
            *start++ = at;
            for (int k = 0; k < (symbols + 63) / 64; k++) {
                uint64_t here = symbols < 64 ? ((uint64_t)1 << symbols) - 1 : ~(uint64_t)0;
                for (int b = 0; b < 5; b++) here &= d >> b & 1 ? count[b][k] : ~count[b][k];
                for (; here; here &= here - 1) {
                    int c = 64 * k + __builtin_ctzll(here);
                    if (h->rest) h->z[at] = za[a] ^ zc[c];
                    h->entry[at++] = f2f_entry(h->rest, c, d);
                }
            }
        }
        *start++ = at;
    }
    return F2F_OK;
}

/* NULL where the block is too heavy for it (or memory is out). */
static f2f_heavy *f2f_heavy_new(const uint64_t *cols, int n_in, int n_u, int64_t *left)
{
    f2f_heavy *h = calloc(1, sizeof *h);
    if (!h || n_u > 64) {
        free(h);
        return NULL;
    }
    f2f_tagged base[16];
    for (int part = 0; part < 2; part++) { /* C's columns, then A's reduced by C's */
        int first = h->rank;
        for (int j = 0; j < n_in; j++) {
            f2f_tagged x = {cols[part ? j : 2 * n_in + j],
                            (uint16_t)(part ? 256 << j : 1 << j)};
            for (int i = 0; i < h->rank; i++)
                if (x.v >> h->pivot[i] & 1) x.v ^= base[i].v, x.tag ^= base[i].tag;
            if (!x.v) continue;
            int p = __builtin_ctzll(x.v);
            for (int i = first; i < h->rank; i++)
                if (base[i].v >> p & 1) base[i].v ^= x.v, base[i].tag ^= x.tag;
            h->pivot[h->rank] = (uint8_t)p;
            base[h->rank++] = x;
        }
        if (!part) h->from_c = h->rank;
    }
    uint64_t pivots = 0, all = n_u == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n_u) - 1;
    for (int i = 0; i < h->rank; i++) {
        pivots |= (uint64_t)1 << h->pivot[i];
        h->vector[i] = base[i].v;
        h->gamma[i] = (uint8_t)base[i].tag;
        h->alpha[i] = (uint8_t)(base[i].tag >> 8);
    }
    uint64_t others = all & ~pivots;
    if (__builtin_popcountll(others) > F2F_REST_MOST) {
        free(h);
        return NULL;
    }
    for (; others; others &= others - 1)
        h->rest_row[h->rest++] = (uint8_t)__builtin_ctzll(others);
    if (f2f_heavy_lists(h, cols, n_in, left)) {
        f2f_heavy_free(h);
        return NULL;
    }
    return h;
}
#endif
