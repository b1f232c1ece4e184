/* SPDX-License-Identifier: Apache-2.0
 * Prelude, manifest and policy: every rule of format.md 3, 5 and 11 has a row that trips it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "pkg_helpers.h"
#include "wide.h"

/* ---- prelude ---- */

static const uint8_t good_prelude[16] = { 0x89, 'M', 'O', 'T', 'E', 13, 10, 10, 1, 1, 0x72, 0, 0x4C, 0, 0, 0 };

static const struct {
    const char *name;
    unsigned at;
    uint8_t byte;
    mote_status st;
} preludes[] = {
    { "as it is", 0, 0x89, MOTE_OK },
    { "version 0", 8, 0, MOTE_ERR_VERSION },
    { "version 2", 8, 2, MOTE_ERR_VERSION },
    { "version 255", 8, 255, MOTE_ERR_VERSION },
    { "suite 0", 9, 0, MOTE_ERR_SUITE },
    { "suite 2", 9, 2, MOTE_ERR_SUITE },
    { "ml 0", 10, 0, MOTE_ERR_LIMIT },
    { "ml 1", 10, 1, MOTE_OK },
    { "ml 4096 + 0x72", 11, 0x10, MOTE_ERR_LIMIT },
    { "ml 0xFF72", 11, 0xFF, MOTE_ERR_LIMIT },
    { "ml 0x0F72", 11, 0x0F, MOTE_OK },
    { "sl 0", 12, 0, MOTE_OK },
    { "sl 0xFF4C", 13, 0xFF, MOTE_OK },
    { "reserved, low", 14, 1, MOTE_ERR_RESERVED },
    { "reserved, high", 15, 0x80, MOTE_ERR_RESERVED },
};

START_TEST(prelude_follows_table) /* Spec format.md 3; A4, D14 */
{
    uint8_t *in = pkg_exact(good_prelude, 16);
    in[preludes[_i].at] = preludes[_i].byte;
    mote_prelude p = { 7, 7 };
    mote_status st = mote_prelude_read(&p, in);
    ck_assert_msg(st == preludes[_i].st, "%s: %d", preludes[_i].name, st);
    if (st == MOTE_OK)
        ck_assert(p.manifest_bytes == in[10] + 256 * in[11] && p.signature_bytes == in[12] + 256 * in[13]);
    if (st != MOTE_OK) ck_assert(p.manifest_bytes == 7 && p.signature_bytes == 7);
    free(in);
}
END_TEST

START_TEST(prelude_refuses_every_flipped_bit_of_its_fixed_bytes)
{
    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t in[16];
        mote_prelude p;
        memcpy(in, good_prelude, 16);
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
        mote_status st = mote_prelude_read(&p, in);
        unsigned byte = bit / 8;
        if (byte < 8) ck_assert_int_eq(st, MOTE_ERR_MAGIC);
        if (byte == 8) ck_assert_int_eq(st, MOTE_ERR_VERSION);
        if (byte == 9) ck_assert_int_eq(st, MOTE_ERR_SUITE);
        if (byte > 13) ck_assert_int_eq(st, MOTE_ERR_RESERVED);
    }
    uint8_t in[16];
    mote_prelude p;
    memcpy(in, good_prelude, 16);
    in[10] = 0x00, in[11] = 0x10;
    ck_assert(mote_prelude_read(&p, in) == MOTE_OK && p.manifest_bytes == 4096);
    in[10] = 1;
    ck_assert(mote_prelude_read(&p, in) == MOTE_ERR_LIMIT);
    uint8_t out[16];
    mote_prelude_write(out, 0x72, 0x4C);
    ck_assert_mem_eq(out, good_prelude, 16);
}
END_TEST

/* ---- manifest ---- */

#define ROOT                                                                                                   \
    "\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52\x52" \
    "\x52\x52\x52\x52\x52\x52"
#define SIXTEEN "0123456789abcdef"

static void put_tree(mote_wr *m, uint64_t n_chunks, uint64_t body)
{
    mote_wr v = { 0 };
    mote_wr_varint(&v, n_chunks);
    mote_wr_varint(&v, body);
    mote_wr_bytes(&v, ROOT, 32);
    tlv_set(m, 2, v.p, v.n);
    mote_wr_free(&v);
}

