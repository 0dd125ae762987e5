/* One block of the search for n_s = 2 and n_in <= 8: which step takes it.
 *
 *   care bits n_u                    step
 *   to F2F_LEVELS_MAX_CARE           step_levels.h: the distance transform on level sets
 *   to 16 + F2F_NEAR_MAX_REST        step_near.h: pairs (a, c) at small distances
 *   more, n_in = 8, few levels       step_triples.h: triples (a, m, c) that matter
 *   to F2F_BYTES_MAX_CARE            step_bytes.h: also where one of the above gives up, or the costs
 *                                    before or after the block are bytes
 *
 * The first two give rows a, lanes m; these are transposed to rows m, lanes a. */
#ifndef F2F_STEP_TWO_H
#define F2F_STEP_TWO_H
#include "step_bytes.h"
#include "step_levels.h"
#include "step_near.h"
#include "step_triples.h"

typedef struct {
    f2f_row parity[256]; /* parities of rows.h, set */
    int limit;           /* levels to keep of the new costs */
    f2f_row out[F2F_TWO_MAX_LEVELS * 256] __attribute__((aligned(64))); /* new levels: [level][a] */
    f2f_row grid[4][64];
    uint8_t old[65536] __attribute__((aligned(64))); /* costs in bytes, [c][m] ... */
    uint8_t new[65536] __attribute__((aligned(64))); /* ... and [m][a] */
    levels_space levels;
    near_space near;
    triples_space triples;
    bytes_space bytes;
} two_space;

/* One block in bytes; returns the least cost taken out, or -1 where bytes do not hold the costs. */
static inline int two_bytes(two_space *s, const uint64_t *cols, int n_in, int n_u,
                            const uint64_t *w, const two_costs *old, two_costs *new)
{
    int most;
    if (n_u > F2F_BYTES_MAX_CARE || old->levels + n_u > 254) return -1;
    if (!old->byte) two_uncut(old, n_in, s->old);
    int least = bytes_step(&s->bytes, cols, n_in, n_u, w, old->byte ? old->byte : s->old,
                           new->byte ? new->byte : s->new, &most);
    if (new->byte) {
        new->levels = most;
        new->clamped = 0;
    } else {
        two_cut(s->new, n_in, most, s->limit, new);
        new->clamped |= old->clamped;
    }
    return least;
}

/* One block: costs `new` from `old`, in bytes if new->byte is given, else at most s->limit levels in
 * new->level, which has room for F2F_TWO_STATE_ROWS rows. bits: the block's. Returns as two_bytes does. */
static inline int two_step(two_space *s, const f2f_code *code, const f2f_tile *tile, int64_t t,
                           const uint64_t *bits, const two_costs *old, two_costs *new)
{
    static const uint64_t none[24] = {0};
    int n_in = code->n_in, n_u = tile->n_u[t], symbols = 1 << n_in, least = -1, exact = 0, found;
    const uint64_t *cols = n_u ? tile->cols + tile->start[t] : none;
    uint64_t w[F2F_MAX_WORDS] = {0};
    assert(code->n_s == 2 && n_in <= 8 && s->limit >= 1);
    assert(new->byte || s->limit <= F2F_TWO_MAX_LEVELS);
    assert(old->byte || old->levels <= F2F_TWO_MAX_LEVELS);
    for (int k = 0; k < 256; k++) /* two levels, as most blocks have: written last, far from here */
        __builtin_prefetch((const char *)new->level + 64 * k, 1);
    wanted(code, tile, t, bits, w);
    if (new->byte || old->byte) return two_bytes(s, cols, n_in, n_u, w, old, new);
    if (n_u <= F2F_LEVELS_MAX_CARE)
        found = levels_step(&s->levels, s->parity, cols, n_in, n_u, w[0], old, s->limit, s->out,
                            &least, &exact);
    else if (n_u <= 16 + F2F_NEAR_MAX_REST)
        found = near_step(&s->near, s->parity, cols, n_in, n_u, w[0], old->level, old->levels,
                          old->clamped, s->limit, s->out, &least, &exact);
    else {
        if (n_in == 8 && n_u <= 64 && s->limit < F2F_TWO_MAX_LEVELS) {
            two_uncut(old, n_in, s->old);
            found = triples_step(&s->triples, cols, n_u, w[0], old->level, old->levels, s->old,
                                 s->limit, new->level, &least);
            new->levels = found, new->clamped = 1;
            if (found) return least;
        }
        return two_bytes(s, cols, n_in, n_u, w, old, new);
    }
    if (least < 0) return two_bytes(s, cols, n_in, n_u, w, old, new);
    assert(found >= 0 && found <= s->limit);
    new->levels = found;
    new->clamped = !exact;
    for (int j = 0; j < found; j++) {
        f2f_row *x = s->out + j * 256;
        for (int a = symbols; a < 256; a++) x[a] = x[a & (symbols - 1)];
        transpose(x, new->level + j * 256, s->grid);
    }
    return least;
}
#endif
