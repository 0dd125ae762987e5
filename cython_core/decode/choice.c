/* Which instruction set this machine runs, for decoding and bit strings. */
#include "decode.h"

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
