/* SPDX-License-Identifier: Apache-2.0
 * Passes over a sample. Host only. */
#include "enc/trellis_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

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
    if (!w->counts) {
        w->counts = calloc(1, sizeof *w->counts);
        if (w->counts) mote_level_counts_init(w->counts);
    }
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
        free(w->quantiser);
        free(w->at);
        w->y = malloc(elements * sizeof *w->y);
        w->weight = malloc(elements * sizeof *w->weight);
        w->index = malloc(elements);
        w->level = malloc(elements * sizeof *w->level);
        w->quantiser = malloc(elements);
        w->at = malloc(elements * sizeof *w->at);
        w->room = w->y && w->weight && w->index && w->level && w->quantiser && w->at ? elements : 0;
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
    free(w->quantiser);
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
    s->fresh = true;
}

void mote_trellis_begin_like(mote_trellis_trained *s, const mote_trellis_trained *other)
{
    const mote_family *from = &other->plan.family;
    mote_trellis_begin(s);
    if (from->shape >= MOTE_SHAPES || !(other->step > 0) || !(s->step > 0)) return;
    double by = s->step / other->step, grown = 1;
    for (int i = s->classes.lowest; i < other->classes.lowest; i++) grown *= 1.4142135623730951;
    for (int i = s->classes.lowest; i > other->classes.lowest; i--) grown /= 1.4142135623730951;
    const double inverse = (double)from->inverse * by * grown;
    const double mean = (double)from->mean / by / (from->growing ? grown : 1);
    if (!(inverse >= 1 && inverse < MOTE_TABLE_INVERSE_MAX)) return;
    if (!(mean > -MOTE_TABLE_MEAN_MAX && mean < MOTE_TABLE_MEAN_MAX)) return;
    mote_family *f = &s->plan.family;
    *f = *from;
    f->inverse = (uint32_t)(inverse + 0.5);
    f->mean = (int32_t)(mean < 0 ? mean - 0.5 : mean + 0.5);
    if (other->plan.zero != s->plan.zero || other->states == 1) f->zero[0] = f->zero[1] = 64;
    s->fresh = false;
    if (other->states == 1) return;
    s->lambda = other->lambda;
    if (other->plan.zero == s->plan.zero) memcpy(s->plan.offset, other->plan.offset, sizeof s->plan.offset);
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

void mote_trellis_adapt(mote_trellis_trained *s, const mote_found_sums *t, double n, double step)
{
    double error = t->weighted / n * s->step * s->step;
    if (s->target > 0 && t->error > 0) error = t->weighted / t->error * s->target;
    const double lambda = TWO_LN2 * error / (step * step);
    s->lambda = lambda < LAMBDA_LEAST ? LAMBDA_LEAST : lambda > LAMBDA_MOST ? LAMBDA_MOST : lambda;
    for (unsigned v = 1; v < 4; v++) {
        double o = t->n[v] > CENTROID_LEAST && !s->native ? t->sum[v] / t->n[v] * 64 : 0;
        if (o > MOTE_TRELLIS_OFFSET_MAX) o = MOTE_TRELLIS_OFFSET_MAX;
        if (o < -MOTE_TRELLIS_OFFSET_MAX) o = -MOTE_TRELLIS_OFFSET_MAX;
        s->plan.offset[v - 1] = (int8_t)(o < 0 ? o - 0.5 : o + 0.5);
    }
}

double mote_trellis_map_bits(const uint8_t *map, size_t n, double times)
{
    uint64_t count[MOTE_COLUMN_CLASSES] = { 0 };
    unsigned classes = 0;
    for (size_t i = 0; i < n; i++) classes += count[map[i]]++ == 0;
    const double stored = 4.0 * (double)n * times + 16;
    const double coded =
        mote_entropy_bits(count, MOTE_COLUMN_CLASSES) * times + 8.0 * (classes < 6 ? classes : 6) + MAP_BITS;
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

mote_status mote_trellis_train(mote_trellis_trained *s, const mote_trellis_sample *x, unsigned passes,
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
        const mote_trellis_steps *steps = mote_trellis_steps_best(&code);
        const size_t half = n / 2; /* two are searched in little more time than one */
        const mote_sequence sequence[2] = { { w->y, w->index, weight, half, w->level, w->quantiser },
                                            { w->y + half, w->index + half, weight ? weight + half : NULL, n - half,
                                              w->level + half, w->quantiser + half } };
        mote_trellis_search(steps, &code, sequence, 2, w->prices, (float)s->lambda, w->search);
        const mote_found f = {
            .x = w->y, .weight = weight, .level = w->level, .quantiser = w->quantiser, .place = w->at
        };
        mote_found_sums t = { .error = 0 };
        const bool far = mote_trellis_look(steps, &code, &f, n, &t);
        mote_level_counts_clear(w->counts, s->plan.n_pairs);
        st = mote_level_counts_add(w->counts, w->index, w->at, w->level, n, far);
        if (st != MOTE_OK) break;
        const double error = t.error / (double)n;
        s->error = error * s->step * s->step;
        s->bits = mote_trellis_fit(&s->plan, w->counts,
                                   s->fresh                 ? MOTE_FIT_FRESH
                                   : pass == 0 || pass == 2 ? MOTE_FIT_SOME
                                                            : MOTE_FIT_LITTLE);
        s->fresh = false;
        double step = s->step;
        if (s->target > 0 && s->error > 0) step *= sqrt(s->target / s->error); /* a constant tensor may have none */
        if (step < s->least) step = s->least;
        mote_trellis_adapt(s, &t, (double)n, step);
        s->next = step;
        if (pass + 1 < passes) mote_trellis_set_step(s, step);
    }
    return st;
}
