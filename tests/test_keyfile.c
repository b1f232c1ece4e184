/* SPDX-License-Identifier: Apache-2.0
 * Key files: what is written, that it is read again and nothing else is, and what is left on the disk when something
 * goes wrong. Files are also built here by hand, from the description alone, so that writer and reader cannot agree
 * on something else than what is written down. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mote/sign.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

enum { NOBODY = 65534 };

static const uint8_t seed[32] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };

/* Every test has a folder of its own, removed afterwards with whatever these tests may have put there. */
static char folder[64], key_path[128], pub_path[128];
static mote_keypair pair;

static void set_up(void)
{
    strcpy(folder, "keyfile_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(key_path, sizeof key_path, "%s/k.key", folder);
    snprintf(pub_path, sizeof pub_path, "%s/k.pub", folder);
    ck_assert_int_eq(mote_keypair_from_seed(&pair, seed), MOTE_OK);
}

static void tear_down(void)
{
    char other[128];
    snprintf(other, sizeof other, "%s/other", folder);
    unlink(key_path);
    unlink(pub_path);
    unlink(other);
    ck_assert_msg(rmdir(folder) == 0, "something unexpected is left in %s", folder);
}

static bool exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    ck_assert_int_eq(lstat(path, &info), 0);
    return info.st_mode & 07777;
}

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static size_t get_file(const char *path, char text[4096])
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    const size_t n = fread(text, 1, 4095, f);
    fclose(f);
    text[n] = '\0';
    return n;
}

/* Reads n bytes as a secret key file. A refusal must leave the caller's pair as it was. */
static mote_status read_secret_text(const char *text, size_t n, const char *passphrase)
{
    mote_keypair got, before;
    memset(&got, 0xa5, sizeof got);
    before = got;
    put_file(key_path, text, n);
    const mote_status st = mote_keyfile_read_secret(key_path, passphrase, &got);
    ck_assert(memcmp(&got, st == MOTE_OK ? &pair : &before, sizeof got) == 0);
    return st;
}

static mote_status read_public_text(const char *text, size_t n)
{
    uint8_t got[32], before[32];
    memset(got, 0xa5, sizeof got);
    memcpy(before, got, sizeof got);
    put_file(pub_path, text, n);
    const mote_status st = mote_keyfile_read_public(pub_path, got);
    ck_assert(memcmp(got, st == MOTE_OK ? pair.pub : before, sizeof got) == 0);
    return st;
}

/* The same three files for the pair above: written by hand, not by the library. */
#define PUBLIC_LINES                                                             \
    "ed25519 79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664\n" \
    "id " PUBLIC_ID "\n"
#define PUBLIC_ID "b9ce77ce026f2a75"
#define SEED_HEX "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
static const char public_text[] = "mote-public-key-1\n" PUBLIC_LINES;
static const char clear_text[] = "mote-secret-key-1\n" PUBLIC_LINES "protection none\nseed " SEED_HEX "\n";

/* A protected file with the least costs there are, from the description in keyfile.c. */
static size_t protected_text(char text[4096], const char *costs, unsigned passes, size_t kib)
{
    uint8_t salt[16], nonce[24], wrap[32], sealed[48];
    char salt_hex[33], nonce_hex[49], sealed_hex[97];
    memset(salt, 7, sizeof salt);
    memset(nonce, 9, sizeof nonce);
    sodium_bin2hex(salt_hex, sizeof salt_hex, salt, sizeof salt);
    sodium_bin2hex(nonce_hex, sizeof nonce_hex, nonce, sizeof nonce);
    const size_t head =
        (size_t)snprintf(text, 4096, "mote-secret-key-1\n" PUBLIC_LINES "protection argon2id %s %s\n", costs, salt_hex);
    ck_assert_int_eq(crypto_pwhash(wrap, 32, "secret", 6, salt, passes, kib * 1024, crypto_pwhash_ALG_ARGON2ID13), 0);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, seed, 32, (const uint8_t *)text, head, NULL, nonce, wrap);
    sodium_bin2hex(sealed_hex, sizeof sealed_hex, sealed, sizeof sealed);
    return head + (size_t)snprintf(text + head, 4096 - head, "seed xchacha20-poly1305 %s %s\n", nonce_hex, sealed_hex);
}

