/* SPDX-License-Identifier: Apache-2.0
 * Segments of a coding: how many elements fit a chunk, and their bytes. Host only. */
#ifndef MOTE_ENC_SEGMENT_H
#define MOTE_ENC_SEGMENT_H

#include "enc/plane_write.h"

/** Append the entries of table k. */
void mote_book_write(mote_wr *out, const mote_book *b, uint64_t k);

/** A coding made ready to be written. */
typedef struct mote_cutter {
    mote_coding *c;
    mote_plane_code code[MOTE_PLANES];
    uint8_t zstd_level;
    bool guess; /* mote_cutter_cut() may save time, as it is asked again if the guess was wrong */
    uint64_t seg_elems;
} mote_cutter;

/** NOMEM. Borrows c. Free with mote_cutter_free(), also after an error. */
mote_status mote_cutter_init(mote_cutter *k, mote_coding *c) MOTE_MUST_CHECK;
void mote_cutter_free(mote_cutter *k);

/**
 * Choose k->seg_elems, as many as are likely to fit, and the lanes that go with it.
 *
 * room       bytes of a record's value
 * most       elements that a segment may have at most
 * whole      rows must not be cut
 * Errors  NOMEM; LIMIT: a row does not fit and must not be cut (also: a sparse piece, for which c->piece has then been
 *         reduced; it must be planned again)
 */
mote_status mote_cutter_cut(mote_cutter *k, const mote_enc_limits *limits, uint64_t most, bool whole,
                            mote_work *w) MOTE_MUST_CHECK;
/** Fewer elements, after a segment did not fit. LIMIT if that cannot be. */
mote_status mote_cutter_shrink(mote_cutter *k, bool whole) MOTE_MUST_CHECK;

/** Append the value of the segment of that rectangle to w->out, whose status tells of failures. */
void mote_segment_write(const mote_cutter *k, const mote_extent *e, mote_plane_writer *w, mote_work *work);

#endif
