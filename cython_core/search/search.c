/* The choice among the instruction sets that kernels.c is compiled for. */
#include "machine/cpu.h"
#include "kernels.h"
#include <assert.h>

enum f2f_instruction_set f2f_best_instruction_set(void)
{
#if defined(__x86_64__)
    const unsigned avx2 = bit_AVX2 | bit_BMI | bit_BMI2;
    if (f2f_cpu_runs(avx2 | bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ,
                     bit_AVX512VBMI | bit_AVX512VPOPCNTDQ | bit_AVX512BITALG))
        return F2F_AVX512;
    if (f2f_cpu_runs(avx2, 0)) return F2F_AVX2;
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
