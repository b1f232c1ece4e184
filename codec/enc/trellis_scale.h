/* SPDX-License-Identifier: Apache-2.0
 * Classes of rows and columns by how far their values spread: variance of (row, column) = variance of row x variance of
 * column, in octaves. Host only. */
#ifndef MOTE_ENC_TRELLIS_SCALE_H
#define MOTE_ENC_TRELLIS_SCALE_H

#include "common/trellis.h"

/** Mean squares of rows and columns while rows are read; row * col approximates the mean square of an element. */
typedef struct mote_spread {
    size_t rows, cols;
    double *row;    /* [rows] */
    double *col;    /* [cols], all 1 without column classes */
    double *sum;    /* [cols], of the round that is going on */
    float *inverse; /* [cols], 1 / col */
    bool columns;
    double least; /* of a row */
} mote_spread;

/** Classes: the pair of (row, column) is clamp(row_class + col_class - base, 0, n_pairs - 1). */
typedef struct mote_classes {
    uint8_t *row, *col; /* 0..15 */
    unsigned base, n_pairs;
    int lowest; /* log2 of the variance of pair 0 */
} mote_classes;

/** mean: mean square of all elements, > 0. NOMEM. Free with mote_spread_free(), also after an error. */
mote_status mote_spread_init(mote_spread *s, size_t rows, size_t cols, bool columns, double mean) MOTE_MUST_CHECK;
void mote_spread_free(mote_spread *s);

/** Take in row r of this round: x[cols]. */
void mote_spread_row(mote_spread *s, size_t r, const float *x);
/** End a round; two to four of them are enough. */
void mote_spread_round(mote_spread *s);

/** Classes from what was found, variances below `dead` all alike. k->row[rows], k->col[cols] are the caller's. */
void mote_spread_classes(const mote_spread *s, double dead, mote_classes *k);

#endif
