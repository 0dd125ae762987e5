/* One block of the search for n_s = 2 and n_in <= 8: level sets of costs as bit masks.
 *
 * D_{t-1}(m, c), less its minimum, takes few values: level j is the set of states with cost <= j,
 * one row of 256 lanes for each c, lane m. Costs above the last level are `levels`, exactly, or
 * (clamped) at least that: a lower bound, proven harmless when the path found never uses it.
 *   few care rows:  scatter rows to a table over the 2^n_u outputs, butterfly passes between rows
 *                   (level j takes its neighbour's level j - 1), each followed by the conditional
 *                   swap of the two rows in the lanes m where that row of B m is 1; gather A a;
 *   many:           step_near.h, then step_triples.h; too many: step_bytes.h.
 * Then rows a, lanes m are transposed to rows m, lanes a.
 * Included once per instruction set, as search_one.h. */

typedef struct {
    ROW table[(1 << F2F_TWO_BUTTERFLY) * F2F_JOINT];
    ROW out[F2F_LEVELS * 256];        /* new levels before the transposition: [level][a] */
    ROW parity[256];                  /* rows.h */
    ROW grid[4][64];
    int limit;                        /* levels to keep of the new costs */
    uint8_t old[65536] __attribute__((aligned(64))); /* costs in bytes, [c][m] … */
    uint8_t new[65536] __attribute__((aligned(64))); /* … and [m][a] */
    F2F_NAME(near_space) near_;
    F2F_NAME(triples_space) triples;
    F2F_NAME(bytes_space) bytes;
} F2F_NAME(two_space);

typedef struct {
    int levels, clamped; /* in bytes: the greatest cost, 0 */
    int least;           /* cost taken out at this block */
    ROW *level;          /* [level][x_{t-1}], lane x_t */
    uint8_t *byte;       /* or [x_{t-1}][x_t] */
} F2F_NAME(two_costs);

/* Few care rows. Leaves joint levels in s->table, returns their number; *reach: no output costs
 * more than it. */
