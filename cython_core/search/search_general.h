/* Exact search for every code, in portable C: costs of 16 bits.
 *
 * A state is the register: bit j of x_{t-k} is bit n_in k + j (k < n_s). So D_{t-1} read as [c][m],
 * c = x_{t-n_s} and m = the n_s - 1 symbols between, has one row for each symbol that the register
 * drops, and D_t[m][a] = min_c D_{t-1}[c][m] + |A a ^ B m ^ C c ^ w|. Costs are above the least, which
 * is taken out at every block.
 * The path is found backwards. Costs of one segment are kept at a time, and a copy of those at the head
 * of each, from which the others are computed again. */
#ifndef F2F_SEARCH_GENERAL_H
#define F2F_SEARCH_GENERAL_H
#include "bits.h"
#include "limits.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define F2F_GENERAL_NO_STATE \
    0x5000                         /* above n_s max(n_u) <= 8192, below 2^15 after adding as much */
#define F2F_GENERAL_NOTHING 0x7000 /* no state leads here; above all that is */

typedef struct {
    uint64_t *ya, *yb, *yc; /* spans of A, of B, and of C from w */
    uint16_t *table;        /* of a transform, or of distances for each eight care bits */
} general_space;

/* Memory for blocks of at most n_u care bits; whether there is any. The caller frees what it got. */
static inline int general_open(general_space *s, const f2f_code *code, int n_u)
{
    int mid = code->n_in * (code->n_s - 1), words = words_of(n_u) + 1;
    size_t span = (size_t)words << (mid > code->n_in ? mid : code->n_in);
    size_t table = (size_t)F2F_GENERAL_LANES << (code->n_in + 3);
    size_t pairs = (size_t)((n_u + 7) / 8 + 1) << (8 + code->n_in);
    s->ya = malloc(span * sizeof *s->ya);
    s->yb = malloc(span * sizeof *s->yb);
    s->yc = malloc(span * sizeof *s->yc);
    s->table = malloc((table > pairs ? table : pairs) * sizeof *s->table);
    return s->ya && s->yb && s->yc && s->table;
}

/* Few care bits: the distance transform over the 2^n_u outputs, for `lanes` middles from m0 side by
 * side, of M. */
F2F_INLINE void general_transform(const general_space *s, int n_in, int64_t m0, int64_t lanes,
                                  int64_t M, int n_u, const uint16_t *old, uint16_t *new)
{
    int64_t R = (int64_t)1 << n_in, size = (int64_t)1 << n_u;
    uint16_t *T = s->table;
    for (int64_t i = 0; i < size * lanes; i++) T[i] = F2F_GENERAL_NOTHING;
    for (int64_t c = 0; c < R; c++) {
        uint16_t *row = T + s->yc[c] * lanes;
        const uint16_t *d = old + c * M + m0;
        for (int64_t l = 0; l < lanes; l++) row[l] = row[l] < d[l] ? row[l] : d[l];
    }
    for (int i = 0; i < n_u; i++) {
        int64_t half = lanes << i;
        for (int64_t v = 0; v < size * lanes; v += 2 * half)
            for (int64_t k = v; k < v + half; k++) {
                uint16_t p = T[k], q = T[k + half], p1 = p + 1, q1 = q + 1;
                T[k] = p < q1 ? p : q1;
                T[k + half] = q < p1 ? q : p1;
            }
    }
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t a = 0; a < R; a++)
            new[((m0 + l) << n_in) + a] = T[(s->ya[a] ^ s->yb[m0 + l]) * lanes + l];
}

/* The same loops for costs of T bits:
 * general_pairs: best[a] = min(best[a], d + sum of row[h][a]), one row for each eight care bits, their
 *   number a constant for the usual ones (general_pairs_of);
 * general_all_pairs: many care bits, every pair (a, c). */
