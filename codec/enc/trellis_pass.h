/* SPDX-License-Identifier: Apache-2.0
 * Passes over a whole tensor, a segment at a time: memory stays bounded however large it is. As the search always finds
 * the same levels, a pass that counts is followed by one that writes. Host only. */
#ifndef MOTE_ENC_TRELLIS_PASS_H
#define MOTE_ENC_TRELLIS_PASS_H

#include "enc/matrix.h"
#include "enc/trellis_train.h"

typedef struct mote_trellis_pass {
    const mote_matrix *m;          /* elements of a real dtype */
    const mote_trellis_trained *s; /* classes of all rows; plan with step, seg_elems and coder */
    const float *weight;           /* as in a sample */
    bool by_row;
    mote_trellis_work *w;
    mote_fetch *fetch;
    uint32_t *order, end[MOTE_COLUMN_CLASSES]; /* of the columns; order NULL: as they are */
    /* sums so far */
    double noise;        /* squared errors of what is decoded */
    double weighted;     /* in squared steps, with weights */
    double sum[4], n[4]; /* by |value|: errors outwards in steps, how many */
    uint32_t largest;    /* |value| */
} mote_trellis_pass;

/** Set order and forget the sums. NOMEM. The order is freed with free(). */
mote_status mote_trellis_pass_begin(mote_trellis_pass *p) MOTE_MUST_CHECK;

/**
 * Search the levels of a segment.
 *
 * lanes   of the coder
 * level   [rows * cols], row-major
 * counts  counts and sums are wanted
 * Errors  NOMEM
 */
mote_status mote_trellis_pass_segment(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, int32_t *level,
                                      bool counts) MOTE_MUST_CHECK;

/** All segments, for their counts and sums. level: of the whole matrix, row-major, if not NULL. */
mote_status mote_trellis_pass_count(mote_trellis_pass *p, int32_t *level) MOTE_MUST_CHECK;

/** Choose the classes of k, which are those of p->s, anew by price. */
mote_status mote_trellis_pass_reclass(mote_trellis_pass *p, mote_classes *k, bool columns) MOTE_MUST_CHECK;

/** Segments of a plan, and the extent of one. */
uint64_t mote_trellis_segments(const mote_trellis_plan *p);
mote_extent mote_trellis_extent(const mote_trellis_plan *p, uint64_t segment);

#endif
