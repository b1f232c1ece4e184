/* SPDX-License-Identifier: Apache-2.0
 * mote sign: add a signature to a package, or put it into a file of its own. Nobody signs blindly: the package is
 * checked and decoded from its first byte to its last before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "mote/write.h"
#include "package.h"

enum { KEY, PASSPHRASE_FILE, OUT, ROLE, DETACH, MEMORY };

static const opt_def defs[] = {
    [KEY] = { "key", 0, false, "FILE", "sign with this secret key" },
    [PASSPHRASE_FILE] = { "passphrase-file", 0, false, "FILE", "take its passphrase from the first line of FILE" },
    [OUT] = { "output", 'o', false, "FILE", "write the signed package there (default: replace the package)" },
    [ROLE] = { "role", 0, false, "N", "1 release (default), 2 approval" },
    [DETACH] = { "detach", 0, false, "FILE", "leave the package alone; write, or add to, a file of signatures" },
    [MEMORY] = { "max-memory", 0, false, "BYTES", "refuse packages that need more (default 1G)" },
};

static int sign_error(const char *file, mote_status st)
{
    if (st == MOTE_ERR_ORDER) return report_error(file, st, "this key has signed in this role already");
    if (st == MOTE_ERR_LIMIT) return report_error(file, st, "there is no room for another signature");
    return report_error(file, st, NULL);
}

/* The signed bytes and the body are copied; only the prelude and the signatures differ. */
static int write_package(package *p, const mote_keypair *kp, uint8_t role, const char *path)
{
    enum { PIECE = 1 << 16 };
    const size_t ml = p->prelude.manifest_bytes;
    uint8_t *block = p->head + MOTE_PRELUDE_BYTES + ml;
    size_t bytes = p->prelude.signature_bytes;
    mote_status st = mote_signature_add(block, &bytes, UINT16_MAX, kp, role, p->digest);
    if (st != MOTE_OK) return sign_error(p->path, st);
    mote_prelude_write(p->head, ml, bytes);

    io_out out;
    int done = io_out_open(&out, path);
    if (done != STATUS_DONE) return done;
    uint8_t *piece = malloc(PIECE);
    if (!piece) done = report_error(out.name, MOTE_ERR_NOMEM, NULL);
    if (done == STATUS_DONE && io_out_write(&out, p->head, MOTE_PRELUDE_BYTES + ml + bytes) != 0)
        done = report_errno(out.name, "cannot write");
    for (uint64_t at = 0, all = p->manifest.body_bytes, n; done == STATUS_DONE && at < all; at += n) {
        n = all - at < PIECE ? all - at : PIECE;
        st = package_body(p, at, piece, (size_t)n);
        if (st != MOTE_OK)
            done = package_error(p, st);
        else if (io_out_write(&out, piece, (size_t)n) != 0)
            done = report_errno(out.name, "cannot write");
    }
    free(piece);
    if (done == STATUS_DONE) return io_out_commit(&out);
    io_out_abort(&out);
    return done;
}

/* What is in the file already stays if it is for this package. */
static int old_signatures(const package *p, const char *path, uint8_t *file, size_t *bytes)
{
    struct stat s;
    size_t n = 0;
    *bytes = 0;
    if (strcmp(path, "-") == 0 || stat(path, &s) != 0 || !S_ISREG(s.st_mode)) return STATUS_DONE;
    const int done = io_load(path, file, DETACHED_MAX, &n);
    if (done != STATUS_DONE) return done;
    const mote_status st = package_detached_read(file, n, &p->prelude, p->digest, bytes);
    if (st == MOTE_ERR_DIGEST || n == 0) return STATUS_DONE; /* of another package, or one before: replaced */
    return st == MOTE_OK ? STATUS_DONE
                         : report_error(path, st, "a file is there that is no detached signature; it is not replaced");
}

static int write_detached(const package *p, const mote_keypair *kp, uint8_t role, const char *path)
{
    if (p->prelude.signature_bytes)
        return report_error(p->path, MOTE_ERR_STATE,
                            "the package has signatures of its own; a detached one would not be used");
    uint8_t *file = malloc(DETACHED_MAX);
    if (!file) return report_error(path, MOTE_ERR_NOMEM, NULL);
    size_t bytes;
    int done = old_signatures(p, path, file, &bytes);
    if (done == STATUS_DONE) {
        const mote_status st = mote_signature_add(file + DETACHED_HEAD_BYTES, &bytes, UINT16_MAX, kp, role, p->digest);
        if (st != MOTE_OK) done = sign_error(path, st);
    }
    io_out out = { .fd = -1, .target = -1 };
    if (done == STATUS_DONE) done = io_out_open(&out, path);
    if (done == STATUS_DONE) {
        package_detached_head(file, &p->prelude, p->digest, bytes);
        if (io_out_write(&out, file, DETACHED_HEAD_BYTES + bytes) == 0) {
            done = io_out_commit(&out);
        } else {
            done = report_errno(out.name, "cannot write");
            io_out_abort(&out);
        }
    }
    free(file);
    return done;
}

static int check(package *p)
{
    if (!p->manifest.name.bytes || !p->manifest.sequence)
        return report_error(p->path, MOTE_ERR_MISSING,
                            "a package without name and sequence is not signed; pack it with --name and --sequence");
    if (p->manifest.sequence > SEQUENCE_MAX)
        return report_error(p->path, MOTE_ERR_LIMIT, "the sequence is absurd: after it no update could follow");
    const mote_status st = package_walk(p, true, "check");
    return st == MOTE_OK ? STATUS_DONE : package_error(p, st);
}

static int run(const opts *o)
{
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one package at a time" : "which package?");
    if (!opt_required(o, KEY) || !opt_exclusive(o, (const int[]){ OUT, DETACH }, 2)) return STATUS_USAGE;
    const char *in = o->args[0], *to = opt_value(o, OUT), *detach = opt_value(o, DETACH);
    if (!to && !detach && strcmp(in, "-") == 0) return opt_error(o, "a package from standard input needs --output");
    uint64_t role = MOTE_ROLE_RELEASE_KEY;
    package_options options = { .seek = true };
    if (!opt_u64(o, ROLE, 1, 255, &role) || !opt_bytes(o, MEMORY, 1, UINT64_MAX, &options.memory_max))
        return STATUS_USAGE;

    mote_keypair kp;
    int done = keys_secret(&kp, opt_value(o, KEY), o, PASSPHRASE_FILE);
    if (done != STATUS_DONE) return done;
    package p;
    done = package_open(&p, in, &options);
    if (done == STATUS_DONE) done = check(&p);
    if (done == STATUS_DONE)
        done = detach ? write_detached(&p, &kp, (uint8_t)role, detach)
                      : write_package(&p, &kp, (uint8_t)role, to ? to : in);
    if (done == STATUS_DONE) {
        char id[17], name[16];
        report_note("%s: signed by %s, %s",
                    detach ? detach
                    : to   ? to
                           : in,
                    keys_id(id, kp.pub), keys_role(name, (unsigned)role));
    }
    mote_keypair_wipe(&kp);
    package_close(&p);
    return done;
}

const cmd cmd_sign = {
    "sign",
    "--key NAME.key IN.mote [OPTION]...",
    "add a signature to a package",
    "The package is checked and decoded in whole before. What is signed is its identity; signatures\n"
    "of others stay. A detached signature is for packages that carry none.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
