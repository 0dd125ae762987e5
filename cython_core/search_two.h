/* Exact search for n_s = 2 and n_in <= 8: level sets of costs as bit masks.
 *
 * D_{t-1}(m, c), less its minimum, takes few values: level j is the set of states with cost <= j,
 * one row of 256 lanes for each c, lane m. Costs above the last level are `levels`, exactly, or
 * (clamped) at least that: a lower bound, proven harmless when the path found never uses it.
 *   few care rows:  scatter rows to a table over the 2^n_u outputs, butterfly passes between rows
 *                   (level j takes its neighbour's level j - 1), each followed by the conditional
 *                   swap of the two rows in the lanes m where that row of B m is 1; gather A a;
 *   many:           heavy.h; too many: the plain step.
 * Then rows a, lanes m are transposed to rows m, lanes a.
 * Included once per instruction set, as search_one.h. */

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

typedef struct {
    ROW table[(1 << F2F_TWO_BUTTERFLY) * F2F_JOINT];
    ROW costs[256 * 8 + 16];          /* translated D of a heavy step: [c][level of 8] */
    ROW out[F2F_LEVELS * 256];        /* new levels before the transposition: [level][a] */
    ROW near_[(1 << F2F_REST_MOST) * F2F_REST_MOST]; /* lanes within j of z on the rest rows */
    ROW grid[4][64];
    uint32_t all_start[256 * (F2F_ALL_SHELLS + 1)];
    uint16_t all_entry[65536];
    uint8_t all_z[65536];
    int limit, enough; /* levels to keep, and those for which no unlisted pair is looked up */
    uint16_t plain_old[65536], plain_new[65536];
} F2F_NAME(two_space);

typedef struct {
    int levels, clamped;
    ROW *level; /* [level][x_{t-1}], lane x_t */
} F2F_NAME(two_costs);

/* Lanes m where bit `row` of B m ^ w is 1. */
F2F_ISA static inline __attribute__((always_inline)) ROW
F2F_NAME(lanes)(const uint64_t *b, int n_in, uint64_t w, int row)
{
    static const uint64_t word[6] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
                                     0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
    ROW x = {0, 0, 0, 0};
    if (w >> row & 1) x = ~x;
    for (int j = 0; j < n_in; j++)
        if (b[j] >> row & 1) {
            if (j < 6)
                x ^= word[j];
            else if (j == 6)
                x ^= (ROW){0, ~(uint64_t)0, 0, ~(uint64_t)0};
            else
                x ^= (ROW){0, 0, ~(uint64_t)0, ~(uint64_t)0};
        }
    return x;
}

