/* The encoder's way round: kept words out of the dense layer, and bit-planes out of kept words. */
#ifndef F2F_TAKE_H
#define F2F_TAKE_H
#include "decode.h"
#include "common.h"

F2F_INLINE void take_sized(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                           const char *dense, int64_t first, int64_t last, char *kept,
                           const int size)
{
    const int64_t words = d->words, pitch = d->step ? d->blocks : 1;
    int64_t t = d->step ? f2f_times(first, d->back, d->blocks) : first;
    for (int64_t a = first; a < last; a++) {
        const char *own = dense + (d->step ? a : a * d->n_out) * size;
        char *to = kept + start[t] * size;
        for (int64_t w = 0; w < words; w++)
            for (uint64_t care = rows[a * words + w]; care; care &= care - 1, to += size)
                f2f_put(to, f2f_get(own + (64 * w + __builtin_ctzll(care)) * pitch * size, size),
                        size);
        t += d->step ? d->back : 1;
        if (t >= d->blocks) t -= d->blocks;
    }
}

/* The words of the kept weights of the blocks at addresses first … last − 1, to their ranks. */
static inline void take_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                              const char *dense, int64_t first, int64_t last, char *kept)
{
    switch (d->itemsize) {
    case 1: take_sized(d, rows, start, dense, first, last, kept, 1); break;
    case 2: take_sized(d, rows, start, dense, first, last, kept, 2); break;
    case 4: take_sized(d, rows, start, dense, first, last, kept, 4); break;
    default: take_sized(d, rows, start, dense, first, last, kept, 8);
    }
}

/* Bit j of x to the place of the j-th one of `care`. */
static inline uint64_t deposit(uint64_t x, uint64_t care)
{
#if F2F_LEVEL
    return _pdep_u64(x, care);
#else
    uint64_t out = 0;
    for (; care && x; care &= care - 1, x >>= 1) out |= (care & -care) & -(x & 1);
    return out;
#endif
}

F2F_INLINE void planes_sized(const uint8_t *bit, int count, const uint64_t *rows, int64_t blocks,
                             int64_t words, const char *kept, int64_t first, int64_t last,
                             uint64_t *out, const int size)
{
    for (int64_t at = first * words; at < last * words; at++) {
        const uint64_t care = rows[at];
        const int n = __builtin_popcountll(care);
        uint64_t plane[64] = {0}; /* by bit: that bit of all n words */
        for (int j = 0; j < n; j += 8) {
            char own[64] = {0};
            memcpy(own, kept + j * size, (size_t)((n - j < 8 ? n - j : 8) * size));
            for (int b = 0; b < size; b++) {
                uint64_t x = 0;
                for (int i = 0; i < 8; i++) x |= (uint64_t)(uint8_t)own[i * size + b] << 8 * i;
                x = f2f_transpose8(x);
                for (int q = 0; q < 8; q++) plane[8 * b + q] |= (x >> 8 * q & 255) << j;
            }
        }
        kept += n * size;
        for (int p = 0; p < count; p++) out[p * blocks * words + at] = deposit(plane[bit[p]], care);
    }
}

/* Bits `bit` (count) of the kept words of blocks first … last − 1, those of `first` first, to
 * out (count, blocks, words). */
static inline void care_planes(const uint8_t *bit, int count, int size, const uint64_t *rows,
                               int64_t blocks, int64_t words, const char *kept, int64_t first,
                               int64_t last, uint64_t *out)
{
    switch (size) {
    case 1: planes_sized(bit, count, rows, blocks, words, kept, first, last, out, 1); break;
    case 2: planes_sized(bit, count, rows, blocks, words, kept, first, last, out, 2); break;
    case 4: planes_sized(bit, count, rows, blocks, words, kept, first, last, out, 4); break;
    default: planes_sized(bit, count, rows, blocks, words, kept, first, last, out, 8);
    }
}
#endif
