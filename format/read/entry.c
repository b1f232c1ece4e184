/* SPDX-License-Identifier: Apache-2.0
 * Directory entries and record headers. Spec format.md 8, 9. Device code. */
#include <string.h>

#include "base/rd.h"
#include "mote/package.h"

mote_status mote_record_read(mote_record *out, const uint8_t *p, size_t n)
{
    mote_rd r = mote_rd_init(p, n);
    uint64_t type = mote_rd_varint(&r);
    if (mote_rd_ok(&r) && (type < MOTE_RECORD_ENTRY || type > MOTE_RECORD_SEGMENT)) return MOTE_ERR_RECORD;
    mote_rd v = mote_rd_sub_varint(&r);
    if (!mote_rd_ok(&r)) return r.st;
    *out = (mote_record){.type = (mote_record_type)type, .value = v.p, .bytes = mote_rd_left(&v)};
    out->total = n - mote_rd_left(&r);
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
    uint64_t product = 1, elements = 1;
    while (mote_rd_left(r)) {
        if (e->rank == MOTE_RANK_MAX) {
            mote_rd_fail(r, MOTE_ERR_LIMIT);
            return;
        }
        uint64_t d = mote_rd_varint_max(r, MOTE_DIM_MAX - 1, MOTE_ERR_LIMIT);
        if (!mote_rd_ok(r)) return;
        e->shape[e->rank++] = d;
        elements = d ? elements : 0;
        if (d > (MOTE_ELEMENTS_MAX - 1) / product) mote_rd_fail(r, MOTE_ERR_LIMIT);
        if (d) product *= d;
    }
    e->elements = elements ? product : 0;
}

mote_status mote_entry_read(mote_entry *out, const uint8_t *bytes, size_t n)
{
    mote_entry e = {0};
    mote_rd r = mote_rd_init(bytes, n);
    mote_tlv f = {0};
    unsigned seen = 0;
    while (mote_tlv_next(&r, &f)) {
        mote_rd *v = &f.value;
        if (f.tag <= 12 && f.tag % 2 == 0) seen |= 1u << f.tag / 2;
        switch (f.tag) {
        case 2:
            e.kind = mote_rd_u8(v);
            if (mote_rd_ok(v) && (e.kind < MOTE_KIND_TENSOR || e.kind > MOTE_KIND_TEXT)) mote_rd_fail(v, MOTE_ERR_VALUE);
            break;
        case 4:
            e.name = (mote_text){(const char *)v->p, mote_rd_left(v)};
            if (e.name.bytes < 1 || e.name.bytes > MOTE_NAME_MAX)
                mote_rd_fail(v, MOTE_ERR_LIMIT);
            else if (!mote_text_valid(e.name, 1, MOTE_NAME_MAX))
                mote_rd_fail(v, MOTE_ERR_UTF8);
            v->p = v->end;
            break;
        case 6:
            e.dtype = mote_rd_u8(v);
            if (mote_rd_ok(v) && mote_dtype_bits(e.dtype) == 0) mote_rd_fail(v, MOTE_ERR_VALUE);
            break;
        case 8: read_shape(&e, v); break;
        case 10:
            e.chunk = mote_rd_u32(v);
            e.offset = mote_rd_u32(v);
            break;
        case 12: e.stored = mote_rd_varint(v); break;
        case 15: e.digest = mote_rd_take(v, MOTE_DIGEST_BYTES); break;
        default:
            mote_tlv_unknown(&r, &f);
            v->p = v->end; /* an unknown odd tag is skipped */
        }
        mote_status st = mote_rd_end(v);
        if (st != MOTE_OK) mote_rd_fail(&r, st);
    }
    if (r.st != MOTE_OK) return r.st;
    if (seen != 0x7E) return MOTE_ERR_MISSING;
    if (e.kind != MOTE_KIND_TENSOR && (e.dtype != MOTE_U8 || e.rank != 1)) return MOTE_ERR_VALUE;
    if (e.elements == 0 && (e.chunk || e.offset || e.stored)) return MOTE_ERR_VALUE;
    if (e.elements && e.stored == 0) return MOTE_ERR_VALUE;
    unsigned bits = mote_dtype_bits(e.dtype);
    e.bytes = (e.elements * bits + 7) / 8; /* < 2^48 * 128 = 2^55 */
    *out = e;
    return MOTE_OK;
}
