/* One block at n_s = 2 with costs in bytes: exact where the greatest cost and n_u sum to a byte.
 *
 * D_{t-1} read as [c][m] and D_t as [m][a], 256 lanes a row.
 *   few care rows: min-plus butterfly over the 2^n_u outputs, F2F_WIDE lanes m at a time;
 *   many:          all pairs (a, c), F2F_WIDE lanes a, with the basis of basis.h: distances on the
 *                  pivots from one table for all m, on the rest rows from one table for each eight.
 * Included once per instruction set. */

#if F2F_LEVEL == 2
#define F2F_WIDE 64
#define F2F_WMIN(x, y) ((F2F_NAME(wide))_mm512_min_epu8((__m512i)(x), (__m512i)(y)))
#elif F2F_LEVEL == 1
#define F2F_WIDE 32
#define F2F_WMIN(x, y) ((F2F_NAME(wide))_mm256_min_epu8((__m256i)(x), (__m256i)(y)))
#else
#define F2F_WIDE 16
#define F2F_WMIN(x, y) (((x) & (F2F_NAME(wide))((x) < (y))) | ((y) & ~(F2F_NAME(wide))((x) < (y))))
#endif
typedef uint8_t F2F_NAME(wide) __attribute__((vector_size(F2F_WIDE), aligned(16)));
#define WIDE F2F_NAME(wide)

typedef struct {
    uint64_t ya[256], yb[256], yc[256];  /* spans of A, B and C (from w), for a butterfly */
    uint8_t across[256 * 256] __attribute__((aligned(64))); /* old costs [m][c]; or new, [a][m] */
    WIDE table[4096] __attribute__((aligned(64)));     /* of a butterfly, or [eight rows][output] */
    WIDE pivots[256], flat[256];    /* distances on the pivots, [c]; every lane its index */
    uint16_t offset[256 * 256];     /* of old costs in flat: [m][c] */
} F2F_NAME(bytes_space);

