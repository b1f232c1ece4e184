/* SPDX-License-Identifier: Apache-2.0
 * The coverage of the signature: whatever is changed in a signed package, by a bit, a byte or a part, is refused, for
 * the reason that the place of the change gives, and nothing is handed out from the changed place on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "pkg_helpers.h"

typedef struct target {
    mote_wr file;
    mote_loader_config config;
    mote_wr trace; /* of the untouched one */
    size_t work;   /* room for it, and to open any other */
    size_t manifest_end, body_at;
    size_t chunk_at[64]; /* in file, of chunks only */
    uint32_t n_chunks;
} target;

static target make(unsigned keys, unsigned trusted, unsigned threshold, uint32_t chunk_max)
{
    target t = { .config = pkg_config(trusted) };
    pkg_model m = { 0 };
    pkg p;
    pkg_rich_model(&m);
    pkg_model_write(&m, chunk_max, keys, &t.file);
    pkg_model_free(&m);
    t.config.trust.threshold = threshold;
    t.manifest_end = 16u + mote_le16(t.file.p + 10);
    t.body_at = t.manifest_end + mote_le16(t.file.p + 12);
    pkg_read(&p, t.file.p, t.file.n);
    pkg_finish(&p);
    must(p.n_chunks < N(t.chunk_at));
    t.n_chunks = p.n_chunks;
    for (uint32_t i = 0; i <= p.n_chunks; i++) t.chunk_at[i] = t.body_at + p.chunk_at[i];
    pkg_free(&p);
    pkg_load l = { .file = t.file.p, .n = t.file.n, .config = t.config };
    must(pkg_push(&l) == MOTE_OK);
    wr_copy(&t.trace, &l.trace);
    t.work = l.needed + mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX);
    pkg_load_free(&l);
    return t;
}

static void drop(target *t)
{
    mote_wr_free(&t->file);
    mote_wr_free(&t->trace);
}

/* The status; also that pushing and pulling agree, and that what was handed out is a beginning of the truth. */
static mote_status judge(const target *t, const mote_wr *file, size_t at)
{
    pkg_load push = { .file = file->p, .n = file->n, .config = t->config, .work = t->work }, pull = push;
    mote_status st = pkg_push(&push);
    ck_assert_msg(st < MOTE_OK && !push.complete, "accepted with a change at %zu", at);
    ck_assert(push.trace.n <= t->trace.n);
    /* the last two bytes of a trace are the status */
    ck_assert_msg(push.trace.n < 3 || memcmp(push.trace.p, t->trace.p, push.trace.n - 2) == 0, "change at %zu", at);
    mote_status pulled = at % 7 ? st : pkg_pull(&pull); /* not all: it takes as long again */
    ck_assert_msg(pulled == st || (st == MOTE_ERR_TRUNCATED && pulled == MOTE_ERR_IO) || pulled == MOTE_ERR_IO,
                  "change at %zu: %d, pulled %d", at, st, pulled);
    pkg_load_free(&push);
    pkg_load_free(&pull);
    return st;
}

