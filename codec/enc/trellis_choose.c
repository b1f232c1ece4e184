/* SPDX-License-Identifier: Apache-2.0
 * Analysis of a tensor before it is trellis-coded: a sample, and which axis, classes and union suit it. Host only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/trellis_sample.h"
#include "model/importer.h"

#define LOOKED_AT ((size_t)1 << 14) /* elements of the block of choices and training */
#define STEPS_MOST 1000000          /* of an element's magnitude: levels stay below 2^20 */
#define MAGNITUDE_MOST 3e38         /* values are binary32 */
#define CHOICE_STATES 8
#define PLAIN_STEP 1.732 /* its steps, for the error of a trellis */
#define ALIKE 1.01       /* plain bits */
#define CHOICE_PASSES 1
#define ENTRY_BYTES 100 /* of a tensor beside its levels and tables: head, entry, name, states */

void mote_trellis_job_free(mote_trellis_job *j)
{
    free(j->x);
    free(j->x_weight);
    free(j->all);
    free(j->weight);
    free(j->s.classes.row);
    free(j->s.classes.col);
    mote_trellis_work_free(&j->work);
    *j = (mote_trellis_job){ 0 };
}

static void measure(mote_trellis_job *j)
{
    const mote_encoder *e = j->e;
    const uint64_t n = e->t->elements;
    double x[256];
    j->mean = mote_signal(e->data, (uint8_t)e->t->dtype, n) / (double)n;
    for (uint64_t at = 0; at < n; at += 256) {
        const size_t k = n - at < 256 ? (size_t)(n - at) : 256;
        mote_values(x, e->data, (uint8_t)e->t->dtype, at, k);
        for (size_t i = 0; i < k; i++) {
            const double a = x[i] < 0 ? -x[i] : x[i];
            if (a > j->most) j->most = a;
        }
    }
}

/* --- importance --------------------------------------------------------------------------------------------------- */

static mote_status set_weights(mote_trellis_job *j)
{
    const mote_encode_options *o = j->e->o;
    const mote_model_tensor *t = j->e->t;
    if (!o->importance) return MOTE_OK;
    const uint64_t cols = t->elements / t->shape[0], n = o->importance_columns;
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!(o->importance[i] >= 0) || o->importance[i] - o->importance[i] != 0)
            return mote_model_fail(j->e->error, MOTE_ERR_VALUE,
                                   "the importance of tensor \"%s\" has negative or infinite weights", t->name);
        sum += (double)o->importance[i];
    }
    if (n == 0 || cols % n != 0 || (n != cols && n != t->shape[1]) || sum == 0)
        return mote_model_fail(j->e->error, MOTE_ERR_VALUE,
                               "the importance of tensor \"%s\" does not fit its %llu columns", t->name,
                               (unsigned long long)cols);
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): tensors coded so have columns */
    j->weight = malloc((size_t)cols * sizeof *j->weight);
    if (!j->weight) return MOTE_ERR_NOMEM;
    /* without any weight a column would get levels that only cost least, however wrong */
    for (uint64_t c = 0; c < cols; c++)
        j->weight[c] = (float)((double)o->importance[c / (cols / n)] / sum * (double)n * 0.99 + 0.01);
    return MOTE_OK;
}

/* Room for the classes of whatever matrix the tensor forms. */
static mote_status reserve_classes(mote_trellis_job *j, mote_trellis_trained *s)
{
    const uint64_t rows = j->m.rows > j->rows ? j->m.rows : j->rows, cols = j->m.cols;
    free(s->classes.row);
    free(s->classes.col);
    s->classes.row = calloc((size_t)rows, 1);
    s->classes.col = calloc((size_t)cols, 1);
    return s->classes.row && s->classes.col ? MOTE_OK : MOTE_ERR_NOMEM;
}

/* --- choices ------------------------------------------------------------------------------------------------------ */

/* Bits of the block's levels, coded by the job's classes with one state, each value rounded to the nearest. Whatever
 * the classes, the error is the same, so that the bits alone compare them. */
