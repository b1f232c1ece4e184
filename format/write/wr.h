/* SPDX-License-Identifier: Apache-2.0
 * The sticky writer, mirror of base/rd.h: a growing byte string whose first failure (NOMEM) wins. Host only. */
#ifndef MOTE_WRITE_WR_H
#define MOTE_WRITE_WR_H

#include <stddef.h>
#include <stdint.h>

#include "mote/status.h"

/** Zero-initialise. p is owned: free with mote_wr_free(). */
typedef struct mote_wr {
    uint8_t *p;
    size_t n, cap;
    mote_status st;
} mote_wr;

/** Room for n more bytes at the end, counted as written; NULL after a failure. */
uint8_t *mote_wr_room(mote_wr *w, size_t n);
void mote_wr_bytes(mote_wr *w, const void *p, size_t n);
void mote_wr_u8(mote_wr *w, uint8_t v);
void mote_wr_u16(mote_wr *w, uint16_t v);
void mote_wr_u32(mote_wr *w, uint32_t v);
void mote_wr_u64(mote_wr *w, uint64_t v);
/** v <= 2^63-1. Spec format.md 2.2 */
void mote_wr_varint(mote_wr *w, uint64_t v);
/** Spec codecs.md 1 */
void mote_wr_zigzag(mote_wr *w, int64_t v);
/** A tagged field whose value is all of *value, which is freed. Spec format.md 2.3 */
void mote_wr_field(mote_wr *w, uint64_t tag, mote_wr *value);
void mote_wr_field_bytes(mote_wr *w, uint64_t tag, const void *p, size_t n);
void mote_wr_field_varint(mote_wr *w, uint64_t tag, uint64_t v);
void mote_wr_free(mote_wr *w);

/** Bytes of a varint. */
size_t mote_varint_bytes(uint64_t v);

#endif
