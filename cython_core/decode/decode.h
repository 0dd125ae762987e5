/* Decoding, for every instruction set; all give the same bytes. See layer.h for the steps. */
#ifndef F2F_DECODE_H
#define F2F_DECODE_H
#include "layer.h"

/* Addresses of a window: (n_out, F2F_WINDOW) words. */
#define F2F_WINDOW 256

/* AVX2 and GFNI are told apart here only: the search has no use for the latter. */
enum f2f_decode_set { F2F_DECODE_PORTABLE, F2F_DECODE_AVX2, F2F_DECODE_GFNI, F2F_DECODE_AVX512 };

/* The best that this machine runs. */
enum f2f_decode_set f2f_best_decode_set(void);

/* rows[a words …]: the care bits of the blocks at addresses first … last − 1; padding is 0. */
void f2f_rows(const f2f_layer *d, const uint8_t *mask, int64_t first, int64_t last, uint64_t *rows,
              enum f2f_decode_set set);

/* start[t]: care bits before block t, of all `rows`; (blocks + 1). */
void f2f_starts(const f2f_layer *d, const uint64_t *rows, int64_t *start, enum f2f_decode_set set);

/* kept[(rank − start[0]) itemsize …]: the words of the kept weights of blocks first … last − 1;
 * `rows` by address, which in row order is the block. `start` must be of `rows`. Returns F2F_FINE, or
 * what is wrong. */
int f2f_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start, int64_t first,
              int64_t last, char *kept, enum f2f_decode_set set);

/* Place the words of the blocks at addresses first … last − 1. `kept` may be read 64 bytes beyond its
 * end. A large layer is given a window to pass through; without one, `out` is zero already where the
 * order is interleaved. */
void f2f_place(const f2f_layer *d, const uint8_t *mask, const uint64_t *rows, const int64_t *start,
               const char *kept, int64_t first, int64_t last, char *window, char *out,
               enum f2f_decode_set set);

/* The encoder's way round: the words of the kept weights of the blocks at addresses first … last − 1,
 * out of the dense layer to kept[rank itemsize …]; of `d` only the layout counts. */
void f2f_take(const f2f_layer *d, const uint64_t *rows, const int64_t *start, const char *dense,
              int64_t first, int64_t last, char *kept, enum f2f_decode_set set);

/* out[(p blocks + t) words + w]: bit bit[p] of the kept words, of `size` bytes, of blocks first …
 * last − 1, where their care bits `rows` (blocks, words) are; 0 elsewhere. `kept` begins with block
 * `first`. */
void f2f_planes(const uint8_t *bit, int count, int size, const uint64_t *rows, int64_t blocks,
                int64_t words, const char *kept, int64_t first, int64_t last, uint64_t *out,
                enum f2f_decode_set set);
#endif