/* Transpose 256 rows of 256 lanes: 64 x 64 squares by halves (Hacker's Delight, 7-3), four at once. */
F2F_ISA static void F2F_NAME(transpose)(const ROW *in, ROW *out, ROW (*grid)[64])
{
    for (int g = 0; g < 4; g++) {
        ROW *x = grid[g];
#define F2F_HALVES(p, q, s, mask)                                                                 \
    {                                                                                             \
        ROW swap = (((p) >> (s)) ^ (q)) & (mask);                                                 \
        (q) ^= swap;                                                                              \
        (p) ^= swap << (s);                                                                       \
    }
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
#undef F2F_HALVES
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

/* Swap rows v and v ^ by in the lanes of mask, all levels ([row][levels] or [levels][row]). */
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(translate)(ROW *x, int rows, int by, int row_step, int level_step, int levels, ROW mask)
{
    int top = by;
    while (top & (top - 1)) top &= top - 1;
    for (int v = 0; v < rows; v++) {
        if (v & top) continue;
        ROW *p = x + v * row_step, *q = x + (v ^ by) * row_step;
        for (int j = 0; j < levels; j++) {
            ROW y = p[j * level_step], z = q[j * level_step];
            p[j * level_step] = F2F_PICK(mask, z, y);
            q[j * level_step] = F2F_PICK(mask, y, z);
        }
    }
}

/* Few care rows. Leaves joint levels in s->table, returns their number; *reach: no output costs more than it. */
F2F_ISA static int F2F_NAME(two_light)(F2F_NAME(two_space) *s, const uint64_t *cols, int n_in,
                                       int n_u, uint64_t w, const F2F_NAME(two_costs) *old,
                                       int *reach)
{
    int levels = old->levels, size = 1 << n_u, joint = levels, hit = 0;
    uint16_t y[256];
    uint64_t seen[(1 << F2F_TWO_BUTTERFLY) / 64 + 1] = {0};
    F2F_NAME(span16)(cols + 2 * n_in, n_in, 0, (uint16_t)w, y);
    for (int c = 0; c < 1 << n_in; c++) {
        hit += !(seen[y[c] >> 6] >> (y[c] & 63) & 1);
        seen[y[c] >> 6] |= (uint64_t)1 << (y[c] & 63);
    }
    /* hit = 2^rank of C: any output is within n_u - rank of one that a symbol c gives */
    int lacking = n_u - __builtin_ctz((unsigned)hit);
    joint += lacking < 3 ? lacking : 3;
    *reach = lacking < 4 && joint <= F2F_JOINT;
    if (joint > F2F_JOINT) joint = F2F_JOINT;
    if (levels > joint) levels = joint;
    ROW *T = s->table, zero = {0, 0, 0, 0}, mask[F2F_TWO_BUTTERFLY + 1];
    for (int i = 0; i < size * joint; i++) T[i] = zero;
    for (int c = 0; c < 1 << n_in; c++) {
        ROW *row = T + y[c] * joint;
        for (int j = 0; j < levels; j++) row[j] |= old->level[j * 256 + c];
        for (int j = levels; j < joint; j++) row[j] = ~zero;
    }
    for (int i = 0; i < n_u; i++) mask[i] = F2F_NAME(lanes)(cols + n_in, n_in, 0, i);
    switch (joint) {
    case 0: break;
    case 1: F2F_NAME(passes)(T, n_u, 1, mask); break;
    case 2: F2F_NAME(passes)(T, n_u, 2, mask); break;
    case 3: F2F_NAME(passes)(T, n_u, 3, mask); break;
    case 4: F2F_NAME(passes)(T, n_u, 4, mask); break;
    case 5: F2F_NAME(passes)(T, n_u, 5, mask); break;
    case 6: F2F_NAME(passes)(T, n_u, 6, mask); break;
    case 7: F2F_NAME(passes)(T, n_u, 7, mask); break;
    default: F2F_NAME(passes)(T, n_u, 8, mask); break;
    }
    F2F_NAME(span16)(cols, n_in, 0, 0, y);
    return joint;
}

/* Many care rows. Fills s->out with levels from the first that is not empty, *least of them empty. */
F2F_ISA static int F2F_NAME(two_heavy)(F2F_NAME(two_space) *s, const f2f_heavy *h,
                                       const uint64_t *cols, int n_in, uint64_t w,
                                       const F2F_NAME(two_costs) *old, int *least, int *exact)
{
    int levels = old->levels, symbols = 1 << n_in, rest = h->rest, row = h->shells + 1;
    ROW zero = {0, 0, 0, 0}, mask[16], rest_mask[F2F_REST_MOST];
    for (int i = 0; i < h->rank; i++) {
        mask[i] = F2F_NAME(lanes)(cols + n_in, n_in, w, h->pivot[i]);
        if (i >= h->from_c)
            for (int k = 0; k < h->from_c; k++)
                if (h->vector[k] >> h->pivot[i] & 1) mask[i] ^= mask[k];
    }
    for (int q = 0; q < rest; q++) {
        rest_mask[q] = F2F_NAME(lanes)(cols + n_in, n_in, w, h->rest_row[q]);
        for (int i = 0; i < h->rank; i++)
            if (h->vector[i] >> h->rest_row[q] & 1) rest_mask[q] ^= mask[i];
    }
    for (int c = 0; c < symbols; c++) {
        for (int j = 0; j < levels; j++) s->costs[c * 8 + j] = old->level[j * 256 + c];
        for (int j = levels; j < 8; j++) s->costs[c * 8 + j] = ~zero;
    }
    for (int i = 0; i < h->rank; i++)
        if (h->gamma[i]) F2F_NAME(translate)(s->costs, symbols, h->gamma[i], 8, 1, levels, mask[i]);
    for (int z = 0; rest && z < 1 << rest; z++) { /* near[z][j]: |z ^ delta| <= j, j < rest */
        ROW *x = s->near_ + z * rest;
        for (int j = 0; j < rest; j++) x[j] = ~zero;
        for (int q = 0; q < rest; q++) {
            ROW miss = z >> q & 1 ? ~rest_mask[q] : rest_mask[q];
            for (int j = rest - 1; j > 0; j--) x[j] = F2F_PICK(miss, x[j - 1], x[j]);
            x[0] &= ~miss;
        }
    }
    int found = 0, full = 0, k;
    const uint32_t *starts = h->start;
    const uint16_t *entry = h->entry;
    const uint8_t *list_z = h->z;
    *least = -1;
    for (k = 0; found < s->limit && !full; k++) {
        if (k == h->shells && found >= s->enough) break;
        if (k == h->shells) { /* seldom: list all pairs of this block for now */
            f2f_heavy_all(h, cols, n_in, s->all_start, s->all_entry, s->all_z);
            starts = s->all_start, entry = s->all_entry, list_z = s->all_z;
            row = F2F_ALL_SHELLS + 1;
        }
        ROW *to = s->out + found * 256, any = zero, all = ~zero;
        const ROW *before = found ? to - 256 : NULL;
        int deepest = k + 1 < row ? k + 1 : row - 1;
        for (int a = 0; a < symbols; a++) {
            ROW sum = before ? before[a] : zero;
            uint32_t e = starts[a * row], end = starts[a * row + deepest];
            if (before && F2F_FULL(sum))
                end = e;
            else if (!rest) {
                /* a row not full at level k - 1 has no pair with k - 1 - distance >= levels, so
                 * the level k - distance looked up is below 8 */
                const ROW *cost = s->costs + k - 16;
                while (e + 4 <= end) {
                    sum |= cost[entry[e]] | cost[entry[e + 1]] | cost[entry[e + 2]] |
                           cost[entry[e + 3]];
                    e += 4;
                    if (F2F_FULL(sum)) end = e;
                }
                while (e < end) sum |= cost[entry[e++]];
            } else
                for (; e < end && !F2F_FULL(sum); e++) {
                    int want = k - (entry[e] >> 8);
                    const ROW *cost = s->costs + 8 * (entry[e] & 255);
                    const ROW *near_ = s->near_ + list_z[e] * rest;
                    for (int j = want; j >= 0; j--) { /* j on the rest rows, want - j before */
                        ROW p = want - j < levels ? cost[want - j] : ~zero;
                        sum |= j < rest ? p & near_[j] : p;
                    }
                }
            to[a] = sum;
            any |= sum;
            all &= sum;
        }
        if (*least < 0 && F2F_ANY(any)) *least = k;
        full = F2F_FULL(all);
        if (*least >= 0 && !full) found++;
    }
    if (*least < 0) return 0;
    for (int i = h->from_c; i < h->rank; i++)
        if (h->alpha[i] && found)
            F2F_NAME(translate)(s->out, symbols, h->alpha[i], 1, 256, found, mask[i]);
    *exact = full && (k <= levels || !old->clamped);
    return found;
}

/* Levels of 16-bit costs [x_{t-1}][x_t] whose minimum is 0. */
F2F_ISA static void F2F_NAME(two_cut)(const uint16_t *costs, int n_in, F2F_NAME(two_costs) *new)
{
    int symbols = 1 << n_in, most = 0;
    for (int i = 0; i < symbols << n_in; i++) most = most > costs[i] ? most : costs[i];
    new->levels = most < F2F_LEVELS ? most : F2F_LEVELS;
    new->clamped = most > F2F_LEVELS;
    for (int j = 0; j < new->levels; j++)
        for (int m = 0; m < symbols; m++) {
            uint64_t word[4] = {0};
            for (int a = 0; a < 256; a++)
                word[a >> 6] |= (uint64_t)(costs[(m << n_in) + (a & (symbols - 1))] <= j)
                                << (a & 63);
            new->level[j * 256 + m] = (ROW){word[0], word[1], word[2], word[3]};
        }
}

F2F_ISA static int F2F_NAME(two_cost)(const F2F_NAME(two_costs) *x, int row, int lane)
{
    int cost = 0;
    for (int j = 0; j < x->levels; j++)
        cost += !(((const uint64_t *)&x->level[j * 256 + row])[lane >> 6] >> (lane & 63) & 1);
    return cost;
}

/* One block by the plain step; returns the minimum taken out, or -1 without memory. */
F2F_ISA static int F2F_NAME(two_plain)(F2F_NAME(two_space) *s, f2f_plain_space *plain,
                                       const f2f_code *code, const f2f_tile *tile, int64_t t,
                                       const uint64_t *bits, const F2F_NAME(two_costs) *old,
                                       F2F_NAME(two_costs) *new)
{
    int n_in = code->n_in, symbols = 1 << n_in;
    if (f2f_plain_reserve(plain, code, tile->n_u[t])) return -1;
    for (int c = 0; c < symbols; c++)
        for (int m = 0; m < symbols; m++)
            s->plain_old[(c << n_in) + m] = (uint16_t)F2F_NAME(two_cost)(old, c, m);
    int least = f2f_plain_step(plain, code, tile, t, bits, s->plain_old, s->plain_new);
    F2F_NAME(two_cut)(s->plain_new, n_in, new);
    new->clamped |= old->clamped;
    return least;
}

/* One block; returns the minimum taken out, or -1 without memory. */
F2F_ISA static int F2F_NAME(two_step)(F2F_NAME(two_space) *s, f2f_plain_space *plain,
                                      const f2f_code *code, const f2f_tile *tile, int64_t t,
                                      const uint64_t *bits, const F2F_NAME(two_costs) *old,
                                      F2F_NAME(two_costs) *new)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64, least, found, exact = 0;
    int symbols = 1 << n_in;
    static const uint64_t none[24] = {0};
    const uint64_t *cols = rw ? tile->cols + tile->start[t] : none;
    const f2f_heavy *h = n_u > F2F_TWO_BUTTERFLY ? tile->heavy[t] : NULL;
    if (n_u > F2F_TWO_BUTTERFLY && !h)
        return F2F_NAME(two_plain)(s, plain, code, tile, t, bits, old, new);
    uint64_t w[2] = {0};
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    if (h) {
        found = F2F_NAME(two_heavy)(s, h, cols, n_in, w[0], old, &least, &exact);
    } else {
        int reach, joint = F2F_NAME(two_light)(s, cols, n_in, n_u, w[0], old, &reach);
        uint16_t y[256];
        F2F_NAME(span16)(cols, n_in, 0, 0, y);
        least = -1, found = 0;
        int j = 0;
        for (; j < joint && found < s->limit; j++) { /* gather */
            ROW *to = s->out + found * 256, any = {0, 0, 0, 0}, all = ~any;
            for (int a = 0; a < symbols; a++) {
                ROW x = s->table[y[a] * joint + j];
                to[a] = x;
                any |= x;
                all &= x;
            }
            if (least < 0 && F2F_ANY(any)) least = j;
            if (F2F_FULL(all)) {
                exact = !old->clamped || j < old->levels;
                break;
            }
            if (least >= 0) found++;
        }
        if (least < 0 && reach) least = joint;
        if (j == joint) exact = reach && !old->clamped;
    }
    if (least < 0) return F2F_NAME(two_plain)(s, plain, code, tile, t, bits, old, new);
    new->levels = found;
    new->clamped = !exact;
    for (int j = 0; j < found; j++) {
        ROW *x = s->out + j * 256;
        for (int a = symbols; a < 256; a++) x[a] = x[a & (symbols - 1)];
        F2F_NAME(transpose)(x, new->level + j * 256, s->grid);
    }
    return least;
}

/* The symbol that left the register at block t, which brought it to (now, before). */
F2F_ISA static int F2F_NAME(two_back)(const f2f_code *code, const f2f_tile *tile,
                                      const uint64_t *bits, const F2F_NAME(two_costs) *x,
                                      uint64_t *span, int64_t t, int now, int before)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64, best = 0, cost = 1 << 30;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS];
    f2f_restrict(bits + t * code->words, tile->care + t * code->words, code->words, n_u, w);
    for (int j = 0; j < n_in; j++)
        for (int k = 0; k < rw; k++)
            w[k] ^= (cols[j * rw + k] & -(uint64_t)(now >> j & 1)) ^
                    (cols[(n_in + j) * rw + k] & -(uint64_t)(before >> j & 1));
    f2f_span(cols + 2 * n_in * rw, n_in, rw, rw ? w : NULL, span);
    for (int c = 0; c < 1 << n_in; c++) {
        int v = F2F_NAME(two_cost)(x, c, before);
        for (int k = 0; k < rw; k++) v += __builtin_popcountll(span[c * rw + k]);
        if (v < cost) cost = v, best = c;
    }
    return x->clamped && F2F_NAME(two_cost)(x, best, before) == x->levels ? -1 : best;
}