/* ---- writing and reading again ---- */

START_TEST(files_are_exactly_as_described)
{
    char text[4096];
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, NULL, MOTE_KEY_COST_INTERACTIVE), MOTE_OK);
    get_file(key_path, text);
    ck_assert_str_eq(text, clear_text);
    get_file(pub_path, text);
    ck_assert_str_eq(text, public_text);
}
END_TEST

START_TEST(written_files_are_read_again)
{
    static const struct {
        const char *passphrase;
        mote_key_cost cost;
        const char *line;
    } rows[] = {
        { NULL, MOTE_KEY_COST_INTERACTIVE, "\nprotection none\n" },
        { "a passphrase with \xc3\xa4 and spaces", MOTE_KEY_COST_INTERACTIVE, "\nprotection argon2id 2 65536 " },
        { "x", MOTE_KEY_COST_MODERATE, "\nprotection argon2id 3 262144 " },
    };
    char text[4096];
    mote_keypair kp, got;
    uint8_t pub[32];
    ck_assert_int_eq(mote_keypair_generate(&kp), MOTE_OK);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &kp, rows[_i].passphrase, rows[_i].cost), MOTE_OK);
    ck_assert_int_eq(mote_keyfile_read_secret(key_path, rows[_i].passphrase, &got), MOTE_OK);
    ck_assert(memcmp(&got, &kp, sizeof kp) == 0);
    ck_assert_int_eq(mote_keyfile_read_public(pub_path, pub), MOTE_OK);
    ck_assert(memcmp(pub, kp.pub, 32) == 0);
    get_file(key_path, text);
    ck_assert_msg(strstr(text, rows[_i].line) != NULL, "%s", text);

    char seed_hex[65];
    sodium_bin2hex(seed_hex, sizeof seed_hex, kp.secret, 32);
    ck_assert((strstr(text, seed_hex) != NULL) == (rows[_i].passphrase == NULL));
    get_file(pub_path, text);
    ck_assert(strstr(text, seed_hex) == NULL);
}
END_TEST

START_TEST(protected_files_need_their_passphrase)
{
    static const char *const wrong[] = { NULL, "", "Secret", "secret ", "secre" };
    char text[4096];
    const size_t n = protected_text(text, "1 8", 1, 8);
    ck_assert_int_eq(read_secret_text(text, n, "secret"), MOTE_OK);
    for (size_t i = 0; i < N(wrong); i++) {
        ck_assert_int_eq(read_secret_text(text, n, wrong[i]), MOTE_ERR_PASSPHRASE);
    }
}
END_TEST

START_TEST(salt_and_nonce_differ_between_files)
{
    char a[4096], b[4096];
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, "x", MOTE_KEY_COST_INTERACTIVE), MOTE_OK);
    get_file(key_path, a);
    unlink(key_path);
    unlink(pub_path);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, "x", MOTE_KEY_COST_INTERACTIVE), MOTE_OK);
    get_file(key_path, b);
    static const char *const before[] = { "65536 ", "poly1305 " };
    for (size_t i = 0; i < N(before); i++) {
        const char *at_a = strstr(a, before[i]), *at_b = strstr(b, before[i]);
        ck_assert(at_a != NULL && at_b != NULL);
        ck_assert(strncmp(at_a + strlen(before[i]), at_b + strlen(before[i]), 32) != 0);
    }
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *name, *from, *to; /* the first occurrence is replaced */
} changes[] = {
    { "another version", "-1\n", "-2\n" },
    { "the other kind", "mote-", "mote " },
    { "no first line", "mote-", "" },
    { "carriage return", "\n", "\r\n" },
    { "blank before", "mote", " mote" },
    { "blank line", "\n", "\n\n" },
    { "blank at the end of a line", "\nid", " \nid" },
    { "two blanks", "ed25519 ", "ed25519  " },
    { "tab", "ed25519 ", "ed25519\t" },
    { "another algorithm", "ed25519", "ed448" },
    { "capital digit", "79b5", "79B5" },
    { "no digit", "79b5", "7gb5" },
    { "digit too few", "79b5", "79b" },
    { "digit too many", "79b5", "79b55" },
    { "sign instead of a digit", "79b5", "+9b5" },
    { "another key", "79b5", "79b4" },
    { "another id", "id ", "id 0" },
    { "no id", "id ", "" },
    { "comment", "id ", "# id\nid " },
    { "byte order mark", "mote", "\xef\xbb\xbfmote" },
};

