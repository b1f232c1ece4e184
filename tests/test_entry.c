/* SPDX-License-Identifier: Apache-2.0
 * Directory entries and records: every rule of format.md 8 and 9 that concerns one of them alone. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "pkg_helpers.h"
#include "wide.h"

static void good_entry(mote_wr *e)
{
    *e = (mote_wr){ 0 };
    tlv_set(e, 2, "\x01", 1);
    tlv_set(e, 4, "w", 1);
    tlv_set(e, 6, "\x0C", 1); /* f32 */
    tlv_set(e, 8, "\x03\x05", 2);
    tlv_set(e, 10, "\x01\x02\x00\x00\x05\x06\x00\x00", 8);
    tlv_set(e, 12, "\x80\x01", 2);
}

static mote_status read_exact(mote_entry *out, const mote_wr *e)
{
    uint8_t *in = pkg_exact(e->p, e->n);
    mote_status st = mote_entry_read(out, in, e->n);
    free(in);
    return st;
}

START_TEST(entry_gives_its_fields)
{
    mote_wr e;
    mote_entry f;
    good_entry(&e);
    ck_assert_int_eq(mote_entry_read(&f, e.p, e.n), MOTE_OK);
    ck_assert(f.kind == MOTE_KIND_TENSOR && f.name.bytes == 1 && f.name.p[0] == 'w' && f.dtype == MOTE_F32);
    ck_assert(f.rank == 2 && f.shape[0] == 3 && f.shape[1] == 5 && f.elements == 15 && f.bytes == 60);
    ck_assert(f.chunk == 0x0201 && f.offset == 0x0605 && f.stored == 128 && f.digest == NULL);
    tlv_set(&e, 15, "0123456789abcdef0123456789ABCDEF", 32);
    ck_assert_int_eq(mote_entry_read(&f, e.p, e.n), MOTE_OK);
    ck_assert_mem_eq(f.digest, "0123456789abcdef0123456789ABCDEF", 32);
    for (size_t n = 0; n < e.n; n++) {
        const mote_wr cut = { .p = e.p, .n = n };
        mote_status st = read_exact(&f, &cut);
        ck_assert_msg(st == MOTE_ERR_TRUNCATED || st == MOTE_ERR_MISSING || (st == MOTE_OK && n == e.n - 34), "%zu", n);
    }
    mote_wr_free(&e);
}
END_TEST

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define DIM_MAX "\xFF\xFF\xFF\xFF\xFF\x1F" /* 2^40 - 1 */

