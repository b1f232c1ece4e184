/* SPDX-License-Identifier: Apache-2.0
 * Fitting a family. Prices come from a quick copy of the tables' rule (codecs.md 8.4): pieces of straight lines for the
 * shape, frequencies rounded down. For each guess of shape, inverse and mean the best factors of zero follow by
 * Newton's method from sums of the symbols' weights, so that two parameters are left to be searched for, by parabolas.
 * Host only. */
#include "enc/trellis_family.h"

#include <string.h>

#define SYMBOLS MOTE_PAIR_SYMBOLS_MAX
#define TOTAL (1 << MOTE_PAIR_BITS)
#define IMPOSSIBLE 1e300
#define ZERO_LEAST 0.05 /* factors of zero, as far as a byte of 64ths reaches */
#define ZERO_MOST 3.9
#define ZERO_ROUNDS 6
#define NEARLY 1.0005 /* bits of a shape that may yet become the better one */
#define CENTRE 0.04   /* eighths of a deviation: means below it may grow or not */

/* --- what is fitted to -------------------------------------------------------------------------------------------- */

/* Lower edge of level k, in eighths of a step. */
static double edge_of(unsigned q, bool zero, int32_t k)
{
    if (q == 0) return 16.0 * k - 8;
    if (!zero || k <= -1) return 16.0 * k;
    return k == 0 ? -4 : k == 1 ? 4 : 16.0 * k - 16;
}

static void set_side(mote_family_side *s, const mote_level_view *v, unsigned q, bool zero, bool escapes)
{
    const mote_pair_spec *w = &v->family;
    const double *count = v->symbol[q];
    const int n = (int)mote_pair_symbols(w), direct = escapes ? n - 2 : n;
    int from = 0, to = direct;
    while (from < direct && count[from] == 0) from++;
    while (to > from && count[to - 1] == 0) to--;
    int zero_from = ((q && !zero ? -1 : 0) - w->lo) >> w->shift, zero_to = (-w->lo >> w->shift) + 1;
    if (zero_from < 0) zero_from = 0;
    if (zero_to > direct) zero_to = direct;
    if (zero_from < zero_to && from < to) {
        if (zero_from < from) from = zero_from;
        if (zero_to > to) to = zero_to;
    }
    const bool has_zero = zero_from < zero_to && from < to;
    s->n = (unsigned)(to - from);
    s->zero_from = has_zero ? (unsigned)(zero_from - from) : 0;
    s->zero_to = has_zero ? (unsigned)(zero_to - from) : 0;
    s->all = s->zeros = 0;
    for (int i = from; i < to; i++) {
        s->count[i - from] = count[i];
        s->edge[i - from] = edge_of(q, zero, w->lo + i * (1 << w->shift));
        s->all += count[i];
        if (has_zero && i >= zero_from && i < zero_to) s->zeros += count[i];
    }
    s->edge[s->n] = edge_of(q, zero, w->lo + to * (1 << w->shift));
    s->bottom = edge_of(q, zero, w->lo);
    s->top = edge_of(q, zero, w->lo + direct * (1 << w->shift));
    s->escaped = escapes ? count[n - 2] + count[n - 1] : 0;
    s->all += s->escaped;
}

void mote_family_fit_init(mote_family_fit *f, const mote_trellis_plan *p, const mote_level_view *view, const float *log)
{
    f->view = view;
    f->log = log;
    f->n = p->n_pairs;
    f->escapes = p->escapes != 0;
    f->shape = MOTE_SHAPES;
    for (unsigned i = 0; i < f->n; i++) {
        f->used[i] = view[i].all > 0;
        for (unsigned q = 0; q < 2 && f->used[i]; q++) set_side(&f->side[i][q], &view[i], q, p->zero, f->escapes);
    }
}

/* --- one guess ---------------------------------------------------------------------------------------------------- */

static void set_shape(mote_family_fit *f, unsigned shape)
{
    const uint16_t *g = mote_shape_cdf[shape];
    f->shape = shape;
    for (unsigned k = 0; k < 32; k++) {
        const unsigned z = k < 8 ? 0 : k < 16 ? 1 : 2, at = (k >> z) + 4 * z;
        const double from = (double)((k >> z) << z) * 1024, rise = (double)(g[at + 1] - g[at]) / (1024 << z);
        f->base[k] = g[at] - rise * from;
        f->slope[k] = rise;
    }
}

