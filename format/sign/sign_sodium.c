/* SPDX-License-Identifier: Apache-2.0
 * Ed25519 key pairs and signing by libsodium. */
#include <sodium.h>
#include <stdbool.h>

#include "mote/sign.h"

_Static_assert(crypto_sign_SECRETKEYBYTES == sizeof((mote_keypair *)0)->secret, "the form of libsodium's secret key");

mote_status mote_keypair_generate(mote_keypair *kp)
{
    if (kp == NULL) return MOTE_ERR_ARG;
    if (sodium_init() < 0) return MOTE_ERR_STATE;
    return crypto_sign_keypair(kp->pub, kp->secret) == 0 ? MOTE_OK : MOTE_ERR_STATE;
}

mote_status mote_keypair_from_seed(mote_keypair *kp, const uint8_t seed[32])
{
    if (kp == NULL || seed == NULL) return MOTE_ERR_ARG;
    if (sodium_init() < 0) return MOTE_ERR_STATE;
    return crypto_sign_seed_keypair(kp->pub, kp->secret, seed) == 0 ? MOTE_OK : MOTE_ERR_STATE;
}

void mote_keypair_wipe(mote_keypair *kp)
{
    if (kp != NULL) sodium_memzero(kp, sizeof *kp);
}

mote_status mote_keypair_sign(const mote_keypair *kp, const uint8_t *msg, size_t bytes,
                              uint8_t sig[MOTE_SIGNATURE_BYTES])
{
    if (kp == NULL || (msg == NULL && bytes != 0) || sig == NULL) return MOTE_ERR_ARG;
    if (sodium_init() < 0) return MOTE_ERR_STATE;
    /* Two signatures of one message under two public keys reveal the secret, so the pair must be a pair. */
    uint8_t pub[MOTE_PUBLIC_KEY_BYTES], again[crypto_sign_SECRETKEYBYTES];
    const bool pair = crypto_sign_seed_keypair(pub, again, kp->secret) == 0 &&
                      sodium_memcmp(again, kp->secret, sizeof again) == 0 &&
                      sodium_memcmp(pub, kp->pub, sizeof pub) == 0;
    sodium_memzero(again, sizeof again);
    if (!pair) return MOTE_ERR_KEY;
    return crypto_sign_detached(sig, NULL, msg, bytes, kp->secret) == 0 ? MOTE_OK : MOTE_ERR_STATE;
}
