/* SPDX-License-Identifier: Apache-2.0
 * Pieces of the numeric trellis: levels to elements. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_DEC_TRELLIS_H
#define MOTE_CODEC_DEC_TRELLIS_H

#include "dec/seg.h"

/** What mote_seg_prepare() does for pairs and column classes. */
mote_status mote_trellis_prepare(mote_seg *w, const mote_seg_env *env) MOTE_MUST_CHECK;
/** Decode the next piece into w->sink. */
bool mote_trellis_piece(mote_seg *w);

/** Decode the next n levels of a stream, all of pair `index`, into w->val with tables that adapt. Not in nano builds. */
bool mote_adaptive_walk(mote_seg *w, mote_stream *s, const mote_pair *pair, unsigned index, size_t n);

#endif
