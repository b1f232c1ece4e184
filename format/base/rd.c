/* SPDX-License-Identifier: Apache-2.0
 * The reader of rd.h. Device code. */
#include "base/rd.h"

#include "base/le.h"

mote_rd mote_rd_init(const uint8_t *p, size_t n)
{
    static const uint8_t none[1]; /* NULL + 0 is undefined; this is not */
    if (p == NULL) {
        p = none;
        n = 0;
    }
    return (mote_rd){ .p = p, .end = p + n, .st = MOTE_OK };
}

void mote_rd_fail_by(mote_rd *r, unsigned below)
{
    if (r->st == MOTE_OK) r->st = (mote_status) - (int)below;
    r->end = r->p;
}

const uint8_t *mote_rd_take(mote_rd *r, size_t n)
{
    const uint8_t *at = r->p;
    if (n > mote_rd_left(r) || r->st != MOTE_OK) {
        mote_rd_fail(r, MOTE_ERR_TRUNCATED);
        return NULL;
    }
    r->p += n;
    return at;
}

uint32_t mote_rd_le(mote_rd *r, size_t n)
{
    const uint8_t *p = mote_rd_take(r, n);
    uint32_t v = 0;
    while (p && n-- > 0) v = v << 8 | p[n];
    return v;
}

/* Spec format.md 2.2 */
uint64_t mote_rd_varint(mote_rd *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        const uint8_t *p = mote_rd_take(r, 1);
        if (!p) return 0;
        v |= (uint64_t)(*p & 0x7F) << shift;
        if (*p < 0x80) {
            if (*p == 0 && shift != 0) break; /* not the shortest form */
            return v;
        }
    }
    mote_rd_fail(r, MOTE_ERR_VARINT); /* nine bytes carry 63 bits: a tenth would exceed 2^63-1 */
    return 0;
}

size_t mote_rd_varint_by(mote_rd *r, size_t max, unsigned below)
{
    uint64_t v = mote_rd_varint(r);
    if (v <= max) return (size_t)v;
    mote_rd_fail_by(r, below);
    return 0;
}

int32_t mote_rd_zigzag_by(mote_rd *r, int32_t limit, unsigned below)
{
    size_t z = mote_rd_varint_by(r, 2 * (size_t)limit, below); /* 2 limit is the number of +limit, the last one */
    return z & 1 ? -(int32_t)(z / 2) - 1 : (int32_t)(z / 2);
}

mote_rd mote_rd_sub(mote_rd *r, size_t n)
{
    mote_rd child = *r;
    (void)mote_rd_take(r, n);
    child.end = r->p; /* after a failure r has not moved: nothing */
    child.st = r->st;
    return child;
}

mote_rd mote_rd_sub_varint(mote_rd *r)
{
    return mote_rd_sub(r, mote_rd_varint_max(r, SIZE_MAX, MOTE_ERR_TRUNCATED));
}

mote_status mote_rd_end(const mote_rd *r)
{
    if (r->st != MOTE_OK) return r->st;
    return r->p == r->end ? MOTE_OK : MOTE_ERR_TRAILING;
}
