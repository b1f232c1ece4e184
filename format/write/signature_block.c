/* SPDX-License-Identifier: Apache-2.0
 * Signature blocks, writing side. Spec format.md 6. Host only. */
#include "write/signature_block.h"

#include <string.h>

#include "base/le.h"
#include "mote/package.h"

mote_status mote_signature_block_add(mote_wr *block, const mote_keypair *kp, uint8_t role,
                                     const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    const mote_crypto *c = mote_crypto_host();
    if (!c) return MOTE_ERR_STATE;
    uint8_t entry[MOTE_SIGNATURE_HEAD_BYTES + MOTE_SIGNATURE_BYTES] = {MOTE_ALG_ED25519, role};
    mote_put16(entry + 2, MOTE_SIGNATURE_BYTES);
    mote_key_id(c, entry + 4, MOTE_ALG_ED25519, kp->pub, sizeof kp->pub);
    uint8_t message[MOTE_SIGNING_BLOCK_BYTES];
    mote_signing_block(message, MOTE_ALG_ED25519, role, entry + 4, manifest_digest);
    mote_status st = mote_keypair_sign(kp, message, sizeof message, entry + MOTE_SIGNATURE_HEAD_BYTES);
    if (st != MOTE_OK) return st;

    size_t at = 0, n = 0, here = block->n;
    for (; at < block->n; n++) {
        const uint8_t *e = block->p + at;
        int order = memcmp(e, entry, 2);
        if (order == 0) order = memcmp(e + 4, entry + 4, 8);
        if (order == 0) return MOTE_ERR_ORDER;
        if (order > 0 && here == block->n) here = at;
        at += MOTE_SIGNATURE_HEAD_BYTES + (size_t)mote_le16(e + 2);
    }
    if (n == MOTE_SIGNATURES_MAX || block->n + sizeof entry > UINT16_MAX) return MOTE_ERR_LIMIT;
    size_t behind = block->n - here;
    if (!mote_wr_room(block, sizeof entry)) return block->st;
    memmove(block->p + here + sizeof entry, block->p + here, behind);
    memcpy(block->p + here, entry, sizeof entry);
    return MOTE_OK;
}
