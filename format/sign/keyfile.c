/* SPDX-License-Identifier: Apache-2.0
 * Key files: text, so that they survive mail and can be compared by eye, and with one spelling only, so that a file
 * is either exactly this or refused.
 *
 * Both kinds are ASCII, at most 4096 bytes, each line ended by one line feed, words separated by one space, numbers
 * decimal without leading zeros, bytes as lower-case hexadecimal; nothing before, between or after.
 *
 *   public    mote-public-key-1
 *             ed25519 <public key, 32 bytes>
 *             id <key id, 8 bytes>
 *
 *   secret    mote-secret-key-1
 *             ed25519 <public key, 32 bytes>
 *             id <key id, 8 bytes>
 *     then    protection none
 *             seed <secret seed, 32 bytes>
 *     or      protection argon2id <passes, 1..8> <KiB of memory, 8..1048576> <salt, 16 bytes>
 *             seed xchacha20-poly1305 <nonce, 24 bytes> <ciphertext and tag, 32 + 16 bytes>
 *
 * The key id is the first 8 bytes of SHA-256("mote1 key" padded with zeros to 16 bytes || 01 || public key), the 01
 * being the signature algorithm of format.md. A public key must be a canonical point of prime order; a secret key's
 * lines "ed25519" and "id" must be those of its seed (RFC 8032, 5.1.5).
 *
 * A protected seed is encrypted with XChaCha20-Poly1305 (the IETF construction with a 24-byte nonce) under the 32-byte
 * result of Argon2id 1.3 (RFC 9106; one lane) over the bytes of the passphrase; the additional data are all bytes of
 * the file before the line "seed", so that public key, id and costs cannot be exchanged. The bounds on passes and
 * memory are those of the reader: a foreign file cannot make it work for hours or take all memory. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mote/sign.h"

enum {
    FILE_MAX = 4096,
    SEED_BYTES = 32,
    SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEALED_BYTES = SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    PASSES_MAX = 8,
    KIB_MIN = 8, /* Argon2's own least */
    KIB_MAX = 1 << 20,
};

/* Everything secret that a call holds, in one piece of sodium_malloc(): kept out of swap, wiped when freed. Bytes
 * only, because that allocator aligns the end of the block and not its beginning. */
typedef struct secrets {
    char text[FILE_MAX + 1]; /* one more than allowed tells a file that is too long */
    uint8_t seed[SEED_BYTES];
    uint8_t wrap[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    mote_keypair pair;
} secrets;

static void key_id(uint8_t id[MOTE_KEY_ID_BYTES], const uint8_t pub[MOTE_PUBLIC_KEY_BYTES])
{
    uint8_t in[16 + 1 + MOTE_PUBLIC_KEY_BYTES] = "mote1 key", digest[crypto_hash_sha256_BYTES];
    in[16] = 1;
    memcpy(in + 17, pub, MOTE_PUBLIC_KEY_BYTES);
    crypto_hash_sha256(digest, in, sizeof in);
    memcpy(id, digest, MOTE_KEY_ID_BYTES);
}

/* Keys that everybody can sign with: those of the specification's vectors, spec/vectors/test-N.pub. */
static bool is_published(const uint8_t pub[MOTE_PUBLIC_KEY_BYTES])
{
    static const char *const hex[] = { "0f5a5680f9822240f44fdae0bd55135be2c756b5cba64ff56f2dfadfba393016",
                                       "3686d49d2977c113f12e536381d515377c69401481ba492f04001049183d638c",
                                       "38aa7f1833d8fa61e48fc8ae1e25a02f9b444d7682f7a7297b25eaabe84c943a" };
    char own[2 * MOTE_PUBLIC_KEY_BYTES + 1];
    sodium_bin2hex(own, sizeof own, pub, MOTE_PUBLIC_KEY_BYTES);
    for (size_t i = 0; i < sizeof hex / sizeof *hex; i++)
        if (strcmp(own, hex[i]) == 0) return true;
    return false;
}

/* ---- text out: the caller's buffer is known to be large enough ---- */

static char *put_text(char *at, const char *text)
{
    const size_t n = strlen(text);
    memcpy(at, text, n);
    return at + n;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t n)
{
    sodium_bin2hex(at, 2 * n + 1, bytes, n);
    return at + 2 * n;
}

static char *put_number(char *at, uint32_t value)
{
    char digits[10];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n != 0) *at++ = digits[--n];
    return at;
}