static size_t change(char out[4096], const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "%s is not in the text", from);
    return (size_t)snprintf(out, 4096, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

START_TEST(malformed_lines_are_refused)
{
    char text[4096], sealed[4096];
    size_t n = change(text, public_text, changes[_i].from, changes[_i].to);
    ck_assert_msg(read_public_text(text, n) == MOTE_ERR_KEY, "public: %s", changes[_i].name);
    n = change(text, clear_text, changes[_i].from, changes[_i].to);
    ck_assert_msg(read_secret_text(text, n, NULL) == MOTE_ERR_KEY, "secret: %s", changes[_i].name);
    protected_text(sealed, "1 8", 1, 8);
    n = change(text, sealed, changes[_i].from, changes[_i].to);
    ck_assert_msg(read_secret_text(text, n, "secret") == MOTE_ERR_KEY, "protected: %s", changes[_i].name);
}
END_TEST

static const struct {
    const char *name, *from, *to;
    bool sealed;
    mote_status st;
} secret_changes[] = {
    { "no protection line", "protection none\n", "", false, MOTE_ERR_KEY },
    { "unknown protection", "protection none", "protection scrypt", false, MOTE_ERR_KEY },
    { "words after none", "none", "none 1", false, MOTE_ERR_KEY },
    { "seed of another key", "seed 01", "seed 02", false, MOTE_ERR_KEY },
    { "seed too short", "1f20\n", "1f\n", false, MOTE_ERR_KEY },
    { "seed too long", "1f20\n", "1f2021\n", false, MOTE_ERR_KEY },
    { "capital in the seed", "0a0b", "0A0b", false, MOTE_ERR_KEY },
    { "seed line twice", "seed", "seed " SEED_HEX "\nseed", false, MOTE_ERR_KEY },
    { "protected claim, clear seed", "none", "argon2id 1 8 07070707070707070707070707070707", false, MOTE_ERR_KEY },
    { "another password hash", "argon2id", "argon2i", true, MOTE_ERR_KEY },
    { "another cipher", "xchacha20", "chacha20", true, MOTE_ERR_KEY },
    { "salt too short", " 0707", " 07", true, MOTE_ERR_KEY },
    { "salt too long", " 0707", " 070707", true, MOTE_ERR_KEY },
    { "nonce too short", " 0909", " 09", true, MOTE_ERR_KEY },
    { "salt changed", " 0707", " 0607", true, MOTE_ERR_PASSPHRASE },
    { "nonce changed", " 0909", " 0809", true, MOTE_ERR_PASSPHRASE },
    { "costs changed", " 1 8 ", " 1 9 ", true, MOTE_ERR_PASSPHRASE },
    { "no costs", " 1 8 ", " ", true, MOTE_ERR_KEY },
    { "one cost", " 1 8 ", " 8 ", true, MOTE_ERR_KEY },
};

START_TEST(malformed_secrets_are_refused)
{
    char text[4096], sealed[4096];
    protected_text(sealed, "1 8", 1, 8);
    const size_t n =
        change(text, secret_changes[_i].sealed ? sealed : clear_text, secret_changes[_i].from, secret_changes[_i].to);
    const mote_status st = read_secret_text(text, n, "secret");
    ck_assert_msg(st == secret_changes[_i].st, "%s: %d", secret_changes[_i].name, st);
}
END_TEST

/* Costs are checked before anything is spent on them: without a passphrase an allowed file ends with ERR_PASSPHRASE
 * and a forbidden one with ERR_KEY, so the largest allowed ones need not be paid here. */
static const struct {
    const char *costs;
    mote_status st;
} costs[] = {
    { "1 8", MOTE_ERR_PASSPHRASE },
    { "8 1048576", MOTE_ERR_PASSPHRASE },
    { "0 8", MOTE_ERR_KEY },
    { "9 8", MOTE_ERR_KEY },
    { "10 8", MOTE_ERR_KEY },
    { "1 7", MOTE_ERR_KEY },
    { "1 0", MOTE_ERR_KEY },
    { "1 1048577", MOTE_ERR_KEY },
    { "1 9999999", MOTE_ERR_KEY },
    { "1 4294967295", MOTE_ERR_KEY },
    { "1 4294967304", MOTE_ERR_KEY },
    { "4294967297 8", MOTE_ERR_KEY },
    { "1 18446744073709551624", MOTE_ERR_KEY },
    { "18446744073709551617 8", MOTE_ERR_KEY },
    { "01 8", MOTE_ERR_KEY },
    { "1 08", MOTE_ERR_KEY },
    { "+1 8", MOTE_ERR_KEY },
    { "-1 8", MOTE_ERR_KEY },
    { "1 8.0", MOTE_ERR_KEY },
    { "1 0x8", MOTE_ERR_KEY },
    { " 8", MOTE_ERR_KEY },
    { "1  8", MOTE_ERR_KEY },
};

START_TEST(costs_beyond_the_bounds_are_refused_unpaid)
{
    char text[4096];
    const size_t n = protected_text(text, costs[_i].costs, 1, 8);
    const mote_status st = read_secret_text(text, n, NULL);
    ck_assert_msg(st == costs[_i].st, "%s: %d", costs[_i].costs, st);
}
END_TEST

START_TEST(the_highest_number_of_passes_is_accepted)
{
    char text[4096];
    const size_t n = protected_text(text, "8 8", 8, 8);
    ck_assert_int_eq(read_secret_text(text, n, "secret"), MOTE_OK);
}
END_TEST

START_TEST(every_truncation_and_every_added_byte_is_refused)
{
    char sealed[4096], longer[4096];
    const size_t sealed_bytes = protected_text(sealed, "1 8", 1, 8);
    for (size_t n = 0; n < sizeof public_text - 1; n++)
        ck_assert_int_eq(read_public_text(public_text, n), MOTE_ERR_KEY);
    for (size_t n = 0; n < sizeof clear_text - 1; n++) {
        ck_assert_int_eq(read_secret_text(clear_text, n, NULL), MOTE_ERR_KEY);
    }
    for (size_t n = 0; n < sealed_bytes; n++) ck_assert_int_eq(read_secret_text(sealed, n, "secret"), MOTE_ERR_KEY);
    for (int c = 0; c < 256; c++) {
        memcpy(longer, public_text, sizeof public_text);
        longer[sizeof public_text - 1] = (char)c;
        ck_assert_int_eq(read_public_text(longer, sizeof public_text), MOTE_ERR_KEY);
        memcpy(longer, clear_text, sizeof clear_text);
        longer[sizeof clear_text - 1] = (char)c;
        ck_assert_int_eq(read_secret_text(longer, sizeof clear_text, NULL), MOTE_ERR_KEY);
    }
    ck_assert_int_eq(read_public_text(public_text, sizeof public_text - 1), MOTE_OK);
    ck_assert_int_eq(read_secret_text(clear_text, sizeof clear_text - 1, NULL), MOTE_OK);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    char text[4096];
    size_t n = sizeof public_text - 1;
    memcpy(text, public_text, n);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        ck_assert_msg(read_public_text(text, n) == MOTE_ERR_KEY, "public, bit %zu", bit);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    n = sizeof clear_text - 1;
    memcpy(text, clear_text, n);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        ck_assert_msg(read_secret_text(text, n, NULL) == MOTE_ERR_KEY, "clear, bit %zu", bit);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    n = protected_text(text, "1 8", 1, 8);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        const mote_status st = read_secret_text(text, n, "secret");
        ck_assert_msg(st == MOTE_ERR_KEY || st == MOTE_ERR_PASSPHRASE, "protected, bit %zu: %d", bit, st);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    ck_assert_int_eq(read_secret_text(text, n, "secret"), MOTE_OK);
}
END_TEST

/* The seal is over the lines before it: those of another key of the same owner and passphrase do not go with it. */
START_TEST(a_sealed_seed_does_not_open_under_the_public_lines_of_another_key)
{
    char text[4096], pub[4096], forged[4096];
    mote_keypair other;
    protected_text(text, "1 8", 1, 8);
    ck_assert_int_eq(mote_keypair_generate(&other), MOTE_OK);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &other, NULL, MOTE_KEY_COST_INTERACTIVE), MOTE_OK);
    get_file(pub_path, pub);
    const size_t n = (size_t)snprintf(forged, sizeof forged, "mote-secret-key-1\n%s%s", strchr(pub, '\n') + 1,
                                      strstr(text, "protection"));
    ck_assert_int_eq(read_secret_text(forged, n, "secret"), MOTE_ERR_PASSPHRASE);
}
END_TEST

