/* SPDX-License-Identifier: Apache-2.0
 * The writer of wr.h. Host only. */
#include "write/wr.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"

uint8_t *mote_wr_room(mote_wr *w, size_t n)
{
    if (w->st != MOTE_OK) return NULL;
    if (n > w->cap - w->n || !w->p) { /* nothing of nothing is a place, too */
        size_t cap = w->cap ? w->cap : 64;
        while (cap < w->n || n > cap - w->n) {
            if (cap > SIZE_MAX / 2) {
                w->st = MOTE_ERR_NOMEM;
                return NULL;
            }
            cap *= 2;
        }
        uint8_t *p = realloc(w->p, cap);
        if (!p) {
            w->st = MOTE_ERR_NOMEM;
            return NULL;
        }
        w->p = p;
        w->cap = cap;
    }
    w->n += n;
    return w->p + w->n - n;
}

void mote_wr_bytes(mote_wr *w, const void *p, size_t n)
{
    uint8_t *at = mote_wr_room(w, n);
    if (at && n) memcpy(at, p, n);
}

void mote_wr_u8(mote_wr *w, uint8_t v)
{
    mote_wr_bytes(w, &v, 1);
}

void mote_wr_u16(mote_wr *w, uint16_t v)
{
    uint8_t *at = mote_wr_room(w, 2);
    if (at) mote_put16(at, v);
}

void mote_wr_u32(mote_wr *w, uint32_t v)
{
    uint8_t *at = mote_wr_room(w, 4);
    if (at) mote_put32(at, v);
}

void mote_wr_u64(mote_wr *w, uint64_t v)
{
    uint8_t *at = mote_wr_room(w, 8);
    if (at) mote_put64(at, v);
}

void mote_wr_varint(mote_wr *w, uint64_t v)
{
    while (v >= 0x80) {
        mote_wr_u8(w, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    mote_wr_u8(w, (uint8_t)v);
}

void mote_wr_zigzag(mote_wr *w, int64_t v)
{
    mote_wr_varint(w, v >= 0 ? (uint64_t)v * 2 : (uint64_t)(-(v + 1)) * 2 + 1);
}

void mote_wr_field_bytes(mote_wr *w, uint64_t tag, const void *p, size_t n)
{
    mote_wr_varint(w, tag);
    mote_wr_varint(w, n);
    mote_wr_bytes(w, p, n);
}

void mote_wr_field(mote_wr *w, uint64_t tag, mote_wr *value)
{
    if (value->st != MOTE_OK && w->st == MOTE_OK) w->st = value->st;
    mote_wr_field_bytes(w, tag, value->p, value->n);
    mote_wr_free(value);
}

void mote_wr_field_varint(mote_wr *w, uint64_t tag, uint64_t v)
{
    mote_wr_varint(w, tag);
    mote_wr_varint(w, mote_varint_bytes(v));
    mote_wr_varint(w, v);
}

void mote_wr_free(mote_wr *w)
{
    free(w->p);
    *w = (mote_wr){ 0 };
}

size_t mote_varint_bytes(uint64_t v)
{
    size_t n = 1;
    while (v >= 0x80) v >>= 7, n++;
    return n;
}
