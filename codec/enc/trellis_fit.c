/* SPDX-License-Identifier: Apache-2.0
 * Tables of pairs fitted to counts. While parameters are searched for, prices come from a quick copy of the tables' rule;
 * what is kept is priced as it will be coded. Host only. */
#include "enc/trellis_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define SPAN MOTE_PRICE_SPAN
#define SYMBOLS MOTE_PAIR_SYMBOLS_MAX
#define TOTAL (1 << MOTE_PAIR_BITS)
#define FAR_MOST ((size_t)1 << 20)
#define UNUSED_BITS 28.0f /* of a level that no table had when it was priced */
#define FAMILY_BITS 72    /* of its parameters as written, about */
#define PAIR_GAIN 8       /* bits that weights of its own must save a pair */
#define SHAPE_START 6     /* exponent 1.5 */

/* --- counts ------------------------------------------------------------------------------------------------------- */

void mote_level_counts_clear(mote_level_counts *h)
{
    memset(h->n, 0, sizeof h->n);
    h->n_far = 0;
}

void mote_level_counts_free(mote_level_counts *h)
{
    free(h->far);
    h->far = NULL;
    h->n_far = h->room = 0;
}

mote_status mote_level_counts_far(mote_level_counts *h, unsigned pair, unsigned q, int32_t level)
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

/* --- the family --------------------------------------------------------------------------------------------------- */

/* Parameters while they are searched for. */
typedef struct guess {
    unsigned shape;
    bool growing;
    double mean, inverse, zero[2]; /* as in mote_family; zero as a factor */
} guess;

typedef struct fit {
    mote_level_view view[MOTE_PAIRS_MAX];
    bool used[MOTE_PAIRS_MAX]; /* by the family */
    unsigned n;
    bool zero, escapes;
    float log[TOTAL + 1]; /* bits of a frequency */
} fit;

/* Cumulative of the shape, 0..65536, as tables have it. */
static double below(const uint16_t *shape, double e, double inverse)
{
    const double product = (e < 0 ? -e : e) * inverse * (1.0 / 4096);
    const uint32_t t = product < 32767 ? (uint32_t)product : 32767;
    const unsigned z = t < 8192 ? 10 : t < 16384 ? 11 : 12;
    const uint16_t *g = shape + (t >> z) + 4 * (z - 10);
    const int32_t h = (int32_t)(g[0] + ((uint32_t)(g[1] - g[0]) * (t & ((1u << z) - 1)) >> z));
    return e < 0 ? 32768 - 0.5 * h : 32768 + 0.5 * h;
}

/* Lower edge of level k, in eighths of a step. */
static double edge_of(unsigned q, bool zero, int32_t k)
{
    if (q == 0) return 16.0 * k - 8;
    if (!zero || k <= -1) return 16.0 * k;
    return k == 0 ? -4 : k == 1 ? 4 : 16.0 * k - 16;
}

static double quantiser_bits(const fit *f, const mote_level_view *v, const guess *g, unsigned q, double inverse,
                             double mean)
{
    const mote_pair_spec *s = &v->family;
    const int n = (int)mote_pair_symbols(s), direct = f->escapes ? n - 2 : n;
    const uint16_t *shape = mote_shape_cdf[g->shape];
    const double *count = v->symbol[q];
    double w[SYMBOLS], sum = 0, bits = 0;
    int from = 0, to = direct; /* symbols that occur */
    while (from < direct && count[from] == 0) from++;
    while (to > from && count[to - 1] == 0) to--;
    const double bottom = below(shape, edge_of(q, f->zero, s->lo) - mean, inverse);
    const double top = below(shape, edge_of(q, f->zero, s->lo + direct * (1 << s->shift)) - mean, inverse);
    double last = below(shape, edge_of(q, f->zero, s->lo + from * (1 << s->shift)) - mean, inverse);
    for (int i = from; i < to; i++) {
        const double next = below(shape, edge_of(q, f->zero, s->lo + (i + 1) * (1 << s->shift)) - mean, inverse);
        w[i] = next - last;
        last = next;
    }
    sum = f->escapes ? 65536 : top - bottom;
    for (int32_t level = q && !f->zero ? -1 : 0; level <= 0; level++) {
        const int i = (level - s->lo) >> s->shift;
        if (level == 0 && i == (-1 - s->lo) >> s->shift && q && !f->zero) continue;
        if (i < from || i >= to) continue;
        sum += w[i] * (g->zero[q] - 1);
        w[i] *= g->zero[q];
    }
    const double scale = TOTAL / (sum > 1 ? sum : 1);
    for (int i = from; i < to; i++) {
        const double x = w[i] * scale;
        bits += count[i] * (double)f->log[x < 1 ? 1 : x > TOTAL ? TOTAL : (int)x];
    }
    if (f->escapes && count[n - 2] + count[n - 1] > 0) {
        const double x = (65536 - (top - bottom)) * 0.5 * scale;
        bits += (count[n - 2] + count[n - 1]) * (double)f->log[x < 1 ? 1 : x > TOTAL ? TOTAL : (int)x];
    }
    return bits;
}

