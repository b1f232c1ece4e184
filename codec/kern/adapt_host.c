/* SPDX-License-Identifier: Apache-2.0
 * Tables that adapt, in plain C for big machines: four cumulatives of a table in a word, and no branch that cannot be
 * predicted. Bit-identical to adapt_ref.c. Host only. */
#include "kern/adapt.h"
#include "kern/walk.h"

#include <string.h>

#include "base/le.h"

#define EACH(x) ((uint64_t)(x)*0x0001000100010001u) /* in each of four fields of 16 bits, none of which overflows */

/* Four cumulatives: those beyond the slot, as a 1 each. They learn; how many slots lie below each is left in *below. */
static inline uint64_t four(int16_t *cum, int16_t *below, uint64_t own, uint64_t beside)
{
    uint64_t c;
    memcpy(&c, cum, sizeof c);
    const uint64_t b = (c >> 3 & EACH(0x1FFF)) + own, above = (b + beside) >> 15 & EACH(1),
                   mask = (above << 16) - above; /* the borrow of a field is the next one's */
    const uint64_t away = ((EACH(MOTE_ADAPT_MOST) - c) & mask) | ((c + EACH(31)) & ~mask), by = away >> 5 & EACH(0x7FF);
    c = c + (by & mask) - (by & ~mask);
    memcpy(cum, &c, sizeof c);
    memcpy(below, &b, sizeof b);
    return above;
}

static inline size_t run(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair,
                         unsigned shift, uint16_t *u, size_t n)
{
    static const uint16_t owns[MOTE_SYMBOLS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const uint8_t *p = in->p, *const end = in->end;
    const uint32_t lo = (uint32_t)pair->q[0]->lo, g0 = pair->g[0], g1 = pair->g[1], lows = (1u << shift) - 1;
    const int32_t zero = mote_adapt_zero(pair->q[0]->lo, shift);
    uint32_t y = x[0], s = state[0];
    mote_adapt_context c = { .h = state[1], .g = state[2] };
    size_t i = 0;
    uint64_t own[4];
    int16_t below[MOTE_SYMBOLS + 1];
    memcpy(own, owns, sizeof own);
    below[MOTE_SYMBOLS] = 1 << MOTE_PAIR_BITS;
    for (; i < n && end - p >= 2; i++) {
        const uint32_t q = s & 1, slot = y & ((1u << MOTE_PAIR_BITS) - 1);
        int16_t *const cum = tables + mote_adapt_place(c, q) * MOTE_SYMBOLS;
        const uint64_t beside = EACH(32767 - slot);
        uint64_t above = 0;
        for (unsigned j = 0; j < 4; j++) above += four(cum + 4 * j, below + 4 * j, own[j], beside);
        const uint32_t k = MOTE_SYMBOLS - 1 - (uint32_t)(above * EACH(1) >> 48), from = (uint32_t)below[k];
        y = ((uint32_t)below[k + 1] - from) * (y >> MOTE_PAIR_BITS) + slot - from;
        const uint32_t level = lo + (k << shift) + (y & lows);
        y >>= shift;
        const uint32_t take = y < 65536;
        y = take ? y << 16 | mote_le16(p) : y;
        p += 2 * take;
        s = s >> 1 ^ (g0 & (0 - q)) ^ (g1 & (0 - (level & 1)));
        c = mote_adapt_after(c, k, zero);
        u[i] = (uint16_t)(2 * level + q);
    }
    x[0] = y;
    state[0] = (uint16_t)s;
    state[1] = c.h;
    state[2] = c.g;
    in->p = p;
    return i;
}

bool mote_adapt_host(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair, uint16_t *u,
                     size_t n)
{
    const unsigned shift = pair->q[0]->shift;
    const size_t done = shift ? run(in, x, state, tables, pair, shift, u, n) : run(in, x, state, tables, pair, 0, u, n);
    return mote_adapt_ref(in, x, state, tables, pair, u + done, n - done);
}
