/* What kernels.c gives when it is compiled for each instruction set: the functions of decode.h, less
 * their last argument. */
#ifndef F2F_DECODE_KERNELS_H
#define F2F_DECODE_KERNELS_H
#include "layer.h"

typedef struct {
    void (*rows)(const f2f_layer *d, const uint8_t *mask, int64_t first, int64_t last,
                 uint64_t *rows);
    void (*starts)(const f2f_layer *d, const uint64_t *rows, int64_t *start);
    int (*words)(const f2f_layer *d, const uint64_t *rows, const int64_t *start, int64_t first,
                 int64_t last, char *kept);
    void (*place)(const f2f_layer *d, const uint8_t *mask, const uint64_t *rows,
                  const int64_t *start, const char *kept, int64_t first, int64_t last, char *window,
                  char *out);
    void (*take)(const f2f_layer *d, const uint64_t *rows, const int64_t *start, const char *dense,
                 int64_t first, int64_t last, char *kept);
    void (*planes)(const uint8_t *bit, int count, int size, const uint64_t *rows, int64_t blocks,
                   int64_t words, const char *kept, int64_t first, int64_t last, uint64_t *out);
} f2f_decode_kernels;

extern const f2f_decode_kernels f2f_decode_portable, f2f_decode_avx2, f2f_decode_gfni,
    f2f_decode_avx512;
#endif
