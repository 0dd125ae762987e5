/* Decoding: symbols of all planes → weights.
 *
 * A block of a plane is the XOR of one table row per register stage. Eight planes of eight bits are
 * then an 8×8 bit matrix to transpose: with AVX-512 and GFNI eight matrices an instruction, else in
 * 64-bit registers (Warren, Hacker's Delight, 2nd ed., section 7-3).
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
    int64_t stride; /* block step from one address to the next; 0: row order */
} f2f_decoder;

/* Rows of a block, one for each plane and a multiple of 8: those past the planes stay 0. */
static inline int64_t f2f_rows(const f2f_decoder *d)
{
    return (d->planes + 7) / 8 * 8;
}

/* raw[w * rows + q]: word w of block t of the plane of bit q. `words` and `stages` are constants
 * where it is inlined for the usual sizes. */
static inline __attribute__((always_inline)) void f2f_lookup(const f2f_decoder *d, int64_t t,
                                                             uint64_t *restrict raw,
                                                             const int64_t words,
                                                             const int64_t stages)
{
    const int64_t planes = d->planes, rows = f2f_rows(d);
    const uint16_t *x = d->symbols + t * planes;
    for (int64_t p = 0; p < planes; p++) {
        const uint64_t *row[3] = {d->tables, d->tables, d->tables};
        for (int64_t k = 0; k < stages; k++)
            row[k] += (k * d->symbols_count + x[p - k * planes]) * words;
        for (int64_t w = 0; w < words; w++) {
            uint64_t bits = d->invert[p];
            for (int64_t k = 0; k < stages; k++) bits ^= row[k][w];
            raw[w * rows + planes - 1 - p] = bits;
        }
    }
}

static inline void f2f_lookup_any(const f2f_decoder *d, int64_t t, uint64_t *restrict raw,
                                  int64_t stages)
{
    const int64_t planes = d->planes, rows = f2f_rows(d);
    for (int64_t p = 0; p < planes; p++)
        for (int64_t w = 0; w < d->words; w++) {
            uint64_t bits = d->invert[p];
            for (int64_t k = 0; k < stages; k++) {
                const int64_t x = d->symbols[(t - k) * planes + p];
                bits ^= d->tables[(k * d->symbols_count + x) * d->words + w];
            }
            raw[w * rows + planes - 1 - p] = bits;
        }
}

static inline void f2f_block(const f2f_decoder *d, int64_t t, uint64_t *restrict raw)
{
    const int64_t words = d->words, filled = t % d->tile_blocks + 1;
    const int64_t stages = filled < d->stages ? filled : d->stages;
    switch (words <= 2 && stages <= 3 ? words * 4 + stages : 0) {
    case 5: f2f_lookup(d, t, raw, 1, 1); break;
    case 6: f2f_lookup(d, t, raw, 1, 2); break;
    case 7: f2f_lookup(d, t, raw, 1, 3); break;
    case 9: f2f_lookup(d, t, raw, 2, 1); break;
    case 10: f2f_lookup(d, t, raw, 2, 2); break;
    case 11: f2f_lookup(d, t, raw, 2, 3); break;
    default: f2f_lookup_any(d, t, raw, stages);
    }
}

/* The blocks of neighbouring addresses lie far apart: fetch the symbols of the next one early. */
static inline void f2f_prefetch(const f2f_decoder *d, int64_t t)
{
    const char *first =
        (const char *)(d->symbols + (t < d->stages ? 0 : t - d->stages + 1) * d->planes);
    const char *last = (const char *)(d->symbols + (t + 1) * d->planes);
    for (; first < last; first += 64) __builtin_prefetch(first);
}

static inline uint64_t f2f_transpose8(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
    return x ^ t ^ (t << 28);
}

/* Words of a block; `out` has room for 64 words for every one of d->words. */
#define F2F_WORDS_PLAIN(WORD)                                                            \
    static inline void f2f_words_plain_##WORD(const f2f_decoder *d, const uint64_t *raw, \
                                              WORD *out)                                 \
    {                                                                                    \
        const int64_t rows = f2f_rows(d);                                                \
        for (int64_t j = 0; 8 * j < d->n_out; j++) {                                     \
            const uint64_t *row = raw + j / 8 * rows;                                    \
            WORD eight[8] = {0};                                                         \
            for (int64_t low = 0; low < rows; low += 8) {                                \
                uint64_t square = 0;                                                     \
                for (int64_t i = 0; i < 8; i++)                                          \
                    square |= (row[low + i] >> (j % 8 * 8) & 255) << (8 * i);            \
                square = f2f_transpose8(square);                                         \
                for (int64_t i = 0; i < 8; i++)                                          \
                    eight[i] |= (WORD)((WORD)(square >> (8 * i) & 255) << low);          \
            }                                                                            \
            memcpy(out + 8 * j, eight, sizeof eight);                                    \
        }                                                                                \
    }

