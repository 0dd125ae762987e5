/* The words of kept weights from the symbols of all planes.
 *
 * Eight planes' symbols of a block are an 8 × 8 bit matrix, one row a plane. Times a row of M it
 * gives those eight bits of one weight's word: with GFNI `gf2p8affineqb` does that for a vector of
 * rows, and no bits need transposing. Without it a block's matrices are transposed instead, so that
 * each column is a word, and sums of four columns at a time are looked up. */
#ifndef F2F_KEPT_WORDS_H
#define F2F_KEPT_WORDS_H
#include "common.h"

#define F2F_BLOCKS 512  /* blocks of a piece: its words stay in the first-level cache, */
#define F2F_KEPT   4096 /* and kept weights, if the last block does not go beyond */
#define F2F_ROOM   (F2F_KEPT + 4096 + 64)

#if F2F_LEVEL >= 2
#define F2F_PLACE_OF(bit) ((bit) ^ 7) /* gf2p8affineqb: bit i of the result is of byte 7 − i */
#else
#define F2F_PLACE_OF(bit) (bit)
#endif

/* Symbols of blocks first … first + count − 1 as matrices: out (count, halves, itemsize, 8), a
 * byte a plane. Returns the bits that occur. */
F2F_INLINE uint64_t gather_matrices(const f2f_layer *d, int64_t first, int64_t count, uint8_t *out,
                                    const int size)
{
    const int64_t halves = d->halves, pitch = halves * size * 8;
    uint64_t seen = 0;
    for (int q = 0; q < size; q++) {
        const uint16_t *plane[8] = {0};
        for (int bit = 0; bit < 8; bit++) {
            const int p = d->planes - 1 - 8 * q - bit;
            if (p >= 0 && d->symbols[p]) plane[F2F_PLACE_OF(bit)] = d->symbols[p] + first;
        }
        uint8_t *row = out + 8 * q;
        int64_t r = 0;
#if F2F_LEVEL
        const __m128i low = _mm_set1_epi16(255), none = _mm_setzero_si128();
        __m128i any = none;
        for (; r + 16 <= count; r += 16) {
            for (int64_t h = 0; h < halves; h++) {
                __m128i v[8], w[8];
                for (int j = 0; j < 8; j++) {
                    __m128i a = none, b = none;
                    if (plane[j]) {
                        a = _mm_loadu_si128((const void *)(plane[j] + r));
                        b = _mm_loadu_si128((const void *)(plane[j] + r + 8));
                    }
                    any = _mm_or_si128(any, _mm_or_si128(a, b));
                    if (h) {
                        a = _mm_srli_epi16(a, 8);
                        b = _mm_srli_epi16(b, 8);
                    }
                    v[j] = _mm_packus_epi16(_mm_and_si128(a, low), _mm_and_si128(b, low));
                }
                for (int j = 0; j < 4; j++) {
                    w[j] = _mm_unpacklo_epi8(v[2 * j], v[2 * j + 1]);
                    w[4 + j] = _mm_unpackhi_epi8(v[2 * j], v[2 * j + 1]);
                }
                for (int k = 0; k < 2; k++) {
                    const __m128i *p = w + 4 * k;
                    const __m128i a = _mm_unpacklo_epi16(p[0], p[1]),
                                  b = _mm_unpacklo_epi16(p[2], p[3]);
                    const __m128i c = _mm_unpackhi_epi16(p[0], p[1]),
                                  e = _mm_unpackhi_epi16(p[2], p[3]);
                    v[4 * k] = _mm_unpacklo_epi32(a, b);
                    v[4 * k + 1] = _mm_unpackhi_epi32(a, b);
                    v[4 * k + 2] = _mm_unpacklo_epi32(c, e);
                    v[4 * k + 3] = _mm_unpackhi_epi32(c, e);
                }
                uint8_t *to = row + r * pitch + h * size * 8;
                for (int j = 0; j < 8; j++) {
                    _mm_storel_epi64((void *)(to + 2 * j * pitch), v[j]);
                    _mm_storeh_pd((void *)(to + (2 * j + 1) * pitch), _mm_castsi128_pd(v[j]));
                }
            }
        }
        any = _mm_or_si128(any, _mm_srli_si128(any, 8));
        seen |= (uint64_t)_mm_cvtsi128_si64(any);
#endif
        for (; r < count; r++)
            for (int j = 0; j < 8; j++) {
                const unsigned x = plane[j] ? plane[j][r] : 0;
                for (int64_t h = 0; h < halves; h++)
                    row[r * pitch + h * size * 8 + j] = (uint8_t)(x >> (8 * h));
                seen |= x;
            }
    }
    seen |= seen >> 32;
    return (seen | seen >> 16) & 0xFFFF;
}

