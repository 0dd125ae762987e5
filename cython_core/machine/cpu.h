/* What an x86-64 processor runs, asked of itself: __builtin_cpu_supports needs a library of the
 * compiler's that Windows' linker is not given. Where macOS runs on x86-64 it shows AVX-512 only to
 * those who have used it, so AVX2 is found there. */
#ifndef F2F_CPU_H
#define F2F_CPU_H
#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

enum { F2F_SAVES_AVX = 0x06, F2F_SAVES_AVX512 = 0xE6 }; /* of the register XCR0 */

/* ebx and, above it, ecx of leaf 7; 0 where there is no popcnt, or the system saves no AVX registers,
 * and without AVX512F where it saves not all of AVX-512's. */
static inline uint64_t f2f_cpu_asked(void)
{
    unsigned eax, ebx, ecx, edx, saves, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
    if (~ecx & (bit_OSXSAVE | bit_POPCNT)) return 0;
    __asm__("xgetbv" : "=a"(saves), "=d"(high) : "c"(0));
    if (~saves & F2F_SAVES_AVX || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return 0;
    if (~saves & F2F_SAVES_AVX512) ebx &= ~(unsigned)bit_AVX512F;
    return (uint64_t)ecx << 32 | ebx;
}

/* Whether it runs all of these, bits of leaf 7 as cpuid.h names them. */
static inline int f2f_cpu_runs(unsigned ebx, unsigned ecx)
{
    static _Atomic uint64_t known; /* a virtual machine is slow to answer */
    const uint64_t wanted = (uint64_t)ecx << 32 | ebx;
    uint64_t found = known;
    if (!found) known = found = f2f_cpu_asked();
    return (found & wanted) == wanted;
}
#endif
#endif
