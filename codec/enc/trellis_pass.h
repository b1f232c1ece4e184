/* SPDX-License-Identifier: Apache-2.0
 * Passes over a whole tensor, a segment at a time: memory stays bounded however large it is. As the search always finds
 * the same levels, a pass that counts is followed by one that writes. Host only. */
#ifndef MOTE_ENC_TRELLIS_PASS_H
#define MOTE_ENC_TRELLIS_PASS_H

#include "enc/matrix.h"
#include "enc/trellis_train.h"

#define MOTE_LANES_MAX 32

typedef struct mote_trellis_pass {
    const mote_matrix *m;          /* elements of a real dtype */
    const mote_trellis_trained *s; /* classes of all rows; plan with step, seg_elems and coder */
    const float *all;              /* the matrix divided by the root mean square; NULL: elements are fetched */
    const float *weight;           /* as in a sample */
    bool by_row;
    mote_trellis_work *w;
    mote_fetch *fetch;
    uint32_t *order, end[MOTE_COLUMN_CLASSES]; /* of the columns; order NULL: as they are */
    /* columns of a piece by their lane, in the order of coding */
    uint32_t *by_lane;
    size_t laid, room, from[MOTE_LANES_MAX + 1]; /* columns; first of each lane */
    unsigned lanes;
    /* sums so far */
    double noise;         /* squared errors of what is decoded */
    mote_found_sums sums; /* in steps */
    uint32_t largest;     /* |value| */
} mote_trellis_pass;

/** Set order and forget the sums. NOMEM. */
mote_status mote_trellis_pass_begin(mote_trellis_pass *p) MOTE_MUST_CHECK;
void mote_trellis_pass_free(mote_trellis_pass *p);

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

/** The first n levels of a row of the segment that has been searched last, and their quantisers. */
void mote_trellis_pass_row(const mote_trellis_pass *p, const mote_extent *e, unsigned lanes, size_t row, size_t n,
                           int32_t *level, uint8_t *quantiser);

/** All segments, for their counts and sums. level: of the whole matrix, row-major, if not NULL. */
mote_status mote_trellis_pass_count(mote_trellis_pass *p, int32_t *level) MOTE_MUST_CHECK;

/**
 * Search all levels and choose the classes of s, which is p->s, anew by price; then its tables, and for that many rounds
 * both again. The step may be any.
 */
mote_status mote_trellis_pass_reclass(mote_trellis_pass *p, mote_trellis_trained *s, bool columns,
                                      unsigned rounds) MOTE_MUST_CHECK;

/** Segments of a plan, and the extent of one. */
uint64_t mote_trellis_segments(const mote_trellis_plan *p);
mote_extent mote_trellis_extent(const mote_trellis_plan *p, uint64_t segment);

#endif
