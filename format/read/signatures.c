/* SPDX-License-Identifier: Apache-2.0
 * Signature blocks: at most 16 entries; those of unknown keys are skipped, one of a trusted key must verify, and the
 * caller says how many distinct keys suffice. Spec format.md 6. Device code. */
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "mote/package.h"
#include "mote/version.h"

void mote_manifest_digest(const mote_crypto *c, uint8_t out[MOTE_DIGEST_BYTES], const uint8_t *bytes, size_t n)
{
    mote_digest(c, out, MOTE_ROLE_MANIFEST, bytes, n);
}

void mote_key_id(const mote_crypto *c, uint8_t out[8], uint8_t alg, const uint8_t *key, size_t bytes)
{
    uint8_t d[MOTE_DIGEST_BYTES];
    const uint8_t *part[3] = { (const uint8_t *)MOTE_ROLE_KEY, &alg, key };
    const size_t len[3] = { 16, 1, bytes };
    c->sha256(c->ctx, d, part, len, 3);
    memcpy(out, d, 8);
}

void mote_signing_block(uint8_t out[MOTE_SIGNING_BLOCK_BYTES], uint8_t alg, uint8_t role, const uint8_t key_id[8],
                        const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    memset(out, 0, MOTE_SIGNING_BLOCK_BYTES);
    memcpy(out, "mote signature", 14);
    out[16] = MOTE_FORMAT_VERSION;
    out[17] = MOTE_FORMAT_SUITE;
    out[18] = alg;
    out[19] = role;
    memcpy(out + 24, key_id, 8);
    memcpy(out + 32, manifest_digest, MOTE_DIGEST_BYTES);
}

mote_status mote_signature_head_read(mote_signature_scan *scan, mote_signature_head *out,
                                     const uint8_t bytes[MOTE_SIGNATURE_HEAD_BYTES])
{
    if (scan->entries == MOTE_SIGNATURES_MAX) return MOTE_ERR_LIMIT;
    if (scan->left < MOTE_SIGNATURE_HEAD_BYTES) return MOTE_ERR_TRUNCATED;
    const uint8_t alg = bytes[0], role = bytes[1], *key_id = bytes + 4;
    const uint16_t n = mote_le16(bytes + 2);
    if (n > scan->left - MOTE_SIGNATURE_HEAD_BYTES) return MOTE_ERR_TRUNCATED;
    if (alg == 0 || role == 0 || (alg == MOTE_ALG_ED25519 && n != MOTE_SIGNATURE_BYTES)) return MOTE_ERR_VALUE;
    int order = memcmp(bytes, scan->last, 2); /* what comes first is above the zeros of the beginning: alg is not 0 */
    if (order == 0) order = memcmp(key_id, scan->last + 2, 8);
    if (order <= 0) return MOTE_ERR_ORDER;
    memcpy(scan->last, bytes, 2);
    memcpy(scan->last + 2, key_id, 8);
    scan->entries++;
    scan->left -= MOTE_SIGNATURE_HEAD_BYTES + n;
    out->alg = alg;
    out->role = role;
    out->bytes = n;
    memcpy(out->key_id, key_id, 8);
    return MOTE_OK;
}

int mote_signature_key(const mote_crypto *c, const mote_trust *trust, const mote_signature_head *head)
{
    if (head->alg != MOTE_ALG_ED25519) return -1;
    for (size_t i = 0; i < trust->n_keys && i < MOTE_TRUSTED_MAX; i++) {
        uint8_t id[8];
        mote_key_id(c, id, MOTE_ALG_ED25519, trust->keys + i * MOTE_PUBLIC_KEY_BYTES, MOTE_PUBLIC_KEY_BYTES);
        if (memcmp(id, head->key_id, 8) == 0) return (int)i;
    }
    return -1;
}

mote_status mote_signature_check(mote_signature_scan *scan, const mote_crypto *c, const mote_trust *trust, int index,
                                 const mote_signature_head *head, const uint8_t sig[MOTE_SIGNATURE_BYTES],
                                 const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    uint8_t block[MOTE_SIGNING_BLOCK_BYTES];
    uint8_t role = trust->role ? trust->role : MOTE_ROLE_RELEASE_KEY;
    const uint8_t *key = trust->keys + index * MOTE_PUBLIC_KEY_BYTES;
    mote_signing_block(block, head->alg, head->role, head->key_id, manifest_digest);
    if (!c->ed25519 || c->ed25519(c->ctx, sig, block, sizeof block, key) != MOTE_OK) return MOTE_ERR_SIGNATURE;
    if (head->role == role) scan->counted |= (uint32_t)1 << index;
    return MOTE_OK;
}

mote_status mote_signature_verdict(const mote_signature_scan *scan, const mote_trust *trust)
{
    if (trust->n_keys == 0) return MOTE_OK;
    if (scan->entries == 0) return MOTE_ERR_UNSIGNED;
    unsigned n = 0;
    for (uint32_t c = scan->counted; c; c &= c - 1) n++;
    return n >= (trust->threshold ? trust->threshold : 1) ? MOTE_OK : MOTE_ERR_UNTRUSTED;
}
