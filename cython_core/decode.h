/* Decoding: symbols of all planes → weights.
 *
 * A block of a plane is the XOR of one table row per register stage. The planes of a block are then
 * turned from bits of planes into words of weights: with AVX-512 each plane sets its bit in 16
 * (8, 32, 64) words under a mask; else 8×8 bit matrices are transposed in 64-bit registers
 * (Warren, Hacker's Delight, 2nd ed., section 7-3).
 *
 * Blocks are decoded in the order of the addresses they are written to, RUN at a time, so that the
 * interleaved order writes runs of consecutive weights. */
#ifndef F2F_DECODE_H
#define F2F_DECODE_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define F2F_X86 1
#include <immintrin.h>
#endif

#define F2F_RUN 16

typedef struct {
    const uint64_t *tables;  /* (stages, symbols_count, words) */
    const uint16_t *symbols; /* (blocks, planes) */
    const uint64_t *invert;  /* (planes), 0 or ~0 */
    const uint8_t *mask;     /* (size), 0 or 1 */
    int64_t stages, symbols_count, words, blocks, planes, n_out, tile_blocks, size;
    int64_t stride;          /* block step from one address to the next; 0: row order */
} f2f_decoder;

/* raw[p * words + w]: the bits of block t. `words` and `stages` are constants where it is inlined
 * for the usual sizes. */
static inline __attribute__((always_inline)) void f2f_rows(const f2f_decoder *d, int64_t t,
                                                           uint64_t *restrict raw,
                                                           const int64_t words,
                                                           const int64_t stages) {
    const uint16_t *x = d->symbols + t * d->planes;
    for (int64_t p = 0; p < d->planes; p++)
        for (int64_t w = 0; w < words; w++) {
            uint64_t row = d->invert[p];
            for (int64_t k = 0; k < stages; k++)
                row ^= d->tables[(k * d->symbols_count + x[p - k * d->planes]) * words + w];
            raw[p * words + w] = row;
        }
}

static inline __attribute__((always_inline)) void f2f_block(const f2f_decoder *d, int64_t t,
                                                            uint64_t *restrict raw) {
    const int64_t words = d->words, filled = t % d->tile_blocks + 1;
    const int64_t stages = filled < d->stages ? filled : d->stages;
    if (words == 1 && stages == 1) f2f_rows(d, t, raw, 1, 1);
    else if (words == 1 && stages == 2) f2f_rows(d, t, raw, 1, 2);
    else if (words == 1 && stages == 3) f2f_rows(d, t, raw, 1, 3);
    else if (words == 2 && stages == 1) f2f_rows(d, t, raw, 2, 1);
    else if (words == 2 && stages == 2) f2f_rows(d, t, raw, 2, 2);
    else if (words == 2 && stages == 3) f2f_rows(d, t, raw, 2, 3);
    else f2f_rows(d, t, raw, words, stages);
}

static inline uint64_t f2f_transpose8(uint64_t x) {
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
    return x ^ t ^ (t << 28);
}

/* Words of a block; `out` has room for 64 words for every one of d->words. */
#define F2F_WORDS_PLAIN(WORD)                                                                    \
    static void f2f_words_plain_##WORD(const f2f_decoder *d, const uint64_t *raw, WORD *out) {   \
        const int64_t planes = d->planes, octets = (d->n_out + 7) / 8;                           \
        for (int64_t j = 0; j < octets; j++) {                                                   \
            WORD eight[8] = {0};                                                                 \
            for (int64_t low = 0; low < planes; low += 8) {                                      \
                uint64_t square = 0;                                                             \
                for (int64_t i = 0; i < 8 && low + i < planes; i++) {                            \
                    const uint64_t row = raw[(planes - 1 - low - i) * d->words + j / 8];         \
                    square |= (row >> (j % 8 * 8) & 255) << (8 * i);                             \
                }                                                                                \
                square = f2f_transpose8(square);                                                 \
                for (int64_t i = 0; i < 8; i++)                                                  \
                    eight[i] |= (WORD)((WORD)(square >> (8 * i) & 255) << low);                  \
            }                                                                                    \
            memcpy(out + 8 * j, eight, sizeof eight);                                            \
        }                                                                                        \
    }

#ifdef F2F_X86
/* A plane sets its bit in LANES words under a mask; GROUP such vectors at a time, for their chains of
 * OR are independent. */
