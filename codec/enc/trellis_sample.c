/* SPDX-License-Identifier: Apache-2.0
 * Elements for choices, training and passes, divided by the root mean square. Host only. */
#include "enc/trellis_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALL ((uint64_t)1 << 20) /* tensors of so many elements are taken as a whole */
#define ROWS ((size_t)128)      /* of a block, rather than fewer of them in whole: columns have classes too */
#define RUN ((size_t)8)         /* neighbouring columns of a block */
#define DEAD 0.05               /* variances below this share of the squared step are all alike */
#define ROUNDS 3                /* of alternating mean squares */

/* --- the block ---------------------------------------------------------------------------------------------------- */

uint64_t mote_trellis_block_row(const mote_trellis_job *j, size_t r)
{
    return j->m.rows / j->rows * r + j->m.rows % j->rows * r / j->rows;
}

uint64_t mote_trellis_block_col(const mote_trellis_job *j, size_t c)
{
    if (j->cols == j->m.cols) return c;
    const uint64_t runs = j->cols / RUN, free_cols = j->m.cols - j->cols, run = c / RUN;
    return c + free_cols / runs * run + free_cols % runs * run / runs;
}

static void set_block(mote_trellis_job *j, size_t most)
{
    const mote_matrix *m = &j->m;
    j->rows = (size_t)m->rows;
    j->cols = (size_t)m->cols;
    if (m->rows * m->cols <= most) return;
    if (m->cols * (m->rows < ROWS ? m->rows : ROWS) <= most) {
        j->rows = most / j->cols;
        return;
    }
    if (j->rows > ROWS) j->rows = ROWS;
    if (j->rows > most / RUN) j->rows = most / RUN;
    j->cols = most / j->rows / RUN * RUN;
    if (j->cols > m->cols) j->cols = (size_t)m->cols;
}

mote_status mote_trellis_take_block(mote_trellis_job *j, size_t most)
{
    const mote_matrix *m = &j->m;
    const double inverse = 1 / sqrt(j->mean);
    set_block(j, most);
    j->by_row = m->axis == 1;
    const size_t n = j->rows * j->cols, piece = j->cols == m->cols ? j->cols : RUN, run = piece < 256 ? piece : 256;
    free(j->x);
    free(j->x_weight);
    j->x_weight = NULL;
    j->x = malloc(n * sizeof *j->x);
    if (j->weight) j->x_weight = malloc(n * sizeof *j->x_weight);
    if (!j->x || (j->weight && !j->x_weight)) return MOTE_ERR_NOMEM;
    mote_fetch *f = &j->e->work.fetch;
    mote_status st = mote_fetch_reserve(f, run);
    if (st != MOTE_OK) return st;
    float *x = j->x, *weight = j->x_weight;
    for (size_t r = 0; r < j->rows; r++) {
        const uint64_t row = mote_trellis_block_row(j, r);
        for (size_t c = 0; c < j->cols; c += run) {
            const size_t k = j->cols - c < run ? j->cols - c : run;
            const uint64_t col = mote_trellis_block_col(j, c);
            double value[256];
            mote_values(value, mote_matrix_fetch(m, row, col, 1, k, f), m->held, 0, k);
            for (size_t i = 0; i < k; i++) *x++ = (float)(value[i] * inverse);
            for (size_t i = 0; weight && i < k; i++) *weight++ = j->weight[j->by_row ? row : col + i];
        }
    }
    return MOTE_OK;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* Rows [row, row + rows) become values; all of them are fetched at once. */
static void scale_rows(const mote_trellis_job *j, uint64_t row, size_t rows, float *to)
{
    const mote_matrix *m = &j->m;
    const size_t n = rows * (size_t)m->cols;
    const double inverse = 1 / sqrt(j->mean);
    const void *raw = mote_matrix_fetch(m, row, 0, rows, (size_t)m->cols, &j->e->work.fetch);
    double value[256];
    for (size_t i = 0; i < n; i += 256) {
        const size_t k = n - i < 256 ? n - i : 256;
        mote_values(value, raw, m->held, i, k);
        for (size_t c = 0; c < k; c++) to[i + c] = (float)(value[c] * inverse);
    }
}

mote_status mote_trellis_take_all(mote_trellis_job *j)
{
    const uint64_t n = j->m.rows * j->m.cols;
    free(j->all);
    j->all = NULL;
    if (n > ALL) return MOTE_OK;
    j->all = malloc((size_t)n * sizeof *j->all);
    if (!j->all) return MOTE_ERR_NOMEM;
    mote_status st = mote_fetch_reserve(&j->e->work.fetch, (size_t)n);
    if (st == MOTE_OK) scale_rows(j, 0, (size_t)j->m.rows, j->all);
    return st;
}

/* --- classes ------------------------------------------------------------------------------------------------------ */

/* All rows of the coded matrix, once. */
static mote_status spread_all(mote_trellis_job *j, mote_spread *spread)
{
    const mote_matrix *m = &j->m;
    const size_t cols = (size_t)m->cols, rows_most = cols < ALL ? (size_t)ALL / cols : 1;
    if (j->all) {
        for (size_t r = 0; r < m->rows; r++) mote_spread_row(spread, r, j->all + r * cols);
        return MOTE_OK;
    }
    mote_status st = mote_fetch_reserve(&j->e->work.fetch, cols > ALL ? cols : (size_t)ALL);
    float *x = malloc(rows_most * cols * sizeof *x);
    if (st == MOTE_OK && !x) st = MOTE_ERR_NOMEM;
    for (uint64_t row = 0; row < m->rows && st == MOTE_OK; row += rows_most) {
        const size_t rows = m->rows - row < rows_most ? (size_t)(m->rows - row) : rows_most;
        scale_rows(j, row, rows, x);
        for (size_t r = 0; r < rows; r++) mote_spread_row(spread, (size_t)row + r, x + r * cols);
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
