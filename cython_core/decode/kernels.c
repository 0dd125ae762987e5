/* Decoding for one instruction set. The build compiles this file once for each: as it is, and with
 * the compiler's flags in avx2.flags, gfni.flags and avx512.flags. common.h tells which these are. */
#include "kernels.h"
#include "kept_words.h"
#include "mask_rows.h"
#include "place.h"
#include "take.h"

#if F2F_LEVEL == 3
#define F2F_KERNELS f2f_decode_avx512
#elif F2F_LEVEL == 2
#define F2F_KERNELS f2f_decode_gfni
#elif F2F_LEVEL == 1
#define F2F_KERNELS f2f_decode_avx2
#else
#define F2F_KERNELS f2f_decode_portable
#endif

const f2f_decode_kernels F2F_KERNELS = {mask_rows,   care_starts, kept_words,
                                        place_words, take_words,  care_planes};
