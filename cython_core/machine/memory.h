/* Memory for vectors, by the names that each system has for it: Windows has no aligned_alloc, and its
 * free does not take back what is aligned. */
#ifndef F2F_MEMORY_H
#define F2F_MEMORY_H
#include <stdlib.h>
#if defined(_WIN32)
#include <malloc.h>
#endif

/* At a multiple of 64 bytes, or NULL; f2f_free_aligned takes it back. */
static inline void *f2f_aligned(size_t size)
{
#if defined(_WIN32)
    return _aligned_malloc(size, 64);
#else
    return aligned_alloc(64, (size + 63) / 64 * 64);
#endif
}

static inline void f2f_free_aligned(void *room)
{
#if defined(_WIN32)
    _aligned_free(room);
#else
    free(room);
#endif
}
#endif
