/* SPDX-License-Identifier: Apache-2.0
 * A user of the installed freestanding library: the digest of "abc" (FIPS 180-4, example B.1) by mote's own SHA-256. */
#include <mote/platform.h>
#include <mote/registry.h>

#include <string.h>

int main(void)
{
    static const uint8_t want[4] = { 0xba, 0x78, 0x16, 0xbf };
    const uint8_t *part[1] = { (const uint8_t *)"abc" };
    const size_t bytes[1] = { 3 };
    uint8_t digest[MOTE_DIGEST_BYTES];

    mote_sha256_small(NULL, digest, part, bytes, 1);
    return memcmp(digest, want, sizeof want) != 0 || mote_dtype_bits(MOTE_F32) != 32;
}
