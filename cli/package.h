/* SPDX-License-Identifier: Apache-2.0
 * A package that is being read, for every command that reads one: the loader with its memory, fed from a file or pipe,
 * with detached signatures put in their place, and the words for what was found. */
#ifndef MOTE_CLI_PACKAGE_H
#define MOTE_CLI_PACKAGE_H

#include "io.h"
#include "keys.h"
#include "mote/loader.h"
#include "report.h"

#define PACKAGE_MEMORY_MAX ((uint64_t)1 << 30)

typedef struct package_options {
    const keys *trusted;     /* NULL or empty: unverified */
    unsigned threshold;      /* 0 = 1 */
    uint8_t role;            /* 0 = release */
    const char *name;        /* the component that is expected, or NULL */
    uint64_t sequence_above; /* 0 = not compared */
    const char *detached;    /* file with the signatures, or NULL */
    uint64_t memory_max;     /* the most that the loader may get; 0 = PACKAGE_MEMORY_MAX */
    bool seek;               /* it will be read again: a pipe is collected first */
    bool pull;               /* seek, so that tensors can be found and left out; else everything is read in order */
    bool index;              /* it is an index file: nothing but pages behind the signatures */
    mote_dispatch dispatch;  /* who decodes tensors that have a target; zero: this thread */
} package_options;

/** Where a command's table has the options that say whom to trust; -1: it has no such option. */
typedef struct package_defs {
    int pub, threshold, role, memory;
} package_defs;

/** Fill `options` and `trusted` from the command line. Returns an exit state. */
int package_trust(package_options *options, keys *trusted, const opts *o, const package_defs *defs);

typedef struct package {
    const char *path; /* for messages */
    io_in in;
    package_options options;
    uint8_t *head; /* prelude, manifest and signatures as the loader sees them; owned */
    size_t head_bytes;
    uint64_t file_head; /* bytes before the body in the file itself */
    mote_prelude prelude;
    mote_loader_config config;
    mote_source source;
    mote_loader *ld;                          /* lies in work */
    uint8_t *work, *buffer, *scratch;         /* owned */
    size_t work_bytes, scratch_bytes, wanted; /* wanted: memory that was refused */
    mote_in feed;
    uint64_t fed; /* bytes of the file that the loader has been given */
    int cause;    /* errno of a failed read, 0 for an early end */
    bool manifest_known;
    mote_manifest manifest; /* borrows head */
    uint8_t digest[MOTE_DIGEST_BYTES];
} package;

/** Open and go on until the manifest is trusted. Returns an exit state; package_close() in any case. */
int package_open(package *p, const char *path, const package_options *options);
/** The same for what has just been written. */
int package_open_output(package *p, const io_out *out, const package_options *options);
/** Begin again from the first byte, with the same trust; only with options.pull. */
mote_status package_rewind(package *p) MOTE_MUST_CHECK;
/**
 * The next event. Blocks without a target go to memory of the package's own, which is used again by the next call.
 * A status below zero is the end: package_error() says it.
 */
mote_status package_next(package *p, mote_event *e) MOTE_MUST_CHECK;
/** After DONE: nothing may follow, and everything must have been read. */
mote_status package_end(package *p) MOTE_MUST_CHECK;
/** Decode everything without keeping it, and compare elements with the digests of their entries where there are some; or
 *  only hash chunks: from the manifest to the end. */
mote_status package_walk(package *p, bool decode, const char *what) MOTE_MUST_CHECK;
/** Print why it was refused. Returns an exit state. */
int package_error(package *p, mote_status st);
void package_close(package *p);

/** Bytes of the package, or index, as it stands in the file. */
uint64_t package_bytes(const package *p);
/** Bytes [at, at + n) of the body; only with options.seek or pull. */
mote_status package_body(package *p, uint64_t at, uint8_t *to, size_t n) MOTE_MUST_CHECK;
static inline bool package_verified(const package *p)
{
    return p->config.trust.n_keys != 0;
}

/** On stderr: who signed, or that nobody's key was given. */
void package_note_trust(const package *p);

/** One signature of the package. */
typedef struct package_signer {
    mote_signature_head head;
    int key; /* index of the trusted key that it was checked with, or -1 */
} package_signer;

/** Signatures of the package, at most MOTE_SIGNATURES_MAX. */
size_t package_signers(const package *p, package_signer signer[MOTE_SIGNATURES_MAX]);
/** "signed by 01234567..., release (ci.pub)" a line to stdout for each signature. */
void package_print_signers(const package *p, const char *label);
json_t *package_json_signers(const package *p);

/** A detached signature file. Spec format.md 6.4 */
enum { DETACHED_HEAD_BYTES = MOTE_PRELUDE_BYTES + MOTE_DIGEST_BYTES, DETACHED_MAX = DETACHED_HEAD_BYTES + UINT16_MAX };
/** Check everything of it but the signatures themselves against a package's prelude and manifest digest. */
mote_status package_detached_read(const uint8_t *file, size_t n, const mote_prelude *prelude,
                                  const uint8_t digest[MOTE_DIGEST_BYTES], size_t *signature_bytes) MOTE_MUST_CHECK;
void package_detached_head(uint8_t out[DETACHED_HEAD_BYTES], const mote_prelude *prelude,
                           const uint8_t digest[MOTE_DIGEST_BYTES], size_t signature_bytes);

#endif