static double pair_bits(const fit *f, unsigned i, const guess *g)
{
    static const double root[2] = { 1, 1.4142135623730951 };
    const mote_level_view *v = &f->view[i];
    const double scale = root[i & 1] * (double)(1u << (i >> 1)), mean = g->growing ? g->mean * scale : g->mean;
    return v->rest + quantiser_bits(f, v, g, 0, g->inverse / scale, mean) +
           quantiser_bits(f, v, g, 1, g->inverse / scale, mean);
}

static double family_bits(const fit *f, const guess *g)
{
    double sum = 0;
    for (unsigned i = 0; i < f->n; i++)
        if (f->used[i]) sum += pair_bits(f, i, g);
    return sum;
}

static bool allowed(const guess *g)
{
    return g->inverse >= 1 && g->inverse <= MOTE_TABLE_INVERSE_MAX && g->mean >= -MOTE_TABLE_MEAN_MAX &&
           g->mean <= MOTE_TABLE_MEAN_MAX && g->zero[0] > 0.02 && g->zero[0] < 3.98 && g->zero[1] > 0.02 &&
           g->zero[1] < 3.98;
}

static bool try_guess(const fit *f, guess *best, double *bits, const guess *g)
{
    if (!allowed(g)) return false;
    const double b = family_bits(f, g);
    if (b >= *bits) return false;
    *bits = b;
    *best = *g;
    return true;
}

/* By coordinates with falling steps; a direction that gained is tried again. */
static double refine(const fit *f, guess *g, double bits, double step)
{
    for (; step > 0.008; step *= 0.5) {
        bool moved = true;
        for (unsigned tries = 0; moved && tries < 4; tries++) {
            moved = false;
            for (unsigned d = 0; d < 8; d++) {
                guess e = *g;
                const double by = d & 1 ? 1 / (1 + step) : 1 + step, eighths = 8 * 2097152 / g->inverse;
                if (d < 2) e.inverse *= by;
                if (d == 2 || d == 3) e.mean += (d & 1 ? -step : step) * eighths;
                if (d == 4 || d == 5) e.zero[0] *= by;
                if (d > 5) e.zero[1] *= by;
                if (try_guess(f, g, &bits, &e)) {
                    moved = true;
                    d |= 1; /* not back again */
                }
            }
        }
    }
    return bits;
}

static double fit_family(const fit *f, guess *g, mote_fit_effort effort)
{
    const bool fresh = effort == MOTE_FIT_FRESH;
    double bits = family_bits(f, g);
    bits = refine(f, g, bits, fresh ? 0.32 : effort == MOTE_FIT_SOME ? 0.08 : 0.02);
    if (effort == MOTE_FIT_LITTLE) return bits;
    for (int by = -1; by <= 1; by += 2)
        for (unsigned again = 0; again < (fresh ? 8u : 2u); again++) {
            guess e = *g;
            if ((by < 0 && g->shape == 0) || (by > 0 && g->shape + 1 == MOTE_SHAPES)) break;
            e.shape = (unsigned)((int)g->shape + by);
            double b = family_bits(f, &e);
            b = refine(f, &e, b, 0.08);
            if (b >= bits) break;
            bits = b;
            *g = e;
        }
    guess e = *g; /* the other growth, with the same mean at the middle of what there is */
    double n = 0, scaled = 0;
    for (unsigned i = 0; i < f->n; i++) {
        if (!f->used[i]) continue;
        n += (double)f->view[i].all;
        scaled += (double)f->view[i].all * (i & 1 ? 1.4142135623730951 : 1) * (double)(1u << (i >> 1));
    }
    e.growing = !g->growing;
    e.mean = e.growing ? g->mean * n / scaled : g->mean * scaled / n;
    if (allowed(&e)) {
        double b = family_bits(f, &e);
        b = refine(f, &e, b, 0.02);
        if (b < bits) {
            bits = b;
            *g = e;
        }
    }
    return bits;
}

