/* Reading and writing bit strings within their bytes. */
#ifndef F2F_BITS_STRING_H
#define F2F_BITS_STRING_H
#include "decode/common.h"

/* 64 bits from byte `at` on, bytes beyond the end as 0. */
static inline uint64_t f2f_bytes_at(const uint8_t *bytes, int64_t length, int64_t at)
{
    uint64_t x = 0;
    if (at + 8 <= length)
        memcpy(&x, bytes + at, 8);
    else if (at < length)
        memcpy(&x, bytes + at, (size_t)(length - at));
    return x;
}

/* `width` ≤ 57 bits from bit `at` on. */
static inline uint64_t f2f_bits_at(const uint8_t *bytes, int64_t length, int64_t at, int width)
{
    return f2f_bytes_at(bytes, length, at >> 3) >> (at & 7) & (((uint64_t)1 << width) - 1);
}

/* Bits are gathered in a word and leave as bytes. */
typedef struct {
    uint8_t *to;
    uint64_t held;
    int count;
} f2f_writer;

static inline f2f_writer f2f_write_from(uint8_t *bytes, int64_t first)
{
    const f2f_writer w = {bytes + (first >> 3), first & 7 ? bytes[first >> 3] : 0, first & 7};
    return w;
}

/* `width` ≤ 32 */
static inline void f2f_write(f2f_writer *w, uint64_t value, int width)
{
    w->held |= value << w->count;
    w->count += width;
    if (w->count >= 32) {
        const uint32_t low = (uint32_t)w->held;
        memcpy(w->to, &low, 4);
        w->to += 4, w->held >>= 32, w->count -= 32;
    }
}

static inline void f2f_write_rest(f2f_writer *w)
{
    for (; w->count > 0; w->count -= 8, w->held >>= 8) *w->to++ = (uint8_t)w->held;
}
#endif
