/* Rows of 256 lanes, one bit each: what the level sets of n_s = 2 are made of. Lane m of a row stands
 * for the symbol m. */
#ifndef F2F_ROWS_H
#define F2F_ROWS_H
#include "simd.h"
#include <stdint.h>

typedef uint64_t f2f_row __attribute__((vector_size(32), aligned(32)));

/* F2F_PICK: `yes` in the lanes of mask, `no` in others. F2F_FULL: all lanes are 1. F2F_ANY: one is.
 * Macros, since a portable function cannot take vectors by value without a warning about its ABI. */
#if F2F_SIMD == 2
#define F2F_PICK(mask, yes, no) \
    ((f2f_row)_mm256_ternarylogic_epi64((__m256i)(mask), (__m256i)(yes), (__m256i)(no), 0xCA))
#else
#define F2F_PICK(mask, yes, no) ((no) ^ (((yes) ^ (no)) & (mask)))
#endif
#if F2F_SIMD > 0
#define F2F_FULL(x) _mm256_testc_si256((__m256i)(x), _mm256_set1_epi64x(-1))
#define F2F_ANY(x)  !_mm256_testz_si256((__m256i)(x), (__m256i)(x))
#else
#define F2F_ANY(x)  ((x)[0] | (x)[1] | (x)[2] | (x)[3])
#define F2F_FULL(x) (((x)[0] & (x)[1] & (x)[2] & (x)[3]) == ~(uint64_t)0)
#endif

/* parity (256): in parity[v] the lanes m where an odd number of the bits of v & m are 1. So any sum of
 * bits of m, for all m at once, is one row of it. */
static inline void parities(f2f_row *parity)
{
    static const uint64_t word[6] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
                                     0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
    const uint64_t all = ~(uint64_t)0;
    parity[0] = (f2f_row){0, 0, 0, 0};
    for (int j = 0; j < 8; j++) {
        f2f_row bit = j < 6    ? parity[0] ^ word[j]
                      : j == 6 ? (f2f_row){0, all, 0, all}
                               : (f2f_row){0, 0, all, all};
        for (int v = 0; v < 1 << j; v++) parity[v + (1 << j)] = parity[v] ^ bit;
    }
}

/* *lanes: those m where this bit of B m ^ w is 1. b: the n_in columns of B, then w. */
F2F_INLINE void lanes_where(const f2f_row *parity, const uint32_t *b, int n_in, int bit,
                            f2f_row *lanes)
{
    int v = 0;
    for (int j = 0; j < n_in; j++) v |= (int)(b[j] >> bit & 1) << j;
    *lanes = parity[v] ^ -(uint64_t)(b[n_in] >> bit & 1);
}

/* Swap the halves that p and q exchange when a square is transposed. */
#define F2F_HALVES(p, q, s, mask)                     \
    {                                                 \
        f2f_row swap = (((p) >> (s)) ^ (q)) & (mask); \
        (q) ^= swap;                                  \
        (p) ^= swap << (s);                           \
    }

/* out, lane r of row l = in, lane l of row r, 256 rows each: squares of 64 x 64 by halves (Warren,
 * Hacker's Delight, 2nd ed., section 7-3), four side by side. grid: memory, as large as in. */
static inline void transpose(const f2f_row *in, f2f_row *out, f2f_row (*grid)[64])
{
    for (int g = 0; g < 4; g++) {
        f2f_row *x = grid[g];
        for (int r = 0; r < 8; r++) {
            f2f_row y[8];
            for (int k = 0; k < 8; k++) y[k] = in[64 * g + r + 8 * k];
            for (int k = 0; k < 4; k++) F2F_HALVES(y[k], y[k + 4], 32, 0x00000000ffffffff)
            for (int k = 0; k < 8; k++)
                if (!(k & 2)) F2F_HALVES(y[k], y[k + 2], 16, 0x0000ffff0000ffff)
            for (int k = 0; k < 8; k += 2) F2F_HALVES(y[k], y[k + 1], 8, 0x00ff00ff00ff00ff)
            for (int k = 0; k < 8; k++) x[r + 8 * k] = y[k];
        }
        for (int r = 0; r < 64; r += 8) {
            f2f_row y[8];
            for (int k = 0; k < 8; k++) y[k] = x[r + k];
            for (int k = 0; k < 4; k++) F2F_HALVES(y[k], y[k + 4], 4, 0x0f0f0f0f0f0f0f0f)
            for (int k = 0; k < 8; k++)
                if (!(k & 2)) F2F_HALVES(y[k], y[k + 2], 2, 0x3333333333333333)
            for (int k = 0; k < 8; k += 2) F2F_HALVES(y[k], y[k + 1], 1, 0x5555555555555555)
            for (int k = 0; k < 8; k++) x[r + k] = y[k];
        }
    }
    for (int r = 0; r < 64; r++) {
        f2f_row p = grid[0][r], q = grid[1][r], s = grid[2][r], u = grid[3][r];
        out[r] = (f2f_row){p[0], q[0], s[0], u[0]};
        out[64 + r] = (f2f_row){p[1], q[1], s[1], u[1]};
        out[128 + r] = (f2f_row){p[2], q[2], s[2], u[2]};
        out[192 + r] = (f2f_row){p[3], q[3], s[3], u[3]};
    }
}

#endif
