/* The choice among the instruction sets that kernels.c is compiled for. */
#include "decode.h"
#include "kernels.h"
#include <assert.h>

enum f2f_decode_set f2f_best_decode_set(void)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt"))
        return F2F_DECODE_PORTABLE;
    if (!__builtin_cpu_supports("gfni")) return F2F_DECODE_AVX2;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2"))
        return F2F_DECODE_AVX512;
    return F2F_DECODE_GFNI;
#else
    return F2F_DECODE_PORTABLE;
#endif
}

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
