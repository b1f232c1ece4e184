/* SPDX-License-Identifier: Apache-2.0
 * Ed25519 on the device: libsodium's group arithmetic, the verdict of format.md 6.3. */
#ifndef MOTE_TEST_ED25519_H
#define MOTE_TEST_ED25519_H

#include "mote/platform.h"

/** A mote_ed25519_fn. Verdicts are kept for the last few questions, as a test asks the same ones over and over. */
mote_status device_ed25519(void *ctx, const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg, size_t msg_bytes,
                           const uint8_t key[MOTE_PUBLIC_KEY_BYTES]);
/** Signatures that were really checked so far. */
uint32_t device_ed25519_count(void);

#endif
