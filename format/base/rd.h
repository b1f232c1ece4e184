/* SPDX-License-Identifier: Apache-2.0
 * The sticky bounds-checked reader: every byte of a package that is parsed goes through mote_rd_take(). The first
 * failure wins and leaves the reader empty, so loops over "bytes left" end by themselves. Device code. */
#ifndef MOTE_BASE_RD_H
#define MOTE_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/status.h"

typedef struct mote_rd {
    const uint8_t *p, *end;
    mote_status st;
} mote_rd;

/** Reader over p[0..n); p may be NULL if n is 0. */
mote_rd mote_rd_init(const uint8_t *p, size_t n);

static inline size_t mote_rd_left(const mote_rd *r)
{
    return (size_t)(r->end - r->p);
}

static inline bool mote_rd_ok(const mote_rd *r)
{
    return r->st == MOTE_OK;
}

/* Functions that are told a status take how far it is below 0: such constants need fewer bytes of code. */
void mote_rd_fail_by(mote_rd *r, unsigned below);
static inline void mote_rd_fail(mote_rd *r, mote_status st)
{
    mote_rd_fail_by(r, (unsigned)-(int)st);
}
/** The next n bytes, or NULL (TRUNCATED). n = 0 gives a valid pointer. */
const uint8_t *mote_rd_take(mote_rd *r, size_t n);
/** A little-endian integer of n <= 4 bytes; 0 after a failure. */
uint32_t mote_rd_le(mote_rd *r, size_t n);

static inline uint8_t mote_rd_u8(mote_rd *r)
{
    return (uint8_t)mote_rd_le(r, 1);
}

static inline uint16_t mote_rd_u16(mote_rd *r)
{
    return (uint16_t)mote_rd_le(r, 2);
}

static inline uint32_t mote_rd_u32(mote_rd *r)
{
    return mote_rd_le(r, 4);
}

/** LEB128, shortest form, <= 2^63-1 (VARINT); 0 after a failure. Spec format.md 2.2 */
uint64_t mote_rd_varint(mote_rd *r);
/** A varint that must not exceed max, else st. */
size_t mote_rd_varint_by(mote_rd *r, size_t max, unsigned below);
static inline size_t mote_rd_varint_max(mote_rd *r, size_t max, mote_status st)
{
    return mote_rd_varint_by(r, max, (unsigned)-(int)st);
}
/** Zigzag varint with |x| <= limit < 2^30, else st. Spec codecs.md 1 */
int32_t mote_rd_zigzag_by(mote_rd *r, int32_t limit, unsigned below);
static inline int32_t mote_rd_zigzag(mote_rd *r, int32_t limit, mote_status st)
{
    return mote_rd_zigzag_by(r, limit, (unsigned)-(int)st);
}
/** Child reader over the next n bytes; the parent moves past them. A failed parent gives a failed child. */
mote_rd mote_rd_sub(mote_rd *r, size_t n);
/** v length, bytes: a child reader over the bytes. */
mote_rd mote_rd_sub_varint(mote_rd *r);
/** The reader's error, or TRAILING if bytes remain. */
mote_status mote_rd_end(const mote_rd *r) MOTE_MUST_CHECK;

/** Walks tagged fields: tags ascend strictly. Spec format.md 2.3 */
typedef struct mote_tlv {
    uint32_t tag;
    mote_rd value;
} mote_tlv;

/**
 * Next field of r. False at the end or on failure (see r->st: ORDER, TRUNCATED, VARINT, LIMIT for tags beyond 2^32).
 * Begin with *f zeroed: 0 is no tag. Inline, as devices have one place that walks fields: mote_fields_find().
 */
static inline bool mote_tlv_next(mote_rd *r, mote_tlv *f)
{
    const uint32_t last = f->tag;
    if (mote_rd_left(r) == 0) return false;
    f->tag = (uint32_t)mote_rd_varint_max(r, UINT32_MAX, MOTE_ERR_LIMIT);
    if (f->tag <= last) mote_rd_fail(r, MOTE_ERR_ORDER);
    f->value = mote_rd_sub_varint(r);
    return mote_rd_ok(r);
}

/** What to do with a tag that the caller does not know: even is CRITICAL, odd is skipped. */
static inline void mote_tlv_unknown(mote_rd *r, const mote_tlv *f)
{
    if (f->tag % 2 == 0) mote_rd_fail(r, MOTE_ERR_CRITICAL);
}

#endif
