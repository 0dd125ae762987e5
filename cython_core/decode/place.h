/* Kept words to their places in the dense layer.
 *
 * A layer that the caches hold is zeroed and its kept words are written where they belong, blocks of
 * neighbouring addresses after one another, so that the lines in use are few. A larger one is put
 * together some addresses at a time in a window, which then leaves by stores past the caches. */
#ifndef F2F_PLACE_H
#define F2F_PLACE_H
#include "decode.h"
#include "mask_rows.h"

/* Copy n bytes past the caches. */
static inline void stream(char *to, const char *from, int64_t n)
{
#if F2F_LEVEL
    const int64_t head = f2f_least(n, (int64_t)(-(uintptr_t)to & 63));
    memcpy(to, from, (size_t)head);
    to += head, from += head, n -= head;
    for (; n >= 64; to += 64, from += 64, n -= 64) {
#if F2F_LEVEL == 3
        _mm512_stream_si512((void *)to, _mm512_loadu_si512(from));
#else
        _mm256_stream_si256((void *)to, _mm256_loadu_si256((const void *)from));
        _mm256_stream_si256((void *)(to + 32), _mm256_loadu_si256((const void *)(from + 32)));
#endif
    }
#endif
    memcpy(to, from, (size_t)n);
}

/* The words of one block, `own`, to out[i·pitch]. */
F2F_INLINE void scatter_block(const uint64_t *row, int64_t words, const char *own, char *out,
                              int64_t pitch, const int size)
{
    for (int64_t w = 0; w < words; w++)
        for (uint64_t care = row[w]; care; care &= care - 1, own += size)
            f2f_put(out + (64 * w + __builtin_ctzll(care)) * pitch * size, f2f_get(own, size),
                    size);
}

/* Words of the blocks at addresses first … last − 1 (at most F2F_WINDOW) to
 * out[i·pitch + address − first], below 2^32; t is the block at address `first`, and that of the next
 * window is returned. */
F2F_INLINE int64_t scatter(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                           const char *kept, int64_t t, int64_t first, int64_t last, char *out,
                           int64_t pitch, const int size)
{
    const int64_t words = d->words;
    const int64_t far = d->blocks > 16 ? f2f_times(16, d->back, d->blocks) : 0;
    const int64_t near = d->blocks > 16 ? f2f_times(8, d->back, d->blocks) : 0;
#if F2F_LEVEL == 3
    enum { MOST = 64, ROOM = 512 }; /* kept weights of a block, and of some, that are lined up */
    uint32_t at[ROOM + MOST];
    char line[(ROOM + MOST) * 8 + 64];
    uint8_t places[64];
    for (int i = 0; i < 64; i++) places[i] = (uint8_t)i;
    const __m512i banks = _mm512_loadu_si512(places), step = _mm512_set1_epi32((int)pitch);
    int64_t count = 0;
#endif
    for (int64_t a = first; a < last; a++) {
        /* the blocks of neighbouring addresses lie far apart */
        int64_t ahead = t + far;
        if (ahead >= d->blocks) ahead -= d->blocks;
        __builtin_prefetch(start + ahead);
        ahead = t + near;
        if (ahead >= d->blocks) ahead -= d->blocks;
        __builtin_prefetch(kept + (start[ahead] - start[0]) * size);
        const uint64_t *row = rows + a * words;
        const char *own = kept + (start[t] - start[0]) * size;
#if F2F_LEVEL == 3
        const int64_t n = start[t + 1] - start[t];
        if (n > MOST) {
            scatter_block(row, words, own, out + (a - first) * size, pitch, size);
        } else {
            _mm512_storeu_si512(line + count * size, _mm512_loadu_si512(own));
            if (n * size > 64) memcpy(line + count * size + 64, own + 64, (size_t)(n * size - 64));
            for (int64_t w = 0; w < words; w++) {
                const uint64_t care = row[w];
                if (words > 2 && !care) continue; /* of few words, a branch costs more */
                const __m512i x = _mm512_maskz_compress_epi8(care, banks);
                const __m512i base = _mm512_set1_epi32((int)(64 * w * pitch + a - first));
                const int own_count = __builtin_popcountll(care);
                __m128i part = _mm512_castsi512_si128(x);
                for (int k = 0;; k += 16) {
                    const __m512i i = _mm512_cvtepu8_epi32(part);
                    _mm512_storeu_si512(at + count + k,
                                        _mm512_add_epi32(base, _mm512_mullo_epi32(i, step)));
                    if (k + 16 >= own_count) break;
                    part = k == 0    ? _mm512_extracti32x4_epi32(x, 1)
                           : k == 16 ? _mm512_extracti32x4_epi32(x, 2)
                                     : _mm512_extracti32x4_epi32(x, 3);
                }
                count += own_count;
            }
        }
        if (count > ROOM - MOST || a + 1 == last) {
#pragma GCC unroll 4
            for (int64_t j = 0; j < count; j++)
                f2f_put(out + (int64_t)at[j] * size, f2f_get(line + j * size, size), size);
            count = 0;
        }
#else
        scatter_block(row, words, own, out + (a - first) * size, pitch, size);
#endif
        t += d->back;
        if (t >= d->blocks) t -= d->blocks;
    }
    return t;
}

