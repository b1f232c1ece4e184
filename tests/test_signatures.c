/* SPDX-License-Identifier: Apache-2.0
 * Signature blocks: their form, who counts and who does not, and what exactly is signed. Spec format.md 6. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "pkg_helpers.h"

static const uint8_t identity[32] = "manifest digest of these tests.";

/* An entry by hand: key k signs for (alg, role), the entry says so, too. */
static void put_entry(mote_wr *w, uint8_t alg, uint8_t role, unsigned k)
{
    const mote_crypto *c = mote_crypto_host();
    uint8_t e[76] = { alg, role }, block[64];
    mote_put16(e + 2, 64);
    mote_key_id(c, e + 4, alg, pkg_key(k)->pub, 32);
    mote_signing_block(block, alg, role, e + 4, identity);
    must(mote_keypair_sign(pkg_key(k), block, 64, e + 12) == MOTE_OK);
    mote_wr_bytes(w, e, sizeof e);
}

static int by_ten(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;
    int c = memcmp(x, y, 2);
    return c ? c : memcmp(x + 4, y + 4, 8);
}

static void sort(mote_wr *w)
{
    qsort(w->p, w->n / 76, 76, by_ten);
}

static mote_status check_exact(const mote_trust *trust, const mote_wr *block)
{
    uint8_t *in = pkg_exact(block->p, block->n);
    mote_status st = mote_signatures_check(mote_crypto_host(), trust, in, block->n, identity);
    free(in);
    return st;
}

static const uint8_t *pkg_id(unsigned k)
{
    static uint8_t id[8];
    mote_key_id(mote_crypto_host(), id, 1, pkg_key(k)->pub, 32);
    return id;
}

static mote_trust trust_of(size_t n_keys, unsigned threshold, uint8_t role)
{
    return (mote_trust){ pkg_public_keys(), n_keys, threshold, role };
}

/* ---- what is signed ---- */

START_TEST(signing_block_has_the_bytes_of_the_table) /* 6.2; A4, A5 */
{
    uint8_t block[64], want[64] = "mote signature", id[8];
    const mote_crypto *c = mote_crypto_host();
    mote_key_id(c, id, 1, pkg_key(0)->pub, 32);
    mote_signing_block(block, 1, 2, id, identity);
    want[16] = want[17] = want[18] = 1;
    want[19] = 2;
    memcpy(want + 24, id, 8);
    memcpy(want + 32, identity, 32);
    ck_assert_mem_eq(block, want, 64);

    uint8_t plain[16 + 1 + 32] = "mote1 key", digest[32];
    plain[16] = 1;
    memcpy(plain + 17, pkg_key(0)->pub, 32);
    const uint8_t *part[1] = { plain };
    const size_t n[1] = { sizeof plain };
    c->sha256(c->ctx, digest, part, n, 1);
    ck_assert_mem_eq(id, digest, 8);
}
END_TEST

/* A valid signature under every other role, algorithm, version, suite, key id and digest is none. */
START_TEST(signature_covers_every_byte_of_its_block)
{
    const mote_trust trust = trust_of(1, 1, 0);
    for (unsigned at = 0; at < 64; at++) {
        uint8_t e[76] = { 1, 1 }, block[64];
        mote_put16(e + 2, 64);
        mote_key_id(mote_crypto_host(), e + 4, 1, pkg_key(0)->pub, 32);
        mote_signing_block(block, 1, 1, e + 4, identity);
        block[at] ^= 0x10;
        must(mote_keypair_sign(pkg_key(0), block, 64, e + 12) == MOTE_OK);
        mote_wr w = { 0 };
        mote_wr_bytes(&w, e, 76);
        ck_assert_msg(check_exact(&trust, &w) == MOTE_ERR_SIGNATURE, "byte %u", at);
        mote_wr_free(&w);
    }
}
END_TEST

START_TEST(every_bit_of_an_entry_of_a_trusted_key_counts)
{
    const mote_trust trust = trust_of(1, 1, 0);
    mote_wr w = { 0 };
    put_entry(&w, 1, 1, 0);
    ck_assert_int_eq(check_exact(&trust, &w), MOTE_OK);
    for (unsigned bit = 0; bit < 76 * 8; bit++) {
        w.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(check_exact(&trust, &w) != MOTE_OK, "bit %u", bit);
        w.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < 76; n++) {
        mote_wr cut = { .p = w.p, .n = n };
        ck_assert_int_eq(check_exact(&trust, &cut), n ? MOTE_ERR_TRUNCATED : MOTE_ERR_UNSIGNED);
    }
    mote_wr_u8(&w, 0);
    ck_assert_int_eq(check_exact(&trust, &w), MOTE_ERR_TRUNCATED); /* eleven bytes short of an entry */
    mote_wr_free(&w);
}
END_TEST

