/* SPDX-License-Identifier: Apache-2.0
 * Key files and passphrases, for every command that has --pub or --key. */
#ifndef MOTE_CLI_KEYS_H
#define MOTE_CLI_KEYS_H

#include "mote/package.h"
#include "mote/sign.h"
#include "opt.h"

enum { KEYS_MAX = 32, PASSPHRASE_MAX = 1024 };

/** Public keys to trust. */
typedef struct keys {
    uint8_t key[KEYS_MAX][MOTE_PUBLIC_KEY_BYTES];
    const char *path[KEYS_MAX]; /* borrowed from the command line */
    size_t n;
} keys;

/** Load the file of each option `def`; all must be different keys. Returns an exit state. */
int keys_load(keys *k, const opts *o, int def);

/**
 * Load a secret key. The passphrase of a protected one comes from the file named by option `pass_def`, else from the
 * variable MOTE_PASSPHRASE, else from the terminal. Wipe kp with mote_keypair_wipe(). Returns an exit state.
 */
int keys_secret(mote_keypair *kp, const char *path, const opts *o, int pass_def);

/** A new passphrase from the same places; on the terminal it is asked for twice. Not empty. Returns an exit state. */
int keys_new_passphrase(char out[PASSPHRASE_MAX], const opts *o, int pass_def);

/** "0123456789abcdef": the id of a public key. */
const char *keys_id(char out[17], const uint8_t pub[MOTE_PUBLIC_KEY_BYTES]);

/** "release", "approval", "key list" or "role N". */
const char *keys_role(char out[16], unsigned role);

#endif
