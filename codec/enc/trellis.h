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
    /* the sample: rows or pieces of rows, divided by the root mean square */
    bool whole;  /* it is the tensor */
    bool partly; /* only some of it is trained on */
    size_t rows, cols;
    float *x, *x_weight;
    mote_trellis_trained s; /* its arrays have room for the sample and for the matrix */
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
 * What a step would cost after mote_trellis_choose(), judged by the sample: bytes of the records, sum of squared errors.
 * NOMEM; LIMIT as above.
 */
mote_status mote_trellis_estimate(mote_trellis_job *j, double step, double *bytes, double *noise) MOTE_MUST_CHECK;

/** Fill in classes by scale: of the sample, or with `all` of the whole matrix. NOMEM. */
mote_status mote_trellis_classify(mote_trellis_job *j, mote_trellis_trained *s, bool all) MOTE_MUST_CHECK;
/**
 * The rows of the sample that are trained on, with their weights in *x too, and the classes of these rows among those of
 * j->s, which are those of all rows or of the sample. What is allocated is the caller's, also after an error. NOMEM.
 */
mote_status mote_trellis_subset(const mote_trellis_job *j, bool all, mote_trellis_sample *sample, float **x,
                                uint8_t **row_class) MOTE_MUST_CHECK;
/** Where row r of the sample begins in the coded matrix. */
void mote_trellis_sampled(const mote_trellis_job *j, size_t r, uint64_t *row, uint64_t *col);

void mote_trellis_job_free(mote_trellis_job *j);

#endif
