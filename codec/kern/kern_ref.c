/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel: small and without tables of its own. It defines what every other kernel computes. Device code. */
#include "kern/kern.h"

#include "base/apart.h"
#include "base/le.h"
#include "common/head.h"

/*
 * Spec codecs.md 3.3. Lanes are constant where this is called: one lane stays in a register. Values count mod 2^16, so
 * that a symbol's first value is its address in the table, shifted, and a constant.
 */
static MOTE_INLINE bool run(mote_words *in, uint32_t *x, unsigned lanes, const mote_table *t, uint16_t *v, size_t n)
{
    const unsigned bits = t->bits, shift = t->shift;
    const uint32_t mask = ((uint32_t)1 << bits) - 1, lows = ((uint32_t)1 << shift) - 1;
    const uint16_t *const first = t->cum;
    const uint32_t mid = first[8], base = (uint32_t)t->lo - ((uint32_t)(uintptr_t)first << shift >> 1);
    const uint8_t *p = in->p;
    unsigned lane = 0;
    uint32_t one = x[0];
    for (uint16_t *const last = v + n; v < last; v++) {
        uint32_t y = lanes == 1 ? one : x[lane];
        const uint32_t slot = y & mask;
        const uint16_t *cum = mote_kern_symbol(first, mid, slot);
        y = (uint32_t)(cum[1] - cum[0]) * (y >> bits) + slot - cum[0];
        *v = (uint16_t)(base + ((uint32_t)(uintptr_t)cum << shift >> 1) + (y & lows));
        y >>= shift;
        if (MOTE_RARE(y < 65536)) {
            if (in->end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        one = y;
        if (lanes == 1) continue;
        x[lane] = y;
        if (++lane == lanes) lane = 0;
    }
    if (lanes == 1) x[0] = one;
    in->p = p;
    return true;
}

MOTE_HOT static bool decode(mote_words *in, uint32_t *x, unsigned lanes, const void *table, uint16_t *v, size_t n)
{
#if MOTE_LANES_MAX > 1
    if (lanes > 1) return run(in, x, lanes, table, v, n);
#endif
    (void)lanes;
    return run(in, x, 1, table, v, n);
}

const mote_kern *mote_kern_ref(void)
{
    static const mote_kern ref = {
        .name = "ref",
        .decode = decode,
        .walk = mote_walk_ref,
#if !MOTE_NANO
        .adapt = mote_adapt_ref
#endif
    };
    return &ref;
}
