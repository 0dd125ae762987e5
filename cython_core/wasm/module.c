/* The exact search for a web page: no libc, one thread, memory exported. `make wasm` builds it;
 * f2f_viz/figures/static/lesson/search.js calls it.
 *
 * Memory is a stack that `reset` empties: room() for what goes in and comes out, and above it what the
 * kernels take while they run. */
#include "coding/coding.h"
#include "search/search.h"
#include <stdlib.h>
#include <string.h>

#define F2F_EXPORT(name) __attribute__((export_name(name)))
#define F2F_ALIGNED      ((size_t)64)
#define F2F_PAGE         ((size_t)65536)

/* ---- the libc that the kernels need ---- */
extern unsigned char __heap_base;

typedef struct header {
    struct header *below;
    int freed;
} header;

static header *last;
static size_t top;

static size_t aligned(size_t n)
{
    return (n + F2F_ALIGNED - 1) & ~(F2F_ALIGNED - 1);
}

void *malloc(size_t size)
{
    if (!top) top = aligned((size_t)&__heap_base);
    const size_t end = top + F2F_ALIGNED + aligned(size);
    const size_t there = __builtin_wasm_memory_size(0) * F2F_PAGE;
    if (end < top) return NULL;
    if (end > there &&
        __builtin_wasm_memory_grow(0, (end - there + F2F_PAGE - 1) / F2F_PAGE) == (size_t)-1)
        return NULL;
    header *own = (header *)top;
    *own = (header){last, 0};
    last = own, top = end;
    return (char *)own + F2F_ALIGNED;
}

/* Room is taken back once all that was taken after it is free, too. */
void free(void *room)
{
    if (!room) return;
    ((header *)((char *)room - F2F_ALIGNED))->freed = 1;
    for (; last && last->freed; last = last->below) top = (size_t)last;
}

void *calloc(size_t count, size_t size)
{
    void *room = malloc(count * size);
    if (room) memset(room, 0, count * size);
    return room;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= F2F_ALIGNED ? malloc(size) : NULL;
}

/* instructions of WebAssembly, not calls: -mbulk-memory */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return __builtin_memcpy(to, from, size);
}

void *memset(void *to, int value, size_t size)
{
    return __builtin_memset(to, value, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q) return *p - *q;
    return 0;
}

/* ---- and the shifts of 128 bits that search/basis.h needs ---- */
typedef union {
    unsigned __int128 all;
    struct {
        uint64_t low, high;
    };
} wide;

unsigned __int128 __ashlti3(unsigned __int128 v, int by)
{
    wide x = {v};
    if (by & 64)
        x.high = x.low << (by & 63), x.low = 0;
    else if (by)
        x.high = x.high << by | x.low >> (64 - by), x.low <<= by;
    return x.all;
}

unsigned __int128 __lshrti3(unsigned __int128 v, int by)
{
    wide x = {v};
    if (by & 64)
        x.low = x.high >> (by & 63), x.high = 0;
    else if (by)
        x.low = x.low >> by | x.high << (64 - by), x.high >>= by;
    return x.all;
}

/* ---- what the page calls; arrays are laid out as search/search.h says ---- */

/* Takes all room back. */
F2F_EXPORT("reset") void f2f_reset(void)
{
    top = 0, last = NULL;
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