static const uint64_t good_facts[N_FACTS] = { 3, 1000, 40, 60, 100, 50, 200, 12, 400, 900 };

static void put_facts(mote_wr *m, const uint64_t *facts, unsigned n)
{
    mote_wr v = { 0 };
    for (unsigned i = 0; i < n; i++) mote_wr_varint(&v, facts[i]);
    tlv_set(m, 4, v.p, v.n);
    mote_wr_free(&v);
}

static void good_manifest(mote_wr *m)
{
    *m = (mote_wr){ 0 };
    put_tree(m, 4, 3000);
    put_facts(m, good_facts, N_FACTS);
    tlv_set(m, 6, "\x01\x20\x60", 3);
    tlv_set(m, 8, "kws", 3);
    tlv_set(m, 10, "\x07", 1);
    tlv_set(m, 12, "vendor of tests.", 16);
    tlv_set(m, 14, SIXTEEN "1123456789abcdef", 32);
    tlv_set(m, 17, "1.0", 3);
    tlv_set(m, 19, "\x80\x01", 2);
    tlv_set(m, 21, "\x81\x01", 2);
    tlv_set(m, 23, "mote tests", 10);
}

static mote_status read_exact(mote_manifest *out, const mote_wr *m, mote_wr *kept)
{
    uint8_t *in = pkg_exact(m->p, m->n);
    mote_status st = mote_manifest_read(out, in, m->n);
    if (st == MOTE_OK && kept) mote_wr_bytes(kept, out->name.p, out->name.bytes);
    free(in);
    return st;
}

START_TEST(manifest_gives_its_fields)
{
    mote_wr m;
    mote_manifest f;
    good_manifest(&m);
    ck_assert_int_eq(mote_manifest_read(&f, m.p, m.n), MOTE_OK);
    ck_assert(f.n_chunks == 4 && f.body_bytes == 3000 && memcmp(f.root, ROOT, 32) == 0);
    ck_assert(f.facts.n_entries == 3 && f.facts.chunk_max == 1000 && f.facts.entry_max == 40 && f.facts.head_max == 60);
    ck_assert(f.facts.resident_max == 100 && f.facts.seg_elems_max == 50 && f.facts.seg_raw_max == 200);
    ck_assert(f.facts.table_slots_max == 12 && f.facts.tensor_max == 400 && f.facts.decoded_total == 900);
    ck_assert(f.needs.bit[0] == 2 && f.needs.bit[1] == 1 && f.needs.bit[2] == 0 && f.needs.bit[3] == 1);
    ck_assert(f.name.bytes == 3 && memcmp(f.name.p, "kws", 3) == 0 && f.sequence == 7);
    ck_assert(memcmp(f.vendor, "vendor of tests.", 16) == 0 && f.n_classes == 2);
    ck_assert(memcmp(f.classes, SIXTEEN, 16) == 0 && f.version.bytes == 3 && f.created == 128 && f.not_after == 129);
    ck_assert(f.tool.bytes == 10 && memcmp(f.tool.p, "mote tests", 10) == 0);
    for (size_t n = 0; n < m.n;
         n++) { /* required fields are there early; a cut at a field's end is a shorter manifest */
        mote_manifest cut;
        uint8_t *in = pkg_exact(m.p, n);
        mote_status st = mote_manifest_read(&cut, in, n);
        ck_assert_msg(st == MOTE_OK || st == MOTE_ERR_TRUNCATED || st == MOTE_ERR_MISSING, "%zu: %d", n, st);
        free(in);
    }
    static const unsigned optional[] = { 8, 10, 12, 14, 17, 19, 21, 23 };
    for (size_t i = 0; i < N(optional); i++) tlv_del(&m, optional[i]);
    ck_assert_int_eq(mote_manifest_read(&f, m.p, m.n), MOTE_OK);
    ck_assert(f.name.bytes == 0 && f.sequence == 0 && !f.vendor && !f.classes && f.n_classes == 0);
    ck_assert(f.version.bytes == 0 && f.created == 0 && f.not_after == 0 && f.tool.bytes == 0);
    mote_wr_free(&m);
}
END_TEST

#define TIMES4(s) s s s s
#define TIMES16(s) TIMES4(s) TIMES4(s) TIMES4(s) TIMES4(s)

