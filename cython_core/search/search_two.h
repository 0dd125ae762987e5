/* Exact search for n_s = 2 and n_in <= 8: costs of every block by step_two.h, then the path. */

/* The symbol that left the register at block t, which brought it to (now, before): the first whose
 * cost and wrong care bits sum to `target`; -1 where that cost is a lower bound, or where none does,
 * which no costs of this search bring about. *cost: that cost. */
F2F_ISA static int F2F_NAME(two_back)(const f2f_code *code, const f2f_tile *tile,
                                      const uint64_t *bits, const F2F_NAME(two_costs) *x,
                                      uint64_t *span, int64_t t, int now, int before, int target,
                                      int *cost)
{
    int n_in = code->n_in, n_u = tile->n_u[t], rw = (n_u + 63) / 64, c = -1, wrong;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[F2F_MAX_WORDS] = {0};
    f2f_restrict(bits + t * code->words, tile->care + t * code->words, code->words, n_u, w);
    for (int j = 0; j < n_in; j++)
        for (int k = 0; k < rw; k++)
            w[k] ^= (cols[j * rw + k] & -(uint64_t)(now >> j & 1)) ^
                    (cols[(n_in + j) * rw + k] & -(uint64_t)(before >> j & 1));
    f2f_span(cols + 2 * n_in * rw, n_in, rw, w, span);
    do {
        if (++c >> n_in) return -1;
        wrong = 0;
        for (int k = 0; k < rw; k++) wrong += __builtin_popcountll(span[c * rw + k]);
    } while (wrong > target || F2F_NAME(two_cost)(x, c, before) != target - wrong);
    *cost = target - wrong;
    return x->clamped && *cost == x->levels ? -1 : c;
}

/* Levels to keep of D_t; above F2F_LEVELS, all costs in bytes. What the best path has above the
 * least cost, the next two blocks give back: measured, nearly always less than this. A heavy block
 * beside a light one wants levels (step_triples.h), where two heavy ones would want bytes. */
F2F_ISA static int F2F_NAME(two_limit)(const f2f_tile *tile, int64_t t, const uint8_t *wide)
{
    int next = t + 1 < tile->blocks ? tile->n_u[t + 1] : 0;
    int then = t + 2 < tile->blocks ? tile->n_u[t + 2] : 0, n_u = next + then;
    if (wide[t] || (n_u > 40 && (n_u > 56 || (next > 12 && then > 12)))) return F2F_LEVELS + 1;
    return n_u <= 11 ? 3 : n_u <= 16 ? 4 : n_u <= 21 ? 5 : n_u <= 24 ? 6 : F2F_LEVELS;
}

/* D_1 outright, the register being 0 before block 0; returns as two_bytes does. */
F2F_ISA static int F2F_NAME(two_first)(F2F_NAME(two_space) *s, const f2f_code *code,
                                       const f2f_tile *tile, const uint64_t *bits, uint64_t *span,
                                       F2F_NAME(two_costs) *new)
{
    int n_in = code->n_in, symbols = 1 << n_in, least = 255, most = 0;
    int r0 = (tile->n_u[0] + 63) / 64, r1 = (tile->n_u[1] + 63) / 64;
    const uint64_t *c0 = tile->cols + tile->start[0], *c1 = tile->cols + tile->start[1];
    uint64_t w[F2F_MAX_WORDS], *ya = span + ((size_t)F2F_MAX_WORDS << 8),
             *yb = ya + ((size_t)F2F_MAX_WORDS << 8);
    if (tile->n_u[0] + tile->n_u[1] > 254) return -1;
    f2f_restrict(bits, tile->care, code->words, tile->n_u[0], w);
    f2f_span(c0, n_in, r0, r0 ? w : NULL, span);
    f2f_restrict(bits + code->words, tile->care + code->words, code->words, tile->n_u[1], w);
    f2f_span(c1, n_in, r1, NULL, ya);
    f2f_span(c1 + n_in * r1, n_in, r1, r1 ? w : NULL, yb);
    uint8_t *costs = new->byte ? new->byte : s->new;
    for (int m = 0; m < symbols; m++) {
        int first = 0;
        for (int k = 0; k < r0; k++) first += __builtin_popcountll(span[m * r0 + k]);
        for (int a = 0; a < 256; a++) {
            int x = a & (symbols - 1), v = first;
            if (r1) v += f2f_weight(ya + x * r1, yb + m * r1, r1);
            costs[256 * m + a] = (uint8_t)v;
            least = F2F_LEAST(least, v);
            most = v > most ? v : most;
        }
    }
    for (int i = 0; i < 256 << n_in; i++) costs[i] = (uint8_t)(costs[i] - least);
    if (new->byte)
        new->levels = most - least;
    else
        F2F_NAME(two_cut)(costs, n_in, most - least, s->limit, new);
    return least;
}

typedef struct { /* where a segment begins */
    int64_t first;
    F2F_NAME(two_costs) costs;
    ROW rows[F2F_TWO_STATE];
} F2F_NAME(two_head);

/* Costs of the latest F2F_SEGMENTS segments are kept. Each begins with a copy of the costs at its
 * head; the path, found backwards, has older ones computed again. Costs of blocks marked in `wide`
 * are kept in bytes. Where levels do not prove the path, the blocks before are marked and the search
 * goes on from there; after F2F_TRIES of these, or where bytes do not hold the costs, F2F_RETRY is
 * returned. */
