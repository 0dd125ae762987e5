/* One block at n_s = 2 with costs in bytes, exact where the greatest cost and n_u sum to a byte.
 *
 * D_{t-1} is read as [c][m] and D_t as [m][a], rows of 256 bytes.
 *   n_u <= F2F_BYTES_MAX_TABLE_CARE: the distance transform over the 2^n_u outputs, F2F_WIDE middles m
 *                                    side by side;
 *   more: all pairs (a, c), F2F_WIDE symbols a side by side, with the basis of basis.h: the distance
 *         on the pivots comes from one table for all m, that on the rest from one for each eight bits. */
#ifndef F2F_STEP_BYTES_H
#define F2F_STEP_BYTES_H
#include "basis.h"
#include "rows.h"
#include <string.h>

/* F2F_WIDE: bytes of a vector. F2F_WMIN: the lesser in each byte. */
#if F2F_SIMD == 2
#define F2F_WIDE       64
#define F2F_WMIN(x, y) ((f2f_wide)_mm512_min_epu8((__m512i)(x), (__m512i)(y)))
#elif F2F_SIMD == 1
#define F2F_WIDE       32
#define F2F_WMIN(x, y) ((f2f_wide)_mm256_min_epu8((__m256i)(x), (__m256i)(y)))
#else
#define F2F_WIDE       16
#define F2F_WMIN(x, y) (((x) & (f2f_wide)((x) < (y))) | ((y) & ~(f2f_wide)((x) < (y))))
#endif
typedef uint8_t f2f_wide __attribute__((vector_size(F2F_WIDE), aligned(16)));

typedef struct {
    uint64_t ya[256], yb[256], yc[256]; /* spans of A, B and C (from w), for a transform */
    uint8_t across[256 * 256] __attribute__((aligned(64))); /* old costs [m][c]; or new, [a][m] */
    f2f_wide table[4096]
        __attribute__((aligned(64))); /* of a transform, or of distances [eight bits][output] */
    f2f_wide pivots[256], flat[256];  /* distances on the pivots, [c]; every lane its index */
    uint16_t offset[256 * 256];       /* of old costs in flat: [m][c] */
} bytes_space;

/* Transpose 256 x 256 bytes by squares of 8 x 8, four side by side. */
static inline void transpose_bytes(const uint8_t *in, uint8_t *out)
{
    for (int r = 0; r < 256; r += 8)
        for (int k = 0; k < 256; k += 32) {
            f2f_row y[8];
            for (int i = 0; i < 8; i++) memcpy(y + i, in + 256 * (r + i) + k, 32);
            for (int i = 0; i < 4; i++) F2F_HALVES(y[i], y[i + 4], 32, 0x00000000ffffffff)
            for (int i = 0; i < 8; i++)
                if (!(i & 2)) F2F_HALVES(y[i], y[i + 2], 16, 0x0000ffff0000ffff)
            for (int i = 0; i < 8; i += 2) F2F_HALVES(y[i], y[i + 1], 8, 0x00ff00ff00ff00ff)
            for (int i = 0; i < 8; i++)
                for (int g = 0; g < 4; g++) {
                    uint64_t word = y[i][g];
                    memcpy(out + 256 * (k + 8 * g + i) + r, &word, 8);
                }
        }
}

/* Few care bits. After the pass for care bit i, the entries that it joined are swapped for those m where
 * that bit of B m is 1: so entry A a holds in the end what lies at A a ^ B m. s->ya, yb, yc are set. */
static inline void bytes_transform(bytes_space *s, int n_in, int n_u, const uint8_t *old,
                                   uint8_t *new)
{
    int symbols = 1 << n_in, size = 1 << n_u;
    f2f_wide *T = s->table, none = (f2f_wide){0} + 254;
    for (int m0 = 0; m0 < symbols; m0 += F2F_WIDE) {
        for (int v = 0; v < size; v++) T[v] = none;
        for (int c = 0; c < symbols; c++) {
            f2f_wide d = *(const f2f_wide *)(old + 256 * c + m0);
            T[s->yc[c]] = F2F_WMIN(T[s->yc[c]], d);
        }
        for (int i = 0; i < n_u; i++) {
            uint8_t lane[F2F_WIDE];
            f2f_wide swap;
            for (int l = 0; l < F2F_WIDE; l++) lane[l] = (uint8_t)-(s->yb[m0 + l] >> i & 1);
            memcpy(&swap, lane, sizeof swap);
            for (int v = 0; v < size; v += 2 << i)
                for (int k = v; k < v + (1 << i); k++) {
                    f2f_wide p = T[k], q = T[k + (1 << i)], p1 = p + 1, q1 = q + 1;
                    p = F2F_WMIN(p, q1), q = F2F_WMIN(q, p1);
                    T[k] = (q & swap) | (p & ~swap);
                    T[k + (1 << i)] = (p & swap) | (q & ~swap);
                }
        }
        for (int a = 0; a < 256; a++) *(f2f_wide *)(s->across + 256 * a + m0) = T[s->ya[a]];
    }
    transpose_bytes(s->across, new);
}

