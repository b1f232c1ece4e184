/* SPDX-License-Identifier: Apache-2.0
 * One verdict on Ed25519 whatever release of libsodium lies underneath. Releases differ: some compare encodings (as
 * the format demands), others ignore a difference of small order, and some let keys with a part of order 2 pass as
 * valid points. So the conditions are checked here and the equation is computed here, from group operations on which
 * all releases agree; the library's own verdict is only an additional condition. */
#include <sodium.h>
#include <string.h>

#include "mote/sign.h"
#include "sign/backend.h"

/* L = 2^252 + 27742317777372353535851937790883648493, the order of the base point, little-endian. Source RFC 8032, 5.1 */
static const uint8_t group_order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                         0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                         0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10 };

/* p = 2^255 - 19, little-endian. */
static const uint8_t field_prime[32] = { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };

/* The y of the eight points whose order divides 8, each < p: 1 (order 1), -1 (order 2), 0 (order 4) and the two of
 * order 8, whose y^2 are the roots of d*y^4 + 2*y^2 - 1 that are squares. tests/data/ed25519/generate.py derives them. */
static const uint8_t small_order_y[5][32] = {
    { 0 },
    { 1 },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* All inputs here are public, so early exits tell nobody anything. */
static bool less(const uint8_t a[32], const uint8_t b[32])
{
    for (unsigned i = 32; i-- != 0;) {
        if (a[i] != b[i]) return a[i] < b[i];
    }
    return false;
}

/* y < p and not of small order. Says nothing about being on the curve. */
static bool encoding_allowed(const uint8_t point[32])
{
    uint8_t y[32];
    memcpy(y, point, sizeof y);
    y[31] &= 0x7f; /* the sign of x: either sign of a small-order y is refused, and so is "minus zero" */
    if (!less(y, field_prime)) return false;
    for (unsigned i = 0; i < 5; i++) {
        if (memcmp(y, small_order_y[i], sizeof y) == 0) return false;
    }
    return true;
}

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
    const bool good = less(sig + 32, group_order) && encoding_allowed(sig) && encoding_allowed(key) &&
                      crypto_sign_verify_detached(sig, msg, msg_bytes, key) == 0 &&
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
    memcpy(scalar, group_order, sizeof scalar);
    scalar[0]++;
    const bool good = encoding_allowed(key) && crypto_core_ed25519_is_valid_point(key) == 1 &&
                      crypto_scalarmult_ed25519_noclamp(back, scalar, key) == 0 && memcmp(back, key, sizeof back) == 0;
    return good ? MOTE_OK : MOTE_ERR_KEY;
}
