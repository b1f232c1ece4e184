/* SPDX-License-Identifier: Apache-2.0
 * Whether tables that adapt are worth trying. Host only. */
#ifndef MOTE_ENC_TRELLIS_ADAPT_H
#define MOTE_ENC_TRELLIS_ADAPT_H

#include "enc/trellis_plan.h"

/** Rows of a segment, some or all. */
typedef struct mote_trellis_rows {
    size_t rows, cols;
    const size_t *row;           /**< [rows] of the matrix */
    const int32_t *level;        /**< [rows][cols] */
    const uint8_t *quantiser;    /**< of each level */
    const uint32_t *order, *end; /**< mote_trellis_order(); NULL: columns have no classes */
} mote_trellis_rows;

/**
 * What tables that adapt would leave of the bits of rows, escape numbers apart.
 *
 * log     bits of each frequency, as in mote_level_counts
 * share   1 where pairs cannot have 16 symbols
 * Errors  NOMEM
 */
mote_status mote_trellis_adaptive_share(const mote_trellis_plan *p, const mote_trellis_rows *x, const float *log,
                                        double *share) MOTE_MUST_CHECK;

#endif