/* T[v], byte l = |y[l] ^ v| for all bytes v. */
static inline void bytes_distances(const uint8_t *y, f2f_wide *T)
{
    f2f_wide x, one = (f2f_wide){0} + 1;
    memcpy(&x, y, sizeof x);
    T[0] = (f2f_wide){0};
    for (int i = 0; i < 8; i++) T[0] += x >> i & one;
    for (int i = 0; i < 8; i++) { /* row v + 2^i differs from row v by one bit */
        f2f_wide sign = one - 2 * (x >> i & one);
        for (int v = 0; v < 1 << i; v++) T[v + (1 << i)] = T[v] + sign;
    }
}

/* y[k][v]: byte k of what the symbol v gives by n columns and an origin: two bytes of pivots, then the
 * rest. With tags, the rest is what is left once the pivots are cleared, and tags[v] the symbols a << 8
 * | c that clear them. */
static inline void bytes_span(const f2f_basis *h, const uint64_t *cols, int words, int n,
                              f2f_output origin, int chunks, uint8_t (*y)[256], uint16_t *tags)
{
    f2f_output at[9];
    int moved[9];
    for (int j = 0; j <= n; j++) {
        f2f_output v = j < n ? column_of(cols, words, j) : origin, out = 0;
        f2f_output reduced = clear_pivots(h, v, moved + j);
        for (int i = 0; i < h->rank; i++) out |= (v >> h->pivot[i] & 1) << i;
        at[j] = out | rest_bits(h, tags ? reduced : v) << 16;
    }
    for (int v = 0; v < 256; v++) {
        f2f_output out = at[n];
        int tag = moved[n];
        for (int j = 0; j < n; j++)
            if (v >> j & 1) out ^= at[j], tag ^= moved[j];
        for (int k = 0; k < chunks + 2; k++) y[k][v] = (uint8_t)(out >> 8 * k);
        if (tags) tags[v] = (uint16_t)tag;
    }
}

/* row[v] <- row[v ^ by], 256 bytes. */
static inline void bytes_turn(uint8_t *row, int by)
{
    uint8_t copy[256];
    memcpy(copy, row, sizeof copy);
#if F2F_SIMD == 2
    uint8_t index[64];
    for (int v = 0; v < 64; v++) index[v] = (uint8_t)(v ^ (by & 63));
    const __m512i turn = _mm512_loadu_si512(index);
    for (int v = 0; v < 256; v += 64) {
        __m512i part = _mm512_loadu_si512(copy + (v ^ (by & 192)));
        _mm512_storeu_si512(row + v, _mm512_permutexvar_epi8(turn, part));
    }
#else
    for (int v = 0; v < 256; v++) row[v] = copy[v ^ by];
#endif
}