#if F2F_LEVEL >= 2
/* x[slot] + …: the rows of M of a block's kept weights, the bytes that meet slot k·halves + h. */
F2F_INLINE void block_inputs(const f2f_layer *d, const uint64_t *row, int64_t at, uint8_t *x,
                             const int slots)
{
    const int64_t words = d->words;
    for (int64_t w = 0; w < words; w++) {
        uint64_t care = row[w];
        if (!care) continue;
        const uint8_t *table = d->matrix + 64 * w;
#if F2F_LEVEL == 3
        const int n = __builtin_popcountll(care);
        for (int k = 0; k < slots; k++) {
            const __m512i own =
                _mm512_maskz_compress_epi8(care, _mm512_loadu_si512(table + 64 * words * k));
            uint8_t *to = x + F2F_ROOM * k + at;
            if (n <= 16)
                _mm_storeu_si128((void *)to, _mm512_castsi512_si128(own));
            else
                _mm512_storeu_si512(to, own);
        }
        at += n;
#else
        for (; care; care &= care - 1, at++) {
            const int i = __builtin_ctzll(care);
            for (int k = 0; k < slots; k++) x[F2F_ROOM * k + at] = table[64 * words * k + i];
        }
#endif
    }
    (void)words;
}

/* Words at … end − 1 of a block from `x` and its matrices, slot k's at symbols − k/halves rows.
 * Writes up to 64 bytes beyond. */
F2F_INLINE void block_words(const f2f_layer *d, const uint8_t *symbols, const uint8_t *x,
                            int64_t at, int64_t end, char *out, const int size, const int slots,
                            const int halves)
{
    const int64_t pitch = halves * size * 8;
#if F2F_LEVEL == 3
    uint8_t line[64];
    for (int e = 0; e < 64 / size; e++)
        for (int q = 0; q < size; q++)
            line[size * e + q] = (uint8_t)(e / 8 * 8 * size + 8 * q + e % 8);
    const __m512i lined = _mm512_loadu_si512(line);
    const __m512i inverted = size == 1   ? _mm512_set1_epi8((char)d->invert)
                             : size == 2 ? _mm512_set1_epi16((short)d->invert)
                             : size == 4 ? _mm512_set1_epi32((int)d->invert)
                                         : _mm512_set1_epi64((long long)d->invert);
    const __m512i eights = size == 1   ? _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7)
                           : size == 2 ? _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3)
                           : size == 4 ? _mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1)
                                       : _mm512_setzero_si512();
    for (; at < end; at += 64 / size) {
        __m512i sum = _mm512_setzero_si512();
        for (int k = 0; k < slots; k++) {
            const uint8_t *own = symbols - k / halves * pitch + k % halves * size * 8;
            const __m512i a =
                size == 1   ? _mm512_set1_epi64((long long)f2f_get((const char *)own, 8))
                : size == 2 ? _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)own))
                : size == 4 ? _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)own))
                            : _mm512_loadu_si512(own);
            const uint8_t *m = x + F2F_ROOM * k + at;
            const __m512i v =
                size == 1   ? _mm512_loadu_si512(m)
                : size == 2 ? _mm512_castsi256_si512(_mm256_loadu_si256((const void *)m))
                : size == 4 ? _mm512_castsi128_si512(_mm_loadu_si128((const void *)m))
                            : _mm512_castsi128_si512(_mm_loadl_epi64((const void *)m));
            const __m512i rows = size == 1 ? v : _mm512_permutexvar_epi64(eights, v);
            sum = _mm512_xor_si512(sum, _mm512_gf2p8affine_epi64_epi8(rows, a, 0));
        }
        if (size > 1) sum = _mm512_permutexvar_epi8(lined, sum);
        _mm512_storeu_si512(out + at * size, _mm512_xor_si512(sum, inverted));
    }
