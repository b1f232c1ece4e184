/* SPDX-License-Identifier: Apache-2.0
 * One refused package for each rule of spec/codecs.md: a head or a segment edited. Names begin with "c" and the section;
 * heads that no reader accepts keep the facts of the tensor they came from. */
#include "make_vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/rd.h"
#include "common/tables.h"

/* Put a head field. */
#define HEAD(tag, value) tlv_set(pkg_head(p, 0), tag, value, sizeof(value) - 1)
#define NEEDS(value) tlv_set(&p->manifest, 6, value, sizeof(value) - 1)

/* After the head has been edited: what the directory says of it is true again. */
static void settle(pkg *p)
{
    pkg_settle(p);
}

/* An id is stated, or is not. */
static void need(pkg *p, uint8_t id, bool stated)
{
    size_t n = 0, k = 0;
    uint8_t ids[32];
    const uint8_t *old = tlv_get(&p->manifest, 6, &n);
    must(n + 1 < sizeof ids);
    for (size_t i = 0; i <= n; i++) {
        if (stated && (i == n || old[i] > id) && (k == 0 || ids[k - 1] < id)) ids[k++] = id;
        if (i < n && old[i] != id) ids[k++] = old[i];
    }
    tlv_set(&p->manifest, 6, ids, k);
}

/* Byte i of the terms; all numbers in these heads are below 128. */
static void term(pkg *p, size_t i, uint8_t value)
{
    size_t n = 0;
    const uint8_t *v = tlv_get(pkg_head(p, 0), 4, &n);
    must(i < n);
    pkg_head(p, 0)->p[v - pkg_head(p, 0)->p + (ptrdiff_t)i] = value;
}

/* More terms, or more of the last one. */
static void terms_append(pkg *p, const char *more, size_t n_more)
{
    size_t n = 0;
    mote_wr v = { 0 };
    const uint8_t *old = tlv_get(pkg_head(p, 0), 4, &n);
    mote_wr_bytes(&v, old, n);
    wr_insert(&v, n, more, n_more);
    tlv_set(pkg_head(p, 0), 4, v.p, v.n);
    mote_wr_free(&v);
}
#define TERMS_APPEND(more) terms_append(p, more, sizeof(more) - 1)

static void tables(pkg *p, size_t at, size_t remove, const char *insert, size_t n_insert)
{
    size_t n = 0;
    mote_wr v = { 0 };
    const uint8_t *old = tlv_get(pkg_head(p, 0), 6, &n);
    mote_wr_bytes(&v, old, n);
    wr_delete(&v, at, remove);
    wr_insert(&v, at, insert, n_insert);
    tlv_set(pkg_head(p, 0), 6, v.p, v.n);
    mote_wr_free(&v);
    pkg_settle(p);
}
#define TABLES(at, remove, insert) tables(p, at, remove, insert, sizeof(insert) - 1)

/* Record k of the first tensor behind its head; and its planes. */
static mote_wr *record(pkg *p, size_t k)
{
    return &p->rec[pkg_find(p, MOTE_RECORD_HEAD, 0) + 1 + k].v;
}

/* Where plane k of n begins, and how long it is. */
static size_t plane_at(const mote_wr *rec, size_t k, size_t n, size_t *length)
{
    size_t at = 0;
    for (size_t i = 0;; i++) {
        *length = rec->n - at;
        if (i + 1 < n) {
            must(rec->p[at] < 0x80);
            *length = rec->p[at++];
        }
        if (i == k) return at;
        at += *length;
    }
}

/* Cut `remove` bytes at the end of plane k of n and put others there. */
static void plane_end(pkg *p, size_t r, size_t k, size_t n, size_t remove, const char *insert, size_t n_insert)
{
    mote_wr *rec = record(p, r);
    size_t length, at = plane_at(rec, k, n, &length);
    must(remove <= length && length - remove + n_insert < 0x80);
    wr_delete(rec, at + length - remove, remove);
    wr_insert(rec, at + length - remove, insert, n_insert);
    if (k + 1 < n) rec->p[at - 1] = (uint8_t)(length - remove + n_insert);
    pkg_settle(p);
}
#define PLANE_END(r, k, n, remove, insert) plane_end(p, r, k, n, remove, insert, sizeof(insert) - 1)

static uint8_t *plane_byte(pkg *p, size_t r, size_t k, size_t n, size_t i)
{
    size_t length, at = plane_at(record(p, r), k, n, &length);
    must(i < length);
    return record(p, r)->p + at + i;
}

