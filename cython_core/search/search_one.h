/* Exact search for n_s = 1 and n_in <= 8: costs in bytes, one table row.
 *
 * D'[a] = min_c D[c] + |A a ^ C c ^ w|. With few care rows: scatter D into a table over the
 * 2^n_u outputs, n_u butterfly passes, gather. With many: all pairs, distances from byte tables.
 * A code with n_in < 8 is one with n_in = 8 whose upper columns are zero; the lowest of equal
 * symbols is chosen, so its upper bits stay zero.
 * Included once per instruction set, with F2F_ISA (a target attribute) and F2F_NAME defined. */

typedef uint8_t F2F_NAME(bytes) __attribute__((vector_size(32), aligned(32)));

/* Span of n columns of up to 16 bits. */
F2F_ISA static void F2F_NAME(span16)(const uint64_t *cols, int n, int shift, uint16_t origin,
                                     uint16_t *out)
{
    out[0] = origin;
    for (int j = 0; j < n; j++) {
        uint16_t col = (uint16_t)(cols[j] >> shift);
        for (int v = 0; v < 1 << j; v++) out[v + (1 << j)] = out[v] ^ col;
    }
    for (int v = 1 << n; v < 256; v++) out[v] = out[v & ((1 << n) - 1)];
}

#if defined(__clang__)
#define F2F_SWAP(x, k)                                                                            \
    __builtin_shufflevector(x, x, 0 ^ k, 1 ^ k, 2 ^ k, 3 ^ k, 4 ^ k, 5 ^ k, 6 ^ k, 7 ^ k, 8 ^ k,   \
                            9 ^ k, 10 ^ k, 11 ^ k, 12 ^ k, 13 ^ k, 14 ^ k, 15 ^ k, 16 ^ k, 17 ^ k, \
                            18 ^ k, 19 ^ k, 20 ^ k, 21 ^ k, 22 ^ k, 23 ^ k, 24 ^ k, 25 ^ k,        \
                            26 ^ k, 27 ^ k, 28 ^ k, 29 ^ k, 30 ^ k, 31 ^ k)
#else
#define F2F_SWAP(x, k)                                                                            \
    __builtin_shuffle(x, (F2F_NAME(bytes)){                                                       \
                             0 ^ k,  1 ^ k,  2 ^ k,  3 ^ k,  4 ^ k,  5 ^ k,  6 ^ k,  7 ^ k,         \
                             8 ^ k,  9 ^ k,  10 ^ k, 11 ^ k, 12 ^ k, 13 ^ k, 14 ^ k, 15 ^ k,        \
                             16 ^ k, 17 ^ k, 18 ^ k, 19 ^ k, 20 ^ k, 21 ^ k, 22 ^ k, 23 ^ k,        \
                             24 ^ k, 25 ^ k, 26 ^ k, 27 ^ k, 28 ^ k, 29 ^ k, 30 ^ k, 31 ^ k})
#endif


#if F2F_LEVEL > 0
#define F2F_VMIN(x, y) ((F2F_NAME(bytes))_mm256_min_epu8((__m256i)(x), (__m256i)(y)))
#else /* the comparison gives all ones where true */
#define F2F_VMIN(x, y) \
    (((x) & (F2F_NAME(bytes))((x) < (y))) | ((y) & ~(F2F_NAME(bytes))((x) < (y))))
#endif

/* T[v] <- min_u T[u] + |u ^ v| over n_u bits; T has at least 32 entries. */
F2F_ISA static void F2F_NAME(butterfly)(uint8_t *table, int n_u)
{
    F2F_NAME(bytes) *T = (F2F_NAME(bytes) *)table;
    int rows = n_u > 5 ? 1 << (n_u - 5) : 1;
    for (int r = 0; r < rows; r++) {
        F2F_NAME(bytes) x = T[r], y;
        if (n_u > 0) y = F2F_SWAP(x, 1) + 1, x = F2F_VMIN(x, y);
        if (n_u > 1) y = F2F_SWAP(x, 2) + 1, x = F2F_VMIN(x, y);
        if (n_u > 2) y = F2F_SWAP(x, 4) + 1, x = F2F_VMIN(x, y);
        if (n_u > 3) y = F2F_SWAP(x, 8) + 1, x = F2F_VMIN(x, y);
        if (n_u > 4) y = F2F_SWAP(x, 16) + 1, x = F2F_VMIN(x, y);
        T[r] = x;
    }
    for (int half = 1; half < rows; half *= 2)
        for (int v = 0; v < rows; v += 2 * half)
            for (int k = v; k < v + half; k++) {
                F2F_NAME(bytes) p = T[k], q = T[k + half], p1 = p + 1, q1 = q + 1;
                T[k] = F2F_VMIN(p, q1);
                T[k + half] = F2F_VMIN(q, p1);
            }
}

