/* The search for one instruction set. The build compiles this file once for each: as it is, with the
 * compiler's flags in avx2.flags, and with those in avx512.flags. simd.h tells which these are. */
#include "kernels.h"
#include "search_general.h"
#include "search_one.h"
#include "search_two.h"
#include "search_zero.h"

#if F2F_SIMD == 2
#define F2F_SEARCHER f2f_search_avx512
#elif F2F_SIMD == 1
#define F2F_SEARCHER f2f_search_avx2
#else
#define F2F_SEARCHER f2f_search_portable
#endif

/* The fastest search that takes this code, and blocks of so many care bits. */
int F2F_SEARCHER(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                 uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    int most = 0;
    for (int64_t t = 0; t < tile->blocks; t++)
        if (tile->n_u[t] > most) most = tile->n_u[t];
    if (code->n_s == 0 && most <= 64)
        return zero_search(code, tile, bits, symbols, mismatches, cancel);
    if (code->n_s == 1 && code->n_in <= 8 && most <= F2F_ONE_MAX_CARE)
        return one_search(code, tile, bits, symbols, mismatches, cancel);
    if (tile->segment) {
        int status = two_search(code, tile, bits, symbols, mismatches, cancel);
        if (status != TWO_GIVES_UP) return status;
    }
    return general_search(code, tile, bits, symbols, mismatches, cancel);
}
