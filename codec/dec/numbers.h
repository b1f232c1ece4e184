/* SPDX-License-Identifier: Apache-2.0
 * From the integers of the planes to elements in memory. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_NUMBERS_H
#define MOTE_CODEC_NUMBERS_H

#include "dec/seg.h"

/** 1 on machines that store the least significant byte last. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MOTE_BIG_ENDIAN 1
#else
#define MOTE_BIG_ENDIAN 0
#endif

/** Scales of a piece. Spec codecs.md 5.4 */
static inline uint64_t mote_scales_per_piece(const mote_num *num, uint64_t cols)
{
    return num->scope == 2 ? (cols - 1) / num->group + 1 : num->scope;
}

/** Scale g of the current piece. */
float mote_scale_at(const mote_seg *w, size_t g);
/** Zero-point g of the current piece; 0 if there is none. */
unsigned mote_zero_at(const mote_seg *w, size_t g);

/** Check the scales and zero-points of the segment. */
bool mote_numbers_open(mote_seg *w);
/** After a piece: move on to the scales of the next. */
void mote_numbers_next(mote_seg *w);
/** Values that mote_numbers_put() takes at most; w->sink is set. listed: with a list of columns. */
size_t mote_numbers_block(const mote_seg *w, bool listed);
/** Decode the next n values of the piece into w->sink: columns cols[0..n), or col0 onwards if cols is NULL. */
bool mote_numbers_put(mote_seg *w, size_t n, const uint16_t *cols, size_t col0);

/** Write n elements of dtype `held`, little-endian at src, to columns as above, converted to what the sink wants. */
void mote_sink_put(const mote_sink *k, const uint8_t *src, unsigned held, size_t n, const uint16_t *cols, size_t col0);

#endif
