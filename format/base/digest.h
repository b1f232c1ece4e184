/* SPDX-License-Identifier: Apache-2.0
 * Digests with a role: no hash of one kind can pass for another. Spec format.md 2.4. Device code. */
#ifndef MOTE_BASE_DIGEST_H
#define MOTE_BASE_DIGEST_H

#include <stdbool.h>

#include "mote/platform.h"

#define MOTE_ROLE_MANIFEST "mote1 manifest\0"
#define MOTE_ROLE_PAGE "mote1 page\0\0\0\0\0"
#define MOTE_ROLE_CHUNK "mote1 chunk\0\0\0\0"
#define MOTE_ROLE_KEY "mote1 key\0\0\0\0\0\0"
#define MOTE_ROLE_TENSOR "mote1 tensor\0\0\0"
_Static_assert(sizeof MOTE_ROLE_MANIFEST == 16 && sizeof MOTE_ROLE_PAGE == 16 && sizeof MOTE_ROLE_CHUNK == 16 &&
                   sizeof MOTE_ROLE_KEY == 16 && sizeof MOTE_ROLE_TENSOR == 16,
               "a role is 16 bytes with its padding zeros");

/** SHA-256(role[16] || data[0..bytes)) */
void mote_digest(const mote_crypto *c, uint8_t out[MOTE_DIGEST_BYTES], const char role[16], const uint8_t *data,
                 size_t bytes);
/** Digest(role, data) == expected? */
bool mote_digest_is(const mote_crypto *c, const uint8_t expected[MOTE_DIGEST_BYTES], const char role[16],
                    const uint8_t *data, size_t bytes);

#endif