/* The two lines which both kinds of file share. */
static char *put_public(char *at, const uint8_t pub[MOTE_PUBLIC_KEY_BYTES])
{
    uint8_t id[MOTE_KEY_ID_BYTES];
    key_id(id, pub);
    at = put_hex(put_text(at, "ed25519 "), pub, MOTE_PUBLIC_KEY_BYTES);
    at = put_hex(put_text(at, "\nid "), id, sizeof id);
    return put_text(at, "\n");
}

/* ---- text in: the first failure wins and leaves nothing to read, as with mote_rd ---- */

typedef struct reader {
    const char *at, *end;
    bool ok;
} reader;

static void fail(reader *r)
{
    r->ok = false;
    r->at = r->end;
}

/* Moves past text if it comes next; without it the reader stays where it is. */
static bool found(reader *r, const char *text)
{
    const size_t n = strlen(text);
    if (n > (size_t)(r->end - r->at) || memcmp(r->at, text, n) != 0) return false;
    r->at += n;
    return true;
}

static void expect(reader *r, const char *text)
{
    if (!found(r, text)) fail(r);
}

/* sodium_hex2bin() also takes capitals, which would be a second spelling. */
static void take_hex(reader *r, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    if (2 * n > (size_t)(r->end - r->at)) {
        fail(r);
        return;
    }
    for (size_t i = 0; i < 2 * n; i++) {
        const char c = *r->at++;
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else {
            fail(r);
            return;
        }
        out[i / 2] = (uint8_t)(out[i / 2] * 16U + digit);
    }
}

static uint32_t take_number(reader *r, uint32_t min, uint32_t max)
{
    uint32_t value = 0;
    const char *const first = r->at;
    for (; r->at != r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        const uint32_t digit = (uint32_t)(*r->at - '0');
        if (digit > max || value > (max - digit) / 10) {
            fail(r);
            return min;
        }
        value = value * 10 + digit;
    }
    if (r->at == first || *first == '0' || value < min) fail(r);
    return r->ok ? value : min;
}

static void take_public(reader *r, uint8_t pub[MOTE_PUBLIC_KEY_BYTES])
{
    uint8_t id[MOTE_KEY_ID_BYTES], right[MOTE_KEY_ID_BYTES];
    expect(r, "ed25519 ");
    take_hex(r, pub, MOTE_PUBLIC_KEY_BYTES);
    expect(r, "\nid ");
    take_hex(r, id, sizeof id);
    expect(r, "\n");
    key_id(right, pub);
    if (memcmp(id, right, sizeof id) != 0) fail(r);
}

/* ---- files ---- */

static bool store(int fd, const char *text, size_t n)
{
    while (n != 0) {
        const ssize_t done = write(fd, text, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        text += done;
        n -= (size_t)done;
    }
    return fsync(fd) == 0;
}

/* The name of a new file lasts only once its folder is on the disk. A folder that cannot be opened for reading or
 * synchronised is no reason to throw a key away, so this reports nothing. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (folder == NULL) return;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Both files or neither; errno tells what went wrong. Both names are taken before a byte is written. */
static bool store_pair(const char *key_path, const char *key, size_t key_bytes, const char *pub_path, const char *pub,
                       size_t pub_bytes)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const int key_fd = open(key_path, flags, 0600);
    if (key_fd < 0) return false;
    const int pub_fd = open(pub_path, flags, 0644);
    bool ok =
        pub_fd >= 0 && fchmod(key_fd, 0600) == 0 && store(key_fd, key, key_bytes) && store(pub_fd, pub, pub_bytes);
    int cause = errno;
    if (pub_fd >= 0 && close(pub_fd) != 0 && ok) {
        ok = false;
        cause = errno;
    }
    if (close(key_fd) != 0 && ok) {
        ok = false;
        cause = errno;
    }
    if (ok) {
        sync_folder(key_path);
        sync_folder(pub_path);
        return true;
    }
    if (pub_fd >= 0) (void)unlink(pub_path);
    (void)unlink(key_path);
    errno = cause;
    return false;
}

