/* SPDX-License-Identifier: Apache-2.0
 * Directory entries and record headers. Spec format.md 8, 9. Device code. */
#include <string.h>

#include "base/fields.h"
#include "mote/package.h"

mote_status mote_record_read(mote_record *out, const uint8_t *p, size_t n)
{
    mote_rd r = mote_rd_init(p, n);
    /* of no type, 0, is what remains of a number that cannot be read: the reader's own failure came first */
    size_t type = mote_rd_varint_max(&r, MOTE_RECORD_SEGMENT, MOTE_ERR_RECORD);
    if (type < MOTE_RECORD_ENTRY) mote_rd_fail(&r, MOTE_ERR_RECORD);
    mote_rd v = mote_rd_sub_varint(&r);
    if (!mote_rd_ok(&r)) return r.st;
    *out = (mote_record){ (mote_record_type)type, v.p, mote_rd_left(&v), n - mote_rd_left(&r) };
    return MOTE_OK;
}

int mote_entry_compare(uint8_t kind_a, mote_text a, uint8_t kind_b, mote_text b)
{
    if (kind_a != kind_b) return kind_a < kind_b ? -1 : 1;
    size_t n = a.bytes < b.bytes ? a.bytes : b.bytes;
    int c = memcmp(a.p, b.p, n);
    if (c) return c;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

/* The product of the dimensions that are not 0 stays below 2^48, so neither the product nor the bytes overflow. */
static void read_shape(mote_entry *e, mote_rd *r)
{
    size_t product = 1;
    e->elements = 1;
    while (mote_rd_left(r)) {
        size_t d = mote_rd_varint_max(r, MOTE_DIM_MAX - 1, MOTE_ERR_LIMIT);
        if (e->rank == MOTE_RANK_MAX || d > (MOTE_ELEMENTS_MAX - 1) / product) {
            mote_rd_fail(r, MOTE_ERR_LIMIT);
            return;
        }
        e->shape[e->rank++] = d;
        e->elements *= d;
        if (d) product *= d;
    }
}

mote_status mote_entry_read(mote_entry *out, const uint8_t *bytes, size_t n)
{
    enum { KIND = 1, NAME, DTYPE, SHAPE, PLACE, STORED, DIGEST, FIELDS };
    const uint32_t known = 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 15, required = 0x7E;
    mote_rd f[FIELDS], r = mote_rd_init(bytes, n);
    mote_status st = mote_fields_find(f, FIELDS, known, &r);
    if (st != MOTE_OK) return st;
    mote_entry e = { .kind = mote_rd_u8(&f[KIND]), .dtype = mote_rd_u8(&f[DTYPE]) };
    const unsigned bits = mote_dtype_bits(e.dtype);
    if (e.kind < MOTE_KIND_TENSOR || e.kind > MOTE_KIND_TEXT) mote_rd_fail(&f[KIND], MOTE_ERR_VALUE);
    if (bits == 0) mote_rd_fail(&f[DTYPE], MOTE_ERR_VALUE);
    mote_rd_text(&f[NAME], &e.name, MOTE_NAME_MAX);
    read_shape(&e, &f[SHAPE]);
    e.chunk = mote_rd_u32(&f[PLACE]);
    e.offset = mote_rd_u32(&f[PLACE]);
    e.stored = mote_rd_varint_max(&f[STORED], MOTE_COUNT_MAX, MOTE_ERR_LIMIT);
    e.digest = mote_rd_take(&f[DIGEST], MOTE_DIGEST_BYTES);
    st = mote_fields_end(f, FIELDS, required);
    if (st != MOTE_OK) return st;
    if (e.kind != MOTE_KIND_TENSOR && (e.dtype != MOTE_U8 || e.rank != 1)) return MOTE_ERR_VALUE;
    if (e.elements ? e.stored == 0 : (e.chunk | e.offset | e.stored) != 0) return MOTE_ERR_VALUE;
    e.bytes = mote_bytes_of(e.elements, bits);
    if (e.bytes > MOTE_COUNT_MAX) return MOTE_ERR_LIMIT;
    *out = e;
    return MOTE_OK;
}
