/* Exact search for every code, portable C: DESIGN section 2 with 16-bit costs.
 *
 * State index at time t: bit j of x_{t-k} is bit n_in k + j (k < n_s). So D_{t-1} read as
 * [c][m], c = x_{t-n_s} and m = the n_s - 1 symbols between, has one row per symbol the
 * register drops, and D_t[m][a] = min_c D_{t-1}[c][m] + |A a ^ B m ^ C c ^ w|.
 * Nothing is kept for the traceback but D itself: all of it for one segment, and one D at the
 * head of every segment, from which a segment is computed again when the path reaches it. */
#ifndef F2F_SEARCH_PLAIN_H
#define F2F_SEARCH_PLAIN_H
#include "code.h"

#define F2F_INF 0x5000 /* above n_s max(n_u) <= 8192, below 2^15 after adding as much */
#define F2F_LANES 32
/* Inlined into callers compiled for an instruction set, and so compiled for it. */
#define F2F_INLINE static inline __attribute__((always_inline))
#define F2F_MOST_IN 12 /* n_in */

typedef struct {
    uint64_t *ya, *yb, *yc; /* spans of A, B, C (w folded into C's) */
    uint16_t *table;        /* butterfly table, or the per-byte distance tables */
    size_t table_size, span_size;
} f2f_plain_space;

F2F_INLINE int f2f_weight(const uint64_t *p, const uint64_t *q, int rw)
{
    int n = 0;
    for (int k = 0; k < rw; k++) n += __builtin_popcountll(p[k] ^ q[k]);
    return n;
}

static int f2f_plain_reserve(f2f_plain_space *s, const f2f_code *code, int n_u)
{
    int mid = code->n_in * (code->n_s - 1), rw = (n_u + 63) / 64 + 1;
    size_t span = (size_t)rw << (mid > code->n_in ? mid : code->n_in);
    size_t table = (size_t)F2F_LANES << (code->n_in + 3);
    size_t brute = (size_t)((n_u + 7) / 8 + 1) << (8 + code->n_in);
    if (brute > table) table = brute;
    if (span > s->span_size) {
        free(s->ya), free(s->yb), free(s->yc);
        s->ya = malloc(span * 8), s->yb = malloc(span * 8), s->yc = malloc(span * 8);
        s->span_size = span;
    }
    if (table > s->table_size) {
        free(s->table);
        s->table = malloc(table * 2);
        s->table_size = table;
    }
    return s->ya && s->yb && s->yc && s->table ? F2F_OK : F2F_NO_MEMORY;
}

static void f2f_plain_release(f2f_plain_space *s)
{
    free(s->ya), free(s->yb), free(s->yc), free(s->table);
}