#else
    uint64_t unit = d->invert; /* of byte q: eight times, in the form of the sums */
    __m256i inverted[2];
    uint64_t bytes[8];
    for (int q = 0; q < 8; q++) bytes[q] = (unit >> (8 * q) & 255) * 0x0101010101010101ull;
    inverted[0] = _mm256_loadu_si256((const void *)bytes);
    inverted[1] = _mm256_loadu_si256((const void *)(bytes + 4));
    for (; at < end; at += 8) {
        __m256i sum[2] = {inverted[0], inverted[1]};
        for (int k = 0; k < slots; k++) {
            const uint8_t *own = symbols - k / halves * pitch + k % halves * size * 8;
            const __m256i rows =
                _mm256_set1_epi64x((long long)f2f_get((const char *)x + F2F_ROOM * k + at, 8));
            const __m256i a = size == 1 ? _mm256_castsi128_si256(_mm_loadl_epi64((const void *)own))
                              : size == 2
                                  ? _mm256_castsi128_si256(_mm_loadu_si128((const void *)own))
                                  : _mm256_loadu_si256((const void *)own);
            sum[0] = _mm256_xor_si256(sum[0], _mm256_gf2p8affine_epi64_epi8(rows, a, 0));
            if (size == 8)
                sum[1] =
                    _mm256_xor_si256(sum[1],
                                     _mm256_gf2p8affine_epi64_epi8(rows,
                                                                   _mm256_loadu_si256((const void
                                                                                           *)(own +
                                                                                              32)),
                                                                   0));
        }
        __m128i *to = (__m128i *)(out + at * size), pair[4]; /* pair[j]: bytes 2j and 2j + 1 */
        for (int j = 0; j < 4 && 2 * j < size; j++) {
            const __m128i two = j % 2 ? _mm256_extracti128_si256(sum[j / 2], 1)
                                      : _mm256_castsi256_si128(sum[j / 2]);
            pair[j] = size == 1 ? two : _mm_unpacklo_epi8(two, _mm_unpackhi_epi64(two, two));
        }
        if (size == 1) {
            _mm_storel_epi64((void *)to, pair[0]);
        } else if (size == 2) {
            _mm_storeu_si128(to, pair[0]);
        } else if (size == 4) {
            _mm_storeu_si128(to, _mm_unpacklo_epi16(pair[0], pair[1]));
            _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(pair[0], pair[1]));
        } else {
            const __m128i a = _mm_unpacklo_epi16(pair[0], pair[1]),
                          b = _mm_unpackhi_epi16(pair[0], pair[1]);
            const __m128i c = _mm_unpacklo_epi16(pair[2], pair[3]),
                          e = _mm_unpackhi_epi16(pair[2], pair[3]);
            _mm_storeu_si128(to, _mm_unpacklo_epi32(a, c));
            _mm_storeu_si128(to + 1, _mm_unpackhi_epi32(a, c));
            _mm_storeu_si128(to + 2, _mm_unpacklo_epi32(b, e));
            _mm_storeu_si128(to + 3, _mm_unpackhi_epi32(b, e));
        }
    }