static const struct {
    const char *name;
    unsigned tag;
    const char *value; /* NULL: without the field */
    size_t n;
    mote_status st;
} fields[] = {
    { "no tree", 2, NULL, 0, MOTE_ERR_MISSING },
    { "no facts", 4, NULL, 0, MOTE_ERR_MISSING },
    { "no needs", 6, NULL, 0, MOTE_ERR_MISSING },
    { "tree: empty", 2, "", 0, MOTE_ERR_TRUNCATED },
    { "tree: root short", 2, "\x04\xB8\x17" ROOT, 34, MOTE_ERR_TRUNCATED },
    { "tree: byte behind", 2, "\x04\xB8\x17" ROOT "", 36, MOTE_ERR_TRAILING },
    { "tree: overlong count", 2, "\x84\x00\xB8\x17" ROOT, 36, MOTE_ERR_VARINT },
    { "facts: empty", 4, "", 0, MOTE_ERR_TRUNCATED },
    { "facts: nine", 4, "\x03\x40\x20\x20\x10\x10\x10\x01\x10", 9, MOTE_ERR_TRUNCATED },
    { "facts: eleven", 4, "\x03\x40\x20\x20\x10\x10\x10\x01\x10\x10\x10", 11, MOTE_ERR_TRAILING },
    { "facts: overlong", 4, "\x83\x00\x40\x20\x20\x10\x10\x10\x01\x10\x10", 11, MOTE_ERR_VARINT },
    { "needs: none", 6, "", 0, MOTE_OK },
    { "needs: 1, 127", 6, "\x01\x7F", 2, MOTE_OK },
    { "needs: 128", 6, "\x80\x01", 2, MOTE_ERR_LIMIT },
    { "needs: 2^32 + 1", 6, "\x81\x80\x80\x80\x10", 5, MOTE_ERR_LIMIT },
    { "needs: twice", 6, "\x01\x01", 2, MOTE_ERR_ORDER },
    { "needs: descending", 6, "\x20\x01", 2, MOTE_ERR_ORDER },
    { "needs: 0", 6, "\x00", 1, MOTE_ERR_ORDER },
    { "needs: overlong", 6, "\x81\x00", 2, MOTE_ERR_VARINT },
    { "name: empty", 8, "", 0, MOTE_ERR_LIMIT },
    { "name: 64", 8, TIMES16("abcd"), 64, MOTE_OK },
    { "name: 65", 8, TIMES16("abcd") "e", 65, MOTE_ERR_LIMIT },
    { "name: not UTF-8", 8, "\xC3(", 2, MOTE_ERR_UTF8 },
    { "name: NUL", 8, "a\0b", 3, MOTE_ERR_UTF8 },
    { "name: a path is data", 8, "../../x", 7, MOTE_OK },
    { "sequence: 0", 10, "\x00", 1, MOTE_ERR_VALUE },
    { "sequence: 2^63-1", 10, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 9, MOTE_OK },
    { "sequence: 2^63", 10, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, MOTE_ERR_VARINT },
    { "sequence: empty", 10, "", 0, MOTE_ERR_TRUNCATED },
    { "sequence: byte behind", 10, "\x07\x00", 2, MOTE_ERR_TRAILING },
    { "sequence: overlong", 10, "\x87\x00", 2, MOTE_ERR_VARINT },
    { "vendor: 15", 12, SIXTEEN, 15, MOTE_ERR_TRUNCATED },
    { "vendor: 17", 12, SIXTEEN "x", 17, MOTE_ERR_TRAILING },
    { "class: none", 14, "", 0, MOTE_ERR_VALUE },
    { "class: 15", 14, SIXTEEN, 15, MOTE_ERR_VALUE },
    { "class: 17", 14, SIXTEEN "x", 17, MOTE_ERR_VALUE },
    { "class: one", 14, SIXTEEN, 16, MOTE_OK },
    { "class: twice", 14, SIXTEEN SIXTEEN, 32, MOTE_ERR_ORDER },
    { "class: descending", 14, "1123456789abcdef" SIXTEEN, 32, MOTE_ERR_ORDER },
    { "cipher", 16, "", 0, MOTE_ERR_CRITICAL },
    { "base", 18, SIXTEEN, 16, MOTE_ERR_CRITICAL },
    { "set", 20, "\x01", 1, MOTE_ERR_CRITICAL },
    { "unknown even tag", 22, "", 0, MOTE_ERR_CRITICAL },
    { "unknown even tag, far", 0x7FFFFFFE, "", 0, MOTE_ERR_CRITICAL },
    { "unknown odd tag", 1, "\xFF\xFF", 2, MOTE_OK },
    { "unknown odd tag between", 9, "", 0, MOTE_OK },
    { "unknown odd tag at the end", 0xFFFFFFFF, "x", 1, MOTE_OK },
    { "version: empty", 17, "", 0, MOTE_ERR_LIMIT },
    { "version: 63", 17, TIMES16("abcd"), 63, MOTE_OK },
    { "version: 64", 17, TIMES16("abcd"), 64, MOTE_ERR_LIMIT },
    { "version: control", 17, "1\t0", 3, MOTE_ERR_UTF8 },
    { "created: 0", 19, "\x00", 1, MOTE_ERR_VALUE },
    { "created: byte behind", 19, "\x01\x01", 2, MOTE_ERR_TRAILING },
    { "not_after: 0", 21, "\x00", 1, MOTE_ERR_VALUE },
    { "not_after: empty", 21, "", 0, MOTE_ERR_TRUNCATED },
    { "tool: empty", 23, "", 0, MOTE_ERR_LIMIT },
    { "tool: 63", 23, TIMES16("abcd"), 63, MOTE_OK },
    { "tool: 64", 23, TIMES16("abcd"), 64, MOTE_ERR_LIMIT },
    { "tool: not UTF-8", 23, "\xFF", 1, MOTE_ERR_UTF8 },
};

