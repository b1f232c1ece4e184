/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 of the host. libcrypto uses the processor's SHA instructions, about five times the speed of libsodium's
 * portable code, so it is taken where it is built in (MOTE_HAVE_LIBCRYPTO); libsodium is there in any case. */
#include <sodium.h>

#include "mote/sign.h"
#include "sign/backend.h"

void mote_sha256_sodium(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                        size_t n)
{
    (void)ctx;
    crypto_hash_sha256_state st;
    crypto_hash_sha256_init(&st);
    for (size_t i = 0; i < n; i++) crypto_hash_sha256_update(&st, part[i], bytes[i]);
    crypto_hash_sha256_final(&st, digest);
}

#ifdef MOTE_HAVE_LIBCRYPTO
#include <openssl/evp.h>
#include <pthread.h>

/* Looking the algorithm up takes locks and allocates: done once. A context for each thread saves the allocation of
 * every call, which for the digest of a short header would be a third of the time. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm; /* NULL: libcrypto offers none, libsodium does the work */
static pthread_key_t per_thread;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void start(void)
{
    if (pthread_key_create(&per_thread, free_context) == 0) algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static EVP_MD_CTX *thread_context(void)
{
    if (pthread_once(&once, start) != 0 || algorithm == NULL) return NULL;
    EVP_MD_CTX *context = pthread_getspecific(per_thread);
    if (context != NULL) return context;
    context = EVP_MD_CTX_new();
    if (context != NULL && pthread_setspecific(per_thread, context) != 0) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

static bool sha256_libcrypto(uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                             size_t n)
{
    EVP_MD_CTX *context = thread_context();
    if (context == NULL || EVP_DigestInit_ex2(context, algorithm, NULL) != 1) return false;
    for (size_t i = 0; i < n; i++) {
        if (EVP_DigestUpdate(context, part[i], bytes[i]) != 1) return false;
    }
    return EVP_DigestFinal_ex(context, digest, NULL) == 1;
}

/* A digest must not fail: what libcrypto cannot do for want of memory, libsodium does without any. */
void mote_sha256_host(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                      size_t n)
{
    if (!sha256_libcrypto(digest, part, bytes, n)) mote_sha256_sodium(ctx, digest, part, bytes, n);
}

const char *mote_crypto_digest_name(void)
{
    return thread_context() != NULL ? "libcrypto" : "libsodium";
}

#else

void mote_sha256_host(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                      size_t n)
{
    mote_sha256_sodium(ctx, digest, part, bytes, n);
}

const char *mote_crypto_digest_name(void)
{
    return "libsodium";
}

#endif

const mote_crypto *mote_crypto_host(void)
{
    static const mote_crypto host = { .sha256 = mote_sha256_host, .ed25519 = mote_ed25519_sodium, .ctx = NULL };
    return sodium_init() < 0 ? NULL : &host;
}
