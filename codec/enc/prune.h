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

#endif
