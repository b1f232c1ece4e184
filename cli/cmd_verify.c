/* SPDX-License-Identifier: Apache-2.0
 * mote verify: signatures, policy, every digest, and every tensor decoded once. Without a key there is nothing that it
 * could say, so it does not run without one. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "package.h"

enum { PUB, SIG, THRESHOLD, ROLE, NAME, SEQUENCE, QUICK, MEMORY, JSON };

static const opt_def defs[] = {
    [PUB] = { "pub", 0, true, "FILE", "trust this public key" },
    [SIG] = { "sig", 0, false, "FILE", "the signatures are in FILE and not in the package" },
    [THRESHOLD] = { "threshold-keys", 0, false, "K", "how many of the keys must have signed (default 1)" },
    [ROLE] = { "role", 0, false, "N", "in which role: 1 release (default), 2 approval" },
    [NAME] = { "name", 0, false, "NAME", "refuse a package of any other component" },
    [SEQUENCE] = { "sequence-above", 0, false, "N", "refuse a sequence of N or below" },
    [QUICK] = { "quick", 0, false, NULL, "check digests and structure, do not decode" },
    [MEMORY] = { "max-memory", 0, false, "BYTES", "refuse packages that need more (default 1G)" },
    [JSON] = { "json", 0, false, NULL, "one JSON object on standard output" },
};

static int print(const package *p, bool decoded, bool json)
{
    const mote_manifest *m = &p->manifest;
    if (json)
        return report_json(json_pack("{s:b,s:b,s:o,s:o,s:o,s:I,s:o}", "verified", 1, "decoded", decoded, "digest",
                                     report_json_hex(p->digest, sizeof p->digest), "name", report_json_text(m->name),
                                     "version", report_json_text(m->version), "sequence", (json_int_t)m->sequence,
                                     "signatures", package_json_signers(p)));
    char path[1024], name[512], hex[65];
    (void)printf("%s: verified, %s\n", report_safe(path, sizeof path, p->path, strlen(p->path)),
                 decoded ? "every byte checked and every tensor decoded" : "every byte checked, nothing decoded");
    (void)printf("%-12s%s\n", "identity", report_hex(hex, p->digest, sizeof p->digest));
    (void)printf("%-12s%s, sequence %llu\n", "name", report_safe(name, sizeof name, m->name.p, m->name.bytes),
                 (unsigned long long)m->sequence);
    package_print_signers(p, "signature");
    return STATUS_DONE;
}

static int run(const opts *o)
{
    static const package_defs trust = { PUB, THRESHOLD, ROLE, MEMORY };
    keys trusted;
    package_options options = { .detached = opt_value(o, SIG), .name = opt_value(o, NAME) };
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one package at a time" : "which package?");
    if (!opt_has(o, PUB)) return opt_error(o, "without --pub nothing can be verified");
    if (options.name && !*options.name) return opt_error(o, "--name is empty");
    if (!opt_u64(o, SEQUENCE, 0, INT64_MAX, &options.sequence_above)) return STATUS_USAGE;
    int done = package_trust(&options, &trusted, o, &trust);
    if (done != STATUS_DONE) return done;

    const bool decode = !opt_has(o, QUICK);
    package p;
    done = package_open(&p, o->args[0], &options);
    if (done == STATUS_DONE) {
        const mote_status st = package_walk(&p, decode, "verify");
        done = st == MOTE_OK ? print(&p, decode, opt_has(o, JSON)) : package_error(&p, st);
    }
    package_close(&p);
    return done;
}

const cmd cmd_verify = {
    "verify",
    "--pub FILE IN.mote [OPTION]...",
    "check who signed a package and every byte of it",
    NULL,
    defs,
    sizeof defs / sizeof *defs,
    run,
};
