/* SPDX-License-Identifier: Apache-2.0
 * The writer: what it lays out is what the format asks for, reading a package into its structure and writing it again
 * gives its bytes, and what a reader would refuse is not written. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pkg_helpers.h"
#include "wide.h"

static int put(void *ctx, const uint8_t *data, size_t n)
{
    mote_wr_bytes(ctx, data, n);
    return 0;
}

/* ---- layout ---- */

static size_t record_bytes(const pkg_record *r)
{
    return 1 + mote_varint_bytes(r->v.n) + r->v.n;
}

/* Spec format.md 8: where chunks may and must be cut. */
static void check_cuts(const pkg *p)
{
    for (size_t i = 0; i < p->n_rec; i++) {
        if (p->rec[i].type != MOTE_RECORD_HEAD) continue;
        size_t first = i + 1, end;
        while (p->rec[first].type == MOTE_RECORD_RESIDENT) first++;
        for (end = first; end < p->n_rec && p->rec[end].type == MOTE_RECORD_SEGMENT; end++) continue;
        ck_assert(end > first);
        if (end - first == 1) continue;
        ck_assert(p->rec[i].fresh);
        for (size_t s = first + 1; s < end; s++) ck_assert(p->rec[s].fresh);
    }
}

/* Places, stored bytes and facts as counted by hand from the records. */
static void check_numbers(const pkg *p)
{
    pkg q;
    pkg_clone(&q, p);
    pkg_settle(&q);
    ck_assert_mem_eq(q.fact, p->fact, sizeof q.fact);
    for (size_t i = 0; i < p->n_rec; i++)
        ck_assert(p->rec[i].v.n == q.rec[i].v.n && memcmp(p->rec[i].v.p, q.rec[i].v.p, q.rec[i].v.n) == 0);
    pkg_free(&q);
}

START_TEST(structure_written_again_gives_the_same_bytes) /* Spec format.md 10 */
{
    static const uint32_t chunk_max[] = { 66, 67, 79, 100, 128, 200, 256, 1000, 4096, 1 << 20 };
    pkg_model m = { 0 };
    pkg_rich_model(&m);
    for (unsigned keys = 0; keys < 3; keys++) {
        mote_wr file = { 0 };
        pkg p;
        pkg_model_write(&m, chunk_max[_i], keys, &file);
        pkg_read(&p, file.p, file.n);
        check_cuts(&p);
        check_numbers(&p);
        pkg_finish(&p);
        ck_assert(p.file.n == file.n && memcmp(p.file.p, file.p, file.n) == 0);
        size_t at = 0; /* a chunk is filled before the next begins, unless the next record must begin one */
        for (size_t i = 0; i < p.n_rec; i++) {
            if (p.rec[i].fresh) at = 0;
            at += record_bytes(&p.rec[i]);
            ck_assert(at <= chunk_max[_i]);
            if (i + 1 < p.n_rec && p.rec[i + 1].fresh && p.rec[i + 1].type == MOTE_RECORD_ENTRY)
                ck_assert(at + record_bytes(&p.rec[i + 1]) > chunk_max[_i]);
        }
        ck_assert_int_eq(pkg_status(file.p, file.n, keys), MOTE_OK);
        pkg_free(&p);
        mote_wr_free(&file);
    }
    pkg_model_free(&m);
}
END_TEST