#define F2F_GENERAL_PAIRS(T)                                                                      \
    F2F_INLINE void general_pairs_##T(T *restrict best, const int64_t R, const int d,             \
                                      const T *const *row, const int chunks)                      \
    {                                                                                             \
        for (int64_t a = 0; a < R; a++) {                                                         \
            T v = (T)d;                                                                           \
            for (int h = 0; h < chunks; h++) v = (T)(v + row[h][a]);                              \
            best[a] = best[a] < v ? best[a] : v;                                                  \
        }                                                                                         \
    }                                                                                             \
    F2F_INLINE void general_pairs_of_##T(T *restrict best, const int64_t R, const int d,          \
                                         const T *const *row, const int chunks)                   \
    {                                                                                             \
        switch (chunks) {                                                                         \
        case 1: general_pairs_##T(best, R, d, row, 1); break;                                     \
        case 2: general_pairs_##T(best, R, d, row, 2); break;                                     \
        case 3: general_pairs_##T(best, R, d, row, 3); break;                                     \
        case 4: general_pairs_##T(best, R, d, row, 4); break;                                     \
        case 5: general_pairs_##T(best, R, d, row, 5); break;                                     \
        case 6: general_pairs_##T(best, R, d, row, 6); break;                                     \
        case 7: general_pairs_##T(best, R, d, row, 7); break;                                     \
        case 8: general_pairs_##T(best, R, d, row, 8); break;                                     \
        default: general_pairs_##T(best, R, d, row, chunks);                                      \
        }                                                                                         \
    }                                                                                             \
    F2F_INLINE void general_all_pairs_##T(const general_space *s, int n_in, int64_t M, int words, \
                                          int chunks, const uint16_t *old, uint16_t *new)         \
    {                                                                                             \
        const int64_t R = (int64_t)1 << n_in;                                                     \
        const T none = sizeof(T) == 1 ? 255 : F2F_GENERAL_NOTHING; /* no state leads here */      \
        T *table = (T *)s->table, best[1 << F2F_GENERAL_MAX_N_IN];                                \
        for (int h = 0; h < chunks; h++)                                                          \
            for (int z = 0; z < 256; z++)                                                         \
                for (int64_t a = 0; a < R; a++)                                                   \
                    table[((int64_t)(h * 256 + z) << n_in) + a] =                                 \
                        (T)__builtin_popcountll((s->ya[a * words + (h >> 3)] >> (8 * (h & 7)) &   \
                                                 255) ^                                           \
                                                (uint64_t)z);                                     \
        for (int64_t m = 0; m < M; m++) {                                                         \
            for (int64_t a = 0; a < R; a++) best[a] = none;                                       \
            for (int64_t c = 0; c < R; c++) {                                                     \
                const T *row[8 * F2F_MAX_WORDS];                                                  \
                const uint16_t d = old[c * M + m];                                                \
                if (d >= F2F_GENERAL_NO_STATE / 2) continue;                                      \
                for (int h = 0; h < chunks; h++) {                                                \
                    const uint64_t y = s->yc[c * words + (h >> 3)] ^ s->yb[m * words + (h >> 3)]; \
                    row[h] =                                                                      \
                        table + ((int64_t)(h * 256 + (int)(y >> (8 * (h & 7)) & 255)) << n_in);   \
                }                                                                                 \
                if (R == 256)                                                                     \
                    general_pairs_of_##T(best, 256, d, row, chunks);                              \
                else                                                                              \
                    general_pairs_##T(best, R, d, row, chunks);                                   \
            }                                                                                     \
            for (int64_t a = 0; a < R; a++)                                                       \
                new[(m << n_in) + a] = best[a] == none ? F2F_GENERAL_NOTHING : best[a];           \
        }                                                                                         \
    }
F2F_GENERAL_PAIRS(uint8_t)
F2F_GENERAL_PAIRS(uint16_t)

