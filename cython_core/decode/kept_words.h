/* The words of kept weights from the symbols of all planes.
 *
 * Eight planes' symbols of a block are an 8 × 8 bit matrix, one row per plane. Times a row of M it
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

#if F2F_LEVEL == 3
/* The first multiple of 16 of `count` blocks of 32 planes, symbols of a byte: out (count, 4, 8). */
static inline int64_t gather_32_planes(const f2f_layer *d, int64_t first, int64_t count,
                                       uint8_t *out, uint64_t *seen)
{
    static const uint16_t nothing[16];
    const uint16_t *plane[32];
    int64_t moves[32];
    for (int p = 0; p < 32; p++) {
        moves[p] = d->symbols[p] != NULL;
        plane[p] = moves[p] ? d->symbols[p] + first : nothing;
    }
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m256i any = _mm256_setzero_si256();
    int64_t r = 0;
    for (; r + 16 <= count; r += 16) {
        __m512i a[8], b[8];
        for (int j = 0; j < 8; j++) { /* quarter q: plane 24 − 8q + j */
            __m128i own[4];
            for (int q = 0; q < 4; q++) {
                const int p = 24 - 8 * q + j;
                const __m256i x = _mm256_loadu_si256((const void *)(plane[p] + r * moves[p]));
                any = _mm256_or_si256(any, x);
                own[q] = _mm256_cvtepi16_epi8(x);
            }
            const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(own[0]), own[1], 1);
            const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(own[2]), own[3], 1);
            a[j] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
        }
        for (int j = 0; j < 4; j++) {
            b[2 * j] = _mm512_unpacklo_epi8(a[2 * j], a[2 * j + 1]);
            b[2 * j + 1] = _mm512_unpackhi_epi8(a[2 * j], a[2 * j + 1]);
        }
        for (int h = 0; h < 2; h++)
            for (int j = 0; j < 2; j++) {
                a[4 * h + 2 * j] = _mm512_unpacklo_epi16(b[4 * j + h], b[4 * j + 2 + h]);
                a[4 * h + 2 * j + 1] = _mm512_unpackhi_epi16(b[4 * j + h], b[4 * j + 2 + h]);
            }
        for (int h = 0; h < 2; h++)
            for (int c = 0; c < 2; c++) {
                const __m512i low = a[4 * h + c], high = a[4 * h + 2 + c];
                uint8_t *to = out + 32 * (r + 8 * h + 4 * c);
                _mm512_storeu_si512(to, _mm512_permutexvar_epi64(order,
                                                                 _mm512_unpacklo_epi32(low, high)));
                _mm512_storeu_si512(to + 64,
                                    _mm512_permutexvar_epi64(order,
                                                             _mm512_unpackhi_epi32(low, high)));
            }
    }
    const __m128i both =
        _mm_or_si128(_mm256_castsi256_si128(any), _mm256_extracti128_si256(any, 1));
    *seen |= (uint64_t)_mm_cvtsi128_si64(both) | (uint64_t)_mm_extract_epi64(both, 1);
    return r;
}
#endif

/* Symbols of blocks first … first + count − 1 as matrices: out (count, halves, itemsize, 8), a
 * byte a plane. Returns the bits that occur. */
