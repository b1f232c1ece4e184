/* SPDX-License-Identifier: Apache-2.0
 * The sticky reader and what is built on it: integers, varints, zigzag numbers, tagged fields, texts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "pkg_helpers.h"
#include "wide.h"

static const struct {
    const char *name;
    uint8_t in[12];
    size_t n;
    mote_status st;
    uint64_t v;
    size_t left;
} varints[] = {
    { "zero", { 0x00 }, 1, MOTE_OK, 0, 0 },
    { "one byte", { 0x7F }, 1, MOTE_OK, 127, 0 },
    { "two bytes", { 0x80, 0x01 }, 2, MOTE_OK, 128, 0 },
    { "two bytes, the largest", { 0xFF, 0x7F }, 2, MOTE_OK, 16383, 0 },
    { "bytes behind stay", { 0x05, 0x80, 0x80 }, 3, MOTE_OK, 5, 2 },
    { "2^31", { 0x80, 0x80, 0x80, 0x80, 0x08 }, 5, MOTE_OK, (uint64_t)1 << 31, 0 },
    { "2^32", { 0x80, 0x80, 0x80, 0x80, 0x10 }, 5, MOTE_OK, (uint64_t)1 << 32, 0 },
    { "2^63-1", { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, 9, MOTE_OK, INT64_MAX, 0 },
    { "2^63", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 }, 10, MOTE_ERR_VARINT, 0, 0 },
    { "2^64-1", { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 }, 10, MOTE_ERR_VARINT, 0, 0 },
    { "eleven bytes", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 }, 11, MOTE_ERR_VARINT, 0, 0 },
    { "nine bytes and no end", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 }, 9, MOTE_ERR_VARINT, 0, 0 },
    { "overlong zero", { 0x80, 0x00 }, 2, MOTE_ERR_VARINT, 0, 0 },
    { "overlong 127", { 0xFF, 0x00 }, 2, MOTE_ERR_VARINT, 0, 0 },
    { "overlong 2^63-1", { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00 }, 10, MOTE_ERR_VARINT, 0, 0 },
    { "overlong in nine bytes", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 }, 9, MOTE_ERR_VARINT, 0, 0 },
    { "empty", { 0 }, 0, MOTE_ERR_TRUNCATED, 0, 0 },
    { "truncated", { 0x80 }, 1, MOTE_ERR_TRUNCATED, 0, 0 },
    { "truncated in eight", { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 }, 8, MOTE_ERR_TRUNCATED, 0, 0 },
};

START_TEST(varint_reads_table) /* Spec format.md 2.2 */
{
    uint8_t *in = pkg_exact(varints[_i].in, varints[_i].n);
    mote_rd r = mote_rd_init(in, varints[_i].n);
    uint64_t v = mote_rd_varint(&r);
    ck_assert_msg(v == varints[_i].v && r.st == varints[_i].st && mote_rd_left(&r) == varints[_i].left, "%s: %d",
                  varints[_i].name, r.st);
    free(in);
}
END_TEST

