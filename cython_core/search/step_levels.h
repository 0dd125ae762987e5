/* One block at n_s = 2 with few care bits: the distance transform on level sets (docs/exact-search.md).
 *
 * The level sets of costs_two.h, one row of lanes m for each c, are scattered to a table over the 2^n_u
 * outputs C c ^ w; n_u passes let each output take what its neighbours have, at one more; new rows a are
 * read at A a. All 256 middles m are done at once, a lane each. */
#ifndef F2F_STEP_LEVELS_H
#define F2F_STEP_LEVELS_H
#include "bits.h"
#include "costs_two.h"

typedef struct {
    f2f_row table[(1 << F2F_LEVELS_MAX_CARE) * F2F_LEVELS_MAX_JOINT];
} levels_space;

/* The passes of the transform. Pass i joins each entry v to v ^ 2^i: level j takes the other's level
 * j - 1, one more care bit being wrong; then the two are swapped in the lanes mask[i], those m where
 * bit i of B m is 1, so that in the end the entry A a holds what lies at A a ^ B m. Two passes at a
 * time, `joint` levels in registers. table: [output][level], 2^n_u outputs. */
F2F_INLINE void levels_passes(f2f_row *table, int n_u, int joint, const f2f_row *mask)
{
    int size = 1 << n_u, i = 0;
#define F2F_MEET(p, q, mask)                                                                \
    for (int j = joint - 1; j >= 0; j--) {                                                  \
        f2f_row x = j ? (p)[j] | (q)[j - 1] : (p)[0], y = j ? (q)[j] | (p)[j - 1] : (q)[0]; \
        (p)[j] = F2F_PICK(mask, y, x);                                                      \
        (q)[j] = F2F_PICK(mask, x, y);                                                      \
    }
    if (n_u & 1) {
        f2f_row m0 = mask[0];
        for (int v = 0; v < size; v += 2) {
            f2f_row p[F2F_LEVELS_MAX_JOINT], q[F2F_LEVELS_MAX_JOINT], *at = table + v * joint;
            for (int j = 0; j < joint; j++) p[j] = at[j], q[j] = at[joint + j];
            F2F_MEET(p, q, m0)
            for (int j = 0; j < joint; j++) at[j] = p[j], at[joint + j] = q[j];
        }
        i = 1;
    }
    for (; i < n_u; i += 2) {
        int step = 1 << i;
        f2f_row m0 = mask[i], m1 = mask[i + 1];
        for (int high = 0; high < size; high += 4 * step)
            for (int v = high; v < high + step; v++) {
                f2f_row a[F2F_LEVELS_MAX_JOINT], b[F2F_LEVELS_MAX_JOINT], c[F2F_LEVELS_MAX_JOINT],
                    d[F2F_LEVELS_MAX_JOINT];
                f2f_row *p = table + v * joint, *q = p + step * joint, *s = q + step * joint,
                        *u = s + step * joint;
                for (int j = 0; j < joint; j++) a[j] = p[j], b[j] = q[j], c[j] = s[j], d[j] = u[j];
                F2F_MEET(a, b, m0)
                F2F_MEET(c, d, m0)
                F2F_MEET(a, c, m1)
                F2F_MEET(b, d, m1)
                for (int j = 0; j < joint; j++) p[j] = a[j], q[j] = b[j], s[j] = c[j], u[j] = d[j];
            }
    }
}

/* The transform: leaves levels in s->table ([output][level]) and returns their number. *reach: whether
 * no output costs more than that number. */
static inline int levels_table(levels_space *s, const uint64_t *cols, int n_in, int n_u, uint64_t w,
                               const two_costs *old, const f2f_row *parity, int *reach)
{
    int levels = old->levels, size = 1 << n_u, joint = levels, hit = 0;
    uint16_t y[256];
    uint32_t b[9] = {0};
    uint64_t seen[(1 << F2F_LEVELS_MAX_CARE) / 64 + 1] = {0};
    span16(cols + 2 * n_in, n_in, (uint16_t)w, y);
    for (int c = 0; c < 1 << n_in; c++) {
        hit += !(seen[y[c] >> 6] >> (y[c] & 63) & 1);
        seen[y[c] >> 6] |= (uint64_t)1 << (y[c] & 63);
    }
    /* hit = 2^rank of C: any output is within n_u - rank of one that a symbol c gives */
    int lacking = n_u - __builtin_ctz((unsigned)hit);
    joint += lacking < 3 ? lacking : 3;
    *reach = lacking < 4 && joint <= F2F_LEVELS_MAX_JOINT;
    if (joint > F2F_LEVELS_MAX_JOINT) joint = F2F_LEVELS_MAX_JOINT;
    if (levels > joint) levels = joint;
    f2f_row *T = s->table, zero = {0, 0, 0, 0}, mask[F2F_LEVELS_MAX_CARE + 1];
    for (int i = 0; i < size * joint; i++) T[i] = zero;
    for (int c = 0; c < 1 << n_in; c++) {
        f2f_row *row = T + y[c] * joint;
        for (int j = 0; j < levels; j++) row[j] |= old->level[j * 256 + c];
        for (int j = levels; j < joint; j++) row[j] = ~zero;
    }
    for (int j = 0; j < n_in; j++) b[j] = (uint32_t)cols[n_in + j];
    for (int i = 0; i < n_u; i++) lanes_where(parity, b, n_in, i, mask + i);
    switch (joint) {
    case 0: break;
    case 1: levels_passes(T, n_u, 1, mask); break;
    case 2: levels_passes(T, n_u, 2, mask); break;
    case 3: levels_passes(T, n_u, 3, mask); break;
    case 4: levels_passes(T, n_u, 4, mask); break;
    case 5: levels_passes(T, n_u, 5, mask); break;
    case 6: levels_passes(T, n_u, 6, mask); break;
    case 7: levels_passes(T, n_u, 7, mask); break;
    default: levels_passes(T, n_u, 8, mask); break;
    }
    return joint;
}

/* New levels, as near_step of step_near.h gives them; *least is -1 where the table's levels are too few
 * to tell. n_u <= F2F_LEVELS_MAX_CARE. */
static inline int levels_step(levels_space *s, const f2f_row *parity, const uint64_t *cols,
                              int n_in, int n_u, uint64_t w, const two_costs *old, int limit,
                              f2f_row *out, int *least, int *exact)
{
    int reach, found = 0, j = 0;
    uint16_t y[256];
    assert(n_u <= F2F_LEVELS_MAX_CARE && limit <= F2F_TWO_MAX_LEVELS);
    int joint = levels_table(s, cols, n_in, n_u, w, old, parity, &reach);
    span16(cols, n_in, 0, y);
    *least = -1, *exact = 0;
    for (; j < joint && found < limit; j++) {
        f2f_row *to = out + found * 256, any = {0, 0, 0, 0}, all = ~any;
        for (int a = 0; a < 1 << n_in; a++) {
            f2f_row x = s->table[y[a] * joint + j];
            to[a] = x;
            any |= x;
            all &= x;
        }
        if (*least < 0 && F2F_ANY(any)) *least = j;
        if (F2F_FULL(all)) {
            *exact = !old->clamped || j < old->levels;
            break;
        }
        if (*least >= 0) found++;
    }
    if (*least < 0 && reach) *least = joint;
    if (j == joint) *exact = reach && !old->clamped;
    return found;
}
#endif
