/* The little of libc that the kernels need in a web page.
 *
 * Memory is a stack, which take_all_back empties. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define F2F_ALIGNED ((size_t)64)
#define F2F_PAGE    ((size_t)65536)

extern unsigned char __heap_base;

typedef struct header {
    struct header *below;
    int freed;
} header;

static header *last;
static size_t top;

static size_t aligned(size_t n)
{
    return (n + F2F_ALIGNED - 1) & ~(F2F_ALIGNED - 1);
}

void *malloc(size_t size)
{
    if (!top) top = aligned((size_t)&__heap_base);
    const size_t end = top + F2F_ALIGNED + aligned(size);
    const size_t there = __builtin_wasm_memory_size(0) * F2F_PAGE;
    if (end < top) return NULL;
    if (end > there &&
        __builtin_wasm_memory_grow(0, (end - there + F2F_PAGE - 1) / F2F_PAGE) == (size_t)-1)
        return NULL;
    header *own = (header *)top;
    *own = (header){last, 0};
    last = own, top = end;
    return (char *)own + F2F_ALIGNED;
}

void take_all_back(void)
{
    top = 0, last = NULL;
}

/* Room is taken back once all that was taken after it is free, too. */
void free(void *room)
{
    if (!room) return;
    ((header *)((char *)room - F2F_ALIGNED))->freed = 1;
    for (; last && last->freed; last = last->below) top = (size_t)last;
}

void *calloc(size_t count, size_t size)
{
    void *room = malloc(count * size);
    if (room) memset(room, 0, count * size);
    return room;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= F2F_ALIGNED ? malloc(size) : NULL;
}

/* instructions of WebAssembly, not calls: -mbulk-memory */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return __builtin_memcpy(to, from, size);
}

void *memset(void *to, int value, size_t size)
{
    return __builtin_memset(to, value, size);
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *p = a, *q = b;
    for (; size; size--, p++, q++)
        if (*p != *q) return *p - *q;
    return 0;
}

/* The shifts of 128 bits that search/basis.h needs. */
typedef union {
    unsigned __int128 all;
    struct {
        uint64_t low, high;
    };
} wide;

unsigned __int128 __ashlti3(unsigned __int128 v, int by)
{
    wide x = {v};
    if (by & 64)
        x.high = x.low << (by & 63), x.low = 0;
    else if (by)
        x.high = x.high << by | x.low >> (64 - by), x.low <<= by;
    return x.all;
}

unsigned __int128 __lshrti3(unsigned __int128 v, int by)
{
    wide x = {v};
    if (by & 64)
        x.low = x.high >> (by & 63), x.high = 0;
    else if (by)
        x.low = x.low >> by | x.high << (64 - by), x.high >>= by;
    return x.all;
}
