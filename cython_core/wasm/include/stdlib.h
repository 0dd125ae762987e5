/* What the kernels need of it; libc.c has it. */
#ifndef F2F_WASM_STDLIB_H
#define F2F_WASM_STDLIB_H
#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *room);
/* Takes all room back; not libc's. */
void take_all_back(void);
#endif
