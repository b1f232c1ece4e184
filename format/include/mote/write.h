/* SPDX-License-Identifier: Apache-2.0
 * Writing packages: records in, a laid-out, hashed and signed file out. Host only. */
#ifndef MOTE_WRITE_H
#define MOTE_WRITE_H

#include "mote/limits.h"
#include "mote/registry.h"
#include "mote/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A record's value: borrowed bytes. */
typedef struct mote_piece {
    const uint8_t *data;
    size_t bytes;
} mote_piece;

/**
 * One entry with its coded records, in the order head, residents, segments. An entry without elements has no records.
 * All pointers are borrowed until the writer is freed.
 */
typedef struct mote_write_entry {
    mote_kind kind;
    const char *name; /**< 1..255 bytes of UTF-8 without control characters */
    mote_dtype dtype;
    unsigned rank;
    uint64_t shape[MOTE_RANK_MAX];
    const mote_piece *records; /**< values, without record headers */
    size_t n_records;
    uint32_t n_residents;    /**< records[1..n_residents] are residents */
    uint64_t seg_elems;      /**< elements of its largest segment */
    uint64_t resident_bytes; /**< decoded */
    uint64_t table_slots;
    mote_needs needs;
    const uint8_t *digest; /**< tensor digest (format.md 9) or NULL */
} mote_write_entry;

/** What the manifest says beyond the tree, facts and needs; texts NULL and numbers 0 are left out. */
typedef struct mote_write_info {
    const char *name;            /**< 1..64 bytes; required for signing */
    uint64_t sequence;           /**< > 0; required for signing */
    const uint8_t *vendor;       /**< 16 bytes */
    const uint8_t *device_class; /**< n_classes x 16 bytes, any order, distinct */
    size_t n_classes;            /**< 0..8 */
    const char *version;         /**< <= 63 bytes */
    uint64_t created, not_after; /**< Unix seconds */
    const char *tool;            /**< <= 63 bytes */
} mote_write_info;

/** Where the writer puts its bytes; returns 0, or -1 with errno set. */
typedef int (*mote_write_fn)(void *ctx, const uint8_t *data, size_t bytes);

/** The sixteen bytes before the manifest. Spec format.md 3 */
void mote_prelude_write(uint8_t out[MOTE_PRELUDE_BYTES], size_t manifest_bytes, size_t signature_bytes);

/**
 * Sign a manifest digest and put the entry at its place in a signature block, which stays ascending. Nothing else of a
 * package changes but the prelude, which states the bytes of the block.
 *
 * block   *bytes bytes of entries in memory for `room`; *bytes grows by the new one
 * Errors  ORDER (this key has signed in this role), LIMIT (16 entries, 65,535 bytes, no room), ARG (role 0), those of
 *         mote_signature_head_read() if the block is malformed
 */
mote_status mote_signature_add(uint8_t *block, size_t *bytes, size_t room, const mote_keypair *kp, uint8_t role,
                               const uint8_t manifest_digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;

typedef struct mote_writer mote_writer;

/**
 * Lay out a package: places, chunks, facts, tree, manifest. Entries may come in any order; they are written sorted.
 *
 * chunk_max  bytes a chunk may have, 64..2^20; every record must fit
 * Memory     borrows entries and info's texts until mote_writer_free(); returns owned
 * Errors     ERR_ARG, ERR_ORDER (two entries of one kind and name), ERR_LIMIT (a record longer than a chunk, a manifest
 *            over 4 KiB, a fact over SIZE_MAX / 2), ERR_NOMEM, and what a reader would refuse an entry or the manifest with: ERR_LIMIT, ERR_UTF8,
 *            ERR_VALUE (records without elements, or none for them), ERR_ORDER (two classes alike)
 */
mote_status mote_writer_create(mote_writer **out, const mote_write_entry *entries, size_t n, uint32_t chunk_max,
                               const mote_write_info *info) MOTE_MUST_CHECK;
/** Sign with one more key; roles as in format.md 6. ERR_ARG without name or sequence, or twice the same key and role. */
mote_status mote_writer_sign(mote_writer *w, const mote_keypair *kp, uint8_t role) MOTE_MUST_CHECK;
/** Write the whole file. ERR_IO if `put` fails. */
mote_status mote_writer_write(mote_writer *w, mote_write_fn put, void *ctx) MOTE_MUST_CHECK;
/** Bytes that mote_writer_write() will write. */
uint64_t mote_writer_bytes(const mote_writer *w);
const mote_facts *mote_writer_facts(const mote_writer *w);
void mote_writer_free(mote_writer *w);

#ifdef __cplusplus
}
#endif
#endif
