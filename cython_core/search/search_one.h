/* Exact search for n_s = 1, n_in <= 8 and blocks of at most F2F_ONE_MAX_CARE care bits: costs of the
 * 256 states in bytes.
 *
 * D'[a] = min_c D[c] + |A a ^ C c ^ w|, c the symbol that leaves the register, a the one that enters.
 *   n_u <= F2F_ONE_MAX_TABLE_CARE: D is scattered to a table over the 2^n_u outputs, each entry takes
 *                                  the least of itself and its neighbours plus one, n_u times, and D'
 *                                  is read from the table;
 *   more:                          all pairs (a, c).
 * A code with n_in < 8 is one with n_in = 8 whose upper columns are 0; the lowest of equal symbols is
 * chosen, so its upper bits stay 0. Costs are above the least, which is taken out at every block. */
#ifndef F2F_SEARCH_ONE_H
#define F2F_SEARCH_ONE_H
#include "bits.h"
#include "limits.h"
#include "machine/memory.h"
#include <assert.h>
#include <string.h>

#define F2F_ONE_TABLES   (20 * 32 * 256) /* bytes: 2^n_u costs, or 32 rows for each 5 care bits */
#define F2F_ONE_NO_STATE 120             /* cost of a register that cannot be: above any that can */

typedef uint8_t f2f_bytes __attribute__((vector_size(32), aligned(32)));

/* F2F_SWAP: byte v of the result is byte v ^ k of x. F2F_VMIN: the lesser in each byte. */
#if defined(__clang__)
#define F2F_SWAP(x, k)                                                                             \
    __builtin_shufflevector(x, x, 0 ^ k, 1 ^ k, 2 ^ k, 3 ^ k, 4 ^ k, 5 ^ k, 6 ^ k, 7 ^ k, 8 ^ k,   \
                            9 ^ k, 10 ^ k, 11 ^ k, 12 ^ k, 13 ^ k, 14 ^ k, 15 ^ k, 16 ^ k, 17 ^ k, \
                            18 ^ k, 19 ^ k, 20 ^ k, 21 ^ k, 22 ^ k, 23 ^ k, 24 ^ k, 25 ^ k,        \
                            26 ^ k, 27 ^ k, 28 ^ k, 29 ^ k, 30 ^ k, 31 ^ k)
#else
#define F2F_SWAP(x, k)                                                                            \
    __builtin_shuffle(x,                                                                          \
                      (f2f_bytes){0 ^ k,  1 ^ k,  2 ^ k,  3 ^ k,  4 ^ k,  5 ^ k,  6 ^ k,  7 ^ k,  \
                                  8 ^ k,  9 ^ k,  10 ^ k, 11 ^ k, 12 ^ k, 13 ^ k, 14 ^ k, 15 ^ k, \
                                  16 ^ k, 17 ^ k, 18 ^ k, 19 ^ k, 20 ^ k, 21 ^ k, 22 ^ k, 23 ^ k, \
                                  24 ^ k, 25 ^ k, 26 ^ k, 27 ^ k, 28 ^ k, 29 ^ k, 30 ^ k, 31 ^ k})
#endif

#if F2F_SIMD > 0
#define F2F_VMIN(x, y) ((f2f_bytes)_mm256_min_epu8((__m256i)(x), (__m256i)(y)))
#else /* the comparison gives all ones where true */
#define F2F_VMIN(x, y) (((x) & (f2f_bytes)((x) < (y))) | ((y) & ~(f2f_bytes)((x) < (y))))
#endif

/* The distance transform: table[v] = min over u of table[u] + |u ^ v|, all of n_u bits. Bits 0 to 4 of v
 * number the bytes of a vector, the others the vectors; the table has at least one. */
static inline void one_transform(uint8_t *table, int n_u)
{
    f2f_bytes *T = (f2f_bytes *)table;
    int rows = n_u > 5 ? 1 << (n_u - 5) : 1;
    for (int r = 0; r < rows; r++) {
        f2f_bytes x = T[r], y;
        if (n_u > 0) y = F2F_SWAP(x, 1) + 1, x = F2F_VMIN(x, y);
        if (n_u > 1) y = F2F_SWAP(x, 2) + 1, x = F2F_VMIN(x, y);
        if (n_u > 2) y = F2F_SWAP(x, 4) + 1, x = F2F_VMIN(x, y);
        if (n_u > 3) y = F2F_SWAP(x, 8) + 1, x = F2F_VMIN(x, y);
        if (n_u > 4) y = F2F_SWAP(x, 16) + 1, x = F2F_VMIN(x, y);
        T[r] = x;
    }
    for (int half = 1; half < rows; half *= 2)
        for (int v = 0; v < rows; v += 2 * half)
            for (int k = v; k < v + half; k++) {
                f2f_bytes p = T[k], q = T[k + half], p1 = p + 1, q1 = q + 1;
                T[k] = F2F_VMIN(p, q1);
                T[k + half] = F2F_VMIN(q, p1);
            }
}