/* Row order: weights first … last − 1, `kept` at the first's words. */
F2F_INLINE void expand(const uint8_t *mask, const char *kept, int64_t first, int64_t last,
                       int large, char *out, const int size)
{
    int64_t at = first;
    (void)large;
#if F2F_LEVEL == 3
    for (; at < last;) {
        /* to the next line, or a whole one */
        const int64_t room = (64 - (int64_t)((uintptr_t)(out + at * size) & 63)) / size;
        const int64_t n = f2f_least(room ? room : 64 / size, last - at);
        const uint64_t care = flags(mask + at, n);
        const uint64_t there = n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
        const __m512i own = _mm512_loadu_si512(kept);
        __m512i x;
        if (size == 1)
            x = _mm512_maskz_expand_epi8(care, own);
        else if (size == 2)
            x = _mm512_maskz_expand_epi16((__mmask32)care, own);
        else if (size == 4)
            x = _mm512_maskz_expand_epi32((__mmask16)care, own);
        else
            x = _mm512_maskz_expand_epi64((__mmask8)care, own);
        if (n == 64 / size && large)
            _mm512_stream_si512((void *)(out + at * size), x);
        else if (n == 64 / size)
            _mm512_storeu_si512(out + at * size, x);
        else if (size == 1)
            _mm512_mask_storeu_epi8(out + at, there, x);
        else if (size == 2)
            _mm512_mask_storeu_epi16(out + at * size, (__mmask32)there, x);
        else if (size == 4)
            _mm512_mask_storeu_epi32(out + at * size, (__mmask16)there, x);
        else
            _mm512_mask_storeu_epi64(out + at * size, (__mmask8)there, x);
        kept += __builtin_popcountll(care) * size;
        at += n;
    }
#endif
    for (; at < last; at++) {
        const uint64_t own = mask[at] != 0;
        f2f_put(out + at * size, f2f_get(kept, size) & -own, size);
        kept += own * size;
    }
}

F2F_INLINE void place_sized(const f2f_layer *d, const uint8_t *mask, const uint64_t *rows,
                            const int64_t *start, const char *kept, int64_t first, int64_t last,
                            char *window, char *out, const int size)
{
    if (!d->step) {
        expand(mask, kept + (start[first] - start[0]) * size, first * d->n_out,
               f2f_least(last * d->n_out, d->size), window != NULL, out, size);
        return;
    }
    int64_t t = f2f_times(first, d->back, d->blocks);
    for (int64_t a = first; a < last; a += F2F_WINDOW) {
        const int64_t end = f2f_least(a + F2F_WINDOW, last);
        if (!window) {
            t = scatter(d, rows, start, kept, t, a, end, out + a * size, d->blocks, size);
            continue;
        }
        memset(window, 0, (size_t)(d->n_out * F2F_WINDOW * size));
        t = scatter(d, rows, start, kept, t, a, end, window, F2F_WINDOW, size);
        for (int64_t i = 0; i < d->n_out; i++) {
            const int64_t n = f2f_least(end - a, d->size - i * d->blocks - a);
            if (n <= 0) break;
            stream(out + (i * d->blocks + a) * size, window + i * F2F_WINDOW * size, n * size);
        }
    }
}

/* Place the words of the blocks at addresses first … last − 1. `kept` may be read 64 bytes beyond
 * its end. Without a `window`, of (n_out, F2F_WINDOW) words, `out` is zero already where the order
 * is interleaved. */
static inline void place_words(const f2f_layer *d, const uint8_t *mask, const uint64_t *rows,
                               const int64_t *start, const char *kept, int64_t first, int64_t last,
                               char *window, char *out)
{
    switch (d->itemsize) {
    case 1: place_sized(d, mask, rows, start, kept, first, last, window, out, 1); break;
    case 2: place_sized(d, mask, rows, start, kept, first, last, window, out, 2); break;
    case 4: place_sized(d, mask, rows, start, kept, first, last, window, out, 4); break;
    default: place_sized(d, mask, rows, start, kept, first, last, window, out, 8);
    }
#if F2F_LEVEL
    if (window) _mm_sfence();
#endif
}
#endif
