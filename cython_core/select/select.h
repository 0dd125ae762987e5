/* Selection: which weights are kept, what they hold, how they fall on blocks. Python validates before;
 * the ranges here are asserted in builds with assertions and assumed in others. */
#ifndef F2F_SELECT_H
#define F2F_SELECT_H
#include <stdint.h>

#define F2F_KEYS   65536 /* values of a key */
#define F2F_SPREAD 2 /* histograms side by side: equal keys in a row do not wait for each other */

/* Words of weights in their own bytes, and their magnitudes m = min(word & mask, largest): largest is
 * infinity's, so that a NaN counts as infinite. The key of a word is m >> shift, below 2^16. */
typedef struct {
    const void *words;
    int itemsize; /* 1, 2, 4 or 8 */
    uint64_t mask, largest;
    int shift;
    uint16_t *keys; /* written by `count`, read by `mark` */
} f2f_magnitudes;

/* The kernels for one instruction set; all give the same. */
typedef struct {
    /* keys of words first … last − 1; counts (SPREAD, KEYS) += 1 for each: fewer than 2^32. */
    void (*count)(const f2f_magnitudes *m, int64_t first, int64_t last, uint32_t *counts);

    /* mask[i] = 1 where the key of word i is above `key`, else 0; `at` takes the i of those that
     * equal it, in order. Returns how many. */
    int64_t (*mark)(const f2f_magnitudes *m, int64_t first, int64_t last, uint16_t key,
                    uint8_t *mask, int64_t *at);

    /* Of words with mask 1: ones[b] += 1 for each whose bit b is set, and values[v] += 1 for each
     * whose bits shift … shift + width − 1 are v. mask (size) holds 0 and 1. width ≤ 16. */
    void (*census)(const void *words, int itemsize, const uint8_t *mask, int64_t first,
                   int64_t last, int shift, int width, int64_t *ones, int64_t *values);

    /* sums[a] = flags[a] + flags[a + l] + …, for first ≤ a < last ≤ l: at most 65,535 flags, 0 or 1. */
    void (*sums_apart)(const uint8_t *flags, int64_t size, int64_t l, int64_t first, int64_t last,
                       uint16_t *sums);

    /* sums[t] = flags[t·n] + … + flags[t·n + n − 1], those there are, for first ≤ t < last. */
    void (*sums_near)(const uint8_t *flags, int64_t size, int64_t n, int64_t first, int64_t last,
                      uint16_t *sums);
} f2f_selection;

/* `set` is an f2f_instruction_set of search/search.h that this machine runs. */
const f2f_selection *f2f_selection_for(int set);

/* What kernels.c gives when it is compiled for each instruction set. */
extern const f2f_selection f2f_selection_portable, f2f_selection_avx2, f2f_selection_avx512;
#endif
