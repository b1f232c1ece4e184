/* SPDX-License-Identifier: Apache-2.0
 * Magnitude pruning: which elements become zero. Host only. */
#ifndef MOTE_ENC_PRUNE_H
#define MOTE_ENC_PRUNE_H

#include "enc/matrix.h"

/**
 * The floor(fraction * elements) smallest magnitudes of a tensor (f16, bf16, f32 or f64); of equal ones those with the
 * lowest index are kept. NaN is the largest magnitude. NOMEM.
 */
mote_status mote_prune_fraction(mote_prune *p, const uint8_t *data, uint8_t dtype, uint64_t elements,
                                double fraction) MOTE_MUST_CHECK;
/** All elements with |x| < threshold. */
mote_prune mote_prune_threshold(uint8_t dtype, double threshold);

/**
 * Of every m neighbours in a row the n largest magnitudes stay, of equal ones those with the lowest index; groups at the end
 * of rows may be shorter.
 *
 * rows x cols  the tensor, row-major; 1 <= n < m <= 16
 * gone         (rows * cols + 7) / 8 bytes, zero at first
 */
void mote_prune_neighbours(uint8_t *gone, const uint8_t *data, uint8_t dtype, uint64_t rows, uint64_t cols, unsigned n,
                           unsigned m);
/** The floor(fraction * rows) rows of the least norm; of equal ones those with the lowest index are kept. NOMEM. */
mote_status mote_prune_rows(uint8_t *gone, const uint8_t *data, uint8_t dtype, uint64_t rows, uint64_t cols,
                            double fraction) MOTE_MUST_CHECK;

#endif