/* Few care rows: min-plus butterfly over the 2^n_u outputs, F2F_LANES middles at a time. */
F2F_INLINE void f2f_plain_butterfly(const f2f_plain_space *s, int n_in, int64_t m0, int64_t lanes,
                                int64_t M, int n_u, const uint16_t *old, uint16_t *new)
{
    int64_t R = (int64_t)1 << n_in, size = (int64_t)1 << n_u;
    uint16_t *T = s->table;
    for (int64_t i = 0; i < size * lanes; i++) T[i] = 0x7000;
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

#define F2F_BYTE_MOST 200 /* care rows up to which distances and small costs fit a byte */

/* best[a] = min(best[a], d + sum of the rows of `chunks` tables), one table per eight care rows;
 * inlined with constants for the usual numbers. */
#define F2F_PAIRS(T)                                                                              \
    static inline __attribute__((always_inline)) void f2f_pairs_##T(                              \
        T *restrict best, const int64_t R, const int d, const T *const *row, const int chunks)    \
    {                                                                                             \
        for (int64_t a = 0; a < R; a++) {                                                         \
            T v = (T)d;                                                                           \
            for (int h = 0; h < chunks; h++) v = (T)(v + row[h][a]);                              \
            best[a] = best[a] < v ? best[a] : v;                                                  \
        }                                                                                         \
    }                                                                                             \
    static inline __attribute__((always_inline)) void f2f_pairs_of_##T(                           \
        T *restrict best, const int64_t R, const int d, const T *const *row, const int chunks)    \
    {                                                                                             \
        switch (chunks) {                                                                         \
        case 1: f2f_pairs_##T(best, R, d, row, 1); break;                                         \
        case 2: f2f_pairs_##T(best, R, d, row, 2); break;                                         \
        case 3: f2f_pairs_##T(best, R, d, row, 3); break;                                         \
        case 4: f2f_pairs_##T(best, R, d, row, 4); break;                                         \
        case 5: f2f_pairs_##T(best, R, d, row, 5); break;                                         \
        case 6: f2f_pairs_##T(best, R, d, row, 6); break;                                         \
        case 7: f2f_pairs_##T(best, R, d, row, 7); break;                                         \
        case 8: f2f_pairs_##T(best, R, d, row, 8); break;                                         \
        default: f2f_pairs_##T(best, R, d, row, chunks);                                          \
        }                                                                                         \
    }                                                                                             \
    /* Many care rows: every pair (a, c). */                                                      \
    F2F_INLINE void f2f_plain_brute_##T(const f2f_plain_space *s, int n_in, int64_t M,     \
                                               int rw, int chunks, const uint16_t *old,           \
                                               uint16_t *new)                                     \
    {                                                                                             \
        const int64_t R = (int64_t)1 << n_in;                                                     \
        const T none = sizeof(T) == 1 ? 255 : 0x7000; /* no state leads here */                   \
        T *table = (T *)s->table, best[1 << F2F_MOST_IN];                                         \
        for (int h = 0; h < chunks; h++)                                                          \
            for (int z = 0; z < 256; z++)                                                         \
                for (int64_t a = 0; a < R; a++)                                                   \
                    table[((int64_t)(h * 256 + z) << n_in) + a] = (T)__builtin_popcountll(        \
                        (s->ya[a * rw + (h >> 3)] >> (8 * (h & 7)) & 255) ^ (uint64_t)z);         \
        for (int64_t m = 0; m < M; m++) {                                                         \
            for (int64_t a = 0; a < R; a++) best[a] = none;                                           \
            for (int64_t c = 0; c < R; c++) {                                                     \
                const T *row[8 * F2F_MAX_WORDS];                                                  \
                const uint16_t d = old[c * M + m];                                                \
                if (d >= F2F_INF / 2) continue;                                                   \
                for (int h = 0; h < chunks; h++) {                                                \
                    const uint64_t y = s->yc[c * rw + (h >> 3)] ^ s->yb[m * rw + (h >> 3)];       \
                    row[h] = table + ((int64_t)(h * 256 + (int)(y >> (8 * (h & 7)) & 255)) << n_in); \
                }                                                                                 \
                if (R == 256) f2f_pairs_of_##T(best, 256, d, row, chunks);                        \
                else f2f_pairs_##T(best, R, d, row, chunks);                                      \
            }                                                                                     \
            for (int64_t a = 0; a < R; a++)                                                       \
                new[(m << n_in) + a] = best[a] == none ? 0x7000 : best[a];                        \
        }                                                                                         \
    }
F2F_PAIRS(uint8_t)
F2F_PAIRS(uint16_t)

/* One block: new = step(old), minimum taken out and returned. */
F2F_INLINE int f2f_plain_step(const f2f_plain_space *s, const f2f_code *code, const f2f_tile *tile,
                          int64_t t, const uint64_t *bits, const uint16_t *old, uint16_t *new)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64;
    int64_t R = (int64_t)1 << n_in, M = (int64_t)1 << (n_in * (code->n_s - 1));
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS], zero = 0;
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    if (n_u == 0) { /* nothing to match */
        cols = &zero;
        for (int64_t m = 0; m < M; m++) {
            uint16_t best = 0x7000;
            for (int64_t c = 0; c < R; c++)
                if (old[c * M + m] < best) best = old[c * M + m];
            for (int64_t a = 0; a < R; a++) new[(m << n_in) + a] = best;
        }
    } else {
        f2f_span(cols, n_in, rw, NULL, s->ya);
        f2f_span(cols + n_in * rw, n_in * (code->n_s - 1), rw, NULL, s->yb);
        f2f_span(cols + n_in * code->n_s * rw, n_in, rw, w, s->yc);
        if (n_u <= n_in + 3) {
            int64_t lanes = M < F2F_LANES ? M : F2F_LANES;
            for (int64_t m0 = 0; m0 < M; m0 += lanes)
                f2f_plain_butterfly(s, n_in, m0, lanes, M, n_u, old, new);
        } else {
            int chunks = (n_u + 7) / 8, most = 0;
            for (int64_t i = 0; i < R * M; i++)
                if (old[i] > most && old[i] < F2F_INF / 2) most = old[i];
            if (n_u + most <= F2F_BYTE_MOST)
                f2f_plain_brute_uint8_t(s, n_in, M, rw, chunks, old, new);
            else
                f2f_plain_brute_uint16_t(s, n_in, M, rw, chunks, old, new);
        }
    }
    uint16_t least = 0x7000;
    for (int64_t i = 0; i < R * M; i++) least = least < new[i] ? least : new[i];
    for (int64_t i = 0; i < R * M; i++) new[i] -= least;
    return least;
}