/* All pairs: new[a] = min_c old[c] + |A a ^ C c ^ w|, eight care rows an instruction, or from one
 * table for each five. */
#if F2F_LEVEL == 2
F2F_ISA static inline __attribute__((always_inline)) void
F2F_NAME(pairs_counted)(const uint64_t *cols, int n_in, int rw, const uint64_t *w,
                        const uint8_t *old, uint8_t *new, const int chunks)
{
    uint8_t ya[(F2F_ONE_MOST + 7) / 8][256];
    uint64_t yc[(F2F_ONE_MOST + 7) / 8][256], cost[256]; /* eight times a byte: to spread by loading */
    const uint64_t eight = 0x0101010101010101u;
    for (int c = 0; c < 256; c++) cost[c] = old[c] * eight;
    for (int h = 0; h < chunks; h++) { /* spans of A and C, eight care rows */
        int k = h / 8, shift = h % 8 * 8;
        ya[h][0] = 0, yc[h][0] = (w[k] >> shift & 255) * eight;
        for (int j = 0; j < 8; j++) {
            uint8_t a = j < n_in ? (uint8_t)(cols[j * rw + k] >> shift) : 0;
            uint64_t c = j < n_in ? (cols[(n_in + j) * rw + k] >> shift & 255) * eight : 0;
            for (int v = 0; v < 1 << j; v++) {
                ya[h][v + (1 << j)] = ya[h][v] ^ a;
                yc[h][v + (1 << j)] = yc[h][v] ^ c;
            }
        }
    }
    for (int a = 0; a < 256; a += 128) {
        __m512i best[2] = {_mm512_set1_epi8(-1), _mm512_set1_epi8(-1)};
        for (int c = 0; c < 256; c++) {
            const __m512i from = _mm512_set1_epi64((long long)cost[c]);
            __m512i sum[2] = {from, from};
            for (int h = 0; h < chunks; h++)
                for (int k = 0; k < 2; k++) {
                    __m512i y = _mm512_xor_si512(_mm512_loadu_si512(ya[h] + a + 64 * k),
                                                 _mm512_set1_epi64((long long)yc[h][c]));
                    sum[k] = _mm512_add_epi8(sum[k], _mm512_popcnt_epi8(y));
                }
            for (int k = 0; k < 2; k++) best[k] = _mm512_min_epu8(best[k], sum[k]);
        }
        for (int k = 0; k < 2; k++) _mm512_storeu_si512(new + a + 64 * k, best[k]);
    }
}

F2F_ISA static void F2F_NAME(pairs)(const uint64_t *cols, int n_in, int n_u, int rw,
                                    const uint64_t *w, const uint8_t *old, uint8_t *new,
                                    uint8_t *tables)
{
    (void)tables;
    switch ((n_u + 7) / 8) {
    case 2: F2F_NAME(pairs_counted)(cols, n_in, rw, w, old, new, 2); break;
    case 3: F2F_NAME(pairs_counted)(cols, n_in, rw, w, old, new, 3); break;
    case 4: F2F_NAME(pairs_counted)(cols, n_in, rw, w, old, new, 4); break;
    default: F2F_NAME(pairs_counted)(cols, n_in, rw, w, old, new, (n_u + 7) / 8);
    }
}
#else
F2F_ISA static void F2F_NAME(pairs)(const uint64_t *cols, int n_in, int n_u, int rw,
                                    const uint64_t *w, const uint8_t *old, uint8_t *new,
                                    uint8_t *tables)
{
    int chunks = (n_u + 4) / 5;
    uint16_t ya[256], yc[20][256];
    for (int h = 0; h < chunks; h++) {
        uint64_t part[16], want;
        int at = 5 * h;
        for (int j = 0; j < 2 * n_in; j++) {
            const uint64_t *col = cols + (int64_t)j * rw + (at >> 6);
            part[j] = col[0] >> (at & 63);
            if ((at & 63) > 59 && (at >> 6) + 1 < rw) part[j] |= col[1] << (64 - (at & 63));
            part[j] &= 31;
        }
        want = w[at >> 6] >> (at & 63);
        if ((at & 63) > 59 && (at >> 6) + 1 < rw) want |= w[(at >> 6) + 1] << (64 - (at & 63));
        F2F_NAME(span16)(part, n_in, 0, 0, ya);
        F2F_NAME(span16)(part + n_in, n_in, 0, (uint16_t)(want & 31), yc[h]);
        uint8_t *rows = tables + (int64_t)h * 32 * 256;
        int width = n_u - at < 5 ? n_u - at : 5;
        for (int a = 0; a < 256; a++) rows[a] = (uint8_t)__builtin_popcount(ya[a]);
        for (int i = 0; i < width; i++) { /* row z ^ e_i differs from row z by one bit */
            F2F_NAME(bytes) sign[8], *from = (F2F_NAME(bytes) *)rows, *to = from + (8 << i);
            for (int a = 0; a < 256; a++) ((uint8_t *)sign)[a] = (uint8_t)(1 - 2 * (ya[a] >> i & 1));
            for (int z = 0; z < 1 << i; z++)
                for (int k = 0; k < 8; k++) to[8 * z + k] = from[8 * z + k] + sign[k];
        }
    }
    F2F_NAME(bytes) best[8];
    for (int k = 0; k < 8; k++) best[k] = (F2F_NAME(bytes)){0} + 250;
    for (int c = 0; c < 256; c++) {
        const F2F_NAME(bytes) *row = (F2F_NAME(bytes) *)(tables + (yc[0][c] << 8));
        F2F_NAME(bytes) d = (F2F_NAME(bytes)){0} + old[c], sum[8];
        for (int k = 0; k < 8; k++) sum[k] = row[k] + d;
        for (int h = 1; h < chunks; h++) {
            row = (F2F_NAME(bytes) *)(tables + (h * 32 + yc[h][c]) * 256);
            for (int k = 0; k < 8; k++) sum[k] += row[k];
        }
        for (int k = 0; k < 8; k++) best[k] = F2F_VMIN(best[k], sum[k]);
    }
    memcpy(new, best, sizeof best);
}
#endif

