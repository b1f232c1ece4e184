/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel of tables that adapt: rANS with one lane, as in walk_ref.c, with tables that learn from every
 * symbol and are chosen by the two before. Spec codecs.md 8.5. Device code, but for nano builds. */
#include "kern/adapt.h"

#include "base/le.h"

void mote_adapt_begin(int16_t *cum, const mote_pair *pair)
{
    for (unsigned i = 0; i < MOTE_ADAPT_TABLES; i++, cum += MOTE_SYMBOLS) {
        const uint16_t *from = pair->q[i & 1]->cum;
        for (unsigned j = 0; j < MOTE_SYMBOLS; j++)
            cum[j] = (int16_t)((uint32_t)from[j] * (MOTE_ADAPT_MOST / 128) >> 5);
    }
}

bool mote_adapt_ref(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair, uint16_t *u,
                    size_t n)
{
    const uint8_t *p = in->p, *const end = in->end;
    const unsigned shift = pair->q[0]->shift;
    const int32_t zero = mote_adapt_zero(pair->q[0]->lo, shift);
    uint32_t y = x[0], s = state[0];
    mote_adapt_context c = { .h = state[1], .g = state[2] };
    for (uint16_t *const last = u + n; u < last; u++) {
        const unsigned q = s & 1;
        int16_t *cum = tables + mote_adapt_place(c, q) * MOTE_SYMBOLS;
        const uint32_t slot = y & ((1u << MOTE_PAIR_BITS) - 1);
        unsigned k = 0;
        for (unsigned step = MOTE_SYMBOLS / 2; step; step >>= 1)
            if (mote_adapt_below(cum, k + step) <= slot) k += step;
        const uint32_t from = mote_adapt_below(cum, k),
                       to = k + 1 < MOTE_SYMBOLS ? mote_adapt_below(cum, k + 1) : 1u << MOTE_PAIR_BITS;
        y = (to - from) * (y >> MOTE_PAIR_BITS) + slot - from;
        const uint32_t level = (uint32_t)pair->q[0]->lo + (k << shift) + (y & ((1u << shift) - 1));
        y >>= shift;
        if (y < 65536) {
            if (end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        mote_adapt_learn(cum, k);
        s = s >> 1 ^ (q ? pair->g[0] : 0u) ^ (level & 1 ? pair->g[1] : 0u);
        c = mote_adapt_after(c, k, zero);
        *u = (uint16_t)(2 * level + q);
    }
    x[0] = y;
    state[0] = (uint16_t)s;
    state[1] = c.h;
    state[2] = c.g;
    in->p = p;
    return true;
}
