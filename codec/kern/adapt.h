/* SPDX-License-Identifier: Apache-2.0
 * Which of the tables of a pair that adapts is next, and what it learns: shared by its kernels and the encoder.
 * Device code. */
#ifndef MOTE_CODEC_ADAPT_H
#define MOTE_CODEC_ADAPT_H

#include "kern/kern.h"

#define MOTE_ADAPT_RATE 5
#define MOTE_ADAPT_MOST 32640 /* eighths of slots: what is left of 2^12 beside one for each symbol */

/** The two symbols before, as they choose a table; all 0 at the begin of a segment. Spec codecs.md 8.5 */
typedef struct mote_adapt_context {
    uint16_t h; /**< of the last symbol, -4..3 from that of level 0: plus 4, and bit 2 inverted */
    uint16_t g; /**< of the one before: 0 below that of level 0, 1 the same, 2 above; bit 0 inverted */
} mote_adapt_context;

/** Table of quantiser q. */
static MOTE_INLINE unsigned mote_adapt_place(mote_adapt_context c, unsigned q)
{
    return ((c.g ^ 1u) * 8 + (c.h ^ 4u)) * 2 + q;
}

/** Symbol of level 0, which may lie outside of the window. */
static MOTE_INLINE int32_t mote_adapt_zero(int32_t lo, unsigned shift)
{
    return -lo >> shift;
}

/** Symbol k has been coded, in a window where level 0 has symbol `zero`. */
static MOTE_INLINE mote_adapt_context mote_adapt_after(mote_adapt_context c, unsigned k, int32_t zero)
{
    const unsigned h = c.h ^ 4u;
    int32_t d = (int32_t)k - zero;
    d = d < -4 ? -4 : d;
    d = d > 3 ? 3 : d;
    return (mote_adapt_context){ .h = (uint16_t)((unsigned)(d + 4) ^ 4u), .g = (uint16_t)((h >= 4) + (h > 4)) ^ 1u };
}

/** Slots below symbol k of 0..15. */
static MOTE_INLINE uint32_t mote_adapt_below(const int16_t *cum, unsigned k)
{
    return k + ((uint32_t)cum[k] >> 3);
}

/** Symbol k has occurred. */
static MOTE_INLINE void mote_adapt_learn(int16_t *cum, unsigned k)
{
    for (unsigned j = 1; j < MOTE_SYMBOLS; j++)
        cum[j] = (int16_t)(cum[j] + (((j > k ? MOTE_ADAPT_MOST : 0) - cum[j]) >> MOTE_ADAPT_RATE));
}

#endif
