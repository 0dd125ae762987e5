/* The kernels of select.h for one instruction set: C that compilers turn into vectors. The build
 * compiles this file once for each, so that all give the same by construction. */
#include "../search/simd.h"
#include "select.h"
#include <assert.h>
#include <string.h>

enum { GROUP = 64 }; /* weights looked at together */

F2F_INLINE uint64_t word_at(const void *words, int64_t i, const int itemsize)
{
    switch (itemsize) {
    case 1: return ((const uint8_t *)words)[i];
    case 2: return ((const uint16_t *)words)[i];
    case 4: return ((const uint32_t *)words)[i];
    default: return ((const uint64_t *)words)[i];
    }
}

F2F_INLINE uint64_t magnitude(const f2f_magnitudes *m, int64_t i, const int itemsize)
{
    const uint64_t own = word_at(m->words, i, itemsize) & m->mask;
    return F2F_MIN(own, m->largest);
}

/* Call a kernel with the size of words as a constant. */
#define BY_SIZE(itemsize, call) \
    switch (itemsize) {         \
    case 1: call(1); break;     \
    case 2: call(2); break;     \
    case 4: call(4); break;     \
    default: call(8); break;    \
    }

/* A group's keys in one loop, of the width of words, which becomes vectors. */
#define KEYS_OF(WORD)                                                                    \
    static inline void keys_of_##WORD(const f2f_magnitudes *m, int64_t at, uint16_t *to) \
    {                                                                                    \
        const WORD *words = (const WORD *)m->words + at;                                 \
        const WORD mask = (WORD)m->mask, largest = (WORD)m->largest;                     \
        const int shift = m->shift;                                                      \
        for (int j = 0; j < GROUP; j++) {                                                \
            const WORD own = words[j] & mask;                                            \
            to[j] = (uint16_t)(F2F_MIN(own, largest) >> shift);                          \
        }                                                                                \
    }
KEYS_OF(uint8_t)
KEYS_OF(uint16_t)
KEYS_OF(uint32_t)
KEYS_OF(uint64_t)

F2F_INLINE void count_of(const f2f_magnitudes *m, int64_t first, int64_t last, uint32_t *counts,
                         const int itemsize)
{
    int64_t i = first;
    for (; i + GROUP <= last; i += GROUP) {
        uint16_t own[GROUP];
        switch (itemsize) {
        case 1: keys_of_uint8_t(m, i, own); break;
        case 2: keys_of_uint16_t(m, i, own); break;
        case 4: keys_of_uint32_t(m, i, own); break;
        default: keys_of_uint64_t(m, i, own);
        }
        memcpy(m->keys + i, own, sizeof own);
        __asm__ volatile(""
                         :
                         : "r"(own)
                         : "memory"); /* or gcc takes the vectors apart lane by lane */
        for (int j = 0; j < GROUP; j += F2F_SPREAD)
            for (int k = 0; k < F2F_SPREAD; k++) counts[k * F2F_KEYS + own[j + k]]++;
    }
    for (; i < last; i++) {
        m->keys[i] = (uint16_t)(magnitude(m, i, itemsize) >> m->shift);
        counts[m->keys[i]]++;
    }
}

static void count(const f2f_magnitudes *m, int64_t first, int64_t last, uint32_t *counts)
{
#define CALL(itemsize) count_of(m, first, last, counts, itemsize)
    BY_SIZE(m->itemsize, CALL)
#undef CALL
}

/* Whether one of n ≤ GROUP keys is `key`. */
static inline int any(const uint16_t *keys, int64_t n, uint16_t key)
{
    uint16_t found = 0;
    if (n == GROUP)
        for (int j = 0; j < GROUP; j++) found |= keys[j] == key;
    else
        for (int64_t j = 0; j < n; j++) found |= keys[j] == key;
    return found;
}

static int64_t mark(const f2f_magnitudes *m, int64_t first, int64_t last, uint16_t key,
                    uint8_t *mask, int64_t *at)
{
    const uint16_t *keys = m->keys;
    int64_t found = 0;
    for (int64_t i = first; i < last; i += GROUP) {
        const int64_t end = F2F_MIN(i + GROUP, last);
        if (end - i == GROUP)
            for (int j = 0; j < GROUP; j++) mask[i + j] = keys[i + j] > key;
        else
            for (int64_t j = i; j < end; j++) mask[j] = keys[j] > key;
        if (!any(keys + i, end - i, key)) continue;
        for (int64_t j = i; j < end; j++)
            if (keys[j] == key) at[found++] = j;
    }
    return found;
}

/* Bit j: flag j of n ≤ GROUP. */
static inline uint64_t bits_of(const uint8_t *flags, int64_t n)
{
    uint64_t found = 0;
    if (n == GROUP)
        for (int j = 0; j < GROUP; j += 8) {
            uint64_t eight;
            memcpy(&eight, flags + j, 8);
            found |= (eight * 0x0102040810204080ull >> 56) << j;
        }
    else
        for (int64_t j = 0; j < n; j++) found |= (uint64_t)flags[j] << j;
    return found;
}