/* Transpose 256 x 256 bytes by squares of 8 x 8, four side by side. */
F2F_ISA static void F2F_NAME(across)(const uint8_t *in, uint8_t *out)
{
    for (int r = 0; r < 256; r += 8)
        for (int k = 0; k < 256; k += 32) {
            ROW y[8];
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

/* As in step_two.h, lanes m where that row of B m is 1 are swapped after every pass. */
F2F_ISA static void F2F_NAME(bytes_butterfly)(F2F_NAME(bytes_space) *s, int n_in, int n_u,
                                              const uint8_t *old, uint8_t *new)
{
    int symbols = 1 << n_in, size = 1 << n_u;
    WIDE *T = s->table, none = (WIDE){0} + 254;
    for (int m0 = 0; m0 < symbols; m0 += F2F_WIDE) {
        for (int v = 0; v < size; v++) T[v] = none;
        for (int c = 0; c < symbols; c++) {
            WIDE d = *(const WIDE *)(old + 256 * c + m0);
            T[s->yc[c]] = F2F_WMIN(T[s->yc[c]], d);
        }
        for (int i = 0; i < n_u; i++) {
            uint8_t lane[F2F_WIDE];
            WIDE swap;
            for (int l = 0; l < F2F_WIDE; l++) lane[l] = (uint8_t)-(s->yb[m0 + l] >> i & 1);
            memcpy(&swap, lane, sizeof swap);
            for (int v = 0; v < size; v += 2 << i)
                for (int k = v; k < v + (1 << i); k++) {
                    WIDE p = T[k], q = T[k + (1 << i)], p1 = p + 1, q1 = q + 1;
                    p = F2F_WMIN(p, q1), q = F2F_WMIN(q, p1);
                    T[k] = (q & swap) | (p & ~swap);
                    T[k + (1 << i)] = (p & swap) | (q & ~swap);
                }
        }
        for (int a = 0; a < 256; a++) *(WIDE *)(s->across + 256 * a + m0) = T[s->ya[a]];
    }
    F2F_NAME(across)(s->across, new);
}

/* T[v][l] = |y[l] ^ v| for all bytes v. */
F2F_ISA static void F2F_NAME(bytes_distances)(const uint8_t *y, WIDE *T)
{
    WIDE x, one = (WIDE){0} + 1;
    memcpy(&x, y, sizeof x);
    T[0] = (WIDE){0};
    for (int i = 0; i < 8; i++) T[0] += x >> i & one;
    for (int i = 0; i < 8; i++) { /* row v + 2^i differs from row v by one bit */
        WIDE sign = one - 2 * (x >> i & one);
        for (int v = 0; v < 1 << i; v++) T[v + (1 << i)] = T[v] + sign;
    }
}

/* Outputs of n columns and an origin, [eight rows][symbol]: two bytes of pivots, then the rest; with
 * tags, less what clears the pivots: the symbols that do. */
F2F_ISA static void F2F_NAME(bytes_span)(const f2f_basis *h, const uint64_t *cols, int words, int n,
                                         f2f_output origin, int chunks, uint8_t (*y)[256],
                                         uint16_t *tags)
{
    f2f_output at[9];
    int moved[9];
    for (int j = 0; j <= n; j++) {
        f2f_output v = j < n ? f2f_column(cols, words, j) : origin, out = 0;
        f2f_output reduced = f2f_reduce(h, v, moved + j);
        for (int i = 0; i < h->rank; i++) out |= (v >> h->pivot[i] & 1) << i;
        at[j] = out | f2f_rest(h, tags ? reduced : v) << 16;
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
F2F_ISA static inline void F2F_NAME(bytes_turn)(uint8_t *row, int by)
{
    uint8_t copy[256];
    memcpy(copy, row, sizeof copy);
#if F2F_LEVEL == 2
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

/* `chunks` of eight rows without a pivot: a constant where it is inlined, for the usual ones. */
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(bytes_pairs)(F2F_NAME(bytes_space) *s, const f2f_basis *h, const uint64_t *cols, int n_in,
                      int words, const uint64_t *w, const uint8_t *old, uint8_t *new,
                      const int chunks)
{
    int symbols = 1 << n_in;
    uint8_t ya[F2F_BASIS_MOST / 8 + 2][256], yb[F2F_BASIS_MOST / 8 + 2][256],
        yc[F2F_BASIS_MOST / 8 + 2][256];
    uint16_t moved[256], at_b[F2F_BASIS_MOST / 8][256], at_c[F2F_BASIS_MOST / 8][256];
    const uint64_t *b = cols + n_in * words, *c = b + n_in * words;
    F2F_NAME(bytes_span)(h, cols, words, n_in, 0, chunks, ya, NULL);
    F2F_NAME(bytes_span)(h, b, words, n_in, f2f_column(w, words, 0), chunks, yb, moved);
    F2F_NAME(bytes_span)(h, c, words, n_in, 0, chunks, yc, NULL);
    F2F_NAME(across)(old, s->across);
    for (int v = 0; v < 256; v++) s->flat[v] = (WIDE){0} + (uint8_t)v;
    for (int m = 0; m < symbols; m++) F2F_NAME(bytes_turn)(s->across + 256 * m, moved[m] & 255);
    for (int i = 0; i < 256 * symbols; i++) s->offset[i] = (uint16_t)(F2F_WIDE * s->across[i]);
    for (int k = 0; k < chunks; k++)
        for (int v = 0; v < 256; v++) {
            at_b[k][v] = (uint16_t)(F2F_WIDE * yb[k + 2][v]);
            at_c[k][v] = (uint16_t)(F2F_WIDE * yc[k + 2][v]);
        }
    for (int a0 = 0; a0 < 256; a0 += F2F_WIDE) {
        WIDE *T = s->table;
        F2F_NAME(bytes_distances)(ya[0] + a0, T);
        F2F_NAME(bytes_distances)(ya[1] + a0, T + 256);
        for (int c = 0; c < symbols; c++) s->pivots[c] = T[yc[0][c]] + T[256 + yc[1][c]];
        for (int k = 0; k < chunks; k++) F2F_NAME(bytes_distances)(ya[k + 2] + a0, T + 256 * k);
        for (int m = 0; m < symbols; m += 4) {
            WIDE best[4];
            for (int i = 0; i < 4; i++) best[i] = ~(WIDE){0};
            const uint16_t *cost = s->offset + 256 * m;
            for (int c = 0; c < symbols; c++)
                for (int i = 0; i < 4; i++) {
                    WIDE d = s->pivots[c] + *(const WIDE *)((const char *)s->flat + cost[256 * i + c]);
                    for (int k = 0; k < chunks; k++)
                        d += *(const WIDE *)((const char *)(T + 256 * k) +
                                             (at_b[k][m + i] ^ at_c[k][c]));
                    best[i] = F2F_WMIN(best[i], d);
                }
            for (int i = 0; i < 4; i++) memcpy(new + 256 * (m + i) + a0, best + i, F2F_WIDE);
        }
    }
    for (int m = 0; m < symbols; m++) F2F_NAME(bytes_turn)(new + 256 * m, moved[m] >> 8);
}

/* new = step(old), the least cost taken out and returned; *most: the greatest then left. Where n_u
 * is 0, cols are zeros. */
F2F_ISA static int F2F_NAME(bytes_step)(F2F_NAME(bytes_space) *s, const uint64_t *cols, int n_in,
                                        int n_u, const uint64_t *w, const uint8_t *old,
                                        uint8_t *new, int *most)
{
    int symbols = 1 << n_in, words = n_u ? (n_u + 63) / 64 : 1;
    f2f_basis h;
    if (n_u <= F2F_BYTES_BUTTERFLY) {
        f2f_span(cols, n_in, 1, NULL, s->ya);
        f2f_span(cols + n_in, n_in, 1, NULL, s->yb);
        f2f_span(cols + 2 * n_in, n_in, 1, w, s->yc);
        for (int v = symbols; v < 256; v++) {
            s->ya[v] = s->ya[v - symbols];
            s->yb[v] = s->yb[v - symbols];
        }
        F2F_NAME(bytes_butterfly)(s, n_in, n_u, old, new);
    } else {
        f2f_basis_find(&h, cols, n_in, n_u, words, 2);
        int chunks = (h.rest + 7) / 8;
        switch (chunks) {
        case 0: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, 0); break;
        case 1: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, 1); break;
        case 2: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, 2); break;
        case 3: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, 3); break;
        case 4: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, 4); break;
        default: F2F_NAME(bytes_pairs)(s, &h, cols, n_in, words, w, old, new, chunks);
        }
    }
    WIDE low = ~(WIDE){0}, high = {0}, *row = (WIDE *)new;
    int rows = symbols * (256 / F2F_WIDE), least = 255;
    for (int i = 0; i < rows; i++) {
        low = F2F_WMIN(low, row[i]);
        high = ~F2F_WMIN(~high, ~row[i]);
    }
    *most = 0;
    for (int i = 0; i < F2F_WIDE; i++) {
        least = F2F_LEAST(least, low[i]);
        *most = high[i] > *most ? high[i] : *most;
    }
    *most -= least;
    low = (WIDE){0} + (uint8_t)least;
    for (int i = 0; i < rows; i++) row[i] -= low;
    return least;
}
#undef WIDE
#undef F2F_WMIN
#undef F2F_WIDE
