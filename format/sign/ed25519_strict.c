/* SPDX-License-Identifier: Apache-2.0
 * What format.md 6.3 demands of the encodings in a signature and a key, apart from the equation: byte comparisons, so
 * that they are the same whatever library computes the equation, on hosts and on devices. */
#include "sign/ed25519_strict.h"

#include <string.h>

/* L = 2^252 + 27742317777372353535851937790883648493, the order of the base point, little-endian. Source RFC 8032, 5.1 */
const uint8_t mote_ed25519_order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
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
bool mote_ed25519_encoding_ok(const uint8_t point[32])
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

bool mote_ed25519_strict(const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t key[MOTE_PUBLIC_KEY_BYTES])
{
    return less(sig + 32, mote_ed25519_order) && mote_ed25519_encoding_ok(sig) && mote_ed25519_encoding_ok(key);
}
