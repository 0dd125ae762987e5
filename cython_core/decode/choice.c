/* Which instruction set this machine runs, for decoding and bit strings. */
#include "machine/cpu.h"
#include "decode.h"

enum f2f_decode_set f2f_best_decode_set(void)
{
#if defined(__x86_64__)
    const unsigned avx2 = bit_AVX2 | bit_BMI | bit_BMI2;
    if (f2f_cpu_runs(avx2 | bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ,
                     bit_GFNI | bit_AVX512VBMI | bit_AVX512VBMI2))
        return F2F_DECODE_AVX512;
    if (f2f_cpu_runs(avx2, bit_GFNI)) return F2F_DECODE_GFNI;
    if (f2f_cpu_runs(avx2, 0)) return F2F_DECODE_AVX2;
#endif
    return F2F_DECODE_PORTABLE;
}
