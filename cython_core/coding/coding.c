/* Bit strings where vectors do not help, and the choice among the kernels where they do. */
#include "coding.h"
#include "bits.h"
#include "kernels.h"
#include <assert.h>

static const f2f_coding_kernels *kernels_of(enum f2f_decode_set set)
{
    assert(set <= f2f_best_decode_set());
#if defined(__x86_64__)
    if (set == F2F_DECODE_AVX512) return &f2f_coding_avx512;
    if (set == F2F_DECODE_GFNI) return &f2f_coding_gfni;
    if (set == F2F_DECODE_AVX2) return &f2f_coding_avx2;
#endif
    (void)set;
    return &f2f_coding_portable;
}

void f2f_unpack_numbers(const uint8_t *bytes, int64_t length, int64_t first, int64_t count,
                        int width, uint16_t *out, enum f2f_decode_set set)
{
    assert(width >= 1 && width <= 16 && first + count * width <= 8 * length);
    kernels_of(set)->unpack_numbers(bytes, length, first, count, width, out);
}

int64_t f2f_rice_unpack(const uint8_t *bytes, int64_t length, int64_t count, int k, int64_t limit,
                        uint32_t *out, enum f2f_decode_set set)
{
    assert(limit >= 0 && limit <= (int64_t)1 << 32);
    return kernels_of(set)->rice_unpack(bytes, length, count, k, limit, out);
}

int64_t f2f_list_flags(const uint8_t *flags, int64_t size, int wanted, int64_t count, uint32_t *out,
                       enum f2f_decode_set set)
{
    return kernels_of(set)->list_flags(flags, size, wanted, count, out);
}

void f2f_pack_numbers(const uint16_t *numbers, int64_t count, int width, int64_t first,
                      uint8_t *bytes)
{
    f2f_writer w = f2f_write_from(bytes, first);
    for (int64_t j = 0; j < count; j++) f2f_write(&w, numbers[j], width);
    f2f_write_rest(&w);
}

/* Bits of all quotients at k, with their ends. */
static int64_t unary_bits(const uint32_t *numbers, int64_t count, int k)
{
    int64_t sum = count ? numbers[0] >> k : 0;
    for (int64_t j = 1; j < count; j++) sum += (numbers[j] - numbers[j - 1] - 1) >> k;
    return sum + count;
}

int64_t f2f_rice_bits(const uint32_t *numbers, int64_t count, int *k)
{
    *k = 0;
    if (!count) return 0;
    /* bits are convex in k: from near the mean gap downhill both ways */
    const int64_t mean = ((int64_t)numbers[count - 1] + 1 - count) / count;
    int best = 0;
    while (best < F2F_RICE_MOST && mean >> (best + 1)) best++;
    int64_t least = unary_bits(numbers, count, best) + count * best;
    while (best > 0) {
        const int64_t bits = unary_bits(numbers, count, best - 1) + count * (best - 1);
        if (bits > least) break;
        least = bits, best--;
    }
    while (best < F2F_RICE_MOST) {
        const int64_t bits = unary_bits(numbers, count, best + 1) + count * (best + 1);
        if (bits >= least) break;
        least = bits, best++;
    }
    *k = best;
    return least;
}

int64_t f2f_rice_pack(const uint32_t *numbers, int64_t count, int k, uint8_t *bytes)
{
    int64_t end = 0;
    uint32_t next = 0; /* least that may come */
    for (int64_t j = 0; j < count; j++) {
        end += (numbers[j] - next) >> k;
        bytes[end >> 3] |= (uint8_t)(1 << (end & 7));
        end++;
        next = numbers[j] + 1;
    }
    f2f_writer w = f2f_write_from(bytes, end);
    const uint32_t low = (uint32_t)(((uint64_t)1 << k) - 1);
    next = 0;
    for (int64_t j = 0; j < count; j++) {
        f2f_write(&w, (numbers[j] - next) & low, k);
        next = numbers[j] + 1;
    }
    if (count) f2f_write_rest(&w);
    return end + count * k;
}

int64_t f2f_chunk_unpack(const uint8_t *bytes, int64_t length, int64_t count, int width,
                         int64_t limit, int64_t *out)
{
    int64_t at = 0, found = 0, last = -1;
    for (int64_t chunk = 0; chunk << width < limit; chunk++) {
        for (;; at += width) {
            if (at >= 8 * length) return -1;
            const uint64_t flag = f2f_bits_at(bytes, length, at++, 1);
            if (!flag) break;
            if (at + width > 8 * length || found == count) return -1;
            const int64_t number =
                (chunk << width) + (int64_t)f2f_bits_at(bytes, length, at, width);
            if (number <= last || number >= limit) return -1;
            out[found++] = last = number;
        }
    }
    return found == count ? at : -1;
}

int64_t f2f_chunk_pack(const int64_t *numbers, int64_t count, int width, int64_t limit,
                       uint8_t *bytes)
{
    f2f_writer w = f2f_write_from(bytes, 0);
    int64_t j = 0, bits = 0;
    for (int64_t chunk = 0; chunk << width < limit; chunk++) {
        for (; j < count && numbers[j] >> width == chunk; j++, bits += width + 1) {
            f2f_write(&w, 1, 1);
            f2f_write(&w, (uint64_t)numbers[j] & (((uint64_t)1 << width) - 1), width);
        }
        f2f_write(&w, 0, 1);
        bits++;
    }
    f2f_write_rest(&w);
    return bits;
}

int64_t f2f_range_unpack(const uint8_t *bytes, int64_t length, int64_t size, uint64_t cut,
                         uint8_t *flags)
{
    /* `ahead` is the coder's point less its lower end. A quotient of it by scale is not below cut just
     * where ahead is not below scale · cut: no division. */
    const uint64_t rest = ((uint64_t)1 << 24) - cut;
    uint64_t width = ~(uint64_t)0, never = 0, ahead = 0;
    int64_t at = 8, ones = 0;
    for (int64_t i = 0; i < 8; i += 4)
        ahead = ahead << 32 | (f2f_bytes_at(bytes, length, i) & 0xFFFFFFFF);
    for (int64_t j = 0; j < size; j++) {
        const uint64_t scale = width >> 24, edge = scale * cut;
        const uint64_t flag = ahead >= edge;
        never |= ahead >= scale << 24;
        ahead -= edge & -flag;
        width = flag ? scale * rest : edge;
        if (__builtin_expect(width >> 32 == 0, 0)) {
            width <<= 32;
            ahead = ahead << 32 | (f2f_bytes_at(bytes, length, at) & 0xFFFFFFFF);
            at += 4;
        }
        flags[j] = (uint8_t)flag;
        ones += (int64_t)flag;
    }
    return never ? -1 : ones;
}
