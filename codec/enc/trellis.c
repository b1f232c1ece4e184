/* SPDX-License-Identifier: Apache-2.0
 * Trellis-coded integers for a tensor: training, then passes over all of it until the error is the one that was asked
 * for, then records. Host only. */
#include "enc/trellis_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/trellis_adapt.h"

#define TRAIN_PASSES 1
#define TRAIN_STATES 8 /* until the passes over the tensor for its error */
#define RECLASS_ROUNDS 3
#define TRIES 20     /* passes over the tensor for its error */
#define FITTED 4     /* of them that change the tables too: then only the step moves, and the error with it */
#define PATIENT 4    /* tries until more is close enough, then ever more */
#define LEAP 0.001   /* of the step: a bracket without an error that is close enough */
#define NUDGE 0.97   /* of lambda */
#define CLOSE 1.0045 /* 0.02 dB */
#define CLOSER 0.001 /* after each more try, up to 0.035 dB */
#define CLOSE_ENOUGH 1.008
#define ADAPTIVE_SHARE 0.99           /* of the bytes, that tables which adapt may leave: they decode slower */
#define ADAPTIVE_LOOK ((size_t)12288) /* values that tell whether tables should adapt */
#define ADAPTIVE_PART ((size_t)1024)  /* neighbours among them */
#define KEEP ((uint64_t)1 << 24)      /* levels that are kept instead of being searched again */

/* --- from the sample to the tensor -------------------------------------------------------------------------------- */

/* Least classes become 0 and pairs that no element uses go, at either end. */
static void trim(mote_trellis_trained *s, size_t rows, size_t cols)
{
    mote_trellis_plan *p = &s->plan;
    mote_classes *k = &s->classes;
    unsigned row[2] = { MOTE_COLUMN_CLASSES, 0 }, col[2] = { MOTE_COLUMN_CLASSES, 0 };
    for (size_t r = 0; r < rows; r++) {
        if (k->row[r] < row[0]) row[0] = k->row[r];
        if (k->row[r] > row[1]) row[1] = k->row[r];
    }
    for (size_t c = 0; c < cols; c++) {
        if (k->col[c] < col[0]) col[0] = k->col[c];
        if (k->col[c] > col[1]) col[1] = k->col[c];
    }
    for (size_t r = 0; r < rows; r++) k->row[r] = (uint8_t)(k->row[r] - row[0]);
    for (size_t c = 0; c < cols; c++) k->col[c] = (uint8_t)(k->col[c] - col[0]);
    const int least = (int)(row[0] + col[0]) - (int)k->base, most = (int)(row[1] + col[1]) - (int)k->base;
    unsigned gone = least > 0 ? (unsigned)least : 0;
    if (gone >= p->n_pairs) gone = p->n_pairs - 1u;
    const unsigned last = most < 0 ? 0 : (unsigned)most >= p->n_pairs ? p->n_pairs - 1u : (unsigned)most;
    double by = 1;
    for (unsigned i = 0; i < gone; i++) by *= 1.4142135623730951;
    mote_family *f = &p->family;
    const double inverse = f->inverse / by, mean = f->growing ? f->mean * by : f->mean;
    f->inverse = inverse < 1 ? 1 : (uint32_t)(inverse + 0.5);
    if (mean > -MOTE_TABLE_MEAN_MAX && mean < MOTE_TABLE_MEAN_MAX)
        f->mean = (int32_t)(mean < 0 ? mean - 0.5 : mean + 0.5);
    memmove(p->pair, p->pair + gone, (MOTE_PAIRS_MAX - gone) * sizeof *p->pair);
    p->n_pairs = (uint8_t)(last >= gone ? last - gone + 1 : 1);
    k->base = least < 0 ? (unsigned)-least : 0;
    k->n_pairs = p->n_pairs;
    p->base = (uint8_t)k->base;
    p->row_class = row[1] > row[0] ? k->row : NULL;
    p->col_class = col[1] > col[0] ? k->col : NULL;
}

