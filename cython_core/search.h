/* Every search, and the choice among them: by code, by block sizes, by instruction set. */
#ifndef F2F_SEARCH_H
#define F2F_SEARCH_H
#include "heavy.h"
#include "search_plain.h"

#define F2F_LEAST(p, q) ((p) < (q) ? (p) : (q))
enum { F2F_ISA_PLAIN = 0, F2F_ISA_AVX2 = 1, F2F_ISA_AVX512 = 2 };
#define F2F_TWO_BUTTERFLY 11 /* care rows up to which a table of 2^n_u rows beats lists */
#define F2F_TWO_LEAST 4     /* n_in from which level sets beat the plain step */
#define F2F_LEVELS 6        /* costs above the minimum that are told apart, n_s = 2 */
#define F2F_JOINT 8         /* levels a butterfly may hold */
#define F2F_TWO_ROWS ((int64_t)1 << 21) /* of 32 bytes, for costs of a tile, n_s = 2: 64 MB */
#define F2F_ONE_BUTTERFLY 12  /* care rows up to which a table of 2^n_u beats all pairs */
#define F2F_ONE_SEGMENT 16384 /* blocks whose costs are kept at once: 4 MB */
#define F2F_ONE_MOST 100      /* care rows up to which byte costs are exact */

#define F2F_ISA
#define F2F_NAME(x) f2f_##x##_base
#define F2F_LEVEL 0
#include "search_one.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL

#if defined(__x86_64__)
#define F2F_ISA __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define F2F_NAME(x) f2f_##x##_avx2
#define F2F_LEVEL 1
#include "search_one.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL
#define F2F_ISA                                                                                   \
    __attribute__((target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,"   \
                          "avx512vpopcntdq")))
#define F2F_NAME(x) f2f_##x##_avx512
#define F2F_LEVEL 2
#include "search_one.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL
#endif

/* The best instruction set this machine has. */
static int f2f_best_isa(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vpopcntdq"))
        return F2F_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return F2F_ISA_AVX2;
#endif
    return F2F_ISA_PLAIN;
}

static long f2f_retries; /* tiles whose quick search could not prove its path, for tests */

#if defined(__x86_64__)
#define F2F_DISPATCH(name, ...)                                                                   \
    (isa == F2F_ISA_AVX512 ? f2f_##name##_avx512(__VA_ARGS__)                                     \
     : isa == F2F_ISA_AVX2 ? f2f_##name##_avx2(__VA_ARGS__)                                       \
                           : f2f_##name##_base(__VA_ARGS__))
#else
#define F2F_DISPATCH(name, ...) f2f_##name##_base(__VA_ARGS__)
#endif

static int f2f_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                      uint16_t *symbols, int64_t *mismatches, const volatile int *cancel, int isa)
{
    int most = 0;
    for (int64_t t = 0; t < tile->blocks; t++)
        if (tile->n_u[t] > most) most = tile->n_u[t];
    if (code->n_s == 0 && most <= 64)
        return F2F_DISPATCH(zero_search, code, tile, bits, symbols, mismatches, cancel);
    if (code->n_s == 1 && code->n_in <= 8 && most <= F2F_ONE_MOST)
        return F2F_DISPATCH(one_search, code, tile, bits, symbols, mismatches, cancel);
    for (int enough = 3; tile->heavy && enough <= F2F_LEVELS; enough += F2F_LEVELS - 3) {
        int status = F2F_DISPATCH(two_search, code, tile, bits, symbols, mismatches, cancel,
                                  F2F_LEVELS, enough);
        if (status != F2F_RETRY) return status;
        f2f_retries++;
    }
    return F2F_DISPATCH(plain_search, code, tile, bits, symbols, mismatches, cancel);
}

/* What the search of this code needs to know of a tile, for all planes. */
static int f2f_prepare(f2f_tile *tile, const f2f_code *code)
{
    if (code->n_s != 2 || code->n_in < F2F_TWO_LEAST || code->n_in > 8 || tile->blocks < 3)
        return F2F_OK;
    int64_t rows = tile->blocks * F2F_LEVELS * 256 + F2F_LEVELS * 256;
    tile->arena_rows = rows < F2F_TWO_ROWS ? rows : F2F_TWO_ROWS;
    tile->arena = aligned_alloc(64, (size_t)tile->arena_rows * 32);
    if (!tile->arena) return F2F_NO_MEMORY;
    tile->heavy = calloc((size_t)tile->blocks, sizeof *tile->heavy);
    if (!tile->heavy) return F2F_NO_MEMORY;
    int64_t left = F2F_TILE_LISTS;
    for (int64_t t = 0; t < tile->blocks; t++)
        if (tile->n_u[t] > F2F_TWO_BUTTERFLY)
            tile->heavy[t] =
                f2f_heavy_new(tile->cols + tile->start[t], code->n_in, tile->n_u[t], &left);
    return F2F_OK;
}

static void f2f_finish(f2f_tile *tile)
{
    for (int64_t t = 0; tile->heavy && t < tile->blocks; t++) f2f_heavy_free(tile->heavy[t]);
    free(tile->heavy);
    free(tile->arena);
    f2f_tile_free(tile);
}
#endif
