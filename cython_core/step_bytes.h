/* One block at n_s = 2 with costs in bytes: exact where the greatest cost and n_u sum to a byte.
 *
 * D_{t-1} read as [c][m] and D_t as [m][a], 256 lanes a row.
 *   few care rows: min-plus butterfly over the 2^n_u outputs, F2F_WIDE lanes m at a time;
 *   many:          all pairs (a, c), F2F_WIDE lanes a, distances from one table per 8 care rows.
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
    uint64_t ya[512], yb[512], yc[512];  /* spans of A, B and C (from w), two words at most */
    uint8_t across[256 * 256] __attribute__((aligned(64))); /* old costs [m][c]; or new, [a][m] */
    WIDE table[32 * F2F_BYTES_MOST] __attribute__((aligned(64))); /* [eight care rows][output] */
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

F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(bytes_pairs)(F2F_NAME(bytes_space) *s, int n_in, int rw, const uint8_t *old, uint8_t *new,
                      const int chunks)
{
    int symbols = 1 << n_in;
    uint8_t xa[F2F_BYTES_MOST / 8][256], xb[256][F2F_BYTES_MOST / 8], xc[256][F2F_BYTES_MOST / 8];
    for (int v = 0; v < 256; v++)
        for (int h = 0; h < chunks; h++) {
            int k = rw * v + h / 8, shift = h % 8 * 8;
            xa[h][v] = (uint8_t)(s->ya[k] >> shift);
            xb[v][h] = (uint8_t)(s->yb[k] >> shift);
            xc[v][h] = (uint8_t)(s->yc[k] >> shift);
        }
    F2F_NAME(across)(old, s->across);
    for (int a0 = 0; a0 < 256; a0 += F2F_WIDE) {
        for (int h = 0; h < chunks; h++) {
            WIDE *T = s->table + 256 * h, one = (WIDE){0} + 1, y;
            memcpy(&y, xa[h] + a0, sizeof y);
            T[0] = (WIDE){0};
            for (int i = 0; i < 8; i++) T[0] += y >> i & one;
            for (int i = 0; i < 8; i++) { /* row v + 2^i differs from row v by one bit */
                WIDE sign = one - 2 * (y >> i & one);
                for (int v = 0; v < 1 << i; v++) T[v + (1 << i)] = T[v] + sign;
            }
        }
        for (int m = 0; m < symbols; m++) {
            WIDE best = ~(WIDE){0};
            const uint8_t *cost = s->across + 256 * m;
            for (int c = 0; c < symbols; c++) {
                WIDE d = s->table[xb[m][0] ^ xc[c][0]];
                for (int h = 1; h < chunks; h++)
                    d += s->table[256 * h + (xb[m][h] ^ xc[c][h])];
                d += cost[c];
                best = F2F_WMIN(best, d);
            }
            *(WIDE *)(new + 256 * m + a0) = best;
        }
    }
}

/* new = step(old), the least cost taken out and returned; *most: the greatest then left. Where n_u
 * is 0, cols are zeros. */
F2F_ISA static int F2F_NAME(bytes_step)(F2F_NAME(bytes_space) *s, const uint64_t *cols, int n_in,
                                        int n_u, const uint64_t *w, const uint8_t *old,
                                        uint8_t *new, int *most)
{
    int symbols = 1 << n_in, words = n_u ? (n_u + 63) / 64 : 1;
    f2f_span(cols, n_in, words, NULL, s->ya);
    f2f_span(cols + n_in * words, n_in, words, NULL, s->yb);
    f2f_span(cols + 2 * n_in * words, n_in, words, w, s->yc);
    for (int v = symbols * words; v < 256 * words; v++) {
        s->ya[v] = s->ya[v - symbols * words];
        s->yb[v] = s->yb[v - symbols * words];
        s->yc[v] = s->yc[v - symbols * words];
    }
    switch (n_u <= F2F_BYTES_BUTTERFLY ? 0 : (n_u + 7) / 8) {
    case 0: F2F_NAME(bytes_butterfly)(s, n_in, n_u, old, new); break;
    case 2: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, 2); break;
    case 3: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, 3); break;
    case 4: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, 4); break;
    case 5: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, 5); break;
    case 6: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, 6); break;
    default: F2F_NAME(bytes_pairs)(s, n_in, words, old, new, (n_u + 7) / 8);
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
