/* SPDX-License-Identifier: Apache-2.0
 * Keys, signatures and the host's crypto back end. Host only. */
#ifndef MOTE_SIGN_H
#define MOTE_SIGN_H

#include "mote/platform.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_KEY_ID_BYTES 8

/** Host back end: SHA-256 by libcrypto's EVP where built with it, else libsodium; Ed25519 by libsodium with mote's
 *  own strict pre-checks. NULL if libsodium cannot start. The object is static. */
const mote_crypto *mote_crypto_host(void);
/** "libcrypto" or "libsodium": which of them computes the digests. */
const char *mote_crypto_digest_name(void);

/** An Ed25519 key pair. Wipe with mote_keypair_wipe() after use. */
typedef struct mote_keypair {
    uint8_t pub[MOTE_PUBLIC_KEY_BYTES];
    uint8_t secret[64]; /**< libsodium's form: seed || pub */
} mote_keypair;

mote_status mote_keypair_generate(mote_keypair *kp) MOTE_MUST_CHECK;
/** Deterministic pair from a seed; for tests and vectors. */
mote_status mote_keypair_from_seed(mote_keypair *kp, const uint8_t seed[32]) MOTE_MUST_CHECK;
void mote_keypair_wipe(mote_keypair *kp);
mote_status mote_keypair_sign(const mote_keypair *kp, const uint8_t *msg, size_t bytes,
                              uint8_t sig[MOTE_SIGNATURE_BYTES]) MOTE_MUST_CHECK;

/** A trusted key must be a canonical point of prime order. Returns MOTE_OK or MOTE_ERR_KEY. */
mote_status mote_public_key_check(const uint8_t key[MOTE_PUBLIC_KEY_BYTES]) MOTE_MUST_CHECK;

/** Cost of the password hash of a protected key file. */
typedef enum mote_key_cost { MOTE_KEY_COST_INTERACTIVE, MOTE_KEY_COST_MODERATE } mote_key_cost;

/**
 * Write NAME.key (mode 0600, never through an existing file or a link) and NAME.pub. Neither exists beforehand and
 * both or neither exist afterwards.
 *
 * passphrase  zero-terminated, NULL = the secret is stored in the clear and the file says so
 * Errors      ERR_IO (errno tells; EEXIST if a file is there), ERR_NOMEM
 */
mote_status mote_keyfile_write(const char *key_path, const char *pub_path, const mote_keypair *kp,
                               const char *passphrase, mote_key_cost cost) MOTE_MUST_CHECK;
/**
 * Read a secret key file. passphrase may be NULL; then a protected file gives ERR_PASSPHRASE.
 * Errors  ERR_IO, ERR_KEY (malformed, or a test key of the vectors), ERR_PASSPHRASE (missing or wrong), ERR_NOMEM
 */
mote_status mote_keyfile_read_secret(const char *path, const char *passphrase, mote_keypair *kp) MOTE_MUST_CHECK;
/** Read a public key file and check the key. Errors: ERR_IO, ERR_KEY (also a test key of the vectors) */
mote_status mote_keyfile_read_public(const char *path, uint8_t key[MOTE_PUBLIC_KEY_BYTES]) MOTE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