static double plain_bits(mote_trellis_job *j, double *tables, mote_trellis_trained *learned)
{
    mote_trellis_trained s = j->s;
    mote_level_counts *h = j->work.counts;
    const float inverse = (float)(1 / (s.step * PLAIN_STEP)), ends = MOTE_PRICE_SPAN - 1;
    const float *x = j->x;
    s.step *= PLAIN_STEP / 2;
    s.plan.zero = false;
    (void)mote_trellis_set_states(&s.plan, 1);
    mote_trellis_begin(&s);
    mote_level_counts_clear(h, s.plan.n_pairs);
    for (size_t r = 0; r < j->rows; r++) {
        uint64_t *count[MOTE_COLUMN_CLASSES];
        for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
            count[z] = h->n[mote_trellis_index(&s.plan, s.classes.row[r], z)][0];
        for (size_t c = 0; c < j->cols; c++) {
            float y = *x++ * inverse;
            y = y < -ends ? -ends : y > ends ? ends : y;
            count[s.classes.col[c]][(int)(y + ((float)MOTE_PRICE_SPAN + 0.5f))]++;
        }
    }
    const double bits = mote_trellis_fit(&s.plan, h, MOTE_FIT_SOME);
    *tables = mote_trellis_table_bits(&s.plan);
    s.states = 1;
    *learned = s;
    return bits - *tables;
}

/* Bits beside the levels in the whole tensor, by the block's maps. */
static double side_bits(const mote_trellis_job *j, const mote_trellis_trained *s, double tables)
{
    return tables + mote_trellis_map_bits(s->classes.row, j->rows, (double)j->m.rows / (double)j->rows) +
           mote_trellis_map_bits(s->classes.col, j->cols, (double)j->m.cols / (double)j->cols);
}

/* A way to code the tensor. */
typedef struct choice {
    mote_matrix m;
    bool columns, zero;
    double plain; /* bits a value when plainly rounded */
    mote_trellis_trained learned;
} choice;

static mote_status set_choice(mote_trellis_job *j, const choice *c)
{
    j->columns = c->columns;
    j->s.plan.zero = c->zero;
    if (j->x && j->m.axis == c->m.axis && j->m.rows == c->m.rows) return MOTE_OK;
    j->m = c->m;
    mote_status st = mote_trellis_take_block(j, LOOKED_AT);
    return st == MOTE_OK ? reserve_classes(j, &j->s) : st;
}

static mote_status look_plainly(mote_trellis_job *j, choice *c)
{
    double tables;
    mote_status st = set_choice(j, c);
    if (st == MOTE_OK) st = mote_trellis_work_reserve(&j->work, 1, 1);
    if (st == MOTE_OK) st = mote_trellis_classify(j, &j->s, false);
    if (st != MOTE_OK) return st;
    c->plain = plain_bits(j, &tables, &c->learned) / (double)(j->rows * j->cols);
    c->plain += side_bits(j, &j->s, tables) / (double)(j->m.rows * j->m.cols);
    return MOTE_OK;
}

/* Bits a value after a short training, brought to the same error by 6 dB a bit. */
static mote_status look_closely(mote_trellis_job *j, choice *c, double *score)
{
    mote_status st = set_choice(j, c);
    if (st == MOTE_OK) st = mote_trellis_classify(j, &j->s, false);
    if (st != MOTE_OK) return st;
    mote_trellis_trained s = j->s;
    const mote_trellis_sample sample = { .rows = j->rows, .cols = j->cols, .x = j->x, .weight = j->x_weight };
    mote_trellis_begin_like(&s, &c->learned);
    st = mote_trellis_train(&s, &sample, CHOICE_PASSES, &j->work);
    c->learned = s;
    const double tables = mote_trellis_table_bits(&s.plan);
    *score =
        (s.bits - tables) / (double)(j->rows * j->cols) + side_bits(j, &s, tables) / (double)(j->m.rows * j->m.cols);
    if (s.error > 0) *score += 0.5 * mote_log2(s.error);
    return st;
}