/* Spec codecs.md 1, 2 */
static void bad_heads(void)
{
    const mote_wr *s = &codec_base.stored, *f = &codec_base.floats, *c = &codec_base.csr, *b = &codec_base.mask,
                  *i = &codec_base.integer;
    BAD_OF(s, "c1.1-product", SHAPE, "codecs.md 1.1 rows * cols is not the number of elements") HEAD(2, "\x02\x09\x12");
    BAD_OF(s, "c1.1-product-wraps", SHAPE, "codecs.md 1.1 rows * cols is 20 modulo 2^64")
    {
        HEAD(2, "\x84\x80\x80\x80\x80\x80\x02\x85\x80\x80\x80\x80\x80\x80\x80\x40\x14");
        settle(p);
    }
    BAD_OF(s, "c1.1-segment-0", SHAPE, "codecs.md 1.1 seg_elems 0") HEAD(2, "\x02\x0A\x00");
    BAD_OF(s, "c1.1-segment-beyond", SHAPE, "codecs.md 1.1 seg_elems above rows * cols") HEAD(2, "\x02\x0A\x1E");
    BAD_OF(s, "c1.1-segment-ragged", SHAPE, "codecs.md 1.1 seg_elems above cols and no multiple")
    HEAD(2, "\x02\x0A\x0F");
    BAD_OF(s, "c2-grid-short", TRUNCATED, "codecs.md 2 a grid of two numbers")
    {
        HEAD(2, "\x02\x0A");
        settle(p);
    }
    BAD_OF(s, "c2-grid-long", TRAILING, "codecs.md 2 a grid of four numbers")
    {
        HEAD(2, "\x02\x0A\x14\x01");
        settle(p);
    }
    BAD_OF(&codec_base.nibbles, "c1.1-bytes", HEAD, "codecs.md 1.1 half bytes in segments that begin inside a byte")
    HEAD(2, "\x04\x06\x05");
    BAD_OF(&codec_base.nibbles, "c1.1-bytes-axis", HEAD, "codecs.md 1.1 half bytes transposed")
    {
        HEAD(10, "\x01");
        settle(p);
    }
    BAD_OF(&codec_base.nibbles, "c1.1-bytes-layout", HEAD, "codecs.md 1.1 half bytes in layout bitmask")
    {
        HEAD(4, "\x02\x60\x20\x60");
        NEEDS("\x02\x20\x60\x74");
        settle(p);
    }
    BAD_OF(s, "c2-no-grid", MISSING, "codecs.md 2 no grid")
    {
        tlv_del(pkg_head(p, 0), 2);
        settle(p);
    }
    BAD_OF(s, "c2-no-terms", MISSING, "codecs.md 2 no terms")
    {
        tlv_del(pkg_head(p, 0), 4);
        NEEDS("");
        settle(p);
    }
    BAD_OF(s, "c2-terms-cut", TRUNCATED, "codecs.md 2 terms without a coder")
    {
        HEAD(4, "\x01\x20");
        settle(p);
    }
    BAD_OF(s, "c2-three-terms", LIMIT, "codecs.md 2 three terms")
    {
        HEAD(4, "\x01\x20\x60\x01\x20\x60\x01\x20\x60");
        NEEDS("\x01\x1F\x20\x60");
        settle(p);
    }
    BAD_OF(s, "c6.5-dense", HEAD, "codecs.md 6.5 a sum whose first term is dense")
    {
        HEAD(4, "\x01\x20\x60\x01\x20\x60");
        NEEDS("\x01\x1F\x20\x60");
        settle(p);
    }
    BAD_OF(&codec_base.lowrank, "c2.1-needs", FACTS, "codecs.md 2.1 a sum that is not stated in needs")
    {
        TERMS_APPEND("\x01\x21\x0C\x60\x60\x60\x60");
        need(p, MOTE_LAYOUT_DENSE, true);
        need(p, MOTE_NUM_FLOAT, true);
        need(p, MOTE_CODER_STORED, true);
        settle(p);
    }
    BAD_OF(s, "c2-tables-unused", TRAILING, "codecs.md 2 tables that no plane uses")
    {
        HEAD(6, "\x00");
        settle(p);
    }
    BAD_OF(f, "c2-tables-absent", MISSING, "codecs.md 2 a plane uses a table that is not there")
    {
        tlv_del(pkg_head(p, 0), 6);
        settle(p);
        p->fact[TABLE_SLOTS_MAX] = 1;
        if (p->fact[HEAD_MAX] / 5 < 1) p->fact[TABLE_SLOTS_MAX] = 0;
    }
    BAD_OF(f, "c2-tables-longer", TRAILING, "codecs.md 2 a byte behind the tables")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(n, 0, "\x00");
    }
    BAD_OF(f, "c2-tables-shorter", TRUNCATED, "codecs.md 2 the last table is cut")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(n - 1, 1, "");
    }
    BAD_OF(s, "c2-resident-0", HEAD, "codecs.md 2 resident 0 is written as absent")
    {
        HEAD(8, "\x00");
        settle(p);
    }
    BAD_OF(s, "c2-resident-1", HEAD, "codecs.md 2 a resident that no term has")
    {
        HEAD(8, "\x01");
        settle(p);
    }
    BAD_OF(s, "c2-axis-0", VALUE, "codecs.md 2 axis 0 is written as absent")
    {
        HEAD(10, "\x00");
        settle(p);
    }
    BAD_OF(s, "c2-axis-2", VALUE, "codecs.md 2 axis 2")
    {
        HEAD(10, "\x02");
        settle(p);
    }
    BAD_OF(s, "c2-layout-0", HEAD, "codecs.md 2 layout 0")
    {
        term(p, 0, 0);
        NEEDS("");
    }
    BAD_OF(s, "c2-layout-is-a-numeric", HEAD, "codecs.md 2 a numeric where a layout is expected")
    {
        term(p, 0, 32);
        NEEDS("");
    }
    BAD_OF(s, "c2-layout-reserved", UNSUPPORTED, "codecs.md 2 layout 5 is reserved")
    {
        term(p, 0, 5);
        NEEDS("");
    }
    BAD_OF(s, "c2-numeric-reserved", UNSUPPORTED, "codecs.md 2 numeric 38 is reserved")
    {
        term(p, 1, 38);
        NEEDS("\x01");
    }
    BAD_OF(f, "c2-coder-reserved", UNSUPPORTED, "codecs.md 2 coder 103 is reserved")
    {
        term(p, 3, 103);
        NEEDS("\x01\x21");
    }
    BAD_OF(s, "c2-coder-128", HEAD, "codecs.md 2 coder 128")
    {
        HEAD(4, "\x01\x20\x80\x01");
        NEEDS("\x01\x20");
        settle(p);
    }

    BAD_OF(s, "c2.2-elements-rans", HEAD, "codecs.md 2.2 elements by rans-1")
    {
        HEAD(4, "\x01\x20\x62\x01\x00");
        NEEDS("\x01\x20\x62");
        settle(p);
    }
    BAD_OF(s, "c2.2-elements-constant", HEAD, "codecs.md 2.2 elements by constant")
    {
        HEAD(4, "\x01\x20\x61\x00");
        NEEDS("\x01\x20\x61");
        settle(p);
    }
    BAD_OF(f, "c2.2-v-zstd", HEAD, "codecs.md 2.2 V by zstd")
    {
        HEAD(4, "\x01\x21\x0C\x65\x60\x60\x60");
        NEEDS("\x01\x21\x60\x65");
        settle(p);
    }
    BAD_OF(f, "c2.2-v-adaptive", HEAD, "codecs.md 2.2 V by adaptive-1")
    {
        term(p, 3, 102);
        NEEDS("\x01\x21\x60\x66");
    }
    BAD_OF(b, "c2.2-mask-constant", HEAD, "codecs.md 2.2 a mask by constant")
    {
        HEAD(4, "\x02\x61\x1E\x22\x01\x60\x60");
        NEEDS("\x02\x22\x60\x61");
        settle(p);
    }
    BAD_OF(b, "c2.2-zstd-sparse", HEAD, "codecs.md 2.2 zstd in layout bitmask")
    {
        HEAD(4, "\x02\x60\x22\x01\x60\x65");
        NEEDS("\x02\x22\x60\x65");
        settle(p);
    }
    BAD_OF(f, "c2.2-classes-0", HEAD, "codecs.md 2.2 no class") term(p, 4, 0);
    BAD_OF(i, "c2.2-classes-17", HEAD, "codecs.md 2.2 seventeen classes") term(p, 4, 17);
    BAD_OF(c, "c2.2-counts-classes", HEAD, "codecs.md 2.2 two classes of counts")
    {
        HEAD(4, "\x03\x62\x02\x60\x00\x60\x22\x01\x60\x60");
        NEEDS("\x03\x22\x60\x62");
        settle(p);
    }
    BAD_OF(f, "c2.2-byte-classes", HEAD, "codecs.md 2.2 two classes of a byte plane")
    {
        HEAD(4, "\x01\x21\x0C\x60\x62\x02\x60\x00\x60\x60");
        settle(p);
    }
    BAD_OF(f, "c2.2-byte-escapes", HEAD, "codecs.md 2.2 escapes of a byte plane")
    {
        HEAD(4, "\x01\x21\x0C\x60\x62\x01\x01\x60\x60");
        settle(p);
    }
    BAD_OF(b, "c2.2-mask-escapes", HEAD, "codecs.md 2.2 escapes of a mask")
    {
        HEAD(4, "\x02\x62\x01\x01\x22\x01\x60\x60");
        NEEDS("\x02\x22\x60\x62");
        settle(p);
    }
    BAD_OF(f, "c2.2-escapes-3", HEAD, "codecs.md 2.2 escapes 3") term(p, 5, 3);
    BAD_OF(i, "c2.2-class-map-coder", HEAD, "codecs.md 2.2 a class map by rans-8")
    {
        term(p, 5, 99);
        NEEDS("\x01\x22\x63");
    }
    BAD_OF(&codec_base.affine, "c2.2-constant", RANGE, "codecs.md 2.2 a constant outside of its plane's range")
    {
        HEAD(4, "\x01\x23\x04\x00\x01\x0C\x61\x20");
        NEEDS("\x01\x23\x61");
        settle(p);
    }
}

