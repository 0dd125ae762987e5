/* Unpacking for one instruction set. The build compiles this file once for each, with the flags in
 * decode/; decode/common.h tells which these are. */
#include "kernels.h"
#include "unpack.h"

#if F2F_LEVEL == 3
#define F2F_KERNELS f2f_coding_avx512
#elif F2F_LEVEL == 2
#define F2F_KERNELS f2f_coding_gfni
#elif F2F_LEVEL == 1
#define F2F_KERNELS f2f_coding_avx2
#else
#define F2F_KERNELS f2f_coding_portable
#endif

const f2f_coding_kernels F2F_KERNELS = {unpack_numbers, rice_unpack, list_flags};
