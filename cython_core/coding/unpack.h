/* What is worth vectors: numbers of a fixed width, Golomb-Rice, and lists of flags. */
#ifndef F2F_UNPACK_H
#define F2F_UNPACK_H
#include "bits.h"
#include "coding.h"
#include "decode/mask_rows.h"

#if F2F_LEVEL == 3
/* 16 numbers of `width` ≤ 25 bits from bit `at` on. */
static inline __m512i fields(const uint8_t *bytes, int64_t length, int64_t at, int width)
{
    const int64_t left = length - (at >> 3);
    const __mmask64 there = left < 64 ? ((uint64_t)1 << (left > 0 ? left : 0)) - 1 : ~(uint64_t)0;
    const __m512i raw = _mm512_maskz_loadu_epi8(there, bytes + (at >> 3));
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i bit = _mm512_add_epi32(_mm512_set1_epi32((int)(at & 7)),
                                         _mm512_mullo_epi32(lane, _mm512_set1_epi32(width)));
    const __m512i spread = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    const __m512i byte = _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_srli_epi32(bit, 3), spread),
                                         _mm512_set1_epi32(0x03020100));
    const __m512i four = _mm512_permutexvar_epi8(byte, raw);
    return _mm512_and_si512(_mm512_srlv_epi32(four, _mm512_and_si512(bit, _mm512_set1_epi32(7))),
                            _mm512_set1_epi32((int)((1u << width) - 1)));
}

/* Places of the ones of a word, from `base` on, to out, which has room for `room`; returns how many. */
static inline int64_t list_ones(uint64_t word, uint32_t base, uint32_t *out, int64_t room)
{
    uint8_t places[64];
    for (int i = 0; i < 64; i++) places[i] = (uint8_t)i;
    const __m512i own = _mm512_maskz_compress_epi8(word, _mm512_loadu_si512(places));
    const __m512i from = _mm512_set1_epi32((int)base);
    const int64_t count = f2f_least(_mm_popcnt_u64(word), room);
    const __m128i quarter[4] = {_mm512_castsi512_si128(own), _mm512_extracti32x4_epi32(own, 1),
                                _mm512_extracti32x4_epi32(own, 2),
                                _mm512_extracti32x4_epi32(own, 3)};
    for (int q = 0; 16 * q < count; q++) {
        const int64_t n = count - 16 * q;
        const __m512i x = _mm512_add_epi32(from, _mm512_cvtepu8_epi32(quarter[q]));
        if (n >= 16 || room - 16 * q >= 16)
            _mm512_storeu_si512(out + 16 * q, x);
        else
            _mm512_mask_storeu_epi32(out + 16 * q, (__mmask16)((1u << n) - 1), x);
    }
    return count;
}
#else
static inline int64_t list_ones(uint64_t word, uint32_t base, uint32_t *out, int64_t room)
{
    int64_t count = 0;
    for (; word && count < room; word &= word - 1)
        out[count++] = base + (uint32_t)__builtin_ctzll(word);
    return count;
}
#endif

static inline void unpack_numbers(const uint8_t *bytes, int64_t length, int64_t first,
                                  int64_t count, int width, uint16_t *out)
{
    int64_t j = 0;
    if (width == 8 && !(first & 7)) {
        const uint8_t *own = bytes + (first >> 3);
        for (; j < count; j++) out[j] = own[j];
    }
#if F2F_LEVEL == 3
    for (; j + 16 <= count; j += 16)
        _mm256_storeu_si256((void *)(out + j),
                            _mm512_cvtepi32_epi16(fields(bytes, length, first + j * width, width)));
#endif
    for (; j < count; j++) out[j] = (uint16_t)f2f_bits_at(bytes, length, first + j * width, width);
}

/* out[j] = ones[j] − j quotients of 2^k, and the remainders up to j: sums of all gaps. They are exact
 * below 2^32 if the last is. */
static inline int64_t rice_unpack(const uint8_t *bytes, int64_t length, int64_t count, int k,
                                  int64_t limit, uint32_t *out)
{
    if (count < 0 || k < 0 || k > F2F_RICE_MOST || count > 8 * length || count > limit) return -1;
    if (!count) return 0;
    int64_t found = 0, at = 0, end = 0;
    for (; found < count; at += 8) { /* the ones */
        if (at >= length) return -1;
        const uint64_t word = f2f_bytes_at(bytes, length, at);
        const int64_t n = list_ones(word, (uint32_t)(8 * at), out + found, count - found);
        found += n;
        if (found == count) end = 8 * at + (out[count - 1] - (uint32_t)(8 * at)) + 1;
    }
    const int64_t bits = end + count * k;
    if (bits > 8 * length) return -1;
    uint64_t sum = 0;
    int64_t j = 0;
#if F2F_LEVEL == 3
    if (k <= 25) {
        const __m512i lane =
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i zero = _mm512_setzero_si512();
        const __m128i shift = _mm_cvtsi32_si128(k);
        __m512i exact = zero;
        __m512i carry = zero;
        for (; j + 16 <= count; j += 16) {
            __m512i x = fields(bytes, length, end + j * k, k);
            exact = _mm512_add_epi64(exact, _mm512_and_si512(x, _mm512_set1_epi64(0xFFFFFFFF)));
            exact = _mm512_add_epi64(exact, _mm512_srli_epi64(x, 32));
            x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 15));
            x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 14));
            x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 12));
            x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 8));
            x = _mm512_add_epi32(x, carry);
            carry = _mm512_permutexvar_epi32(_mm512_set1_epi32(15), x);
            const __m512i number = _mm512_add_epi32(lane, _mm512_set1_epi32((int)j));
            const __m512i high = _mm512_sub_epi32(_mm512_loadu_si512(out + j), number);
            x = _mm512_add_epi32(_mm512_add_epi32(x, number), _mm512_sll_epi32(high, shift));
            _mm512_storeu_si512(out + j, x);
        }
        sum = (uint64_t)_mm512_reduce_add_epi64(exact);
    }
#endif
    for (; j < count; j++) {
        sum += f2f_bits_at(bytes, length, end + j * k, k);
        out[j] = ((out[j] - (uint32_t)j) << k) + (uint32_t)sum + (uint32_t)j;
    }
    /* the last, without wrapping: quotients ≤ limit >> k first */
    const uint64_t quotients = (uint64_t)(end - count);
    if (quotients > (uint64_t)limit >> k) return -1;
    if ((quotients << k) + sum + (uint64_t)(count - 1) >= (uint64_t)limit) return -1;
    return bits;
}

static inline int64_t list_flags(const uint8_t *given, int64_t size, int wanted, int64_t count,
                                 uint32_t *out)
{
    int64_t found = 0;
    for (int64_t at = 0; at < size; at += 64) {
        const int64_t n = f2f_least(64, size - at);
        uint64_t word = flags(given + at, n);
        if (!wanted) word = ~word & (n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0);
        found += list_ones(word, (uint32_t)at, out + found, count - found);
    }
    return found;
}
#endif