/* Ones of bit b of each word, in lanes of the width of words. */
#define ONES_OF(WORD)                                                         \
    static inline void ones_of_##WORD(const WORD *kept, int n, int64_t *ones) \
    {                                                                         \
        for (int b = 0; b < 8 * (int)sizeof(WORD); b++) {                     \
            uint32_t sum = 0;                                                 \
            for (int j = 0; j < n; j++) sum += (uint32_t)(kept[j] >> b & 1);  \
            ones[b] += sum;                                                   \
        }                                                                     \
    }
ONES_OF(uint8_t)
ONES_OF(uint16_t)
ONES_OF(uint32_t)
ONES_OF(uint64_t)

#define CENSUS_OF(WORD)                                                                        \
    static inline void census_of_##WORD(const WORD *words, const uint8_t *mask, int64_t first, \
                                        int64_t last, int shift, int width, int64_t *ones,     \
                                        int64_t *values)                                       \
    {                                                                                          \
        enum { FULL = 256 };                                                                   \
        WORD kept[FULL + GROUP];                                                               \
        const WORD low = (WORD)(((uint64_t)1 << width) - 1);                                   \
        int n = 0;                                                                             \
        for (int64_t i = first; i < last; i += GROUP) {                                        \
            uint64_t own = bits_of(mask + i, F2F_MIN(GROUP, last - i));                        \
            for (; own; own &= own - 1) kept[n++] = words[i + __builtin_ctzll(own)];           \
            if (n < FULL && i + GROUP < last) continue;                                        \
            ones_of_##WORD(kept, n, ones);                                                     \
            for (int j = 0; j < n; j++) values[kept[j] >> shift & low]++;                      \
            n = 0;                                                                             \
        }                                                                                      \
    }
CENSUS_OF(uint8_t)
CENSUS_OF(uint16_t)
CENSUS_OF(uint32_t)
CENSUS_OF(uint64_t)

static void census(const void *words, int itemsize, const uint8_t *mask, int64_t first,
                   int64_t last, int shift, int width, int64_t *ones, int64_t *values)
{
    assert(width <= 16 && shift + width <= 8 * itemsize);
    switch (itemsize) {
    case 1: census_of_uint8_t(words, mask, first, last, shift, width, ones, values); break;
    case 2: census_of_uint16_t(words, mask, first, last, shift, width, ones, values); break;
    case 4: census_of_uint32_t(words, mask, first, last, shift, width, ones, values); break;
    default: census_of_uint64_t(words, mask, first, last, shift, width, ones, values);
    }
}

static void sums_apart(const uint8_t *flags, int64_t size, int64_t l, int64_t first, int64_t last,
                       uint16_t *sums)
{
    enum {
        WIDE = 8192,
        ROWS = 255
    }; /* a byte holds so many flags; WIDE of them stay in the cache */
    uint8_t bytes[WIDE];
    memset(sums + first, 0, (size_t)(last - first) * sizeof *sums);
    for (int64_t at = first; at < last; at += WIDE) {
        const int64_t wide = F2F_MIN(WIDE, last - at);
        for (int64_t from = at; from < size;) {
            memset(bytes, 0, sizeof bytes);
            for (int k = 0; k < ROWS && from < size; k++, from += l) {
                const int64_t here = F2F_MIN(wide, size - from);
                for (int64_t j = 0; j < here; j++) bytes[j] += flags[from + j];
            }
            for (int64_t j = 0; j < wide; j++) sums[at + j] += bytes[j];
        }
    }
}

static void sums_near(const uint8_t *flags, int64_t size, int64_t n, int64_t first, int64_t last,
                      uint16_t *sums)
{
    enum {
        WORDS = 31
    }; /* eight sums in a word: of so many flags each, all together are below 256 */
    for (int64_t t = first; t < last; t++) {
        int64_t i = t * n, end = F2F_MIN(i + n, size);
        uint32_t sum = 0;
        while (i + 8 <= end) {
            const int64_t stop = F2F_MIN(i + 8 * WORDS, end - 7);
            uint64_t eight = 0, own;
            for (; i < stop; i += 8) {
                memcpy(&own, flags + i, 8);
                eight += own;
            }
            sum += (uint32_t)(eight * 0x0101010101010101ull >> 56);
        }
        for (; i < end; i++) sum += flags[i];
        sums[t] = (uint16_t)sum;
    }
}

#if F2F_SIMD == 2
#define F2F_SELECTION f2f_selection_avx512
#elif F2F_SIMD == 1
#define F2F_SELECTION f2f_selection_avx2
#else
#define F2F_SELECTION f2f_selection_portable
#endif
const f2f_selection F2F_SELECTION = {count, mark, census, sums_apart, sums_near};
