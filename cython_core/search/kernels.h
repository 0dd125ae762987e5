/* What kernels.c gives when it is compiled for each instruction set: f2f_search of search.h, less its
 * last argument. */
#ifndef F2F_KERNELS_H
#define F2F_KERNELS_H
#include "search.h"

typedef int f2f_searcher(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                         uint16_t *symbols, int64_t *mismatches, const volatile int *cancel);
f2f_searcher f2f_search_portable, f2f_search_avx2, f2f_search_avx512;
#endif