F2F_INLINE uint64_t gather_matrices(const f2f_layer *d, int64_t first, int64_t count, uint8_t *out,
                                    const int size)
{
    const int64_t halves = d->halves, pitch = halves * size * 8;
    uint64_t seen = 0;
    int64_t done = 0;
#if F2F_LEVEL == 3
    if (size == 4 && halves == 1 && d->planes == 32)
        done = gather_32_planes(d, first, count, out, &seen);
#endif
    for (int q = 0; q < size; q++) {
        const uint16_t *plane[8] = {0};
        for (int bit = 0; bit < 8; bit++) {
            const int p = d->planes - 1 - 8 * q - bit;
            if (p >= 0 && d->symbols[p]) plane[F2F_PLACE_OF(bit)] = d->symbols[p] + first;
        }
        uint8_t *row = out + 8 * q;
        int64_t r = done;
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
        if (words > 2 && !care) continue; /* of few words, a branch costs more */
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
F2F_INLINE void sized_fours(const f2f_layer *d, const uint8_t *matrices, int64_t count, char *sums,
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

#if F2F_LEVEL == 3
/* Fields of a byte at most, a vector of words at a time: returns how many words are done. */
F2F_INLINE int64_t look_up_fields(const f2f_layer *d, char *words, int64_t n, const int size)
{
    __m512i table[4]; /* 256 values, a byte each */
    for (int k = 0; k < 4; k++) {
        const __m256i low = _mm512_cvtepi16_epi8(_mm512_loadu_si512(d->values + 64 * k));
        const __m256i high = _mm512_cvtepi16_epi8(_mm512_loadu_si512(d->values + 64 * k + 32));
        table[k] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    const uint32_t low = (1u << d->width) - 1;
    const __m128i shift = _mm_cvtsi32_si128(d->shift);
    const __m512i index = size == 1   ? _mm512_set1_epi8((char)low)
                          : size == 2 ? _mm512_set1_epi16((short)low)
                                      : _mm512_set1_epi32((int)low);
    const __m512i byte = size == 1   ? _mm512_set1_epi8(-1)
                         : size == 2 ? _mm512_set1_epi16(255)
                                     : _mm512_set1_epi32(255);
    int64_t j = 0;
    for (; j + 64 / size <= n; j += 64 / size) {
        const __m512i x = _mm512_loadu_si512(words + j * size);
        /* bytes are moved two at a time: what comes over from the neighbour is masked off */
        const __m512i moved = size == 4 ? _mm512_srl_epi32(x, shift) : _mm512_srl_epi16(x, shift);
        const __m512i i = _mm512_and_si512(moved, index);
        const __m512i value =
            _mm512_and_si512(byte,
                             _mm512_mask_blend_epi8(_mm512_movepi8_mask(i),
                                                    _mm512_permutex2var_epi8(table[0], i, table[1]),
                                                    _mm512_permutex2var_epi8(table[2], i,
                                                                             table[3])));
        const __m512i change = _mm512_xor_si512(i, value);
        const __m512i back =
            size == 4 ? _mm512_sll_epi32(change, shift) : _mm512_sll_epi16(change, shift);
        _mm512_storeu_si512(words + j * size, _mm512_xor_si512(x, back));
    }
    return j;
}
#endif

/* The field's values for their ranks. */
F2F_INLINE void restore_fields(const f2f_layer *d, char *words, int64_t n, const int size)
{
    int64_t done = 0;
#if F2F_LEVEL == 3
    if (d->values && d->width <= 8 && size <= 4) done = look_up_fields(d, words, n, size);
#endif
    if (d->values) {
        const uint64_t low = ((uint64_t)1 << d->width) - 1, other = ~(low << d->shift);
        for (int64_t j = done; j < n; j++) {
            const uint64_t x = f2f_get(words + j * size, size);
            const uint64_t value = d->values[x >> d->shift & low];
            f2f_put(words + j * size, (x & other) | value << d->shift, size);
        }
    }
}

/* One copy of each of these for every size of word, number of slots and halves that is usual: apart
 * from their caller, so that registers suffice. */
#define F2F_APART static __attribute__((noinline, unused))

#if F2F_LEVEL >= 2
/* Rows of M of the kept weights of blocks t … end − 1, the first at address `a`. */
F2F_INLINE void inputs_of(const f2f_layer *d, const uint64_t *rows, const int64_t *start, int64_t t,
                          int64_t end, int64_t a, uint8_t *x, const int slots)
{
    const int64_t step = d->step ? d->step : 1, base = start[t];
    for (; t < end; t++) {
        block_inputs(d, rows + a * d->words, start[t] - base, x, slots);
        a += step;
        if (a >= d->blocks) a -= d->blocks;
    }
}

#if F2F_LEVEL == 3
/* The same where a block has at most 128 bits: first which bits are kept, then all rows of M at once. */
F2F_INLINE void listed_inputs(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                              int64_t t, int64_t end, int64_t a, uint8_t *x, const int words)
{
    const int64_t step = d->step ? d->step : 1, base = start[t], n = start[end] - base;
    const int slots = d->stages * d->halves;
    uint8_t *const list = x + F2F_ROOM * slots, places[128];
    for (int i = 0; i < 128; i++) places[i] = (uint8_t)i;
    const __m512i low = _mm512_loadu_si512(places), high = _mm512_loadu_si512(places + 64);
    for (; t < end; t++) {
        uint8_t *to = list + (start[t] - base);
        const uint64_t *row = rows + a * words;
        const int first = __builtin_popcountll(row[0]);
        const __m512i own = _mm512_maskz_compress_epi8(row[0], low);
        if (first <= 16)
            _mm_storeu_si128((void *)to, _mm512_castsi512_si128(own));
        else
            _mm512_storeu_si512(to, own);
        if (words == 2) {
            const __m512i more = _mm512_maskz_compress_epi8(row[1], high);
            if (__builtin_popcountll(row[1]) <= 16)
                _mm_storeu_si128((void *)(to + first), _mm512_castsi512_si128(more));
            else
                _mm512_storeu_si512(to + first, more);
        }
        a += step;
        if (a >= d->blocks) a -= d->blocks;
    }
    for (int k = 0; k < slots; k++) {
        const uint8_t *table = d->matrix + 64 * words * k;
        const __m512i m = _mm512_loadu_si512(table);
        const __m512i more = words == 2 ? _mm512_loadu_si512(table + 64) : m;
        for (int64_t j = 0; j < n; j += 64)
            _mm512_storeu_si512(x + F2F_ROOM * k + j,
                                _mm512_permutex2var_epi8(m, _mm512_loadu_si512(list + j), more));
    }
}
#endif

F2F_APART void piece_inputs(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                            int64_t t, int64_t end, int64_t a, uint8_t *x)
{
#if F2F_LEVEL == 3
    if (d->words <= 2) {
        if (d->words == 1)
            listed_inputs(d, rows, start, t, end, a, x, 1);
        else
            listed_inputs(d, rows, start, t, end, a, x, 2);
        return;
    }
#endif
    switch (d->stages * d->halves) {
    case 1: inputs_of(d, rows, start, t, end, a, x, 1); break;
    case 2: inputs_of(d, rows, start, t, end, a, x, 2); break;
    case 3: inputs_of(d, rows, start, t, end, a, x, 3); break;
    default: inputs_of(d, rows, start, t, end, a, x, d->stages * d->halves);
    }
}

F2F_INLINE void sized_words(const f2f_layer *d, const int64_t *start, int64_t t, int64_t end,
                            const uint8_t *matrices, const uint8_t *x, char *own, const int size,
                            const int slots, const int halves)
{
    const int64_t base = start[t];
    for (; t < end; t++, matrices += halves * size * 8)
        block_words(d, matrices, x, start[t] - base, start[t + 1] - base, own, size, slots, halves);
}

/* Words of blocks t … end − 1, whose matrices are at `matrices`, those of blocks before behind. */
#define F2F_WORDS(size)                                                                       \
    F2F_APART void piece_words_##size(const f2f_layer *d, const int64_t *start, int64_t t,    \
                                      int64_t end, const uint8_t *matrices, const uint8_t *x, \
                                      char *own)                                              \
    {                                                                                         \
        const int slots = d->stages * d->halves;                                              \
        if (d->halves == 2)                                                                   \
            sized_words(d, start, t, end, matrices, x, own, size, slots, 2);                  \
        else if (slots == 1)                                                                  \
            sized_words(d, start, t, end, matrices, x, own, size, 1, 1);                      \
        else if (slots == 2)                                                                  \
            sized_words(d, start, t, end, matrices, x, own, size, 2, 1);                      \
        else if (slots == 3)                                                                  \
            sized_words(d, start, t, end, matrices, x, own, size, 3, 1);                      \
        else                                                                                  \
            sized_words(d, start, t, end, matrices, x, own, size, slots, 1);                  \
    }
#else
F2F_INLINE void sized_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                            int64_t t, int64_t end, int64_t a, const char *sums, char *own,
                            const int size, const int slots, const int halves)
{
    const int64_t step = d->step ? d->step : 1, base = start[t];
    for (; t < end; t++, sums += halves * 32 * size) {
        block_words(d, rows + a * d->words, sums, start[t] - base, own, size, slots, halves);
        a += step;
        if (a >= d->blocks) a -= d->blocks;
    }
}

#define F2F_FOURS(size)                                                                         \
    F2F_APART void add_fours_##size(const f2f_layer *d, const uint8_t *matrices, int64_t count, \
                                    char *sums)                                                 \
    {                                                                                           \
        sized_fours(d, matrices, count, sums, size);                                            \
    }
F2F_FOURS(1)
F2F_FOURS(2)
F2F_FOURS(4)
F2F_FOURS(8)

/* Words of blocks t … end − 1, the first at address `a`; their sums are at `sums`. */
#define F2F_WORDS(size)                                                                        \
    F2F_APART void piece_words_##size(const f2f_layer *d, const uint64_t *rows,                \
                                      const int64_t *start, int64_t t, int64_t end, int64_t a, \
                                      const char *sums, char *own)                             \
    {                                                                                          \
        const int slots = d->stages * d->halves;                                               \
        if (d->halves == 2)                                                                    \
            sized_words(d, rows, start, t, end, a, sums, own, size, slots, 2);                 \
        else                                                                                   \
            sized_words(d, rows, start, t, end, a, sums, own, size, slots, 1);                 \
    }
