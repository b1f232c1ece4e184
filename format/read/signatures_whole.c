/* SPDX-License-Identifier: Apache-2.0
 * A signature block that is in memory as a whole, in a file of its own: the loader streams it. Spec format.md 6. Device
 * code. */
#include "mote/package.h"

mote_status mote_signatures_check(const mote_crypto *c, const mote_trust *trust, const uint8_t *block, size_t bytes,
                                  const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    if (trust->n_keys > MOTE_TRUSTED_MAX) return MOTE_ERR_ARG; /* nobody may believe that the others count */
    if (bytes > UINT16_MAX) return MOTE_ERR_LIMIT;
    mote_signature_scan scan = { .left = (uint32_t)bytes };
    while (scan.left) {
        const uint8_t *at = block + (bytes - scan.left);
        mote_signature_head h;
        if (scan.left < MOTE_SIGNATURE_HEAD_BYTES) return MOTE_ERR_TRUNCATED;
        mote_status st = mote_signature_head_read(&scan, &h, at);
        if (st != MOTE_OK) return st;
        int key = mote_signature_key(c, trust, &h);
        if (key >= 0)
            st = mote_signature_check(&scan, c, trust, key, &h, at + MOTE_SIGNATURE_HEAD_BYTES, manifest_digest);
        if (st != MOTE_OK) return st;
    }
    return mote_signature_verdict(&scan, trust);
}