START_TEST(order_of_the_caller_does_not_matter)
{
    pkg_model m = { 0 };
    pkg_rich_model(&m);
    mote_wr first = { 0 }, file = { 0 };
    pkg_model_write(&m, 128, 1, &first);
    uint64_t state = 11;
    for (unsigned turn = 0; turn < 20; turn++) {
        for (size_t i = m.n; i > 1; i--) {
            size_t j = pkg_random(&state) % i;
            mote_write_entry swap = m.e[i - 1];
            m.e[i - 1] = m.e[j];
            m.e[j] = swap;
        }
        pkg_model_write(&m, 128, 1, &file);
        ck_assert(file.n == first.n && memcmp(file.p, first.p, file.n) == 0);
    }
    mote_wr_free(&first);
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

START_TEST(large_directories_fill_several_chunks)
{
    pkg_model m = { 0 };
    for (unsigned i = 0; i < 700; i++) {
        char name[16] = { (char)('a' + i / 26 % 26), (char)('a' + i % 26), (char)('a' + i / 676) };
        pkg_model_add1(&m, MOTE_KIND_TENSOR, name, MOTE_U8, i % 3, 0);
    }
    mote_wr file = { 0 };
    pkg p;
    pkg_model_write(&m, 300, 1, &file);
    pkg_read(&p, file.p, file.n);
    check_numbers(&p);
    ck_assert(p.fact[N_ENTRIES] == 700 && pkg_status(file.p, file.n, 1) == MOTE_OK);
    pkg_finish(&p);
    ck_assert(p.n_chunks > 70 && p.file.n == file.n && memcmp(p.file.p, file.p, file.n) == 0);
    pkg_free(&p);
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

START_TEST(a_tensor_may_be_larger_than_its_chunks_but_a_record_not)
{
    pkg_model m = { 0 };
    mote_wr file = { 0 };
    mote_writer *w;
    const mote_write_info info = { 0 };
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_U8, 1000, 62);
    pkg_model_write(&m, 64, 1, &file);
    ck_assert_int_eq(pkg_status(file.p, file.n, 1), MOTE_OK);
    pkg_model_free(&m);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_U8, 1000, 63);
    ck_assert_int_eq(mote_writer_create(&w, m.e, m.n, 64, &info), MOTE_ERR_LIMIT);
    pkg_model_free(&m);
    /* of a record with a length of two bytes */
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_U8, 1000, 253);
    ck_assert_int_eq(mote_writer_create(&w, m.e, m.n, 256, &info), MOTE_OK);
    ck_assert_uint_eq(mote_writer_facts(w)->chunk_max, 256);
    mote_writer_free(w);
    pkg_model_free(&m);
    mote_wr_free(&file);
}
END_TEST

/* ---- refusal ---- */

static const uint8_t byte[300] = { 7 };
static const mote_piece two[4] = { { byte, 5 }, { byte, 9 }, { byte, 3 }, { NULL, 0 } };

static mote_write_entry good_entry(void)
{
    return (mote_write_entry){ .kind = MOTE_KIND_TENSOR,
                               .name = "w",
                               .dtype = MOTE_U8,
                               .rank = 1,
                               .shape = { 9 },
                               .records = two,
                               .n_records = 2,
                               .seg_elems = 9 };
}