START_TEST(manifest_field_follows_table) /* Spec format.md 5; D14, D15, D17, D21, D28 */
{
    mote_wr m;
    mote_manifest f = { .n_chunks = 99 };
    good_manifest(&m);
    tlv_del(&m, fields[_i].tag);
    if (fields[_i].value) tlv_set(&m, fields[_i].tag, fields[_i].value, fields[_i].n);
    mote_status st = read_exact(&f, &m, NULL);
    ck_assert_msg(st == fields[_i].st, "%s: %d", fields[_i].name, st);
    if (st != MOTE_OK) ck_assert_msg(f.n_chunks == 99, "%s: output written", fields[_i].name);
    mote_wr_free(&m);
}
END_TEST

static const struct {
    const char *name;
    unsigned fact;
    uint64_t value;
    mote_status st;
} facts[] = {
    { "n_entries 0", N_ENTRIES, 0, MOTE_ERR_LIMIT },
    { "n_entries: body_len / 26", N_ENTRIES, 3000 / 26, MOTE_OK },
    { "n_entries: body_len / 26 + 1", N_ENTRIES, 3000 / 26 + 1, MOTE_ERR_LIMIT },
    { "n_entries 2^32 + 3: not cut", N_ENTRIES, ((uint64_t)1 << 32) + 3, WIDE(MOTE_ERR_LIMIT, MOTE_ERR_MEMORY) },
    { "n_entries 2^63-1", N_ENTRIES, INT64_MAX, WIDE(MOTE_ERR_LIMIT, MOTE_ERR_MEMORY) },
    { "chunk_max 0", CHUNK_MAX, 0, MOTE_ERR_LIMIT },
    { "chunk_max 60", CHUNK_MAX, 60, MOTE_OK },
    { "chunk_max 2^20", CHUNK_MAX, 1 << 20, MOTE_OK },
    { "chunk_max 2^20 + 1", CHUNK_MAX, (1 << 20) + 1, MOTE_ERR_LIMIT },
    { "chunk_max 2^32 + 1000: not cut", CHUNK_MAX, ((uint64_t)1 << 32) + 1000, WIDE(MOTE_ERR_LIMIT, MOTE_ERR_MEMORY) },
    { "entry_max = chunk_max", ENTRY_MAX, 1000, MOTE_OK },
    { "entry_max > chunk_max", ENTRY_MAX, 1001, MOTE_ERR_LIMIT },
    { "entry_max 2^63-1", ENTRY_MAX, INT64_MAX, WIDE(MOTE_ERR_LIMIT, MOTE_ERR_MEMORY) },
    { "head_max = chunk_max", HEAD_MAX, 1000, MOTE_OK },
    { "head_max > chunk_max", HEAD_MAX, 1001, MOTE_ERR_LIMIT },
    { "table_slots_max: head_max / 5 + 64", TABLE_SLOTS_MAX, 76, MOTE_OK },
    { "table_slots_max: head_max / 5 + 65", TABLE_SLOTS_MAX, 77, MOTE_ERR_LIMIT },
    { "table_slots_max 2^63-1", TABLE_SLOTS_MAX, INT64_MAX, WIDE(MOTE_ERR_LIMIT, MOTE_ERR_MEMORY) },
    { "resident_max 2^63-1", RESIDENT_MAX, INT64_MAX, WIDE(MOTE_OK, MOTE_ERR_MEMORY) },
    { "seg_elems_max 2^63-1", SEG_ELEMS_MAX, INT64_MAX, WIDE(MOTE_OK, MOTE_ERR_MEMORY) },
    { "seg_raw_max 2^63-1", SEG_RAW_MAX, INT64_MAX, WIDE(MOTE_OK, MOTE_ERR_MEMORY) },
    { "tensor_max 2^63-1", TENSOR_MAX, INT64_MAX, WIDE(MOTE_OK, MOTE_ERR_MEMORY) },
    { "decoded_total 2^63-1", DECODED_TOTAL, INT64_MAX, WIDE(MOTE_OK, MOTE_ERR_MEMORY) },
    { "decoded_total 2^63", DECODED_TOTAL, (uint64_t)1 << 63, MOTE_ERR_VARINT },
};