#ifdef F2F_X86
#define F2F_SIMD_TARGET "avx512f,avx512bw,avx512vl,avx512vbmi,gfni"
static inline int f2f_decode_simd(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni");
}

/* For each of `count` bytes of a word, 64 weights' bytes come from one transposition; they are put
 * in the order that leaves them in line once they are unpacked with the other bytes. */
__attribute__((target(F2F_SIMD_TARGET), always_inline)) static inline void
f2f_words_simd(const f2f_decoder *d, const uint64_t *raw, char *out, const int count)
{
    uint8_t gather[64], line[64];
    const int chunk = 16 / count;
    for (int i = 0; i < 64; i++) {
        gather[i] = (uint8_t)(8 * (7 - i % 8) + i / 8);
        line[i] = (uint8_t)(i % 16 / chunk * (64 / count) + chunk * (i / 16) + i % chunk);
    }
    const __m512i squares = _mm512_loadu_si512(gather), lined = _mm512_loadu_si512(line);
    const __m512i unit = _mm512_set1_epi64((long long)0x8040201008040201ull);
    for (int64_t w = 0; 64 * w < d->n_out; w++) {
        __m512i a[8], b[8];
        for (int g = 0; g < count; g++) {
            const __m512i rows = _mm512_loadu_si512(raw + w * f2f_rows(d) + 8 * g);
            const __m512i square = _mm512_permutexvar_epi8(squares, rows);
            a[g] = _mm512_permutexvar_epi8(lined, _mm512_gf2p8affine_epi64_epi8(unit, square, 0));
        }
        if (count >= 2) { /* pairs of bytes: b[r * count / 2 + g] */
            for (int g = 0; g < count / 2; g++) {
                b[g] = _mm512_unpacklo_epi8(a[2 * g], a[2 * g + 1]);
                b[count / 2 + g] = _mm512_unpackhi_epi8(a[2 * g], a[2 * g + 1]);
            }
            for (int r = 0; r < count; r++) a[r] = b[r];
        }
        if (count >= 4) {
            for (int r = 0; r < 2; r++)
                for (int g = 0; g < count / 4; g++) {
                    const __m512i low = a[r * count / 2 + 2 * g],
                                  high = a[r * count / 2 + 2 * g + 1];
                    b[2 * r * count / 4 + g] = _mm512_unpacklo_epi16(low, high);
                    b[(2 * r + 1) * count / 4 + g] = _mm512_unpackhi_epi16(low, high);
                }
            for (int r = 0; r < count; r++) a[r] = b[r];
        }
        if (count == 8) {
            for (int r = 0; r < 4; r++) {
                b[2 * r] = _mm512_unpacklo_epi32(a[2 * r], a[2 * r + 1]);
                b[2 * r + 1] = _mm512_unpackhi_epi32(a[2 * r], a[2 * r + 1]);
            }
            for (int r = 0; r < count; r++) a[r] = b[r];
        }
        for (int r = 0; r < count; r++) _mm512_storeu_si512(out + 64 * (w * count + r), a[r]);
    }
}
#define F2F_WORDS_SIMD(WORD)                                                    \
    __attribute__((target(F2F_SIMD_TARGET))) static inline void                 \
    f2f_words_simd_##WORD(const f2f_decoder *d, const uint64_t *raw, WORD *out) \
    {                                                                           \
        f2f_words_simd(d, raw, (char *)out, sizeof(WORD));                      \
    }
F2F_WORDS_SIMD(uint8_t)
F2F_WORDS_SIMD(uint16_t)
F2F_WORDS_SIMD(uint32_t)
F2F_WORDS_SIMD(uint64_t)

