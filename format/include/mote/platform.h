/* SPDX-License-Identifier: Apache-2.0
 * What a platform supplies to the reading side: a digest, a signature check, trusted keys and policy.
 * Device code calls nothing else from outside but memcpy, memmove, memset and memcmp. */
#ifndef MOTE_PLATFORM_H
#define MOTE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_DIGEST_BYTES 32
#define MOTE_PUBLIC_KEY_BYTES 32
#define MOTE_SIGNATURE_BYTES 64

/**
 * SHA-256 of the concatenation of n parts. Must not fail.
 *
 * Source  FIPS 180-4, 6.2
 */
typedef void (*mote_sha256_fn)(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[],
                               const size_t bytes[], size_t n);

/**
 * Ed25519 verification with the one verdict of format.md 6.3: S < L; y(A), y(R) < p; neither A nor R of small
 * order; encode(S*B - k*A) == R byte for byte (cofactorless). Returns MOTE_OK or MOTE_ERR_SIGNATURE.
 */
typedef mote_status (*mote_ed25519_fn)(void *ctx, const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg,
                                       size_t msg_bytes, const uint8_t key[MOTE_PUBLIC_KEY_BYTES]);

typedef struct mote_crypto {
    mote_sha256_fn sha256;
    mote_ed25519_fn ed25519; /**< may be NULL where no key is ever given */
    void *ctx;
} mote_crypto;

/**
 * Inflate one zstd frame that states its content size: all of src[0..src_bytes) into exactly dst[0..dst_bytes).
 * Returns MOTE_OK, MOTE_ERR_ZSTD or MOTE_ERR_NOMEM. Spec codecs.md 4
 */
typedef mote_status (*mote_inflate_fn)(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes);

/** The small SHA-256 of mote's own for parts without one; ctx is unused. Spec format.md 2.4 */
void mote_sha256_small(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                       size_t n);

#ifdef __cplusplus
}
#endif
#endif
