/* What kernels.c gives when it is compiled for each instruction set: functions of coding.h, less their
 * last argument. */
#ifndef F2F_CODING_KERNELS_H
#define F2F_CODING_KERNELS_H
#include <stdint.h>

typedef struct {
    void (*unpack_numbers)(const uint8_t *bytes, int64_t length, int64_t first, int64_t count,
                           int width, uint16_t *out);
    int64_t (*rice_unpack)(const uint8_t *bytes, int64_t length, int64_t count, int k,
                           int64_t limit, uint32_t *out);
    int64_t (*list_flags)(const uint8_t *flags, int64_t size, int wanted, int64_t count,
                          uint32_t *out);
} f2f_coding_kernels;

extern const f2f_coding_kernels f2f_coding_portable, f2f_coding_avx2, f2f_coding_gfni,
    f2f_coding_avx512;
#endif
