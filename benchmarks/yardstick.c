/* The trellis search as the paper states it, in textbook C: every block visits all
 * 2^(n_in (n_s + 1)) transitions. It is what speed and optimal cost are measured against.
 *
 * stdin:  n_in n_s n_out blocks; n_out rows of M as 0/1 strings, column n_in k + j meeting bit j of
 *         x_{t-k}; then per block a string of wanted bits and one of care flags. n_out <= 128.
 * stdout: the least number of mismatched care bits, and CPU seconds of the search alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint64_t w[2];
} bits;

static bits read_bits(int n)
{
    char text[512];
    bits b = {{0, 0}};
    if (scanf("%511s", text) != 1 || (int)strlen(text) != n) exit(2);
    for (int i = 0; i < n; i++)
        if (text[i] == '1') b.w[i / 64] |= (uint64_t)1 << (i % 64);
    return b;
}

int main(void)
{
    int n_in, n_s, n_out, blocks;
    if (scanf("%d %d %d %d", &n_in, &n_s, &n_out, &blocks) != 4 || n_out > 128) return 2;
    int width = n_in * (n_s + 1);
    uint32_t transitions = 1u << width, states = 1u << (n_in * n_s);
    bits *column = calloc((size_t)width, sizeof *column), *row = calloc(128, sizeof *row);
    for (int i = 0; i < n_out; i++) {
        row[i] = read_bits(width);
        for (int j = 0; j < width; j++)
            if (row[i].w[j / 64] >> (j % 64) & 1) column[j].w[i / 64] |= (uint64_t)1 << (i % 64);
    }
    bits *want = malloc((size_t)blocks * sizeof *want),
         *care = malloc((size_t)blocks * sizeof *care);
    for (int t = 0; t < blocks; t++) want[t] = read_bits(n_out), care[t] = read_bits(n_out);

    bits *output = calloc(transitions, sizeof *output); /* of every register content */
    for (uint32_t v = 1; v < transitions; v++) {
        const bits *c = column + __builtin_ctz(v), *rest = output + (v & (v - 1));
        output[v].w[0] = rest->w[0] ^ c->w[0];
        output[v].w[1] = rest->w[1] ^ c->w[1];
    }
    uint16_t *cost = malloc(states * sizeof *cost), *next = malloc(states * sizeof *next);
    for (uint32_t s = 0; s < states; s++) cost[s] = s ? 0x4000 : 0;
    clock_t begin = clock();
    for (int t = 0; t < blocks; t++) {
        for (uint32_t s = 0; s < states; s++) next[s] = 0x7fff;
        for (uint32_t v = 0; v < transitions; v++) { /* x_t in the low bits, older symbols above */
            uint16_t c = cost[v >> n_in];
            c += (uint16_t)__builtin_popcountll((output[v].w[0] ^ want[t].w[0]) & care[t].w[0]);
            c += (uint16_t)__builtin_popcountll((output[v].w[1] ^ want[t].w[1]) & care[t].w[1]);
            uint32_t s = v & (states - 1);
            if (c < next[s]) next[s] = c;
        }
        uint16_t *old = cost;
        cost = next, next = old;
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    uint16_t least = 0x7fff;
    for (uint32_t s = 0; s < states; s++)
        if (cost[s] < least) least = cost[s];
    printf("%u %.6f\n", least, seconds);
    return 0;
}
