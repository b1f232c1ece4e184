/* SPDX-License-Identifier: Apache-2.0
 * mote keygen: a new key pair in two text files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "io.h"
#include "keys.h"
#include "report.h"

enum { OUT, NO_PASSPHRASE, PASSPHRASE_FILE };

static const opt_def defs[] = {
    [OUT] = { "output", 'o', false, "NAME", "write NAME.key (secret) and NAME.pub; neither may exist" },
    [NO_PASSPHRASE] = { "no-passphrase", 0, false, NULL, "keep the secret in the clear; the file says so" },
    [PASSPHRASE_FILE] = { "passphrase-file", 0, false, "FILE", "take the passphrase from the first line of FILE" },
};

static int write_pair(const char *name, const char *passphrase)
{
    char *key = NULL, *pub = NULL;
    mote_keypair kp = { { 0 }, { 0 } };
    int done = STATUS_SYSTEM;
    if (asprintf(&key, "%s.key", name) < 0) key = NULL;
    if (asprintf(&pub, "%s.pub", name) < 0) pub = NULL;
    mote_status st = key && pub ? mote_keypair_generate(&kp) : MOTE_ERR_NOMEM;
    io_hold(); /* a signal comes before or after, so that there are two files or none */
    if (st == MOTE_OK) st = mote_keyfile_write(key, pub, &kp, passphrase, MOTE_KEY_COST_MODERATE);
    const int cause = errno;
    io_release();
    if (st == MOTE_OK) {
        char id[17];
        report_note("%s: secret key%s", key, passphrase ? ", protected by the passphrase" : ", NOT protected");
        report_note("%s: public key %s", pub, keys_id(id, kp.pub));
        done = STATUS_DONE;
    } else {
        errno = cause;
        done =
            st == MOTE_ERR_IO ? report_errno(name, "cannot write NAME.key and NAME.pub") : report_error(name, st, NULL);
    }
    mote_keypair_wipe(&kp);
    free(key);
    free(pub);
    return done;
}

static int run(const opts *o)
{
    if (o->n_args) return opt_error(o, "it takes no argument: %s", o->args[0]);
    if (!opt_required(o, OUT)) return STATUS_USAGE;
    if (!opt_exclusive(o, (const int[]){ NO_PASSPHRASE, PASSPHRASE_FILE }, 2)) return STATUS_USAGE;
    const char *name = opt_value(o, OUT);
    const char *last = strrchr(name, '/');
    if (!*(last ? last + 1 : name)) return opt_error(o, "--output takes the beginning of two file names");
    if (opt_has(o, NO_PASSPHRASE)) return write_pair(name, NULL);
    char passphrase[PASSPHRASE_MAX];
    int st = keys_new_passphrase(passphrase, o, PASSPHRASE_FILE);
    if (st == STATUS_DONE) st = write_pair(name, passphrase);
    explicit_bzero(passphrase, sizeof passphrase);
    return st;
}

const cmd cmd_keygen = {
    "keygen",
    "-o NAME [OPTION]...",
    "make a key pair",
    "The secret key is encrypted with a passphrase: from --passphrase-file, the variable\n"
    "MOTE_PASSPHRASE or the terminal.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
