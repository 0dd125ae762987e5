/* What a file holds as bits: symbols, corrections, masks. A bit string's first bit is bit 0 of its first
 * byte; a number's least significant bit comes first. No function reads beyond the bytes it is given. */
#ifndef F2F_CODING_H
#define F2F_CODING_H
#include "decode/decode.h"

#define F2F_RICE_MOST 31 /* the largest k: what is coded is below 2^32 */

/* `count` numbers of `width` ≤ 16 bits from bit `first` on; the bytes hold them all. */
void f2f_unpack_numbers(const uint8_t *bytes, int64_t length, int64_t first, int64_t count,
                        int width, uint16_t *out, enum f2f_decode_set set);

/* Write them; `bytes` is 0 from bit `first` on. */
void f2f_pack_numbers(const uint16_t *numbers, int64_t count, int width, int64_t first,
                      uint8_t *bytes);

/* Golomb-Rice, split: the gaps between increasing numbers, every quotient in unary, then every
 * remainder in k bits. All return a number of bits, or −1 where the bytes hold no such numbers below
 * `limit` ≤ 2^32. */
int64_t f2f_rice_unpack(const uint8_t *bytes, int64_t length, int64_t count, int k, int64_t limit,
                        uint32_t *out, enum f2f_decode_set set);
/* The least k that takes the fewest bits, and those bits. */
int64_t f2f_rice_bits(const uint32_t *numbers, int64_t count, int *k);
/* `bytes` is 0. */
int64_t f2f_rice_pack(const uint32_t *numbers, int64_t count, int k, uint8_t *bytes);

/* The paper's chunks of 2^width positions: a flag 1 and a position in the chunk for each number, a flag
 * 0 at its end. */
int64_t f2f_chunk_unpack(const uint8_t *bytes, int64_t length, int64_t count, int width,
                         int64_t limit, int64_t *out);
int64_t f2f_chunk_pack(const int64_t *numbers, int64_t count, int width, int64_t limit,
                       uint8_t *bytes);

/* Where flags are `wanted` (0 or 1), `count` of them at most; returns how many. */
int64_t f2f_list_flags(const uint8_t *flags, int64_t size, int wanted, int64_t count, uint32_t *out,
                       enum f2f_decode_set set);

/* Flags from a range coder whose flag 0 owns the quantiles below `cut` of 2^24; words that are missing
 * at the end read as 0. Returns the ones, or −1 where the coder never gives such words. */
int64_t f2f_range_unpack(const uint8_t *bytes, int64_t length, int64_t size, uint64_t cut,
                         uint8_t *flags);
#endif
