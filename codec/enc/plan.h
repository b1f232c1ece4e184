/* SPDX-License-Identifier: Apache-2.0
 * Which error each tensor gets so that a package of given size has the least error, or one of given error the least
 * size. Errors count relative to each tensor's signal and weighted by elements: the error of a plan is
 * sum(elements * noise / signal) / sum(elements). Host only. */
#ifndef MOTE_ENC_PLAN_H
#define MOTE_ENC_PLAN_H

#include <stdbool.h>

#include "mote/encode.h"

enum { MOTE_RATES_MAX = 12 };

/** Bytes of a tensor against its signal-to-noise ratio. */
typedef struct mote_rates {
    uint64_t elements;
    double exact;                 /**< bytes without any error */
    unsigned n;                   /**< points, 0: it is coded exactly in any case */
    double snr[MOTE_RATES_MAX];   /**< dB, ascending */
    double bytes[MOTE_RATES_MAX]; /**< ascending */
} mote_rates;

/**
 * Measure the rates of a tensor with METHOD_TRELLIS, by a sample of it; r->n = 0 if it is coded exactly in any case.
 * Errors as of mote_encode_tensor().
 */
mote_status mote_plan_rates(mote_rates *r, const mote_encode_options *o, const mote_model_tensor *t,
                            const uint8_t *data, mote_model_error *error) MOTE_MUST_CHECK;

#define MOTE_PLAN_EXACT 1e9 /* dB: without any error */

/**
 * Choose snr[i] for each of n tensors: the least of bytes + price * error on its curve, with one price an element for all.
 *
 * level_db  says the price: the dB at which a tensor ends whose curve has the slope of high rate, a bit for 6.02 dB
 * Output    snr[n]: dB, MOTE_PLAN_EXACT where that is no larger
 * Returns the sum of the bytes that the curves promise.
 */
double mote_plan_choose(const mote_rates *r, size_t n, double level_db, double *snr);
/** Bytes that the curves promise at snr[n]; NULL: without any error. */
double mote_plan_bytes(const mote_rates *r, size_t n, const double *snr);
/** The error of tensors at snr[n], as above. */
double mote_plan_error(const mote_rates *r, size_t n, const double *snr);
/**
 * Choose snr[n] so that the curves promise `bytes` (0: any), or an error of `error`, or a little less.
 *
 * Returns false if the curves promise no such thing: it is too small to be reached.
 */
bool mote_plan_solve(const mote_rates *r, size_t n, double bytes, double error, double *snr);

#endif
