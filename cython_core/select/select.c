/* The choice among the instruction sets that kernels.c is compiled for. */
#include "select.h"

const f2f_selection *f2f_selection_for(int set)
{
#if defined(__x86_64__)
    if (set == 2) return &f2f_selection_avx512;
    if (set == 1) return &f2f_selection_avx2;
#endif
    (void)set;
    return &f2f_selection_portable;
}