/* Cumulative of the shape, 0..65536. scale: inverse / 4096 */
static inline double below(const mote_family_fit *f, double e, double scale)
{
    double t = (e < 0 ? -e : e) * scale;
    t = t < 32767 ? t : 32767;
    const unsigned k = (unsigned)(int)t >> 10;
    const double h = 0.5 * (f->base[k] + f->slope[k] * t);
    return e < 0 ? 32768 - h : 32768 + h;
}

static void weigh_side(const mote_family_fit *f, mote_family_side *s, double scale, double mean)
{
    double last = below(f, s->edge[0] - mean, scale);
    for (unsigned i = 0; i < s->n; i++) {
        const double next = below(f, s->edge[i + 1] - mean, scale);
        s->weight[i] = next - last;
        last = next;
    }
    s->sum = 65536;
    if (!f->escapes || s->escaped > 0) {
        const double inside = below(f, s->top - mean, scale) - below(f, s->bottom - mean, scale);
        s->outside = (65536 - inside) * 0.5;
        if (!f->escapes) s->sum = inside;
    }
    if (s->sum < 1) s->sum = 1;
    s->zero_sum = 0;
    for (unsigned i = s->zero_from; i < s->zero_to; i++) s->zero_sum += s->weight[i];
}

static void weigh_pair(mote_family_fit *f, unsigned i, const mote_family_guess *g)
{
    static const double root[2] = { 1, 1.4142135623730951 };
    const double by = root[i & 1] * (double)(1u << (i >> 1)), scale = g->inverse / by * (1.0 / 4096);
    if (f->shape != g->shape) set_shape(f, g->shape);
    for (unsigned q = 0; q < 2; q++)
        if (f->side[i][q].all > 0) weigh_side(f, &f->side[i][q], scale, g->growing ? g->mean * by : g->mean);
}

/* Bits of what occurs, as the tables' frequencies have it. */
static double side_bits(const mote_family_fit *f, const mote_family_side *s, double zero)
{
    const double scale = TOTAL / (s->sum + (zero - 1) * s->zero_sum);
    double bits = 0;
    for (unsigned i = 0; i < s->n; i++) {
        const double x = s->weight[i] * (i >= s->zero_from && i < s->zero_to ? scale * zero : scale);
        bits += s->count[i] * (double)f->log[x < 1 ? 1 : x > TOTAL ? TOTAL : (int)x];
    }
    if (s->escaped > 0) {
        const double x = s->outside * scale;
        bits += s->escaped * (double)f->log[x < 1 ? 1 : x > TOTAL ? TOTAL : (int)x];
    }
    return bits;
}

/* d bits / d ln z = sum(all r) - zeros with r = z w0 / (sum + (z - 1) w0), the share that zero has. */
static double best_zero(const mote_family_fit *f, unsigned q, double z)
{
    double zeros = 0;
    for (unsigned i = 0; i < f->n; i++)
        if (f->used[i]) zeros += f->side[i][q].zeros;
    if (zeros == 0) return 1;
    for (unsigned round = 0; round < ZERO_ROUNDS; round++) {
        double expected = 0, slope = 0;
        for (unsigned i = 0; i < f->n; i++) {
            const mote_family_side *s = &f->side[i][q];
            if (!f->used[i] || !(s->all > 0)) continue;
            const double r = z * s->zero_sum / (s->sum + (z - 1) * s->zero_sum);
            expected += s->all * r;
            slope += s->all * r * (1 - r);
        }
        if (!(slope > 0)) return z;
        double by = (zeros - expected) / slope;
        by = by > 0.7 ? 0.7 : by < -0.7 ? -0.7 : by;
        z = by < 0 ? z / (1 - by) : z * (1 + by);
        z = z < ZERO_LEAST ? ZERO_LEAST : z > ZERO_MOST ? ZERO_MOST : z;
        if (by < 0.002 && by > -0.002) break;
    }
    return z;
}

static bool is_allowed(const mote_family_guess *g)
{
    return g->inverse >= 1 && g->inverse <= MOTE_TABLE_INVERSE_MAX && g->mean >= -MOTE_TABLE_MEAN_MAX &&
           g->mean <= MOTE_TABLE_MEAN_MAX;
}

/* Bits of all pairs that are used; the guess gets its factors of zero. */
static double look_at(mote_family_fit *f, mote_family_guess *g)
{
    double bits = 0;
    if (!is_allowed(g)) return IMPOSSIBLE;
    for (unsigned i = 0; i < f->n; i++)
        if (f->used[i]) weigh_pair(f, i, g);
    for (unsigned q = 0; q < 2; q++) g->zero[q] = best_zero(f, q, g->zero[q]);
    for (unsigned i = 0; i < f->n; i++)
        for (unsigned q = 0; q < 2 && f->used[i]; q++)
            if (f->side[i][q].all > 0) bits += side_bits(f, &f->side[i][q], g->zero[q]);
    return bits;
}