START_TEST(facts_follow_table) /* Spec format.md 5.2; D1, A19 */
{
    mote_wr m;
    mote_manifest f;
    uint64_t v[N_FACTS];
    memcpy(v, good_facts, sizeof v);
    v[facts[_i].fact] = facts[_i].value;
    good_manifest(&m);
    put_facts(&m, v, N_FACTS);
    mote_status st = read_exact(&f, &m, NULL);
    ck_assert_msg(st == facts[_i].st, "%s: %d", facts[_i].name, st);
    mote_wr_free(&m);
}
END_TEST

static const struct {
    const char *name;
    uint64_t n_chunks, body;
    mote_status st;
} trees[] = {
    { "no chunk", 0, 3000, MOTE_ERR_LIMIT },
    { "one chunk of 78", 1, 78, MOTE_OK },
    { "one chunk of a byte", 1, 1, MOTE_ERR_TREE },
    { "two chunks, the least body", 2, 72 + 6 + 72, MOTE_OK },
    { "16 chunks of 2", 16, 16 * 36 + 32, MOTE_OK },
    { "16 chunks, one byte less", 16, 16 * 36 + 31, MOTE_ERR_TREE },
    { "17 chunks of 2", 17, 17 * 36 + 2 * 40 + 34, MOTE_OK },
    { "17 chunks, one byte less", 17, 17 * 36 + 2 * 40 + 33, MOTE_ERR_TREE },
    { "2^28 chunks", 1 << 28, ((uint64_t)1 << 48) - 1, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "2^28 chunks, small body", 1 << 28, 1 << 30, MOTE_ERR_TREE },
    { "2^28 + 1 chunks", (1 << 28) + 1, ((uint64_t)1 << 48) - 1, MOTE_ERR_LIMIT },
    { "2^32 + 4 chunks: not cut", ((uint64_t)1 << 32) + 4, 3000, MOTE_ERR_LIMIT },
    { "body 2^48 - 1", 4, ((uint64_t)1 << 48) - 1, WIDE(MOTE_OK, MOTE_ERR_LIMIT) },
    { "body 2^48", 4, (uint64_t)1 << 48, MOTE_ERR_LIMIT },
    { "body 2^63-1", 4, INT64_MAX, MOTE_ERR_LIMIT },
    { "body 0", 1, 0, MOTE_ERR_TREE },
};

START_TEST(tree_field_follows_table) /* A10, A19 */
{
    mote_wr m;
    mote_manifest f;
    good_manifest(&m);
    put_tree(&m, trees[_i].n_chunks, trees[_i].body);
    mote_status st = read_exact(&f, &m, NULL);
    ck_assert_msg(st == trees[_i].st, "%s: %d", trees[_i].name, st);
    mote_wr_free(&m);
}
END_TEST

