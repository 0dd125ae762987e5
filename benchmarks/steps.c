/* Time that the search spends on each block, forward and back, n_s = 1 or 2 and n_in <= 8.
 *
 * Compiled with -march=native, which chooses the kernels. stdin: as of yardstick.c. stdout: care bits
 * of a block, and the least microseconds of five; of those that the path, found backwards, reaches. */
#include "search/search_one.h"
#include "search/search_two.h"
#include <stdio.h>
#include <time.h>

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void read_bits(int n, uint64_t *out)
{
    char text[512];
    if (scanf("%511s", text) != 1 || (int)strlen(text) != n) exit(2);
    for (int i = 0; i < n; i++) out[i / 64] |= (uint64_t)(text[i] == '1') << (i % 64);
}

typedef struct {
    two_space *space;
    two_costs *costs;
    f2f_row *rows; /* of all blocks, 64 kB each at most */
    uint8_t *tables, *wide;
    uint64_t *span;
} memory;

static void one(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits, memory m,
                double *took)
{
    uint8_t *costs = (uint8_t *)m.rows;
    int64_t blocks = tile->blocks, words = code->words;
    int state = 0;
    memset(costs, 120, 256), costs[0] = 0;
    for (int64_t t = 0; t < blocks; t++) {
        double begin = clock_now();
        one_step(code, tile, t, bits + t * words, costs + 256 * t, costs + 256 * (t + 1), m.tables);
        took[t] = clock_now() - begin;
    }
    while (costs[256 * blocks + state]) state++;
    for (int64_t t = blocks - 1; t >= 0; t--) {
        double begin = clock_now();
        state = one_back(code, tile, t, bits + t * words, costs + 256 * t, state);
        took[t] += clock_now() - begin;
    }
}

static void two(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits, memory m,
                double *took)
{
    two_costs *x = m.costs;
    f2f_row *top = m.rows;
    int64_t blocks = tile->blocks, words = code->words, t;
    int k = 0, excess = 0;
    took[0] = 1e9;
    for (t = 1; t < blocks; t++) {
        double begin = clock_now();
        x[t].level = top;
        m.space->limit = two_limit(tile, t, m.wide);
        x[t].byte = m.space->limit > F2F_TWO_MAX_LEVELS ? (uint8_t *)top : NULL;
        x[t].least = t == 1 ? two_first(m.space, code, tile, bits, m.span, x + 1)
                            : two_step(m.space, code, tile, t, bits + t * words, x + t - 1, x + t);
        top += two_rows(x + t);
        took[t] = clock_now() - begin;
    }
    while (two_cost(x + blocks - 1, k >> 8, k & 255)) k++;
    int before = k >> 8, now = k & 255, c = 0;
    for (t = blocks - 1; t > 1 && c >= 0; t--) {
        double begin = clock_now();
        c = two_back(code, tile, bits, x + t - 1, m.span, t, now, before, excess + x[t].least,
                     &excess);
        now = before, before = c;
        took[t] += clock_now() - begin;
    }
    for (; t > 0; t--) took[t] = 1e9; /* not reached: unproven */
}

int main(void)
{
    int n_in, n_s, n_out, blocks;
    if (scanf("%d %d %d %d", &n_in, &n_s, &n_out, &blocks) != 4 || n_out > 128) return 2;
    f2f_code code = {n_in, n_s, n_out, (n_out + 63) / 64, NULL};
    int width = n_in * (n_s + 1);
    size_t some = (size_t)blocks, words = (size_t)code.words;
    uint64_t *cols = calloc((size_t)width * words, 8), *bits = calloc(some * words, 8);
    uint64_t *care = calloc(some * words, 8);
    double *took = malloc(some * sizeof *took), *least = malloc(some * sizeof *least);
    for (int i = 0; i < n_out; i++) {
        uint64_t row = 0;
        read_bits(width, &row);
        for (int j = 0; j < width; j++)
            cols[(size_t)j * words + (size_t)i / 64] |= (row >> j & 1) << (i % 64);
    }
    for (size_t t = 0; t < some; t++) {
        read_bits(n_out, bits + t * words);
        read_bits(n_out, care + t * words);
        least[t] = 1e9;
    }
    f2f_tile tile;
    code.cols = cols;
    memory m = {
        aligned_alloc(64, (sizeof(two_space) + 63) / 64 * 64),
        calloc(some, sizeof(two_costs)),
        aligned_alloc(64, some * F2F_TWO_STATE_ROWS * 32),
        aligned_alloc(64, F2F_ONE_TABLES),
        calloc(some, 1),
        malloc(F2F_TWO_SPANS * 8),
    };
    if (f2f_tile_init(&tile, &code, care, blocks)) return 1;
    parities(m.space->parity);
    for (int run = 0; run < 5; run++) {
        (n_s == 1 ? one : two)(&code, &tile, bits, m, took);
        for (size_t t = 0; t < some; t++)
            if (took[t] < least[t]) least[t] = took[t];
    }
    for (size_t t = 0; t < some; t++)
        if (least[t] < 1e9) printf("%d %.3f\n", tile.n_u[t], least[t]);
    return 0;
}