/* --- both together ------------------------------------------------------------------------------------------------ */

static guess guess_of(const mote_family *m)
{
    guess g = { .shape = m->shape < MOTE_SHAPES ? m->shape : SHAPE_START,
                .growing = m->growing,
                .mean = m->mean,
                .inverse = m->inverse,
                .zero = { m->zero[0] / 64.0, m->zero[1] / 64.0 } };
    return g;
}

static void set_family(mote_family *m, const guess *g)
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
static guess settle(fit *f, guess g, mote_fit_effort effort)
{
    (void)fit_family(f, &g, effort);
    for (unsigned again = 0; again < 3; again++) {
        unsigned left = 0, gone = 0;
        bool stays[MOTE_PAIRS_MAX];
        for (unsigned i = 0; i < f->n; i++) {
            stays[i] = f->used[i] && f->view[i].own_bits >= pair_bits(f, i, &g) - PAIR_GAIN;
            left += stays[i];
            gone += f->used[i] && !stays[i];
        }
        if (gone == 0 || left == 0) break;
        memcpy(f->used, stays, sizeof stays);
        (void)fit_family(f, &g, effort == MOTE_FIT_LITTLE ? effort : MOTE_FIT_SOME);
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
    fit f = { .n = p->n_pairs, .zero = p->zero, .escapes = p->escapes != 0 };
    for (unsigned i = 1; i <= TOTAL; i++) f.log[i] = (float)(MOTE_PAIR_BITS - mote_log2(i));
    for (unsigned i = 0; i < f.n; i++) {
        mote_level_view_make(&f.view[i], h, i, p);
        f.used[i] = f.view[i].all > 0;
    }
    const guess g = settle(&f, guess_of(&p->family), effort);
    set_family(&p->family, &g);
    double sum = FAMILY_BITS + 4.0 * p->n_pairs;
    bool any = false; /* pairs of the family, or unused ones, which it is cheapest to leave to it */
    for (unsigned i = 0; i < f.n; i++) {
        const mote_level_view *v = &f.view[i];
        if (v->all == 0) {
            p->pair[i].counts = false;
            if (p->adapts) p->pair[i].wide = false;
            p->pair[i].lo = (p->pair[i].wide ? -15 : -7) * (1 << p->pair[i].shift);
            any = true;
            continue;
        }
        p->pair[i] = v->own;
        const double own =
            p->adapts ? MOTE_IMPOSSIBLE : coded_bits(p, i, v) + mote_pair_own_bits(&v->own, p->h0 ? 2 : 1);
        p->pair[i] = v->family;
        const double family = coded_bits(p, i, v);
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

static float escape_price(uint32_t number)
{
    return number < 128 ? 8 : number < 16384 ? 16 : 24;
}

void mote_trellis_price(const mote_trellis_plan *p, mote_level_prices *prices)
{
    for (unsigned i = 0; i < p->n_pairs; i++)
        for (unsigned q = 0; q < 2; q++) {
            const mote_pair_spec *s = &p->pair[i];
            float bits[SYMBOLS];
            const unsigned n = mote_trellis_symbol_bits(p, i, q, bits);
            for (unsigned k = 0; k < n; k++)
                if (bits[k] > UNUSED_BITS) bits[k] = UNUSED_BITS;
            for (int32_t k = -SPAN; k < SPAN; k++) {
                uint32_t number = 0;
                const unsigned t = n ? mote_trellis_symbol(s, p->escapes != 0, k, &number) : 0;
                const bool escape = p->escapes && t >= n - 2;
                prices[i].bits[q][k + SPAN] = t >= n ? 1e6f : escape ? bits[t] + escape_price(number) : bits[t];
            }
            for (unsigned parity = 0; parity < 2; parity++) {
                const float least =
                    n == 0 || !p->escapes ? 1e6f : (bits[n - 2] < bits[n - 1] ? bits[n - 2] : bits[n - 1]) + 16;
                prices[i].beyond[q][parity] = least;
            }
        }
}