F2F_ISA static int F2F_NAME(two_search)(const f2f_code *code, const f2f_tile *tile,
                                        const uint64_t *bits, uint16_t *symbols,
                                        int64_t *mismatches, const volatile int *cancel,
                                        uint8_t *wide)
{
    int64_t blocks = tile->blocks, least, part = 0, t = 1;
    int64_t kept = 0; /* segments from it are there */
    int64_t heads = blocks * F2F_TWO_STATE / (F2F_SEGMENT - F2F_TWO_STATE) + 2; /* at most */
    int status = F2F_OK, now = 0, before = 0, excess = 0; /* of the path, above the least cost */
    int forward = 1, tries = 0;
    F2F_NAME(two_space) *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    F2F_NAME(two_costs) *costs = malloc((size_t)blocks * sizeof *costs);
    F2F_NAME(two_head) *head =
        aligned_alloc(64, ((size_t)heads * sizeof *head + 63) / 64 * 64);
    uint64_t *span = malloc(3 * ((size_t)F2F_MAX_WORDS << 8) * 8);
    ROW *begin = f2f_segment(tile, 0), *top = begin;
    *mismatches = 0;
    if (!s || !costs || !head || !span || !begin) {
        status = F2F_NO_MEMORY;
        goto done;
    }
    F2F_NAME(parities)(s->parity);
    head->first = 1;
    head->costs.level = head->rows;
    s->limit = F2F_NAME(two_limit)(tile, 1, wide);
    head->costs.byte = s->limit > F2F_LEVELS ? (uint8_t *)head->rows : NULL;
    *mismatches = F2F_NAME(two_first)(s, code, tile, bits, span, &head->costs);
    if (*mismatches < 0) {
        status = F2F_RETRY;
        goto done;
    }
    costs[1] = head->costs;
    for (;;) {
        F2F_NAME(two_head) *h = head + part;
        int64_t last = forward ? blocks - 1 : h[1].first, from = 0;
        while (t < last) {
            if (*cancel) {
                status = F2F_CANCELLED;
                goto done;
            }
            if (forward && top > begin + F2F_SEGMENT - F2F_TWO_STATE) { /* full: the next begins */
                part++, h++;
                h->first = t;
                h->costs = costs[t];
                h->costs.level = h->rows;
                if (h->costs.byte) h->costs.byte = (uint8_t *)h->rows;
                memcpy(h->rows, costs[t].level, F2F_NAME(two_rows)(costs + t) * sizeof(ROW));
                costs[t] = h->costs;
                top = begin = f2f_segment(tile, part);
                if (!top) {
                    status = F2F_NO_MEMORY;
                    goto done;
                }
            }
            t++;
            costs[t].level = top;
            s->limit = F2F_NAME(two_limit)(tile, t, wide);
            costs[t].byte = s->limit > F2F_LEVELS ? (uint8_t *)top : NULL;
            least = F2F_NAME(two_step)(s, code, tile, t, bits + t * code->words,
                                       costs + t - 1, costs + t);
            if (least < 0) {
                status = F2F_RETRY;
                goto done;
            }
            costs[t].least = (int)least;
            top += F2F_NAME(two_rows)(costs + t);
            if (forward) *mismatches += least;
        }
        if (forward) { /* from the first state of no cost, lowest symbols first */
            int k = 0;
            if (kept < part - F2F_SEGMENTS + 1) kept = part - F2F_SEGMENTS + 1;
            while (F2F_NAME(two_cost)(costs + t, k >> 8, k & 255)) k++;
            before = k >> 8, now = k & 255, excess = 0;
        }
        for (; t > h->first; t--) {
            symbols[t] = (uint16_t)now;
            int c = F2F_NAME(two_back)(code, tile, bits, costs + t - 1, span, t, now, before,
                                       excess + costs[t].least, &excess);
            if (c < 0) {
                from = t - F2F_WIDEN - 1;
                break;
            }
            now = before, before = c;
        }
        if (t > h->first) { /* not proven: go on from there, or from the head before */
            if (from < h->first) from = head[part ? --part : 0].first;
            if (from == t - 1 || ++tries == F2F_TRIES) {
                status = F2F_RETRY;
                goto done;
            }
            for (int64_t k = from + 1 > t - F2F_WIDEN ? from + 1 : t - F2F_WIDEN; k < t; k++)
                wide[k] = 1;
            for (int64_t k = from + 1; k < blocks; k++) *mismatches -= costs[k].least;
            if (kept > part) kept = part;
            forward = 1;
        } else {
            if (!part) break;
            from = head[--part].first, forward = 0;
            if (part >= kept) {
                t = h->first;
                continue;
            }
        }
        t = from;
        if (t == head[part].first) costs[t] = head[part].costs;
        begin = f2f_segment(tile, part);
        top = t > head[part].first ? costs[t].level + F2F_NAME(two_rows)(costs + t) : begin;
    }
    symbols[1] = (uint16_t)now;
    symbols[0] = (uint16_t)before;
done:
    free(s), free(costs), free(head), free(span);
    return status;
}
#undef ROW
#undef F2F_PICK
#undef F2F_ANY
#undef F2F_FULL
#undef F2F_HALVES