/* Transpose 16 × 16 words of 32 bits; rows lie `pitch` bytes apart. */
__attribute__((target(F2F_SIMD_TARGET), always_inline)) static inline void f2f_across(const char
                                                                                          *rows,
                                                                                      int64_t pitch,
                                                                                      __m512i x[16])
{
    __m512i y[16];
    for (int r = 0; r < 16; r++) x[r] = _mm512_loadu_si512(rows + r * pitch);
    for (int r = 0; r < 16; r += 2) {
        y[r] = _mm512_unpacklo_epi32(x[r], x[r + 1]);
        y[r + 1] = _mm512_unpackhi_epi32(x[r], x[r + 1]);
    }
    for (int r = 0; r < 16; r += 4) /* x[r + k]: column 4 j + k of rows r … r + 3 in quarter j */
        for (int k = 0; k < 2; k++) {
            x[r + 2 * k] = _mm512_unpacklo_epi64(y[r + k], y[r + 2 + k]);
            x[r + 2 * k + 1] = _mm512_unpackhi_epi64(y[r + k], y[r + 2 + k]);
        }
    for (int k = 0; k < 4; k++) {
        const __m512i p = _mm512_shuffle_i32x4(x[k], x[4 + k], 0x88);
        const __m512i q = _mm512_shuffle_i32x4(x[8 + k], x[12 + k], 0x88);
        const __m512i s = _mm512_shuffle_i32x4(x[k], x[4 + k], 0xdd);
        const __m512i u = _mm512_shuffle_i32x4(x[8 + k], x[12 + k], 0xdd);
        y[k] = _mm512_shuffle_i32x4(p, q, 0x88);
        y[8 + k] = _mm512_shuffle_i32x4(p, q, 0xdd);
        y[4 + k] = _mm512_shuffle_i32x4(s, u, 0x88);
        y[12 + k] = _mm512_shuffle_i32x4(s, u, 0xdd);
    }
    for (int c = 0; c < 16; c++) x[c] = y[c];
}

/* Weight i of `count` ≤ RUN blocks in `run`, masked, to out[i · blocks + at …]. */
__attribute__((target(F2F_SIMD_TARGET), always_inline)) static inline void f2f_place_simd(
    const f2f_decoder *d, const char *run, int64_t at, int64_t count, char *out, const int size)
{
    __m512i column[16];
    for (int64_t i = 0; i < d->n_out; i++) {
        const int64_t first = i * d->blocks + at, left = d->size - first;
        const int part = (int)(i % (4 / size)); /* of 32 bits */
        if (i % (64 / size) == 0) f2f_across(run + i * size, 64 * d->words * size, column);
        const int64_t n = left < count ? left : count;
        if (n <= 0) continue;
        const __mmask16 there = (__mmask16)((1u << n) - 1);
        const __m128i kept = _mm_maskz_loadu_epi8(there, d->mask + first);
        const __m512i x = _mm512_maskz_srl_epi32(_mm_test_epi8_mask(kept, kept),
                                                 column[i % (64 / size) / (4 / size)],
                                                 _mm_cvtsi32_si128(8 * size * part));
        if (size == 4)
            _mm512_mask_storeu_epi32(out + 4 * first, there, x);
        else if (size == 2)
            _mm512_mask_cvtepi32_storeu_epi16(out + 2 * first, there, x);
        else
            _mm512_mask_cvtepi32_storeu_epi8(out + first, there, x);
    }
}
#define F2F_PLACE_SIMD(WORD)                                                                \
    __attribute__((target(F2F_SIMD_TARGET))) static inline void                             \
    f2f_place_simd_##WORD(const f2f_decoder *d, const WORD *run, int64_t at, int64_t count, \
                          WORD *out)                                                        \
    {                                                                                       \
        f2f_place_simd(d, (const char *)run, at, count, (char *)out, sizeof(WORD));         \
    }
F2F_PLACE_SIMD(uint8_t)
F2F_PLACE_SIMD(uint16_t)
F2F_PLACE_SIMD(uint32_t)
#define f2f_place_simd_uint64_t      f2f_place_plain_uint64_t
#define F2F_CHOOSE(name, WORD, simd) (simd ? f2f_##name##_simd_##WORD : f2f_##name##_plain_##WORD)
#else
static inline int f2f_decode_simd(void)
{
    return 0;
}
#define F2F_CHOOSE(name, WORD, simd) ((void)simd, f2f_##name##_plain_##WORD)
#endif