static const struct {
    const char *name;
    unsigned tag;
    const char *value; /* NULL: without the field */
    size_t n;
    mote_status st;
} fields[] = {
    { "no kind", 2, NULL, 0, MOTE_ERR_MISSING },
    { "no name", 4, NULL, 0, MOTE_ERR_MISSING },
    { "no dtype", 6, NULL, 0, MOTE_ERR_MISSING },
    { "no shape", 8, NULL, 0, MOTE_ERR_MISSING },
    { "no place", 10, NULL, 0, MOTE_ERR_MISSING },
    { "no stored", 12, NULL, 0, MOTE_ERR_MISSING },
    { "kind 0", 2, "\x00", 1, MOTE_ERR_VALUE },
    { "kind 4", 2, "\x04", 1, MOTE_ERR_VALUE },
    { "kind 255", 2, "\xFF", 1, MOTE_ERR_VALUE },
    { "kind: empty", 2, "", 0, MOTE_ERR_TRUNCATED },
    { "kind: two bytes", 2, "\x01\x00", 2, MOTE_ERR_TRAILING },
    { "blob of f32", 2, "\x02", 1, MOTE_ERR_VALUE },
    { "text of f32", 2, "\x03", 1, MOTE_ERR_VALUE },
    { "name: empty", 4, "", 0, MOTE_ERR_LIMIT },
    { "name: 250", 4, X50 X50 X50 X50 X50, 250, MOTE_OK },
    { "name: 255", 4, X50 X50 X50 X50 X50 "12345", 255, MOTE_OK },
    { "name: 256", 4, X50 X50 X50 X50 X50 "123456", 256, MOTE_ERR_LIMIT },
    { "name: not UTF-8", 4, "\xED\xA0\x80", 3, MOTE_ERR_UTF8 },
    { "name: NUL", 4, "w\0", 2, MOTE_ERR_UTF8 },
    { "name: path", 4, "/etc/../x", 9, MOTE_OK },
    { "dtype 0", 6, "\x00", 1, MOTE_ERR_VALUE },
    { "dtype 25", 6, "\x19", 1, MOTE_OK },
    { "dtype 26", 6, "\x1A", 1, MOTE_ERR_VALUE },
    { "dtype 255", 6, "\xFF", 1, MOTE_ERR_VALUE },
    { "dtype: empty", 6, "", 0, MOTE_ERR_TRUNCATED },
    { "dtype: two bytes", 6, "\x0C\x00", 2, MOTE_ERR_TRAILING },
    { "shape: scalar", 8, "", 0, MOTE_OK },
    { "shape: rank 8", 8, "\x01\x01\x01\x01\x01\x01\x01\x02", 8, MOTE_OK },
    { "shape: rank 9", 8, "\x01\x01\x01\x01\x01\x01\x01\x01\x02", 9, MOTE_ERR_LIMIT },
    { "shape: 2^40 - 1", 8, DIM_MAX, 6, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "shape: 2^40", 8, "\x80\x80\x80\x80\x80\x20", 6, MOTE_ERR_LIMIT },
    { "shape: 2^63-1", 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 9, MOTE_ERR_LIMIT },
    { "shape: overlong", 8, "\x83\x00\x05", 3, MOTE_ERR_VARINT },
    { "shape: cut", 8, "\x03\x85", 2, MOTE_ERR_TRUNCATED },
    { "shape: (2^40 - 1) x 256", 8, DIM_MAX "\x80\x02", 8, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "shape: (2^40 - 1) x 257", 8, DIM_MAX "\x81\x02", 8, MOTE_ERR_LIMIT },
    { "shape: 2^32 x 2^16", 8, "\x80\x80\x80\x80\x10\x80\x80\x04", 8, MOTE_ERR_LIMIT },
    { "shape: 2^32 x (2^16 - 1)", 8, "\x80\x80\x80\x80\x10\xFF\xFF\x03", 8, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "shape: 2^32 x 2^32, wraps to 0", 8, "\x80\x80\x80\x80\x10\x80\x80\x80\x80\x10", 10, MOTE_ERR_LIMIT },
    { "shape: 2^39 x 2^39 x 2^39, 0 does not save it", 8,
      "\x00\x80\x80\x80\x80\x80\x10\x80\x80\x80\x80\x80\x10\x80\x80\x80\x80\x80\x10", 19, MOTE_ERR_LIMIT },
    { "place: 7 bytes", 10, "\x01\x00\x00\x00\x00\x00\x00", 7, MOTE_ERR_TRUNCATED },
    { "place: 9 bytes", 10, "\x01\x00\x00\x00\x00\x00\x00\x00\x00", 9, MOTE_ERR_TRAILING },
    { "place: 0, 0 of a tensor", 10, "\0\0\0\0\0\0\0\0", 8, MOTE_OK },
    { "place: beyond everything", 10, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, MOTE_OK },
    { "stored: 0", 12, "\x00", 1, MOTE_ERR_VALUE },
    { "stored: 2^63-1", 12, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 9, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "stored: empty", 12, "", 0, MOTE_ERR_TRUNCATED },
    { "stored: byte behind", 12, "\x05\x00", 2, MOTE_ERR_TRAILING },
    { "digest: 31", 15, "0123456789abcdef0123456789ABCDE", 31, MOTE_ERR_TRUNCATED },
    { "digest: 33", 15, "0123456789abcdef0123456789ABCDEFx", 33, MOTE_ERR_TRAILING },
    { "unknown even tag", 14, "", 0, MOTE_ERR_CRITICAL },
    { "unknown even tag, far", 200, "x", 1, MOTE_ERR_CRITICAL },
    { "unknown odd tags", 1, "x", 1, MOTE_OK },
    { "unknown odd tag between", 7, "", 0, MOTE_OK },
    { "unknown odd tag behind", 17, "abc", 3, MOTE_OK },
};

START_TEST(entry_field_follows_table) /* Spec format.md 9; D1-D3, D17, D21, D27, D28 */
{
    mote_wr e;
    mote_entry f = { .kind = 99 };
    good_entry(&e);
    tlv_del(&e, fields[_i].tag);
    if (fields[_i].value) tlv_set(&e, fields[_i].tag, fields[_i].value, fields[_i].n);
    mote_status st = read_exact(&f, &e);
    ck_assert_msg(st == fields[_i].st, "%s: %d", fields[_i].name, st);
    if (st != MOTE_OK) ck_assert_msg(f.kind == 99, "%s: output written", fields[_i].name);
    mote_wr_free(&e);
}
END_TEST