static mote_status read_text(const char *path, char text[FILE_MAX + 1], size_t *n)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return MOTE_ERR_IO;
    mote_status st = MOTE_OK;
    size_t got = 0;
    while (got <= FILE_MAX) {
        const ssize_t more = read(fd, text + got, FILE_MAX + 1 - got);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) st = MOTE_ERR_IO;
        if (more <= 0) break;
        got += (size_t)more;
    }
    const int cause = errno;
    close(fd);
    errno = cause;
    if (st == MOTE_OK && got > FILE_MAX) st = MOTE_ERR_KEY;
    if (st == MOTE_OK) *n = got;
    return st;
}

/* ---- protection ---- */

static mote_status derive(uint8_t wrap[crypto_aead_xchacha20poly1305_ietf_KEYBYTES], const char *passphrase,
                          const uint8_t salt[SALT_BYTES], uint32_t passes, uint32_t kib)
{
    /* Only want of memory can make it fail: every other argument is within its bounds. */
    return crypto_pwhash_argon2id(wrap, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase, strlen(passphrase),
                                  salt, passes, (size_t)kib * 1024, crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0
               ? MOTE_OK
               : MOTE_ERR_NOMEM;
}

static mote_status put_sealed(char *text, char **end, secrets *s, const char *passphrase, mote_key_cost cost)
{
    uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES], sealed[SEALED_BYTES];
    const uint32_t passes = cost == MOTE_KEY_COST_MODERATE ? 3 : 2; /* libsodium's levels of the same names */
    const uint32_t kib = cost == MOTE_KEY_COST_MODERATE ? 256 * 1024 : 64 * 1024;
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(nonce, sizeof nonce);
    char *at = put_number(put_text(*end, "protection argon2id "), passes);
    at = put_number(put_text(at, " "), kib);
    at = put_hex(put_text(at, " "), salt, sizeof salt);
    at = put_text(at, "\n");
    const mote_status st = derive(s->wrap, passphrase, salt, passes, kib);
    if (st != MOTE_OK) return st;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, s->seed, SEED_BYTES, (const uint8_t *)text,
                                               (size_t)(at - text), NULL, nonce, s->wrap);
    at = put_hex(put_text(at, "seed xchacha20-poly1305 "), nonce, sizeof nonce);
    *end = put_hex(put_text(at, " "), sealed, sizeof sealed);
    return MOTE_OK;
}

mote_status mote_keyfile_write(const char *key_path, const char *pub_path, const mote_keypair *kp,
                               const char *passphrase, mote_key_cost cost)
{
    if (key_path == NULL || pub_path == NULL || kp == NULL) return MOTE_ERR_ARG;
    if (cost != MOTE_KEY_COST_INTERACTIVE && cost != MOTE_KEY_COST_MODERATE) return MOTE_ERR_ARG;
    if (passphrase != NULL && *passphrase == '\0') return MOTE_ERR_PASSPHRASE; /* it would protect nothing */
    if (sodium_init() < 0) return MOTE_ERR_STATE;
    secrets *s = sodium_malloc(sizeof *s);
    if (s == NULL) return MOTE_ERR_NOMEM;

    mote_status st = MOTE_OK;
    char pub[256];
    char *end = put_public(put_text(pub, "mote-public-key-1\n"), kp->pub);
    const size_t pub_bytes = (size_t)(end - pub);

    memcpy(s->seed, kp->secret, SEED_BYTES);
    if (mote_keypair_from_seed(&s->pair, s->seed) != MOTE_OK || sodium_memcmp(&s->pair, kp, sizeof *kp) != 0) {
        st = MOTE_ERR_KEY; /* not a pair: it could not be read again */
        goto out;
    }
    end = put_public(put_text(s->text, "mote-secret-key-1\n"), kp->pub);
    if (passphrase == NULL) {
        end = put_hex(put_text(end, "protection none\nseed "), s->seed, SEED_BYTES);
    } else {
        st = put_sealed(s->text, &end, s, passphrase, cost);
        if (st != MOTE_OK) goto out;
    }
    end = put_text(end, "\n");
    if (!store_pair(key_path, s->text, (size_t)(end - s->text), pub_path, pub, pub_bytes)) st = MOTE_ERR_IO;
out:;
    const int cause = errno; /* sodium_free() unlocks and unmaps, which may change it */
    sodium_free(s);
    errno = cause;
    return st;
}

