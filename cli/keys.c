/* SPDX-License-Identifier: Apache-2.0
 * Key files and passphrases. See keys.h. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "io.h"
#include "report.h"

static int key_error(const char *path, mote_status st)
{
    return st == MOTE_ERR_IO ? report_errno(path, "cannot read") : report_error(path, st, NULL);
}

int keys_load(keys *k, const opts *o, int def)
{
    k->n = opt_count(o, def);
    if (k->n > KEYS_MAX) return opt_error(o, "at most %d keys can be given", KEYS_MAX);
    for (size_t i = 0; i < k->n; i++) {
        k->path[i] = opt_nth(o, def, i);
        const mote_status st = mote_keyfile_read_public(k->path[i], k->key[i]);
        if (st != MOTE_OK) return key_error(k->path[i], st);
        for (size_t j = 0; j < i; j++)
            if (memcmp(k->key[i], k->key[j], sizeof k->key[i]) == 0)
                return opt_error(o, "%s and %s are the same key", k->path[j], k->path[i]);
    }
    return STATUS_DONE;
}

const char *keys_id(char out[17], const uint8_t pub[MOTE_PUBLIC_KEY_BYTES])
{
    uint8_t id[MOTE_KEY_ID_BYTES];
    mote_key_id(mote_crypto_host(), id, MOTE_ALG_ED25519, pub, MOTE_PUBLIC_KEY_BYTES);
    return report_hex(out, id, sizeof id);
}

const char *keys_role(char out[16], unsigned role)
{
    static const char *const names[] = { "release", "approval", "key list" };
    if (role >= 1 && role <= 3)
        (void)snprintf(out, 16, "%s", names[role - 1]);
    else
        (void)snprintf(out, 16, "role %u", role);
    return out;
}

/* ---- passphrases ---- */

/* The first line of a file. */
static int passphrase_from_file(char out[PASSPHRASE_MAX], const char *path)
{
    size_t n = 0;
    const int st = io_load(path, (uint8_t *)out, PASSPHRASE_MAX - 1, &n);
    if (st != STATUS_DONE) return st;
    out[n] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return *out ? STATUS_DONE : report_error(path, MOTE_ERR_PASSPHRASE, "there is no passphrase on the first line");
}

static int passphrase_from_terminal(char out[PASSPHRASE_MAX], const char *prompt, const char *file)
{
    const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0 || !io_echo_off(fd)) {
        if (fd >= 0) (void)close(fd);
        return report_error(file, MOTE_ERR_PASSPHRASE,
                            "a passphrase is needed: there is no terminal to ask on; use --passphrase-file or "
                            "MOTE_PASSPHRASE");
    }
    (void)dprintf(fd, "%s", prompt);
    size_t n = 0;
    char c = '\0';
    ssize_t got;
    while ((got = read(fd, &c, 1)) == 1 && c != '\n')
        if (n < PASSPHRASE_MAX - 1) out[n++] = c;
    out[n] = '\0';
    io_echo_on();
    (void)dprintf(fd, "\n");
    (void)close(fd);
    if (got != 1) return report_error(file, MOTE_ERR_PASSPHRASE, "no passphrase was given");
    return STATUS_DONE;
}

/* True if the passphrase does not have to be asked for. */
static bool passphrase_is_given(char out[PASSPHRASE_MAX], const opts *o, int pass_def, int *st)
{
    const char *file = opt_value(o, pass_def), *env = getenv("MOTE_PASSPHRASE");
    *st = STATUS_DONE;
    if (file) {
        *st = passphrase_from_file(out, file);
        return true;
    }
    if (!env) return false;
    if (!*env || strlen(env) >= PASSPHRASE_MAX)
        *st = report_error("MOTE_PASSPHRASE", MOTE_ERR_PASSPHRASE, "it is empty or too long");
    else
        (void)snprintf(out, PASSPHRASE_MAX, "%s", env);
    return true;
}

int keys_new_passphrase(char out[PASSPHRASE_MAX], const opts *o, int pass_def)
{
    int st;
    if (passphrase_is_given(out, o, pass_def, &st)) return st;
    char again[PASSPHRASE_MAX];
    st = passphrase_from_terminal(out, "passphrase for the new key: ", "new key");
    if (st == STATUS_DONE) st = passphrase_from_terminal(again, "once more: ", "new key");
    if (st == STATUS_DONE && strcmp(out, again) != 0)
        st = report_error("new key", MOTE_ERR_PASSPHRASE, "the two passphrases differ");
    if (st == STATUS_DONE && !*out)
        st = report_error("new key", MOTE_ERR_PASSPHRASE,
                          "an empty passphrase protects nothing; --no-passphrase says so openly");
    explicit_bzero(again, sizeof again);
    return st;
}

int keys_secret(mote_keypair *kp, const char *path, const opts *o, int pass_def)
{
    mote_status st = mote_keyfile_read_secret(path, NULL, kp);
    if (st == MOTE_OK) return STATUS_DONE;
    if (st != MOTE_ERR_PASSPHRASE) return key_error(path, st);
    char passphrase[PASSPHRASE_MAX], prompt[512];
    int done;
    if (!passphrase_is_given(passphrase, o, pass_def, &done)) {
        char safe[256];
        (void)snprintf(prompt, sizeof prompt, "passphrase of %s: ", report_safe(safe, sizeof safe, path, strlen(path)));
        done = passphrase_from_terminal(passphrase, prompt, path);
    }
    if (done == STATUS_DONE) {
        st = mote_keyfile_read_secret(path, passphrase, kp);
        if (st != MOTE_OK) done = key_error(path, st);
    }
    explicit_bzero(passphrase, sizeof passphrase);
    return done;
}