START_TEST(public_files_hold_only_keys_that_may_be_trusted)
{
    char path[1024], text[4096], word[8], hex[65];
    snprintf(path, sizeof path, "%s/ed25519/keys.txt", MOTE_TEST_DATA);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    unsigned rows = 0;
    while (fgets(text, sizeof text, f) != NULL) {
        if (sscanf(text, "%7s %64s", word, hex) != 2 || word[0] == '#') continue;
        uint8_t key[49] = "mote1 key\0\0\0\0\0\0\0\1", digest[32], got[32];
        char id[17];
        ck_assert_int_eq(sodium_hex2bin(key + 17, 32, hex, 64, NULL, NULL, NULL), 0);
        crypto_hash_sha256(digest, key, sizeof key);
        sodium_bin2hex(id, sizeof id, digest, 8);
        const int n = snprintf(text, sizeof text, "mote-public-key-1\ned25519 %s\nid %s\n", hex, id);
        put_file(pub_path, text, (size_t)n);
        const mote_status want = strcmp(word, "ok") == 0 ? MOTE_OK : MOTE_ERR_KEY;
        ck_assert_msg(mote_keyfile_read_public(pub_path, got) == want, "%s", hex);
        rows++;
    }
    fclose(f);
    ck_assert_uint_eq(rows, 103);
}
END_TEST