#define F2F_GROUP_512(WORD, LANES, MASK, BITS, GROUP)                                            \
    __attribute__((target("avx512f,avx512bw"), always_inline)) static inline void                \
    f2f_group##GROUP##_512_##WORD(const f2f_decoder *d, const uint64_t *raw, int64_t at,         \
                                  WORD *out) {                                                   \
        const int64_t octets = 8 * d->words;                                                     \
        const char *row = (const char *)raw + d->planes * octets + at / 8;                       \
        __m512i words[GROUP], bit = _mm512_set1_epi##BITS(1);                                    \
        for (int g = 0; g < GROUP; g++) words[g] = _mm512_setzero_si512();                       \
        for (int64_t p = d->planes; p > 0; p--) {                                                \
            row -= octets;                                                                       \
            for (int g = 0; g < GROUP; g++) {                                                    \
                MASK ones;                                                                       \
                memcpy(&ones, row + g * LANES / 8, sizeof ones);                                 \
                words[g] = f2f_or_##BITS(words[g], ones, bit);                                   \
            }                                                                                    \
            bit = _mm512_add_epi##BITS(bit, bit);                                                \
        }                                                                                        \
        for (int g = 0; g < GROUP; g++) _mm512_storeu_si512(out + at + g * LANES, words[g]);     \
    }
#define F2F_WORDS_512(WORD, LANES, MASK, BITS)                                                   \
    F2F_GROUP_512(WORD, LANES, MASK, BITS, 4)                                                    \
    F2F_GROUP_512(WORD, LANES, MASK, BITS, 1)                                                    \
    __attribute__((target("avx512f,avx512bw"))) static void f2f_words_512_##WORD(                \
        const f2f_decoder *d, const uint64_t *raw, WORD *out) {                                  \
        int64_t at = 0;                                                                          \
        for (; at + 3 * LANES < d->n_out && at + 4 * LANES <= 64 * d->words; at += 4 * LANES)    \
            f2f_group4_512_##WORD(d, raw, at, out);                                              \
        for (; at < d->n_out; at += LANES) f2f_group1_512_##WORD(d, raw, at, out);               \
    }
/* bits set so far are lower than `bit`: adding it is OR-ing it */
#define f2f_or_8(a, k, b) _mm512_mask_add_epi8(a, k, a, b)
#define f2f_or_16(a, k, b) _mm512_mask_add_epi16(a, k, a, b)
#define f2f_or_32(a, k, b) _mm512_mask_or_epi32(a, k, a, b)
#define f2f_or_64(a, k, b) _mm512_mask_or_epi64(a, k, a, b)
F2F_WORDS_512(uint8_t, 64, __mmask64, 8)
F2F_WORDS_512(uint16_t, 32, __mmask32, 16)
F2F_WORDS_512(uint32_t, 16, __mmask16, 32)
F2F_WORDS_512(uint64_t, 8, __mmask8, 64)
#define F2F_WORDS(WORD, simd) (simd ? f2f_words_512_##WORD : f2f_words_plain_##WORD)
static int f2f_decode_simd(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
#else
#define F2F_WORDS(WORD, simd) f2f_words_plain_##WORD
static int f2f_decode_simd(void) { return 0; }
#endif

/* Decode the blocks at addresses start … stop − 1. `raw` holds planes·words words, `run` RUN blocks
 * of 64·words weights. */
#define F2F_DECODE(WORD)                                                                         \
    F2F_WORDS_PLAIN(WORD)                                                                        \
    static void f2f_decode_##WORD(const f2f_decoder *d, int64_t start, int64_t stop, int simd,   \
                                  uint64_t *raw, WORD *run, WORD *out) {                         \
        void (*const words)(const f2f_decoder *, const uint64_t *, WORD *) =                     \
            F2F_WORDS(WORD, simd);                                                               \
        const int64_t width = 64 * d->words;                                                     \
        if (!d->stride) {                                                                        \
            for (int64_t t = start; t < stop; t++) {                                             \
                const int64_t first = t * d->n_out, left = d->size - first;                      \
                const int64_t n = left < d->n_out ? left : d->n_out;                             \
                f2f_block(d, t, raw);                                                            \
                words(d, raw, run);                                                              \
                for (int64_t i = 0; i < n; i++)                                                  \
                    out[first + i] = (WORD)(run[i] & -(WORD)d->mask[first + i]);                 \
            }                                                                                    \
            return;                                                                              \
        }                                                                                        \
        int64_t t = (int64_t)((unsigned __int128)start * (uint64_t)d->stride % (uint64_t)d->blocks); \
        for (int64_t at = start; at < stop; at += F2F_RUN) {                                     \
            const int64_t n = stop - at < F2F_RUN ? stop - at : F2F_RUN;                         \
            for (int64_t r = 0; r < n; r++) {                                                    \
                f2f_block(d, t, raw);                                                            \
                words(d, raw, run + r * width);                                                  \
                t += d->stride;                                                                  \
                if (t >= d->blocks) t -= d->blocks;                                              \
            }                                                                                    \
            for (int64_t i = 0; i < d->n_out; i++) {                                             \
                const int64_t first = i * d->blocks + at;                                        \
                const int64_t left = d->size - first, m = left < n ? left : n;                   \
                for (int64_t r = 0; r < m; r++)                                                  \
                    out[first + r] = (WORD)(run[r * width + i] & -(WORD)d->mask[first + r]);     \
            }                                                                                    \
        }                                                                                        \
    }
F2F_DECODE(uint8_t)
F2F_DECODE(uint16_t)
F2F_DECODE(uint32_t)
F2F_DECODE(uint64_t)

#endif