static mote_status parse_secret(secrets *s, size_t n, const char *passphrase)
{
    uint8_t pub[MOTE_PUBLIC_KEY_BYTES], salt[SALT_BYTES], nonce[NONCE_BYTES], sealed[SEALED_BYTES];
    uint32_t passes = 0, kib = 0;
    size_t bound = 0;
    reader r = { .at = s->text, .end = s->text + n, .ok = true };
    expect(&r, "mote-secret-key-1\n");
    take_public(&r, pub);
    const bool clear = found(&r, "protection none\n");
    if (clear) {
        expect(&r, "seed ");
        take_hex(&r, s->seed, SEED_BYTES);
    } else {
        expect(&r, "protection argon2id ");
        passes = take_number(&r, 1, PASSES_MAX);
        expect(&r, " ");
        kib = take_number(&r, KIB_MIN, KIB_MAX);
        expect(&r, " ");
        take_hex(&r, salt, sizeof salt);
        expect(&r, "\n");
        bound = (size_t)(r.at - s->text);
        expect(&r, "seed xchacha20-poly1305 ");
        take_hex(&r, nonce, sizeof nonce);
        expect(&r, " ");
        take_hex(&r, sealed, sizeof sealed);
    }
    expect(&r, "\n");
    if (!r.ok || r.at != r.end) return MOTE_ERR_KEY;

    if (!clear) {
        if (passphrase == NULL || *passphrase == '\0') return MOTE_ERR_PASSPHRASE;
        const mote_status st = derive(s->wrap, passphrase, salt, passes, kib);
        if (st != MOTE_OK) return st;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(s->seed, NULL, NULL, sealed, sizeof sealed,
                                                       (const uint8_t *)s->text, bound, nonce, s->wrap) != 0) {
            return MOTE_ERR_PASSPHRASE; /* or the file was changed: nothing can tell the two apart */
        }
    }
    const mote_status st = mote_keypair_from_seed(&s->pair, s->seed);
    if (st != MOTE_OK) return st;
    return memcmp(s->pair.pub, pub, sizeof pub) == 0 ? MOTE_OK : MOTE_ERR_KEY;
}

mote_status mote_keyfile_read_secret(const char *path, const char *passphrase, mote_keypair *kp)
{
    if (path == NULL || kp == NULL) return MOTE_ERR_ARG;
    if (sodium_init() < 0) return MOTE_ERR_STATE;
    secrets *s = sodium_malloc(sizeof *s);
    if (s == NULL) return MOTE_ERR_NOMEM;
    size_t n = 0;
    mote_status st = read_text(path, s->text, &n);
    if (st == MOTE_OK) st = parse_secret(s, n, passphrase);
    if (st == MOTE_OK && is_published(s->pair.pub)) st = MOTE_ERR_KEY;
    if (st == MOTE_OK) *kp = s->pair;
    const int cause = errno;
    sodium_free(s);
    errno = cause;
    return st;
}

mote_status mote_keyfile_read_public(const char *path, uint8_t key[MOTE_PUBLIC_KEY_BYTES])
{
    if (path == NULL || key == NULL) return MOTE_ERR_ARG;
    char text[FILE_MAX + 1];
    uint8_t pub[MOTE_PUBLIC_KEY_BYTES];
    size_t n = 0;
    const mote_status st = read_text(path, text, &n);
    if (st != MOTE_OK) return st;
    reader r = { .at = text, .end = text + n, .ok = true };
    expect(&r, "mote-public-key-1\n");
    take_public(&r, pub);
    if (!r.ok || r.at != r.end || mote_public_key_check(pub) != MOTE_OK || is_published(pub)) return MOTE_ERR_KEY;
    memcpy(key, pub, sizeof pub);
    return MOTE_OK;
}
