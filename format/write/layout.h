/* SPDX-License-Identifier: Apache-2.0
 * Where everything goes: records into chunks, chunks under pages. Host only. */
#ifndef MOTE_WRITE_LAYOUT_H
#define MOTE_WRITE_LAYOUT_H

#include "mote/package.h"
#include "mote/write.h"
#include "write/wr.h"

/** One record of the content, in file order. */
typedef struct mote_slot {
    uint8_t type; /**< mote_record_type */
    mote_piece value;
} mote_slot;

/** One chunk: a run of records. */
typedef struct mote_cut {
    size_t first; /**< index of its first record */
    uint32_t bytes;
} mote_cut;

typedef struct mote_layout {
    const mote_write_entry **entries; /**< sorted by (kind, name); owned array */
    size_t n_entries;
    mote_wr directory; /**< values of all entry records, one after the other */
    mote_slot *slots;  /**< owned */
    size_t n_slots;
    mote_cut *chunks; /**< n_chunks + 1 of them, the last is the end; owned */
    size_t n_chunks, cap_chunks;
    mote_facts facts;
    mote_needs needs;
} mote_layout;

/** Errors as for mote_writer_create(). Free with mote_layout_free(), also after an error. */
mote_status mote_layout_make(mote_layout *l, const mote_write_entry *entries, size_t n,
                             uint32_t chunk_max) MOTE_MUST_CHECK;
void mote_layout_free(mote_layout *l);

/** Assemble chunk c into buf, which has room for chunk_max bytes. */
void mote_layout_chunk(const mote_layout *l, size_t c, uint8_t *buf);

/** The hash tree over the chunks: all pages. */
typedef struct mote_pages {
    uint32_t n_chunks;
    unsigned height;
    uint8_t *level[MOTE_LEVELS_MAX + 1]; /**< level[k]: the pages of level k, one after the other; owned */
    uint8_t root[MOTE_DIGEST_BYTES];
    uint64_t body_bytes;
} mote_pages;

/** lengths[i], digests[32 i ..]: of chunk i. Free with mote_pages_free(), also after an error. */
mote_status mote_pages_make(mote_pages *p, const mote_crypto *c, uint32_t n_chunks, const uint32_t *lengths,
                            const uint8_t *digests) MOTE_MUST_CHECK;
/** The page of level k whose first chunk is `first`. */
mote_piece mote_pages_page(const mote_pages *p, unsigned level, uint32_t first);
void mote_pages_free(mote_pages *p);

#endif
