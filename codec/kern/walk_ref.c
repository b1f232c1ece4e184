/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel of the trellis: rANS as in kern_ref.c, with the table chosen by a state that each level moves.
 * Device code. */
#include "kern/kern.h"

#include "base/le.h"
#include "common/head.h"

/* Spec codecs.md 8.2. Lanes are constant where this is called: one of them stays in registers. */
static MOTE_INLINE bool run(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                            uint16_t *u, size_t n)
{
    const uint8_t *p = in->p, *end = in->end;
    const uint32_t g0 = pair->g[0], g1 = pair->g[1];
    unsigned lane = 0;
    uint32_t one = x[0], one_s = state[0];
    for (uint16_t *const last = u + n; u < last; u++) {
        uint32_t y = lanes == 1 ? one : x[lane], s = lanes == 1 ? one_s : state[lane];
        const uint32_t slot = y & ((1u << MOTE_PAIR_BITS) - 1), q = s & 1;
        const mote_table *t = pair->q[q];
        if (t->cum[16] <= slot) t++;
        const uint16_t *cum = mote_kern_symbol(t->cum, t->cum[8], slot);
        y = (uint32_t)(cum[1] - cum[0]) * (y >> MOTE_PAIR_BITS) + slot - cum[0];
        const unsigned shift = t->shift;
        uint32_t k = (uint32_t)t->lo + ((uint32_t)(cum - t->cum) << shift);
        if (shift) {
            k += y & ((1u << shift) - 1);
            y >>= shift;
        }
        if (y < 65536) {
            if (end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        s = s >> 1 ^ (q ? g0 : 0) ^ (k & 1 ? g1 : 0);
        *u = (uint16_t)(2 * k + q);
        one = y;
        one_s = s;
        if (lanes == 1) continue;
        x[lane] = y;
        state[lane] = (uint16_t)s;
        if (++lane == lanes) lane = 0;
    }
    if (lanes == 1) {
        x[0] = one;
        state[0] = (uint16_t)one_s;
    }
    in->p = p;
    return true;
}

bool mote_walk_ref(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                   size_t n)
{
#if MOTE_LANES_MAX > 1
    if (lanes > 1) return run(in, x, state, lanes, pair, u, n);
#endif
    (void)lanes;
    return run(in, x, state, 1, pair, u, n);
}
