/* SPDX-License-Identifier: Apache-2.0
 * Analysis of a tensor before it is trellis-coded: a sample, and which axis, classes and union suit it. Host only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/trellis.h"
#include "model/importer.h"

#define WHOLE ((uint64_t)1 << 20)        /* tensors of so many elements are their own sample */
#define TRAINED ((size_t)1 << 16)        /* elements that choices and large tensors are trained on */
#define WHOLLY_TRAINED ((size_t)1 << 18) /* tensors of so many elements are trained on all of them */
#define SAMPLE ((uint64_t)1 << 16)       /* elements of a sample of larger ones */
#define ROW_MOST ((uint64_t)1 << 14)     /* columns of a sampled row; longer ones are sampled in pieces */
#define PIECE ((size_t)1 << 12)          /* columns of such a piece */
#define DEAD 0.05                        /* variances below this share of the squared step are all alike */
#define STEPS_MOST 1000000               /* of an element's magnitude: levels stay below 2^20 */
#define MAGNITUDE_MOST 3e38              /* values are binary32 */
#define ROUNDS 4                         /* of alternating mean squares */
#define CHOICE_STATES 8
#define PLAIN_STEP 1.732 /* its steps, for the error of a trellis */
#define ALIKE 1.02       /* plain bits */
#define CHOICE_PASSES 2
#define ENTRY_BYTES 100 /* of a tensor beside its levels and tables: head, entry, name, states */

void mote_trellis_job_free(mote_trellis_job *j)
{
    free(j->x);
    free(j->x_weight);
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
    j->weight = malloc((size_t)cols * sizeof *j->weight);
    if (!j->weight) return MOTE_ERR_NOMEM;
    /* without any weight a column would get levels that only cost least, however wrong */
    for (uint64_t c = 0; c < cols; c++)
        j->weight[c] = (float)((double)o->importance[c / (cols / n)] / sum * (double)n * 0.99 + 0.01);
    return MOTE_OK;
}

/* --- the sample --------------------------------------------------------------------------------------------------- */

void mote_trellis_sampled(const mote_trellis_job *j, size_t r, uint64_t *row, uint64_t *col)
{
    const uint64_t per_row = j->m.cols / j->cols, pieces = j->m.rows * per_row;
    const uint64_t piece = j->whole ? r : pieces / j->rows * r + pieces % j->rows * r / j->rows;
    *row = piece / per_row;
    *col = piece % per_row * j->cols;
}

