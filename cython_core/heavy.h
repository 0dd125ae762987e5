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

static int f2f_heavy_lists(f2f_heavy *h, const f2f_tagged *unit, const f2f_tagged *kernel,
                           int kernel_size, int n_in, int64_t *left)
{
    int symbols = 1 << n_in, rank = h->rank;
    int64_t many = (int64_t)1 << kernel_size, shell = many, total = 0;
    for (h->shells = 0; h->shells < F2F_SHELLS && h->shells <= rank; h->shells++) {
        if (total + shell > F2F_LIST_MOST || total + shell > *left) break;
        total += shell;
        shell = shell * (rank - h->shells) / (h->shells + 1);
    }
    *left -= total;
    int row = h->shells + 1;
    uint16_t *span = malloc((size_t)many * 2);
    h->start = calloc((size_t)(symbols * row), sizeof *h->start);
    h->entry = malloc((size_t)(total + 1) * 2);
    h->z = malloc(h->rest ? (size_t)total + 1 : 1);
    uint32_t *at = calloc((size_t)(symbols * row), 4);
    if (!span || !h->start || !h->entry || !h->z || !at) {
        free(span), free(at);
        return F2F_NO_MEMORY;
    }
    span[0] = 0;
    for (int j = 0; j < kernel_size; j++)
        for (int64_t v = 0; v < (int64_t)1 << j; v++)
            span[v + ((int64_t)1 << j)] = span[v] ^ kernel[j].tag;
    for (int fill = 0; fill < 2; fill++) {
        for (int d = 0; d < h->shells; d++) {
            uint32_t e = ((uint32_t)1 << d) - 1, end = (uint32_t)1 << rank;
            while (e < end) { /* every choice of d vectors */
                uint16_t tag = 0;
                uint64_t v = 0;
                for (uint32_t left = e; left; left &= left - 1)
                    tag ^= unit[__builtin_ctz(left)].tag, v ^= unit[__builtin_ctz(left)].v;
                uint8_t z = 0;
                for (int q = 0; q < h->rest; q++) z |= (uint8_t)((v >> h->rest_row[q] & 1) << q);
                for (int64_t k = 0; k < many; k++) {
                    uint16_t pair = tag ^ span[k];
                    int slot = (pair >> 8) * row + d;
                    if (fill) {
                        h->entry[at[slot]] = f2f_entry(h->rest, pair & 255, d);
                        if (h->rest) h->z[at[slot]] = z;
                        at[slot]++;
                    } else
                        at[slot]++;
                }
                if (!e) break;
                uint32_t low = e & -e, up = e + low;
                e = (((e ^ up) >> 2) / low) | up;
            }
        }
        if (fill) break;
        uint32_t sum = 0;
        for (int a = 0; a < symbols; a++)
            for (int d = 0; d < row; d++) {
                uint32_t n = at[a * row + d];
                at[a * row + d] = h->start[a * row + d] = sum;
                sum += n;
            }
    }
    free(span), free(at);
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
    f2f_tagged base[16], kernel[16];
    int kernels = 0;
    for (int part = 0; part < 2; part++) { /* C's columns, then A's reduced by C's */
        int first = h->rank;
        for (int j = 0; j < n_in; j++) {
            f2f_tagged x = {cols[part ? j : 2 * n_in + j],
                            (uint16_t)(part ? 256 << j : 1 << j)};
            for (int i = 0; i < h->rank; i++)
                if (x.v >> h->pivot[i] & 1) x.v ^= base[i].v, x.tag ^= base[i].tag;
            if (!x.v) {
                kernel[kernels++] = x;
                continue;
            }
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
    for (int i = 0; i < h->from_c; i++) /* for the lists: unit vectors on all pivots */
        for (int k = h->from_c; k < h->rank; k++)
            if (base[i].v >> h->pivot[k] & 1) base[i].v ^= base[k].v, base[i].tag ^= base[k].tag;
    if (f2f_heavy_lists(h, base, kernel, kernels, n_in, left)) {
        f2f_heavy_free(h);
        return NULL;
    }
    return h;
}
#endif
