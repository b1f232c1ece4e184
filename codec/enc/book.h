/* SPDX-License-Identifier: Apache-2.0
 * Codebooks: scales, and tables that minimise the squared error. Spec codecs.md 5.7. Host only. */
#ifndef MOTE_ENC_BOOK_H
#define MOTE_ENC_BOOK_H

#include "common/head.h"
#include "enc/scales.h"

/** Fill in a table that is built in and its order. NOMEM. */
mote_status mote_book_builtin(mote_book *b) MOTE_MUST_CHECK;

/**
 * The scale of a run of values.
 *
 * x            n of the values, all of them or an even sample
 * least, most  of all the values
 * Computes  written tables: 1 for the whole tensor, else the root of the mean square; NF4: of the scales at which the
 *           largest magnitude is an entry or up to a third beyond them, the one with the least squared error; f8: the
 *           largest magnitude becomes the largest finite number. As rounded to scale_dtype; 1 if all are zero
 */
float mote_book_scale(const mote_affine *a, const float *x, size_t n, float least, float most);

/**
 * Fit the tables of a matrix whose scales are known: the least weighted squared error of up to 2^20 evenly spread
 * values of each group of rows. Deterministic.
 *
 * Computes  one-dimensional k-means: the optimum over 2,048 runs of sorted values by dynamic programming, whose layers
 *           are searched by halves (its choices are monotone), then Lloyd's iteration over the values themselves; a
 *           matrix with pruned elements gets an entry 0. Entries as rounded to f16 where its precision lasts, else f32
 * Source    A. Gronlund et al., "Fast exact k-means, k-medians and Bregman divergence clustering in 1D", 2017
 * Memory    a->book.value is allocated
 * Errors    NOMEM
 */
mote_status mote_book_fit(mote_affine *a, const mote_matrix *m, mote_fetch *f) MOTE_MUST_CHECK;

/** One table of sorted values x[0..n) with weights: out[0..entries), ascending; fewer distinct values repeat. NOMEM. */
mote_status mote_kmeans(float *out, unsigned entries, const float *x, const float *weight, size_t n) MOTE_MUST_CHECK;

#endif