/* Spec format.md 15; both kinds of file. */
START_TEST(keys_of_the_vectors_are_refused)
{
    char path[1024], hex[65];
    snprintf(path, sizeof path, "%s/test-%d.pub", MOTE_VECTORS, _i);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%64s", hex), 1);
    fclose(f);
    uint8_t pub[32], got[32];
    char phrase[33];
    ck_assert_int_eq(sodium_hex2bin(pub, sizeof pub, hex, 64, NULL, NULL, NULL), 0);
    snprintf(phrase, sizeof phrase, "mote test key, never trust it %02d", _i);
    mote_keypair known, read;
    ck_assert_int_eq(mote_keypair_from_seed(&known, (const uint8_t *)phrase), MOTE_OK);
    ck_assert_mem_eq(known.pub, pub, sizeof pub);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &known, NULL, MOTE_KEY_COST_INTERACTIVE), MOTE_OK);
    ck_assert_int_eq(mote_keyfile_read_public(pub_path, got), MOTE_ERR_KEY);
    ck_assert_int_eq(mote_keyfile_read_secret(key_path, NULL, &read), MOTE_ERR_KEY);
}
END_TEST

START_TEST(files_of_more_than_4_kib_are_refused)
{
    static const size_t sizes[] = { 4095, 4096, 4097, 8192, 1 << 20 };
    for (size_t i = 0; i < N(sizes); i++) {
        char *text = malloc(sizes[i]);
        ck_assert_ptr_nonnull(text);
        memset(text, '\n', sizes[i]);
        memcpy(text, clear_text, sizeof clear_text - 1);
        ck_assert_int_eq(read_secret_text(text, sizes[i], NULL), MOTE_ERR_KEY);
        memcpy(text, public_text, sizeof public_text - 1);
        ck_assert_int_eq(read_public_text(text, sizes[i]), MOTE_ERR_KEY);
        free(text);
    }
    mote_keypair kp; /* one that never ends */
    ck_assert_int_eq(mote_keyfile_read_secret("/dev/zero", NULL, &kp), MOTE_ERR_KEY);
}
END_TEST

