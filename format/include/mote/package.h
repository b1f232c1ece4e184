/* SPDX-License-Identifier: Apache-2.0
 * The structures of a package as a reader sees them: prelude, manifest, signatures, hash tree, directory entries.
 * Most programs use loader.h instead. Device code: no allocation, nothing is kept but what the structs hold. */
#ifndef MOTE_PACKAGE_H
#define MOTE_PACKAGE_H

#include <stdbool.h>

#include "mote/limits.h"
#include "mote/platform.h"
#include "mote/registry.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A text inside somebody else's bytes; not zero-terminated. bytes = 0: absent. */
typedef struct mote_text {
    const char *p;
    size_t bytes;
} mote_text;

/* ---- prelude: Spec format.md 3 ---- */

typedef struct mote_prelude {
    uint16_t manifest_bytes;  /**< 1..4096 */
    uint16_t signature_bytes; /**< 0 = unsigned */
} mote_prelude;

/** Errors: MAGIC, VERSION, SUITE, LIMIT, RESERVED */
mote_status mote_prelude_read(mote_prelude *out, const uint8_t bytes[MOTE_PRELUDE_BYTES]) MOTE_MUST_CHECK;

/* ---- manifest: Spec format.md 5 ---- */

typedef struct mote_manifest {
    uint32_t n_chunks;
    size_t body_bytes;
    uint8_t root[MOTE_DIGEST_BYTES];
    mote_facts facts;
    mote_needs needs;
    uint64_t sequence;      /**< 0 = absent */
    uint64_t created;       /**< Unix seconds, 0 = absent */
    uint64_t not_after;     /**< Unix seconds, 0 = absent */
    const uint8_t *vendor;  /**< 16 bytes or NULL */
    const uint8_t *classes; /**< n_classes x 16 bytes or NULL */
    uint32_t n_classes;
    mote_text name, version, tool;
} mote_manifest;

/**
 * Parse a manifest. Call it only on bytes whose signature has been checked, or knowingly without trust.
 *
 * Memory  *out borrows from bytes
 * Errors  those of format.md 5
 */
mote_status mote_manifest_read(mote_manifest *out, const uint8_t *bytes, size_t n) MOTE_MUST_CHECK;

/* ---- signatures: Spec format.md 6 ---- */

#define MOTE_SIGNATURE_HEAD_BYTES 12
#define MOTE_SIGNING_BLOCK_BYTES 64
#define MOTE_ALG_ED25519 1
#define MOTE_ROLE_RELEASE_KEY 1
#define MOTE_ROLE_APPROVAL_KEY 2

typedef struct mote_signature_head {
    uint8_t alg, role;
    uint16_t bytes; /**< of the signature that follows */
    uint8_t key_id[8];
} mote_signature_head;

#define MOTE_TRUSTED_MAX 32

/** Keys that the caller trusts and how many of them must have signed. */
typedef struct mote_trust {
    const uint8_t *keys; /**< n_keys x 32 bytes */
    size_t n_keys;       /**< at most 32; 0: nothing is checked, the package is unverified */
    unsigned threshold;  /**< distinct keys that must have signed with `role`; 0 means 1 */
    uint8_t role;        /**< 0 means MOTE_ROLE_RELEASE_KEY */
} mote_trust;

/** Progress over the entries of a signature block. Zero-initialise. */
typedef struct mote_signature_scan {
    uint8_t last[10]; /**< (alg, role, key id) of the entry before */
    uint32_t entries; /**< seen so far */
    uint32_t left;    /**< bytes of the block not yet accounted for */
    uint32_t counted; /**< bit i: trusted key i has signed in the right role (of the first 32) */
} mote_signature_scan;

/** Parse one entry's head against the bytes left. Errors: LIMIT (over 16), TRUNCATED, VALUE, ORDER */
mote_status mote_signature_head_read(mote_signature_scan *scan, mote_signature_head *out,
                                     const uint8_t bytes[MOTE_SIGNATURE_HEAD_BYTES]) MOTE_MUST_CHECK;
