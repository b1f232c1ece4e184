/* SPDX-License-Identifier: Apache-2.0
 * The planes of one segment: where they lie in the record, and their integers. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_PLANES_H
#define MOTE_CODEC_PLANES_H

#include "dec/seg.h"

/* The reason of a failure is in w->rd.st, or in that of a stream until mote_planes_close(). */

/** Record a failure; false, to be returned. */
bool mote_seg_fail_by(mote_seg *w, unsigned below);
static inline bool mote_seg_fail(mote_seg *w, mote_status st)
{
    return mote_seg_fail_by(w, (unsigned)-(int)st);
}

/**
 * Find the planes of w->num and of the layout in the record w->rd, w->rows pieces of w->cols values. Inflates.
 *
 * layout  dense for factors and their like, whatever the term says
 * direct  where inflated elements may go, or NULL
 */
bool mote_planes_open(mote_seg *w, unsigned layout, uint8_t *direct);
/** Gather the failures of the streams; if there are none, all must have been used up. Spec codecs.md 3.3 */
mote_status mote_planes_close(mote_seg *w) MOTE_MUST_CHECK;

/** A zstd plane becomes a stored one of n values, in `to` or (NULL) in the scratch memory; another stays. Not in nano
 *  builds. */
void mote_plane_inflate(mote_seg *w, const mote_plane_dec *d, size_t n, uint8_t *to);

/** Begin a piece: its class. */
bool mote_plane_piece(mote_seg *w, mote_plane_dec *d);
/** The next n values of the piece, a whole number of steps or up to its end, inside of the plane's range. */
bool mote_plane_read(mote_seg *w, const mote_plane_dec *d, uint16_t *v, size_t n);
/** The states of a rANS stream, before its first value; once they have been read, nothing. */
bool mote_plane_states(mote_seg *w, mote_stream *s, unsigned coder);
/** The number of the next escape of p, < 2^20, whose symbols are in s. Failures are in w->rd.st. Spec codecs.md 3.5 */
int32_t mote_plane_escape(mote_seg *w, mote_stream *s, const mote_plane *p);
/** to[0..n) = v[0..n) mod 256; to may be v. */
void mote_plane_narrow(uint8_t *to, const uint16_t *v, size_t n);
/** The next n values of byte plane j: in the record, or in w->aux; NULL on failure. */
const uint8_t *mote_plane_bytes(mote_seg *w, unsigned j, size_t n);

#endif
