/* An encoded layer as the decoding kernels see it, and what all of them share.
 *
 * Decoding goes in steps, each over any range of blocks or addresses, so that threads share it:
 *
 *   rows    mask → the care bits of every block, by address            (mask_rows.h)
 *   starts  how many care bits stand before each block                 (mask_rows.h)
 *   words   symbols → words of the kept weights, in order of blocks    (kept_words.h)
 *   place   those words → the dense layer                              (place.h)
 *
 * Only kept weights are ever computed. A block's *address* is t·step mod blocks, where its bit i is
 * weight i·blocks + address; in row order the address is t and the weight t·n_out + i. */
#ifndef F2F_LAYER_H
#define F2F_LAYER_H
#include <stdint.h>

#define F2F_MOST_PLANES 64

typedef struct {
    int64_t size, blocks, n_out, words; /* words = ceil(n_out / 64) */
    int64_t tile_blocks;                /* the register is 0 where a tile starts */
    int64_t step, back;                 /* back = step⁻¹ mod blocks; both 0 in row order */
    int planes, itemsize;               /* planes ≤ 8 itemsize; itemsize 1, 2, 4 or 8 */
    int n_in, stages, halves;           /* n_in ≤ 16; n_s + 1; bytes of a symbol, 1 or 2 */
    const uint8_t *matrix;              /* (stages, halves, 64 words): a row of M, a byte each */
    const uint16_t *const *symbols;     /* (planes): (blocks) each, or NULL where all are 0 */
    const uint32_t *const *corrections; /* (planes): care ranks, increasing */
    const int64_t *counts;              /* (planes): how many */
    uint64_t invert;                    /* bit q: the plane of that bit is inverted */
    const uint16_t *values; /* (2^width, 256 at least): the field's values by rank; NULL */
    int shift, width;       /* the field: bits shift … shift + width − 1 */
} f2f_layer;

/* What may be wrong with a layer that came from outside. */
enum { F2F_FINE = 0, F2F_BAD_SYMBOL = 1, F2F_BAD_CORRECTION = 2, F2F_MEMORY = 3 };

#endif
