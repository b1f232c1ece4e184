/* SPDX-License-Identifier: Apache-2.0
 * The conditions of format.md 6.3 on encodings. Freestanding: devices use them with a library of their own. */
#ifndef MOTE_SIGN_ED25519_STRICT_H
#define MOTE_SIGN_ED25519_STRICT_H

#include <stdbool.h>

#include "mote/platform.h"

/** The order of the base point, little-endian. */
extern const uint8_t mote_ed25519_order[32];
/** y < p and not of small order. Says nothing about being on the curve. */
bool mote_ed25519_encoding_ok(const uint8_t point[32]);
/** S < L, and R and the key are such encodings: everything but the equation. */
bool mote_ed25519_strict(const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t key[MOTE_PUBLIC_KEY_BYTES]);

#endif