/* All strings of up to three bytes against a reader that looks them up in the list of all encodings. */
START_TEST(varint_accepts_exactly_the_shortest_forms)
{
    uint32_t wrong = 0; /* asserting each of 16 million would take minutes */
    for (unsigned n = 1; n <= 3; n++) {
        for (uint32_t bits = 0; bits < (uint32_t)1 << 8 * n; bits++) {
            const uint8_t in[3] = { (uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16) };
            mote_rd r = mote_rd_init(in, n);
            uint64_t v = mote_rd_varint(&r), again = 0;
            size_t used = n - mote_rd_left(&r), bytes = mote_varint_bytes(v);
            if (r.st != MOTE_OK) {
                wrong += v != 0 || mote_rd_left(&r) != 0;
                continue;
            }
            for (size_t i = 0; i < bytes && i < n; i++) again |= (uint64_t)(in[i] & 127) << 7 * i;
            wrong += used != bytes || again != v || in[bytes - 1] > 127;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    uint64_t state = 5;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t v = ((uint64_t)pkg_random(&state) << 31 ^ pkg_random(&state)) >> pkg_random(&state) % 63;
        mote_wr w = { 0 };
        mote_wr_varint(&w, v);
        mote_rd r = mote_rd_init(w.p, w.n);
        ck_assert(mote_rd_varint(&r) == v && mote_rd_end(&r) == MOTE_OK && w.n == mote_varint_bytes(v));
        mote_wr_free(&w);
    }
}
END_TEST

static const struct {
    const char *name;
    uint8_t in[10];
    size_t n;
    mote_status st;
    int64_t v;
} zigzags[] = {
    { "0", { 0 }, 1, MOTE_OK, 0 },
    { "-1", { 1 }, 1, MOTE_OK, -1 },
    { "1", { 2 }, 1, MOTE_OK, 1 },
    { "limit", { 0xC8, 0x01 }, 2, MOTE_OK, 100 },
    { "-limit", { 0xC7, 0x01 }, 2, MOTE_OK, -100 },
    { "limit + 1", { 0xCA, 0x01 }, 2, MOTE_ERR_TABLE, 0 },
    { "-limit - 1", { 0xC9, 0x01 }, 2, MOTE_ERR_TABLE, 0 },
    { "-2^62", { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, 9, MOTE_ERR_TABLE, 0 },
    { "2^62-1", { 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, 9, MOTE_ERR_TABLE, 0 },
    { "overlong", { 0x82, 0x00 }, 2, MOTE_ERR_VARINT, 0 },
    { "truncated", { 0x82 }, 1, MOTE_ERR_TRUNCATED, 0 },
};

START_TEST(zigzag_reads_table) /* Spec codecs.md 1 */
{
    uint8_t *in = pkg_exact(zigzags[_i].in, zigzags[_i].n);
    mote_rd r = mote_rd_init(in, zigzags[_i].n);
    int64_t v = mote_rd_zigzag(&r, 100, MOTE_ERR_TABLE);
    ck_assert_msg(v == zigzags[_i].v && r.st == zigzags[_i].st, "%s", zigzags[_i].name);
    free(in);
    for (int64_t x = -70000; x <= 70000; x += 7) {
        mote_wr w = { 0 };
        mote_wr_zigzag(&w, x);
        r = mote_rd_init(w.p, w.n);
        ck_assert(mote_rd_zigzag(&r, 70000, MOTE_ERR_TABLE) == x && mote_rd_end(&r) == MOTE_OK);
        mote_wr_free(&w);
    }
}
END_TEST

START_TEST(varint_max_refuses_above_with_the_status_of_the_caller)
{
    const uint8_t in[] = { 0x80, 0x01, 0x81, 0x01 };
    mote_rd r = mote_rd_init(in, sizeof in);
    ck_assert(mote_rd_varint_max(&r, 128, MOTE_ERR_LIMIT) == 128 && mote_rd_ok(&r));
    ck_assert(mote_rd_varint_max(&r, 128, MOTE_ERR_LIMIT) == 0 && r.st == MOTE_ERR_LIMIT);
}
END_TEST

START_TEST(integers_are_little_endian_and_need_all_their_bytes)
{
    static const uint8_t bytes[7] = { 1, 2, 3, 4, 5, 6, 7 };
    for (size_t n = 0; n <= 7; n++) {
        uint8_t *in = pkg_exact(bytes, n);
        mote_rd r = mote_rd_init(in, n);
        ck_assert_uint_eq(mote_rd_u8(&r), n >= 1 ? 1 : 0);
        ck_assert_uint_eq(mote_rd_u16(&r), n >= 3 ? 0x0302 : 0);
        ck_assert_uint_eq(mote_rd_u32(&r), n >= 7 ? 0x07060504 : 0);
        ck_assert_int_eq(mote_rd_end(&r), n >= 7 ? MOTE_OK : MOTE_ERR_TRUNCATED);
        free(in);
    }
}
END_TEST

START_TEST(first_failure_wins_and_empties_the_reader)
{
    const uint8_t in[4] = { 0x80, 0x00, 1, 2 };
    mote_rd r = mote_rd_init(in, 4);
    ck_assert(mote_rd_varint(&r) == 0 && r.st == MOTE_ERR_VARINT);
    ck_assert(mote_rd_left(&r) == 0 && mote_rd_take(&r, 1) == NULL && mote_rd_take(&r, 0) == NULL);
    ck_assert(mote_rd_u32(&r) == 0 && mote_rd_varint(&r) == 0 && r.st == MOTE_ERR_VARINT);
    mote_rd_fail(&r, MOTE_ERR_LIMIT);
    mote_rd child = mote_rd_sub(&r, 0);
    ck_assert(r.st == MOTE_ERR_VARINT && child.st == MOTE_ERR_VARINT && mote_rd_left(&child) == 0);
    child = mote_rd_sub_varint(&r);
    ck_assert(child.st == MOTE_ERR_VARINT && mote_rd_end(&r) == MOTE_ERR_VARINT);
}
END_TEST

START_TEST(nothing_is_a_legal_input)
{
    mote_rd r = mote_rd_init(NULL, 0);
    ck_assert(mote_rd_left(&r) == 0 && mote_rd_end(&r) == MOTE_OK && mote_rd_take(&r, 0) != NULL);
    ck_assert(mote_rd_take(&r, 1) == NULL && r.st == MOTE_ERR_TRUNCATED);
    r = mote_rd_init(NULL, 9); /* no bytes whatever the length says */
    ck_assert(mote_rd_left(&r) == 0);
}
END_TEST

START_TEST(lengths_beyond_the_address_space_are_truncated) /* D1, D2, D5, A19 */
{
    static const size_t lengths[] = {
        4,
        (size_t)1 << 31,
#if WIDE_SIZE
        (size_t)1 << 32,
        ((size_t)1 << 32) + 3,
        (size_t)1 << 63,
#endif
        SIZE_MAX,
        SIZE_MAX - 2
    };
    const uint8_t in[3] = { 1, 2, 3 };
    for (size_t i = 0; i < N(lengths); i++) {
        mote_rd r = mote_rd_init(in, 3), child = mote_rd_sub(&r, lengths[i]);
        ck_assert(r.st == MOTE_ERR_TRUNCATED && child.st == MOTE_ERR_TRUNCATED && mote_rd_left(&child) == 0);
    }
    mote_rd r = mote_rd_init(in, 3), child = mote_rd_sub(&r, 3);
    ck_assert(mote_rd_left(&child) == 3 && child.p == in && mote_rd_end(&r) == MOTE_OK);
    ck_assert_int_eq(mote_rd_end(&child), MOTE_ERR_TRAILING);
}
END_TEST

static const struct {
    const char *name;
    uint8_t in[16];
    size_t n;
    mote_status st;
    unsigned fields;
} tlvs[] = {
    { "nothing", { 0 }, 0, MOTE_OK, 0 },
    { "one", { 1, 2, 9, 9 }, 4, MOTE_OK, 1 },
    { "empty value", { 1, 0 }, 2, MOTE_OK, 1 },
    { "ascending with gaps", { 1, 0, 3, 1, 9, 200, 1, 0 }, 8, MOTE_OK, 3 },
    { "tag 0", { 0, 0 }, 2, MOTE_ERR_ORDER, 0 },
    { "repeated tag", { 3, 0, 3, 0 }, 4, MOTE_ERR_ORDER, 1 },
    { "descending tags", { 5, 0, 3, 0 }, 4, MOTE_ERR_ORDER, 1 },
    { "tag 2^32-1", { 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0 }, 6, MOTE_OK, 1 },
    { "tag 2^32", { 0x80, 0x80, 0x80, 0x80, 0x10, 0 }, 6, MOTE_ERR_LIMIT, 0 },
    { "tag 2^32 + 1: not cut to 1", { 0x81, 0x80, 0x80, 0x80, 0x10, 0 }, 6, MOTE_ERR_LIMIT, 0 },
    { "overlong tag", { 0x81, 0x00, 0 }, 3, MOTE_ERR_VARINT, 0 },
    { "overlong length", { 1, 0x80, 0x00 }, 3, MOTE_ERR_VARINT, 0 },
    { "no length", { 1 }, 1, MOTE_ERR_TRUNCATED, 0 },
    { "value one byte short", { 1, 3, 9, 9 }, 4, MOTE_ERR_TRUNCATED, 0 },
    { "length 2^63-1", { 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 9 }, 11, MOTE_ERR_TRUNCATED, 0 },
};

START_TEST(tagged_fields_read_table) /* Spec format.md 2.3 */
{
    uint8_t *in = pkg_exact(tlvs[_i].in, tlvs[_i].n);
    mote_rd r = mote_rd_init(in, tlvs[_i].n);
    mote_tlv f = { 0 };
    unsigned n = 0;
    while (mote_tlv_next(&r, &f)) {
        n++;
        ck_assert(f.value.p >= in && f.value.end <= in + tlvs[_i].n);
    }
    ck_assert_msg(r.st == tlvs[_i].st && n == tlvs[_i].fields, "%s: %d after %u", tlvs[_i].name, r.st, n);
    free(in);
}
END_TEST

START_TEST(unknown_tags_are_critical_if_even)
{
    for (uint32_t tag = 1; tag < 100; tag++) {
        mote_rd r = mote_rd_init(NULL, 0);
        mote_tlv f = { .tag = tag };
        mote_tlv_unknown(&r, &f);
        ck_assert_int_eq(r.st, tag % 2 ? MOTE_OK : MOTE_ERR_CRITICAL);
    }
}
END_TEST

static const struct {
    const char *name, *text;
    size_t n;
    bool valid;
} texts[] = {
    { "ascii", "a/b.c ~", 7, true },
    { "two bytes, least", "\xC2\x80", 2, true },
    { "two bytes, most", "\xDF\xBF", 2, true },
    { "three bytes, least", "\xE0\xA0\x80", 3, true },
    { "before surrogates", "\xED\x9F\xBF", 3, true },
    { "behind surrogates", "\xEE\x80\x80", 3, true },
    { "FFFF", "\xEF\xBF\xBF", 3, true },
    { "four bytes, least", "\xF0\x90\x80\x80", 4, true },
    { "10FFFF", "\xF4\x8F\xBF\xBF", 4, true },
    { "NUL inside", "a\0b", 3, false },
    { "line end", "a\n", 2, false },
    { "1F", "\x1F", 1, false },
    { "7F", "\x7F", 1, false },
    { "continuation alone", "\x80", 1, false },
    { "C0 80: overlong NUL", "\xC0\x80", 2, false },
    { "C1 BF: overlong 7F", "\xC1\xBF", 2, false },
    { "overlong three", "\xE0\x9F\xBF", 3, false },
    { "overlong four", "\xF0\x8F\xBF\xBF", 4, false },
    { "surrogate D800", "\xED\xA0\x80", 3, false },
    { "surrogate DFFF", "\xED\xBF\xBF", 3, false },
    { "110000", "\xF4\x90\x80\x80", 4, false },
    { "F5", "\xF5\x80\x80\x80", 4, false },
    { "FF", "\xFF", 1, false },
    { "two cut short", "a\xC3", 2, false },
    { "three cut short", "\xE2\x82", 2, false },
    { "four cut short", "\xF0\x9F\x8C", 3, false },
    { "second byte is ascii", "\xC3(", 2, false },
    { "third byte is ascii", "\xE2\x82(", 3, false },
    { "fourth byte is a head", "\xF0\x9F\x8C\xC3", 4, false },
};

START_TEST(text_validity_follows_table) /* Spec format.md 2.5; D17 */
{
    uint8_t *in = pkg_exact(texts[_i].text, texts[_i].n);
    mote_text t = { (const char *)in, texts[_i].n };
    ck_assert_msg(mote_text_valid(t, 1, 255) == texts[_i].valid, "%s", texts[_i].name);
    ck_assert(!mote_text_valid(t, texts[_i].n + 1, 255) && !mote_text_valid(t, 0, texts[_i].n - 1));
    free(in);
}
END_TEST

/* Every sequence of up to three bytes against code points counted out: the valid ones are exactly their encodings. */
START_TEST(text_validity_is_that_of_the_encodings_of_all_code_points)
{
    static uint8_t good[1 << 24];
    size_t n_good = 0, n_valid = 0;
    for (uint32_t c = 0x20; c < 0x10000; c++) {
        if (c == 0x7F || (c >= 0xD800 && c < 0xE000)) continue;
        uint32_t key = c < 0x80    ? c << 16
                       : c < 0x800 ? (0xC0 | c >> 6) << 16 | (0x80 | (c & 63)) << 8
                                   : (0xE0 | c >> 12) << 16 | (0x80 | (c >> 6 & 63)) << 8 | (0x80 | (c & 63));
        good[key] = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
        n_good++;
    }
    for (uint32_t key = 0; key < (uint32_t)1 << 24; key++) {
        const uint8_t in[3] = { (uint8_t)(key >> 16), (uint8_t)(key >> 8), (uint8_t)key };
        uint8_t lead = in[0];
        size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : 3; /* the length that the lead byte announces */
        if ((n < 3 && in[2]) || (n < 2 && in[1])) continue;
        bool valid = mote_text_valid((mote_text){ (const char *)in, n }, 1, 3);
        n_valid += valid;
        if (valid != (good[key] == n)) ck_abort_msg("%06x", key);
    }
    ck_assert_uint_eq(n_good, n_valid);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rd");
    TCase *tc = tcase_create("reader");
    tcase_add_loop_test(tc, varint_reads_table, 0, N(varints));
    tcase_add_test(tc, varint_accepts_exactly_the_shortest_forms);
    tcase_add_loop_test(tc, zigzag_reads_table, 0, N(zigzags));
    tcase_add_test(tc, varint_max_refuses_above_with_the_status_of_the_caller);
    tcase_add_test(tc, integers_are_little_endian_and_need_all_their_bytes);
    tcase_add_test(tc, first_failure_wins_and_empties_the_reader);
    tcase_add_test(tc, nothing_is_a_legal_input);
    tcase_add_test(tc, lengths_beyond_the_address_space_are_truncated);
    suite_add_tcase(s, tc);
    tc = tcase_create("fields and texts");
    tcase_add_loop_test(tc, tagged_fields_read_table, 0, N(tlvs));
    tcase_add_test(tc, unknown_tags_are_critical_if_even);
    tcase_add_loop_test(tc, text_validity_follows_table, 0, N(texts));
    tcase_add_test(tc, text_validity_is_that_of_the_encodings_of_all_code_points);
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