/* ---- the form of a block ---- */

typedef struct form_row {
    const char *name;
    unsigned at;
    uint8_t byte; /* of the second entry of three; keys 0..2 are in id order */
    mote_status st;
} form_row;

static const form_row forms[] = {
    { "alg 0", 0, 0, MOTE_ERR_VALUE },
    { "role 0", 1, 0, MOTE_ERR_VALUE },
    { "length 63", 2, 63, MOTE_ERR_VALUE },
    { "length 65", 2, 65, MOTE_ERR_VALUE },
    { "length 0", 2, 0, MOTE_ERR_VALUE },
    { "length 64 + 256: beyond the block", 3, 1, MOTE_ERR_TRUNCATED },
    { "length 64 + 0xFF00: beyond the block", 3, 0xFF, MOTE_ERR_TRUNCATED },
    { "role 2 between two of role 1", 1, 2, MOTE_ERR_ORDER },
    { "alg 2 between two of alg 1", 0, 2, MOTE_ERR_ORDER },
    { "key id above the next", 4, 0xFF, MOTE_ERR_ORDER },
    { "key id below the one before", 4, 0x00, MOTE_ERR_ORDER },
};

/* Three entries whose ids leave room for the rows above. */
static void three_entries(mote_wr *w)
{
    *w = (mote_wr){ 0 };
    for (unsigned k = 0; k < 8; k++) put_entry(w, 1, 1, k);
    sort(w);
    wr_delete(w, 4 * 76, 4 * 76);
    wr_delete(w, 0, 76);
    must(w->n == 3 * 76 && w->p[4] > 0 && w->p[2 * 76 + 4] < 0xFF);
}

START_TEST(block_form_follows_table)
{
    const mote_trust nobody = { .n_keys = 0 };
    mote_wr w;
    three_entries(&w);
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_OK);
    w.p[76 + forms[_i].at] = forms[_i].byte;
    mote_status st = check_exact(&nobody, &w);
    ck_assert_msg(st == forms[_i].st, "%s: %d", forms[_i].name, st);
    mote_wr_free(&w);
}
END_TEST

START_TEST(order_and_repetition_are_refused) /* D26 */
{
    const mote_trust nobody = { .n_keys = 0 };
    mote_wr w;
    three_entries(&w);
    uint8_t first[76];
    memcpy(first, w.p, 76);
    memcpy(w.p, w.p + 76, 76);
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_ERR_ORDER); /* the same entry twice */
    w.p[75] ^= 1;
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_ERR_ORDER); /* with another signature */
    memcpy(w.p + 76, first, 76);
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_ERR_ORDER); /* descending */
    mote_wr_free(&w);
    put_entry(&w, 1, 2, 0);
    put_entry(&w, 1, 1, 1);
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_ERR_ORDER); /* role comes before id */
    mote_wr_free(&w);
}
END_TEST

START_TEST(sixteen_entries_are_read_the_seventeenth_is_refused) /* A2 */
{
    const mote_trust all = trust_of(PKG_KEYS, 16, 0), one = trust_of(1, 1, 0);
    mote_wr w = { 0 };
    for (unsigned k = 0; k < 17; k++) put_entry(&w, 1, 1, k);
    sort(&w);
    ck_assert_int_eq(check_exact(&all, &w), MOTE_ERR_LIMIT);
    ck_assert_int_eq(check_exact(&one, &w), MOTE_ERR_LIMIT);
    wr_delete(&w, 16 * 76, 76);
    ck_assert_int_eq(check_exact(&all, &w), MOTE_OK);
    mote_wr_free(&w);
    uint8_t *big = calloc(1, 70000);
    ck_assert_int_eq(mote_signatures_check(mote_crypto_host(), &one, big, 65536, identity), MOTE_ERR_LIMIT);
    free(big);
}
END_TEST

/* ---- who counts ---- */

