/* Exact search for n_s = 2 and n_in <= 8: the costs of every block, by step_two.h, then the path that
 * leaves the fewest care bits wrong, found backwards.
 *
 * Costs take some 32 kB a block. They lie in segments of memory, of which the latest F2F_TWO_SEGMENTS are
 * kept; of older ones only a copy of the costs at the head, from which the path, when it gets there, has
 * them computed again. Costs are level sets, and may be lower bounds above the last level: where the path
 * uses one it is not proven. The blocks before are then marked to be kept in bytes and costs are computed
 * again from there, until they are what they were: so are all later ones, and the path down to there. */
#ifndef F2F_SEARCH_TWO_H
#define F2F_SEARCH_TWO_H
#include "machine/memory.h"
#include "step_two.h"
#include <stdlib.h>

#define F2F_TWO_SPANS (3 * F2F_MAX_WORDS * 256) /* 64-bit words: spans of three maps */

enum { TWO_GIVES_UP = 100 }; /* a status beside those of search.h: bytes do not hold the costs */

/* One step back on the path, over block t, after which the register is x_t = now, x_{t-1} = before. The
 * symbol c that left it is the lowest whose cost, in x = the costs of block t - 1, and wrong care bits
 * sum to `target`. Returns c, and *cost, that cost; or -1 where the cost is a lower bound, so that the
 * path is not proven (or where there is none, which costs of this search do not bring about). span: F2F_TWO_SPANS words. */
static inline int two_back(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                           const two_costs *x, uint64_t *span, int64_t t, int now, int before,
                           int target, int *cost)
{
    int n_in = code->n_in, n_u = tile->n_u[t], words = words_of(n_u), c = -1, wrong;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS] = {0};
    wanted(code, tile, t, bits + t * code->words, w);
    for (int j = 0; j < n_in; j++)
        for (int k = 0; k < words; k++)
            w[k] ^= (cols[j * words + k] & -(uint64_t)(now >> j & 1)) ^
                    (cols[(n_in + j) * words + k] & -(uint64_t)(before >> j & 1));
    span_words(cols + 2 * n_in * words, n_in, words, w, span);
    do {
        if (++c >> n_in) return -1;
        wrong = 0;
        for (int k = 0; k < words; k++) wrong += __builtin_popcountll(span[c * words + k]);
    } while (wrong > target || two_cost(x, c, before) != target - wrong);
    *cost = target - wrong;
    return x->clamped && *cost == x->levels ? -1 : c;
}

/* Levels to keep of the costs of block t; above F2F_TWO_MAX_LEVELS, all costs in bytes, as where wide[t].
 * What the best path has above the least cost, the next two blocks give back: measured, nearly always
 * less than this. A heavy block beside a light one wants levels (step_triples.h), where two heavy ones
 * would want bytes. */
static inline int two_limit(const f2f_tile *tile, int64_t t, const uint8_t *wide)
{
    int next = t + 1 < tile->blocks ? tile->n_u[t + 1] : 0;
    int then = t + 2 < tile->blocks ? tile->n_u[t + 2] : 0, n_u = next + then;
    if (wide[t] || (n_u > 40 && (n_u > 56 || (next > 12 && then > 12))))
        return F2F_TWO_MAX_LEVELS + 1;
    return n_u <= 11 ? 3 : n_u <= 16 ? 4 : n_u <= 21 ? 5 : n_u <= 24 ? 6 : F2F_TWO_MAX_LEVELS;
}

/* Costs of block 1 outright, the register being 0 before block 0; s, new and what is returned as in
 * two_step. bits: the tile's. span: F2F_TWO_SPANS words. */