START_TEST(manifest_refuses_fields_out_of_order_and_repeated)
{
    mote_wr m;
    mote_manifest f;
    good_manifest(&m);
    size_t n = 0;
    const uint8_t *needs = tlv_get(&m, 6, &n);
    size_t at = (size_t)(needs - 2 - m.p);
    uint8_t field[5];
    memcpy(field, m.p + at, 5);
    wr_insert(&m, at, field, 5);
    ck_assert_int_eq(read_exact(&f, &m, NULL), MOTE_ERR_ORDER);
    wr_delete(&m, at, 5);
    wr_delete(&m, at, 5);
    wr_insert(&m, 0, field, 5);
    ck_assert_int_eq(read_exact(&f, &m, NULL), MOTE_ERR_ORDER);
    mote_wr_free(&m);
    ck_assert_int_eq(mote_manifest_read(&f, NULL, 0), MOTE_ERR_MISSING);
}
END_TEST

/* ---- policy ---- */

static const uint8_t digest_a[32] = "digest of the installed package", digest_b[32] = "digest of another package......";

typedef struct policy_row {
    const char *name;
    mote_policy policy;
    mote_status st;
} policy_row;

#define TEXT(s)          \
    {                    \
        s, sizeof(s) - 1 \
    }
static const policy_row policies[] = {
    { "nothing is asked", { .has = { { ~0u, ~0u, ~0u, ~0u } } }, MOTE_OK },
    { "the name", { .name = TEXT("kws"), .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "another name", { .name = TEXT("kwt"), .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_NAME },
    { "a prefix of the name", { .name = TEXT("kw"), .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_NAME },
    { "a longer name", { .name = TEXT("kws2"), .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_NAME },
    { "the vendor", { .vendor = (const uint8_t *)"vendor of tests.", .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "another vendor", { .vendor = (const uint8_t *)"vendor of tests!", .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_VENDOR },
    { "the first class", { .device_class = (const uint8_t *)SIXTEEN, .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "the second class", { .device_class = (const uint8_t *)"1123456789abcdef", .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "another class",
      { .device_class = (const uint8_t *)"2123456789abcdef", .has = { { 2, 1, 0, 1 } } },
      MOTE_ERR_CLASS },
    { "newer than installed", { .installed_sequence = 6, .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "older than installed", { .installed_sequence = 8, .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_ROLLBACK },
    { "older, even with its digest",
      { .installed_sequence = 8, .installed_digest = digest_a, .has = { { 2, 1, 0, 1 } } },
      MOTE_ERR_ROLLBACK },
    { "the installed one",
      { .installed_sequence = 7, .installed_digest = digest_a, .has = { { 2, 1, 0, 1 } } },
      MOTE_ERR_INSTALLED },
    { "another with its sequence",
      { .installed_sequence = 7, .installed_digest = digest_b, .has = { { 2, 1, 0, 1 } } },
      MOTE_ERR_SAME_SEQUENCE },
    { "its sequence, digest unknown", { .installed_sequence = 7, .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_SAME_SEQUENCE },
    { "no such layout", { .has = { { 0, 1, 0, 1 } } }, MOTE_ERR_NEEDS },
    { "no such numeric", { .has = { { 2, 2, 0, 1 } } }, MOTE_ERR_NEEDS },
    { "no such coder", { .has = { { 2, 1, 0, 2 } } }, MOTE_ERR_NEEDS },
    { "nothing at all", { .has = { { 0 } } }, MOTE_ERR_NEEDS },
    { "tensor_max fits", { .tensor_max = 400, .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "tensor_max exceeded", { .tensor_max = 399, .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_MEMORY },
    { "decoded_total fits", { .decoded_total = 900, .has = { { 2, 1, 0, 1 } } }, MOTE_OK },
    { "decoded_total exceeded", { .decoded_total = 899, .has = { { 2, 1, 0, 1 } } }, MOTE_ERR_MEMORY },
    { "name before vendor",
      { .name = TEXT("x"), .vendor = (const uint8_t *)SIXTEEN, .has = { { 0 } } },
      MOTE_ERR_NAME },
    { "vendor before class",
      { .vendor = (const uint8_t *)SIXTEEN, .device_class = digest_a, .has = { { 0 } } },
      MOTE_ERR_VENDOR },
    { "class before sequence", { .device_class = digest_a, .installed_sequence = 8 }, MOTE_ERR_CLASS },
    { "sequence before needs", { .installed_sequence = 8, .tensor_max = 1 }, MOTE_ERR_ROLLBACK },
    { "needs before memory", { .tensor_max = 1 }, MOTE_ERR_NEEDS },
};

START_TEST(policy_follows_table) /* Spec format.md 11; A6, A8, A20 */
{
    mote_wr m;
    mote_manifest f;
    good_manifest(&m);
    ck_assert_int_eq(mote_manifest_read(&f, m.p, m.n), MOTE_OK);
    mote_status st = mote_policy_check(&policies[_i].policy, &f, digest_a);
    ck_assert_msg(st == policies[_i].st, "%s: %d", policies[_i].name, st);
    mote_wr_free(&m);
}
END_TEST

START_TEST(policy_needs_what_it_compares_with)
{
    mote_wr m;
    mote_manifest f;
    good_manifest(&m);
    tlv_del(&m, 8), tlv_del(&m, 10), tlv_del(&m, 12), tlv_del(&m, 14);
    ck_assert_int_eq(mote_manifest_read(&f, m.p, m.n), MOTE_OK);
    mote_policy p = { .has = f.needs };
    ck_assert_int_eq(mote_policy_check(&p, &f, digest_a), MOTE_OK);
    p.name = (mote_text)TEXT("kws");
    ck_assert_int_eq(mote_policy_check(&p, &f, digest_a), MOTE_ERR_NAME);
    p = (mote_policy){ .vendor = digest_a, .has = f.needs };
    ck_assert_int_eq(mote_policy_check(&p, &f, digest_a), MOTE_ERR_VENDOR);
    p = (mote_policy){ .device_class = digest_a, .has = f.needs };
    ck_assert_int_eq(mote_policy_check(&p, &f, digest_a), MOTE_ERR_CLASS);
    p = (mote_policy){ .installed_sequence = 1, .has = f.needs };
    ck_assert_int_eq(mote_policy_check(&p, &f, digest_a), MOTE_ERR_ROLLBACK);
    mote_wr_free(&m);
}
END_TEST

START_TEST(needs_of_the_build_are_the_implemented_rows_of_the_registry)
{
    mote_needs with = mote_needs_of_build(true), without = mote_needs_of_build(false);
#define MOTE_ID(id, NAME, text, state)                               \
    ck_assert_msg(mote_needs_has(&with, id) == (state), "%s", text); \
    ck_assert(mote_needs_has(&without, id) == ((state) && (id) != MOTE_CODER_ZSTD));
#include "base/registry.def"
    unsigned n = 0;
    for (unsigned id = 0; id < 200; id++) n += mote_needs_has(&with, id) != 0;
    ck_assert_uint_eq(n, 24);
    mote_needs_add(&with, 128);
    mote_needs_add(&with, 1000);
    ck_assert(!mote_needs_has(&with, 128));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("manifest");
    TCase *tc = tcase_create("prelude");
    tcase_add_loop_test(tc, prelude_follows_table, 0, N(preludes));
    tcase_add_test(tc, prelude_refuses_every_flipped_bit_of_its_fixed_bytes);
    suite_add_tcase(s, tc);
    tc = tcase_create("manifest");
    tcase_add_test(tc, manifest_gives_its_fields);
    tcase_add_loop_test(tc, manifest_field_follows_table, 0, N(fields));
    tcase_add_loop_test(tc, facts_follow_table, 0, N(facts));
    tcase_add_loop_test(tc, tree_field_follows_table, 0, N(trees));
    tcase_add_test(tc, manifest_refuses_fields_out_of_order_and_repeated);
    suite_add_tcase(s, tc);
    tc = tcase_create("policy");
    tcase_add_loop_test(tc, policy_follows_table, 0, N(policies));
    tcase_add_test(tc, policy_needs_what_it_compares_with);
    tcase_add_test(tc, needs_of_the_build_are_the_implemented_rows_of_the_registry);
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