/* D_1 outright, the register being 0 before block 0; returns the minimum taken out. */
F2F_ISA static int F2F_NAME(two_first)(F2F_NAME(two_space) *s, const f2f_code *code,
                                       const f2f_tile *tile, const uint64_t *bits, uint64_t *span,
                                       F2F_NAME(two_costs) *new)
{
    int n_in = code->n_in, symbols = 1 << n_in, least = 1 << 15;
    int r0 = (tile->n_u[0] + 63) / 64, r1 = (tile->n_u[1] + 63) / 64;
    const uint64_t *c0 = tile->cols + tile->start[0], *c1 = tile->cols + tile->start[1];
    uint64_t w[F2F_MAX_WORDS], *ya = span + ((size_t)F2F_MAX_WORDS << 8),
             *yb = ya + ((size_t)F2F_MAX_WORDS << 8);
    f2f_restrict(bits, tile->care, code->words, tile->n_u[0], w);
    f2f_span(c0, n_in, r0, r0 ? w : NULL, span);
    f2f_restrict(bits + code->words, tile->care + code->words, code->words, tile->n_u[1], w);
    f2f_span(c1, n_in, r1, NULL, ya);
    f2f_span(c1 + n_in * r1, n_in, r1, r1 ? w : NULL, yb);
    for (int m = 0; m < symbols; m++) {
        int first = 0;
        for (int k = 0; k < r0; k++) first += __builtin_popcountll(span[m * r0 + k]);
        for (int a = 0; a < symbols; a++) {
            int v = first + (r1 ? f2f_weight(ya + a * r1, yb + m * r1, r1) : 0);
            s->plain_new[(m << n_in) + a] = (uint16_t)v;
            least = least < v ? least : v;
        }
    }
    for (int i = 0; i < symbols << n_in; i++) s->plain_new[i] = (uint16_t)(s->plain_new[i] - least);
    F2F_NAME(two_cut)(s->plain_new, n_in, new);
    return least;
}

