/* SPDX-License-Identifier: Apache-2.0
 * Passes over a sample. Host only. */
#include "enc/trellis_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define SPAN MOTE_PRICE_SPAN
#define LAMBDA_LEAST 0.2 /* squared steps a bit */
#define LAMBDA_MOST 0.36
#define LAMBDA_FIRST 0.35
#define CENTROID_LEAST 20 /* values whose mean error is worth an offset */
#define MAP_BITS 184      /* of a coded map: table, state, length */
#define TWO_LN2 1.3862943611198906

/* --- memory ------------------------------------------------------------------------------------------------------- */

mote_status mote_trellis_work_reserve(mote_trellis_work *w, unsigned states, size_t elements)
{
    if (!w->prices) w->prices = malloc(MOTE_PAIRS_MAX * sizeof *w->prices);
    if (!w->counts) w->counts = calloc(1, sizeof *w->counts);
    if (states > w->states) {
        free(w->memory);
        uint8_t *p = w->memory = malloc(mote_trellis_bytes(states) + 31);
        w->search = p ? p + (32 - (uintptr_t)p % 32) % 32 : NULL;
        w->states = p ? states : 0;
    }
    if (elements > w->room) {
        if (elements > SIZE_MAX / 8) return MOTE_ERR_NOMEM;
        free(w->y);
        free(w->weight);
        free(w->index);
        free(w->level);
        free(w->at);
        w->y = malloc(elements * sizeof *w->y);
        w->weight = malloc(elements * sizeof *w->weight);
        w->index = malloc(elements);
        w->level = malloc(elements * sizeof *w->level);
        w->at = malloc(elements * sizeof *w->at);
        w->room = w->y && w->weight && w->index && w->level && w->at ? elements : 0;
    }
    return w->prices && w->counts && w->states >= states && w->room >= elements ? MOTE_OK : MOTE_ERR_NOMEM;
}

void mote_trellis_work_free(mote_trellis_work *w)
{
    if (w->counts) mote_level_counts_free(w->counts);
    free(w->counts);
    free(w->prices);
    free(w->memory);
    free(w->y);
    free(w->weight);
    free(w->index);
    free(w->level);
    free(w->at);
    *w = (mote_trellis_work){ 0 };
}

/* --- codes -------------------------------------------------------------------------------------------------------- */

bool mote_trellis_set_states(mote_trellis_plan *p, unsigned states)
{
    static const uint16_t codes[][3] = { { 1, 0, 0 },         { 8, 013, 04 },         { 32, 045, 010 },
                                         { 256, 0515, 0362 }, { 1024, 02107, 01722 }, { 2048, 06215, 03722 } };
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i][0] == states) {
            p->h0 = codes[i][1];
            p->h1 = codes[i][2];
            return true;
        }
    return false;
}

mote_trellis mote_trellis_of(const mote_trellis_plan *p, unsigned states)
{
    mote_trellis t = { .states = states, .h0 = p->h0, .h1 = p->h1, .zero = p->zero };
    for (unsigned i = 1; i < 4; i++) t.offset[i] = (float)p->offset[i - 1] / 64;
    return t;
}

/* --- passes ------------------------------------------------------------------------------------------------------- */

void mote_trellis_begin(mote_trellis_trained *s)
{
    mote_trellis_plan *p = &s->plan;
    double variance = 1 / (s->step * s->step);
    for (int i = s->classes.lowest; i > 0; i--) variance *= 2;
    for (int i = s->classes.lowest; i < 0; i++) variance *= 0.5;
    p->base = (uint8_t)s->classes.base;
    p->n_pairs = (uint8_t)s->classes.n_pairs;
    p->escapes = 1;
    memset(p->offset, 0, sizeof p->offset);
    mote_trellis_guess(p, variance);
    s->lambda = LAMBDA_FIRST;
}

void mote_trellis_set_step(mote_trellis_trained *s, double step)
{
    mote_family *f = &s->plan.family;
    const double by = step / s->step, inverse = (double)f->inverse * by, mean = (double)f->mean / by;
    if (!(by > 0) || by - by != 0) { /* from or to no step: tensors next to nothing, or to infinity */
        s->step = step;
        return;
    }
    f->inverse = inverse < 1                        ? 1
                 : inverse > MOTE_TABLE_INVERSE_MAX ? MOTE_TABLE_INVERSE_MAX
                                                    : (uint32_t)(inverse + 0.5);
    if (mean > -MOTE_TABLE_MEAN_MAX && mean < MOTE_TABLE_MEAN_MAX)
        f->mean = (int32_t)(mean < 0 ? mean - 0.5 : mean + 0.5);
    s->step = step;
}

void mote_trellis_adapt(mote_trellis_trained *s, double error, const double sum[4], const double n[4])
{
    const double lambda = TWO_LN2 * error;
    s->lambda = lambda < LAMBDA_LEAST ? LAMBDA_LEAST : lambda > LAMBDA_MOST ? LAMBDA_MOST : lambda;
    for (unsigned v = 1; v < 4; v++) {
        double o = n[v] > CENTROID_LEAST && !s->native ? sum[v] / n[v] * 64 : 0;
        if (o > MOTE_TRELLIS_OFFSET_MAX) o = MOTE_TRELLIS_OFFSET_MAX;
        if (o < -MOTE_TRELLIS_OFFSET_MAX) o = -MOTE_TRELLIS_OFFSET_MAX;
        s->plan.offset[v - 1] = (int8_t)(o < 0 ? o - 0.5 : o + 0.5);
    }
}

