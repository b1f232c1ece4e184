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
        if (c < 0x80) {
            if (c < 0x20 || c == 0x7F) return false;
            continue;
        }
        unsigned more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        if (c < 0xC2 || c > 0xF4 || (size_t)(end - p) < more) return false;
        uint8_t lo = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80; /* no overlong forms */
        uint8_t hi = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF; /* no surrogates, nothing above 10FFFF */
        for (; more; more--, lo = 0x80, hi = 0xBF)
            if (*p < lo || *p > hi)
                return false;
            else
                p++;
    }
    return true;
}