static inline int two_first(two_space *s, const f2f_code *code, const f2f_tile *tile,
                            const uint64_t *bits, uint64_t *span, two_costs *new)
{
    int n_in = code->n_in, symbols = 1 << n_in, least = 255, most = 0;
    int r0 = words_of(tile->n_u[0]), r1 = words_of(tile->n_u[1]);
    const uint64_t *c0 = tile->cols + tile->start[0], *c1 = tile->cols + tile->start[1];
    uint64_t w[F2F_MAX_WORDS], *ya = span + ((size_t)F2F_MAX_WORDS << 8),
                               *yb = ya + ((size_t)F2F_MAX_WORDS << 8);
    assert(tile->blocks >= 3 && n_in <= 8);
    if (tile->n_u[0] + tile->n_u[1] > 254) return -1;
    wanted(code, tile, 0, bits, w);
    span_words(c0, n_in, r0, r0 ? w : NULL, span);
    wanted(code, tile, 1, bits + code->words, w);
    span_words(c1, n_in, r1, NULL, ya);
    span_words(c1 + n_in * r1, n_in, r1, r1 ? w : NULL, yb);
    uint8_t *costs = new->byte ? new->byte : s->new;
    for (int m = 0; m < symbols; m++) {
        int first = 0;
        for (int k = 0; k < r0; k++) first += __builtin_popcountll(span[m * r0 + k]);
        for (int a = 0; a < 256; a++) {
            int x = a & (symbols - 1), v = first;
            if (r1) v += distance(ya + x * r1, yb + m * r1, r1);
            costs[256 * m + a] = (uint8_t)v;
            least = F2F_MIN(least, v);
            most = v > most ? v : most;
        }
    }
    for (int i = 0; i < 256 << n_in; i++) costs[i] = (uint8_t)(costs[i] - least);
    new->clamped = 0;
    if (new->byte)
        new->levels = most - least;
    else
        two_cut(costs, n_in, most - least, s->limit, new);
    return least;
}

/* Where a segment begins: the costs of this block. */
typedef struct {
    int64_t first;
    two_costs costs;
    f2f_row rows[F2F_TWO_STATE_ROWS];
} two_head;

typedef struct {
    const f2f_code *code;
    const f2f_tile *tile;
    const uint64_t *bits;
    const volatile int *cancel;
    two_space *space;
    uint64_t *span;
    two_costs *costs; /* of each block from 1: in the segments that are kept, and the one at hand */
    uint8_t *wide;    /* of each block: its costs are to be kept in bytes */
    two_head *head;   /* of each segment */
    int64_t heads;    /* segments that there may be */
    int64_t part;     /* the segment at hand, ... */
    f2f_row *begin, *top; /* ... its memory, and where the next costs go */
    int64_t kept, last;   /* the segments from this to the last are kept */
    f2f_row *aside; /* where the next costs that are found again go, or NULL: to its beginning */
    int64_t mismatches; /* of all blocks whose costs are known */
    int now, before;    /* the path: x_t and x_{t-1} after the block at hand, ... */
    int excess;         /* ... and that state's cost above the least */
} two_run;

/* Memory of a segment, taken when it is first wanted: short tiles, as a preview's, then find it again in
 * the heap. NULL if there is none. Number F2F_TWO_SEGMENTS is for costs that are found again. */
static inline f2f_row *two_memory(const f2f_tile *tile, int64_t number)
{
    void **segment = tile->segment + number;
    if (!*segment) *segment = f2f_aligned((size_t)F2F_TWO_SEGMENT_ROWS * sizeof(f2f_row));
    return *segment;
}

static inline f2f_row *two_segment(const f2f_tile *tile, int64_t part)
{
    return two_memory(tile, part % F2F_TWO_SEGMENTS);
}

/* Whether there is room for the costs of a block. */
static inline int two_room(const two_run *r)
{
    return r->top <= r->begin + F2F_TWO_SEGMENT_ROWS - F2F_TWO_STATE_ROWS;
}

/* Costs of block 1, and the first segment, which they head. */
static inline int two_begin(two_run *r)
{
    two_head *h = r->head;
    r->part = r->kept = 0;
    r->aside = NULL;
    r->begin = r->top = two_segment(r->tile, 0);
    if (!r->begin) return F2F_NO_MEMORY;
    h->first = 1;
    h->costs.level = h->rows;
    r->space->limit = two_limit(r->tile, 1, r->wide);
    h->costs.byte = r->space->limit > F2F_TWO_MAX_LEVELS ? (uint8_t *)h->rows : NULL;
    h->costs.least = two_first(r->space, r->code, r->tile, r->bits, r->span, &h->costs);
    if (h->costs.least < 0) return TWO_GIVES_UP;
    assert(two_sound(&h->costs, r->code->n_in));
    r->costs[1] = h->costs;
    r->mismatches = h->costs.least;
    return F2F_OK;
}