static void flip_bits(target *t, size_t from, size_t to, size_t step,
                      void (*expect)(const target *, size_t, mote_status))
{
    for (size_t bit = 8 * from; bit < 8 * to; bit += step) {
        t->file.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect(t, bit / 8, judge(t, &t->file, bit / 8));
        t->file.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void any(const target *t, size_t at, mote_status st)
{
    (void)t, (void)at, (void)st;
}

static void prelude(const target *t, size_t at, mote_status st)
{
    (void)t;
    static const mote_status want[] = {
        [8] = MOTE_ERR_VERSION, [9] = MOTE_ERR_SUITE, [14] = MOTE_ERR_RESERVED, [15] = MOTE_ERR_RESERVED
    };
    if (at < 8) ck_assert_int_eq(st, MOTE_ERR_MAGIC);
    if (at >= 8 && want[at]) ck_assert_int_eq(st, want[at]);
}

static void signature(const target *t, size_t at, mote_status st)
{
    (void)t;
    ck_assert_msg(st == MOTE_ERR_SIGNATURE, "change at %zu: %d", at, st);
}

static void digest(const target *t, size_t at, mote_status st)
{
    (void)t;
    ck_assert_msg(st == MOTE_ERR_DIGEST, "change at %zu: %d", at, st);
}

START_TEST(every_bit_of_prelude_and_manifest_is_signed) /* A2, A4 */
{
    target t = make(1, 1, 1, 128);
    flip_bits(&t, 0, 16, 1, prelude);
    flip_bits(&t, 16, t.manifest_end, 1, signature); /* and not what the manifest would then say */
    drop(&t);
}
END_TEST

START_TEST(every_bit_of_the_signatures_of_trusted_keys_counts)
{
    for (unsigned threshold = 1; threshold <= 3; threshold++) {
        target t = make(3, 3, threshold, 4096);
        /* an entry under another id is a stranger's: it is refused only if it was needed */
        if (threshold == 3) flip_bits(&t, t.manifest_end, t.body_at, 1, any);
        for (size_t at = t.manifest_end; at < t.body_at; at += 76) flip_bits(&t, at + 12, at + 76, 3, signature);
        drop(&t);
    }
}
END_TEST

START_TEST(every_bit_of_the_pages_is_bound) /* A11 */
{
    target t = make(1, 1, 1, 128);
    size_t pages = 0;
    for (uint32_t i = 0; i < t.n_chunks; i++) { /* what is between the end of a chunk and the next */
        size_t end = t.chunk_at[i], n = i % 16 == 0 ? mote_tree_page_bytes(t.n_chunks, 1, i) : 0;
        if (i == 0) n += mote_tree_page_bytes(t.n_chunks, 2, 0);
        flip_bits(&t, end - n, end, 1, digest);
        pages += n;
    }
    ck_assert_uint_eq(pages, mote_tree_pages_bytes(t.n_chunks));
    drop(&t);
}
END_TEST

START_TEST(every_fifth_bit_of_the_payload_is_bound)
{
    target t = make(1, 1, 1, 128);
    for (uint32_t i = 0; i < t.n_chunks; i++) {
        size_t n = i + 1 < t.n_chunks && (i + 1) % 16 == 0 ? mote_tree_page_bytes(t.n_chunks, 1, i + 1) : 0;
        flip_bits(&t, t.chunk_at[i], t.chunk_at[i + 1] - n, 5, digest);
    }
    drop(&t);
}
END_TEST

/* Without trust the manifest may say anything that is true of the body, but the body is bound to it. */
START_TEST(without_trust_the_body_is_still_bound)
{
    target t = make(1, 0, 1, 128);
    flip_bits(&t, t.body_at, t.file.n, 11, digest);
    drop(&t);
}
END_TEST

START_TEST(bytes_put_in_and_left_out_anywhere_are_refused)
{
    target t = make(2, 2, 1, 128);
    for (size_t at = 0; at <= t.file.n; at++) {
        mote_wr file = { 0 };
        wr_copy(&file, &t.file);
        uint8_t byte = at < t.file.n ? t.file.p[at] : 0; /* doubled */
        wr_insert(&file, at, &byte, 1);
        judge(&t, &file, at);
        if (at < t.file.n) {
            wr_delete(&file, at, 2);
            judge(&t, &file, at);
        }
        mote_wr_free(&file);
    }
    drop(&t);
}
END_TEST

START_TEST(parts_in_each_others_place_are_refused) /* A13 */
{
    target t = make(1, 1, 1, 128);
    for (uint32_t i = 0; i + 1 < t.n_chunks; i++) {
        for (uint32_t j = i + 1; j < t.n_chunks && j < i + 4; j++) {
            size_t a = t.chunk_at[i], b = t.chunk_at[j], n = 60;
            if (a + n > t.chunk_at[i + 1] || b + n > t.file.n || a + n > b) continue;
            mote_wr file = { 0 };
            wr_copy(&file, &t.file);
            memcpy(file.p + a, t.file.p + b, n);
            memcpy(file.p + b, t.file.p + a, n);
            ck_assert_int_eq(judge(&t, &file, a), MOTE_ERR_DIGEST);
            mote_wr_free(&file);
        }
    }
    drop(&t);
}
END_TEST

/* Two genuine packages of the same signer: no part of one fits the other. */
START_TEST(parts_of_two_packages_do_not_mix) /* A7 */
{
    pkg p;
    target a = make(1, 1, 1, 128), b = make(1, 1, 1, 128);
    pkg_read(&p, b.file.p, b.file.n);
    p.rec[pkg_find(&p, MOTE_RECORD_SEGMENT, 3)].v.p[1] ^= 0x40; /* another weight, of the same length everywhere */
    pkg_finish(&p);
    wr_copy(&b.file, &p.file);
    ck_assert(p.file.n == a.file.n && pkg_status(b.file.p, b.file.n, 1) == MOTE_OK);
    pkg_free(&p);
    const size_t ends[] = { a.manifest_end, a.body_at,      a.body_at + 3 * 40,        a.chunk_at[0],
                            a.chunk_at[8],  a.chunk_at[16], a.chunk_at[a.n_chunks - 1] };
    for (size_t k = 0; k < N(ends); k++) {
        for (int swap = 0; swap < 2; swap++) {
            const target *head = swap ? &b : &a, *tail = swap ? &a : &b;
            mote_wr file = { 0 };
            mote_wr_bytes(&file, head->file.p, ends[k]);
            mote_wr_bytes(&file, tail->file.p + ends[k], tail->file.n - ends[k]);
            if (!wr_same(&file, &a.file) && !wr_same(&file, &b.file)) {
                mote_status st = pkg_status(file.p, file.n, 1);
                ck_assert_msg(st == (k == 0 ? MOTE_ERR_SIGNATURE : MOTE_ERR_DIGEST), "cut %zu: %d", k, st);
            }
            mote_wr_free(&file);
        }
    }
    drop(&a);
    drop(&b);
}
END_TEST

/* Nothing that an attacker without a key can write passes for signed. */
START_TEST(signatures_do_not_come_from_the_file) /* A1, A16 */
{
    target t = make(1, 1, 1, 4096);
    pkg p;
    pkg_read(&p, t.file.p, t.file.n);
    tlv_set(&p.manifest, 17, "9.9", 3); /* his own manifest, signed by his own keys */
    for (unsigned k = 0; k < 16; k++) p.sig[k] = (pkg_signature){ 1, 1, k + 1 };
    for (size_t n = 0; n <= 16; n++) {
        p.n_sigs = n;
        p.stage = PKG_OPEN;
        pkg_finish(&p);
        ck_assert_int_eq(pkg_status(p.file.p, p.file.n, 1), n ? MOTE_ERR_UNTRUSTED : MOTE_ERR_UNSIGNED);
        if (n == 0) continue;
        mote_key_id(mote_crypto_host(), p.file.p + 16 + p.manifest.n + 4, 1, pkg_key(0)->pub,
                    32); /* under another's id */
        if (n == 1) ck_assert_int_eq(pkg_status(p.file.p, p.file.n, 1), MOTE_ERR_SIGNATURE);
        if (n > 1) ck_assert_int_lt(pkg_status(p.file.p, p.file.n, 1), MOTE_OK);
        memcpy(p.file.p + 16 + p.manifest.n, t.file.p + t.manifest_end,
               76); /* a genuine signature of another manifest */
        ck_assert_int_lt(pkg_status(p.file.p, p.file.n, 1), MOTE_OK);
    }
    pkg_free(&p);
    drop(&t);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tamper");
    TCase *tc = tcase_create("tamper");
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, every_bit_of_prelude_and_manifest_is_signed);
    tcase_add_test(tc, every_bit_of_the_signatures_of_trusted_keys_counts);
    tcase_add_test(tc, every_bit_of_the_pages_is_bound);
    tcase_add_test(tc, every_fifth_bit_of_the_payload_is_bound);
    tcase_add_test(tc, without_trust_the_body_is_still_bound);
    tcase_add_test(tc, bytes_put_in_and_left_out_anywhere_are_refused);
    tcase_add_test(tc, parts_in_each_others_place_are_refused);
    tcase_add_test(tc, parts_of_two_packages_do_not_mix);
    tcase_add_test(tc, signatures_do_not_come_from_the_file);
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
