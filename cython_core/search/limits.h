/* Thresholds of the search, all in one place. They choose among ways that give the same symbols, or
 * bound memory; they were measured (docs/exact-search.md). "Care" counts care bits of a block. */
#ifndef F2F_LIMITS_H
#define F2F_LIMITS_H

/* n_s = 1: search_one.h */
#define F2F_ONE_MAX_TABLE_CARE 12    /* care to which a table of 2^n_u costs beats all pairs */
#define F2F_ONE_MAX_CARE       100   /* care to which costs fit bytes */
#define F2F_ONE_SEGMENT_BLOCKS 16384 /* blocks whose costs are kept at once: 4 MB */

/* n_s = 2: search_two.h */
#define F2F_TWO_N_IN_FROM   4    /* n_in from which it beats search_general.h */
#define F2F_TWO_MAX_LEVELS  7    /* costs above the least that are told apart, in level sets */
#define F2F_TWO_MAX_RESUMES 32   /* times it goes on from an unproven block; then all in bytes */
#define F2F_TWO_WIDEN       8    /* blocks before an unproven one that are then kept in bytes */
#define F2F_TWO_STATE_ROWS  2048 /* rows of 32 bytes that hold the costs of one block in bytes */
#ifndef F2F_TWO_SEGMENT_ROWS     /* smaller in tools/aarch64.sh, to be tested there */
#define F2F_TWO_SEGMENT_ROWS ((int64_t)1 << 18) /* rows that hold the costs of a segment: 8 MB */
#define F2F_TWO_SEGMENTS     8                  /* segments whose costs are kept */
#endif

/* a block at n_s = 2: step_levels.h, step_near.h, step_triples.h, step_bytes.h */
#define F2F_LEVELS_MAX_CARE  9      /* care to which a table of 2^n_u outputs is made */
#define F2F_LEVELS_MAX_JOINT 8      /* levels that the table holds */
#define F2F_NEAR_MAX_REST    8      /* care bits without a pivot that pairs take */
#define F2F_NEAR_DISTANCES   12     /* distances of pairs that are tried: 0 to 11 */
#define F2F_NEAR_MAX_WORK    160000 /* rows summed for a level: for more, bytes cost less */
/* of `limit` levels, those that pairs must give */
#define F2F_NEAR_ENOUGH(limit) ((limit) > 4 ? (limit) : 3)
#define F2F_TRIPLES_DISTANCES  10    /* distances of triples that are tried: 0 to 9 */
#define F2F_TRIPLES_MAX        65536 /* triples that may be found */
#define F2F_TRIPLES_ENOUGH     2000  /* triples after which no more levels are told apart */
#define F2F_BASIS_MAX_CARE 112 /* care that a basis takes: with 16 pivots, the bits of f2f_output */
#define F2F_BYTES_MAX_CARE F2F_BASIS_MAX_CARE /* care that costs in bytes take */
#define F2F_BYTES_MAX_TABLE_CARE 11           /* care to which a table beats all pairs, in bytes */

/* any code: search_general.h */
#define F2F_GENERAL_MAX_N_IN 12
#define F2F_GENERAL_LANES    32 /* middles m that a transform takes side by side */
/* greatest cost and care together for which all pairs use bytes */
#define F2F_GENERAL_MAX_BYTE_COST 200
#endif
