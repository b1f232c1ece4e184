/* SPDX-License-Identifier: Apache-2.0
 * Whether tables that adapt are worth trying. Host only. */
#ifndef MOTE_ENC_TRELLIS_ADAPT_H
#define MOTE_ENC_TRELLIS_ADAPT_H

#include "enc/trellis_plan.h"

/**
 * What tables that adapt would leave of the bits of a segment's levels, escape numbers apart.
 *
 * order, end  mote_trellis_order(); NULL: columns have no classes
 * level       [e->rows * e->cols], row-major
 * share       1 where pairs cannot have 16 symbols
 * Errors      NOMEM
 */
mote_status mote_trellis_adaptive_share(const mote_trellis_plan *p, const mote_extent *e, const uint32_t *order,
                                        const uint32_t *end, const int32_t *level, double *share) MOTE_MUST_CHECK;

#endif