/* The next segment, headed by the costs of block t. */
static inline int two_new_segment(two_run *r, int64_t t)
{
    two_head *h = r->head + ++r->part;
    assert(r->part < r->heads);
    h->first = t;
    h->costs = r->costs[t];
    h->costs.level = h->rows;
    if (h->costs.byte) h->costs.byte = (uint8_t *)h->rows;
    memcpy(h->rows, r->costs[t].level, (size_t)two_rows(r->costs + t) * sizeof(f2f_row));
    r->costs[t] = h->costs;
    r->begin = r->top = two_segment(r->tile, r->part);
    return r->top ? F2F_OK : F2F_NO_MEMORY;
}

/* Costs of block t, from those of block t - 1, into the segment at hand. */
static inline int two_next(two_run *r, int64_t t)
{
    two_costs *new = r->costs + t;
    if (*r->cancel) return F2F_CANCELLED;
    assert(r->top >= r->begin && r->top + F2F_TWO_STATE_ROWS <= r->begin + F2F_TWO_SEGMENT_ROWS);
    new->level = r->top;
    r->space->limit = two_limit(r->tile, t, r->wide);
    new->byte = r->space->limit > F2F_TWO_MAX_LEVELS ? (uint8_t *)r->top : NULL;
    new->least =
        two_step(r->space, r->code, r->tile, t, r->bits + t * r->code->words, new - 1, new);
    if (new->least < 0) return TWO_GIVES_UP;
    assert(two_sound(new, r->code->n_in));
    r->top += two_rows(new);
    return F2F_OK;
}

/* Costs of the blocks after t, whose costs are known, to the last. */
static inline int two_forward(two_run *r, int64_t t)
{
    int status = F2F_OK;
    while (t < r->tile->blocks - 1) {
        if (!two_room(r)) status = two_new_segment(r, t);
        if (!status) status = two_next(r, ++t);
        if (status) return status;
        r->mismatches += r->costs[t].least;
    }
    r->last = r->part;
    if (r->kept < r->part - F2F_TWO_SEGMENTS + 1) r->kept = r->part - F2F_TWO_SEGMENTS + 1;
    return F2F_OK;
}

/* Costs of the segment at hand once more, up to the head of the next. */
static inline int two_again(two_run *r)
{
    const two_head *h = r->head + r->part;
    int status = F2F_OK;
    r->begin = r->top = two_segment(r->tile, r->part);
    assert(r->begin);
    r->costs[h->first] = h->costs;
    for (int64_t t = h->first; !status && t < h[1].first;) status = two_next(r, ++t);
    return status;
}

/* The path's end, after the last block: of the states of no cost the lowest, by x_{t-1}, then x_t. */
static inline void two_end(two_run *r)
{
    const two_costs *last = r->costs + r->tile->blocks - 1;
    int k = 0;
    while (two_cost(last, k >> 8, k & 255)) k++;
    assert(k < 256 << r->code->n_in);
    r->before = k >> 8, r->now = k & 255, r->excess = 0;
}

/* The path back from block t to the head of the segment at hand; returns that block, or a later one: the
 * one over which the path is not proven. */
static inline int64_t two_back_from(two_run *r, int64_t t, uint16_t *symbols)
{
    for (; t > r->head[r->part].first; t--) {
        symbols[t] = (uint16_t)r->now;
        int c = two_back(r->code, r->tile, r->bits, r->costs + t - 1, r->span, t, r->now, r->before,
                         r->excess + r->costs[t].least, &r->excess);
        if (c < 0) break;
        r->now = r->before, r->before = c;
    }
    return t;
}

/* Block t is not proven: marks blocks before it to be kept in bytes. Returns a block whose costs are
 * known, after which they are to be found again; -1 where there is none. */
static inline int64_t two_widen(two_run *r, int64_t t)
{
    int64_t from = t - F2F_TWO_WIDEN - 1;
    if (from <
        r->head[r->part].first) { /* in the segment before, if there is one: its head if not kept */
        if (r->part) r->part--;
        if (r->part < r->kept || from < r->head[r->part].first) {
            from = r->head[r->part].first;
            r->costs[from] = r->head[r->part].costs;
        }
    }
    if (from == t - 1) return -1;
    for (int64_t k = t - 1; k > from && k >= t - F2F_TWO_WIDEN; k--) r->wide[k] = 1;
    return from;
}