static mote_status take_sample(mote_trellis_job *j)
{
    const mote_matrix *m = &j->m;
    const double inverse = 1 / sqrt(j->mean);
    j->whole = m->rows * m->cols <= WHOLE;
    j->rows = (size_t)m->rows;
    j->cols = (size_t)m->cols;
    j->by_row = m->axis == 1;
    if (!j->whole) {
        j->cols = m->cols > ROW_MOST ? PIECE : (size_t)m->cols;
        const uint64_t rows = SAMPLE / j->cols, pieces = m->rows * (m->cols / j->cols);
        j->rows = (size_t)(rows < pieces ? rows : pieces);
    }
    const size_t n = j->rows * j->cols;
    j->partly = !j->whole || n > WHOLLY_TRAINED;
    free(j->x);
    free(j->x_weight);
    j->x_weight = NULL;
    j->x = malloc(n * sizeof *j->x);
    if (j->weight) j->x_weight = malloc(n * sizeof *j->x_weight);
    mote_fetch *f = &j->e->work.fetch;
    if (!j->x || (j->weight && !j->x_weight)) return MOTE_ERR_NOMEM;
    mote_status st = mote_fetch_reserve(f, (size_t)WHOLE);
    const size_t at_once = j->whole ? j->rows : 1;
    for (size_t r = 0; r < j->rows && st == MOTE_OK; r += at_once) {
        uint64_t row, col;
        double value[256];
        mote_trellis_sampled(j, r, &row, &col);
        const void *raw = mote_matrix_fetch(m, row, col, at_once, j->cols, f);
        float *x = j->x + r * j->cols, *weight = j->x_weight ? j->x_weight + r * j->cols : NULL;
        for (size_t i = 0; i < at_once * j->cols; i += 256) {
            const size_t left = at_once * j->cols - i, k = left < 256 ? left : 256;
            mote_values(value, raw, m->held, i, k);
            for (size_t c = 0; c < k; c++) x[i + c] = (float)(value[c] * inverse);
        }
        for (size_t i = 0; weight && i < at_once * j->cols; i++)
            weight[i] = j->weight[j->by_row ? row + i / j->cols : col + i % j->cols];
    }
    return st;
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

/* All rows of the coded matrix, once. */
static mote_status spread_all(mote_trellis_job *j, mote_spread *spread)
{
    const mote_matrix *m = &j->m;
    const size_t cols = (size_t)m->cols, rows_most = cols < WHOLE ? (size_t)WHOLE / cols : 1;
    const double inverse = 1 / sqrt(j->mean);
    mote_fetch *f = &j->e->work.fetch;
    mote_status st = mote_fetch_reserve(f, cols > WHOLE ? cols : (size_t)WHOLE);
    float *x = malloc(cols * sizeof *x);
    if (st == MOTE_OK && !x) st = MOTE_ERR_NOMEM;
    for (uint64_t row = 0; row < m->rows && st == MOTE_OK; row += rows_most) {
        const size_t rows = m->rows - row < rows_most ? (size_t)(m->rows - row) : rows_most;
        const void *raw = mote_matrix_fetch(m, row, 0, rows, cols, f);
        for (size_t r = 0; r < rows; r++) {
            double value[256];
            for (size_t c = 0; c < cols; c += 256) {
                const size_t k = cols - c < 256 ? cols - c : 256;
                mote_values(value, raw, m->held, r * cols + c, k);
                for (size_t i = 0; i < k; i++) x[c + i] = (float)(value[i] * inverse);
            }
            mote_spread_row(spread, (size_t)row + r, x);
        }
    }
    free(x);
    return st;
}

mote_status mote_trellis_classify(mote_trellis_job *j, mote_trellis_trained *s, bool all)
{
    mote_spread spread;
    const size_t rows = all ? (size_t)j->m.rows : j->rows, cols = all ? (size_t)j->m.cols : j->cols;
    mote_status st = mote_spread_init(&spread, rows, cols, j->columns, 1);
    for (unsigned round = 0; round < (j->columns ? ROUNDS : 1u) && st == MOTE_OK; round++) {
        if (all) st = spread_all(j, &spread);
        for (size_t r = 0; r < rows && !all; r++) mote_spread_row(&spread, r, j->x + r * cols);
        mote_spread_round(&spread);
    }
    if (st == MOTE_OK) mote_spread_classes(&spread, DEAD * s->step * s->step, &s->classes);
    mote_spread_free(&spread);
    return st;
}

/* --- choices ------------------------------------------------------------------------------------------------------ */

/* Bits of the levels of a sample, coded by the job's classes with one state, each value rounded to the nearest. Whatever
 * the classes, the error is the same, so that the bits alone compare them. */
static mote_status plain_bits(mote_trellis_job *j, const mote_trellis_sample *sample, double *bits, double *tables)
{
    mote_status st = mote_trellis_work_reserve(&j->work, 1, 1);
    if (st != MOTE_OK) return st;
    mote_trellis_trained s = j->s;
    mote_level_counts *h = j->work.counts;
    const float inverse = (float)(1 / (s.step * PLAIN_STEP)), ends = MOTE_PRICE_SPAN - 1;
    const float *x = sample->x;
    s.step *= PLAIN_STEP / 2;
    s.plan.zero = false;
    (void)mote_trellis_set_states(&s.plan, 1);
    mote_trellis_begin(&s);
    mote_level_counts_clear(h);
    for (size_t r = 0; r < sample->rows; r++) {
        uint8_t pair[MOTE_COLUMN_CLASSES];
        for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
            pair[z] = (uint8_t)mote_trellis_index(&s.plan, s.classes.row[r], z);
        for (size_t c = 0; c < sample->cols; c++) {
            float y = *x++ * inverse;
            y = y < -ends ? -ends : y > ends ? ends : y;
            h->n[pair[s.classes.col[c]]][0][(int)(y + ((float)MOTE_PRICE_SPAN + 0.5f))]++;
        }
    }
    *bits = mote_trellis_fit(&s.plan, h, true);
    *tables = mote_trellis_table_bits(&s.plan);
    *bits -= *tables;
    return st;
}

/* The same for all that is looked at, a value, with tables and maps. */
static mote_status all_plain_bits(mote_trellis_job *j, double *bits)
{
    const mote_trellis_sample sample = { .rows = j->rows, .cols = j->cols, .x = j->x };
    mote_status st = mote_trellis_classify(j, &j->s, false);
    double tables = 0;
    if (st == MOTE_OK) st = plain_bits(j, &sample, bits, &tables);
    *bits +=
        tables + mote_trellis_map_bits(j->s.classes.row, j->rows) + mote_trellis_map_bits(j->s.classes.col, j->cols);
    *bits /= (double)(j->rows * j->cols);
    return st;
}

/* Score of the plan's union after a short training: what it gains over plain rounding, a value. */
static mote_status try_union(mote_trellis_job *j, const mote_trellis_sample *sample, double plain, double *score)
{
    mote_trellis_trained s = j->s;
    mote_trellis_begin(&s);
    mote_status st = mote_trellis_train(&s, sample, CHOICE_PASSES, false, &j->work);
    const double side = mote_trellis_table_bits(&s.plan) + mote_trellis_map_bits(s.classes.row, sample->rows) +
                        mote_trellis_map_bits(s.classes.col, sample->cols);
    *score = (s.bits - side - plain) / (double)(sample->rows * sample->cols);
    if (s.error > 0) *score += 0.5 * mote_log2(s.error);
    return st;
}

mote_status mote_trellis_subset(const mote_trellis_job *j, bool all, mote_trellis_sample *sample, float **x,
                                uint8_t **row_class)
{
    size_t rows = TRAINED / j->cols;
    if (rows == 0) rows = 1;
    if (rows > j->rows) rows = j->rows;
    const size_t n = rows * j->cols;
    *x = malloc(n * (j->x_weight ? 2 : 1) * sizeof **x);
    *row_class = malloc(rows);
    if (!*x || !*row_class) return MOTE_ERR_NOMEM;
    *sample = (mote_trellis_sample){ .rows = rows, .cols = j->cols, .x = *x, .weight = j->x_weight ? *x + n : NULL };
    for (size_t r = 0; r < rows; r++) {
        const size_t from = r * j->rows / rows;
        uint64_t row = from, col;
        memcpy(*x + r * j->cols, j->x + from * j->cols, j->cols * sizeof **x);
        if (j->x_weight) memcpy(*x + n + r * j->cols, j->x_weight + from * j->cols, j->cols * sizeof **x);
        if (all && !j->whole) mote_trellis_sampled(j, from, &row, &col);
        (*row_class)[r] = j->s.classes.row[row];
    }
    return MOTE_OK;
}

/* A score for the job's matrix and classes with its union, or with the better one, tried on some of the sample. */
static mote_status try_choice(mote_trellis_job *j, bool both, double *best)
{
    mote_trellis_sample sample;
    float *x = NULL;
    uint8_t *row = NULL;
    mote_status st = mote_trellis_classify(j, &j->s, false);
    mote_classes all = j->s.classes;
    if (st == MOTE_OK) st = mote_trellis_subset(j, false, &sample, &x, &row);
    double plain = 0, tables = 0;
    const bool zero = j->s.plan.zero;
    *best = 1e300;
    if (st == MOTE_OK) {
        j->s.classes.row = row;
        st = plain_bits(j, &sample, &plain, &tables);
        for (unsigned other = 0; other <= both && st == MOTE_OK; other++) {
            double score = 0;
            const bool now = j->s.plan.zero;
            j->s.plan.zero = zero != (other != 0);
            st = try_union(j, &sample, plain, &score);
            if (score < *best)
                *best = score;
            else
                j->s.plan.zero = now;
        }
        j->s.classes.row = all.row;
    }
    free(x);
    free(row);
    return st;
}

static mote_status set_matrix(mote_trellis_job *j, const mote_matrix *m)
{
    if (j->x && j->m.axis == m->axis && j->m.rows == m->rows) return MOTE_OK;
    j->m = *m;
    mote_status st = take_sample(j);
    return st == MOTE_OK ? reserve_classes(j, &j->s) : st;
}

typedef struct choice {
    mote_matrix m;
    bool columns, zero;
    double bits; /* a value, plainly */
} choice;

/* Plain rounding tells most choices apart; those that it finds alike are trained for a while. */
static mote_status choose(mote_trellis_job *j)
{
    mote_matrix grid[5];
    choice c[10] = { { .bits = 0 } }, *best = &c[0];
    size_t n = 0;
    const size_t grids = mote_encoder_grids(j->e, grid, j->weight != NULL);
    double least = 1e300, score = 1e300;
    mote_status st = MOTE_OK;
    for (size_t g = 0; g < grids && st == MOTE_OK; g++) {
        if (grid[g].rows == 1 && grids > 1) break;
        st = set_matrix(j, &grid[g]);
        const bool may = j->m.axis == 0 && j->rows > 1 && j->m.cols <= 65535 && (j->whole || j->cols == j->m.cols);
        for (unsigned columns = 0; columns <= may && st == MOTE_OK; columns++) {
            double bits = 0;
            j->columns = columns;
            st = all_plain_bits(j, &bits);
            c[n++] = (choice){ .m = grid[g], .columns = columns, .bits = bits };
            if (bits < least) least = bits;
        }
    }
    const choice *first = NULL; /* on which both unions are tried */
    for (size_t i = 0; i < n; i++)
        if (!first && c[i].bits <= least * ALIKE) first = &c[i];
    for (size_t i = 0; i < n && st == MOTE_OK; i++) {
        double here = 0;
        if (c[i].bits > least * ALIKE) continue;
        j->columns = c[i].columns;
        st = set_matrix(j, &c[i].m);
        if (st == MOTE_OK) st = try_choice(j, &c[i] == first && j->s.states > 1, &here);
        c[i].zero = j->s.plan.zero;
        if (c[i].bits + here >= score) continue;
        score = c[i].bits + here;
        best = &c[i];
    }
    j->columns = best->columns;
    j->s.plan.zero = best->zero;
    return st == MOTE_OK ? set_matrix(j, &best->m) : st;
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
    st = mote_trellis_train(&s, &sample, CHOICE_PASSES + 1, j->columns, &j->work);
    *bytes = s.bits / 8 * times + ENTRY_BYTES;
    *noise = s.error * j->mean * (double)j->e->t->elements;
    return st;
}