F2F_ISA static int F2F_NAME(one_step)(const f2f_code *code, const f2f_tile *tile, int64_t t,
                                      const uint64_t *bits, const uint8_t *old, uint8_t *new,
                                      uint8_t *tables)
{
    int n_u = tile->n_u[t], n_in = code->n_in, rw = (n_u + 63) / 64;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[4] = {0};
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    if (n_u <= F2F_ONE_BUTTERFLY) {
        uint16_t y[256];
        uint64_t none[16] = {0};
        if (!n_u) cols = none;
        memset(tables, 120, n_u > 5 ? (size_t)1 << n_u : 32);
        F2F_NAME(span16)(cols + n_in, n_in, 0, (uint16_t)w[0], y);
        for (int c = 0; c < 256; c++) tables[y[c]] = F2F_LEAST(tables[y[c]], old[c]);
        F2F_NAME(butterfly)(tables, n_u);
        F2F_NAME(span16)(cols, n_in, 0, 0, y);
#if F2F_LEVEL == 2
        if (n_u <= 8) { /* the table fits four registers: look 64 symbols up at once */
            const __m512i *T = (const __m512i *)tables;
            __m512i t0 = T[0], t1 = T[1], t2 = T[2], t3 = T[3];
            for (int a = 0; a < 256; a += 64) {
                __m512i at = _mm512_inserti64x4(
                    _mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_loadu_si512(y + a))),
                    _mm512_cvtepi16_epi8(_mm512_loadu_si512(y + a + 32)), 1);
                __m512i low = _mm512_permutex2var_epi8(t0, at, t1);
                __m512i high = _mm512_permutex2var_epi8(t2, at, t3);
                _mm512_store_si512(new + a,
                                   _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), low, high));
            }
        } else
#endif
            for (int a = 0; a < 256; a++) new[a] = tables[y[a]];
    } else
        F2F_NAME(pairs)(cols, n_in, n_u, rw, w, old, new, tables);
    uint8_t least = 255;
    for (int a = 0; a < 256; a++) least = F2F_LEAST(least, new[a]);
    for (int a = 0; a < 256; a++) new[a] -= least;
    return least;
}

F2F_ISA static int F2F_NAME(one_back)(const f2f_code *code, const f2f_tile *tile, int64_t t,
                                      const uint64_t *bits, const uint8_t *old, int state)
{
    int n_u = tile->n_u[t], n_in = code->n_in, rw = (n_u + 63) / 64, symbols = 1 << n_in;
    const uint64_t *cols = tile->cols + tile->start[t];
    uint64_t w[4] = {0}, y[256 * 2];
    f2f_restrict(bits, tile->care + t * code->words, code->words, n_u, w);
    for (int j = 0; j < n_in; j++)
        if (state >> j & 1)
            for (int k = 0; k < rw; k++) w[k] ^= cols[j * rw + k];
    uint64_t best = ~(uint64_t)0;
    if (rw < 2) {
        y[0] = w[0];
        for (int j = 0; j < n_in && rw; j++)
            for (int v = 0; v < 1 << j; v++) y[v + (1 << j)] = y[v] ^ cols[n_in + j];
        if (!rw) memset(y, 0, sizeof y);
        for (int c = 0; c < symbols; c++) {
            uint64_t v = (((uint64_t)__builtin_popcountll(y[c]) + old[c]) << 8) + (uint64_t)c;
            best = F2F_LEAST(best, v);
        }
    } else {
        f2f_span(cols + n_in * rw, n_in, rw, w, y);
        for (int c = 0; c < symbols; c++) {
            int n = __builtin_popcountll(y[2 * c]) + __builtin_popcountll(y[2 * c + 1]);
            uint64_t v = ((uint64_t)(n + old[c]) << 8) + (uint64_t)c;
            best = F2F_LEAST(best, v);
        }
    }
    return (int)(best & 255);
}

