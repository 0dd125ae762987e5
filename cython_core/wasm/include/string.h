/* What the kernels need of it; libc.c has it. */
#ifndef F2F_WASM_STRING_H
#define F2F_WASM_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#endif