double mote_trellis_map_bits(const uint8_t *map, size_t n)
{
    uint64_t count[MOTE_COLUMN_CLASSES] = { 0 };
    unsigned classes = 0;
    for (size_t i = 0; i < n; i++) classes += count[map[i]]++ == 0;
    const double stored = 4.0 * (double)n + 16;
    const double coded = mote_entropy_bits(count, MOTE_COLUMN_CLASSES) + 8.0 * (classes < 6 ? classes : 6) + MAP_BITS;
    return classes < 2 ? 0 : stored < coded ? stored : coded;
}

static void set_index(const mote_trellis_trained *s, const mote_trellis_sample *x, uint8_t *index)
{
    for (size_t r = 0; r < x->rows; r++) {
        uint8_t of[MOTE_COLUMN_CLASSES];
        for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
            of[z] = (uint8_t)mote_trellis_index(&s->plan, s->classes.row[r], z);
        for (size_t c = 0; c < x->cols; c++) *index++ = of[s->classes.col[c]];
    }
}

/* Sums of a pass over n values. */
typedef struct tally {
    double error;        /* squared steps */
    double weighted;     /* the same, times the weights */
    double sum[4], n[4]; /* by |value|: errors outwards, how many */
} tally;

static mote_status count(tally *t, const mote_trellis *code, const mote_trellis_work *w, const float *weight, size_t n)
{
    float rebuilt[4] = { 0, 1 + code->offset[1], 2 + code->offset[2], 3 + code->offset[3] };
    const bool one = code->states == 1;
    unsigned s = 0;
    *t = (tally){ 0 };
    mote_level_counts_clear(w->counts);
    for (size_t i = 0; i < n; i++) {
        const unsigned q = one ? 0 : s & 1;
        const int32_t k = w->level[i], v = mote_trellis_multiple(code, q, k), a = v < 0 ? -v : v;
        const float y = v < 0 ? -w->y[i] : w->y[i];
        const float e = y - (a < 4 ? rebuilt[a] : (float)a);
        if (a < 4) {
            t->sum[a] += (double)y - a;
            t->n[a]++;
        }
        t->error += (double)e * (double)e;
        if (weight) t->weighted += (double)e * (double)e * (double)weight[i];
        int32_t at = k + SPAN;
        if (at >= 0 && at < MOTE_LEVELS) {
            w->counts->n[w->index[i]][q][at]++;
        } else {
            const mote_status st = mote_level_counts_far(w->counts, w->index[i], q, k);
            if (st != MOTE_OK) return st;
            at = at < 0 ? 0 : MOTE_LEVELS - 1;
        }
        w->at[i] = (uint16_t)(q * MOTE_LEVELS + (unsigned)at);
        s = mote_trellis_next(code, s, k);
    }
    if (!weight) t->weighted = t->error;
    return MOTE_OK;
}

static mote_status reclass(mote_trellis_trained *s, const mote_trellis_sample *x, bool columns, mote_trellis_work *w)
{
    mote_reclass r;
    mote_trellis_price(&s->plan, w->prices);
    mote_status st = mote_reclass_init(&r, &s->plan, w->prices, &s->classes, x->rows, x->cols, columns);
    for (size_t row = 0; row < x->rows && st == MOTE_OK; row++) mote_reclass_row(&r, row, w->at + row * x->cols);
    mote_reclass_finish(&r, st == MOTE_OK);
    set_index(s, x, w->index);
    return st;
}

mote_status mote_trellis_train(mote_trellis_trained *s, const mote_trellis_sample *x, unsigned passes, bool columns,
                               mote_trellis_work *w)
{
    const size_t n = x->rows * x->cols;
    mote_status st = mote_trellis_work_reserve(w, s->states, n);
    if (st != MOTE_OK) return st;
    set_index(s, x, w->index);
    const float *weight = x->weight;
    for (unsigned pass = 0; pass < passes && st == MOTE_OK; pass++) {
        const mote_trellis code = mote_trellis_of(&s->plan, s->states);
        const float inverse = (float)(1 / s->step);
        for (size_t i = 0; i < n; i++) w->y[i] = x->x[i] * inverse;
        mote_trellis_price(&s->plan, w->prices);
        mote_trellis_search(mote_trellis_steps_best(&code), &code, w->y, w->index, weight, n, w->prices,
                            (float)s->lambda, w->level, w->search);
        tally t;
        st = count(&t, &code, w, weight, n);
        if (st != MOTE_OK) break;
        const double error = t.error / (double)n;
        s->error = error * s->step * s->step;
        s->bits = mote_trellis_fit(&s->plan, w->counts,
                                   pass == 0   ? MOTE_FIT_FRESH
                                   : pass == 2 ? MOTE_FIT_SOME
                                               : MOTE_FIT_LITTLE);
        if (pass + 1 == passes) break;
        mote_trellis_adapt(s, t.weighted / (double)n, t.sum, t.n);
        if (s->target > 0 && s->error > 0) { /* a constant tensor may have none */
            double step = s->step * sqrt(s->target / s->error);
            mote_trellis_set_step(s, step < s->least ? s->least : step);
        }
        if (pass >= 1 && pass + 2 < passes) st = reclass(s, x, columns, w);
    }
    s->bits += mote_trellis_map_bits(s->classes.row, x->rows) + mote_trellis_map_bits(s->classes.col, x->cols);
    return st;
}