static const struct {
    const char *name;
    uint8_t kind, dtype;
    const char *shape;
    size_t rank;
    uint8_t chunk, offset, stored;
    mote_status st;
    uint64_t elements, bytes;
} whole[] = {
    { "blob", 2, MOTE_U8, "\x05", 1, 0, 9, 7, MOTE_OK, 5, 5 },
    { "text", 3, MOTE_U8, "\x05", 1, 0, 9, 7, MOTE_OK, 5, 5 },
    { "empty blob", 2, MOTE_U8, "\x00", 1, 0, 0, 0, MOTE_OK, 0, 0 },
    { "blob of rank 0", 2, MOTE_U8, "", 0, 0, 9, 7, MOTE_ERR_VALUE, 0, 0 },
    { "blob of rank 2", 2, MOTE_U8, "\x05\x01", 2, 0, 9, 7, MOTE_ERR_VALUE, 0, 0 },
    { "text of rank 2", 3, MOTE_U8, "\x05\x01", 2, 0, 9, 7, MOTE_ERR_VALUE, 0, 0 },
    { "blob of i8", 2, MOTE_I8, "\x05", 1, 0, 9, 7, MOTE_ERR_VALUE, 0, 0 },
    { "empty tensor", 1, MOTE_F32, "\x03\x00\x05", 3, 0, 0, 0, MOTE_OK, 0, 0 },
    { "empty tensor with a chunk", 1, MOTE_F32, "\x00", 1, 1, 0, 0, MOTE_ERR_VALUE, 0, 0 },
    { "empty tensor with an offset", 1, MOTE_F32, "\x00", 1, 0, 1, 0, MOTE_ERR_VALUE, 0, 0 },
    { "empty tensor with records", 1, MOTE_F32, "\x00", 1, 0, 0, 5, MOTE_ERR_VALUE, 0, 0 },
    { "3 nibbles", 1, MOTE_U4, "\x03", 1, 0, 9, 7, MOTE_OK, 3, 2 },
    { "5 of 6 bits", 1, MOTE_F6_E2M3, "\x05", 1, 0, 9, 7, MOTE_OK, 5, 4 },
    { "complex", 1, MOTE_C128, "\x03", 1, 0, 9, 7, MOTE_OK, 3, 48 },
};

START_TEST(entry_as_a_whole_follows_table)
{
    mote_wr e = { 0 };
    mote_entry f;
    const uint8_t place[8] = { whole[_i].chunk, 0, 0, 0, whole[_i].offset };
    tlv_set(&e, 2, &whole[_i].kind, 1);
    tlv_set(&e, 4, "w", 1);
    tlv_set(&e, 6, &whole[_i].dtype, 1);
    tlv_set(&e, 8, whole[_i].shape, whole[_i].rank);
    tlv_set(&e, 10, place, 8);
    tlv_set(&e, 12, &whole[_i].stored, 1);
    mote_status st = read_exact(&f, &e);
    ck_assert_msg(st == whole[_i].st, "%s: %d", whole[_i].name, st);
    if (st == MOTE_OK) ck_assert(f.elements == whole[_i].elements && f.bytes == whole[_i].bytes);
    mote_wr_free(&e);
}
END_TEST

/* The largest tensors: bytes in 128-bit elements do not overflow. */
START_TEST(bytes_of_the_largest_tensor_are_right) /* D4, D6 */
{
    mote_wr e;
    mote_entry f;
    good_entry(&e);
    tlv_set(&e, 6, "\x19", 1); /* c128 */
    tlv_set(&e, 8, DIM_MAX "\x80\x02", 8);
    ck_assert_int_eq(read_exact(&f, &e), WIDE(MOTE_OK, MOTE_ERR_LIMIT));
    if (WIDE_SIZE) ck_assert_uint_eq(f.elements, (((uint64_t)1 << 40) - 1) * 256);
    if (WIDE_SIZE) ck_assert_uint_eq(f.bytes, (((uint64_t)1 << 40) - 1) * 4096);
    mote_wr_free(&e);
}
END_TEST