/* Training on the block, by the classes that its rows and columns have among all. */
static mote_status train(mote_trellis_job *j)
{
    mote_trellis_trained *s = &j->s;
    mote_trellis_plan *p = &s->plan;
    const mote_trellis_sample sample = { .rows = j->rows, .cols = j->cols, .x = j->x, .weight = j->x_weight };
    mote_status st = mote_trellis_take_all(j);
    if (st == MOTE_OK) st = mote_trellis_classify(j, s, true);
    uint8_t *classes = malloc(j->rows + j->cols);
    if (st == MOTE_OK && !classes) st = MOTE_ERR_NOMEM;
    if (st == MOTE_OK) {
        const mote_classes all = s->classes;
        s->classes.row = classes;
        s->classes.col = classes + j->rows;
        for (size_t r = 0; r < j->rows; r++) s->classes.row[r] = all.row[mote_trellis_block_row(j, r)];
        for (size_t c = 0; c < j->cols; c++) s->classes.col[c] = all.col[mote_trellis_block_col(j, c)];
        mote_trellis_begin_like(s, &j->learned);
        st = mote_trellis_train(s, &sample, TRAIN_PASSES, &j->work);
        if (s->next > 0) mote_trellis_set_step(s, s->next);
        s->classes = all;
    }
    free(classes);
    p->rows = j->m.rows;
    p->cols = j->m.cols;
    p->axis = j->m.axis;
    p->dtype = j->e->dtype;
    return st;
}

/* --- passes ------------------------------------------------------------------------------------------------------- */

static mote_trellis_pass pass_of(mote_trellis_job *j)
{
    return (mote_trellis_pass){ .m = &j->m,
                                .s = &j->s,
                                .all = j->all,
                                .weight = j->weight,
                                .by_row = j->by_row,
                                .w = &j->work,
                                .fetch = &j->e->work.fetch };
}

/* Classes of all rows and columns by price, and what else a pass tells. */
static mote_status reclass(mote_trellis_job *j)
{
    mote_trellis_trained *s = &j->s;
    const double n = (double)j->e->t->elements;
    mote_trellis_pass p = pass_of(j);
    s->plan.row_class = s->classes.row;
    s->plan.col_class = s->classes.col;
    mote_status st = mote_trellis_pass_reclass(&p, s, j->columns, RECLASS_ROUNDS);
    mote_trellis_pass_free(&p);
    if (st != MOTE_OK) return st;
    const double error = p.sums.error / n * s->step * s->step;
    s->next = s->target > 0 && error > 0 ? s->step * sqrt(s->target / error) : s->step;
    if (s->next < s->least) s->next = s->least;
    mote_trellis_adapt(s, &p.sums, n, s->next);
    mote_trellis_set_step(s, s->next);
    return MOTE_OK;
}

/* The step as it can be written, in the sample's units too. False: there is none. */
static bool settle_step(mote_trellis_job *j)
{
    const double rms = sqrt(j->mean);
    const float step = mote_trellis_step_round((float)(j->s.step * rms));
    if (!((double)step >= j->least * 0.99) || !(step > 0) || step - step != 0) return false;
    j->s.plan.step = step;
    mote_trellis_set_step(&j->s, (double)step / rms);
    return true;
}

/* What one pass found. */
typedef struct tried {
    double step, error, lambda;
} tried;

/* What is known of the step that gives the error that is wanted. */
typedef struct bracket {
    tried before;
    tried best;       /* the nearest since then */
    double low, high; /* steps that gave less and more, since only the step moves; 0: none */
} bracket;

/* The next step after a pass, by the line through the last two or else as errors go with the square of the step. At very
 * low rates neither says much: then the bracket is halved. */