START_TEST(kinds_are_not_exchanged_and_missing_files_are_io_errors)
{
    mote_keypair kp;
    uint8_t pub[32];
    ck_assert_int_eq(read_secret_text(public_text, sizeof public_text - 1, NULL), MOTE_ERR_KEY);
    ck_assert_int_eq(read_public_text(clear_text, sizeof clear_text - 1), MOTE_ERR_KEY);
    unlink(key_path);
    errno = 0;
    ck_assert_int_eq(mote_keyfile_read_secret(key_path, NULL, &kp), MOTE_ERR_IO);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(mote_keyfile_read_public(folder, pub), MOTE_ERR_IO);
    ck_assert_int_eq(errno, EISDIR);
}
END_TEST

START_TEST(missing_arguments_are_errors)
{
    mote_keypair kp, bad = pair;
    uint8_t pub[32];
    ck_assert_int_eq(mote_keyfile_write(NULL, pub_path, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_write(key_path, NULL, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, NULL, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, NULL, (mote_key_cost)7), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, "", MOTE_KEY_COST_MODERATE), MOTE_ERR_PASSPHRASE);
    bad.secret[40] ^= 1;
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &bad, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_KEY);
    ck_assert_int_eq(mote_keyfile_read_secret(NULL, NULL, &kp), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_read_secret(key_path, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_read_public(NULL, pub), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_keyfile_read_public(pub_path, NULL), MOTE_ERR_ARG);
    ck_assert(!exists(key_path) && !exists(pub_path));
}
END_TEST

/* ---- the disk ---- */

START_TEST(secret_files_are_for_their_owner_only_whatever_the_umask)
{
    static const mode_t umasks[] = { 0, 022, 077, 0777 };
    for (size_t i = 0; i < N(umasks); i++) {
        const mode_t old = umask(umasks[i]);
        const mote_status st = mote_keyfile_write(key_path, pub_path, &pair, NULL, MOTE_KEY_COST_MODERATE);
        umask(old);
        ck_assert_int_eq(st, MOTE_OK);
        ck_assert_uint_eq(mode_of(key_path), 0600);
        ck_assert_uint_eq(mode_of(pub_path), 0644 & ~umasks[i]);
        unlink(key_path);
        unlink(pub_path);
    }
}
END_TEST

static void expect_refused_write(int cause)
{
    errno = 0;
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_IO);
    ck_assert_msg(errno == cause, "errno %d, expected %d", errno, cause);
}

START_TEST(existing_files_are_neither_overwritten_nor_joined)
{
    char text[4096];
    put_file(key_path, "mine", 4);
    expect_refused_write(EEXIST);
    get_file(key_path, text);
    ck_assert_str_eq(text, "mine");
    ck_assert(!exists(pub_path));
    unlink(key_path);

    put_file(pub_path, "mine", 4);
    expect_refused_write(EEXIST);
    get_file(pub_path, text);
    ck_assert_str_eq(text, "mine");
    ck_assert(!exists(key_path));
}
END_TEST

START_TEST(links_are_not_followed)
{
    char other[128], text[4096];
    snprintf(other, sizeof other, "%s/other", folder);
    const char *const names[] = { key_path, pub_path };
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(symlink("other", names[i]), 0); /* leads to nothing yet: must not create it */
        expect_refused_write(EEXIST);
        ck_assert(!exists(other) && !exists(names[1 - i]) && exists(names[i]));
        put_file(other, "mine", 4);
        expect_refused_write(EEXIST);
        get_file(other, text);
        ck_assert_str_eq(text, "mine");
        ck_assert(!exists(names[1 - i]));
        unlink(other);
        unlink(names[i]);
    }
}
END_TEST

