/* The care bits of blocks, packed 64 a word, from the mask.
 *
 * Interleaved, bit i of the block at address a is mask[i·blocks + a]: 64 addresses of 64 banks are a
 * square of bits to transpose. */
#ifndef F2F_MASK_ROWS_H
#define F2F_MASK_ROWS_H
#include "common.h"

/* Pack n ≤ 64 flags; reads no byte beyond them. */
static inline uint64_t flags(const uint8_t *mask, int64_t n)
{
#if F2F_LEVEL == 3
    const __mmask64 there = n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
    const __m512i x = _mm512_maskz_loadu_epi8(there, mask);
    return _mm512_test_epi8_mask(x, x);
#else
    uint8_t own[64];
    if (n < 64) {
        memset(own, 0, sizeof own);
        memcpy(own, mask, (size_t)n);
        mask = own;
    }
#if F2F_LEVEL
    const __m256i zero = _mm256_setzero_si256();
    const __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)mask), zero);
    const __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(mask + 32)), zero);
    return ~((uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a));
#else
    uint64_t bits = 0;
    for (int k = 0; k < 8; k++) {
        uint64_t x = f2f_get((const char *)mask + 8 * k, 8);
        x |= x >> 4 & 0x0F0F0F0F0F0F0F0Full;
        x |= x >> 2 & 0x3333333333333333ull;
        x |= x >> 1;
        x &= 0x0101010101010101ull; /* 1 where the byte is not 0 */
        bits |= (x * 0x0102040810204080ull >> 56) << (8 * k);
    }
    return bits;
#endif
#endif
}

/* x[i] bit j ↔ x[j] bit i */
static inline void transpose64(uint64_t x[64])
{
#if F2F_LEVEL == 3
    uint8_t gather[64];
    for (int i = 0; i < 64; i++) gather[i] = (uint8_t)(8 * (7 - i % 8) + i / 8);
    const __m512i squares = _mm512_loadu_si512(gather);
    const __m512i unit = _mm512_set1_epi64((long long)0x8040201008040201ull);
    __m512i a[8], b[8];
    for (int j = 0; j < 8; j++) { /* a[j] byte k: bit k of x[8j … 8j + 7] */
        const __m512i eight = _mm512_permutexvar_epi8(squares, _mm512_loadu_si512(x + 8 * j));
        a[j] = _mm512_gf2p8affine_epi64_epi8(unit, eight, 0);
    }
    for (int j = 0; j < 4; j++) {
        b[j] = _mm512_unpacklo_epi8(a[2 * j], a[2 * j + 1]);
        b[4 + j] = _mm512_unpackhi_epi8(a[2 * j], a[2 * j + 1]);
    }
    for (int h = 0; h < 2; h++) {
        const __m512i *p = b + 4 * h; /* in each quarter bytes 8h … 8h + 7 */
        for (int c = 0; c < 2; c++) {
            const __m512i low =
                c ? _mm512_unpackhi_epi16(p[0], p[1]) : _mm512_unpacklo_epi16(p[0], p[1]);
            const __m512i high =
                c ? _mm512_unpackhi_epi16(p[2], p[3]) : _mm512_unpacklo_epi16(p[2], p[3]);
            a[4 * h + 2 * c] = _mm512_unpacklo_epi32(low, high);
            a[4 * h + 2 * c + 1] = _mm512_unpackhi_epi32(low, high);
        }
    }
    for (int r = 0; r < 8; r++) { /* quarter m of a[r]: words 16m + 2r and the next */
        _mm_storeu_si128((void *)(x + 2 * r), _mm512_castsi512_si128(a[r]));
        _mm_storeu_si128((void *)(x + 2 * r + 16), _mm512_extracti32x4_epi32(a[r], 1));
        _mm_storeu_si128((void *)(x + 2 * r + 32), _mm512_extracti32x4_epi32(a[r], 2));
        _mm_storeu_si128((void *)(x + 2 * r + 48), _mm512_extracti32x4_epi32(a[r], 3));
    }
#else
    uint64_t half = 0x00000000FFFFFFFFull;
    for (int j = 32; j; j >>= 1, half ^= half << j)
        for (int k = 0; k < 64; k += 2 * j)
            for (int r = k; r < k + j; r++) {
                const uint64_t t = (x[r] >> j ^ x[r + j]) & half;
                x[r + j] ^= t;
                x[r] ^= t << j;
            }
#endif
}

/* rows[a·words …] for addresses first … last − 1; padding is 0. */
static inline void mask_rows(const f2f_layer *d, const uint8_t *mask, int64_t first, int64_t last,
                             uint64_t *rows)
{
    const int64_t words = d->words;
    if (!d->step) {
        for (int64_t t = first; t < last; t++)
            for (int64_t w = 0; w < words; w++) {
                const int64_t at = t * d->n_out + 64 * w;
                const int64_t n = f2f_least(f2f_least(64, d->n_out - 64 * w), d->size - at);
                rows[t * words + w] = n > 0 ? flags(mask + at, n) : 0;
            }
        return;
    }
    for (int64_t a = first; a < last; a += 64) {
        const int64_t count = f2f_least(64, last - a);
        /* banks of which all 64 flags are there */
        int64_t whole = count < 64 || d->size < a + 64 ? 0 : (d->size - a - 64) / d->blocks + 1;
        whole = f2f_least(whole, d->n_out);
        for (int64_t w = 0; w < words; w++) {
            uint64_t bank[64];
            const uint8_t *at = mask + 64 * w * d->blocks + a;
            int64_t e = 0;
            for (; e < 64 && 64 * w + e < whole; e++, at += d->blocks) bank[e] = flags(at, 64);
            for (; e < 64; e++, at += d->blocks) {
                const int64_t i = 64 * w + e, left = d->size - i * d->blocks - a;
                const int64_t n = i < d->n_out ? f2f_least(count, left) : 0;
                bank[e] = n > 0 ? flags(at, n) : 0;
            }
            transpose64(bank);
            for (int64_t e = 0; e < count; e++) rows[(a + e) * words + w] = bank[e];
        }
    }
}

/* start[t]: care bits before block t; start (blocks + 1). */
static inline void care_starts(const f2f_layer *d, const uint64_t *rows, int64_t *start)
{
    const int64_t words = d->words, step = d->step ? d->step : 1;
    int64_t sum = 0, a = 0;
    for (int64_t t = 0; t < d->blocks; t++) {
        const uint64_t *row = rows + a * words;
        start[t] = sum;
        sum += __builtin_popcountll(row[0]);
        if (words == 2) /* the usual, without a loop */
            sum += __builtin_popcountll(row[1]);
        else
            for (int64_t w = 1; w < words; w++) sum += __builtin_popcountll(row[w]);
        a += step;
        if (a >= d->blocks) a -= d->blocks;
    }
    start[d->blocks] = sum;
}
#endif