static mote_status create(const mote_write_entry *e, size_t n, uint32_t chunk_max, const mote_write_info *info)
{
    mote_writer *w = NULL;
    mote_status st = mote_writer_create(&w, e, n, chunk_max, info);
    ck_assert((w != NULL) == (st == MOTE_OK));
    mote_writer_free(w);
    return st;
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

typedef struct entry_row {
    const char *name;
    mote_write_entry e; /* fields that are not 0 replace those of the good one */
    enum { SET, NO_NAME, NO_RECORDS, NO_SEG, EMPTY } how;
    mote_status st;
} entry_row;

static const entry_row entries[] = {
    { "good", { 0 }, SET, MOTE_OK },
    { "empty", { 0 }, EMPTY, MOTE_OK },
    { "kind 4", { .kind = (mote_kind)4 }, SET, MOTE_ERR_ARG },
    { "kind 257: not cut to 1", { .kind = (mote_kind)257 }, SET, MOTE_ERR_ARG },
    { "dtype 26", { .dtype = (mote_dtype)26 }, SET, MOTE_ERR_ARG },
    { "dtype 258", { .dtype = (mote_dtype)258 }, SET, MOTE_ERR_ARG },
    { "rank 9", { .rank = 9 }, SET, MOTE_ERR_ARG },
    { "blob of i8", { .kind = MOTE_KIND_BLOB, .dtype = MOTE_I8 }, SET, MOTE_ERR_VALUE },
    { "blob", { .kind = MOTE_KIND_BLOB }, SET, MOTE_OK },
    { "blob of rank 2", { .kind = MOTE_KIND_BLOB, .rank = 2, .shape = { 9, 1 } }, SET, MOTE_ERR_VALUE },
    { "no name", { 0 }, NO_NAME, MOTE_ERR_ARG },
    { "name: empty", { .name = "" }, SET, MOTE_ERR_LIMIT },
    { "name: 255", { .name = X50 X50 X50 X50 X50 "12345" }, SET, MOTE_OK },
    { "name: 256", { .name = X50 X50 X50 X50 X50 "123456" }, SET, MOTE_ERR_LIMIT },
    { "name: not UTF-8", { .name = "\xC0\x80" }, SET, MOTE_ERR_UTF8 },
    { "name: line end", { .name = "a\nb" }, SET, MOTE_ERR_UTF8 },
    { "dimension 2^40", { .shape = { (uint64_t)1 << 40 } }, SET, MOTE_ERR_LIMIT },
    { "product 2^48", { .rank = 2, .shape = { 1 << 24, 1 << 24 } }, SET, MOTE_ERR_LIMIT },
    { "elements without records", { 0 }, NO_RECORDS, MOTE_ERR_VALUE },
    { "head alone", { .n_records = 1 }, SET, MOTE_ERR_ARG },
    { "residents without a segment", { .n_records = 3, .n_residents = 2 }, SET, MOTE_ERR_ARG },
    { "a resident and a segment", { .n_records = 3, .n_residents = 1 }, SET, MOTE_OK },
    { "residents beyond the records", { .n_residents = UINT32_MAX }, SET, MOTE_ERR_ARG },
    { "resident_bytes 2^63", { .resident_bytes = (uint64_t)1 << 63 }, SET, MOTE_ERR_LIMIT },
    { "resident_bytes 2^32", { .resident_bytes = (uint64_t)1 << 32 }, SET, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "table_slots 2^63", { .table_slots = (uint64_t)1 << 63 }, SET, MOTE_ERR_LIMIT },
    { "no seg_elems", { 0 }, NO_SEG, MOTE_ERR_ARG },
    { "seg_elems above the elements", { .seg_elems = 10 }, SET, MOTE_ERR_ARG },
};

START_TEST(entry_refusals_follow_table)
{
    const entry_row *row = &entries[_i];
    const mote_write_info info = { 0 };
    mote_write_entry e = good_entry();
    if (row->e.kind) e.kind = row->e.kind;
    if (row->e.dtype) e.dtype = row->e.dtype;
    if (row->e.name) e.name = row->e.name;
    if (row->e.shape[0]) memcpy(e.shape, row->e.shape, sizeof e.shape);
    if (row->e.rank) e.rank = row->e.rank;
    if (row->e.n_records) e.n_records = row->e.n_records;
    if (row->e.n_residents) e.n_residents = row->e.n_residents;
    if (row->e.seg_elems) e.seg_elems = row->e.seg_elems;
    e.resident_bytes = row->e.resident_bytes;
    e.table_slots = row->e.table_slots;
    if (row->how == NO_NAME) e.name = NULL;
    if (row->how == NO_RECORDS || row->how == EMPTY) e.n_records = 0, e.records = NULL;
    if (row->how == NO_SEG || row->how == EMPTY) e.seg_elems = 0;
    if (row->how == EMPTY) e.shape[0] = 0;
    mote_status st = create(&e, 1, 1 << 16, &info);
    ck_assert_msg(st == row->st, "%s: %d", row->name, st);
}
END_TEST

/* The sum of what all decode to is a fact and must neither wrap nor be cut. */
START_TEST(a_decoded_total_that_is_no_fact_is_refused)
{
    const mote_write_info info = { 0 };
    mote_write_entry e[3] = { good_entry(), good_entry(), good_entry() };
    static const char *const names[] = { "a", "b", "c" };
    for (unsigned i = 0; i < N(e); i++) e[i].name = names[i], e[i].shape[0] = (1u << 30) - 1;
    ck_assert_int_eq(create(e, 2, 1 << 16, &info), MOTE_OK); /* 2^31 - 2 bytes */
    ck_assert_int_eq(create(e, 3, 1 << 16, &info), WIDE(MOTE_OK, MOTE_ERR_LIMIT));
}
END_TEST

START_TEST(packages_of_wrong_make_are_refused)
{
    const mote_write_info info = { 0 };
    mote_write_entry e[3] = { good_entry(), good_entry(), good_entry() };
    ck_assert_int_eq(create(e, 0, 64, &info), MOTE_ERR_ARG);
    ck_assert_int_eq(create(e, 1, 63, &info), MOTE_ERR_ARG);
    ck_assert_int_eq(create(e, 1, 64, &info), MOTE_OK);
    ck_assert_int_eq(create(e, 1, 1 << 20, &info), MOTE_OK);
    ck_assert_int_eq(create(e, 1, (1 << 20) + 1, &info), MOTE_ERR_ARG);
    ck_assert_int_eq(create(e, 2, 64, &info), MOTE_ERR_ORDER); /* twice one name, D17 */
    e[1].kind = MOTE_KIND_BLOB;                                /* names are of a kind */
    e[2].name = "W";
    ck_assert_int_eq(create(e, 3, 64, &info), MOTE_OK);
    e[2].name = "w";
    ck_assert_int_eq(create(e, 3, 64, &info), MOTE_ERR_ORDER);
    /* records without elements; nothing but empties is a package */
    e[0].shape[0] = 0;
    ck_assert_int_eq(create(e, 1, 64, &info), MOTE_ERR_VALUE);
    e[0].n_records = 0;
    ck_assert_int_eq(create(e, 1, 64, &info), MOTE_ERR_ARG); /* seg_elems of nothing */
    e[0].seg_elems = 0;
    ck_assert_int_eq(create(e, 1, 64, &info), MOTE_OK);
    /* an entry record longer than a chunk */
    e[0].name = X50;
    ck_assert_int_eq(create(e, 1, 64, &info), MOTE_ERR_LIMIT);
}
END_TEST

#define SIXTEEN "0123456789abcdef"
typedef struct info_row {
    const char *name;
    mote_write_info info;
    mote_status st;
} info_row;

static const info_row infos[] = {
    { "nothing", { 0 }, MOTE_OK },
    { "name: empty", { .name = "" }, MOTE_ERR_LIMIT },
    { "name: 64", { .name = X50 "12345678901234" }, MOTE_OK },
    { "name: 65", { .name = X50 "123456789012345" }, MOTE_ERR_LIMIT },
    { "name: not UTF-8", { .name = "\xFF" }, MOTE_ERR_UTF8 },
    { "sequence 2^63-1", { .sequence = INT64_MAX }, MOTE_OK },
    { "sequence 2^63", { .sequence = (uint64_t)1 << 63 }, MOTE_ERR_VARINT },
    { "classes: 8", { .device_class = byte, .n_classes = 1 }, MOTE_OK },
    { "classes: 9", { .device_class = byte, .n_classes = 9 }, MOTE_ERR_LIMIT },
    { "classes: twice one", { .device_class = (const uint8_t *)SIXTEEN SIXTEEN, .n_classes = 2 }, MOTE_ERR_ORDER },
    { "version: 63", { .version = X50 "1234567890123" }, MOTE_OK },
    { "version: 64", { .version = X50 "12345678901234" }, MOTE_ERR_LIMIT },
    { "version: empty", { .version = "" }, MOTE_ERR_LIMIT },
    { "tool: 64", { .tool = X50 "12345678901234" }, MOTE_ERR_LIMIT },
    { "tool: control", { .tool = "a\x7F" }, MOTE_ERR_UTF8 },
    { "created 2^63", { .created = (uint64_t)1 << 63 }, MOTE_ERR_VARINT },
    { "not_after 2^64-1", { .not_after = UINT64_MAX }, MOTE_ERR_VARINT },
};

START_TEST(info_refusals_follow_table)
{
    mote_write_entry e = good_entry();
    mote_status st = create(&e, 1, 1 << 16, &infos[_i].info);
    ck_assert_msg(st == infos[_i].st, "%s: %d", infos[_i].name, st);
}
END_TEST

/* ---- signing and writing ---- */

START_TEST(only_a_package_with_name_and_sequence_is_signed)
{
    mote_write_entry e = good_entry();
    for (unsigned i = 0; i < 4; i++) {
        const mote_write_info info = { .name = i & 1 ? "kws" : NULL, .sequence = i & 2 };
        mote_writer *w = NULL;
        ck_assert_int_eq(mote_writer_create(&w, &e, 1, 64, &info), MOTE_OK);
        ck_assert_int_eq(mote_writer_sign(w, pkg_key(0), 1), i == 3 ? MOTE_OK : MOTE_ERR_ARG);
        ck_assert_int_eq(mote_writer_sign(w, pkg_key(0), 0), MOTE_ERR_ARG);
        ck_assert_int_eq(mote_writer_sign(w, pkg_key(0), 1), MOTE_ERR_ARG); /* twice, or not at all */
        ck_assert_int_eq(mote_writer_sign(w, pkg_key(0), 2), i == 3 ? MOTE_OK : MOTE_ERR_ARG);
        if (i == 3) {
            for (unsigned k = 1; k < 15; k++) ck_assert_int_eq(mote_writer_sign(w, pkg_key(k), 1), MOTE_OK);
            ck_assert_int_eq(mote_writer_sign(w, pkg_key(15), 1), MOTE_ERR_LIMIT);
        }
        mote_wr file = { 0 };
        ck_assert_int_eq(mote_writer_write(w, put, &file), MOTE_OK);
        ck_assert_uint_eq(file.n, mote_writer_bytes(w));
        ck_assert_uint_eq((size_t)file.p[12] + 256u * file.p[13], i == 3 ? 16 * 76 : 0);
        mote_wr_free(&file);
        mote_writer_free(w);
    }
}
END_TEST

START_TEST(manifest_holds_what_was_asked_for)
{
    pkg_model m = { 0 };
    mote_wr file = { 0 };
    mote_manifest f;
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_F32, 10, 0);
    pkg_model_write(&m, 256, 1, &file);
    ck_assert_int_eq(mote_manifest_read(&f, file.p + 16, (size_t)file.p[10] + 256u * file.p[11]), MOTE_OK);
    ck_assert(f.name.bytes == 3 && f.sequence == 7 && f.n_classes == 2 && f.version.bytes == 3 && f.tool.bytes == 10);
    ck_assert(memcmp(f.vendor, "vendor of tests.", 16) == 0 && f.created == 0 && f.not_after == 0);
    ck_assert(memcmp(f.classes, "class of tests 1\0class of tests 2", 16) == 0); /* sorted */
    ck_assert(f.facts.n_entries == 1 && f.facts.seg_elems_max == 10 && f.facts.seg_raw_max == 40);
    ck_assert(f.facts.tensor_max == 40 && f.facts.decoded_total == 40 && f.facts.table_slots_max == 0);
    ck_assert(f.needs.bit[0] == 2 && f.needs.bit[1] == 1 && f.needs.bit[2] == 0 && f.needs.bit[3] == 1);
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

typedef struct failing {
    unsigned left;
} failing;

static int put_or_fail(void *ctx, const uint8_t *data, size_t n)
{
    failing *f = ctx;
    (void)data, (void)n;
    return f->left-- == 0 ? -1 : 0;
}

START_TEST(every_failing_write_is_reported)
{
    pkg_model m = { 0 };
    pkg_rich_model(&m);
    const mote_write_info info = { .name = "kws", .sequence = 1 };
    mote_writer *w = NULL;
    ck_assert_int_eq(mote_writer_create(&w, m.e, m.n, 128, &info), MOTE_OK);
    ck_assert_int_eq(mote_writer_sign(w, pkg_key(0), 1), MOTE_OK);
    unsigned n = 0;
    for (;; n++) {
        failing f = { n };
        mote_status st = mote_writer_write(w, put_or_fail, &f);
        if (st == MOTE_OK) break;
        ck_assert_int_eq(st, MOTE_ERR_IO);
    }
    ck_assert_uint_gt(n, 40);
    mote_writer_free(w);
    mote_writer_free(NULL);
    pkg_model_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("write");
    TCase *tc = tcase_create("layout");
    tcase_add_loop_test(tc, structure_written_again_gives_the_same_bytes, 0, 10);
    tcase_add_test(tc, order_of_the_caller_does_not_matter);
    tcase_add_test(tc, large_directories_fill_several_chunks);
    tcase_add_test(tc, a_tensor_may_be_larger_than_its_chunks_but_a_record_not);
    suite_add_tcase(s, tc);
    tc = tcase_create("refusal");
    tcase_add_loop_test(tc, entry_refusals_follow_table, 0, N(entries));
    tcase_add_test(tc, a_decoded_total_that_is_no_fact_is_refused);
    tcase_add_test(tc, packages_of_wrong_make_are_refused);
    tcase_add_loop_test(tc, info_refusals_follow_table, 0, N(infos));
    suite_add_tcase(s, tc);
    tc = tcase_create("signing and writing");
    tcase_add_test(tc, only_a_package_with_name_and_sequence_is_signed);
    tcase_add_test(tc, manifest_holds_what_was_asked_for);
    tcase_add_test(tc, every_failing_write_is_reported);
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
