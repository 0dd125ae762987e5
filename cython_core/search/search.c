/* The choice among the instruction sets that kernels.c is compiled for. */
#include "kernels.h"
#include <assert.h>

enum f2f_instruction_set f2f_best_instruction_set(void)
{
#if defined(__x86_64__)
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
               __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vpopcntdq") &&
        __builtin_cpu_supports("avx512bitalg"))
        return F2F_AVX512;
    if (avx2) return F2F_AVX2;
#endif
    return F2F_PORTABLE;
}

int f2f_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits, uint16_t *symbols,
               int64_t *mismatches, const volatile int *cancel, enum f2f_instruction_set set)
{
    assert(set <= f2f_best_instruction_set());
    assert(tile->width == code->n_in * (code->n_s + 1) && tile->words == code->words);
#if defined(__x86_64__)
    if (set == F2F_AVX512) return f2f_search_avx512(code, tile, bits, symbols, mismatches, cancel);
    if (set == F2F_AVX2) return f2f_search_avx2(code, tile, bits, symbols, mismatches, cancel);
#endif
    (void)set;
    return f2f_search_portable(code, tile, bits, symbols, mismatches, cancel);
}