START_TEST(unknown_algorithms_and_keys_are_skipped)
{
    mote_wr w = { 0 };
    put_entry(&w, 1, 1, 0);
    put_entry(&w, 1, 1, 5);
    sort(&w);
    const uint8_t strange[12 + 3] = { 2, 1, 3, 0, 9, 9, 9, 9, 9, 9, 9, 9, 'a', 'b', 'c' };
    const uint8_t empty[12] = { 3, 200, 0, 0 };
    mote_wr_bytes(&w, strange, sizeof strange);
    mote_wr_bytes(&w, empty, sizeof empty);
    const mote_trust one = trust_of(1, 1, 0), nobody = { 0 };
    ck_assert_int_eq(check_exact(&one, &w), MOTE_OK);
    ck_assert_int_eq(check_exact(&nobody, &w), MOTE_OK);
    /* entries of others are outside every promise, but for their form */
    size_t other = memcmp(w.p + 4, pkg_id(5), 8) == 0 ? 0 : 76;
    for (size_t at = other + 12; at < other + 76; at++) {
        w.p[at] ^= 0xFF;
        ck_assert_int_eq(check_exact(&one, &w), MOTE_OK);
    }
    mote_wr_free(&w);
    /* the trusted key under another algorithm is unknown: it does not count */
    put_entry(&w, 2, 1, 0);
    ck_assert_int_eq(check_exact(&one, &w), MOTE_ERR_UNTRUSTED);
    mote_wr_free(&w);
    /* and under that algorithm its id is another: who writes the id of Ed25519 names nobody */
    const uint8_t alien[12 + 3] = { 2, 1, 3, 0 };
    mote_wr_bytes(&w, alien, sizeof alien);
    memcpy(w.p + 4, pkg_id(0), 8);
    ck_assert_int_eq(check_exact(&one, &w), MOTE_ERR_UNTRUSTED);
    wr_delete(&w, 0, w.n);
    put_entry(&w, 1, 1, 0);
    mote_wr_bytes(&w, alien, sizeof alien);
    memcpy(w.p + 76 + 4, pkg_id(0), 8);
    ck_assert_int_eq(check_exact(&one, &w), MOTE_OK);
    mote_wr_free(&w);
    /* a signature of key 1 that claims to be of key 0 */
    put_entry(&w, 1, 1, 1);
    mote_key_id(mote_crypto_host(), w.p + 4, 1, pkg_key(0)->pub, 32);
    ck_assert_int_eq(check_exact(&one, &w), MOTE_ERR_SIGNATURE);
    mote_wr_free(&w);
}
END_TEST

typedef struct count_row {
    const char *name;
    uint8_t roles[4]; /* of keys 0..3; 0: did not sign */
    size_t n_keys;
    unsigned threshold;
    uint8_t role;
    mote_status st;
} count_row;

static const count_row counts[] = {
    { "one of one", { 1 }, 1, 1, 1, MOTE_OK },
    { "threshold 0 means 1", { 1 }, 1, 0, 1, MOTE_OK },
    { "role 0 means release", { 1 }, 1, 1, 0, MOTE_OK },
    { "nobody signed", { 0 }, 1, 1, 1, MOTE_ERR_UNSIGNED },
    { "a stranger signed", { 0, 1 }, 1, 1, 1, MOTE_ERR_UNTRUSTED },
    { "one of two", { 0, 1 }, 2, 1, 1, MOTE_OK },
    { "two of two", { 1, 1 }, 2, 2, 1, MOTE_OK },
    { "one where two are asked", { 1 }, 2, 2, 1, MOTE_ERR_UNTRUSTED },
    { "two of three", { 1, 0, 1 }, 3, 2, 1, MOTE_OK },
    { "a stranger does not count", { 1, 0, 0, 1 }, 3, 2, 1, MOTE_ERR_UNTRUSTED },
    { "more than there are keys", { 1, 1 }, 2, 3, 1, MOTE_ERR_UNTRUSTED },
    { "approval is no release", { 2 }, 1, 1, 1, MOTE_ERR_UNTRUSTED },
    { "release is no approval", { 1 }, 1, 1, 2, MOTE_ERR_UNTRUSTED },
    { "approval asked for", { 2 }, 1, 1, 2, MOTE_OK },
    { "roles do not add up", { 1, 2 }, 2, 2, 1, MOTE_ERR_UNTRUSTED },
    { "role 3 is no release", { 3 }, 1, 1, 1, MOTE_ERR_UNTRUSTED },
    { "nobody is trusted", { 1 }, 0, 1, 1, MOTE_OK },
    { "nobody is trusted, nobody signed", { 0 }, 0, 5, 1, MOTE_OK },
};

START_TEST(threshold_counts_follow_table) /* A1 */
{
    const count_row *row = &counts[_i];
    mote_wr w = { 0 };
    for (unsigned k = 0; k < 4; k++)
        if (row->roles[k]) put_entry(&w, 1, row->roles[k], k);
    if (w.n) sort(&w);
    const mote_trust trust = trust_of(row->n_keys, row->threshold, row->role);
    mote_status st = check_exact(&trust, &w);
    ck_assert_msg(st == row->st, "%s: %d", row->name, st);
    mote_wr_free(&w);
}
END_TEST

