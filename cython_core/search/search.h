/* Every search, and the choice among them: by code, by block sizes, by instruction set. */
#ifndef F2F_SEARCH_H
#define F2F_SEARCH_H
#include "basis.h"
#include "search_plain.h"

#define F2F_LEAST(p, q) ((p) < (q) ? (p) : (q))
enum { F2F_ISA_PLAIN = 0, F2F_ISA_AVX2 = 1, F2F_ISA_AVX512 = 2 };
#define F2F_TWO_LEAST 4        /* n_in from which level sets beat the plain step */
#define F2F_TWO_BUTTERFLY 9    /* care rows up to which a table of 2^n_u rows beats step_near.h */
#define F2F_REST_MOST 8        /* care rows more than the rank that step_near.h takes */
#define F2F_SHELLS 12          /* distances of pairs that it tries at most */
#define F2F_NEAR_MOST 160000   /* rows that it sums for a level: for more, bytes cost less */
#define F2F_ENOUGH(limit) ((limit) > 4 ? (limit) : 3) /* levels that it must give */
#define F2F_TRIPLES_SHELLS 10  /* distances of triples that step_triples.h tries at most */
#define F2F_TRIPLES_MOST 65536 /* triples that it may find */
#define F2F_TRIPLES_ENOUGH 2000 /* triples after which it tells no more levels apart */
#define F2F_LEVELS 7           /* costs above the minimum that are told apart at most, n_s = 2 */
#define F2F_JOINT 8            /* levels a butterfly may hold */
#define F2F_BYTES_BUTTERFLY 11 /* care rows up to which a table beats all pairs, in bytes */
#define F2F_BYTES_MOST F2F_BASIS_MOST /* care rows up to which costs in bytes are tried */
#define F2F_TRIES 32           /* times a search goes on from an unproven block, then all in bytes */
#define F2F_WIDEN 8            /* blocks before an unproven one that the next keeps in bytes */
#define F2F_TWO_STATE 2048     /* rows of 32 bytes, for the costs of one block in bytes */
#ifndef F2F_SEGMENT /* smaller in tools/aarch64.sh, to be tested there */
#define F2F_SEGMENT ((int64_t)1 << 18) /* such rows for the costs of a segment: 8 MB */
#define F2F_SEGMENTS 8                 /* of which the costs are kept */
#endif
#define F2F_ONE_BUTTERFLY 12  /* care rows up to which a table of 2^n_u beats all pairs */
#define F2F_ONE_SEGMENT 16384 /* blocks whose costs are kept at once: 4 MB */
#define F2F_ONE_MOST 100      /* care rows up to which byte costs are exact */

/* Memory of a segment, allocated when it is first wanted: short tiles, as a preview's, then find it
 * again in the heap. NULL if there is none. */
static void *f2f_segment(const f2f_tile *tile, int64_t part)
{
    void **segment = tile->segment + part % F2F_SEGMENTS;
    if (!*segment) *segment = aligned_alloc(64, (size_t)F2F_SEGMENT * 32);
    return *segment;
}

#define F2F_ISA
#define F2F_NAME(x) f2f_##x##_base
#define F2F_LEVEL 0
#include "search_one.h"
#include "rows.h"
#include "step_bytes.h"
#include "step_near.h"
#include "step_triples.h"
#include "step_two.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL

#if defined(__x86_64__)
#define F2F_ISA __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define F2F_NAME(x) f2f_##x##_avx2
#define F2F_LEVEL 1
#include "search_one.h"
#include "rows.h"
#include "step_bytes.h"
#include "step_near.h"
#include "step_triples.h"
#include "step_two.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL
#define F2F_ISA                                                                                   \
    __attribute__((target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,"   \
                          "avx512vpopcntdq,avx512bitalg")))
#define F2F_NAME(x) f2f_##x##_avx512
#define F2F_LEVEL 2
#include "search_one.h"
#include "rows.h"
#include "step_bytes.h"
#include "step_near.h"
#include "step_triples.h"
#include "step_two.h"
#include "search_two.h"
#undef F2F_ISA
#undef F2F_NAME
#undef F2F_LEVEL
#endif

/* The best instruction set this machine has. */
static int f2f_best_isa(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vpopcntdq") &&
        __builtin_cpu_supports("avx512bitalg"))
        return F2F_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return F2F_ISA_AVX2;
#endif
    return F2F_ISA_PLAIN;
}

#if defined(__x86_64__)
#define F2F_DISPATCH(name, ...)                                                                   \
    (isa == F2F_ISA_AVX512 ? f2f_##name##_avx512(__VA_ARGS__)                                     \
     : isa == F2F_ISA_AVX2 ? f2f_##name##_avx2(__VA_ARGS__)                                       \
                           : f2f_##name##_base(__VA_ARGS__))
#else
#define F2F_DISPATCH(name, ...) f2f_##name##_base(__VA_ARGS__)
#endif

static int f2f_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                      uint16_t *symbols, int64_t *mismatches, const volatile int *cancel, int isa)
{
    int most = 0;
    for (int64_t t = 0; t < tile->blocks; t++)
        if (tile->n_u[t] > most) most = tile->n_u[t];
    if (code->n_s == 0 && most <= 64)
        return F2F_DISPATCH(zero_search, code, tile, bits, symbols, mismatches, cancel);
    if (code->n_s == 1 && code->n_in <= 8 && most <= F2F_ONE_MOST)
        return F2F_DISPATCH(one_search, code, tile, bits, symbols, mismatches, cancel);
    if (tile->segment) {
        uint8_t *wide = malloc((size_t)tile->blocks);
        int status = wide ? F2F_RETRY : F2F_NO_MEMORY;
        for (int bytes = 0; status == F2F_RETRY && bytes < 2; bytes++) {
            memset(wide, bytes, (size_t)tile->blocks);
            status = F2F_DISPATCH(two_search, code, tile, bits, symbols, mismatches, cancel, wide);
        }
        free(wide);
        if (status != F2F_RETRY) return status;
    }
    return F2F_DISPATCH(plain_search, code, tile, bits, symbols, mismatches, cancel);
}

/* What the search of this code needs to know of a tile, for all planes. */
static int f2f_prepare(f2f_tile *tile, const f2f_code *code)
{
    if (code->n_s != 2 || code->n_in < F2F_TWO_LEAST || code->n_in > 8 || tile->blocks < 3)
        return F2F_OK;
    tile->segment = calloc(F2F_SEGMENTS, sizeof *tile->segment);
    return tile->segment ? F2F_OK : F2F_NO_MEMORY;
}

static void f2f_finish(f2f_tile *tile)
{
    for (int i = 0; tile->segment && i < F2F_SEGMENTS; i++) free(tile->segment[i]);
    free(tile->segment);
    f2f_tile_free(tile);
}
#endif