double mote_family_fit_pair(mote_family_fit *f, unsigned i, const mote_family_guess *g)
{
    double bits = f->view[i].rest;
    weigh_pair(f, i, g);
    for (unsigned q = 0; q < 2; q++)
        if (f->side[i][q].all > 0) bits += side_bits(f, &f->side[i][q], g->zero[q]);
    return bits;
}

/* --- the search --------------------------------------------------------------------------------------------------- */

static mote_family_guess moved(const mote_family_guess *g, bool mean, double by)
{
    mote_family_guess e = *g;
    if (mean)
        e.mean += by * 8 * 2097152 / g->inverse;
    else
        e.inverse = by < 0 ? e.inverse / (1 - by) : e.inverse * (1 + by);
    return e;
}

/* Along one parameter: as far as whole steps gain, then to the bottom of the parabola through the last three. */
static double search_line(mote_family_fit *f, mote_family_guess *g, double bits, bool mean, double step)
{
    mote_family_guess low = moved(g, mean, -step), high = moved(g, mean, step);
    double below_it = look_at(f, &low), above = look_at(f, &high);
    for (unsigned tries = 0; tries < 5 && (below_it < bits || above < bits); tries++) {
        if (below_it < above) {
            high = *g;
            above = bits;
            *g = low;
            bits = below_it;
            low = moved(g, mean, -step);
            below_it = look_at(f, &low);
        } else {
            low = *g;
            below_it = bits;
            *g = high;
            bits = above;
            high = moved(g, mean, step);
            above = look_at(f, &high);
        }
    }
    const double curve = below_it + above - 2 * bits;
    if (below_it < bits || above < bits || !(curve > 0) || above >= IMPOSSIBLE || below_it >= IMPOSSIBLE) return bits;
    mote_family_guess e = moved(g, mean, step * 0.5 * (below_it - above) / curve);
    const double b = look_at(f, &e);
    if (b >= bits) return bits;
    *g = e;
    return b;
}

static double refine(mote_family_fit *f, mote_family_guess *g, double bits, double step)
{
    while (step > 0.008) {
        bits = search_line(f, g, bits, false, step);
        bits = search_line(f, g, bits, true, step);
        step *= 0.25;
    }
    return bits;
}

/* The other growth, with the same mean at the middle of what there is. */
static double try_growth(mote_family_fit *f, mote_family_guess *g, double bits)
{
    mote_family_guess e = *g;
    double n = 0, scaled = 0;
    for (unsigned i = 0; i < f->n; i++) {
        if (!f->used[i]) continue;
        n += (double)f->view[i].all;
        scaled += (double)f->view[i].all * (i & 1 ? 1.4142135623730951 : 1) * (double)(1u << (i >> 1));
    }
    e.growing = !g->growing;
    e.mean = e.growing ? g->mean * n / scaled : g->mean * scaled / n;
    double b = look_at(f, &e);
    if (b < IMPOSSIBLE) b = refine(f, &e, b, 0.02);
    if (b >= bits) return bits;
    *g = e;
    return b;
}

double mote_family_fit_run(mote_family_fit *f, mote_family_guess *g, mote_fit_effort effort)
{
    const bool fresh = effort == MOTE_FIT_FRESH;
    double bits = look_at(f, g);
    if (bits >= IMPOSSIBLE) return bits;
    bits = refine(f, g, bits, fresh ? 0.32 : effort == MOTE_FIT_SOME ? 0.08 : 0.02);
    if (effort == MOTE_FIT_LITTLE) return bits;
    for (int by = -1; by <= 1; by += 2)
        for (unsigned again = 0; again < (fresh ? 8u : 2u); again++) {
            mote_family_guess e = *g;
            if ((by < 0 && g->shape == 0) || (by > 0 && g->shape + 1 == MOTE_SHAPES)) break;
            e.shape = (unsigned)((int)g->shape + by);
            double b = look_at(f, &e);
            b = search_line(f, &e, b, false, 0.08);
            if (b < bits * NEARLY) b = refine(f, &e, b, fresh ? 0.08 : 0.02);
            if (b >= bits) break;
            bits = b;
            *g = e;
        }
    const double centre = g->mean * g->inverse / 2097152; /* in eighths of the deviation, about */
    return centre > CENTRE || centre < -CENTRE ? try_growth(f, g, bits) : bits;
}
