/* SPDX-License-Identifier: Apache-2.0
 * Windows for the levels of a pair. Host only. */
#include "enc/trellis_view.h"

#include <stdlib.h>
#include <string.h>

#define SPAN MOTE_PRICE_SPAN
#define SYMBOLS MOTE_PAIR_SYMBOLS_MAX
#define ESCAPE_BITS 8      /* of a number, about */
#define WIDE_MARGIN 0.0005 /* bits of a level that 32 symbols must save, as they decode slower */

static unsigned symbol_of(const mote_pair_spec *s, int32_t level, bool escapes)
{
    uint32_t number;
    return mote_trellis_symbol(s, escapes, level, &number);
}

/* The same for a level of the span, in line. */
static inline unsigned symbol_at(int32_t u, unsigned shift, unsigned n, bool escapes)
{
    const int32_t t = u >= 0 ? u >> shift : -((-u - 1) >> shift) - 1;
    if (t >= 0 && t < (int32_t)(escapes ? n - 2 : n)) return (unsigned)t;
    return escapes ? n - 2 + (t & 1) : n;
}

double mote_level_view_count(const mote_level_view *v, const mote_pair_spec *s, bool escapes, double symbol[2][SYMBOLS])
{
    const unsigned n = mote_pair_symbols(s), direct = escapes ? n - 2 : n;
    double escaped = 0;
    memset(symbol, 0, 2 * SYMBOLS * sizeof **symbol);
    for (unsigned q = 0; q < 2; q++)
        for (int at = v->first; at <= v->last; at++) {
            if (v->n[q][at] == 0) continue;
            const unsigned t = symbol_at(at - SPAN - s->lo, s->shift, n, escapes);
            if (t >= direct) escaped += (double)v->n[q][at];
            if (t < n) symbol[q][t] += (double)v->n[q][at];
        }
    for (size_t i = 0; i < v->n_far; i++)
        if (v->far[i].pair == v->pair) {
            const unsigned t = symbol_of(s, v->far[i].level, escapes);
            if (t >= direct) escaped++;
            if (t < n) symbol[v->far[i].q][t]++;
        }
    if (escaped > 0 && !escapes) return MOTE_IMPOSSIBLE;
    return (double)v->all * s->shift + escaped * ESCAPE_BITS;
}

/* log2 of a count, by the logarithms of frequencies. */
static double count_log(const float *log, double count)
{
    uint64_t n = (uint64_t)count;
    unsigned shift = 0;
    while (n > 1u << MOTE_PAIR_BITS) {
        n = (n + 1) >> 1;
        shift++;
    }
    return (double)(shift + MOTE_PAIR_BITS) - (double)log[n];
}

static double entropy(const float *log, const double symbol[SYMBOLS])
{
    double all = 0, sum = 0;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        if (symbol[i] == 0) continue;
        all += symbol[i];
        sum += symbol[i] * count_log(log, symbol[i]);
    }
    return all > 0 ? all * count_log(log, all) - sum : 0;
}

/* Where a window of that many levels holds most, in steps of one symbol from the family's place. */
static int32_t fullest(const mote_level_view *v, int32_t lo, int wide, int window)
{
    uint64_t most = 0;
    int32_t best = lo;
    for (int move = -3; move <= 3; move++) {
        const int32_t from = lo + move * wide;
        uint64_t sum = 0;
        for (int at = from + SPAN; at < from + SPAN + window; at++)
            if (at >= v->first && at <= v->last) sum += v->n[0][at] + v->n[1][at];
        if (sum > most || (sum == most && abs(from - lo) < abs(best - lo))) most = sum, best = from;
    }
    return best;
}

/* The least byte whose weight is nearest to w. */
static uint8_t weight_byte(double w)
{
    if (w < 15.5) return (uint8_t)(w + 0.5);
    unsigned e = 1;
    while (w >= 31.5 && e < 15) {
        w *= 0.5;
        e++;
    }
    if (w > 31) w = 31;
    return (uint8_t)(e << 4 | ((unsigned)(w + 0.5) & 15));
}