/* One block: new = step(old), the least cost taken out and returned. `bits`: the block's. */
F2F_INLINE int general_step(const general_space *s, const f2f_code *code, const f2f_tile *tile,
                            int64_t t, const uint64_t *bits, const uint16_t *old, uint16_t *new)
{
    int n_in = code->n_in, n_u = tile->n_u[t], words = words_of(n_u);
    int64_t R = (int64_t)1 << n_in, M = (int64_t)1 << (n_in * (code->n_s - 1));
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS];
    wanted(code, tile, t, bits, w);
    if (n_u == 0) { /* nothing to match */
        for (int64_t m = 0; m < M; m++) {
            uint16_t best = F2F_GENERAL_NOTHING;
            for (int64_t c = 0; c < R; c++)
                if (old[c * M + m] < best) best = old[c * M + m];
            for (int64_t a = 0; a < R; a++) new[(m << n_in) + a] = best;
        }
    } else {
        span_words(cols, n_in, words, NULL, s->ya);
        span_words(cols + n_in * words, n_in * (code->n_s - 1), words, NULL, s->yb);
        span_words(cols + n_in * code->n_s * words, n_in, words, w, s->yc);
        if (n_u <= n_in + 3) {
            int64_t lanes = M < F2F_GENERAL_LANES ? M : F2F_GENERAL_LANES;
            for (int64_t m0 = 0; m0 < M; m0 += lanes)
                general_transform(s, n_in, m0, lanes, M, n_u, old, new);
        } else {
            int chunks = (n_u + 7) / 8, most = 0;
            for (int64_t i = 0; i < R * M; i++)
                if (old[i] > most && old[i] < F2F_GENERAL_NO_STATE / 2) most = old[i];
            if (n_u + most <= F2F_GENERAL_MAX_BYTE_COST)
                general_all_pairs_uint8_t(s, n_in, M, words, chunks, old, new);
            else
                general_all_pairs_uint16_t(s, n_in, M, words, chunks, old, new);
        }
    }
    uint16_t least = F2F_GENERAL_NOTHING;
    for (int64_t i = 0; i < R * M; i++) least = least < new[i] ? least : new[i];
    assert(least < F2F_GENERAL_NO_STATE); /* some register can be */
    for (int64_t i = 0; i < R * M; i++) new[i] -= least;
    return least;
}

/* The best state before block t, of costs `old`, given the state after it. */
F2F_INLINE int64_t general_back(const general_space *s, const f2f_code *code, const f2f_tile *tile,
                                int64_t t, const uint64_t *bits, const uint16_t *old, int64_t state)
{
    int n_in = code->n_in, n_u = tile->n_u[t], words = words_of(n_u);
    int top = n_in * (code->n_s - 1);
    int64_t R = (int64_t)1 << n_in, m = state >> n_in, best = 0;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS];
    wanted(code, tile, t, bits, w);
    for (int j = 0; j < n_in * code->n_s; j++)
        if (state >> j & 1)
            for (int k = 0; k < words; k++) w[k] ^= cols[(int64_t)j * words + k];
    span_words(cols + (int64_t)n_in * code->n_s * words, n_in, words, NULL, s->yc);
    int cost = 0x7fff;
    for (int64_t c = 0; c < R; c++) {
        int v = old[c << top | m];
        if (words) v += distance(s->yc + c * words, w, words);
        if (v < cost) cost = v, best = c;
    }
    return best << top | m;
}

/* As f2f_search, n_s = 0: every block by itself. */
static inline int general_alone(const general_space *s, const f2f_code *code, const f2f_tile *tile,
                                const uint64_t *bits, uint16_t *symbols, int64_t *mismatches,
                                const volatile int *cancel)
{
    for (int64_t t = 0; t < tile->blocks; t++) {
        if (*cancel) return F2F_CANCELLED;
        int n_u = tile->n_u[t], words = words_of(n_u), cost = n_u + 1;
        uint64_t w[F2F_MAX_WORDS];
        wanted(code, tile, t, bits + t * code->words, w);
        span_words(tile->cols + tile->start[t], code->n_in, words, NULL, s->ya);
        for (int64_t x = 0; x >> code->n_in == 0 && cost; x++) {
            int v = distance(s->ya + x * words, w, words);
            if (v < cost) cost = v, symbols[t] = (uint16_t)x;
        }
        *mismatches += cost;
    }
    return F2F_OK;
}