/* `chunks` of eight bits without a pivot: a constant where it is inlined, for the usual ones. */
F2F_INLINE void bytes_pairs(bytes_space *s, const f2f_basis *h, const uint64_t *cols, int n_in,
                            int words, const uint64_t *w, const uint8_t *old, uint8_t *new,
                            const int chunks)
{
    int symbols = 1 << n_in;
    uint8_t ya[F2F_BASIS_MAX_CARE / 8 + 2][256], yb[F2F_BASIS_MAX_CARE / 8 + 2][256],
        yc[F2F_BASIS_MAX_CARE / 8 + 2][256];
    uint16_t moved[256], at_b[F2F_BASIS_MAX_CARE / 8][256], at_c[F2F_BASIS_MAX_CARE / 8][256];
    const uint64_t *b = cols + n_in * words, *c = b + n_in * words;
    bytes_span(h, cols, words, n_in, 0, chunks, ya, NULL);
    bytes_span(h, b, words, n_in, column_of(w, words, 0), chunks, yb, moved);
    bytes_span(h, c, words, n_in, 0, chunks, yc, NULL);
    transpose_bytes(old, s->across);
    for (int v = 0; v < 256; v++) s->flat[v] = (f2f_wide){0} + (uint8_t)v;
    for (int m = 0; m < symbols; m++) bytes_turn(s->across + 256 * m, moved[m] & 255);
    for (int i = 0; i < 256 * symbols; i++) s->offset[i] = (uint16_t)(F2F_WIDE * s->across[i]);
    for (int k = 0; k < chunks; k++)
        for (int v = 0; v < 256; v++) {
            at_b[k][v] = (uint16_t)(F2F_WIDE * yb[k + 2][v]);
            at_c[k][v] = (uint16_t)(F2F_WIDE * yc[k + 2][v]);
        }
    for (int a0 = 0; a0 < 256; a0 += F2F_WIDE) {
        f2f_wide *T = s->table;
        bytes_distances(ya[0] + a0, T);
        bytes_distances(ya[1] + a0, T + 256);
        for (int c = 0; c < symbols; c++) s->pivots[c] = T[yc[0][c]] + T[256 + yc[1][c]];
        for (int k = 0; k < chunks; k++) bytes_distances(ya[k + 2] + a0, T + 256 * k);
        for (int m = 0; m < symbols; m += 4) {
            f2f_wide best[4];
            for (int i = 0; i < 4; i++) best[i] = ~(f2f_wide){0};
            const uint16_t *cost = s->offset + 256 * m;
            for (int c = 0; c < symbols; c++)
                for (int i = 0; i < 4; i++) {
                    f2f_wide d = s->pivots[c] +
                                 *(const f2f_wide *)((const char *)s->flat + cost[256 * i + c]);
                    for (int k = 0; k < chunks; k++)
                        d += *(const f2f_wide *)((const char *)(T + 256 * k) +
                                                 (at_b[k][m + i] ^ at_c[k][c]));
                    best[i] = F2F_WMIN(best[i], d);
                }
            for (int i = 0; i < 4; i++) memcpy(new + 256 * (m + i) + a0, best + i, F2F_WIDE);
        }
    }
    for (int m = 0; m < symbols; m++) bytes_turn(new + 256 * m, moved[m] >> 8);
}

/* new ([m][a]) = step(old, [c][m]), 256 << n_in costs, both aligned to 16 bytes; the least is taken out
 * and returned, *most is the greatest then left. cols: A, B and C of n_u care bits, n_in columns each,
 * words_of(n_u) words, but one word of zeros where n_u is 0; w: the wanted care bits. The greatest old
 * cost and n_u together are at most 254. */
static inline int bytes_step(bytes_space *s, const uint64_t *cols, int n_in, int n_u,
                             const uint64_t *w, const uint8_t *old, uint8_t *new, int *most)
{
    int symbols = 1 << n_in, words = n_u ? words_of(n_u) : 1;
    f2f_basis h;
    assert(n_in <= 8 && n_u <= F2F_BYTES_MAX_CARE);
    if (n_u <= F2F_BYTES_MAX_TABLE_CARE) {
        span_words(cols, n_in, 1, NULL, s->ya);
        span_words(cols + n_in, n_in, 1, NULL, s->yb);
        span_words(cols + 2 * n_in, n_in, 1, w, s->yc);
        for (int v = symbols; v < 256; v++) {
            s->ya[v] = s->ya[v - symbols];
            s->yb[v] = s->yb[v - symbols];
        }
        bytes_transform(s, n_in, n_u, old, new);
    } else {
        basis_find(&h, cols, n_in, n_u, words, 2);
        int chunks = (h.rest + 7) / 8;
        switch (chunks) {
        case 0: bytes_pairs(s, &h, cols, n_in, words, w, old, new, 0); break;
        case 1: bytes_pairs(s, &h, cols, n_in, words, w, old, new, 1); break;
        case 2: bytes_pairs(s, &h, cols, n_in, words, w, old, new, 2); break;
        case 3: bytes_pairs(s, &h, cols, n_in, words, w, old, new, 3); break;
        case 4: bytes_pairs(s, &h, cols, n_in, words, w, old, new, 4); break;
        default: bytes_pairs(s, &h, cols, n_in, words, w, old, new, chunks);
        }
    }
    f2f_wide low = ~(f2f_wide){0}, high = {0}, *row = (f2f_wide *)new;
    int rows = symbols * (256 / F2F_WIDE), least = 255;
    for (int i = 0; i < rows; i++) {
        low = F2F_WMIN(low, row[i]);
        high = ~F2F_WMIN(~high, ~row[i]);
    }
    *most = 0;
    for (int i = 0; i < F2F_WIDE; i++) {
        least = F2F_MIN(least, low[i]);
        *most = high[i] > *most ? high[i] : *most;
    }
    *most -= least;
    low = (f2f_wide){0} + (uint8_t)least;
    for (int i = 0; i < rows; i++) row[i] -= low;
    return least;
}
#endif
