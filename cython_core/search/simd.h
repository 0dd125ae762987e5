/* Which instruction set this compilation is for, as the compiler's flags say. */
#ifndef F2F_SIMD_H
#define F2F_SIMD_H

#if defined(__AVX512BITALG__) && defined(__AVX512VPOPCNTDQ__) && defined(__AVX512VBMI__) && \
    defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__BMI2__)
#define F2F_SIMD 2 /* AVX-512 as of Ice Lake and Zen 4 */
#elif defined(__AVX2__) && defined(__BMI2__)
#define F2F_SIMD 1 /* AVX2 */
#else
#define F2F_SIMD 0 /* portable: vectors as GCC and Clang compile them for any machine */
#endif

#if F2F_SIMD > 0
#include <immintrin.h>
#endif

/* Inlined wherever it is called, so that an argument that is a constant there (a number of levels, of
 * bytes) is one in its loops. */
#define F2F_INLINE static inline __attribute__((always_inline))

#define F2F_MIN(p, q) ((p) < (q) ? (p) : (q))
#endif
