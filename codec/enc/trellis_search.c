/* SPDX-License-Identifier: Apache-2.0
 * Viterbi search over the trellis: candidates for a block of values, then add-compare-select, then survivors traced back
 * from a window. Host only. */
#include "enc/trellis_steps.h"

#include <string.h>

#define BLOCK 2048 /* values whose levels are decided at a time */
#define DELAY 128 /* and how far behind; survivors may still differ there, so the search goes on from the one decided */
#define WINDOW (BLOCK + DELAY)

typedef struct work {
    float metric[2][MOTE_TRELLIS_STATES_MAX]; /* even states first, then odd ones */
    float cost[WINDOW][4];                    /* of the best level of (quantiser, parity) */
    int32_t level[WINDOW][4];
    uint8_t choice[]; /* [WINDOW][states / 8] */
} work;

size_t mote_trellis_bytes(unsigned states)
{
    return sizeof(work) + WINDOW * (size_t)(states < 8 ? 1 : states / 8);
}

/* --- candidates --------------------------------------------------------------------------------------------------- */

static float price_of(const mote_level_prices *p, unsigned q, int32_t k)
{
    return k >= -MOTE_PRICE_SPAN && k < MOTE_PRICE_SPAN ? p->bits[q][k + MOTE_PRICE_SPAN] : p->beyond[q][k & 1];
}

static int32_t floor4(float x) /* floor(x / 4) */
{
    float y = x * 0.25f;
    int32_t j = (int32_t)y;
    return j - ((float)j > y);
}

typedef struct best {
    float cost;
    int32_t level;
} best;

static best better_of(const mote_trellis *t, const mote_level_prices *p, unsigned q, int32_t a, int32_t b, float x,
                      float weight, float lambda)
{
    float ea = x - mote_trellis_rebuilt(t, mote_trellis_multiple(t, q, a)),
          eb = x - mote_trellis_rebuilt(t, mote_trellis_multiple(t, q, b));
    float ca = weight * (ea * ea) + lambda * price_of(p, q, a), cb = weight * (eb * eb) + lambda * price_of(p, q, b);
    return ca <= cb ? (best){ ca, a } : (best){ cb, b };
}

/* The two neighbours of x in each of the four cosets: nothing farther can win. */
static void candidates(const mote_trellis *t, const mote_level_prices *p, float x, float weight, float lambda,
                       float cost[4], int32_t level[4])
{
    for (unsigned parity = 0; parity < 2; parity++) {
        int32_t k = 2 * floor4(x - (float)(2 * parity)) + (int32_t)parity;
        best b = better_of(t, p, 0, k, k + 2, x, weight, lambda);
        cost[parity] = b.cost;
        level[parity] = b.level;
        if (!t->zero) {
            k = 2 * floor4(x - (float)(2 * parity + 1)) + (int32_t)parity;
            b = better_of(t, p, 1, k, k + 2, x, weight, lambda);
        } else {
            int32_t sign = x < 0 ? -1 : 1, j = floor4((x < 0 ? -x : x) + (parity ? 3.0f : 1.0f));
            k = 2 * j - (int32_t)parity; /* parity 0: j from 0, levels 0, 2, ..; parity 1: levels -1 or 1, 3, .. */
            b = better_of(t, p, 1, sign * k, sign * (k + 2), x, weight, lambda);
        }
        cost[2 + parity] = b.cost;
        level[2 + parity] = b.level;
    }
}

static void candidates_plain(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight, size_t n,
                             const mote_level_prices *prices, float lambda, float cost[][4], int32_t level[][4])
{
    for (size_t i = 0; i < n; i++)
        candidates(t, &prices[table ? table[i] : 0], x[i], weight ? weight[i] : 1, lambda, cost[i], level[i]);
}

/* --- add, compare, select ----------------------------------------------------------------------------------------- */