/* All pairs: new[a] = min_c old[c] + |A a ^ C c ^ w|. With AVX-512 the wrong bits of eight care bits
 * are counted in 64 symbols a at once; else they are looked up in a table for each five care bits. */
#if F2F_SIMD == 2
F2F_INLINE void one_pairs_counted(const uint64_t *cols, int n_in, int words, const uint64_t *w,
                                  const uint8_t *old, uint8_t *new, const int chunks)
{
    uint8_t ya[(F2F_ONE_MAX_CARE + 7) / 8][256];
    uint64_t yc[(F2F_ONE_MAX_CARE + 7) / 8][256],
        cost[256]; /* eight times a byte: to spread by loading */
    const uint64_t eight = 0x0101010101010101u;
    for (int c = 0; c < 256; c++) cost[c] = old[c] * eight;
    for (int h = 0; h < chunks; h++) { /* spans of A and C, eight care bits */
        int k = h / 8, shift = h % 8 * 8;
        ya[h][0] = 0, yc[h][0] = (w[k] >> shift & 255) * eight;
        for (int j = 0; j < 8; j++) {
            uint8_t a = j < n_in ? (uint8_t)(cols[j * words + k] >> shift) : 0;
            uint64_t c = j < n_in ? (cols[(n_in + j) * words + k] >> shift & 255) * eight : 0;
            for (int v = 0; v < 1 << j; v++) {
                ya[h][v + (1 << j)] = ya[h][v] ^ a;
                yc[h][v + (1 << j)] = yc[h][v] ^ c;
            }
        }
    }
    for (int a = 0; a < 256; a += 128) {
        __m512i best[2] = {_mm512_set1_epi8(-1), _mm512_set1_epi8(-1)};
        for (int c = 0; c < 256; c++) {
            const __m512i from = _mm512_set1_epi64((long long)cost[c]);
            __m512i sum[2] = {from, from};
            for (int h = 0; h < chunks; h++)
                for (int k = 0; k < 2; k++) {
                    __m512i y = _mm512_xor_si512(_mm512_loadu_si512(ya[h] + a + 64 * k),
                                                 _mm512_set1_epi64((long long)yc[h][c]));
                    sum[k] = _mm512_add_epi8(sum[k], _mm512_popcnt_epi8(y));
                }
            for (int k = 0; k < 2; k++) best[k] = _mm512_min_epu8(best[k], sum[k]);
        }
        for (int k = 0; k < 2; k++) _mm512_storeu_si512(new + a + 64 * k, best[k]);
    }
}