static double next_step(double target, const tried *now, bracket *b, bool frozen)
{
    const tried *before = &b->before;
    double ratio = sqrt(target / now->error);
    if (before->error > 0 && now->step != before->step && now->error != before->error) {
        const double slope = (now->error - before->error) / (now->step - before->step) * now->step / now->error;
        if (slope > 0.2 && slope < 3) ratio = 1 + (target / now->error - 1) / slope;
    }
    if (ratio > 1.25) ratio = 1.25;
    if (ratio < 0.8) ratio = 0.8;
    double step = now->step * ratio;
    if (frozen) {
        const double off = now->error / target, best = b->best.error / target;
        if (b->best.error == 0 || (off > 1 ? off : 1 / off) < (best > 1 ? best : 1 / best)) b->best = *now;
        if (now->error > target)
            b->high = now->step;
        else
            b->low = now->step;
        const double margin = (b->high - b->low) / 16;
        if (b->low > 0 && b->high > 0 && (step < b->low + margin || step > b->high - margin))
            step = (b->low + b->high) / 2;
    }
    b->before = *now;
    return step;
}

static bool is_close(double a, double b, double close)
{
    return a <= b * close && b <= a * close;
}

/* Whether the error of try i is the one asked for, or as near as it can be. */
static bool is_done(const mote_trellis_trained *s, const tried *now, unsigned i)
{
    if (s->target == 0 || now->error == 0 || i + 1 >= TRIES) return true;
    if (now->error > s->target && now->step <= s->least) return true;
    const double close = i < PATIENT ? CLOSE : CLOSE + CLOSER * (i + 1 - PATIENT);
    return is_close(now->error, s->target, close < CLOSE_ENOUGH ? close : CLOSE_ENOUGH);
}