static void select_plain(const mote_trellis *t, float *metric, float *other, const float cost[][4], uint8_t *choice,
                         size_t n)
{
    const unsigned half = t->states / 2, g0 = (t->h0 >> 1) & (half - 1), g1 = t->h1 >> 1;
    for (size_t i = 0; i < n; i++) {
        memset(choice, 0, t->states / 8);
        for (unsigned side = 0; side < 2; side++) {
            const float *m = metric + side * half, a = cost[i][2 * side], b = cost[i][2 * side + 1];
            for (unsigned u = 0; u < half; u++) {
                float first = m[u] + a, second = m[u ^ g1] + b;
                unsigned place = side * half + u, s = side ? half + (u ^ g0) : u;
                if (second < first) choice[place / 8] |= (uint8_t)(1u << place % 8);
                other[(s & 1) * half + s / 2] = second < first ? second : first;
            }
        }
        choice += t->states / 8;
        if (i % MOTE_TRELLIS_RENORM == MOTE_TRELLIS_RENORM - 1) {
            float least = other[0];
            for (unsigned s = 1; s < t->states; s++) least = other[s] < least ? other[s] : least;
            for (unsigned s = 0; s < t->states; s++) other[s] -= least;
        }
        float *swap = metric;
        metric = other;
        other = swap;
    }
    if (n % 2) memcpy(other, metric, t->states * sizeof *metric);
}

const mote_trellis_steps *mote_trellis_steps_plain(void)
{
    static const mote_trellis_steps steps = { candidates_plain, select_plain };
    return &steps;
}

/* --- the sequence ------------------------------------------------------------------------------------------------- */

/* From the best last state back; the first `keep` levels are written. The state before the others is returned. */
static unsigned trace(const mote_trellis *t, const work *w, const float *metric, size_t filled, size_t keep,
                      int32_t *level)
{
    const unsigned half = t->states / 2, g0 = (t->h0 >> 1) & (half - 1), g1 = t->h1 >> 1;
    unsigned place = 0;
    for (unsigned i = 1; i < t->states; i++)
        if (metric[i] < metric[place]) place = i;
    unsigned s = place < half ? 2 * place : 2 * (place - half) + 1;
    unsigned kept = s;
    for (size_t i = filled; i-- > 0;) {
        if (i + 1 == keep) kept = s;
        unsigned q = s >= half, u = q ? (s - half) ^ g0 : s, bit = q * half + u;
        unsigned second = w->choice[i * (t->states / 8) + bit / 8] >> bit % 8 & 1;
        if (i < keep) level[i] = w->level[i][2 * q + second];
        s = 2 * (second ? u ^ g1 : u) + q;
    }
    return kept;
}

static void search_1(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight, size_t n,
                     const mote_level_prices *prices, float lambda, int32_t *level)
{
    for (size_t i = 0; i < n; i++) {
        float cost[4];
        int32_t k[4];
        candidates(t, &prices[table ? table[i] : 0], x[i], weight ? weight[i] : 1, lambda, cost, k);
        level[i] = cost[1] < cost[0] ? k[1] : k[0];
    }
}

const mote_trellis_steps *mote_trellis_steps_best(const mote_trellis *t)
{
    const mote_trellis_steps *s = t->states == 16 ? NULL : mote_trellis_steps_avx2(); /* 16 states: half a block only */
    return s ? s : mote_trellis_steps_plain();
}

void mote_trellis_search(const mote_trellis_steps *steps, const mote_trellis *t, const float *x, const uint8_t *table,
                         const float *weight, size_t n, const mote_level_prices *prices, float lambda, int32_t *level,
                         void *mem)
{
    if (t->states == 1) {
        search_1(t, x, table, weight, n, prices, lambda, level);
        return;
    }
    work *w = mem;
    float *metric = w->metric[0], *other = w->metric[1];
    size_t filled = 0;
    unsigned from = 0;
    while (n) {
        size_t k = WINDOW - filled < n ? WINDOW - filled : n;
        steps->candidates(t, x, table, weight, k, prices, lambda, w->cost + filled, w->level + filled);
        x += k;
        if (table) table += k;
        if (weight) weight += k;
        n -= k;
        filled += k;
        for (unsigned s = 0; s < t->states; s++) metric[s] = 1e9f; /* more than any path can cost */
        metric[from % 2 * t->states / 2 + from / 2] = 0;
        steps->select(t, metric, other, (const float(*)[4])w->cost, w->choice, filled);
        size_t keep = n ? filled - DELAY : filled;
        from = trace(t, w, metric, filled, keep, level);
        level += keep;
        filled -= keep;
        memmove(w->level, w->level + keep, filled * sizeof *w->level);
        memmove(w->cost, w->cost + keep, filled * sizeof *w->cost);
    }
}