static void set_weights(mote_pair_spec *s, double symbol[2][SYMBOLS])
{
    s->counts = true;
    for (unsigned q = 0; q < 2; q++) {
        double most = 0;
        for (unsigned i = 0; i < SYMBOLS; i++)
            if (symbol[q][i] > most) most = symbol[q][i];
        const double scale = most > 400000 ? 400000 / most : 1;
        for (unsigned i = 0; i < SYMBOLS; i++) {
            s->weight[q][i] = weight_byte(symbol[q][i] * scale);
            if (symbol[q][i] > 0 && s->weight[q][i] == 0) s->weight[q][i] = 1;
        }
        if (most == 0) s->weight[q][0] = 1;
    }
}

/* only: no window but that one. adapts: 16 symbols, and no weights of its own, which would hardly be worth their bytes where tables learn */
static void find_windows(mote_level_view *v, const float *log, bool escapes, unsigned tables, bool adapts,
                         const mote_pair_spec *only)
{
    double symbol[2][SYMBOLS], family = MOTE_IMPOSSIBLE;
    v->own_bits = MOTE_IMPOSSIBLE;
    for (unsigned wide = 0; wide < (adapts ? 1u : 2u); wide++)
        for (unsigned shift = 0; shift <= 4; shift++) {
            if (only && (only->wide != (wide != 0) || only->shift != shift)) continue;
            mote_pair_spec s = { .wide = wide != 0, .shift = (uint8_t)shift, .lo = (wide ? -15 : -7) * (1 << shift) };
            const int n = (int)mote_pair_symbols(&s), window = (escapes ? n - 2 : n) << shift;
            double rest = mote_level_view_count(v, &s, escapes, symbol);
            double bits = rest + entropy(log, symbol[0]) + entropy(log, symbol[1]);
            const bool whole = v->n_far == 0 && s.lo + SPAN <= v->first && s.lo + SPAN + window > v->last;
            double price = bits + (wide ? WIDE_MARGIN * (double)v->all : 0);
            if (price < family) {
                family = price;
                v->family = s;
                v->rest = rest;
                memcpy(v->symbol, symbol, sizeof symbol);
            }
            mote_pair_spec own = s;
            own.lo = fullest(v, s.lo, 1 << shift, window);
            if (own.lo != s.lo) {
                rest = mote_level_view_count(v, &own, escapes, symbol);
                bits = rest + entropy(log, symbol[0]) + entropy(log, symbol[1]);
            }
            price = bits + mote_pair_own_bits(&own, tables);
            if (price < v->own_bits && !adapts) {
                v->own_bits = price;
                set_weights(&own, symbol);
                v->own = own;
            }
            if (whole) break; /* coarser symbols can only cost more */
        }
    if (family == MOTE_IMPOSSIBLE) { /* without escapes nothing holds them: the caller will see the price */
        v->family = v->own = (mote_pair_spec){ .wide = !adapts, .shift = 4, .lo = adapts ? -112 : -240 };
        v->rest = MOTE_IMPOSSIBLE;
        memset(v->symbol, 0, sizeof v->symbol);
    }
}

void mote_level_view_make(mote_level_view *v, const mote_level_counts *h, unsigned pair, const mote_trellis_plan *p,
                          bool keep)
{
    *v = (mote_level_view){ .n = h->n[pair], .first = MOTE_LEVELS, .last = -1, .pair = (uint8_t)pair };
    v->far = h->far;
    for (size_t i = 0; i < h->n_far; i++) v->all += h->far[i].pair == pair;
    if (v->all) v->n_far = h->n_far; /* those of other pairs need not be looked at */
    for (int at = 0; at < MOTE_LEVELS; at++) {
        const uint64_t k = v->n[0][at] + v->n[1][at];
        if (k == 0) continue;
        v->all += k;
        if (v->first == MOTE_LEVELS) v->first = at;
        v->last = at;
    }
    if (v->all) find_windows(v, h->log, p->escapes != 0, p->h0 ? 2 : 1, p->adapts, keep ? &p->pair[pair] : NULL);
}
