/* SPDX-License-Identifier: Apache-2.0
 * Tables of pairs fitted to counts. While parameters are searched for, prices come from a quick copy of the tables' rule;
 * what is kept is priced as it will be coded. Host only. */
#include "enc/trellis_family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define SPAN MOTE_PRICE_SPAN
#define SYMBOLS MOTE_PAIR_SYMBOLS_MAX
#define FAR_MOST ((size_t)1 << 20)
#define UNUSED_BITS 28.0f /* of a level that no table had when it was priced */
#define FAMILY_BITS 72    /* of its parameters as written, about */
#define PAIR_GAIN 8       /* bits that weights of its own must save a pair */
#define SHAPE_START 6     /* exponent 1.5 */

/* --- counts ------------------------------------------------------------------------------------------------------- */

void mote_level_counts_init(mote_level_counts *h)
{
    for (unsigned i = 1; i <= 1u << MOTE_PAIR_BITS; i++) h->log[i] = (float)(MOTE_PAIR_BITS - mote_log2(i));
}

void mote_level_counts_clear(mote_level_counts *h, unsigned n)
{
    memset(h->n, 0, n * sizeof h->n[0]);
    h->n_far = 0;
}

void mote_level_counts_free(mote_level_counts *h)
{
    free(h->far);
    h->far = NULL;
    h->n_far = h->room = 0;
}

static mote_status add_far(mote_level_counts *h, unsigned pair, unsigned q, int32_t level)
{
    if (h->n_far == h->room) {
        const size_t room = h->room ? 2 * h->room : 256;
        mote_far_level *far = room <= FAR_MOST ? realloc(h->far, room * sizeof *far) : NULL;
        if (!far) return room <= FAR_MOST ? MOTE_ERR_NOMEM : MOTE_ERR_LIMIT;
        h->far = far;
        h->room = room;
    }
    h->far[h->n_far++] = (mote_far_level){ level, (uint8_t)pair, (uint8_t)q };
    return MOTE_OK;
}

mote_status mote_level_counts_add(mote_level_counts *h, const uint8_t *pair, const uint16_t *place,
                                  const int32_t *level, size_t n, bool far)
{
    mote_status st = MOTE_OK;
    uint64_t *flat = h->n[0][0];
    for (size_t i = 0; i < n && !far; i++) flat[pair[i] * 2u * MOTE_LEVELS + place[i]]++;
    for (size_t i = 0; i < n && far && st == MOTE_OK; i++) {
        if (level[i] >= -SPAN && level[i] < SPAN)
            flat[pair[i] * 2u * MOTE_LEVELS + place[i]]++;
        else
            st = add_far(h, pair[i], place[i] / MOTE_LEVELS, level[i]);
    }
    return st;
}

uint32_t mote_level_counts_largest(const mote_level_counts *h, unsigned n, bool zero)
{
    int32_t most = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned q = 0; q < 2; q++)
            for (int32_t k = -SPAN; k < SPAN; k++) {
                const int32_t v = mote_trellis_value(zero, q, k);
                if (abs(v) > most && h->n[i][q][k + SPAN]) most = abs(v);
            }
    for (size_t i = 0; i < h->n_far; i++) {
        const int32_t v = mote_trellis_value(zero, h->far[i].q, h->far[i].level);
        if (abs(v) > most) most = abs(v);
    }
    return (uint32_t)most;
}

double mote_level_counts_bits(const mote_level_counts *h, unsigned n)
{
    double bits = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned q = 0; q < 2; q++) {
            uint64_t far = 0, all = 0;
            for (size_t k = 0; k < h->n_far; k++) far += h->far[k].pair == i && h->far[k].q == q;
            for (size_t k = 0; k < MOTE_LEVELS; k++) all += h->n[i][q][k];
            bits +=
                mote_entropy_bits(h->n[i][q], MOTE_LEVELS) + mote_nlogn(all + far) - mote_nlogn(all) - mote_nlogn(far);
        }
    return bits;
}

/* --- both together ------------------------------------------------------------------------------------------------ */

static mote_family_guess guess_of(const mote_family *m)
{
    mote_family_guess g = { .shape = m->shape < MOTE_SHAPES ? m->shape : SHAPE_START,
                            .growing = m->growing,
                            .mean = m->mean,
                            .inverse = m->inverse,
                            .zero = { m->zero[0] / 64.0, m->zero[1] / 64.0 } };
    return g;
}