/* The best state before block t, given the state after it. */
F2F_INLINE int64_t f2f_plain_back(const f2f_plain_space *s, const f2f_code *code, const f2f_tile *tile,
                              int64_t t, const uint64_t *bits, const uint16_t *old, int64_t state)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64;
    int top = n_in * (code->n_s - 1);
    int64_t R = (int64_t)1 << n_in, m = state >> n_in, best = 0;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS];
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    for (int j = 0; j < n_in * code->n_s; j++)
        if (state >> j & 1)
            for (int k = 0; k < rw; k++) w[k] ^= cols[(int64_t)j * rw + k];
    f2f_span(cols + (int64_t)n_in * code->n_s * rw, n_in, rw, NULL, s->yc);
    int cost = 0x7fff;
    for (int64_t c = 0; c < R; c++) {
        int v = old[c << top | m];
        if (rw) v += f2f_weight(s->yc + c * rw, w, rw);
        if (v < cost) cost = v, best = c;
    }
    return best << top | m;
}

/* n_s = 0: every block by itself. */
F2F_INLINE int64_t f2f_plain_alone(const f2f_plain_space *s, const f2f_code *code, const f2f_tile *tile,
                               const uint64_t *bits, uint16_t *symbols, const volatile int *cancel)
{
    int64_t total = 0, R = (int64_t)1 << code->n_in;
    for (int64_t t = 0; t < tile->blocks && !*cancel; t++) {
        int n_u = tile->n_u[t], rw = (n_u + 63) / 64, cost = n_u + 1;
        uint64_t w[F2F_MAX_WORDS];
        f2f_restrict(bits + t * code->words, tile->care + t * code->words, code->words, n_u, w);
        f2f_span(tile->cols + tile->start[t], code->n_in, rw, NULL, s->ya);
        for (int64_t x = 0; x < R && cost; x++) {
            int v = f2f_weight(s->ya + x * rw, w, rw);
            if (v < cost) cost = v, symbols[t] = (uint16_t)x;
        }
        total += cost;
    }
    return total;
}

F2F_INLINE int f2f_plain_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                            uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    f2f_plain_space s = {0};
    int64_t states = (int64_t)1 << (code->n_in * code->n_s), blocks = tile->blocks;
    int most = 0, status = F2F_OK;
    for (int64_t t = 0; t < blocks; t++)
        if (tile->n_u[t] > most) most = tile->n_u[t];
    *mismatches = 0;
    if (f2f_plain_reserve(&s, code, most)) {
        f2f_plain_release(&s);
        return F2F_NO_MEMORY;
    }
    if (code->n_s == 0) {
        *mismatches = f2f_plain_alone(&s, code, tile, bits, symbols, cancel);
        f2f_plain_release(&s);
        return *cancel ? F2F_CANCELLED : F2F_OK;
    }
    int64_t length = blocks ? blocks : 1; /* blocks of a segment */
    if (length * states > (int64_t)1 << 23)
        for (length = 1; length * length < blocks; length++) {}
    int64_t heads = (blocks + length - 1) / length;
    uint16_t *head = malloc((size_t)((heads + 1) * states) * 2);
    uint16_t *costs = malloc((size_t)((length + 1) * states) * 2);
    if (!head || !costs) {
        status = F2F_NO_MEMORY;
        goto done;
    }
    for (int64_t i = 0; i < states; i++) head[i] = i ? F2F_INF : 0;
    for (int64_t h = 0; h < heads; h++) { /* forward, keeping segment heads */
        memcpy(costs, head + h * states, (size_t)states * 2);
        int64_t t0 = h * length, t1 = t0 + length < blocks ? t0 + length : blocks;
        for (int64_t t = t0; t < t1; t++) {
            if (*cancel) {
                status = F2F_CANCELLED;
                goto done;
            }
            *mismatches += f2f_plain_step(&s, code, tile, t, bits + t * code->words,
                                          costs + (t - t0) * states, costs + (t - t0 + 1) * states);
        }
        memcpy(head + (h + 1) * states, costs + (t1 - t0) * states, (size_t)states * 2);
    }
    int64_t state = 0;
    while (blocks && head[heads * states + state]) state++; /* normalised: the least is 0 */
    for (int64_t h = heads - 1; h >= 0; h--) {
        int64_t t0 = h * length, t1 = t0 + length < blocks ? t0 + length : blocks;
        if (h != heads - 1) { /* the last segment is still there */
            memcpy(costs, head + h * states, (size_t)states * 2);
            for (int64_t t = t0; t < t1; t++) {
                if (*cancel) {
                    status = F2F_CANCELLED;
                    goto done;
                }
                f2f_plain_step(&s, code, tile, t, bits + t * code->words,
                               costs + (t - t0) * states, costs + (t - t0 + 1) * states);
            }
        }
        for (int64_t t = t1 - 1; t >= t0; t--) {
            symbols[t] = (uint16_t)(state & (((int64_t)1 << code->n_in) - 1));
            state = f2f_plain_back(&s, code, tile, t, bits + t * code->words,
                                   costs + (t - t0) * states, state);
        }
    }
done:
    free(head), free(costs);
    f2f_plain_release(&s);
    return status;
}
#endif