/** Index of the trusted key that the head names, or -1: skip the entry. The id selects, the whole key verifies. A key
 *  that the caller lists twice has one index, that of its first place, so it counts once. */
int mote_signature_key(const mote_crypto *c, const mote_trust *trust, const mote_signature_head *head);
/** Check one signature of trusted key `index`, as mote_signature_key() gave it. Errors: SIGNATURE */
mote_status mote_signature_check(mote_signature_scan *scan, const mote_crypto *c, const mote_trust *trust, int index,
                                 const mote_signature_head *head, const uint8_t sig[MOTE_SIGNATURE_BYTES],
                                 const uint8_t manifest_digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;
/** After the last entry: enough distinct keys? Errors: UNTRUSTED, UNSIGNED (there was no entry) */
mote_status mote_signature_verdict(const mote_signature_scan *scan, const mote_trust *trust) MOTE_MUST_CHECK;
/** A whole block in memory: the loop over the functions above. */
mote_status mote_signatures_check(const mote_crypto *c, const mote_trust *trust, const uint8_t *block, size_t bytes,
                                  const uint8_t manifest_digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;

/** The 64 bytes that a key signs. Spec format.md 6.2 */
void mote_signing_block(uint8_t out[MOTE_SIGNING_BLOCK_BYTES], uint8_t alg, uint8_t role, const uint8_t key_id[8],
                        const uint8_t manifest_digest[MOTE_DIGEST_BYTES]);
/** Digest("mote1 key", alg || key)[0..8) */
void mote_key_id(const mote_crypto *c, uint8_t out[8], uint8_t alg, const uint8_t *key, size_t bytes);
/** Digest("mote1 manifest", bytes): the identity of the package. */
void mote_manifest_digest(const mote_crypto *c, uint8_t out[MOTE_DIGEST_BYTES], const uint8_t *bytes, size_t n);

/* ---- policy: Spec format.md 11 ---- */

/** What the platform expects of a package; zero fields are not checked. */
typedef struct mote_policy {
    mote_text name;                   /**< identity of the slot: compared byte for byte */
    const uint8_t *vendor;            /**< 16 bytes: the package must name the same */
    const uint8_t *device_class;      /**< 16 bytes: must be among the package's classes */
    uint64_t installed_sequence;      /**< of the installed package of this name; 0 = none */
    const uint8_t *installed_digest;  /**< its manifest digest, or NULL */
    mote_needs has;                   /**< ids that the reader can decode; all zero = those of this build */
    size_t tensor_max, decoded_total; /**< limits on the facts; 0 = none */
} mote_policy;

/** Ids that this build decodes. zstd is there only if with_zstd. */
mote_needs mote_needs_of_build(bool with_zstd);
/**
 * Errors: NAME, VENDOR, CLASS, ROLLBACK, SAME_SEQUENCE, INSTALLED, NEEDS, MEMORY (facts beyond the limits), in this order
 */
mote_status mote_policy_check(const mote_policy *policy, const mote_manifest *m,
                              const uint8_t manifest_digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;

/* ---- hash tree: Spec format.md 7 ---- */

#define MOTE_FANOUT 16
#define MOTE_LEVELS_MAX 7 /* 16^7 = 2^28 chunks */
#define MOTE_PAGE_BYTES_LEVEL1 (36 * MOTE_FANOUT)
#define MOTE_PAGE_BYTES_ABOVE (40 * MOTE_FANOUT)

/** Levels of pages above n chunks: least h with 16^h >= n. */
unsigned mote_tree_height(uint32_t n_chunks);
/** Bytes of memory for the pages of one path: 0 for h = 0, else 576 + 640 (h - 1). */
size_t mote_tree_path_bytes(unsigned height);
/** Bytes of the page of level k whose first chunk is `first`. */
uint32_t mote_tree_page_bytes(uint32_t n_chunks, unsigned level, uint32_t first);
/** Bytes of all pages. */
uint64_t mote_tree_pages_bytes(uint32_t n_chunks);

/**
 * The path from the root to one chunk: pages that have been checked, and what comes next.
 * `pages` has mote_tree_path_bytes() bytes. Level 0 stands for a chunk.
 */
typedef struct mote_tree {
    const mote_crypto *crypto;
    const mote_manifest *manifest;
    uint8_t *pages;
    uint32_t chunk; /**< the chunk that the path leads to */
    uint8_t height;
    uint8_t level; /**< of the node to read next */
    uint8_t valid; /**< bit k-1: the page of level k in memory is checked and lies on the way to `chunk` */
} mote_tree;

/** Begin at chunk 0. Everything is borrowed; of *m only what is not a pointer. */
void mote_tree_init(mote_tree *t, const mote_manifest *m, const mote_crypto *crypto, uint8_t *pages);
/** Bytes of the node to read next: of the page of t->level, or of the chunk if that is 0. Errors: TREE */
mote_status mote_tree_next(const mote_tree *t, uint32_t *bytes) MOTE_MUST_CHECK;
/** Where the page of t->level >= 1 lives in the path: it may be read right there before mote_tree_accept(). */
uint8_t *mote_tree_page(const mote_tree *t);
/** Check the node just read. A page is copied into the path; a chunk is only judged. Errors: DIGEST, TREE */
mote_status mote_tree_accept(mote_tree *t, const uint8_t *bytes, size_t n) MOTE_MUST_CHECK;
/** Digest that the node to read next must have. Everything above it must have been accepted. */
const uint8_t *mote_tree_digest(const mote_tree *t);
/** Move on behind the chunk just accepted. False after the last. */
bool mote_tree_advance(mote_tree *t);
/** Lead to another chunk: the next nodes to read are those of its path that are not in memory. */
void mote_tree_seek(mote_tree *t, uint32_t chunk);
/** Offset in the body of the node to read next. Everything above it must have been accepted. */
size_t mote_tree_position(const mote_tree *t);

/* ---- directory: Spec format.md 9 ---- */

typedef struct mote_entry {
    uint8_t kind, dtype, rank;
    mote_text name;
    size_t shape[MOTE_RANK_MAX];
    size_t elements;        /**< product of the shape */
    size_t bytes;           /**< ceil(elements * bits / 8) */
    uint32_t chunk, offset; /**< place of the head record; 0, 0 if there are no elements */
    size_t stored;          /**< bytes of its head, resident and segment records */
    const uint8_t *digest;  /**< 32 bytes or NULL */
} mote_entry;

/** Parse the value of an entry record. *out borrows from bytes. Errors: those of format.md 9 */
mote_status mote_entry_read(mote_entry *out, const uint8_t *bytes, size_t n) MOTE_MUST_CHECK;
/** Order of (kind, name): < 0, 0, > 0. */
int mote_entry_compare(uint8_t kind_a, mote_text a, uint8_t kind_b, mote_text b);
/**
 * Compare a tensor's elements, dense in its dtype, with the digest that its entry has: what a device stored may have
 * been changed since. Errors: DIGEST, MISSING (the entry has none)
 */
mote_status mote_entry_verify(const mote_crypto *c, const mote_entry *e, const uint8_t *elements) MOTE_MUST_CHECK;
/** Valid UTF-8 without 00-1F and 7F, min..max bytes. Spec format.md 2.5 */
bool mote_text_valid(mote_text t, size_t min, size_t max);

/* ---- records: Spec format.md 8 ---- */

typedef enum mote_record_type {
    MOTE_RECORD_ENTRY = 1,
    MOTE_RECORD_HEAD,
    MOTE_RECORD_RESIDENT,
    MOTE_RECORD_SEGMENT
} mote_record_type;

typedef struct mote_record {
    mote_record_type type;
    const uint8_t *value;
    size_t bytes; /**< of the value */
    size_t total; /**< with its header */
} mote_record;

/** The record at the start of p[0..n). Errors: RECORD, VARINT, TRUNCATED */
mote_status mote_record_read(mote_record *out, const uint8_t *p, size_t n) MOTE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
