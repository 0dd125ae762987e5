/* Exact search for n_s = 0 and blocks of at most 64 care bits: every block by itself, every symbol
 * tried; the lowest of those that leave the fewest care bits wrong. */
#ifndef F2F_SEARCH_ZERO_H
#define F2F_SEARCH_ZERO_H
#include "bits.h"
#include "limits.h"
#include <assert.h>

/* As f2f_search. */
static inline int zero_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                              uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    uint64_t y[1 << F2F_GENERAL_MAX_N_IN];
    assert(code->n_s == 0 && code->n_in <= F2F_GENERAL_MAX_N_IN);
    *mismatches = 0;
    for (int64_t t = 0; t < tile->blocks; t++) {
        if (*cancel) return F2F_CANCELLED;
        int n_u = tile->n_u[t];
        uint64_t best = ~(uint64_t)0; /* wrong care bits << 16 | symbol */
        assert(n_u <= 64);
        symbols[t] = 0;
        if (!n_u) continue;
        wanted(code, tile, t, bits + t * code->words, y);
        span_words(tile->cols + tile->start[t], code->n_in, 1, y, y);
        for (int x = 0; x < 1 << code->n_in; x++) {
            uint64_t v = ((uint64_t)__builtin_popcountll(y[x]) << 16) + (uint64_t)x;
            best = F2F_MIN(best, v);
        }
        symbols[t] = (uint16_t)best;
        *mismatches += (int64_t)(best >> 16);
    }
    return F2F_OK;
}
#endif