F2F_ISA static int F2F_NAME(two_light)(F2F_NAME(two_space) *s, const uint64_t *cols, int n_in,
                                       int n_u, uint64_t w, const F2F_NAME(two_costs) *old,
                                       int *reach)
{
    int levels = old->levels, size = 1 << n_u, joint = levels, hit = 0;
    uint16_t y[256];
    uint32_t b[9] = {0};
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
    for (int j = 0; j < n_in; j++) b[j] = (uint32_t)cols[n_in + j];
    for (int i = 0; i < n_u; i++) mask[i] = F2F_NAME(lanes)(s->parity, b, n_in, i);
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

F2F_ISA static int64_t F2F_NAME(two_rows)(const F2F_NAME(two_costs) *x)
{
    return x->byte ? F2F_TWO_STATE : x->levels * 256;
}

F2F_ISA static int F2F_NAME(two_cost)(const F2F_NAME(two_costs) *x, int row, int lane)
{
    if (x->byte) return x->byte[256 * row + lane];
    int cost = 0;
    for (int j = 0; j < x->levels; j++)
        cost += !(((const uint64_t *)&x->level[j * 256 + row])[lane >> 6] >> (lane & 63) & 1);
    return cost;
}

/* Levels of costs in bytes whose least is 0 and greatest `most`. */
F2F_ISA static void F2F_NAME(two_cut)(const uint8_t *costs, int n_in, int most, int limit,
                                      F2F_NAME(two_costs) *new)
{
    new->levels = F2F_LEAST(most, limit);
    new->clamped = most > limit;
    for (int j = 0; j < new->levels; j++)
        for (int k = 0; k < 4 << n_in; k++) { /* 64 lanes at a time */
            uint64_t word = 0;
#if F2F_LEVEL == 2
            word = _mm512_cmple_epu8_mask(_mm512_loadu_si512(costs + 64 * k),
                                          _mm512_set1_epi8((char)j));
#else
            for (int i = 0; i < 64; i++) word |= (uint64_t)(costs[64 * k + i] <= j) << i;
#endif
            ((uint64_t *)(new->level + j * 256))[k] = word;
        }
}

F2F_ISA static void F2F_NAME(two_uncut)(const F2F_NAME(two_costs) *x, int n_in, uint8_t *costs)
{
    memset(costs, x->levels, (size_t)256 << n_in);
    for (int j = 0; j < x->levels; j++)
        for (int k = 0; k < 4 << n_in; k++) {
            uint64_t word = ((const uint64_t *)(x->level + j * 256))[k];
#if F2F_LEVEL == 2
            __m512i cost = _mm512_loadu_si512(costs + 64 * k);
            cost = _mm512_mask_sub_epi8(cost, word, cost, _mm512_set1_epi8(1));
            _mm512_storeu_si512(costs + 64 * k, cost);
#else
            for (int i = 0; i < 64; i++)
                costs[64 * k + i] = (uint8_t)(costs[64 * k + i] - (word >> i & 1));
#endif
        }
}

/* One block in bytes; returns the least cost taken out, or -1 where bytes do not hold the costs. */
F2F_ISA static int F2F_NAME(two_bytes)(F2F_NAME(two_space) *s, const uint64_t *cols, int n_in,
                                       int n_u, const uint64_t *w,
                                       const F2F_NAME(two_costs) *old, F2F_NAME(two_costs) *new)
{
    int most;
    if (n_u > F2F_BYTES_MOST || old->levels + n_u > 254) return -1;
    if (!old->byte) F2F_NAME(two_uncut)(old, n_in, s->old);
    int least = F2F_NAME(bytes_step)(&s->bytes, cols, n_in, n_u, w, old->byte ? old->byte : s->old,
                                     new->byte ? new->byte : s->new, &most);
    if (new->byte) {
        new->levels = most;
        new->clamped = 0;
    } else {
        F2F_NAME(two_cut)(s->new, n_in, most, s->limit, new);
        new->clamped |= old->clamped;
    }
    return least;
}

/* One block; returns as two_bytes does. */
F2F_ISA static int F2F_NAME(two_step)(F2F_NAME(two_space) *s, const f2f_code *code,
                                      const f2f_tile *tile, int64_t t,
                                      const uint64_t *bits, const F2F_NAME(two_costs) *old,
                                      F2F_NAME(two_costs) *new)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64, least, found, exact = 0;
    int symbols = 1 << n_in;
    static const uint64_t none[24] = {0};
    const uint64_t *cols = rw ? tile->cols + tile->start[t] : none;
    uint64_t w[F2F_MAX_WORDS] = {0};
    for (int k = 0; k < 256; k++) /* two levels, as most blocks have: written last, far from here */
        __builtin_prefetch((const char *)new->level + 64 * k, 1);
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    if (new->byte || old->byte) return F2F_NAME(two_bytes)(s, cols, n_in, n_u, w, old, new);
    least = -1;
    if (n_u > 16 + F2F_REST_MOST) {
        if (n_in == 8 && n_u <= 64 && s->limit < F2F_LEVELS) {
            F2F_NAME(two_uncut)(old, n_in, s->old);
            found = F2F_NAME(triples_step)(&s->triples, cols, n_u, w[0], old->level, old->levels,
                                           s->old, s->limit, new->level, &least);
            new->levels = found, new->clamped = 1;
            if (found) return least;
        }
    } else if (n_u > F2F_TWO_BUTTERFLY) {
        found = F2F_NAME(near_step)(&s->near_, s->parity, cols, n_in, n_u, w[0], old->level,
                                    old->levels, old->clamped, s->limit, s->out, &least, &exact);
    } else {
        int reach, joint = F2F_NAME(two_light)(s, cols, n_in, n_u, w[0], old, &reach);
        uint16_t y[256];
        F2F_NAME(span16)(cols, n_in, 0, 0, y);
        found = 0;
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
    if (least < 0) return F2F_NAME(two_bytes)(s, cols, n_in, n_u, w, old, new);
    new->levels = found;
    new->clamped = !exact;
    for (int j = 0; j < found; j++) {
        ROW *x = s->out + j * 256;
        for (int a = symbols; a < 256; a++) x[a] = x[a & (symbols - 1)];
        F2F_NAME(transpose)(x, new->level + j * 256, s->grid);
    }
    return least;
}
