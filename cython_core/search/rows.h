/* Rows of 256 lanes, one bit each, and what the level sets of step_two.h do with them.
 * Included once per instruction set. */

typedef uint64_t F2F_NAME(row) __attribute__((vector_size(32), aligned(32)));
#define ROW F2F_NAME(row)
#if F2F_LEVEL == 2
#define F2F_PICK(mask, yes, no)                                                                   \
    ((ROW)_mm256_ternarylogic_epi64((__m256i)(mask), (__m256i)(yes), (__m256i)(no), 0xCA))
#else
#define F2F_PICK(mask, yes, no) ((no) ^ (((yes) ^ (no)) & (mask)))
#endif
#if F2F_LEVEL > 0
#define F2F_FULL(x) _mm256_testc_si256((__m256i)(x), _mm256_set1_epi64x(-1))
#define F2F_ANY(x) !_mm256_testz_si256((__m256i)(x), (__m256i)(x))
#else
#define F2F_ANY(x) ((x)[0] | (x)[1] | (x)[2] | (x)[3])
#define F2F_FULL(x) (((x)[0] & (x)[1] & (x)[2] & (x)[3]) == ~(uint64_t)0)
#endif

/* parity[v]: lanes m where an odd number of the bits of v & m are 1. */
F2F_ISA static void F2F_NAME(parities)(ROW *parity)
{
    static const uint64_t word[6] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
                                     0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
    const uint64_t all = ~(uint64_t)0;
    parity[0] = (ROW){0, 0, 0, 0};
    for (int j = 0; j < 8; j++) {
        ROW bit = j < 6 ? parity[0] ^ word[j] : j == 6 ? (ROW){0, all, 0, all} : (ROW){0, 0, all, all};
        for (int v = 0; v < 1 << j; v++) parity[v + (1 << j)] = parity[v] ^ bit;
    }
}

/* Lanes m where bit `row` of B m ^ w is 1; w follows the n_in columns of B. */
F2F_ISA static inline __attribute__((always_inline)) ROW
F2F_NAME(lanes)(const ROW *parity, const uint32_t *b, int n_in, int row)
{
    int v = 0;
    for (int j = 0; j < n_in; j++) v |= (int)(b[j] >> row & 1) << j;
    return parity[v] ^ -(uint64_t)(b[n_in] >> row & 1);
}

/* Swap the halves that p and q exchange when a square is transposed. */
#define F2F_HALVES(p, q, s, mask)                                                                 \
    {                                                                                             \
        ROW swap = (((p) >> (s)) ^ (q)) & (mask);                                                 \
        (q) ^= swap;                                                                              \
        (p) ^= swap << (s);                                                                       \
    }

/* Transpose 256 rows of 256 lanes: 64 x 64 squares by halves (Hacker's Delight, 7-3), four at once. */
F2F_ISA static void F2F_NAME(transpose)(const ROW *in, ROW *out, ROW (*grid)[64])
{
    for (int g = 0; g < 4; g++) {
        ROW *x = grid[g];
        for (int r = 0; r < 8; r++) {
            ROW y[8];
            for (int k = 0; k < 8; k++) y[k] = in[64 * g + r + 8 * k];
            for (int k = 0; k < 4; k++) F2F_HALVES(y[k], y[k + 4], 32, 0x00000000ffffffff)
            for (int k = 0; k < 8; k++)
                if (!(k & 2)) F2F_HALVES(y[k], y[k + 2], 16, 0x0000ffff0000ffff)
            for (int k = 0; k < 8; k += 2) F2F_HALVES(y[k], y[k + 1], 8, 0x00ff00ff00ff00ff)
            for (int k = 0; k < 8; k++) x[r + 8 * k] = y[k];
        }
        for (int r = 0; r < 64; r += 8) {
            ROW y[8];
            for (int k = 0; k < 8; k++) y[k] = x[r + k];
            for (int k = 0; k < 4; k++) F2F_HALVES(y[k], y[k + 4], 4, 0x0f0f0f0f0f0f0f0f)
            for (int k = 0; k < 8; k++)
                if (!(k & 2)) F2F_HALVES(y[k], y[k + 2], 2, 0x3333333333333333)
            for (int k = 0; k < 8; k += 2) F2F_HALVES(y[k], y[k + 1], 1, 0x5555555555555555)
            for (int k = 0; k < 8; k++) x[r + k] = y[k];
        }
    }
    for (int r = 0; r < 64; r++) {
        ROW p = grid[0][r], q = grid[1][r], s = grid[2][r], u = grid[3][r];
        out[r] = (ROW){p[0], q[0], s[0], u[0]};
        out[64 + r] = (ROW){p[1], q[1], s[1], u[1]};
        out[128 + r] = (ROW){p[2], q[2], s[2], u[2]};
        out[192 + r] = (ROW){p[3], q[3], s[3], u[3]};
    }
}

/* Butterfly passes with their conditional swaps; two at a time, `joint` levels in registers. */
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(passes)(ROW *T, int n_u, int joint, const ROW *mask)
{
    int size = 1 << n_u, i = 0;
#define F2F_MEET(p, q, mask)                                                                      \
    for (int j = joint - 1; j >= 0; j--) {                                                        \
        ROW x = j ? (p)[j] | (q)[j - 1] : (p)[0], y = j ? (q)[j] | (p)[j - 1] : (q)[0];           \
        (p)[j] = F2F_PICK(mask, y, x);                                                            \
        (q)[j] = F2F_PICK(mask, x, y);                                                            \
    }
    if (n_u & 1) {
        ROW m0 = mask[0];
        for (int v = 0; v < size; v += 2) {
            ROW p[F2F_JOINT], q[F2F_JOINT], *at = T + v * joint;
            for (int j = 0; j < joint; j++) p[j] = at[j], q[j] = at[joint + j];
            F2F_MEET(p, q, m0)
            for (int j = 0; j < joint; j++) at[j] = p[j], at[joint + j] = q[j];
        }
        i = 1;
    }
    for (; i < n_u; i += 2) {
        int step = 1 << i;
        ROW m0 = mask[i], m1 = mask[i + 1];
        for (int high = 0; high < size; high += 4 * step)
            for (int v = high; v < high + step; v++) {
                ROW a[F2F_JOINT], b[F2F_JOINT], c[F2F_JOINT], d[F2F_JOINT];
                ROW *p = T + v * joint, *q = p + step * joint, *s = q + step * joint,
                    *u = s + step * joint;
                for (int j = 0; j < joint; j++) a[j] = p[j], b[j] = q[j], c[j] = s[j], d[j] = u[j];
                F2F_MEET(a, b, m0)
                F2F_MEET(c, d, m0)
                F2F_MEET(a, c, m1)
                F2F_MEET(b, d, m1)
                for (int j = 0; j < joint; j++) p[j] = a[j], q[j] = b[j], s[j] = c[j], u[j] = d[j];
            }
    }
#undef F2F_MEET
}
