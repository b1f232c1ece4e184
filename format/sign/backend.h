/* SPDX-License-Identifier: Apache-2.0
 * The single parts of the host's crypto back end, apart so that tests can compare them with each other. */
#ifndef MOTE_SIGN_BACKEND_H
#define MOTE_SIGN_BACKEND_H

#include <stdbool.h>

#include "mote/platform.h"

/** SHA-256 by libsodium: always there. */
void mote_sha256_sodium(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                        size_t n);

/** SHA-256 by libcrypto where it is built in and starts, else by libsodium: what mote_crypto_host() gives out. */
void mote_sha256_host(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                      size_t n);

/** The strict verdict of format.md 6.3, a mote_ed25519_fn. */
mote_status mote_ed25519_sodium(void *ctx, const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg,
                                size_t msg_bytes, const uint8_t key[MOTE_PUBLIC_KEY_BYTES]);

/**
 * The cofactorless equation alone: encode(S*B - k*A) == R byte for byte, with k = SHA-512(R || A || message) mod L.
 * S < L must have been checked; a key that is no point gives false.
 */
bool mote_ed25519_equation(const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg, size_t msg_bytes,
                           const uint8_t key[MOTE_PUBLIC_KEY_BYTES]);

#endif
