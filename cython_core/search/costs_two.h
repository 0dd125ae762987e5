/* Costs of the 65,536 states of a block at n_s = 2, above the least of them.
 *
 * They take few values, so they are kept as level sets: level j is the set of states whose cost is at
 * most j, one row of 256 lanes for each x_{t-1}, lane x_t. A cost above the last level is `levels`: so it
 * is, or, if the costs are clamped, at least that: a lower bound, harmless if the path found never uses
 * it, which two_back checks. Where levels would be too many, costs are bytes. n_in < 8: symbols are
 * below 2^n_in, and lanes repeat. */
#ifndef F2F_COSTS_TWO_H
#define F2F_COSTS_TWO_H
#include "limits.h"
#include "rows.h"
#include <assert.h>
#include <string.h>

typedef struct {
    int levels, clamped; /* in bytes: the greatest cost, 0 */
    int least;           /* cost taken out at this block */
    f2f_row *level;      /* [level][x_{t-1}], lane x_t; or where the bytes are */
    uint8_t *byte;       /* [x_{t-1}][x_t], 256 per row; NULL where there are levels */
} two_costs;

/* Rows of memory that they take. */
static inline int64_t two_rows(const two_costs *x)
{
    return x->byte ? F2F_TWO_STATE_ROWS : x->levels * 256;
}

/* Whether costs are the same; what is taken out of them aside. */
static inline int two_same(const two_costs *x, const two_costs *y, int n_in)
{
    if (x->levels != y->levels || x->clamped != y->clamped || !x->byte != !y->byte) return 0;
    if (x->byte) return !memcmp(x->byte, y->byte, (size_t)256 << n_in);
    for (int j = 0; j < x->levels; j++)
        if (memcmp(x->level + 256 * j, y->level + 256 * j, sizeof(f2f_row) << n_in)) return 0;
    return 1;
}

/* The cost of one state. */
static inline int two_cost(const two_costs *x, int row, int lane)
{
    if (x->byte) return x->byte[256 * row + lane];
    int cost = 0;
    for (int j = 0; j < x->levels; j++)
        cost += !(((const uint64_t *)&x->level[j * 256 + row])[lane >> 6] >> (lane & 63) & 1);
    return cost;
}

#ifndef NDEBUG
/* What holds of costs at all times: levels lie each within the next, and the least cost is 0. */
static inline int two_sound(const two_costs *x, int n_in)
{
    uint64_t any = !x->levels;
    if (x->byte) {
        int least = 255, most = 0;
        for (int i = 0; i < 256 << n_in; i++) {
            least = F2F_MIN(least, x->byte[i]);
            most = x->byte[i] > most ? x->byte[i] : most;
        }
        return !least && most == x->levels && !x->clamped;
    }
    for (int j = 0; j < x->levels; j++) {
        const uint64_t *word = (const uint64_t *)(x->level + 256 * j);
        for (int k = 0; k < 4 << n_in; k++) {
            if (j + 1 < x->levels && word[k] & ~word[k + 1024]) return 0;
            if (!j) any |= word[k];
        }
    }
    return x->levels <= F2F_TWO_MAX_LEVELS && any;
}
#endif

/* Costs in bytes to at most `limit` levels, in new->level; their least is 0, their greatest `most`. */
static inline void two_cut(const uint8_t *costs, int n_in, int most, int limit, two_costs *new)
{
    new->levels = F2F_MIN(most, limit);
    new->clamped = most > limit;
    for (int j = 0; j < new->levels; j++)
        for (int k = 0; k < 4 << n_in; k++) { /* 64 lanes at a time */
            uint64_t word = 0;
#if F2F_SIMD == 2
            word = _mm512_cmple_epu8_mask(_mm512_loadu_si512(costs + 64 * k),
                                          _mm512_set1_epi8((char)j));
#else
            for (int i = 0; i < 64; i++) word |= (uint64_t)(costs[64 * k + i] <= j) << i;
#endif
            ((uint64_t *)(new->level + j * 256))[k] = word;
        }
}

/* Levels to costs in bytes. */
static inline void two_uncut(const two_costs *x, int n_in, uint8_t *costs)
{
    memset(costs, x->levels, (size_t)256 << n_in);
    for (int j = 0; j < x->levels; j++)
        for (int k = 0; k < 4 << n_in; k++) {
            uint64_t word = ((const uint64_t *)(x->level + j * 256))[k];
#if F2F_SIMD == 2
            __m512i cost = _mm512_loadu_si512(costs + 64 * k);
            cost = _mm512_mask_sub_epi8(cost, word, cost, _mm512_set1_epi8(1));
            _mm512_storeu_si512(costs + 64 * k, cost);
#else
            for (int i = 0; i < 64; i++)
                costs[64 * k + i] = (uint8_t)(costs[64 * k + i] - (word >> i & 1));
#endif
        }
}
#endif
