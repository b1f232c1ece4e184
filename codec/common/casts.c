/* SPDX-License-Identifier: Apache-2.0
 * The casts of casts.h that every reader needs. Device code. */
#include "common/casts.h"

/* The leading 1 of a subnormal number moves to where it is implied. */
uint32_t mote_f16_to_f32(uint32_t h)
{
    const uint32_t sign = (h & 0x8000) << 16;
    uint32_t e = h >> 10 & 31, m = (h & 0x3FF) << 13;
    if (e == 0 && m) {
        for (e = 1; m < 0x800000; e--) m <<= 1;
        m &= 0x7FFFFF;
    } else if (e == 0) {
        return sign;
    }
    return sign | (e == 31 ? 255 : e + 112) << 23 | m;
}
