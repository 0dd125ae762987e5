/* The exact search: what callers include. Python validates before; the ranges here are asserted in
 * builds with assertions (`make sanitize`) and assumed in others. docs/exact-search.md tells how it works. */
#ifndef F2F_SEARCH_H
#define F2F_SEARCH_H
#include <stdint.h>

#define F2F_MAX_WORDS 64 /* 64-bit words of a block: n_out <= 4096 */

enum f2f_status { F2F_OK = 0, F2F_CANCELLED = 1, F2F_NO_MEMORY = 2 };
enum f2f_instruction_set { F2F_PORTABLE = 0, F2F_AVX2 = 1, F2F_AVX512 = 2 };

/* The XOR code: y_t = M [x_t; x_{t-1}; ...; x_{t-n_s}], all bits modulo 2. */
typedef struct {
    int n_in, n_s, n_out; /* n_in 1 to 12, at n_s = 1 to 10; n_in n_s <= 16; n_out 1 to 4096 */
    int words;            /* ceil(n_out / 64) */
    const uint64_t *cols; /* (n_in (n_s + 1), words): column n_in k + j of M meets bit j of x_{t-k};
                             row i of M is bit i % 64 of word i / 64, bits from n_out on are 0 */
} f2f_code;

/* Blocks that are searched together, the register 0 before the first, and the columns of M
 * restricted to each block's care bits. It serves one thread at a time. */
typedef struct {
    int64_t blocks;
    int width;            /* columns of M, n_in (n_s + 1) */
    int words;            /* of a block */
    const uint64_t *care; /* (blocks, words) */
    int32_t *n_u;         /* (blocks,) care bits of each block */
    int64_t *start;       /* (blocks + 1,) where a block's columns begin in cols */
    uint64_t *cols;       /* for each block (width, ceil(n_u / 64)) */
    void **segment;       /* memory that the search at n_s = 2 takes once and keeps, or NULL */
} f2f_tile;

/* Prepares a tile, once for all planes.
 *
 * care: (blocks, words), 1 where a bit matters; bits from n_out on are 0. The tile refers to it: it
 * must outlive the tile. A block has at most 8192 / n_s care bits. blocks >= 1.
 * Returns F2F_OK or F2F_NO_MEMORY. After either, the caller frees with f2f_tile_free. */
int f2f_tile_init(f2f_tile *tile, const f2f_code *code, const uint64_t *care, int64_t blocks);
void f2f_tile_free(f2f_tile *tile);

/* The fastest instruction set that this machine runs. */
enum f2f_instruction_set f2f_best_instruction_set(void);

/* Finds the symbols that leave the fewest care bits wrong, of all sequences; the same symbols with
 * every instruction set.
 *
 * tile: prepared with the same code. bits: (blocks, words), the wanted bits of one plane; those that
 * do not matter may be anything. symbols: (blocks,), written, each below 2^n_in. *mismatches: written,
 * the care bits that are wrong. *cancel: looked at before each block; another thread may set it.
 * set: at most f2f_best_instruction_set().
 * Returns F2F_OK; or F2F_CANCELLED or F2F_NO_MEMORY, and what was written means nothing. Memory that
 * it takes is freed here, or by f2f_tile_free. */
int f2f_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits, uint16_t *symbols,
               int64_t *mismatches, const volatile int *cancel, enum f2f_instruction_set set);
#endif