START_TEST(a_key_counts_once_however_often_it_is_listed_or_signs)
{
    uint8_t keys[3][32];
    for (unsigned i = 0; i < 3; i++) memcpy(keys[i], pkg_key(i == 2 ? 1 : 0)->pub, 32); /* 0, 0, 1 */
    mote_wr w = { 0 };
    put_entry(&w, 1, 1, 0);
    put_entry(&w, 1, 2, 0);
    mote_trust trust = { keys[0], 3, 2, 0 };
    ck_assert_int_eq(check_exact(&trust, &w), MOTE_ERR_UNTRUSTED);
    trust.n_keys = 2;
    ck_assert_int_eq(check_exact(&trust, &w), MOTE_ERR_UNTRUSTED);
    put_entry(&w, 1, 1, 1);
    sort(&w);
    trust.n_keys = 3;
    ck_assert_int_eq(check_exact(&trust, &w), MOTE_OK);
    mote_wr_free(&w);
}
END_TEST

START_TEST(one_bad_signature_of_a_trusted_key_spoils_enough_good_ones)
{
    const mote_trust trust = trust_of(3, 1, 1);
    for (unsigned bad = 0; bad < 3; bad++) {
        mote_wr w = { 0 };
        for (unsigned k = 0; k < 3; k++) put_entry(&w, 1, k == bad ? 2 : 1, k); /* whatever its role */
        sort(&w);
        for (size_t at = 0; at < w.n; at += 76) {
            w.p[at + 40] ^= 4;
            ck_assert_int_eq(check_exact(&trust, &w), MOTE_ERR_SIGNATURE);
            w.p[at + 40] ^= 4;
        }
        ck_assert_int_eq(check_exact(&trust, &w), MOTE_OK);
        mote_wr_free(&w);
    }
}
END_TEST

START_TEST(trust_without_the_means_to_check_is_refused)
{
    mote_crypto c = *mote_crypto_host();
    mote_wr w = { 0 };
    put_entry(&w, 1, 1, 0);
    mote_trust trust = trust_of(1, 1, 0);
    c.ed25519 = NULL;
    ck_assert_int_eq(mote_signatures_check(&c, &trust, w.p, w.n, identity), MOTE_ERR_SIGNATURE);
    uint8_t keys[MOTE_TRUSTED_MAX + 1][32];
    for (unsigned i = 0; i < N(keys); i++) memcpy(keys[i], pkg_key(i % 16)->pub, 32);
    trust = (mote_trust){ keys[0], N(keys), 1, 0 };
    ck_assert_int_eq(mote_signatures_check(mote_crypto_host(), &trust, w.p, w.n, identity), MOTE_ERR_ARG);
    trust.n_keys--;
    ck_assert_int_eq(mote_signatures_check(mote_crypto_host(), &trust, w.p, w.n, identity), MOTE_OK);
    /* the last place of the list works like the first */
    memcpy(keys[MOTE_TRUSTED_MAX - 1], pkg_key(17)->pub, 32);
    mote_wr_free(&w);
    put_entry(&w, 1, 1, 17);
    ck_assert_int_eq(mote_signatures_check(mote_crypto_host(), &trust, w.p, w.n, identity), MOTE_OK);
    mote_wr_free(&w);
}
END_TEST

/* Digests whose ids all collide: the id selects the first key of that id, and that whole key must have signed. */
static void same_id(void *ctx, uint8_t digest[32], const uint8_t *const part[], const size_t bytes[], size_t n)
{
    (void)ctx, (void)part, (void)bytes, (void)n;
    memset(digest, 0x44, 32);
}

START_TEST(two_trusted_keys_of_one_id_do_not_stand_for_each_other) /* A16, D26 */
{
    mote_crypto c = *mote_crypto_host();
    c.sha256 = same_id;
    for (unsigned signer = 0; signer < 2; signer++) {
        uint8_t e[76] = { 1, 1 }, block[64];
        mote_put16(e + 2, 64);
        memset(e + 4, 0x44, 8);
        mote_signing_block(block, 1, 1, e + 4, identity);
        must(mote_keypair_sign(pkg_key(signer), block, 64, e + 12) == MOTE_OK);
        mote_trust trust = trust_of(2, 1, 0);
        ck_assert_int_eq(mote_signatures_check(&c, &trust, e, 76, identity), signer ? MOTE_ERR_SIGNATURE : MOTE_OK);
        trust.threshold = 2;
        ck_assert_int_ne(mote_signatures_check(&c, &trust, e, 76, identity), MOTE_OK);
    }
}
END_TEST