#endif

/* Whether numbers are increasing and from `least` to below `end`. */
static inline int increasing(const uint32_t *numbers, int64_t count, int64_t least, int64_t end)
{
    if (!count) return 1;
    int wrong = 0;
    for (int64_t j = 1; j < count; j++) wrong |= numbers[j] <= numbers[j - 1];
    return !wrong && numbers[0] >= least && numbers[count - 1] < end;
}

/* Flip the corrections among words base … base + n − 1; next[p] goes on to the first beyond. They are
 * increasing, and from `base` on. */
F2F_INLINE void correct(const f2f_layer *d, int64_t base, int64_t n, int64_t *next, char *own,
                        const int size)
{
    for (int p = 0; p < d->planes; p++) {
        const uint32_t *wrong = d->corrections[p];
        const uint64_t bit = (uint64_t)1 << (d->planes - 1 - p);
        const int64_t count = d->counts[p];
        int64_t j = next[p];
        for (; j + 8 <= count && wrong[j + 7] < base + n; j += 8)
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) {
                char *word = own + (wrong[j + i] - base) * size;
                f2f_put(word, f2f_get(word, size) ^ bit, size);
            }
        for (; j < count && wrong[j] < base + n; j++) {
            char *word = own + (wrong[j] - base) * size;
            f2f_put(word, f2f_get(word, size) ^ bit, size);
        }
        next[p] = j;
    }
}

