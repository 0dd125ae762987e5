/* Tiles: blocks restricted to their care bits. */
#include "bits.h"
#include "limits.h"
#include "machine/memory.h"
#include <assert.h>
#include <stdlib.h>

int f2f_tile_init(f2f_tile *tile, const f2f_code *code, const uint64_t *care, int64_t blocks)
{
    int width = code->n_in * (code->n_s + 1);
    int64_t at = 0;
    assert(blocks >= 1 && code->n_in >= 1 && code->n_in <= F2F_GENERAL_MAX_N_IN);
    assert(code->n_s >= 0 && code->n_in * code->n_s <= 16);
    assert(code->n_out >= 1 && code->words == (code->n_out + 63) / 64 &&
           code->words <= F2F_MAX_WORDS);
    *tile = (f2f_tile){.blocks = blocks, .width = width, .words = code->words, .care = care};
    tile->n_u = malloc((size_t)blocks * sizeof *tile->n_u);
    tile->start = malloc((size_t)(blocks + 1) * sizeof *tile->start);
    if (!tile->n_u || !tile->start) return F2F_NO_MEMORY;
    for (int64_t t = 0; t < blocks; t++) {
        int n_u = 0;
        for (int k = 0; k < code->words; k++)
            n_u += __builtin_popcountll(care[t * code->words + k]);
        assert(n_u <= code->n_out && n_u * code->n_s <= 8192);
        tile->n_u[t] = n_u;
        tile->start[t] = at;
        at += (int64_t)width * words_of(n_u);
    }
    tile->start[blocks] = at;
    tile->cols = malloc((size_t)(at + 1) * sizeof *tile->cols);
    if (!tile->cols) return F2F_NO_MEMORY;
    for (int64_t t = 0; t < blocks; t++)
        for (int j = 0; j < width; j++)
            gather_care(code->cols + (int64_t)j * code->words, care + t * code->words, code->words,
                        tile->n_u[t],
                        tile->cols + tile->start[t] + (int64_t)j * words_of(tile->n_u[t]));
    if (code->n_s == 2 && code->n_in >= F2F_TWO_N_IN_FROM && code->n_in <= 8 && blocks >= 3) {
        tile->segment = calloc(F2F_TWO_SEGMENTS + 1, sizeof *tile->segment);
        if (!tile->segment) return F2F_NO_MEMORY;
    }
    return F2F_OK;
}

void f2f_tile_free(f2f_tile *tile)
{
    for (int i = 0; tile->segment && i <= F2F_TWO_SEGMENTS; i++) f2f_free_aligned(tile->segment[i]);
    free(tile->segment), free(tile->n_u), free(tile->start), free(tile->cols);
    *tile = (f2f_tile){0};
}
