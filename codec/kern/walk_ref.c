/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel of the trellis: rANS as in kern_ref.c, with the table chosen by a state that each level moves.
 * Device code. */
#include "kern/kern.h"

#include "base/le.h"

/* Spec codecs.md 8.2 */
bool mote_walk_ref(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                   size_t n)
{
    const uint8_t *p = in->p, *end = in->end;
    unsigned lane = 0;
    for (uint16_t *const last = u + n; u < last; u++) {
        uint32_t y = x[lane], s = state[lane];
        const uint32_t upper = y >> MOTE_PAIR_BITS, slot = y - (upper << MOTE_PAIR_BITS), q = s & 1;
        const mote_table *t = pair->q[q];
        if (t->cum[16] <= slot) t++;
        const uint16_t *cum = t->cum;
        if (cum[8] <= slot) cum += 8;
        if (cum[4] <= slot) cum += 4;
        if (cum[2] <= slot) cum += 2;
        if (cum[1] <= slot) cum += 1;
        y = (uint32_t)(cum[1] - cum[0]) * upper + slot - cum[0];
        const uint32_t lows = y & ((1u << t->shift) - 1);
        const uint32_t k = (uint32_t)t->lo + ((uint32_t)(cum - t->cum) << t->shift) + lows;
        y >>= t->shift;
        if (y < 65536) {
            if (end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        x[lane] = y;
        s >>= 1;
        if (q) s ^= pair->g[0];
        if (k & 1) s ^= pair->g[1];
        state[lane] = (uint16_t)s;
        *u = (uint16_t)(2 * k + q);
        if (++lane == lanes) lane = 0;
    }
    in->p = p;
    return true;
}