#define F2F_PLACE_PLAIN(WORD)                                                                    \
    static inline void f2f_place_plain_##WORD(const f2f_decoder *d, const WORD *run, int64_t at, \
                                              int64_t count, WORD *out)                          \
    {                                                                                            \
        const int64_t width = 64 * d->words;                                                     \
        for (int64_t i = 0; i < d->n_out; i++) {                                                 \
            const int64_t first = i * d->blocks + at, left = d->size - first;                    \
            const int64_t n = left < count ? left : count;                                       \
            for (int64_t r = 0; r < n; r++)                                                      \
                out[first + r] = (WORD)(run[r * width + i] & -(WORD)d->mask[first + r]);         \
        }                                                                                        \
    }

/* Decode the blocks at addresses start … stop − 1. `raw` holds rows·words zeros, `run` RUN blocks
 * of 64·words weights. */
#define F2F_DECODE(WORD)                                                                     \
    F2F_WORDS_PLAIN(WORD)                                                                    \
    F2F_PLACE_PLAIN(WORD)                                                                    \
    static inline void f2f_decode_##WORD(const f2f_decoder *d, int64_t start, int64_t stop,  \
                                         int simd, uint64_t *raw, WORD *run, WORD *out)      \
    {                                                                                        \
        void (*const words)(const f2f_decoder *, const uint64_t *, WORD *) =                 \
            F2F_CHOOSE(words, WORD, simd);                                                   \
        void (*const place)(const f2f_decoder *, const WORD *, int64_t, int64_t, WORD *) =   \
            F2F_CHOOSE(place, WORD, simd);                                                   \
        const int64_t width = 64 * d->words;                                                 \
        if (!d->stride) {                                                                    \
            for (int64_t t = start; t < stop; t++) {                                         \
                const int64_t first = t * d->n_out, left = d->size - first;                  \
                const int64_t n = left < d->n_out ? left : d->n_out;                         \
                f2f_block(d, t, raw);                                                        \
                words(d, raw, run);                                                          \
                for (int64_t i = 0; i < n; i++)                                              \
                    out[first + i] = (WORD)(run[i] & -(WORD)d->mask[first + i]);             \
            }                                                                                \
            return;                                                                          \
        }                                                                                    \
        int64_t t =                                                                          \
            (int64_t)((unsigned __int128)start * (uint64_t)d->stride % (uint64_t)d->blocks); \
        for (int64_t at = start; at < stop; at += F2F_RUN) {                                 \
            const int64_t n = stop - at < F2F_RUN ? stop - at : F2F_RUN;                     \
            for (int64_t r = 0; r < n; r++) {                                                \
                const int64_t now = t;                                                       \
                t += d->stride;                                                              \
                if (t >= d->blocks) t -= d->blocks;                                          \
                f2f_prefetch(d, t);                                                          \
                f2f_block(d, now, raw);                                                      \
                words(d, raw, run + r * width);                                              \
            }                                                                                \
            place(d, run, at, n, out);                                                       \
        }                                                                                    \
    }
F2F_DECODE(uint8_t)
F2F_DECODE(uint16_t)
F2F_DECODE(uint32_t)
F2F_DECODE(uint64_t)

/* Quotients and addresses by multiplication: exact for positions below 2^63 / n_out and fewer than
 * 2^32 blocks (Granlund and Montgomery, 1994). */
typedef struct {
    int64_t n_out, blocks;
    uint64_t per_n_out, turn; /* 2^63 / n_out and 2^64 step / blocks, rounded up */
} f2f_address;

static inline f2f_address f2f_addressing(int64_t n_out, int64_t blocks, int64_t step)
{
    const unsigned __int128 one = (unsigned __int128)1 << 64;
    f2f_address x = {n_out, blocks, 0, 0};
    x.per_n_out = ((uint64_t)1 << 63) / (uint64_t)n_out + 1;
    x.turn = (uint64_t)((one * (uint64_t)step + (uint64_t)blocks - 1) / (uint64_t)blocks);
    return x;
}

/* The weight at position t n_out + i of a plane in the interleaved order: i l + t step mod l. */
static inline int64_t f2f_weight_at(const f2f_address *x, int64_t at)
{
    const uint64_t t = (uint64_t)((unsigned __int128)(uint64_t)at * x->per_n_out >> 63);
    const uint64_t address =
        (uint64_t)((unsigned __int128)(t * x->turn) * (uint64_t)x->blocks >> 64);
    return (at - (int64_t)t * x->n_out) * x->blocks + (int64_t)address;
}

#endif
