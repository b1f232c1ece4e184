/* SPDX-License-Identifier: Apache-2.0
 * Texts are UTF-8 without control characters; they are data, never paths. Spec format.md 2.5. Device code. */
#include "mote/package.h"

/* Well-formed sequences: Unicode 15, table 3-7. */
bool mote_text_valid(mote_text t, size_t min, size_t max)
{
    if (t.bytes < min || t.bytes > max) return false;
    const uint8_t *p = (const uint8_t *)t.p, *end = p + t.bytes;
    while (p < end) {
        uint32_t c = *p++;
        if (c >= 0x80) {
            unsigned more = 0; /* bytes that follow: ones behind the first */
            while (c << more & 0x40) more++;
            if (more < 1 || more > 3 || (size_t)(end - p) < more) return false;
            c &= 0x3Fu >> more;
            for (unsigned i = 0; i < more; i++, p++) {
                if (*p >> 6 != 2) return false;
                c = c << 6 | (*p & 0x3F);
            }
            /* what fewer bytes hold, two bytes 7 bits, three 11, four 16; surrogates */
            if (c < 0x80 || c >> (5 * more + 1) == 0 || c >> 11 == 0x1B || c > 0x10FFFF) return false;
        }
        if (c < 0x20 || c == 0x7F) return false;
    }
    return true;
}
