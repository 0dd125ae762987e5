/* The choice among the instruction sets that kernels.c is compiled for. */
#include "decode.h"
#include "kernels.h"
#include <assert.h>

static const f2f_decode_kernels *kernels_of(enum f2f_decode_set set)
{
    assert(set <= f2f_best_decode_set());
#if defined(__x86_64__)
    if (set == F2F_DECODE_AVX512) return &f2f_decode_avx512;
    if (set == F2F_DECODE_GFNI) return &f2f_decode_gfni;
    if (set == F2F_DECODE_AVX2) return &f2f_decode_avx2;
#endif
    (void)set;
    return &f2f_decode_portable;
}

void f2f_rows(const f2f_layer *d, const uint8_t *mask, int64_t first, int64_t last, uint64_t *rows,
              enum f2f_decode_set set)
{
    kernels_of(set)->rows(d, mask, first, last, rows);
}

void f2f_starts(const f2f_layer *d, const uint64_t *rows, int64_t *start, enum f2f_decode_set set)
{
    kernels_of(set)->starts(d, rows, start);
}

int f2f_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start, int64_t first,
              int64_t last, char *kept, enum f2f_decode_set set)
{
    assert(d->planes >= 1 && d->planes <= 8 * d->itemsize);
    return kernels_of(set)->words(d, rows, start, first, last, kept);
}

void f2f_place(const f2f_layer *d, const uint8_t *mask, const uint64_t *rows, const int64_t *start,
               const char *kept, int64_t first, int64_t last, char *window, char *out,
               enum f2f_decode_set set)
{
    kernels_of(set)->place(d, mask, rows, start, kept, first, last, window, out);
}

void f2f_take(const f2f_layer *d, const uint64_t *rows, const int64_t *start, const char *dense,
              int64_t first, int64_t last, char *kept, enum f2f_decode_set set)
{
    kernels_of(set)->take(d, rows, start, dense, first, last, kept);
}

void f2f_planes(const uint8_t *bit, int count, int size, const uint64_t *rows, int64_t blocks,
                int64_t words, const char *kept, int64_t first, int64_t last, uint64_t *out,
                enum f2f_decode_set set)
{
    kernels_of(set)->planes(bit, count, size, rows, blocks, words, kept, first, last, out);
}