START_TEST(entries_are_ordered_by_kind_then_bytes_of_the_name)
{
    static const struct {
        uint8_t kind;
        const char *name;
    } sorted[] = { { 1, "A" }, { 1, "a" },        { 1, "a.b" }, { 1, "a/b" }, { 1, "ab" },
                   { 1, "b" }, { 1, "\xC3\xA9" }, { 2, "A" },   { 2, "a" },   { 3, "A" } };
    for (size_t i = 0; i < N(sorted); i++) {
        for (size_t j = 0; j < N(sorted); j++) {
            mote_text a = { sorted[i].name, strlen(sorted[i].name) }, b = { sorted[j].name, strlen(sorted[j].name) };
            int c = mote_entry_compare(sorted[i].kind, a, sorted[j].kind, b);
            ck_assert((c > 0) - (c < 0) == (i > j) - (i < j));
        }
    }
}
END_TEST

/* ---- records ---- */

static const struct {
    const char *name;
    uint8_t in[12];
    size_t n;
    mote_status st;
    unsigned type;
    size_t bytes, total;
} records[] = {
    { "entry", { 1, 2, 7, 7 }, 4, MOTE_OK, 1, 2, 4 },
    { "head, empty, bytes behind", { 2, 0, 9, 9 }, 4, MOTE_OK, 2, 0, 2 },
    { "resident", { 3, 1, 5 }, 3, MOTE_OK, 3, 1, 3 },
    { "segment", { 4, 1, 5 }, 3, MOTE_OK, 4, 1, 3 },
    { "type 0", { 0, 0 }, 2, MOTE_ERR_RECORD, 0, 0, 0 },
    { "type 5", { 5, 0 }, 2, MOTE_ERR_RECORD, 0, 0, 0 },
    { "type 127", { 127, 0 }, 2, MOTE_ERR_RECORD, 0, 0, 0 },
    { "type 2^32 + 1: not cut", { 0x81, 0x80, 0x80, 0x80, 0x10, 0 }, 6, MOTE_ERR_RECORD, 0, 0, 0 },
    { "type 257: not cut", { 0x81, 0x02, 0 }, 3, MOTE_ERR_RECORD, 0, 0, 0 },
    { "overlong type", { 0x81, 0x00, 0 }, 3, MOTE_ERR_VARINT, 0, 0, 0 },
    { "overlong length", { 1, 0x80, 0x00 }, 3, MOTE_ERR_VARINT, 0, 0, 0 },
    { "nothing", { 0 }, 0, MOTE_ERR_TRUNCATED, 0, 0, 0 },
    { "no length", { 1 }, 1, MOTE_ERR_TRUNCATED, 0, 0, 0 },
    { "value one short", { 1, 3, 7, 7 }, 4, MOTE_ERR_TRUNCATED, 0, 0, 0 },
    { "length 2^32 + 2", { 1, 0x82, 0x80, 0x80, 0x80, 0x10, 7, 7 }, 8, MOTE_ERR_TRUNCATED, 0, 0, 0 },
    { "length 2^63-1",
      { 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 7 },
      11,
      MOTE_ERR_TRUNCATED,
      0,
      0,
      0 },
};

START_TEST(record_follows_table) /* Spec format.md 8; D2, D5, A19 */
{
    uint8_t *in = pkg_exact(records[_i].in, records[_i].n);
    mote_record r = { .total = 99 };
    mote_status st = mote_record_read(&r, in, records[_i].n);
    ck_assert_msg(st == records[_i].st, "%s: %d", records[_i].name, st);
    if (st == MOTE_OK) {
        ck_assert(r.type == records[_i].type && r.bytes == records[_i].bytes && r.total == records[_i].total);
        ck_assert(r.value == in + r.total - r.bytes);
    } else {
        ck_assert_uint_eq(r.total, 99);
    }
    free(in);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("entry");
    TCase *tc = tcase_create("entry");
    tcase_add_test(tc, entry_gives_its_fields);
    tcase_add_loop_test(tc, entry_field_follows_table, 0, N(fields));
    tcase_add_loop_test(tc, entry_as_a_whole_follows_table, 0, N(whole));
    tcase_add_test(tc, bytes_of_the_largest_tensor_are_right);
    tcase_add_test(tc, entries_are_ordered_by_kind_then_bytes_of_the_name);
    suite_add_tcase(s, tc);
    tc = tcase_create("record");
    tcase_add_loop_test(tc, record_follows_table, 0, N(records));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
