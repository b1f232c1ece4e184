/* SPDX-License-Identifier: Apache-2.0
 * A coded form of a tensor: its records and everything that the directory says of them. Several forms of a tensor are
 * made and the smallest is kept. Host only. */
#ifndef MOTE_ENC_RECORDS_H
#define MOTE_ENC_RECORDS_H

#include "enc/head_write.h"

typedef struct mote_records_block mote_records_block;

/** Zero-initialise; free with mote_records_free(). */
typedef struct mote_records {
    mote_records_block *blocks;
    mote_piece *records; /* head, residents, segments */
    size_t n_records, room;
    uint32_t n_residents;
    uint64_t bytes; /* of all records with their types and lengths */
    uint64_t head_bytes;
    uint64_t seg_elems; /* of the largest segment */
    uint64_t resident_bytes, table_slots;
    mote_needs needs;
    mote_parts parts;
} mote_records;

/** Copy a record's value. NOMEM. */
mote_status mote_records_add(mote_records *f, const uint8_t *p, size_t n) MOTE_MUST_CHECK;
/** Forget the records; *f is empty again. */
void mote_records_free(mote_records *f);

/** What a form is made for. */
typedef struct mote_records_target {
    const mote_enc_limits *limits;
    uint8_t dtype; /* of the entry */
    uint64_t elements;
    uint64_t most; /* elements of a segment */
} mote_records_target;

/**
 * Cut k's matrix into segments and write them all.
 *
 * v       V of a low-rank tensor, whose U is k's; or NULL
 * second  what is added to it, with as many rows; or NULL
 * Errors  NOMEM; LIMIT: something does not fit a chunk (if the head, MOTE_ERR_HEAD)
 */
mote_status mote_records_make(mote_records *f, const mote_records_target *target, mote_cutter *k, mote_cutter *v,
                              mote_cutter *second, mote_work *w) MOTE_MUST_CHECK;

/** Decode all of a form, dense, into out[0..bytes), the size of the tensor. NOMEM. */
mote_status mote_records_decode(const mote_records *f, uint8_t dtype, uint64_t elements, uint8_t *out,
                                size_t bytes) MOTE_MUST_CHECK;

#endif
