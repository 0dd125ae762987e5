/* What the kernels give on fixed streams, a line for each code: to compare machines (aarch64.sh). */
#include "decode/decode.h"
#include "search/search.h"
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252u;

static uint64_t random_word(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 2685821657736338717u;
}

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 1099511628211u;
}

int main(void)
{
    static const int codes[][4] = {
        /* n_in, n_s, n_out, blocks */
        {8, 0, 80, 300},  {12, 0, 70, 50}, {8, 1, 80, 300}, {5, 1, 40, 300},
        {10, 1, 100, 3},  {8, 2, 80, 120}, {8, 2, 130, 30}, {6, 2, 60, 120},
        {4, 2, 40, 2000}, {3, 2, 30, 400}, {4, 3, 40, 50},  {1, 16, 3, 30},
    };
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        f2f_code code = {codes[k][0], codes[k][1], codes[k][2], (codes[k][2] + 63) / 64, NULL};
        int64_t blocks = codes[k][3], words = code.words, width = code.n_in * (code.n_s + 1);
        uint64_t *cols = calloc((size_t)(width * words), 8);
        uint64_t *care = calloc((size_t)(blocks * words), 8),
                 *bits = calloc((size_t)(blocks * words), 8);
        for (int64_t i = 0; i < code.n_out; i++) {
            int64_t word = i / 64, bit = i % 64;
            for (int64_t j = 0; j < width; j++)
                cols[j * words + word] |= (random_word() >> 63) << bit;
            for (int64_t t = 0; t < blocks; t++) { /* one block in eight is heavy */
                uint64_t keep = t % 8 == 3 ? 2 + (uint64_t)t / 8 % 6 : 1;
                care[t * words + word] |= (uint64_t)(random_word() % 10 < keep) << bit;
                bits[t * words + word] |= (random_word() >> 63) << bit;
            }
        }
        code.cols = cols;
        f2f_tile tile;
        volatile int cancel = 0;
        int64_t mismatches;
        uint16_t *symbols = calloc((size_t)blocks, 2);
        if (f2f_tile_init(&tile, &code, care, blocks) ||
            f2f_search(&code, &tile, bits, symbols, &mismatches, &cancel,
                       f2f_best_instruction_set()))
            return 1;
        uint64_t hash = 0;
        for (int64_t t = 0; t < blocks; t++) hash = mixed(hash, symbols[t]);
        printf("n_in %d n_s %d: %lld wrong, symbols %016llx\n", code.n_in, code.n_s,
               (long long)mismatches, (unsigned long long)hash);
        f2f_tile_free(&tile);
        free(cols), free(care), free(bits), free(symbols);
    }
    for (int64_t step = 0; step < 8; step += 7) { /* row order, and interleaved */
        enum { STAGES = 3, WORDS = 2, BLOCKS = 100, PLANES = 32, N_OUT = 80, SIZE = 80 * 100 - 3 };
        static uint8_t matrix[STAGES * WORDS * 64], mask[SIZE], window[N_OUT * F2F_WINDOW * 4];
        static uint16_t symbols[PLANES][BLOCKS];
        static uint64_t rows[BLOCKS * WORDS];
        static int64_t start[BLOCKS + 1], counts[PLANES];
        static uint32_t wrong[] = {1, 5, 1000, 3000}, kept[SIZE + 64], out[SIZE];
        const uint16_t *plane[PLANES];
        const uint32_t *corrections[PLANES];
        for (int i = 0; i < STAGES * WORDS * 64; i++) matrix[i] = (uint8_t)random_word();
        for (int i = 0; i < SIZE; i++) mask[i] = random_word() & 1;
        for (int p = 0; p < PLANES; p++) {
            for (int i = 0; i < BLOCKS; i++) symbols[p][i] = (uint16_t)(random_word() & 255);
            plane[p] = symbols[p], corrections[p] = wrong, counts[p] = p % 5;
        }
        const f2f_layer d = {SIZE,        BLOCKS, N_OUT,  WORDS,  40, step,   step ? 43 : 0,
                             PLANES,      4,      8,      STAGES, 1,  matrix, plane,
                             corrections, counts, 1 << 5, NULL,   0,  0};
        const enum f2f_decode_set level = f2f_best_decode_set();
        f2f_rows(&d, mask, 0, BLOCKS, rows, level);
        f2f_starts(&d, rows, start, level);
        if (f2f_words(&d, rows, start, 0, BLOCKS, (char *)kept, level)) return 1;
        f2f_place(&d, mask, rows, start, (char *)kept, 0, BLOCKS, (char *)window, (char *)out,
                  level);
        uint64_t hash = 0;
        for (int i = 0; i < SIZE; i++) hash = mixed(hash, out[i]);
        printf("decoded, step %d: %016llx\n", (int)step, (unsigned long long)hash);
    }
    return 0;
}
