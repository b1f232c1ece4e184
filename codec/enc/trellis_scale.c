/* SPDX-License-Identifier: Apache-2.0
 * Scales of rows and columns by alternating mean squares. Host only. */
#include "enc/trellis_scale.h"

#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define SUMS 8    /* interleaved */
#define PART 4096 /* columns whose sums are added in binary32 */
#define CLASS_MAX (MOTE_COLUMN_CLASSES - 1)

mote_status mote_spread_init(mote_spread *s, size_t rows, size_t cols, bool columns, double mean)
{
    *s = (mote_spread){ .rows = rows, .cols = cols, .columns = columns, .least = 1e-9 * mean };
    s->row = malloc(rows * sizeof *s->row);
    s->col = malloc(cols * sizeof *s->col);
    s->sum = calloc(cols, sizeof *s->sum);
    s->inverse = malloc(cols * sizeof *s->inverse);
    if (!s->row || !s->col || !s->sum || !s->inverse) return MOTE_ERR_NOMEM;
    for (size_t c = 0; c < cols; c++) s->col[c] = s->inverse[c] = 1;
    return MOTE_OK;
}

void mote_spread_free(mote_spread *s)
{
    free(s->row);
    free(s->col);
    free(s->sum);
    free(s->inverse);
    *s = (mote_spread){ 0 };
}

/* s->col holds the inverses of the columns' variances while rows are read: of them sums are made, so that rows are read
 * once a round. */
void mote_spread_row(mote_spread *s, size_t r, const float *x)
{
    double all = 0;
    for (size_t from = 0; from < s->cols; from += PART) {
        const size_t n = s->cols - from < PART ? s->cols - from : PART;
        const float *v = x + from, *inverse = s->inverse + from;
        float sum[SUMS] = { 0 };
        size_t c = 0;
        for (; c + SUMS <= n; c += SUMS)
            for (size_t i = 0; i < SUMS; i++) sum[i] += v[c + i] * v[c + i] * inverse[c + i];
        for (; c < n; c++) sum[c % SUMS] += v[c] * v[c] * inverse[c];
        for (size_t i = 0; i < SUMS; i++) all += (double)sum[i];
    }
    s->row[r] = all / (double)s->cols + s->least;
    if (!s->columns) return;
    const float inverse = (float)(1 / s->row[r]);
    for (size_t c = 0; c < s->cols; c++) s->sum[c] += (double)(x[c] * x[c] * inverse);
}

void mote_spread_round(mote_spread *s)
{
    if (!s->columns) return;
    for (size_t c = 0; c < s->cols; c++) {
        s->col[c] = s->sum[c] / (double)s->rows + 1e-6;
        s->inverse[c] = (float)(1 / s->col[c]);
    }
    memset(s->sum, 0, s->cols * sizeof *s->sum);
}

/* round(log2 x); x is far from the ends of binary64 */
static int octave(double x)
{
    const double y = mote_log2(x) + 1024.5;
    return (int)y - 1024;
}

void mote_spread_classes(const mote_spread *s, double dead, mote_classes *k)
{
    int row_max = octave(s->row[0]), col_max = octave(s->col[0]), row_min = row_max, col_min = col_max;
    for (size_t c = 1; c < s->cols && s->columns; c++) {
        const int o = octave(s->col[c]);
        if (o > col_max) col_max = o;
        if (o < col_min) col_min = o;
    }
    for (size_t r = 1; r < s->rows; r++) {
        const int o = octave(s->row[r]);
        if (o > row_max) row_max = o;
        if (o < row_min) row_min = o;
    }
    const int floor = octave(dead) - col_max;
    if (row_min < floor) row_min = floor;
    if (row_min > row_max) row_min = row_max;
    if (row_min < row_max - CLASS_MAX) row_min = row_max - CLASS_MAX;
    if (col_min < col_max - CLASS_MAX) col_min = col_max - CLASS_MAX;
    for (size_t r = 0; r < s->rows; r++) {
        const int o = octave(s->row[r]);
        k->row[r] = (uint8_t)(o < row_min ? 0 : o > row_max ? row_max - row_min : o - row_min);
    }
    for (size_t c = 0; c < s->cols; c++) {
        const int o = s->columns ? octave(s->col[c]) : col_min;
        k->col[c] = (uint8_t)(o < col_min ? 0 : o - col_min);
    }
    const unsigned span = (unsigned)(row_max - row_min + col_max - col_min) + 1;
    k->base = span > MOTE_PAIRS_MAX ? span - MOTE_PAIRS_MAX : 0;
    k->n_pairs = span - k->base;
    k->lowest = row_min + col_min + (int)k->base;
}