typedef struct {
    int64_t first; /* its block */
    F2F_NAME(two_costs) costs;
    ROW level[F2F_LEVELS * 256];
} F2F_NAME(two_head);

/* Costs of all blocks are kept in tile->arena. Where it is full, a new segment begins with a copy
 * of the costs at its head; segments but the last are computed again when the path gets there. */
F2F_ISA static int F2F_NAME(two_search)(const f2f_code *code, const f2f_tile *tile,
                                        const uint64_t *bits, uint16_t *symbols,
                                        int64_t *mismatches, const volatile int *cancel, int limit, int enough)
{
    int64_t blocks = tile->blocks, least, heads = 1, part = 0;
    int64_t most_heads = blocks * F2F_LEVELS * 256 / (tile->arena_rows - F2F_LEVELS * 256) + 2;
    int n_in = code->n_in, status = F2F_OK, now = 0, before = 0;
    F2F_NAME(two_space) *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    F2F_NAME(two_costs) *costs = malloc((size_t)blocks * sizeof *costs);
    F2F_NAME(two_head) *head =
        aligned_alloc(64, ((size_t)most_heads * sizeof *head + 63) / 64 * 64);
    uint64_t *span = malloc(3 * ((size_t)F2F_MAX_WORDS << 8) * 8);
    f2f_plain_space plain = {0};
    *mismatches = 0;
    if (!s || !costs || !head || !span) {
        status = F2F_NO_MEMORY;
        goto done;
    }
    s->limit = limit, s->enough = enough;
    head->first = 1;
    head->costs.level = head->level;
    *mismatches = F2F_NAME(two_first)(s, code, tile, bits, span, &head->costs);
    for (int forward = 1;; forward = 0) {
        F2F_NAME(two_head) *h = head + part;
        ROW *top = (ROW *)tile->arena, *end = top + tile->arena_rows - F2F_LEVELS * 256;
        int64_t last = !forward ? h[1].first : blocks - 1, t = h->first;
        costs[t] = h->costs;
        while (t < last) {
            if (*cancel) {
                status = F2F_CANCELLED;
                goto done;
            }
            if (forward && top > end) { /* full: start a new segment with block t */
                part++, heads++, h++;
                h->first = t;
                h->costs = costs[t];
                h->costs.level = h->level;
                memcpy(h->level, costs[t].level, (size_t)costs[t].levels * 256 * sizeof(ROW));
                costs[t] = h->costs;
                top = (ROW *)tile->arena;
            }
            t++;
            costs[t].level = top;
            least = F2F_NAME(two_step)(s, &plain, code, tile, t, bits + t * code->words,
                                       costs + t - 1, costs + t);
            if (least < 0) {
                status = F2F_NO_MEMORY;
                goto done;
            }
            top += costs[t].levels * 256;
            if (forward) *mismatches += least;
        }
        if (forward && costs[t].levels) { /* the first state of no cost, lowest symbols first */
            const uint64_t *word = (const uint64_t *)costs[t].level;
            int64_t k = 0;
            while (!word[k]) k++;
            before = (int)(k / 4), now = (int)(k % 4) * 64 + __builtin_ctzll(word[k]);
        }
        for (; t > h->first; t--) {
            symbols[t] = (uint16_t)now;
            int c = F2F_NAME(two_back)(code, tile, bits, costs + t - 1, span, t, now, before);
            if (c < 0) {
                status = F2F_RETRY;
                goto done;
            }
            now = before, before = c;
        }
        if (!part) break;
        part--;
    }
    symbols[1] = (uint16_t)now;
    symbols[0] = (uint16_t)before;
done:
    f2f_plain_release(&plain);
    free(s), free(costs), free(head), free(span);
    return status;
}
#undef ROW
#undef F2F_PICK
#undef F2F_ANY
#undef F2F_FULL
