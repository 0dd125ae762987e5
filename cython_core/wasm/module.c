/* The exact search for a web page: libc is libc.c, one thread, memory exported. `make wasm` builds it;
 * f2f_viz/figures/static/lesson/search.js calls it.
 *
 * Memory is a stack that `reset` empties: room() for what goes in and comes out, and above it what the
 * kernels take while they run. */
#include "coding/coding.h"
#include "search/search.h"
#include <stdlib.h>

#define F2F_EXPORT(name) __attribute__((export_name(name)))

/* Arrays are laid out as search/search.h says. */

/* Takes all room back. */
F2F_EXPORT("reset") void f2f_reset(void)
{
    take_all_back();
}

/* Zeroed bytes, or NULL. */
F2F_EXPORT("room") void *f2f_room(size_t size)
{
    return calloc(size, 1);
}

/* Searches one tile, plane after plane; the status. bits (planes, blocks, words), symbols (planes,
 * blocks), mismatches (planes). */
F2F_EXPORT("search")
int f2f_search_tile(int n_in, int n_s, int n_out, const uint64_t *cols, const uint64_t *care,
                    int blocks, int planes, const uint64_t *bits, uint16_t *symbols,
                    int64_t *mismatches)
{
    const f2f_code code = {n_in, n_s, n_out, (n_out + 63) / 64, cols};
    const int cancel = 0;
    f2f_tile tile;
    int status = f2f_tile_init(&tile, &code, care, blocks);
    for (int p = 0; p < planes && !status; p++)
        status = f2f_search(&code, &tile, bits + (int64_t)p * blocks * code.words,
                            symbols + (int64_t)p * blocks, mismatches + p, &cancel, F2F_PORTABLE);
    f2f_tile_free(&tile);
    return status;
}

/* The corrections of one plane of a tile: ranks of its care bits that the symbols get wrong, the
 * first being `first`. Returns how many. */
F2F_EXPORT("corrections")
int f2f_corrections(int n_in, int n_s, int n_out, const uint64_t *cols, const uint64_t *care,
                    int blocks, const uint64_t *bits, const uint16_t *symbols, uint32_t first,
                    uint32_t *ranks)
{
    const int words = (n_out + 63) / 64;
    int count = 0;
    for (int t = 0; t < blocks; t++)
        for (int w = 0; w < words; w++) {
            const uint64_t own = care[t * words + w];
            uint64_t wrong = bits[t * words + w];
            for (int k = 0; k <= n_s && k <= t; k++)
                for (int j = 0; j < n_in; j++)
                    if (symbols[t - k] >> j & 1) wrong ^= cols[(n_in * k + j) * words + w];
            for (wrong &= own; wrong; wrong &= wrong - 1)
                ranks[count++] =
                    first + (uint32_t)__builtin_popcountll(own & ((wrong & -wrong) - 1));
            first += (uint32_t)__builtin_popcountll(own);
        }
    return count;
}

/* Bits of a plane's corrections as ranks, Golomb-Rice coded. */
F2F_EXPORT("rank_bits") int f2f_rank_bits(const uint32_t *ranks, int count)
{
    int k;
    return (int)f2f_rice_bits(ranks, count, &k);
}
