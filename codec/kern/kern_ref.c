/* SPDX-License-Identifier: Apache-2.0
 * The reference kernel: small and without tables of its own. It defines what every other kernel computes. Device code. */
#include "kern/kern.h"

#include "base/le.h"

/* Spec codecs.md 3.3 */
static bool decode(mote_words *in, uint32_t *x, unsigned lanes, const void *table, uint16_t *v, size_t n)
{
    const mote_table *t = table;
    const unsigned bits = t->bits, shift = t->shift;
    const uint32_t slots = ((uint32_t)1 << bits) - 1, lows = ((uint32_t)1 << shift) - 1;
    const uint8_t *p = in->p, *end = in->end;
    unsigned lane = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t y = x[lane], slot = y & slots;
        /* the last symbol that begins at or below the slot; one without slots of its own is never the last */
        const uint16_t *cum = t->cum;
        for (unsigned half = MOTE_SYMBOLS / 2; half; half /= 2)
            if (cum[half] <= slot) cum += half;
        y = (uint32_t)(cum[1] - cum[0]) * (y >> bits) + slot - cum[0];
        v[i] = (uint16_t)((uint32_t)t->lo + ((uint32_t)(cum - t->cum) << shift) + (y & lows));
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
    static const mote_kern ref = { .name = "ref", .decode = decode };
    return &ref;
}