/* Passes over the tensor until its error is right; afterwards the tables fit the counts of the last one. */
static mote_status converge(mote_trellis_job *j, const mote_records_target *target, int32_t *level,
                            mote_trellis_pass *p)
{
    mote_trellis_trained *s = &j->s;
    const double n = (double)j->e->t->elements;
    const bool native = j->e->o->native != 0;
    const uint32_t most = native ? (1u << (j->e->o->native - 1)) - 1 : MOTE_TRELLIS_LARGEST;
    bracket b = { .low = 0 };
    for (unsigned i = 0;; i++) {
        if (!settle_step(j)) return MOTE_ERR_LIMIT;
        mote_status st = mote_trellis_cut(&s->plan, target);
        if (st == MOTE_OK) st = mote_trellis_pass_count(p, level);
        if (st != MOTE_OK) return st;
        const tried now = { s->step, p->noise / n / j->mean, s->lambda };
        s->error = now.error;
        const bool fits = p->largest <= most;
        if (fits && is_done(s, &now, i)) break;
        if (i + 1 >= TRIES) return MOTE_ERR_LIMIT;
        double step = s->target > 0 && now.error > 0 ? next_step(s->target, &now, &b, i >= FITTED) : now.step;
        if (i + 2 == TRIES && fits && b.best.step > 0) {
            step = b.best.step;
            s->lambda = b.best.lambda;
        } else if (b.low > 0 && b.high > 0 && b.high - b.low < LEAP * step && b.low - b.high < LEAP * step) {
            s->lambda *= NUDGE; /* the error leaps here: somewhere else it will not */
            b.low = b.high = 0;
        }
        if (!fits) {
            s->least *= 1.01;
            step = step > now.step * 1.01 ? step : now.step * 1.01;
        }
        if (step < s->least) step = s->least;
        if (i < FITTED) { /* so that prices and offsets suit what the pass found */
            (void)mote_trellis_fit(&s->plan, j->work.counts, MOTE_FIT_LITTLE);
            mote_trellis_adapt(s, &p->sums, n, step);
        }
        mote_trellis_set_step(s, step);
    }
    return MOTE_OK;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Where the writer's levels come from. */
typedef struct source {
    mote_trellis_pass *pass;
    const int32_t *level; /* of the last pass; NULL: to be searched again */
    uint64_t seg_elems;   /* for which was counted */
    uint8_t coder;
    bool moved; /* the writer needs shorter segments: other levels, other counts */
} source;

static mote_status deliver(void *ctx, const mote_trellis_plan *p, const mote_extent *e, int32_t *level)
{
    source *s = ctx;
    s->moved = p->seg_elems != s->seg_elems || p->coder != s->coder;
    if (s->moved) {
        s->seg_elems = p->seg_elems;
        s->coder = p->coder;
        return MOTE_ERR_LIMIT;
    }
    if (s->level) {
        memcpy(level, s->level + e->row * p->cols + e->col, e->rows * e->cols * sizeof *level);
        return MOTE_OK;
    }
    return mote_trellis_pass_segment(s->pass, e, mote_plane_lanes(p->coder), level, false);
}

/* Tables that fit the counts of the last pass. Prices stay what they were, so that a search finds the same levels. */
static mote_status fit_tables(mote_trellis_job *j, const mote_trellis_pass *p)
{
    mote_trellis_plan *plan = &j->s.plan;
    plan->largest = p->largest ? p->largest : 1;
    (void)mote_trellis_fit(plan, j->work.counts, MOTE_FIT_SOME);
    return mote_trellis_fit_escapes(plan, j->work.counts, (double)mote_trellis_segments(plan));
}

static mote_status write(mote_trellis_job *j, const mote_records_target *target, int32_t *level, mote_trellis_pass *p,
                         mote_records *f)
{
    mote_trellis_plan *plan = &j->s.plan;
    for (;;) {
        mote_status st = fit_tables(j, p);
        source s = { .pass = p, .level = level, .seg_elems = plan->seg_elems, .coder = plan->coder };
        if (st == MOTE_OK) st = mote_trellis_write(f, target, plan, deliver, &s);
        if (!s.moved) return st;
        mote_records_free(f);
        plan->seg_elems = s.seg_elems;
        plan->coder = s.coder;
        st = mote_trellis_pass_count(p, level);
        if (st != MOTE_OK) return st;
    }
}

/* f: what has been written of the counts of the last pass */
static void note(const mote_trellis_job *j, const mote_trellis_pass *p, const mote_records *f, mote_encode_report *r)
{
    const mote_trellis_plan *plan = &j->s.plan;
    *r = (mote_encode_report){ .signal = j->mean * (double)j->e->t->elements, .noise = p->noise };
    r->layout = MOTE_LAYOUT_DENSE;
    r->numeric = MOTE_NUM_TRELLIS;
    r->coder = plan->coder;
    r->axis = plan->axis;
    r->n_classes = plan->n_pairs;
    r->kept = j->e->t->elements;
    r->ideal_bits =
        8.0 * (double)(f->parts.classes + f->parts.scales) + mote_level_counts_bits(j->work.counts, plan->n_pairs);
}

/* Whether the first segment would become small enough by tables that adapt, judged by parts from all over it, as its
 * rows may differ. */
static mote_status is_adaptive(mote_trellis_job *j, mote_trellis_pass *p, bool *yes)
{
    const mote_trellis_plan *plan = &j->s.plan;
    const mote_extent e = mote_trellis_extent(plan, 0);
    const unsigned lanes = mote_plane_lanes(plan->coder);
    const size_t cols = e.rows > 1 || e.cols < ADAPTIVE_LOOK ? e.cols : ADAPTIVE_LOOK;
    const size_t part = cols < ADAPTIVE_PART ? ADAPTIVE_PART / cols : 1, all = e.rows * cols;
    const size_t stride = all > ADAPTIVE_LOOK ? all / ADAPTIVE_LOOK : 1;
    const size_t most = (e.rows / part / stride + 1) * part;
    double share = 1;
    size_t *row = malloc(most * sizeof *row), n = 0;
    int32_t *level = malloc(most * cols * sizeof *level);
    uint8_t *quantiser = malloc(most * cols);
    mote_status st = row && level && quantiser ? MOTE_OK : MOTE_ERR_NOMEM;
    if (st == MOTE_OK && mote_trellis_segments(plan) > 1) st = mote_trellis_pass_segment(p, &e, lanes, NULL, false);
    for (size_t r = 0; r < e.rows && st == MOTE_OK; r++) {
        if (r / part % stride) continue;
        mote_trellis_pass_row(p, &e, lanes, r, cols, level + n * cols, quantiser + n * cols);
        row[n++] = e.row + r;
    }
    const mote_trellis_rows x = { n, cols, row, level, quantiser, p->order, p->end };
    if (st == MOTE_OK) st = mote_trellis_adaptive_share(plan, &x, j->work.counts->log, &share);
    free(row);
    free(level);
    free(quantiser);
    *yes = share < ADAPTIVE_SHARE;
    return st;
}

/* The same once more with tables that adapt; what that costs too much is forgotten. */
static mote_status code_adaptive(mote_trellis_job *j, const mote_records_target *target, int32_t *level,
                                 mote_trellis_pass *p, mote_records *f, mote_encode_report *r)
{
    mote_records other = { 0 };
    j->s.plan.adapts = true;
    (void)mote_trellis_fit(&j->s.plan, j->work.counts, MOTE_FIT_LITTLE);
    mote_status st = converge(j, target, level, p);
    if (st == MOTE_OK) st = write(j, target, level, p, &other);
    if (st == MOTE_OK && (double)other.bytes < ADAPTIVE_SHARE * (double)f->bytes) {
        note(j, p, &other, r);
        mote_records_free(f);
        *f = other;
        other = (mote_records){ 0 };
    }
    mote_records_free(&other);
    return st == MOTE_ERR_LIMIT || st == MOTE_ERR_HEAD ? MOTE_OK : st;
}

static void set_states(mote_trellis_job *j, unsigned states)
{
    j->s.states = states;
    (void)mote_trellis_set_states(&j->s.plan, states);
}

/* How much larger than in training the step may be for the same error, by what states gain for even numbers. */
static double gain_of(unsigned states)
{
    return states <= TRAIN_STATES ? 1 : states == 32 ? 1.0126 : states == 256 ? 1.0255 : 1.033;
}

static mote_status code(mote_trellis_job *j)
{
    mote_encoder *e = j->e;
    const mote_records_target target = {
        .limits = &e->limits, .dtype = e->dtype, .elements = e->t->elements, .most = e->most
    };
    const size_t rows = (size_t)j->m.rows, cols = (size_t)j->m.cols;
    const unsigned states = j->s.states;
    set_states(j, states < TRAIN_STATES ? states : TRAIN_STATES);
    mote_status st = train(j);
    if (st != MOTE_OK) return st;
    trim(&j->s, rows, cols);
    if (j->s.plan.n_pairs > 1 && settle_step(j)) {
        st = reclass(j);
        if (st != MOTE_OK) return st;
        trim(&j->s, rows, cols);
    }
    set_states(j, states);
    if (j->s.target > 0) mote_trellis_set_step(&j->s, j->s.step * gain_of(states));
    int32_t *level = e->t->elements <= KEEP ? malloc((size_t)e->t->elements * sizeof *level) : NULL;
    if (e->t->elements <= KEEP && !level) return MOTE_ERR_NOMEM;
    mote_trellis_pass p = pass_of(j);
    mote_records f = { 0 };
    mote_encode_report r;
    st = converge(j, &target, level, &p);
    if (st == MOTE_OK) st = write(j, &target, level, &p, &f);
    if (st == MOTE_OK) note(j, &p, &f, &r);
    bool adaptive = false;
    if (st == MOTE_OK && e->limits.profile != MOTE_PROFILE_NANO) st = is_adaptive(j, &p, &adaptive);
    if (adaptive) st = code_adaptive(j, &target, level, &p, &f, &r);
    if (st == MOTE_OK && (e->form.n_records == 0 || f.bytes < e->form.bytes)) {
        mote_records_free(&e->form);
        e->form = f;
        e->report = r;
        f = (mote_records){ 0 };
    }
    mote_records_free(&f);
    free(level);
    mote_trellis_pass_free(&p);
    return st;
}

mote_status mote_encoder_trellis(mote_encoder *e)
{
    mote_trellis_job j = { .e = e };
    const double snr = e->o->snr_db;
    mote_status st = mote_trellis_choose(&j, e, snr > 0 ? mote_from_db(-snr) : 0);
    if (st == MOTE_OK && j.mean > 0) st = code(&j);
    mote_trellis_job_free(&j);
    return st == MOTE_ERR_LIMIT || st == MOTE_ERR_HEAD ? MOTE_OK : st;
}