static void set_family(mote_family *m, const mote_family_guess *g)
{
    m->shape = (uint8_t)g->shape;
    m->growing = g->growing;
    m->mean = (int32_t)(g->mean < 0 ? g->mean - 0.5 : g->mean + 0.5);
    m->inverse = (uint32_t)(g->inverse + 0.5);
    for (unsigned q = 0; q < 2; q++) m->zero[q] = (uint8_t)(g->zero[q] * 64 + 0.5);
}

void mote_trellis_guess(mote_trellis_plan *p, double variance)
{
    const double inverse = 2097152 / sqrt(variance);
    p->family = (mote_family){ .shape = SHAPE_START, .zero = { 64, 64 } };
    p->family.inverse = inverse < 1 ? 1 : inverse > MOTE_TABLE_INVERSE_MAX ? MOTE_TABLE_INVERSE_MAX : (uint32_t)inverse;
    for (unsigned i = 0; i < p->n_pairs; i++) {
        const double deviation = sqrt(variance * (double)((uint64_t)1 << i)) * 0.5; /* in levels */
        uint8_t shift = 0;
        while (shift < 4 && deviation > 3 * (1 << shift)) shift++;
        p->pair[i] = (mote_pair_spec){ .shift = shift, .lo = -7 * (1 << shift) };
    }
}

/* Bits of a pair's levels as they would be coded. */
static double coded_bits(const mote_trellis_plan *p, unsigned i, const mote_level_view *v)
{
    const mote_pair_spec *s = &p->pair[i];
    float bits[SYMBOLS];
    double symbol[2][SYMBOLS], sum = mote_level_view_count(v, s, p->escapes != 0, symbol) - (double)v->all * s->shift;
    for (unsigned q = 0; q < 2; q++) {
        if (!mote_trellis_symbol_bits(p, i, q, bits)) return MOTE_IMPOSSIBLE;
        for (unsigned k = 0; k < mote_pair_symbols(s); k++)
            if (symbol[q][k] > 0) sum += symbol[q][k] * (double)bits[k];
    }
    return sum;
}

/* Pairs that are better off with weights of their own leave the family, which is then fitted to the rest. */
static mote_family_guess settle(mote_family_fit *f, mote_family_guess g, mote_fit_effort effort)
{
    (void)mote_family_fit_run(f, &g, effort);
    for (unsigned again = 0; again < 3; again++) {
        unsigned left = 0, gone = 0;
        bool stays[MOTE_PAIRS_MAX];
        for (unsigned i = 0; i < f->n; i++) {
            stays[i] = f->used[i] && f->view[i].own_bits >= mote_family_fit_pair(f, i, &g) - PAIR_GAIN;
            left += stays[i];
            gone += f->used[i] && !stays[i];
        }
        if (gone == 0 || left == 0) break;
        memcpy(f->used, stays, sizeof stays);
        (void)mote_family_fit_run(f, &g, effort == MOTE_FIT_LITTLE ? effort : MOTE_FIT_SOME);
    }
    return g;
}

double mote_trellis_table_bits(const mote_trellis_plan *p)
{
    double sum = FAMILY_BITS + 4.0 * p->n_pairs;
    for (unsigned i = 0; i < p->n_pairs; i++)
        if (p->pair[i].counts) sum += mote_pair_own_bits(&p->pair[i], p->h0 ? 2 : 1);
    return sum;
}

double mote_trellis_fit(mote_trellis_plan *p, const mote_level_counts *h, mote_fit_effort effort)
{
    mote_level_view view[MOTE_PAIRS_MAX];
    mote_family_fit f;
    /* levels that suited their windows shortly before still do */
    const bool keep = effort == MOTE_FIT_LITTLE && p->escapes != 0 && !p->adapts;
    for (unsigned i = 0; i < p->n_pairs; i++) mote_level_view_make(&view[i], h, i, p, keep);
    mote_family_fit_init(&f, p, view, h->log);
    const mote_family_guess g = settle(&f, guess_of(&p->family), effort);
    set_family(&p->family, &g);
    double sum = FAMILY_BITS + 4.0 * p->n_pairs;
    bool any = false; /* pairs of the family, or unused ones, which it is cheapest to leave to it */
    for (unsigned i = 0; i < p->n_pairs; i++) {
        const mote_level_view *v = &view[i];
        if (v->all == 0) {
            p->pair[i].counts = false;
            if (p->adapts) p->pair[i].wide = false;
            p->pair[i].lo = (p->pair[i].wide ? -15 : -7) * (1 << p->pair[i].shift);
            any = true;
            continue;
        }
        p->pair[i] = v->family;
        const double family = coded_bits(p, i, v);
        double own = v->own_bits; /* at best */
        if (own < family) {
            p->pair[i] = v->own;
            own = coded_bits(p, i, v) + mote_pair_own_bits(&v->own, p->h0 ? 2 : 1);
            p->pair[i] = v->family;
        }
        if (own < family) p->pair[i] = v->own;
        sum += own < family ? own : family;
        any |= own >= family;
    }
    if (!any) {
        p->family.shape = MOTE_FAMILY_NONE;
        p->family.growing = false;
    }
    return sum;
}

