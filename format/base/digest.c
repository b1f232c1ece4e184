/* SPDX-License-Identifier: Apache-2.0
 * The digests of digest.h. Device code. */
#include "base/digest.h"

#include <string.h>

void mote_digest(const mote_crypto *c, uint8_t out[MOTE_DIGEST_BYTES], const char role[16], const uint8_t *data,
                 size_t bytes)
{
    const uint8_t *part[2] = { (const uint8_t *)role, data };
    const size_t len[2] = { 16, bytes };
    c->sha256(c->ctx, out, part, len, 2);
}

bool mote_digest_is(const mote_crypto *c, const uint8_t expected[MOTE_DIGEST_BYTES], const char role[16],
                    const uint8_t *data, size_t bytes)
{
    uint8_t d[MOTE_DIGEST_BYTES];
    mote_digest(c, d, role, data, bytes);
    return memcmp(d, expected, MOTE_DIGEST_BYTES) == 0;
}
