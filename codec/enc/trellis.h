/* SPDX-License-Identifier: Apache-2.0
 * Trellis-coded integers for a tensor: analysis of a sample, what a step would cost, and the way into records. Host
 * only. */
#ifndef MOTE_ENC_TRELLIS_H
#define MOTE_ENC_TRELLIS_H

#include "enc/encoder.h"
#include "enc/trellis_pass.h"

/** A tensor on its way. Zero-initialise; free with mote_trellis_job_free(). */
typedef struct mote_trellis_job {
    mote_encoder *e;
    double mean;   /* square of an element; 0: nothing to code */
    double most;   /* magnitude */
    double least;  /* step, by the options and the range of levels */
    mote_matrix m; /* the coded matrix */
    bool columns;  /* it has column classes */
    float *weight; /* of the errors by coded column (by_row: row), 1 in the mean; NULL: all 1 */
    bool by_row;
    /* the block that choices and training look at, divided by the root mean square */
    size_t rows, cols;
    float *x, *x_weight;
    float *all;                   /* the same of the whole matrix; NULL: it is large */
    mote_trellis_trained s;       /* its arrays have room for the classes of the matrix */
    mote_trellis_trained learned; /* by choices; its classes are gone */
    mote_trellis_work work;
} mote_trellis_job;

/**
 * Analyse a tensor and choose axis, classes and union.
 *
 * error   relative mean squared error around which to choose; 0: the options' step
 * Errors  NOMEM; VALUE: not finite, importance that does not fit; LIMIT: levels would be too large
 */
mote_status mote_trellis_choose(mote_trellis_job *j, mote_encoder *e, double error) MOTE_MUST_CHECK;

/**
 * What a step would cost after mote_trellis_choose(), judged by the block: bytes of the records, sum of squared errors.
 * NOMEM; LIMIT as above.
 */
mote_status mote_trellis_estimate(mote_trellis_job *j, double step, double *bytes, double *noise) MOTE_MUST_CHECK;

void mote_trellis_job_free(mote_trellis_job *j);

#endif