/* --- escapes ------------------------------------------------------------------------------------------------------ */

static bool is_escape(const mote_pair_spec *s, int32_t level, uint32_t *number)
{
    return mote_trellis_symbol(s, true, level, number) + 2 >= mote_pair_symbols(s);
}

mote_status mote_trellis_fit_escapes(mote_trellis_plan *p, const mote_level_counts *h, double segments)
{
    mote_escape_count *e = malloc((2 * MOTE_PAIRS_MAX * (size_t)MOTE_LEVELS + h->n_far) * sizeof *e);
    size_t n = 0;
    if (!e) return MOTE_ERR_NOMEM;
    for (unsigned i = 0; i < p->n_pairs; i++)
        for (int32_t k = -SPAN; k < SPAN; k++) {
            const uint64_t here = h->n[i][0][k + SPAN] + h->n[i][1][k + SPAN];
            if (here && is_escape(&p->pair[i], k, &e[n].number)) e[n++].n = here;
        }
    for (size_t i = 0; i < h->n_far; i++)
        if (is_escape(&p->pair[h->far[i].pair], h->far[i].level, &e[n].number)) e[n++].n = 1;
    mote_trellis_plan without = *p;
    without.escapes = 0;
    if (n == 0 &&
        mote_trellis_fit(&without, h, MOTE_FIT_SOME) < mote_trellis_fit(p, h, MOTE_FIT_LITTLE) + 16 * segments)
        *p = without;
    else
        (void)mote_escapes_fit(&p->escapes, &p->escape, e, n, 1, segments);
    free(e);
    return MOTE_OK;
}

/* --- prices ------------------------------------------------------------------------------------------------------- */

/* Bits of escape numbers as varints, for those that levels within the span have. */
static float escape_price(int32_t number)
{
    return number < 128 ? 8 : 16;
}

/* Prices of the levels of quantiser q; levels without a symbol escape (mote_trellis_symbol()) or are forbidden. */
static void price_levels(const mote_pair_spec *s, bool escapes, unsigned n, const float *bits, float price[MOTE_LEVELS])
{
    const int32_t direct = (int32_t)(escapes ? n - 2 : n), wide = direct << s->shift;
    const int32_t first = s->lo + SPAN < 0 ? 0 : s->lo + SPAN > MOTE_LEVELS ? MOTE_LEVELS : s->lo + SPAN;
    const int32_t end = s->lo + wide + SPAN;
    const int32_t last = end < first ? first : end > MOTE_LEVELS ? MOTE_LEVELS : end;
    const float even = escapes ? bits[n - 2] : 1e6f, odd = escapes ? bits[n - 1] : 1e6f;
    for (int32_t k = 0; k < first; k++) { /* symbol -1 - t */
        const int32_t t = (s->lo + SPAN - k - 1) >> s->shift;
        price[k] = t & 1 ? even + escape_price(t) : odd + escape_price(t + 1);
    }
    for (int32_t k = first; k < last; k++) price[k] = bits[(k - SPAN - s->lo) >> s->shift];
    for (int32_t k = last; k < MOTE_LEVELS; k++) {
        const int32_t t = (k - SPAN - s->lo) >> s->shift, number = t - (int32_t)n + 2;
        price[k] = t & 1 ? odd + escape_price(number - 1) : even + escape_price(number);
    }
}

void mote_trellis_price(const mote_trellis_plan *p, mote_level_prices *prices)
{
    for (unsigned i = 0; i < p->n_pairs; i++)
        for (unsigned q = 0; q < 2; q++) {
            float bits[SYMBOLS];
            const unsigned n = mote_trellis_symbol_bits(p, i, q, bits);
            for (unsigned k = 0; k < n; k++)
                if (bits[k] > UNUSED_BITS) bits[k] = UNUSED_BITS;
            for (unsigned k = 0; k < MOTE_LEVELS && n == 0; k++) prices[i].bits[q][k] = 1e6f;
            if (n) price_levels(&p->pair[i], p->escapes != 0, n, bits, prices[i].bits[q]);
            for (unsigned parity = 0; parity < 2; parity++) {
                const float least =
                    n == 0 || !p->escapes ? 1e6f : (bits[n - 2] < bits[n - 1] ? bits[n - 2] : bits[n - 1]) + 16;
                prices[i].beyond[q][parity] = least;
            }
        }
}