/* Spec codecs.md 2.3. The table of V in codec_base.floats: form 0, lo, 15 counts; 5 + 3 escapes; in codec_base.integer: 2 and an escape's. */
static void bad_tables(void)
{
    const mote_wr *f = &codec_base.floats;
    BAD_OF(f, "c2.3-reserved-bit-6", RESERVED, "codecs.md 2.3 bit 6 of a form") TABLES(0, 1, "\x40");
    BAD_OF(f, "c2.3-reserved-bit-7", RESERVED, "codecs.md 2.3 bit 7 of a form") TABLES(0, 1, "\x80");
    BAD_OF(f, "c2.3-form-2", RESERVED, "codecs.md 2.3 form 2") TABLES(0, 1, "\x02");
    BAD_OF(f, "c2.3-form-3", RESERVED, "codecs.md 2.3 form 3") TABLES(0, 1, "\x03");
    BAD_OF(f, "c2.3-shift-5", TABLE, "codecs.md 2.3 shift 5") TABLES(0, 1, "\x28");
    BAD_OF(f, "c2.3-p-and-shift", TABLE, "codecs.md 2.3 P 14 and shift 3")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(0, n, "\x1D\x00\x00\x00\x80\x80\x04");
    }
    BAD_OF(f, "c2.3-lo", TABLE, "codecs.md 2.3 lo 2^17 + 1")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(0, n, "\x01\x82\x80\x10\x00\x00\x80\x80\x04");
    }
    BAD_OF(&codec_base.integer, "c2.3-lo-of-escapes", TABLE, "codecs.md 2.3 lo of an escape table")
    {
        size_t n = 0;
        const uint8_t *v = tlv_get(pkg_head(p, 0), 6, &n);
        mote_rd r = mote_rd_init(v, n);
        mote_table_spec spec;
        mote_table_read(&r, &spec);
        mote_table_read(&r, &spec);
        must(mote_rd_ok(&r));
        TABLES((size_t)(r.p - v) + 1, 1, "\x02");
    }
    BAD_OF(f, "c2.3-sum", TABLE, "codecs.md 2.3 counts that sum to 2^P + 1")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(0, n, "\x00\x00\x80\x20\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    }
    BAD_OF(f, "c2.3-count", TABLE, "codecs.md 2.3 a count of 2^P + 1")
    {
        size_t n = 0;
        tlv_get(pkg_head(p, 0), 6, &n);
        TABLES(0, n, "\x00\x00\x81\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    }
    static const struct {
        const char *name, *text;
        const char *table;
        size_t n;
    } curves[] = { { "c2.3-shape-10", "codecs.md 2.3 shape 10", "\x01\x00\x0A\x00\x80\x80\x04", 7 },
                   { "c2.3-mean", "codecs.md 2.3 mean 2^20 + 1", "\x01\x00\x00\x82\x80\x80\x01\x80\x80\x04", 10 },
                   { "c2.3-inverse-0", "codecs.md 2.3 inverse 0", "\x01\x00\x00\x00\x00", 5 },
                   { "c2.3-inverse", "codecs.md 2.3 inverse 2^26 + 1", "\x01\x00\x00\x00\x81\x80\x80\x20", 8 } };
    for (size_t k = 0; k < N(curves); k++) {
        for (pkg *p = vec_begin(curves[k].name, MOTE_ERR_TABLE, curves[k].text, f); p; p = vec_end(p)) {
            size_t n = 0;
            tlv_get(pkg_head(p, 0), 6, &n);
            tables(p, 0, n, curves[k].table, curves[k].n);
        }
    }
}

/* Spec codecs.md 1.2, 3, 4. codec_base.floats's segment: symbols, escape numbers, three byte planes. codec_base.integer's: class map,
 * symbols, escape symbols, escape numbers. */
static void bad_segments(void)
{
    const mote_wr *f = &codec_base.floats, *i = &codec_base.integer, *s = &codec_base.stored;
    BAD_OF(f, "c1.2-plane-longer", TRUNCATED, "codecs.md 1.2 a plane longer than the segment")
    {
        mote_wr *rec = record(p, 0);
        rec->p[0] = 0x7F;
    }
    BAD_OF(f, "c1.2-plane-overlong", VARINT, "codecs.md 1.2 the length of a plane in overlong form")
    {
        mote_wr *rec = record(p, 0);
        rec->p[0] |= 0x80;
        wr_insert(rec, 1, NULL, 1);
        settle(p);
    }
    BAD_OF(&codec_base.affine, "c1.2-no-plane", TRAILING, "codecs.md 1.2 a byte in a segment that has no plane")
    {
        HEAD(4,
             "\x01\x23\x04\x00\x00\x0B\x00\x3C\x61\x00"); /* 4 bits, symmetric, scope tensor, scale bf16, constant 0 */
        term(p, 5, MOTE_BF16);
        NEEDS("\x01\x23\x61");
        record(p, 0)->n = 1;
        settle(p);
    }
    BAD_OF(f, "c3.3-state-low", STREAM, "codecs.md 3.3 an initial state below 2^16")
    {
        *plane_byte(p, 0, 0, 5, 2) = 0;
        *plane_byte(p, 0, 0, 5, 3) = 0;
    }
    BAD_OF(f, "c3.3-words-short", STREAM, "codecs.md 3.3 the last word is missing") PLANE_END(0, 0, 5, 2, "");
    BAD_OF(f, "c3.3-words-half", STREAM, "codecs.md 3.3 half of the last word is missing") PLANE_END(0, 0, 5, 1, "");
    BAD_OF(f, "c3.3-words-left", STREAM, "codecs.md 3.3 a word is left") PLANE_END(0, 0, 5, 0, "\x00\x00");
    BAD_OF(f, "c3.3-byte-left", STREAM, "codecs.md 3.3 a byte is left") PLANE_END(0, 0, 5, 0, "\x00");
    BAD_OF(f, "c3.3-no-states", STREAM, "codecs.md 3.3 three bytes of symbols")
    {
        size_t length;
        plane_at(record(p, 0), 0, 5, &length);
        plane_end(p, 0, 0, 5, length - 3, "", 0);
    }
    BAD_OF(f, "c3.5-number", RANGE, "codecs.md 3.5 an escape number of 2^20")
    {
        mote_wr *rec = record(p, 0);
        size_t length, at = plane_at(rec, 1, 5, &length), n = 0;
        while (rec->p[at + n] & 0x80) n++;
        wr_delete(rec, at, n + 1); /* the first number */
        wr_insert(rec, at, "\x80\x80\x40", 3);
        rec->p[at - 1] = (uint8_t)(length - (n + 1) + 3);
        settle(p);
    }
    BAD_OF(f, "c3.5-left", STREAM, "codecs.md 3.5 an escape number is left") PLANE_END(0, 1, 5, 0, "\x05");
    BAD_OF(f, "c3.5-short", STREAM, "codecs.md 3.5 an escape number is missing")
    {
        mote_wr *rec = record(p, 0);
        size_t length, at = plane_at(rec, 1, 5, &length), n = 1;
        while (n < length && rec->p[at + length - n - 1] & 0x80) n++;
        plane_end(p, 0, 1, 5, n, "", 0);
    }
    BAD_OF(f, "c3.5-overlong", VARINT, "codecs.md 3.5 the last escape number in overlong form")
    {
        mote_wr *rec = record(p, 0);
        size_t length, at = plane_at(rec, 1, 5, &length);
        rec->p[at + length - 1] |= 0x80;
        PLANE_END(0, 1, 5, 0, "\x00");
    }
    BAD_OF(f, "c1.2-range", RANGE, "codecs.md 1.2 an escape leads V out of its range")
    {
        mote_wr *rec = record(p, 0);
        size_t length, at = plane_at(rec, 1, 5, &length), n = 0;
        while (rec->p[at + n] & 0x80) n++;
        wr_delete(rec, at, n + 1);
        wr_insert(rec, at, "\x90\x03", 2); /* 400: 200 steps above the table's end */
        rec->p[at - 1] = (uint8_t)(length - (n + 1) + 2);
        settle(p);
    }
    BAD_OF(i, "c3.6-class", RANGE, "codecs.md 3.6 class 2 of two")
    {
        *plane_byte(p, 0, 0, 4, 0) = 0x12;
    }
    BAD_OF(i, "c4-class-padding", PADDING, "codecs.md 4 bits behind the class map")
    {
        *plane_byte(p, 0, 0, 4, 1) |= 0x10;
    }
    BAD_OF(i, "c3.6-class-short", STREAM, "codecs.md 3.6 a class map that is too short") PLANE_END(0, 0, 4, 1, "");
    BAD_OF(i, "c3.5-symbols-left", STREAM, "codecs.md 3.5 a word of escape symbols is left")
    PLANE_END(0, 2, 4, 0, "\x00\x00");
    BAD_OF(i, "c3.5-symbols-short", STREAM, "codecs.md 3.5 escape symbols are too short") PLANE_END(0, 2, 4, 1, "");
    BAD_OF(f, "c4-bytes-short", STREAM, "codecs.md 4 a stored plane a byte too short") PLANE_END(0, 4, 5, 1, "");
    BAD_OF(f, "c4-bytes-long", STREAM, "codecs.md 4 a stored plane a byte too long") PLANE_END(0, 4, 5, 0, "\x00");
    BAD_OF(s, "c4-elements-short", STREAM, "codecs.md 4 an element is missing") PLANE_END(0, 0, 1, 4, "");
    BAD_OF(s, "c4-elements-long", STREAM, "codecs.md 4 an element too many") PLANE_END(0, 0, 1, 0, "\x00\x00\x00\x00");
}

/* Spec codecs.md 4: zstd */
static void frame(pkg *p, const char *content, size_t n)
{
    mote_wr *rec = record(p, 0);
    rec->n = 0;
    mote_wr_bytes(rec, content, n);
    pkg_settle(p);
}
#define FORTY "0123456789012345678901234567890123456789"
#define FRAME(bytes) frame(p, bytes, sizeof(bytes) - 1)

static void bad_frames(void)
{
    const mote_wr *z = &codec_base.zstd;
    BAD_OF(z, "c4-zstd-content-size", ZSTD, "codecs.md 4 a content size of 39 bytes") record(p, 0)->p[5] = 39;
    BAD_OF(z, "c4-zstd-magic", ZSTD, "codecs.md 4 no zstd frame") record(p, 0)->p[0] ^= 1;
    BAD_OF(z, "c4-zstd-no-size", ZSTD, "codecs.md 4 a frame without a content size")
    FRAME("\x28\xB5\x2F\xFD\x00\x58\x41\x01\x00" FORTY);
    BAD_OF(z, "c4-zstd-window", ZSTD, "codecs.md 4 a window of 2^28 bytes")
    FRAME("\x28\xB5\x2F\xFD\x80\x90\x28\x00\x00\x00\x41\x01\x00" FORTY);
    BAD_OF(z, "c4-zstd-dictionary", ZSTD, "codecs.md 4 a frame that names a dictionary")
    FRAME("\x28\xB5\x2F\xFD\x21\x07\x28\x41\x01\x00" FORTY);
    BAD_OF(z, "c4-zstd-shorter", ZSTD, "codecs.md 4 less content than the frame states")
    FRAME("\x28\xB5\x2F\xFD\x20\x28\x39\x01\x00"
          "012345678901234567890123456789012345678");
    BAD_OF(z, "c4-zstd-longer", ZSTD, "codecs.md 4 more content than the frame states")
    FRAME("\x28\xB5\x2F\xFD\x20\x28\x49\x01\x00" FORTY "0");
    BAD_OF(z, "c4-zstd-behind", ZSTD, "codecs.md 4 a byte behind the frame")
    FRAME("\x28\xB5\x2F\xFD\x20\x28\x41\x01\x00" FORTY "x");
    BAD_OF(z, "c4-zstd-second", ZSTD, "codecs.md 4 a second frame of no content")
    FRAME("\x28\xB5\x2F\xFD\x20\x28\x41\x01\x00" FORTY "\x28\xB5\x2F\xFD\x20\x00\x01\x00\x00");
    BAD_OF(z, "c4-zstd-cut", ZSTD, "codecs.md 4 the frame is cut")
    FRAME("\x28\xB5\x2F\xFD\x20\x28\x41\x01\x00"
          "0123");
    BAD_OF(z, "c4-zstd-bomb", ZSTD, "codecs.md 4 a frame that inflates 16 bytes to 1 MiB")
    FRAME("\x28\xB5\x2F\xFD\xA0\x00\x00\x10\x00\x03\x00\x80\x00");
}

/* Spec codecs.md 5, 6, 7.2 */
static void bad_numerics(void)
{
    const mote_wr *f = &codec_base.floats, *a = &codec_base.affine, *i = &codec_base.integer, *s = &codec_base.stored;
    BAD_OF(f, "c5.2-held-wider", HEAD, "codecs.md 5.2 f32 cannot hold f64") term(p, 2, MOTE_F64);
    BAD_OF(f, "c5.2-held-other", HEAD, "codecs.md 5.2 f32 does not hold f8_e4m3") term(p, 2, MOTE_F8_E4M3);
    BAD_OF(f, "c5.2-held-integer", HEAD, "codecs.md 5.2 float of i32") term(p, 2, MOTE_I32);
    BAD_OF(i, "c5.2-entry", HEAD, "codecs.md 5.2 float in an entry of i8")
    {
        HEAD(4, "\x01\x21\x0E\x60");
        tlv_del(pkg_head(p, 0), 6);
        p->fact[TABLE_SLOTS_MAX] = 0;
        NEEDS("\x01\x21\x60");
        settle(p);
    }
    BAD_OF(s, "c5.3-entry", HEAD, "codecs.md 5.3 integer in an entry of f32")
    {
        HEAD(4, "\x01\x22\x02\x60\x60\x60");
        NEEDS("\x01\x22\x60");
        settle(p);
    }
    BAD_OF(&codec_base.mask, "c5.3-bytes-2", HEAD, "codecs.md 5.3 two byte planes of u16: V has no bit") term(p, 3, 2);
    BAD_OF(&codec_base.mask, "c5.6-unsigned", HEAD, "codecs.md 5.6 u16 folded")
    {
        term(p, 3, 8);
        need(p, MOTE_FEATURE_FOLDED, true);
    }
    BAD_OF(&codec_base.integer, "c5.6-flags", HEAD, "codecs.md 5.6 32 byte planes") term(p, 2, 32);
    BAD_OF(&codec_base.mask, "c5.6-background-wide", HEAD, "codecs.md 5.6 a background of u16")
    {
        term(p, 3, 16);
        need(p, MOTE_FEATURE_FOLDED, true);
    }
    BAD_OF(a, "c5.6-one-bit", HEAD, "codecs.md 5.6 affine integers of 1 bit folded")
    {
        term(p, 2, 1);
        term(p, 3, 2);
        need(p, MOTE_FEATURE_FOLDED, true);
    }
    /* features that are not stated: also where no feature is */
    BAD_OF(a, "r3.4-zeros", FACTS, "registry.md 3.4 zero-points that are not stated in needs")
    need(p, MOTE_FEATURE_ZEROS, false);
    BAD_OF(a, "r3.4-groups", FACTS, "registry.md 3.4 groups that are not stated in needs")
    need(p, MOTE_FEATURE_GROUPS, false);
    BAD_OF(a, "r3.4-none", FACTS, "registry.md 3.4 two features, none of them stated in needs")
    {
        need(p, MOTE_FEATURE_ZEROS, false);
        need(p, MOTE_FEATURE_GROUPS, false);
    }
    BAD_OF(a, "r3.4-16-bit", FACTS, "registry.md 3.4 codes of 16 bits that are not stated in needs")
    {
        term(p, 2, 16);
        TERMS_APPEND("\x60");
        need(p, MOTE_CODER_STORED, true);
        settle(p);
    }
    BAD_OF(a, "r3.4-folded", FACTS, "registry.md 3.4 folded codes that are not stated in needs") term(p, 3, 2);
    BAD_OF(&codec_base.integer, "r3.4-folded-integer", FACTS,
           "registry.md 3.4 folded integers that are not stated in needs")
    term(p, 2, 8);
    BAD_OF(&codec_base.nibbles, "r3.4-packed", FACTS, "registry.md 3.4 half bytes that are not stated in needs")
    need(p, MOTE_FEATURE_PACKED, false);
    BAD_OF(s, "r3.4-unused", FACTS, "registry.md 3.4 a feature that no head uses") need(p, MOTE_FEATURE_STATES, true);
    BAD_OF(f, "c5.3-bytes-0", HEAD, "codecs.md 5.3 no byte plane of u32: V has 32 bits")
    {
        HEAD(4, "\x01\x22\x00\x60");
        tlv_del(pkg_head(p, 0), 6);
        tlv_set(pkg_entry(p, 0), 6, "\x06", 1);
        NEEDS("\x01\x22\x60");
        settle(p);
    }
    BAD_OF(a, "c5.4-bits-0", HEAD, "codecs.md 5.4 0 bits") term(p, 2, 0);
    BAD_OF(a, "c5.4-bits-9", HEAD, "codecs.md 5.4 9 bits") term(p, 2, 9);
    BAD_OF(a, "c5.4-bits-17", HEAD, "codecs.md 5.4 17 bits") term(p, 2, 17);
    BAD_OF(a, "c5.4-zero-3", HEAD, "codecs.md 5.4 zero 3") term(p, 3, 3);
    BAD_OF(a, "c5.4-scope-3", HEAD, "codecs.md 5.4 scope 3") term(p, 4, 3);
    BAD_OF(a, "c5.4-group-0", HEAD, "codecs.md 5.4 group 0") term(p, 5, 0);
    BAD_OF(a, "c5.4-group", HEAD, "codecs.md 5.4 group 2^31 + 1")
    {
        HEAD(4, "\x01\x23\x04\x01\x02\x81\x80\x80\x80\x08\x0C\x60");
        settle(p);
    }
    BAD_OF(a, "c5.4-scale-f64", HEAD, "codecs.md 5.4 scales of f64") term(p, 6, MOTE_F64);
    BAD_OF(a, "c5.4-scale-u8", HEAD, "codecs.md 5.4 scales of u8") term(p, 6, MOTE_U8);
    BAD_OF(a, "c5.4-entry", HEAD, "codecs.md 5.4 affine in an entry of u32")
    {
        tlv_set(pkg_entry(p, 0), 6, "\x06", 1);
        settle(p);
    }
    static const struct {
        const char *name, *text;
        uint32_t bits;
    } scales[] = { { "c5.4-scale-0", "codecs.md 5.4 scale 0", 0 },
                   { "c5.4-scale-minus-0", "codecs.md 5.4 scale -0", 0x80000000 },
                   { "c5.4-scale-negative", "codecs.md 5.4 a negative scale", 0xBF800000 },
                   { "c5.4-scale-infinite", "codecs.md 5.4 an infinite scale", 0x7F800000 },
                   { "c5.4-scale-nan", "codecs.md 5.4 a scale that is no number", 0x7FC00000 } };
    for (size_t k = 0; k < N(scales); k++) {
        for (pkg *p = vec_begin(scales[k].name, MOTE_ERR_SCALE, scales[k].text, a); p; p = vec_end(p))
            mote_put32(plane_byte(p, 0, 0, 3, 8), scales[k].bits);
    }
    BAD_OF(a, "c5.4-scale-of-tensor", SCALE, "codecs.md 5.4 an infinite scale in the head")
    {
        HEAD(4, "\x01\x23\x04\x00\x00\x0A\x00\x7C\x60");
        settle(p);
    }
    BAD_OF(a, "c5.4-zero-of-tensor", SCALE, "codecs.md 5.4 zero-point 16 of 4 bits in the head")
    {
        HEAD(4, "\x01\x23\x04\x01\x00\x0A\x00\x3C\x10\x60");
        settle(p);
    }
    BAD_OF(a, "c5.4-zero-point", SCALE, "codecs.md 5.4 zero-point 16 of 4 bits")
    {
        *plane_byte(p, 0, 1, 3, 2) = 16;
    }
    BAD_OF(a, "c5.4-scales-short", STREAM, "codecs.md 5.4 a scale is missing") PLANE_END(0, 0, 3, 4, "");
    BAD_OF(a, "c5.4-scales-long", STREAM, "codecs.md 5.4 a scale too many") PLANE_END(0, 0, 3, 0, "\x00\x00\x80\x3F");
    BAD_OF(a, "c5.4-zeros-short", STREAM, "codecs.md 5.4 a zero-point is missing") PLANE_END(0, 1, 3, 1, "");
    BAD_OF(a, "c5.4-zeros-long", STREAM, "codecs.md 5.4 a zero-point too many") PLANE_END(0, 1, 3, 0, "\x00");
}

/* Spec codecs.md 5.7. codec_base.book: 3 entries of f16 for each row, a scale of f16 for each, V stored. */
static void bad_codebooks(void)
{
    const mote_wr *b = &codec_base.book;
    BAD_OF(b, "c5.7-table-4", HEAD, "codecs.md 5.7 table 4") term(p, 2, 4);
    BAD_OF(b, "c5.7-entries-1", HEAD, "codecs.md 5.7 a table of one entry") term(p, 3, 1);
    BAD_OF(b, "c5.7-entries-257", HEAD, "codecs.md 5.7 a table of 257 entries")
    {
        HEAD(4, "\x01\x25\x00\x81\x02\x0A\x01\x01\x0A\x60");
        settle(p);
    }
    BAD_OF(b, "c5.7-entries-f64", HEAD, "codecs.md 5.7 entries of f64") term(p, 4, MOTE_F64);
    BAD_OF(b, "c5.7-entry-infinite", SCALE, "codecs.md 5.7 an infinite entry")
    PLANE_END(0, 0, 3, 2, "\x00\x7C");
    BAD_OF(b, "c5.7-entry-nan", SCALE, "codecs.md 5.7 an entry that is no number") PLANE_END(0, 0, 3, 2, "\x01\xFC");
    BAD_OF(b, "c5.7-entries-short", STREAM, "codecs.md 5.7 an entry is missing") PLANE_END(0, 0, 3, 2, "");
    BAD_OF(b, "c5.7-entries-long", STREAM, "codecs.md 5.7 an entry too many") PLANE_END(0, 0, 3, 0, "\x00\x3C");
    BAD_OF(b, "c5.7-place", RANGE, "codecs.md 5.7 the fourth entry of three") * plane_byte(p, 0, 2, 3, 4) |= 0xC0;
    BAD_OF(b, "c5.7-scale", SCALE, "codecs.md 5.7 a scale of zero") PLANE_END(0, 1, 3, 2, "\x00\x00");
    BAD_OF(b, "c5.7-entry", HEAD, "codecs.md 5.7 a codebook in an entry of u32")
    {
        tlv_set(pkg_entry(p, 0), 6, "\x06", 1);
        settle(p);
    }
    BAD_OF(b, "c7.2-resident-max-book", FACTS, "codecs.md 7.2 a codebook larger than stated")
    p->fact[RESIDENT_MAX] -= 4;
}

static void bad_layouts(void)
{
    const mote_wr *b = &codec_base.mask, *c = &codec_base.csr, *l = &codec_base.lowrank;
    BAD_OF(b, "c6-piece", HEAD, "codecs.md 6 a sparse piece of 65,536 columns")
    {
        tlv_set(pkg_entry(p, 0), 8, "\x80\x80\x04", 3);
        HEAD(2, "\x01\x80\x80\x04\x80\x80\x04");
        settle(p);
        p->fact[SEG_ELEMS_MAX] = 65536;
        p->fact[SEG_RAW_MAX] = 131072;
    }
    BAD_OF(b, "c6.2-padding", PADDING, "codecs.md 6.2 a bit beyond the piece")
    {
        *plane_byte(p, 0, 0, 3, 1) |= 0x04;
    }
    BAD_OF(b, "c6.2-mask-short", STREAM, "codecs.md 6.2 a mask that is too short") PLANE_END(0, 0, 3, 1, "");
    BAD_OF(b, "c6.2-kept-more", STREAM, "codecs.md 6.2 the mask keeps one more than there are values")
    {
        uint8_t *mask = plane_byte(p, 0, 0, 3, 0);
        must(mask[0] != 0xFF);
        mask[0] = (uint8_t)(mask[0] | (mask[0] + 1));
    }
    BAD_OF(b, "c6.2-kept-less", STREAM, "codecs.md 6.2 the mask keeps one less than there are values")
    {
        uint8_t *mask = plane_byte(p, 0, 0, 3, 0);
        must(mask[0] != 0);
        mask[0] = (uint8_t)(mask[0] & (mask[0] - 1));
    }
    /* counts of 4 bits, gaps of 4 bits: codec_base.csr has 2 pieces of 10 columns */
    BAD_OF(c, "c6.3-count", INDEX, "codecs.md 6.3 11 kept of 10 columns")
    {
        *plane_byte(p, 0, 0, 4, 0) |= 0x0B;
    }
    BAD_OF(c, "c6.3-gap", INDEX, "codecs.md 6.3 a gap of 10 in 10 columns")
    {
        uint8_t *gaps = plane_byte(p, 0, 1, 4, 0);
        gaps[0] = (uint8_t)((gaps[0] & 0xF0) | 10);
    }
    BAD_OF(c, "c6.3-column", INDEX, "codecs.md 6.3 gaps that lead to column 10")
    {
        uint8_t *gaps = plane_byte(p, 0, 1, 4, 0);
        gaps[0] = 9 | 0 << 4; /* column 9, then the next */
    }
    BAD_OF(l, "c6.4-rank-0", HEAD, "codecs.md 6.4 rank 0") term(p, 1, 0);
    BAD_OF(l, "c6.4-rank-beyond", HEAD, "codecs.md 6.4 rank above min(rows, cols)") term(p, 1, 10);
    BAD_OF(l, "c6.4-rows-per-record-0", HEAD, "codecs.md 6.4 no row a record") term(p, 2, 0);
    BAD_OF(l, "c6.4-rows-per-record", HEAD, "codecs.md 6.4 more rows a record than the rank") term(p, 2, 6);
    BAD_OF(l, "c6.4-residents", HEAD, "codecs.md 6.4 two residents where three are due") HEAD(8, "\x02");
    BAD_OF(l, "c6.4-no-residents", HEAD, "codecs.md 6.4 no residents stated")
    {
        tlv_del(pkg_head(p, 0), 8);
        settle(p);
    }
    BAD_OF(l, "c6.4-segments", HEAD, "codecs.md 6.4 segments of parts of rows") HEAD(2, "\x09\x0E\x07");
    BAD_OF(l, "c6.4-entry", HEAD, "codecs.md 6.4 lowrank in an entry of f64")
    {
        tlv_set(pkg_entry(p, 0), 6, "\x0D", 1);
        settle(p);
        p->fact[SEG_RAW_MAX] *= 2;
    }
    BAD_OF(l, "c6.4-factor", HEAD, "codecs.md 6.4 a stored factor")
    {
        HEAD(4, "\x04\x05\x02\x20\x60\x20\x60");
        NEEDS("\x04\x20\x60");
        settle(p);
    }
    BAD_OF(l, "c6.4-factor-f64", HEAD, "codecs.md 6.4 a factor of f64")
    {
        HEAD(4, "\x04\x05\x02\x21\x0D\x60\x60\x60\x60\x60\x60\x60\x21\x0D\x60\x60\x60\x60\x60\x60\x60");
        NEEDS("\x04\x21\x60");
        settle(p);
    }
    BAD_OF(l, "c6.4-resident-short", STREAM, "codecs.md 6.4 a resident record a byte too short")
    {
        record(p, 1)->n -= 1;
        settle(p);
    }
    BAD_OF(l, "c6.4-resident-missing", ORDER, "codecs.md 6.4 the last resident record is missing")
    {
        pkg_remove(p, pkg_find(p, MOTE_RECORD_RESIDENT, 2));
        settle(p);
    }
    BAD_OF(l, "c7.2-resident-max-low", FACTS, "codecs.md 7.2 residents larger than stated") p->fact[RESIDENT_MAX] -= 1;
    BAD_OF(l, "c7.2-resident-max-high", FACTS, "codecs.md 7.2 residents smaller than stated")
    p->fact[RESIDENT_MAX] += 1;
    BAD_OF(&codec_base.integer, "c7.2-table-slots-low", FACTS, "codecs.md 7.2 more tables than stated")
    p->fact[TABLE_SLOTS_MAX] -= 1;
    BAD_OF(&codec_base.integer, "c7.2-table-slots-high", FACTS, "codecs.md 7.2 fewer tables than stated")
    p->fact[TABLE_SLOTS_MAX] += 1;
}

void make_bad_codec_vectors(void)
{
    bad_heads();
    bad_tables();
    bad_segments();
    bad_frames();
    bad_numerics();
    bad_codebooks();
    bad_layouts();
}
