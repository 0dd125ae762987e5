/* The XOR code and a tile of blocks restricted to their care rows, shared by every search. */
#ifndef F2F_CODE_H
#define F2F_CODE_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define F2F_MAX_WORDS 64 /* n_out <= 4096 */

enum { F2F_OK = 0, F2F_CANCELLED = 1, F2F_NO_MEMORY = 2, F2F_RETRY = 3 };

typedef struct {
    int n_in, n_s, n_out, words; /* words = ceil(n_out / 64) */
    const uint64_t *cols;        /* (n_in (n_s+1), words): column n_in k + j meets bit j of x_{t-k} */
} f2f_code;

typedef struct {
    int64_t blocks;
    int width;      /* n_in (n_s + 1) */
    int32_t *n_u;   /* (blocks,) care bits */
    int64_t *start; /* (blocks + 1,) offset in rw words, of the block's first restricted column */
    uint64_t *cols; /* per block (width, ceil(n_u/64)): columns restricted to care rows */
    const uint64_t *care;
    int words;
    void **segment; /* for the costs of a plane, n_s = 2: segments once wanted, then kept */
} f2f_tile;

static inline uint64_t f2f_pext_plain(uint64_t v, uint64_t mask)
{
    uint64_t out = 0;
    for (uint64_t bit = 1; mask; bit <<= 1, mask &= mask - 1)
        if (v & mask & -mask) out |= bit;
    return out;
}

#if defined(__x86_64__)
#include <immintrin.h>
__attribute__((target("bmi2"))) static uint64_t f2f_pext_bmi2(uint64_t v, uint64_t mask)
{
    return _pext_u64(v, mask);
}
static inline uint64_t f2f_pext(uint64_t v, uint64_t mask)
{
    return __builtin_cpu_supports("bmi2") ? f2f_pext_bmi2(v, mask) : f2f_pext_plain(v, mask);
}
#else
#define f2f_pext f2f_pext_plain
#endif

/* Gather the care bits of v (words) into out (ceil(n_u / 64) words, zeroed here). */
static inline void f2f_restrict(const uint64_t *v, const uint64_t *care, int words, int n_u,
                                uint64_t *out)
{
    for (int k = 0; k < (n_u + 63) / 64; k++) out[k] = 0;
    int at = 0;
    for (int k = 0; k < words; k++) {
        if (!care[k]) continue;
        uint64_t g = f2f_pext(v[k], care[k]);
        out[at >> 6] |= g << (at & 63);
        int n = __builtin_popcountll(care[k]);
        if ((at & 63) + n > 64) out[(at >> 6) + 1] |= g >> (64 - (at & 63));
        at += n;
    }
}

static void f2f_tile_free(f2f_tile *tile)
{
    free(tile->n_u);
    free(tile->start);
    free(tile->cols);
    tile->n_u = NULL;
    tile->start = NULL;
    tile->cols = NULL;
}

/* Restrict the code's columns to each block's care rows: once per tile, for all planes. */
static int f2f_tile_init(f2f_tile *tile, const f2f_code *code, const uint64_t *care, int64_t blocks)
{
    int width = code->n_in * (code->n_s + 1);
    tile->blocks = blocks;
    tile->width = width;
    tile->care = care;
    tile->words = code->words;
    tile->segment = NULL;
    tile->n_u = malloc((size_t)(blocks + 1) * sizeof(int32_t));
    tile->start = malloc((size_t)(blocks + 1) * sizeof(int64_t));
    tile->cols = NULL;
    if (!tile->n_u || !tile->start) return F2F_NO_MEMORY;
    int64_t at = 0;
    for (int64_t t = 0; t < blocks; t++) {
        int n = 0;
        for (int k = 0; k < code->words; k++)
            n += __builtin_popcountll(care[t * code->words + k]);
        tile->n_u[t] = n;
        tile->start[t] = at;
        at += (int64_t)width * ((n + 63) / 64);
    }
    tile->start[blocks] = at;
    tile->cols = malloc((size_t)(at + 1) * sizeof(uint64_t));
    if (!tile->cols) return F2F_NO_MEMORY;
    for (int64_t t = 0; t < blocks; t++) {
        int rw = (tile->n_u[t] + 63) / 64;
        for (int j = 0; j < width; j++)
            f2f_restrict(code->cols + (int64_t)j * code->words, care + t * code->words, code->words,
                         tile->n_u[t], tile->cols + tile->start[t] + (int64_t)j * rw);
    }
    return F2F_OK;
}

/* All XOR combinations of n columns of rw words: out[v] = sum of columns where bit j of v is set. */
static inline void f2f_span(const uint64_t *cols, int n, int rw, const uint64_t *origin,
                            uint64_t *out)
{
    for (int k = 0; k < rw; k++) out[k] = origin ? origin[k] : 0;
    for (int j = 0; j < n; j++)
        for (int64_t v = 0; v < (int64_t)1 << j; v++)
            for (int k = 0; k < rw; k++)
                out[(v + ((int64_t)1 << j)) * rw + k] = out[v * rw + k] ^ cols[(int64_t)j * rw + k];
}
#endif