#define F2F_FINISHED(size)                                                                   \
    F2F_APART uint64_t gather_##size(const f2f_layer *d, int64_t first, int64_t count,       \
                                     uint8_t *out)                                           \
    {                                                                                        \
        return gather_matrices(d, first, count, out, size);                                  \
    }                                                                                        \
    F2F_APART void finish_##size(const f2f_layer *d, int64_t base, int64_t n, int64_t *next, \
                                 char *own)                                                  \
    {                                                                                        \
        correct(d, base, n, next, own, size);                                                \
        restore_fields(d, own, n, size);                                                     \
    }

F2F_WORDS(1)
F2F_WORDS(2)
F2F_WORDS(4)
F2F_WORDS(8)
F2F_FINISHED(1)
F2F_FINISHED(2)
F2F_FINISHED(4)
F2F_FINISHED(8)
#define F2F_BY_SIZE(name, ...)                  \
    (d->itemsize == 1   ? name##_1(__VA_ARGS__) \
     : d->itemsize == 2 ? name##_2(__VA_ARGS__) \
     : d->itemsize == 4 ? name##_4(__VA_ARGS__) \
                        : name##_8(__VA_ARGS__))

static inline int words_of(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                           int64_t first, int64_t last, char *kept, uint8_t *matrices, uint8_t *x,
                           char *own)
{
    const int64_t size = d->itemsize, history = d->stages - 1, pitch = d->halves * size * 8;
    int64_t next[F2F_MOST_PLANES];
    uint64_t seen = 0;
    for (int p = 0; p < d->planes; p++) {
        const uint32_t *wrong = d->corrections[p];
        const int64_t count = d->counts[p];
        next[p] = f2f_lower(wrong, count, start[first]);
        const int64_t end = last < d->blocks ? f2f_lower(wrong, count, start[last]) : count;
        if (end < next[p] || !increasing(wrong + next[p], end - next[p], start[first], start[last]))
            return F2F_BAD_CORRECTION;
    }
    for (int64_t t = first; t < last;) {
        /* a piece: of one tile, and small */
        const int64_t base = start[t], into = t % d->tile_blocks;
        int64_t end = f2f_least(f2f_least(last, t + F2F_BLOCKS), t - into + d->tile_blocks);
        if (start[end] - base > F2F_KEPT) { /* the block that goes beyond ends it */
            end = t + 1;
            while (start[end] - base < F2F_KEPT) end++;
        }
        /* matrices of the blocks before, 0 before the tile, then its own */
        const int64_t before = f2f_least(history, into), n = start[end] - base;
        const int64_t a = d->step ? f2f_times(t, d->step, d->blocks) : t;
        memset(matrices, 0, (size_t)((history - before) * pitch));
        seen |= F2F_BY_SIZE(gather, d, t - before, end - t + before,
                            matrices + (history - before) * pitch);
#if F2F_LEVEL >= 2
        piece_inputs(d, rows, start, t, end, a, x);
        F2F_BY_SIZE(piece_words, d, start, t, end, matrices + history * pitch, x, own);
#else
        F2F_BY_SIZE(add_fours, d, matrices, end - t + history, (char *)x);
        F2F_BY_SIZE(piece_words, d, rows, start, t, end, a, (char *)x + history * pitch * 4, own);
#endif
        F2F_BY_SIZE(finish, d, base, n, next, own);
        memcpy(kept + (base - start[0]) * size, own, (size_t)(n * size));
        t = end;
    }
    return seen >> d->n_in ? F2F_BAD_SYMBOL : F2F_FINE;
}

/* Words of the kept weights of blocks first … last − 1: kept[(rank − start[0])·itemsize …]. `rows`
 * is by address, and in row order by block. */
static inline int kept_words(const f2f_layer *d, const uint64_t *rows, const int64_t *start,
                             int64_t first, int64_t last, char *kept)
{
    const size_t size = (size_t)d->itemsize, halves = (size_t)d->halves;
    const size_t pieces = F2F_BLOCKS + (size_t)d->stages;
    uint8_t *matrices = malloc(pieces * halves * size * 8 + 64);
    uint8_t *x = malloc(F2F_LEVEL >= 2 ? F2F_ROOM * (halves * (size_t)d->stages + 1)
                                       : pieces * halves * 32 * size);
    char *own = malloc(F2F_ROOM * size);
    int status = F2F_MEMORY;
    if (matrices && x && own)
        status = words_of(d, rows, start, first, last, kept, matrices, x, own);
    free(matrices);
    free(x);
    free(own);
    return status;
}
#endif