/* ---- writing ---- */

START_TEST(writer_keeps_the_block_in_order_and_refuses_repetition)
{
    uint64_t state = 3;
    for (unsigned turn = 0; turn < 20; turn++) {
        uint8_t *block = pkg_alloc(16 * 76);
        size_t bytes = 0;
        mote_wr want = { 0 };
        bool signed_by[PKG_KEYS][3] = { { false } };
        unsigned n = 0;
        while (n < 16) {
            unsigned k = pkg_random(&state) % PKG_KEYS, role = 1 + pkg_random(&state) % 2;
            mote_status st = mote_signature_add(block, &bytes, 16 * 76, pkg_key(k), (uint8_t)role, identity);
            ck_assert_int_eq(st, signed_by[k][role] ? MOTE_ERR_ORDER : MOTE_OK);
            if (!signed_by[k][role]) put_entry(&want, 1, (uint8_t)role, k), n++;
            signed_by[k][role] = true;
        }
        sort(&want);
        ck_assert(bytes == want.n && memcmp(block, want.p, bytes) == 0);
        const mote_wr w = { .p = block, .n = bytes };
        const mote_trust trust = trust_of(PKG_KEYS, 1, 1);
        ck_assert_int_eq(check_exact(&trust, &w), MOTE_OK);
        mote_wr_free(&want);
        free(block);
    }
}
END_TEST

START_TEST(writer_adds_nothing_where_it_must_not)
{
    uint8_t block[18 * 76];
    size_t bytes = 0;
    ck_assert_int_eq(mote_signature_add(block, &bytes, 75, pkg_key(0), 1, identity), MOTE_ERR_LIMIT);
    ck_assert_int_eq(mote_signature_add(block, &bytes, 76, pkg_key(0), 0, identity), MOTE_ERR_ARG);
    ck_assert_uint_eq(bytes, 0);
    for (unsigned k = 0; k < 16; k++)
        ck_assert_int_eq(mote_signature_add(block, &bytes, sizeof block, pkg_key(k), 1, identity), MOTE_OK);
    uint8_t *before = pkg_exact(block, bytes);
    ck_assert_int_eq(mote_signature_add(block, &bytes, sizeof block, pkg_key(16), 1, identity), MOTE_ERR_LIMIT);
    ck_assert(bytes == 16 * 76 && memcmp(block, before, bytes) == 0);
    free(before);
    bytes = 2 * 76;
    block[76] = 0;
    ck_assert_int_eq(mote_signature_add(block, &bytes, sizeof block, pkg_key(16), 1, identity), MOTE_ERR_VALUE);
    block[76] = 1;
    bytes -= 1;
    ck_assert_int_eq(mote_signature_add(block, &bytes, sizeof block, pkg_key(16), 1, identity), MOTE_ERR_TRUNCATED);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("signatures");
    TCase *tc = tcase_create("what is signed");
    tcase_add_test(tc, signing_block_has_the_bytes_of_the_table);
    tcase_add_test(tc, signature_covers_every_byte_of_its_block);
    tcase_add_test(tc, every_bit_of_an_entry_of_a_trusted_key_counts);
    suite_add_tcase(s, tc);
    tc = tcase_create("form");
    tcase_add_loop_test(tc, block_form_follows_table, 0, N(forms));
    tcase_add_test(tc, order_and_repetition_are_refused);
    tcase_add_test(tc, sixteen_entries_are_read_the_seventeenth_is_refused);
    suite_add_tcase(s, tc);
    tc = tcase_create("who counts");
    tcase_add_test(tc, unknown_algorithms_and_keys_are_skipped);
    tcase_add_loop_test(tc, threshold_counts_follow_table, 0, N(counts));
    tcase_add_test(tc, a_key_counts_once_however_often_it_is_listed_or_signs);
    tcase_add_test(tc, one_bad_signature_of_a_trusted_key_spoils_enough_good_ones);
    tcase_add_test(tc, trust_without_the_means_to_check_is_refused);
    tcase_add_test(tc, two_trusted_keys_of_one_id_do_not_stand_for_each_other);
    suite_add_tcase(s, tc);
    tc = tcase_create("writing");
    tcase_add_test(tc, writer_keeps_the_block_in_order_and_refuses_repetition);
    tcase_add_test(tc, writer_adds_nothing_where_it_must_not);
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
