/* SPDX-License-Identifier: Apache-2.0
 * One verdict on Ed25519 whatever release of libsodium lies underneath. Releases differ: some compare encodings (as
 * the format demands), others ignore a difference of small order, and some let keys with a part of order 2 pass as
 * valid points. So the conditions are checked here and the equation is computed here, from group operations on which
 * all releases agree; the library's own verdict is only an additional condition. */
#include <sodium.h>
#include <string.h>

#include "mote/sign.h"
#include "sign/backend.h"
#include "sign/ed25519_strict.h"

/* out = scalar * point for any point of the curve. libsodium's own multiplication is exact where it answers, but it
 * refuses points outside the prime-order subgroup and a result of zero; there the slow way of doubling and adding
 * does it. With keys that were checked when they were enrolled it is never taken. */
static bool multiply(uint8_t out[32], const uint8_t scalar[32], const uint8_t point[32])
{
    if (crypto_scalarmult_ed25519_noclamp(out, scalar, point) == 0) return true;
    memset(out, 0, 32);
    out[0] = 1; /* the neutral element: y = 1 */
    for (unsigned bit = 256; bit-- != 0;) {
        if (crypto_core_ed25519_add(out, out, out) != 0) return false;
        if ((scalar[bit / 8] >> (bit % 8) & 1) != 0 && crypto_core_ed25519_add(out, out, point) != 0) return false;
    }
    return true;
}

bool mote_ed25519_equation(const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg, size_t msg_bytes,
                           const uint8_t key[MOTE_PUBLIC_KEY_BYTES])
{
    uint8_t hash[64], k[32], sb[32], ka[32], r[32];
    crypto_hash_sha512_state st;
    crypto_hash_sha512_init(&st);
    crypto_hash_sha512_update(&st, sig, 32);
    crypto_hash_sha512_update(&st, key, 32);
    crypto_hash_sha512_update(&st, msg, msg_bytes);
    crypto_hash_sha512_final(&st, hash);
    crypto_core_ed25519_scalar_reduce(k, hash);

    if (crypto_scalarmult_ed25519_base_noclamp(sb, sig + 32) != 0) {
        memset(sb, 0, sizeof sb); /* refused for S = 0 only, the one scalar below L that leads to zero */
        sb[0] = 1;
    }
    return multiply(ka, k, key) && crypto_core_ed25519_sub(r, sb, ka) == 0 && memcmp(r, sig, sizeof r) == 0;
}

/* A note on cofactors. With A of prime order, S*B - k*A has prime order too, so an R with a part of small order never
 * satisfies the equation as encoded; a verifier that multiplies by 8 first drops that part and says yes. To demand a
 * prime-order R as well would therefore change no verdict under an enrolled key, but it would under keys of mixed
 * order, for which the format's verdict is also defined. Comparing the encoding is both simpler and exact. */
mote_status mote_ed25519_sodium(void *ctx, const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg,
                                size_t msg_bytes, const uint8_t key[MOTE_PUBLIC_KEY_BYTES])
{
    (void)ctx;
    const bool good = mote_ed25519_strict(sig, key) && crypto_sign_verify_detached(sig, msg, msg_bytes, key) == 0 &&
                      mote_ed25519_equation(sig, msg, msg_bytes, key);
    return good ? MOTE_OK : MOTE_ERR_SIGNATURE;
}

mote_status mote_public_key_check(const uint8_t key[MOTE_PUBLIC_KEY_BYTES])
{
    /* (L + 1) * P = P exactly for the points of prime order and for zero, which is excluded before. Asked beside
     * crypto_core_ed25519_is_valid_point(), because releases up to 1.0.20 without the fix for CVE-2025-69277 call a
     * point with a part of order 2 valid. */
    uint8_t scalar[32], back[32];
    if (sodium_init() < 0) return MOTE_ERR_KEY;
    memcpy(scalar, mote_ed25519_order, sizeof scalar);
    scalar[0]++;
    const bool good = mote_ed25519_encoding_ok(key) && crypto_core_ed25519_is_valid_point(key) == 1 &&
                      crypto_scalarmult_ed25519_noclamp(back, scalar, key) == 0 && memcmp(back, key, sizeof back) == 0;
    return good ? MOTE_OK : MOTE_ERR_KEY;
}
