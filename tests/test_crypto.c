/* SPDX-License-Identifier: Apache-2.0
 * Digests and signatures: three SHA-256 against NIST's vectors and each other, and the one verdict on Ed25519 against
 * files of vectors (tests/data/ed25519/README.md describes them) on which verifiers are known to disagree. */
#include <check.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/sign.h"
#include "sign/backend.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name;
    mote_sha256_fn digest;
} implementations[] = {
    { "small", mote_sha256_small },
    { "libsodium", mote_sha256_sodium },
    { "host", mote_sha256_host },
};

static void *allocate(size_t n)
{
    void *p = malloc(n != 0 ? n : 1);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* Heap, exact size: overreads trap under a sanitizer. */
static uint8_t *exact_copy(const void *from, size_t n)
{
    uint8_t *copy = allocate(n);
    if (n != 0) memcpy(copy, from, n);
    return copy;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes up to the first byte that is no hexadecimal digit; "-" is the empty string. Owned by the caller. */
static uint8_t *unhex(const char *hex, size_t *n)
{
    uint8_t *out = allocate(strlen(hex) / 2);
    *n = 0;
    for (; nibble(hex[0]) >= 0 && nibble(hex[1]) >= 0; hex += 2) {
        out[(*n)++] = (uint8_t)(nibble(hex[0]) * 16 + nibble(hex[1]));
    }
    return out;
}

static void unhex_exactly(uint8_t *out, size_t n, const char *hex)
{
    size_t got = 0;
    uint8_t *bytes = unhex(hex, &got);
    ck_assert_msg(got == n, "%zu bytes expected: %s", n, hex);
    memcpy(out, bytes, n);
    free(bytes);
}

/* ---- lines of vector files ---- */

typedef struct lines {
    FILE *file;
    char *line;
    size_t room;
    unsigned rows;
} lines;

static lines open_data(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", MOTE_TEST_DATA, name);
    lines l = { .file = fopen(path, "r") };
    ck_assert_msg(l.file != NULL, "cannot open %s", path);
    return l;
}

/* The next line with something on it, without its end; false after the last. */
static bool next_line(lines *l)
{
    while (getline(&l->line, &l->room, l->file) >= 0) {
        size_t n = strlen(l->line);
        while (n != 0 && isspace((unsigned char)l->line[n - 1])) l->line[--n] = '\0';
        if (n != 0 && l->line[0] != '#' && l->line[0] != '[') {
            l->rows++;
            return true;
        }
    }
    return false;
}

/* A file that has lost its rows must not pass as a file without failures. */
static void close_data(lines *l, unsigned rows)
{
    ck_assert_msg(l->rows == rows, "%u rows read, %u expected", l->rows, rows);
    free(l->line);
    fclose(l->file);
}

/* The n words of a row and its comment, cut in place. */
static char *split_words(char *line, char *word[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        word[i] = line;
        line = strchr(line, ' ');
        ck_assert_msg(line != NULL, "too few words: %s", word[0]);
        *line++ = '\0';
    }
    return line;
}

/* ---- SHA-256 ---- */

static void digest_one(mote_sha256_fn fn, uint8_t digest[32], const void *in, size_t n)
{
    const uint8_t *const part[] = { in };
    fn(NULL, digest, part, &n, 1);
}

static const struct {
    const char *name, *text;
    unsigned times; /* the text is repeated */
    const char *digest;
} messages[] = {
    { "empty", "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "one block", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "two blocks, 448 bits", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "896 bits",
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrst"
      "u",
      1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
    { "a million times a", "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

START_TEST(sha256_gives_the_published_digests) /* FIPS 180-4 examples; format.md 2.4 */
{
    for (size_t k = 0; k < N(messages); k++) {
        const size_t one = strlen(messages[k].text), n = one * messages[k].times;
        uint8_t *in = allocate(n), want[32], got[32];
        for (size_t i = 0; i < messages[k].times; i++) memcpy(in + i * one, messages[k].text, one);
        unhex_exactly(want, 32, messages[k].digest);
        digest_one(implementations[_i].digest, got, in, n);
        ck_assert_msg(memcmp(got, want, 32) == 0, "%s: %s", implementations[_i].name, messages[k].name);
        free(in);
    }
}
END_TEST

START_TEST(sha256_gives_the_digests_of_nist_short_messages)
{
    lines l = open_data("sha256/SHA256ShortMsg.rsp");
    size_t bits = 0, n = 0;
    uint8_t *in = NULL, want[32], got[32];
    while (next_line(&l)) {
        if (strncmp(l.line, "Len = ", 6) == 0) {
            bits = strtoul(l.line + 6, NULL, 10);
        } else if (strncmp(l.line, "Msg = ", 6) == 0) {
            free(in);
            in = unhex(l.line + 6, &n);
        } else {
            ck_assert(strncmp(l.line, "MD = ", 5) == 0 && in != NULL && bits / 8 <= n);
            unhex_exactly(want, 32, l.line + 5);
            uint8_t *exact = exact_copy(in, bits / 8);
            digest_one(implementations[_i].digest, got, exact, bits / 8);
            ck_assert_msg(memcmp(got, want, 32) == 0, "%s: %zu bits", implementations[_i].name, bits);
            free(exact);
        }
    }
    free(in);
    close_data(&l, 65 * 3);
}
END_TEST

/* Each digest is of the three before it; so the parts interface is used as a chain of SHA-256 would use it. */
START_TEST(sha256_follows_the_nist_monte_carlo_chain) /* SHAVS, 6.4 */
{
    lines l = open_data("sha256/SHA256Monte.rsp");
    uint8_t seed[32], want[32], last[3][32];
    const size_t bytes[3] = { 32, 32, 32 };
    ck_assert(next_line(&l) && strncmp(l.line, "Seed = ", 7) == 0);
    unhex_exactly(seed, 32, l.line + 7);
    for (unsigned count = 0; count < 100; count++) {
        for (unsigned i = 0; i < 3; i++) memcpy(last[i], seed, 32);
        for (unsigned i = 0; i < 1000; i++) {
            const uint8_t *const part[] = { last[i % 3], last[(i + 1) % 3], last[(i + 2) % 3] };
            uint8_t next[32];
            implementations[_i].digest(NULL, next, part, bytes, 3);
            memcpy(last[i % 3], next, 32);
        }
        memcpy(seed, last[999 % 3], 32);
        ck_assert(next_line(&l) && strncmp(l.line, "COUNT", 5) == 0);
        ck_assert(next_line(&l) && strncmp(l.line, "MD = ", 5) == 0);
        unhex_exactly(want, 32, l.line + 5);
        ck_assert_msg(memcmp(seed, want, 32) == 0, "%s: count %u", implementations[_i].name, count);
    }
    close_data(&l, 201);
}
END_TEST

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(i * 167 + (i >> 5) + 1);
}

START_TEST(sha256_implementations_agree_at_every_length_and_alignment)
{
    for (size_t n = 0; n <= 200; n++) {
        for (size_t odd = 0; odd < 8; odd++) {
            uint8_t *in = allocate(odd + n), digest[N(implementations)][32];
            fill(in + odd, n);
            for (size_t k = 0; k < N(implementations); k++) {
                digest_one(implementations[k].digest, digest[k], in + odd, n);
                ck_assert_msg(memcmp(digest[k], digest[0], 32) == 0, "%s: %zu bytes at offset %zu",
                              implementations[k].name, n, odd);
            }
            free(in);
        }
    }
}
END_TEST

START_TEST(sha256_of_parts_is_the_digest_of_their_concatenation)
{
    static const size_t lengths[] = { 0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 200 };
    for (size_t k = 0; k < N(lengths); k++) {
        const size_t n = lengths[k];
        uint8_t in[200], whole[32], got[32];
        fill(in, n);
        digest_one(mote_sha256_sodium, whole, in, n);
        for (size_t cut = 0; cut <= n; cut++) {
            uint8_t *a = exact_copy(in, cut), *b = exact_copy(in + cut, n - cut);
            const uint8_t *const two[] = { a, b };
            const size_t two_bytes[] = { cut, n - cut };
            implementations[_i].digest(NULL, got, two, two_bytes, 2);
            ck_assert_msg(memcmp(got, whole, 32) == 0, "%s: %zu of %zu", implementations[_i].name, cut, n);
            /* Parts without bytes count for nothing, wherever they stand and whatever they point at. */
            const uint8_t *const five[] = { NULL, a, a, b, NULL };
            const size_t five_bytes[] = { 0, cut, 0, n - cut, 0 };
            implementations[_i].digest(NULL, got, five, five_bytes, 5);
            ck_assert_msg(memcmp(got, whole, 32) == 0, "%s: %zu of %zu, empty parts", implementations[_i].name, cut, n);
            free(a);
            free(b);
        }
        const uint8_t *single[200];
        size_t ones[200];
        for (size_t i = 0; i < n; i++) {
            single[i] = in + i;
            ones[i] = 1;
        }
        implementations[_i].digest(NULL, got, single, ones, n);
        ck_assert_msg(memcmp(got, whole, 32) == 0, "%s: %zu parts of a byte", implementations[_i].name, n);
    }
}
END_TEST

/* The length in bits no longer fits 32 bits. One buffer given again and again keeps the memory small. */
START_TEST(sha256_counts_more_than_2_to_the_32_bits) /* threats.md A19 */
{
    enum { PARTS = 513 };
    const size_t mib = 1 << 20;
    uint8_t *in = allocate(mib), want[32], got[32];
    const uint8_t *part[PARTS];
    size_t bytes[PARTS];
    fill(in, mib);
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = in;
        bytes[i] = mib;
    }
    bytes[PARTS - 1] = 7;
    mote_sha256_host(NULL, want, part, bytes, PARTS);
    mote_sha256_small(NULL, got, part, bytes, PARTS);
    ck_assert(memcmp(got, want, 32) == 0);
    free(in);
}
END_TEST

static void *digest_in_a_thread(void *arg)
{
    uint8_t in[300], want[32], got[32];
    const uint8_t first = *(const uint8_t *)arg;
    fill(in, sizeof in);
    in[0] = first;
    for (size_t n = 1; n <= sizeof in; n++) {
        digest_one(mote_sha256_sodium, want, in, n);
        for (unsigned i = 0; i < 20; i++) {
            digest_one(mote_sha256_host, got, in, n);
            if (memcmp(got, want, 32) != 0) return NULL;
        }
    }
    return arg;
}

START_TEST(sha256_of_the_host_works_in_several_threads_at_once)
{
    pthread_t thread[4];
    uint8_t first[4] = { 1, 2, 3, 4 };
    for (size_t i = 0; i < N(thread); i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, digest_in_a_thread, &first[i]), 0);
    }
    for (size_t i = 0; i < N(thread); i++) {
        void *result = NULL;
        ck_assert_int_eq(pthread_join(thread[i], &result), 0);
        ck_assert_ptr_eq(result, &first[i]);
    }
}
END_TEST

START_TEST(host_back_end_is_complete_and_named)
{
    const mote_crypto *host = mote_crypto_host();
    ck_assert_ptr_nonnull(host);
    ck_assert(host->sha256 != NULL && host->ed25519 != NULL);
    ck_assert_ptr_eq(mote_crypto_host(), host);
    const char *name = mote_crypto_digest_name();
    ck_assert_msg(strcmp(name, "libcrypto") == 0 || strcmp(name, "libsodium") == 0, "%s", name);
}
END_TEST

/* ---- Ed25519 ---- */

static mote_status verify(const uint8_t sig[64], const uint8_t *msg, size_t n, const uint8_t key[32])
{
    const mote_crypto *host = mote_crypto_host();
    ck_assert_ptr_nonnull(host);
    return host->ed25519(host->ctx, sig, msg, n, key);
}

START_TEST(ed25519_signs_as_rfc_8032_says)
{
    lines l = open_data("ed25519/rfc8032.txt");
    while (next_line(&l)) {
        char *word[4];
        const char *name = split_words(l.line, word, 4);
        uint8_t seed[32], key[32], want[64], got[64];
        size_t n = 0;
        unhex_exactly(seed, 32, word[0]);
        unhex_exactly(key, 32, word[1]);
        uint8_t *text = unhex(word[2], &n), *msg = exact_copy(text, n);
        unhex_exactly(want, 64, word[3]);
        mote_keypair kp;
        ck_assert_int_eq(mote_keypair_from_seed(&kp, seed), MOTE_OK);
        ck_assert_msg(memcmp(kp.pub, key, 32) == 0, "%s: key", name);
        ck_assert_int_eq(mote_keypair_sign(&kp, msg, n, got), MOTE_OK);
        ck_assert_msg(memcmp(got, want, 64) == 0, "%s: signature", name);
        ck_assert_msg(verify(want, msg, n, key) == MOTE_OK, "%s: verification", name);
        ck_assert_msg(mote_public_key_check(key) == MOTE_OK, "%s: check of the key", name);
        free(text);
        free(msg);
    }
    close_data(&l, 5);
}
END_TEST

static const struct {
    const char *name;
    unsigned rows;
} verdicts[] = {
    { "ed25519/edge.txt", 238 },
    { "ed25519/wycheproof.txt", 198 },
};

/* The second column says what the cofactorless equation alone gives, so the part of the verdict that must not depend
 * on the library's own is tested by itself: with this libsodium refusing first it would never be asked. */
START_TEST(ed25519_gives_the_one_verdict) /* Spec format.md 6.3; threats.md A3, D29 */
{
    lines l = open_data(verdicts[_i].name);
    while (next_line(&l)) {
        char *word[6];
        const char *comment = split_words(l.line, word, 6);
        uint8_t key[32], sig[64];
        size_t n = 0;
        unhex_exactly(key, 32, word[3]);
        uint8_t *text = unhex(word[4], &n), *msg = exact_copy(text, n);
        unhex_exactly(sig, 64, word[5]);
        const mote_status want = strcmp(word[0], "ok") == 0 ? MOTE_OK : MOTE_ERR_SIGNATURE;
        const mote_status got = verify(sig, msg, n, key);
        ck_assert_msg(got == want, "%s: got %d, want %d", comment, got, want);
        if (word[1][0] != '-') {
            const bool holds = word[1][0] == '1';
            ck_assert_msg(mote_ed25519_equation(sig, msg, n, key) == holds, "equation: %s", comment);
        }
        free(text);
        free(msg);
    }
    close_data(&l, verdicts[_i].rows);
}
END_TEST

START_TEST(trusted_keys_are_canonical_points_of_prime_order)
{
    lines l = open_data("ed25519/keys.txt");
    while (next_line(&l)) {
        char *word[2];
        const char *comment = split_words(l.line, word, 2);
        uint8_t key[32];
        unhex_exactly(key, 32, word[1]);
        const mote_status want = strcmp(word[0], "ok") == 0 ? MOTE_OK : MOTE_ERR_KEY;
        ck_assert_msg(mote_public_key_check(key) == want, "%s", comment);
    }
    close_data(&l, 103);
}
END_TEST

START_TEST(ed25519_refuses_every_flipped_bit)
{
    static const uint8_t seed[32] = { 42 };
    mote_keypair kp;
    uint8_t msg[64], sig[64];
    fill(msg, sizeof msg);
    ck_assert_int_eq(mote_keypair_from_seed(&kp, seed), MOTE_OK);
    ck_assert_int_eq(mote_keypair_sign(&kp, msg, sizeof msg, sig), MOTE_OK);
    ck_assert_int_eq(verify(sig, msg, sizeof msg, kp.pub), MOTE_OK);
    const struct {
        const char *name;
        uint8_t *bytes;
        size_t n;
    } fields[] = { { "signature", sig, 64 }, { "message", msg, sizeof msg }, { "key", kp.pub, 32 } };
    for (size_t f = 0; f < N(fields); f++) {
        for (size_t bit = 0; bit < 8 * fields[f].n; bit++) {
            uint8_t *byte = &fields[f].bytes[bit / 8];
            *byte ^= (uint8_t)(1U << bit % 8);
            ck_assert_msg(verify(sig, msg, sizeof msg, kp.pub) == MOTE_ERR_SIGNATURE, "%s, bit %zu", fields[f].name,
                          bit);
            *byte ^= (uint8_t)(1U << bit % 8);
        }
    }
    ck_assert_int_eq(verify(sig, msg, sizeof msg, kp.pub), MOTE_OK);
}
END_TEST

START_TEST(generated_pairs_differ_sign_and_are_wiped)
{
    static const mote_keypair zero;
    mote_keypair a, b;
    uint8_t sig[64];
    ck_assert_int_eq(mote_keypair_generate(&a), MOTE_OK);
    ck_assert_int_eq(mote_keypair_generate(&b), MOTE_OK);
    ck_assert(memcmp(&a, &b, sizeof a) != 0 && memcmp(a.pub, b.pub, 32) != 0);
    ck_assert_int_eq(mote_public_key_check(a.pub), MOTE_OK);
    ck_assert_int_eq(mote_keypair_sign(&a, NULL, 0, sig), MOTE_OK);
    ck_assert_int_eq(verify(sig, NULL, 0, a.pub), MOTE_OK);
    ck_assert_int_eq(verify(sig, NULL, 0, b.pub), MOTE_ERR_SIGNATURE);
    mote_keypair_wipe(&a);
    ck_assert(memcmp(&a, &zero, sizeof a) == 0);
    mote_keypair_wipe(NULL);
}
END_TEST

/* A signature made with a foreign public key in the hash gives the secret scalar away. */
START_TEST(signing_refuses_halves_that_do_not_belong_together)
{
    mote_keypair a, b;
    uint8_t sig[64];
    ck_assert_int_eq(mote_keypair_generate(&a), MOTE_OK);
    b = a;
    b.pub[5] ^= 1;
    ck_assert_int_eq(mote_keypair_sign(&b, sig, 1, sig), MOTE_ERR_KEY);
    b = a;
    b.secret[40] ^= 1;
    ck_assert_int_eq(mote_keypair_sign(&b, sig, 1, sig), MOTE_ERR_KEY);
    b = a;
    b.secret[0] ^= 1;
    ck_assert_int_eq(mote_keypair_sign(&b, sig, 1, sig), MOTE_ERR_KEY);
}
END_TEST

START_TEST(missing_arguments_are_errors)
{
    mote_keypair kp = { .pub = { 0 } };
    uint8_t bytes[64] = { 0 };
    ck_assert_int_eq(mote_keypair_generate(NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keypair_from_seed(NULL, bytes), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keypair_from_seed(&kp, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keypair_sign(NULL, bytes, 1, bytes), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keypair_sign(&kp, NULL, 1, bytes), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keypair_sign(&kp, bytes, 1, NULL), MOTE_ERR_ARG);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("crypto");
    TCase *tc = tcase_create("sha256");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, sha256_gives_the_published_digests, 0, N(implementations));
    tcase_add_loop_test(tc, sha256_gives_the_digests_of_nist_short_messages, 0, N(implementations));
    tcase_add_loop_test(tc, sha256_follows_the_nist_monte_carlo_chain, 0, N(implementations));
    tcase_add_test(tc, sha256_implementations_agree_at_every_length_and_alignment);
    tcase_add_loop_test(tc, sha256_of_parts_is_the_digest_of_their_concatenation, 0, N(implementations));
    tcase_add_test(tc, sha256_counts_more_than_2_to_the_32_bits);
    tcase_add_test(tc, sha256_of_the_host_works_in_several_threads_at_once);
    tcase_add_test(tc, host_back_end_is_complete_and_named);
    suite_add_tcase(s, tc);
    tc = tcase_create("ed25519");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, ed25519_signs_as_rfc_8032_says);
    tcase_add_loop_test(tc, ed25519_gives_the_one_verdict, 0, N(verdicts));
    tcase_add_test(tc, trusted_keys_are_canonical_points_of_prime_order);
    tcase_add_test(tc, ed25519_refuses_every_flipped_bit);
    tcase_add_test(tc, generated_pairs_differ_sign_and_are_wiped);
    tcase_add_test(tc, signing_refuses_halves_that_do_not_belong_together);
    tcase_add_test(tc, missing_arguments_are_errors);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