static inline void one_pairs(const uint64_t *cols, int n_in, int n_u, int words, const uint64_t *w,
                             const uint8_t *old, uint8_t *new, uint8_t *tables)
{
    (void)tables;
    switch ((n_u + 7) / 8) {
    case 2: one_pairs_counted(cols, n_in, words, w, old, new, 2); break;
    case 3: one_pairs_counted(cols, n_in, words, w, old, new, 3); break;
    case 4: one_pairs_counted(cols, n_in, words, w, old, new, 4); break;
    default: one_pairs_counted(cols, n_in, words, w, old, new, (n_u + 7) / 8);
    }
}
#else
static inline void one_pairs(const uint64_t *cols, int n_in, int n_u, int words, const uint64_t *w,
                             const uint8_t *old, uint8_t *new, uint8_t *tables)
{
    int chunks = (n_u + 4) / 5;
    uint16_t ya[256], yc[20][256];
    for (int h = 0; h < chunks; h++) {
        uint64_t part[16], want;
        int at = 5 * h;
        for (int j = 0; j < 2 * n_in; j++) {
            const uint64_t *col = cols + (int64_t)j * words + (at >> 6);
            part[j] = col[0] >> (at & 63);
            if ((at & 63) > 59 && (at >> 6) + 1 < words) part[j] |= col[1] << (64 - (at & 63));
            part[j] &= 31;
        }
        want = w[at >> 6] >> (at & 63);
        if ((at & 63) > 59 && (at >> 6) + 1 < words) want |= w[(at >> 6) + 1] << (64 - (at & 63));
        span16(part, n_in, 0, ya);
        span16(part + n_in, n_in, (uint16_t)(want & 31), yc[h]);
        uint8_t *rows = tables + (int64_t)h * 32 * 256;
        int width = n_u - at < 5 ? n_u - at : 5;
        for (int a = 0; a < 256; a++) rows[a] = (uint8_t)__builtin_popcount(ya[a]);
        for (int i = 0; i < width; i++) { /* row z ^ e_i differs from row z by one bit */
            f2f_bytes sign[8], *from = (f2f_bytes *)rows, *to = from + (8 << i);
            for (int a = 0; a < 256; a++)
                ((uint8_t *)sign)[a] = (uint8_t)(1 - 2 * (ya[a] >> i & 1));
            for (int z = 0; z < 1 << i; z++)
                for (int k = 0; k < 8; k++) to[8 * z + k] = from[8 * z + k] + sign[k];
        }
    }
    f2f_bytes best[8];
    for (int k = 0; k < 8; k++) best[k] = (f2f_bytes){0} + 250;
    for (int c = 0; c < 256; c++) {
        const f2f_bytes *row = (f2f_bytes *)(tables + (yc[0][c] << 8));
        f2f_bytes d = (f2f_bytes){0} + old[c], sum[8];
        for (int k = 0; k < 8; k++) sum[k] = row[k] + d;
        for (int h = 1; h < chunks; h++) {
            row = (f2f_bytes *)(tables + (h * 32 + yc[h][c]) * 256);
            for (int k = 0; k < 8; k++) sum[k] += row[k];
        }
        for (int k = 0; k < 8; k++) best[k] = F2F_VMIN(best[k], sum[k]);
    }
    memcpy(new, best, sizeof best);
}
#endif

/* One block: new = step(old), 256 costs each, the least taken out and returned. `bits`: the block's.
 * tables: F2F_ONE_TABLES bytes. All arrays are aligned to 64 bytes. */
static inline int one_step(const f2f_code *code, const f2f_tile *tile, int64_t t,
                           const uint64_t *bits, const uint8_t *old, uint8_t *new, uint8_t *tables)
{
    int n_u = tile->n_u[t], n_in = code->n_in, words = words_of(n_u);
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[4] = {0};
    assert(code->n_s == 1 && n_in <= 8 && n_u <= F2F_ONE_MAX_CARE);
    wanted(code, tile, t, bits, w);
    if (n_u <= F2F_ONE_MAX_TABLE_CARE) {
        uint16_t y[256];
        uint64_t none[16] = {0};
        if (!n_u) cols = none;
        memset(tables, F2F_ONE_NO_STATE, n_u > 5 ? (size_t)1 << n_u : 32);
        span16(cols + n_in, n_in, (uint16_t)w[0], y);
        for (int c = 0; c < 256; c++) tables[y[c]] = F2F_MIN(tables[y[c]], old[c]);
        one_transform(tables, n_u);
        span16(cols, n_in, 0, y);
#if F2F_SIMD == 2
        if (n_u <= 8) { /* the table fits four registers: look 64 symbols up at once */
            const __m512i *T = (const __m512i *)tables;
            __m512i t0 = T[0], t1 = T[1], t2 = T[2], t3 = T[3];
            for (int a = 0; a < 256; a += 64) {
                __m512i at = _mm512_inserti64x4(
                    _mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_loadu_si512(y + a))),
                    _mm512_cvtepi16_epi8(_mm512_loadu_si512(y + a + 32)), 1);
                __m512i low = _mm512_permutex2var_epi8(t0, at, t1);
                __m512i high = _mm512_permutex2var_epi8(t2, at, t3);
                _mm512_store_si512(new + a,
                                   _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), low, high));
            }
        } else
#endif
            for (int a = 0; a < 256; a++) new[a] = tables[y[a]];
    } else
        one_pairs(cols, n_in, n_u, words, w, old, new, tables);
    uint8_t least = 255;
    for (int a = 0; a < 256; a++) least = F2F_MIN(least, new[a]);
    for (int a = 0; a < 256; a++) new[a] -= least;
    return least;
}