/* Costs of blocks t0 to t1 - 1: costs (t1 - t0 + 1, states), the first of them given. Returns the sum
 * of what was taken out, or -1 once cancelled. */
static inline int64_t general_forward(const general_space *s, const f2f_code *code,
                                      const f2f_tile *tile, const uint64_t *bits, int64_t t0,
                                      int64_t t1, uint16_t *costs, const volatile int *cancel)
{
    int64_t sum = 0, states = (int64_t)1 << (code->n_in * code->n_s);
    for (int64_t t = t0; t < t1; t++, costs += states) {
        if (*cancel) return -1;
        sum += general_step(s, code, tile, t, bits + t * code->words, costs, costs + states);
    }
    return sum;
}

/* As f2f_search, n_s >= 1. */
static inline int general_path(const general_space *s, const f2f_code *code, const f2f_tile *tile,
                               const uint64_t *bits, uint16_t *symbols, int64_t *mismatches,
                               const volatile int *cancel)
{
    int64_t states = (int64_t)1 << (code->n_in * code->n_s), blocks = tile->blocks, sum, state = 0;
    int64_t length = blocks; /* of a segment, in blocks */
    if (length * states > (int64_t)1 << 23)
        for (length = 1; length * length < blocks; length++) {
        }
    int64_t heads = (blocks + length - 1) / length;
    uint16_t *head = malloc((size_t)((heads + 1) * states) * sizeof *head);
    uint16_t *costs = malloc((size_t)((length + 1) * states) * sizeof *costs);
    int status = F2F_NO_MEMORY;
    if (!head || !costs) goto done;
    status = F2F_CANCELLED;
    for (int64_t i = 0; i < states; i++) head[i] = i ? F2F_GENERAL_NO_STATE : 0;
    for (int64_t part = 0; part < heads; part++) {
        int64_t t0 = part * length, t1 = F2F_MIN(t0 + length, blocks);
        memcpy(costs, head + part * states, (size_t)states * sizeof *costs);
        if ((sum = general_forward(s, code, tile, bits, t0, t1, costs, cancel)) < 0) goto done;
        *mismatches += sum;
        memcpy(head + (part + 1) * states, costs + (t1 - t0) * states,
               (size_t)states * sizeof *costs);
    }
    while (head[heads * states + state]) state++; /* the least cost is 0 */
    for (int64_t part = heads - 1; part >= 0; part--) {
        int64_t t0 = part * length, t1 = F2F_MIN(t0 + length, blocks);
        if (part < heads - 1) { /* the last segment is still there */
            memcpy(costs, head + part * states, (size_t)states * sizeof *costs);
            if (general_forward(s, code, tile, bits, t0, t1, costs, cancel) < 0) goto done;
        }
        for (int64_t t = t1 - 1; t >= t0; t--) {
            assert(state < states);
            symbols[t] = (uint16_t)(state & (((int64_t)1 << code->n_in) - 1));
            state = general_back(s, code, tile, t, bits + t * code->words,
                                 costs + (t - t0) * states, state);
        }
    }
    status = F2F_OK;
done:
    free(head), free(costs);
    return status;
}

/* As f2f_search. */
static inline int general_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                                 uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    general_space s = {0};
    int most = 0, status = F2F_NO_MEMORY;
    for (int64_t t = 0; t < tile->blocks; t++)
        if (tile->n_u[t] > most) most = tile->n_u[t];
    *mismatches = 0;
    if (general_open(&s, code, most)) {
        if (code->n_s)
            status = general_path(&s, code, tile, bits, symbols, mismatches, cancel);
        else
            status = general_alone(&s, code, tile, bits, symbols, mismatches, cancel);
    }
    free(s.ya), free(s.yb), free(s.yc), free(s.table);
    return status;
}
#endif