START_TEST(a_failure_of_the_second_file_takes_the_first_away)
{
    char elsewhere[160];
    snprintf(elsewhere, sizeof elsewhere, "%s/none/k.pub", folder);
    errno = 0;
    ck_assert_int_eq(mote_keyfile_write(key_path, elsewhere, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_IO);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(!exists(key_path));
    ck_assert_int_eq(mote_keyfile_write(key_path, key_path, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_ERR_IO);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert(!exists(key_path));
}
END_TEST

START_TEST(a_folder_without_write_permission_keeps_nothing)
{
    const bool root = geteuid() == 0; /* permissions do not hold root back: become somebody else */
    ck_assert_int_eq(chmod(folder, 0555), 0);
    if (root) ck_assert_int_eq(seteuid(NOBODY), 0);
    expect_refused_write(EACCES);
    if (root) ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert(!exists(key_path) && !exists(pub_path));
}
END_TEST

/* A file may not grow past the limit: the same as a disk that is full half-way through a file. */
START_TEST(a_full_disk_leaves_nothing)
{
    struct rlimit old, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    static const rlim_t sizes[] = { 0, 1, 100, sizeof clear_text - 2 };
    for (size_t i = 0; i < N(sizes); i++) {
        small = old;
        small.rlim_cur = sizes[i];
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        expect_refused_write(EFBIG);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert(!exists(key_path) && !exists(pub_path));
    }
    ck_assert_int_eq(mote_keyfile_write(key_path, pub_path, &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_OK);
}
END_TEST

START_TEST(a_bare_name_is_a_file_of_the_working_folder)
{
    char back[PATH_MAX];
    ck_assert_ptr_nonnull(getcwd(back, sizeof back));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mote_keyfile_write("k.key", "k.pub", &pair, NULL, MOTE_KEY_COST_MODERATE), MOTE_OK);
    ck_assert_int_eq(chdir(back), 0);
    ck_assert(exists(key_path) && exists(pub_path));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyfile");
    TCase *tc = tcase_create("keyfile");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, files_are_exactly_as_described);
    tcase_add_loop_test(tc, written_files_are_read_again, 0, 3);
    tcase_add_test(tc, protected_files_need_their_passphrase);
    tcase_add_test(tc, salt_and_nonce_differ_between_files);
    tcase_add_loop_test(tc, malformed_lines_are_refused, 0, N(changes));
    tcase_add_loop_test(tc, malformed_secrets_are_refused, 0, N(secret_changes));
    tcase_add_loop_test(tc, costs_beyond_the_bounds_are_refused_unpaid, 0, N(costs));
    tcase_add_test(tc, the_highest_number_of_passes_is_accepted);
    tcase_add_test(tc, every_truncation_and_every_added_byte_is_refused);
    tcase_add_test(tc, every_flipped_bit_is_refused);
    tcase_add_test(tc, a_sealed_seed_does_not_open_under_the_public_lines_of_another_key);
    tcase_add_test(tc, public_files_hold_only_keys_that_may_be_trusted);
    tcase_add_loop_test(tc, keys_of_the_vectors_are_refused, 0, 3);
    tcase_add_test(tc, files_of_more_than_4_kib_are_refused);
    tcase_add_test(tc, kinds_are_not_exchanged_and_missing_files_are_io_errors);
    tcase_add_test(tc, missing_arguments_are_errors);
    tcase_add_test(tc, secret_files_are_for_their_owner_only_whatever_the_umask);
    tcase_add_test(tc, existing_files_are_neither_overwritten_nor_joined);
    tcase_add_test(tc, links_are_not_followed);
    tcase_add_test(tc, a_failure_of_the_second_file_takes_the_first_away);
    tcase_add_test(tc, a_folder_without_write_permission_keeps_nothing);
    tcase_add_test(tc, a_full_disk_leaves_nothing);
    tcase_add_test(tc, a_bare_name_is_a_file_of_the_working_folder);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