F2F_ISA static int F2F_NAME(one_search)(const f2f_code *code, const f2f_tile *tile,
                                        const uint64_t *bits, uint16_t *symbols,
                                        int64_t *mismatches, const volatile int *cancel)
{
    int64_t blocks = tile->blocks;
    int64_t length = blocks < F2F_ONE_SEGMENT ? blocks + 1 : F2F_ONE_SEGMENT;
    int64_t heads = blocks / length + 1;
    uint8_t *head = aligned_alloc(64, (size_t)(heads + 1) * 256);
    uint8_t *costs = aligned_alloc(64, (size_t)(length + 1) * 256);
    uint8_t *tables = aligned_alloc(64, 20 * 32 * 256);
    int status = F2F_OK, state = 0;
    *mismatches = 0;
    if (!head || !costs || !tables) {
        status = F2F_NO_MEMORY;
        goto done;
    }
    memset(head, 120, 256);
    head[0] = 0;
    for (int64_t h = 0; h < 2 * heads - 1; h++) { /* forward over all segments, then back */
        int64_t part = h < heads ? h : 2 * heads - 2 - h;
        int64_t t0 = part * length, t1 = t0 + length < blocks ? t0 + length : blocks;
        memcpy(costs, head + part * 256, 256);
        for (int64_t t = t0; t < t1; t++) {
            if (*cancel) {
                status = F2F_CANCELLED;
                goto done;
            }
            int least = F2F_NAME(one_step)(code, tile, t, bits + t * code->words,
                                           costs + (t - t0) * 256, costs + (t - t0 + 1) * 256,
                                           tables);
            if (h < heads) *mismatches += least;
        }
        memcpy(head + (part + 1) * 256, costs + (t1 - t0) * 256, 256);
        if (h < heads - 1) continue;
        if (h == heads - 1)
            while (blocks && costs[(t1 - t0) * 256 + state]) state++;
        for (int64_t t = t1 - 1; t >= t0; t--) {
            symbols[t] = (uint16_t)state;
            state = F2F_NAME(one_back)(code, tile, t, bits + t * code->words,
                                       costs + (t - t0) * 256, state);
        }
    }
done:
    free(head), free(costs), free(tables);
    return status;
}
/* Any code. */
F2F_ISA static int F2F_NAME(plain_search)(const f2f_code *code, const f2f_tile *tile,
                                          const uint64_t *bits, uint16_t *symbols,
                                          int64_t *mismatches, const volatile int *cancel)
{
    return f2f_plain_search(code, tile, bits, symbols, mismatches, cancel);
}

/* n_s = 0, n_u <= 64: every block by itself, every symbol tried. */
F2F_ISA static int F2F_NAME(zero_search)(const f2f_code *code, const f2f_tile *tile,
                                         const uint64_t *bits, uint16_t *symbols,
                                         int64_t *mismatches, const volatile int *cancel)
{
    uint64_t y[4096];
    *mismatches = 0;
    for (int64_t t = 0; t < tile->blocks; t++) {
        if (*cancel) return F2F_CANCELLED;
        int n_u = tile->n_u[t];
        const uint64_t *cols = tile->cols + tile->start[t];
        uint64_t best = ~(uint64_t)0;
        symbols[t] = 0;
        if (!n_u) continue;
        f2f_restrict(bits + t * code->words, tile->care + t * code->words, code->words, n_u, y);
        for (int j = 0; j < code->n_in; j++)
            for (int v = 0; v < 1 << j; v++) y[v + (1 << j)] = y[v] ^ cols[j];
        for (int x = 0; x < 1 << code->n_in; x++) {
            uint64_t v = ((uint64_t)__builtin_popcountll(y[x]) << 16) + (uint64_t)x;
            best = F2F_LEAST(best, v);
        }
        symbols[t] = (uint16_t)best;
        *mismatches += (int64_t)(best >> 16);
    }
    return F2F_OK;
}
#undef F2F_SWAP
#undef F2F_VMIN
