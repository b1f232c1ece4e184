/* SPDX-License-Identifier: Apache-2.0
 * Sums of terms: the second is added to the product of the first where that lies. A file of its own, so that a build
 * without them can leave it out. Spec codecs.md 6.5. Device code. */
#include "base/le.h"
#include "dec/numbers.h"

uint32_t mote_sum_of(const mote_sink *k, const uint8_t *p, uint32_t x)
{
    mote_f32 a = { .bits = mote_le32(p) };
    const mote_f32 b = { .bits = x };
    if (MOTE_BIG_ENDIAN && k->machine)
        a.bits = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    a.f = a.f + b.f;
    return (a.bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC00000 : a.bits;
}
