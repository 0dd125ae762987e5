/* What the kernels give on fixed streams, a line for each code: to compare machines (aarch64.sh). */
#include "coding/coding.h"
#include "decode/common.h"
#include "decode/decode.h"
#include "search/search.h"
#include "select/select.h"
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

/* Numbers, flags and Golomb-Rice there and back. */
static int bit_strings(void)
{
    enum { COUNT = 1000, WIDTH = 11, K = 5 };
    static uint16_t numbers[COUNT], found[COUNT];
    static uint8_t packed[COUNT * 8], flags[COUNT * 20];
    static uint32_t listed[COUNT], again[COUNT];
    const enum f2f_decode_set level = f2f_best_decode_set();
    uint64_t hash = 0;
    for (int i = 0; i < COUNT; i++) numbers[i] = (uint16_t)(random_word() & ((1 << WIDTH) - 1));
    f2f_pack_numbers(numbers, COUNT, WIDTH, 3, packed);
    f2f_unpack_numbers(packed, sizeof packed, 3, COUNT, WIDTH, found, level);
    for (int i = 0; i < COUNT; i++) hash = mixed(hash, found[i]);
    for (size_t i = 0; i < sizeof flags; i++) flags[i] = random_word() % 20 == 0;
    const int64_t count = f2f_list_flags(flags, sizeof flags, 1, COUNT, listed, level);
    for (size_t i = 0; i < sizeof packed; i++) packed[i] = 0;
    const int64_t bits = f2f_rice_pack(listed, count, K, packed);
    if (f2f_rice_unpack(packed, sizeof packed, count, K, sizeof flags, again, level) != bits)
        return 1;
    for (int64_t i = 0; i < count; i++) hash = mixed(hash, again[i]);
    for (size_t i = 0; i < sizeof packed; i++) hash = mixed(hash, packed[i]);
    printf("bit strings, %lld flags: %016llx\n", (long long)count, (unsigned long long)hash);
    return 0;
}

/* Magnitudes of float32 by keys, the mask of the largest, and what it holds. */
static void selected(void)
{
    enum { SIZE = 5000, L = 70 };
    static uint32_t words[SIZE], counts[F2F_SPREAD * F2F_KEYS];
    static uint16_t keys[SIZE], sums[SIZE];
    static uint8_t mask[SIZE];
    static int64_t ones[32], values[256], at[SIZE];
    const f2f_selection *kernels = f2f_selection_for(f2f_best_instruction_set());
    for (int i = 0; i < SIZE; i++) words[i] = (uint32_t)random_word();
    const f2f_magnitudes m = {words, 4, 0x7FFFFFFF, 0x7F800000, 15, keys};
    kernels->count(&m, 0, SIZE, counts);
    for (int64_t n = kernels->mark(&m, 0, SIZE, keys[7], mask, at); n--;) mask[at[n]] = 1;
    kernels->census(words, 4, mask, 0, SIZE, 23, 8, ones, values);
    kernels->sums_apart(mask, SIZE, L, 0, L, sums);
    kernels->sums_near(mask, SIZE, 80, 0, SIZE / 80, sums + L);
    uint64_t hash = 0;
    for (int i = 0; i < F2F_KEYS; i++) hash = mixed(hash, counts[i] + counts[F2F_KEYS + i]);
    for (int i = 0; i < SIZE; i++) hash = mixed(hash, mask[i]), hash = mixed(hash, sums[i]);
    for (int i = 0; i < 32; i++) hash = mixed(hash, (uint64_t)ones[i]);
    for (int i = 0; i < 256; i++) hash = mixed(hash, (uint64_t)values[i]);
    printf("selected: %016llx\n", (unsigned long long)hash);
}

/* Powers of two modulo a Mersenne prime, beyond any layer's blocks: both ways of f2f_times. */
static int products(void)
{
    for (int p = 31; p <= 61; p += 30)
        for (int i = 0; i < p; i++)
            for (int j = 0; j < p; j++)
                if (f2f_times(INT64_C(1) << i, INT64_C(1) << j, (INT64_C(1) << p) - 1) !=
                    INT64_C(1) << (i + j) % p)
                    return 1;
    return 0;
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
    if (products() || bit_strings()) return 1;
    selected();
    return 0;
}
