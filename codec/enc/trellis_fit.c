/* SPDX-License-Identifier: Apache-2.0
 * Tables of pairs fitted to counts. While parameters are searched for, prices come from a quick copy of the tables' rule;
 * what is kept is priced as it will be coded. Host only. */
#include "enc/trellis_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define SPAN MOTE_PRICE_SPAN
#define SYMBOLS MOTE_PAIR_SYMBOLS_MAX
#define TOTAL (1 << MOTE_PAIR_BITS)
#define FAR_MOST ((size_t)1 << 20)
#define ESCAPE_BITS 8      /* of a number, about */
#define UNUSED_BITS 28.0f  /* of a level that no table had when it was priced */
#define WIDE_MARGIN 0.0005 /* bits of a level that 32 symbols must save, as they decode slower */
#define FAMILY_BITS 72     /* of its parameters as written, about */
#define PAIR_GAIN 8        /* bits that weights of its own must save a pair */
#define SHAPE_START 6      /* exponent 1.5 */

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

/* --- windows ------------------------------------------------------------------------------------------------------ */

/* The counts of a pair, seen through a window. */
typedef struct view {
    const uint64_t (*n)[MOTE_LEVELS]; /* [2] */
    const mote_far_level *far;        /* those of all pairs */
    size_t n_far;
    uint8_t pair;
    int first, last;            /* places of the least and the largest level that occur, both quantisers */
    uint64_t all;               /* levels */
    mote_pair_spec family, own; /* windows for either form; own with its weights */
    double own_bits;            /* with its own weights and their bytes */
    double symbol[2][SYMBOLS];  /* counts in the family's window */
    double rest;                /* bits beside the symbols in the family's window */
} view;

static unsigned symbols_of(const mote_pair_spec *s)
{
    return s->wide ? SYMBOLS : SYMBOLS / 2;
}

/* A pair with weights of its own, as written. */
static double own_table_bits(const mote_pair_spec *s, unsigned tables)
{
    return 8.0 * tables * symbols_of(s) + 16;
}

static unsigned symbol_of(const mote_pair_spec *s, int32_t level, bool escapes)
{
    uint32_t number;
    return mote_trellis_symbol(s, escapes, level, &number);
}

/* Counts of the symbols of a window; returns the bits that come with them. */
static double look_through(const view *v, const mote_pair_spec *s, bool escapes, double symbol[2][SYMBOLS])
{
    const unsigned n = symbols_of(s), direct = escapes ? n - 2 : n;
    double escaped = 0;
    memset(symbol, 0, 2 * SYMBOLS * sizeof **symbol);
    for (unsigned q = 0; q < 2; q++)
        for (int at = v->first; at <= v->last; at++) {
            if (v->n[q][at] == 0) continue;
            const unsigned t = symbol_of(s, at - SPAN, escapes);
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

static double entropy(const double symbol[SYMBOLS])
{
    double all = 0, sum = 0;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        if (symbol[i] == 0) continue;
        all += symbol[i];
        sum += symbol[i] * mote_log2(symbol[i]);
    }
    return all > 0 ? all * mote_log2(all) - sum : 0;
}

/* Where a window of that many levels holds most, in steps of one symbol from the family's place. */
static int32_t fullest(const view *v, int32_t lo, int wide, int window)
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

/* adapts: 16 symbols, and no weights of its own, which would hardly be worth their bytes where tables learn */
static void find_windows(view *v, bool escapes, unsigned tables, bool adapts)
{
    double symbol[2][SYMBOLS], family = MOTE_IMPOSSIBLE;
    v->own_bits = MOTE_IMPOSSIBLE;
    for (unsigned wide = 0; wide < (adapts ? 1u : 2u); wide++)
        for (unsigned shift = 0; shift <= 4; shift++) {
            mote_pair_spec s = { .wide = wide != 0, .shift = (uint8_t)shift, .lo = (wide ? -15 : -7) * (1 << shift) };
            const int n = (int)symbols_of(&s), window = (escapes ? n - 2 : n) << shift;
            double rest = look_through(v, &s, escapes, symbol);
            double bits = rest + entropy(symbol[0]) + entropy(symbol[1]);
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
                rest = look_through(v, &own, escapes, symbol);
                bits = rest + entropy(symbol[0]) + entropy(symbol[1]);
            }
            price = bits + own_table_bits(&own, tables);
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

/* --- the family --------------------------------------------------------------------------------------------------- */

/* Parameters while they are searched for. */
typedef struct guess {
    unsigned shape;
    bool growing;
    double mean, inverse, zero[2]; /* as in mote_family; zero as a factor */
} guess;

typedef struct fit {
    view view[MOTE_PAIRS_MAX];
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

static double quantiser_bits(const fit *f, const view *v, const guess *g, unsigned q, double inverse, double mean)
{
    const mote_pair_spec *s = &v->family;
    const int n = (int)symbols_of(s), direct = f->escapes ? n - 2 : n;
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
    const view *v = &f->view[i];
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
static double coded_bits(const mote_trellis_plan *p, unsigned i, const view *v)
{
    const mote_pair_spec *s = &p->pair[i];
    float bits[SYMBOLS];
    double symbol[2][SYMBOLS], sum = look_through(v, s, p->escapes != 0, symbol) - (double)v->all * s->shift;
    for (unsigned q = 0; q < 2; q++) {
        if (!mote_trellis_symbol_bits(p, i, q, bits)) return MOTE_IMPOSSIBLE;
        for (unsigned k = 0; k < symbols_of(s); k++)
            if (symbol[q][k] > 0) sum += symbol[q][k] * (double)bits[k];
    }
    return sum;
}

static void look_at(view *v, const mote_level_counts *h, unsigned pair)
{
    *v = (view){ .n = h->n[pair], .first = MOTE_LEVELS, .last = -1, .pair = (uint8_t)pair };
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

double mote_trellis_fit(mote_trellis_plan *p, const mote_level_counts *h, mote_fit_effort effort)
{
    fit f = { .n = p->n_pairs, .zero = p->zero, .escapes = p->escapes != 0 };
    for (unsigned i = 1; i <= TOTAL; i++) f.log[i] = (float)(MOTE_PAIR_BITS - mote_log2(i));
    for (unsigned i = 0; i < f.n; i++) {
        look_at(&f.view[i], h, i);
        f.used[i] = f.view[i].all > 0;
        if (f.used[i]) find_windows(&f.view[i], f.escapes, p->h0 ? 2 : 1, p->adapts);
    }
    const guess g = settle(&f, guess_of(&p->family), effort);
    set_family(&p->family, &g);
    double sum = FAMILY_BITS + 4.0 * p->n_pairs;
    bool any = false; /* pairs of the family, or unused ones, which it is cheapest to leave to it */
    for (unsigned i = 0; i < f.n; i++) {
        const view *v = &f.view[i];
        if (v->all == 0) {
            p->pair[i].counts = false;
            if (p->adapts) p->pair[i].wide = false;
            p->pair[i].lo = (p->pair[i].wide ? -15 : -7) * (1 << p->pair[i].shift);
            any = true;
            continue;
        }
        p->pair[i] = v->own;
        const double own = p->adapts ? MOTE_IMPOSSIBLE : coded_bits(p, i, v) + own_table_bits(&v->own, p->h0 ? 2 : 1);
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
    return mote_trellis_symbol(s, true, level, number) + 2 >= symbols_of(s);
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