/* Costs of the blocks after `from` again, aside, until those of a block after t, at most `end`, are what
 * they were: *met, where the path, known from the last block to t, then goes on. Else *met is 0. */
static inline int two_mend(two_run *r, int64_t from, int64_t t, int64_t end,
                           const uint16_t *symbols, int64_t *met)
{
    r->begin = two_memory(r->tile, F2F_TWO_SEGMENTS);
    if (!r->begin) return F2F_NO_MEMORY;
    r->top = r->aside ? r->aside : r->begin;
    for (int64_t k = from + 1; k <= end && two_room(r); k++) {
        two_costs *new = r->costs + k, old = *new;
        const int status = two_next(r, k);
        if (status) return status;
        r->mismatches += new->least - old.least;
        if (k > t && two_same(&old, new, r->code->n_in)) {
            r->now = symbols[k], r->before = symbols[k - 1];
            r->excess = two_cost(new, r->before, r->now);
            r->aside = r->top;
            *met = k;
            return F2F_OK;
        }
    }
    *met = 0;
    return F2F_OK;
}

/* Goes back to the head of the segment at hand, which is returned: all later costs are to be found again,
 * in the segments. */
static inline int64_t two_rewind(two_run *r)
{
    const int64_t from = r->head[r->part].first;
    for (int64_t k = from + 1; k < r->tile->blocks; k++) r->mismatches -= r->costs[k].least;
    if (r->kept > r->part) r->kept = r->part;
    r->costs[from] = r->head[r->part].costs;
    r->begin = r->top = two_segment(r->tile, r->part);
    r->aside = NULL;
    return from;
}

/* The symbols of the path. */
static inline int two_path(two_run *r, uint16_t *symbols)
{
    int64_t t = 1, met = 0;
    int status = two_begin(r);
    for (int resumes = 0; !status && resumes < F2F_TWO_MAX_RESUMES; resumes++) {
        if (!met) {
            if ((status = two_forward(r, t))) return status;
            two_end(r);
            met = r->tile->blocks - 1;
        }
        t = met;
        while ((t = two_back_from(r, t, symbols)) == r->head[r->part].first) {
            if (!r->part) {
                symbols[1] = (uint16_t)r->now, symbols[0] = (uint16_t)r->before;
                return F2F_OK;
            }
            if (--r->part < r->kept && (status = two_again(r))) return status;
        }
        /* beyond the segment at hand costs may be gone */
        const int64_t end = r->part < r->last ? r->head[r->part + 1].first : r->tile->blocks - 1;
        const int64_t from = two_widen(r, t);
        if (from < 0) return TWO_GIVES_UP;
        status = two_mend(r, from, t, end, symbols, &met);
        if (!status && !met) t = two_rewind(r);
    }
    return status ? status : TWO_GIVES_UP;
}

/* As f2f_search, for tiles that have segments; or TWO_GIVES_UP. Where too many blocks are not proven,
 * all costs are kept in bytes. */
static inline int two_search(const f2f_code *code, const f2f_tile *tile, const uint64_t *bits,
                             uint16_t *symbols, int64_t *mismatches, const volatile int *cancel)
{
    two_run r = {.code = code, .tile = tile, .bits = bits, .cancel = cancel};
    size_t blocks = (size_t)tile->blocks;
    int status = F2F_NO_MEMORY;
    r.heads = tile->blocks * F2F_TWO_STATE_ROWS / (F2F_TWO_SEGMENT_ROWS - F2F_TWO_STATE_ROWS) + 2;
    r.space = f2f_aligned(sizeof *r.space);
    r.span = malloc(F2F_TWO_SPANS * sizeof *r.span);
    r.costs = malloc(blocks * sizeof *r.costs);
    r.wide = malloc(blocks);
    r.head = f2f_aligned((size_t)r.heads * sizeof *r.head);
    if (r.space && r.span && r.costs && r.wide && r.head) {
        parities(r.space->parity);
        status = TWO_GIVES_UP;
        for (int bytes = 0; status == TWO_GIVES_UP && bytes < 2; bytes++) {
            memset(r.wide, bytes, blocks);
            status = two_path(&r, symbols);
        }
    }
    *mismatches = r.mismatches;
    f2f_free_aligned(r.space), f2f_free_aligned(r.head);
    free(r.span), free(r.costs), free(r.wide);
    return status;
}
#endif
