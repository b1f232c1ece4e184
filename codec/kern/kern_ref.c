/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel: small and without tables of its own. It defines what every other kernel computes. Device code. */
#include "kern/kern.h"

#include "base/le.h"

/* Spec codecs.md 3.3 */
static bool decode(mote_words *in, uint32_t *x, unsigned lanes, const void *table, uint16_t *v, size_t n)
{
    const mote_table *t = table;
    const unsigned bits = t->bits, shift = t->shift;
    const uint32_t lows = ((uint32_t)1 << shift) - 1;
    const uint8_t *p = in->p, *end = in->end;
    unsigned lane = 0;
    for (uint16_t *const last = v + n; v < last; v++) {
        uint32_t y = x[lane];
        const uint32_t upper = y >> bits, slot = y - (upper << bits);
        /* the last symbol that begins at or below the slot; one without slots of its own is never the last */
        const uint16_t *cum = t->cum;
        if (cum[8] <= slot) cum += 8;
        if (cum[4] <= slot) cum += 4;
        if (cum[2] <= slot) cum += 2;
        if (cum[1] <= slot) cum += 1;
        y = (uint32_t)(cum[1] - cum[0]) * upper + slot - cum[0];
        *v = (uint16_t)((uint32_t)t->lo + ((uint32_t)(cum - t->cum) << shift) + (y & lows));
        y >>= shift;
        if (y < 65536) {
            if (end - p < 2) return false;
            y = y << 16 | mote_le16(p);
            p += 2;
        }
        x[lane] = y;
        if (++lane == lanes) lane = 0;
    }
    in->p = p;
    return true;
}

const mote_kern *mote_kern_ref(void)
{
    static const mote_kern ref = { .name = "ref", .decode = decode, .walk = mote_walk_ref };
    return &ref;
}