/* Plain rounding tells most choices apart; those that it finds alike are trained for a while, the first with both unions. */
static mote_status choose(mote_trellis_job *j)
{
    mote_matrix grid[5];
    choice c[10] = { { .plain = 0 } }, best = { .plain = 0 };
    size_t n = 0;
    const size_t grids = mote_encoder_grids(j->e, grid, j->weight != NULL);
    double least = 1e300, score = 1e300;
    bool zero = false, both = j->s.states > 1;
    mote_status st = MOTE_OK;
    for (size_t g = 0; g < grids && st == MOTE_OK; g++) {
        if (grid[g].rows == 1 && grids > 1) break;
        const bool may = grid[g].axis == 0 && grid[g].rows > 1 && grid[g].cols <= 65535;
        for (unsigned columns = 0; columns <= may && st == MOTE_OK; columns++) {
            c[n] = (choice){ .m = grid[g], .columns = columns };
            st = look_plainly(j, &c[n]);
            if (c[n].plain < least) least = c[n].plain;
            n++;
        }
    }
    for (size_t i = 0; i < n && st == MOTE_OK; i++) {
        if (c[i].plain > least * ALIKE) continue;
        for (unsigned other = 0; other <= both && st == MOTE_OK; other++) {
            double here = 0;
            c[i].zero = zero != (other != 0);
            st = look_closely(j, &c[i], &here);
            if (here >= score) continue;
            score = here;
            best = c[i];
        }
        zero = best.zero;
        both = false;
    }
    if (st == MOTE_OK) st = set_choice(j, &best);
    j->learned = best.learned;
    return st;
}

mote_status mote_trellis_choose(mote_trellis_job *j, mote_encoder *e, double error)
{
    const mote_encode_options *o = e->o;
    j->e = e;
    mote_status st = mote_encoder_need_finite(e, "quantisation");
    if (st != MOTE_OK) return st;
    measure(j);
    if (!(j->mean > 0)) return MOTE_OK;
    if (j->most > MAGNITUDE_MOST) return MOTE_ERR_LIMIT;
    const double rms = sqrt(j->mean);
    const double room = o->native ? (double)((1u << (o->native - 1)) - 3) : STEPS_MOST;
    j->least = j->most / room;
    j->s.step = error > 0 ? sqrt(4 * error) : o->step / rms;
    j->s.target = error;
    j->s.least = j->least / rms;
    j->s.native = o->native != 0;
    if (j->s.step < j->s.least) j->s.step = j->s.least;
    st = set_weights(j);
    j->s.states = o->states < CHOICE_STATES ? o->states : CHOICE_STATES;
    (void)mote_trellis_set_states(&j->s.plan, j->s.states);
    if (st == MOTE_OK) st = choose(j);
    j->s.states = o->states;
    (void)mote_trellis_set_states(&j->s.plan, j->s.states);
    return st;
}

mote_status mote_trellis_estimate(mote_trellis_job *j, double step, double *bytes, double *noise)
{
    const mote_trellis_sample sample = { .rows = j->rows, .cols = j->cols, .x = j->x, .weight = j->x_weight };
    const double rms = sqrt(j->mean), times = (double)j->e->t->elements / (double)(j->rows * j->cols);
    mote_trellis_trained s = j->s;
    s.states = s.states < CHOICE_STATES ? s.states : CHOICE_STATES;
    (void)mote_trellis_set_states(&s.plan, s.states);
    s.step = step / rms > j->s.least ? step / rms : j->s.least;
    s.target = 0;
    mote_status st = mote_trellis_classify(j, &s, false);
    if (st != MOTE_OK) return st;
    mote_trellis_begin(&s);
    st = mote_trellis_train(&s, &sample, CHOICE_PASSES + 1, &j->work);
    const double tables = mote_trellis_table_bits(&s.plan);
    *bytes = ((s.bits - tables) * times + side_bits(j, &s, tables)) / 8 + ENTRY_BYTES;
    *noise = s.error * j->mean * (double)j->e->t->elements;
    return st;
}
