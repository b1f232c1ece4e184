/* SPDX-License-Identifier: Apache-2.0
 * Signature blocks, writing side: entries come and go without touching a signed byte. Spec format.md 6. Host only. */
#include <string.h>

#include "base/le.h"
#include "mote/package.h"
#include "mote/write.h"

mote_status mote_signature_add(uint8_t *block, size_t *bytes, size_t room, const mote_keypair *kp, uint8_t role,
                               const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    const mote_crypto *c = mote_crypto_host();
    if (!c) return MOTE_ERR_STATE;
    if (role == 0) return MOTE_ERR_ARG;
    uint8_t entry[MOTE_SIGNATURE_HEAD_BYTES + MOTE_SIGNATURE_BYTES] = { MOTE_ALG_ED25519, role };
    mote_put16(entry + 2, MOTE_SIGNATURE_BYTES);
    mote_key_id(c, entry + 4, MOTE_ALG_ED25519, kp->pub, sizeof kp->pub);

    size_t here = 0; /* behind the last entry that comes before the new one */
    mote_signature_scan scan = { .left = (uint32_t)*bytes };
    if (*bytes > UINT16_MAX || *bytes > room) return MOTE_ERR_LIMIT;
    while (scan.left) {
        mote_signature_head h;
        if (scan.left < MOTE_SIGNATURE_HEAD_BYTES) return MOTE_ERR_TRUNCATED;
        mote_status st = mote_signature_head_read(&scan, &h, block + (*bytes - scan.left));
        if (st != MOTE_OK) return st;
        int order = memcmp(scan.last, entry, 2);
        if (order == 0) order = memcmp(scan.last + 2, entry + 4, 8);
        if (order == 0) return MOTE_ERR_ORDER;
        if (order < 0) here = *bytes - scan.left;
    }
    if (scan.entries == MOTE_SIGNATURES_MAX || sizeof entry > UINT16_MAX - *bytes || sizeof entry > room - *bytes)
        return MOTE_ERR_LIMIT;

    uint8_t message[MOTE_SIGNING_BLOCK_BYTES];
    mote_signing_block(message, MOTE_ALG_ED25519, role, entry + 4, manifest_digest);
    mote_status st = mote_keypair_sign(kp, message, sizeof message, entry + MOTE_SIGNATURE_HEAD_BYTES);
    if (st != MOTE_OK) return st;
    memmove(block + here + sizeof entry, block + here, *bytes - here);
    memcpy(block + here, entry, sizeof entry);
    *bytes += sizeof entry;
    return MOTE_OK;
}