/* The symbol that left the register at block t, which brought it to `state` from the costs `old`: the
 * lowest of the best. */
static inline int one_back(const f2f_code *code, const f2f_tile *tile, int64_t t,
                           const uint64_t *bits, const uint8_t *old, int state)
{
    int n_u = tile->n_u[t], n_in = code->n_in, words = words_of(n_u), symbols = 1 << n_in;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[4] = {0}, y[256 * 2];
    wanted(code, tile, t, bits, w);
    for (int j = 0; j < n_in; j++)
        if (state >> j & 1)
            for (int k = 0; k < words; k++) w[k] ^= cols[j * words + k];
    uint64_t best = ~(uint64_t)0;
    if (words < 2) {
        if (words)
            span_words(cols + n_in, n_in, 1, w, y);
        else
            memset(y, 0, sizeof y);
        for (int c = 0; c < symbols; c++) {
            uint64_t v = (((uint64_t)__builtin_popcountll(y[c]) + old[c]) << 8) + (uint64_t)c;
            best = F2F_MIN(best, v);
        }
    } else {
        span_words(cols + n_in * words, n_in, words, w, y);
        for (int c = 0; c < symbols; c++) {
            int n = __builtin_popcountll(y[2 * c]) + __builtin_popcountll(y[2 * c + 1]);
            uint64_t v = ((uint64_t)(n + old[c]) << 8) + (uint64_t)c;
            best = F2F_MIN(best, v);
        }
    }
    return (int)(best & 255);
}

/* Costs of blocks t0 to t1 - 1: costs (t1 - t0 + 1, 256), the first of them given. Returns the sum of
 * what was taken out, or -1 once cancelled. */
static inline int64_t one_forward(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                                  int64_t t0, int64_t t1, uint8_t *costs, uint8_t *tables,
                                  const volatile int *cancel)
{
    int64_t sum = 0;
    for (int64_t t = t0; t < t1; t++, costs += 256) {
        if (*cancel) return -1;
        sum += one_step(code, tile, t, bits + t * code->words, costs, costs + 256, tables);
    }
    return sum;
}

/* As f2f_search. The path is found backwards. Costs of one segment are kept at a time, and a copy of
 * those at the head of each, from which the others are computed again. */
static inline int one_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                             uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    int64_t blocks = tile->blocks, sum;
    int64_t length = blocks < F2F_ONE_SEGMENT_BLOCKS ? blocks + 1 : F2F_ONE_SEGMENT_BLOCKS;
    int64_t heads = blocks / length + 1;
    uint8_t *head = f2f_aligned((size_t)(heads + 1) * 256);
    uint8_t *costs = f2f_aligned((size_t)(length + 1) * 256);
    uint8_t *tables = f2f_aligned(F2F_ONE_TABLES);
    int status = F2F_NO_MEMORY, state = 0;
    *mismatches = 0;
    if (!head || !costs || !tables) goto done;
    status = F2F_CANCELLED;
    memset(head, F2F_ONE_NO_STATE, 256);
    head[0] = 0;
    for (int64_t part = 0; part < heads; part++) {
        int64_t t0 = part * length, t1 = F2F_MIN(t0 + length, blocks);
        memcpy(costs, head + part * 256, 256);
        if ((sum = one_forward(code, tile, bits, t0, t1, costs, tables, cancel)) < 0) goto done;
        *mismatches += sum;
        memcpy(head + (part + 1) * 256, costs + (t1 - t0) * 256, 256);
    }
    while (head[heads * 256 + state]) state++; /* the least cost is 0 */
    for (int64_t part = heads - 1; part >= 0; part--) {
        int64_t t0 = part * length, t1 = F2F_MIN(t0 + length, blocks);
        if (part < heads - 1) { /* the last segment is still there */
            memcpy(costs, head + part * 256, 256);
            if (one_forward(code, tile, bits, t0, t1, costs, tables, cancel) < 0) goto done;
        }
        for (int64_t t = t1 - 1; t >= t0; t--) {
            assert(state < 1 << code->n_in);
            symbols[t] = (uint16_t)state;
            state = one_back(code, tile, t, bits + t * code->words, costs + (t - t0) * 256, state);
        }
    }
    status = F2F_OK;
done:
    f2f_free_aligned(head), f2f_free_aligned(costs), f2f_free_aligned(tables);
    return status;
}
#endif
