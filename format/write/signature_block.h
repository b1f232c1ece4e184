/* SPDX-License-Identifier: Apache-2.0
 * Adding signatures to a block without touching signed bytes. Host only. */
#ifndef MOTE_WRITE_SIGNATURE_BLOCK_H
#define MOTE_WRITE_SIGNATURE_BLOCK_H

#include "mote/sign.h"
#include "write/wr.h"

/**
 * Sign a manifest digest and put the entry at its place in the block, which stays ascending.
 * A valid block is expected. Errors: ORDER (this key has signed in this role), LIMIT (16 entries, 64 KiB), NOMEM, STATE
 */
mote_status mote_signature_block_add(mote_wr *block, const mote_keypair *kp, uint8_t role,
                                     const uint8_t manifest_digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;

#endif