#endif
}
#else
/* sums[r] (2 halves, 16): the words that four bits of the symbol of block r give, all 16 of them. */
F2F_INLINE void add_fours(const f2f_layer *d, const uint8_t *matrices, int64_t count, char *sums,
                          const int size)
{
    const int64_t halves = d->halves;
    for (int64_t r = 0; r < count * halves; r++, matrices += 8 * size, sums += 32 * size) {
        uint64_t column[8] = {0};
        for (int q = 0; q < size; q++) {
            const uint64_t square = f2f_transpose8(f2f_get((const char *)matrices + 8 * q, 8));
            for (int c = 0; c < 8; c++) column[c] |= (square >> (8 * c) & 255) << (8 * q);
        }
        for (int h = 0; h < 2; h++) {
            char *to = sums + 16 * h * size;
            f2f_put(to, 0, size);
            for (int c = 0; c < 4; c++)
                for (int v = 0; v < 1 << c; v++)
                    f2f_put(to + (v + (1 << c)) * size,
                            f2f_get(to + v * size, size) ^ column[4 * h + c], size);
        }
    }
}

/* Words of a block, from place `at` on. */
F2F_INLINE void block_words(const f2f_layer *d, const uint64_t *row, const char *sums, int64_t at,
                            char *out, const int size, const int slots, const int halves)
{
    for (int64_t w = 0; w < d->words; w++)
        for (uint64_t care = row[w]; care; care &= care - 1, at++) {
            const uint8_t *m = d->matrix + 64 * w + __builtin_ctzll(care);
            uint64_t word = d->invert;
            for (int k = 0; k < slots; k++, m += 64 * d->words) {
                const char *own = sums + (k % halves - k / halves * halves) * 32 * size;
                word ^= f2f_get(own + (*m & 15) * size, size) ^
                        f2f_get(own + (16 + (*m >> 4)) * size, size);
            }
            f2f_put(out + at * size, word, size);
        }
}
#endif

/* The field's values for their ranks. */
F2F_INLINE void restore_fields(const f2f_layer *d, char *words, int64_t n, const int size)
{
    if (d->values) {
        const uint64_t low = ((uint64_t)1 << d->width) - 1, other = ~(low << d->shift);
        for (int64_t j = 0; j < n; j++) {
            const uint64_t x = f2f_get(words + j * size, size);
            const uint64_t value = d->values[x >> d->shift & low];
            f2f_put(words + j * size, (x & other) | value << d->shift, size);
        }
    }
}

