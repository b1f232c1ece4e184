/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel of the trellis: rANS as in kern_ref.c, with the table chosen by a state that each level moves.
 * Device code. */
#include "kern/kern.h"

#include "base/le.h"
#include "common/head.h"

/* What a quantiser does: its table, and what is the same for all symbols. */
typedef struct choice {
    const uint16_t *cum;
    size_t base;  /* mod 2^32, 2 level + quantiser of a symbol, less its address, shifted */
    size_t upper; /* what is taken from it in the upper half of 32 symbols */
    size_t g;     /* what it does to the state */
} choice;

/* States are kept as so many times themselves: their lowest bit is a distance in an array of choices. */
#define CHOICE ((uint32_t)sizeof(choice))
_Static_assert((sizeof(choice) & (sizeof(choice) - 1)) == 0, "a power of 2");

/* Upper halves of wide tables lie in the table after. */
enum { NEXT = sizeof(mote_table) / sizeof(uint16_t) };
_Static_assert(sizeof(mote_table) % sizeof(uint16_t) == 0, "a whole number of cumulatives lies between two tables");

/*
 * Spec codecs.md 8.2. Lanes are constant where this is called: one of them stays in registers. The two tables of a pair
 * have one shift, and all halves of them the same first level but for the symbols before. Numbers count mod 2^16, so
 * that a symbol's level is its address, shifted, and a constant.
 */
static MOTE_INLINE bool run(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                            uint16_t *u, size_t n)
{
    const unsigned shift = pair->q[0]->shift;
    const uint32_t g1 = pair->g[1] * CHOICE, lows = ((uint32_t)1 << shift) - 1;
    const uint8_t *p = in->p;
    choice of[2];
    unsigned lane = 0;
    uint32_t one = x[0], one_s = (uint32_t)state[0] * CHOICE; /* bits that have moved on below it do not matter */
    for (unsigned q = 0; q < 2; q++) {
        const mote_table *t = pair->q[q];
        of[q].cum = t->cum;
        of[q].base = 2 * (uint32_t)t->lo + q - ((uint32_t)(uintptr_t)t->cum << shift);
        of[q].upper = (uint32_t)(NEXT - MOTE_SYMBOLS) * 2 << shift;
        of[q].g = q ? pair->g[0] * CHOICE : 0;
    }
    const uint8_t *choices = (const uint8_t *)of;
    MOTE_IN_REGISTER(choices);
    for (uint16_t *const last = u + n; u < last; u++) {
        uint32_t y = lanes == 1 ? one : x[lane], s = lanes == 1 ? one_s : (uint32_t)state[lane] * CHOICE;
        const choice *c = (const choice *)(const void *)(choices + (s & CHOICE));
        const uint16_t *cum = c->cum;
        const uint32_t slot = y & ((1u << MOTE_PAIR_BITS) - 1);
        uint32_t k = (uint32_t)c->base;
        s = s >> 1 ^ (uint32_t)c->g;
        if (MOTE_RARE(cum[MOTE_SYMBOLS] <= slot)) { /* there are 32 */
            MOTE_STAYS_BRANCH();
            cum += NEXT;
            k -= (uint32_t)c->upper;
        }
        cum = mote_kern_symbol(cum, cum[8], slot);
        y = (uint32_t)(cum[1] - cum[0]) * (y >> MOTE_PAIR_BITS) + slot - cum[0];
        k += ((uint32_t)(uintptr_t)cum << shift) + 2 * (y & lows);
        y >>= shift;
        if (MOTE_RARE(y < 65536)) {
            if (in->end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        if (k & 2) s ^= g1;
        *u = (uint16_t)k;
        one = y;
        one_s = s;
        if (lanes == 1) continue;
        x[lane] = y;
        state[lane] = (uint16_t)(s / CHOICE);
        if (++lane == lanes) lane = 0;
    }
    if (lanes == 1) {
        x[0] = one;
        state[0] = (uint16_t)(one_s / CHOICE);
    }
    in->p = p;
    return true;
}

MOTE_HOT bool mote_walk_ref(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                            uint16_t *u, size_t n)
{
#if MOTE_LANES_MAX > 1
    if (lanes > 1) return run(in, x, state, lanes, pair, u, n);
#endif
    (void)lanes;
    return run(in, x, state, 1, pair, u, n);
}