F2F_INLINE int words_of(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                        int64_t first, int64_t last, char *kept, uint8_t *matrices, uint8_t *x,
                        char *own, const int size, const int slots, const int halves)
{
    const int64_t pitch = halves * size * 8, history = d->stages - 1;
    const int64_t step = d->step ? d->step : 1;
    int64_t a = d->step ? f2f_times(first, d->step, d->blocks) : first;
    int64_t next[F2F_MOST_PLANES];
    uint64_t seen = 0;
    for (int p = 0; p < d->planes; p++)
        next[p] = f2f_lower(d->corrections[p], d->counts[p], start[first]);
    for (int64_t t = first; t < last;) {
        /* a piece: of one tile, and small */
        const int64_t base = start[t], into = t % d->tile_blocks;
        int64_t end = f2f_least(f2f_least(last, t + F2F_BLOCKS), t - into + d->tile_blocks);
        if (start[end] - base > F2F_KEPT) { /* the block that goes beyond ends it */
            int64_t low = t + 1;
            while (start[low] - base < F2F_KEPT) low++;
            end = low;
        }
        /* matrices of the blocks before, 0 before the tile, then its own */
        const int64_t before = f2f_least(history, into);
        memset(matrices, 0, (size_t)((history - before) * pitch));
        seen |= gather_matrices(d, t - before, end - t + before,
                                matrices + (history - before) * pitch, size);
#if F2F_LEVEL >= 2
        for (int64_t u = t; u < end; u++) {
            block_inputs(d, rows + a * d->words, start[u] - base, x, slots);
            a += step;
            if (a >= d->blocks) a -= d->blocks;
        }
        for (int64_t u = t; u < end; u++)
            block_words(d, matrices + (u - t + history) * pitch, x, start[u] - base,
                        start[u + 1] - base, own, size, slots, halves);
#else
        add_fours(d, matrices, end - t + history, (char *)x, size);
        for (int64_t u = t; u < end; u++) {
            block_words(d, rows + a * d->words,
                        (const char *)x + (u - t + history) * halves * 32 * size, start[u] - base,
                        own, size, slots, halves);
            a += step;
            if (a >= d->blocks) a -= d->blocks;
        }
#endif
        const uint64_t n = (uint64_t)(start[end] - base);
        for (int p = 0; p < d->planes; p++) {
            const uint32_t *wrong = d->corrections[p];
            const uint64_t bit = (uint64_t)1 << (d->planes - 1 - p);
            int64_t j = next[p];
            const int64_t count = d->counts[p];
            uint64_t least = 0;
            for (; j < count; j++) { /* one that is not increasing is not passed */
                const uint64_t r = (uint64_t)wrong[j] - (uint64_t)base;
                if (r >= n || r < least) break;
                least = r + 1;
                f2f_put(own + r * size, f2f_get(own + r * size, size) ^ bit, size);
            }
            next[p] = j;
        }
        restore_fields(d, own, (int64_t)n, size);
        memcpy(kept + (base - start[0]) * size, own, (size_t)n * size);
        t = end;
    }
    if (seen >> d->n_in) return F2F_BAD_SYMBOL;
    for (int p = 0; p < d->planes; p++) {
        const int64_t passed = last < d->blocks
                                   ? f2f_lower(d->corrections[p], d->counts[p], start[last])
                                   : d->counts[p];
        if (next[p] != passed) return F2F_BAD_CORRECTION;
    }
    return F2F_FINE;
}

/* Words of the kept weights of blocks first … last − 1: kept[(rank − start[0])·itemsize …]. `rows`
 * is by address, and in row order by block. */
static inline int kept_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                             int64_t first, int64_t last, char *kept)
{
    const int slots = d->stages * d->halves, size = d->itemsize;
    const size_t pieces = F2F_BLOCKS + d->stages;
    uint8_t *matrices = malloc(pieces * d->halves * size * 8 + 64);
    uint8_t *x = malloc(F2F_LEVEL >= 2 ? (size_t)F2F_ROOM * slots : pieces * d->halves * 32 * size);
    char *own = malloc((size_t)F2F_ROOM * size);
    int status = F2F_MEMORY;
    if (matrices && x && own) {
#define F2F_SIZED(size, slots, halves) \
    words_of(d, rows, start, first, last, kept, matrices, x, own, size, slots, halves)
        if (size == 1)
            status = d->halves == 1 ? F2F_SIZED(1, slots, 1) : F2F_SIZED(1, slots, 2);
        else if (size == 2)
            status = d->halves == 1 ? F2F_SIZED(2, slots, 1) : F2F_SIZED(2, slots, 2);
        else if (size == 8)
            status = d->halves == 1 ? F2F_SIZED(8, slots, 1) : F2F_SIZED(8, slots, 2);
        else if (d->halves == 2)
            status = F2F_SIZED(4, slots, 2);
        else
            switch (slots) {
            case 1: status = F2F_SIZED(4, 1, 1); break;
            case 2: status = F2F_SIZED(4, 2, 1); break;
            case 3: status = F2F_SIZED(4, 3, 1); break;
            default: status = F2F_SIZED(4, slots, 1);
            }
#undef F2F_SIZED
    }
    free(matrices);
    free(x);
    free(own);
    return status;
}
#endif
