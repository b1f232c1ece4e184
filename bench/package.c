/* SPDX-License-Identifier: Apache-2.0
 * How fast whole packages are decoded and made, one thread, through the public calls, from memory to memory. Usage:
 *   package decode dense|native FILE.mote RUNS
 *   package encode lossless|bits=N|snr=DB,STATES MODEL RUNS
 * prints: elements, their bytes, seconds with digests, seconds without, decoding also seconds without to memory that has
 * been written before instead of new one; processor time, the best of the runs. Decoding without digests: the loader
 * asks for each of them and is handed what a run before computed. Encoding without: every tensor is encoded, and no
 * package laid out, hashed and written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>

#include "mote/mote.h"

static void check(mote_status st, const char *what)
{
    if (st == MOTE_OK) return;
    fprintf(stderr, "package: %s: %s\n", what, mote_status_name(st));
    exit(1);
}

static void *get(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p) check(MOTE_ERR_NOMEM, "memory");
    return p;
}

/* New memory for tensors: as malloc() has it, but what that would map anew each time in large pages, as numpy does. */
static void *get_new(size_t n)
{
    const size_t page = (size_t)1 << 21, mapped = (size_t)32 << 20;
    if (n < mapped) return get(n);
    void *p = aligned_alloc(page, (n + page - 1) / page * page);
    if (!p) check(MOTE_ERR_NOMEM, "memory");
    (void)madvise(p, n, MADV_HUGEPAGE);
    return p;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint8_t *load(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    long end = -1;
    if (f && fseek(f, 0, SEEK_END) == 0) end = ftell(f);
    if (end < 0 || fseek(f, 0, SEEK_SET) != 0) check(MOTE_ERR_IO, path);
    *n = (size_t)end;
    uint8_t *data = get(*n);
    if (fread(data, 1, *n, f) != *n) check(MOTE_ERR_IO, path);
    (void)fclose(f);
    return data;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

/* Digests in the order in which the loader asks for them, which a package decides. */
typedef struct digests {
    uint8_t (*all)[MOTE_DIGEST_BYTES];
    size_t n, at;
} digests;

static void record(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                   size_t n)
{
    digests *d = ctx;
    const mote_crypto *real = mote_crypto_host();
    real->sha256(real->ctx, digest, part, bytes, n);
    if ((d->n & (d->n - 1)) == 0) {
        void *more = realloc(d->all, (d->n ? 2 * d->n : 1) * sizeof *d->all);
        if (!more) check(MOTE_ERR_NOMEM, "memory");
        d->all = more;
    }
    memcpy(d->all[d->n++], digest, MOTE_DIGEST_BYTES);
}

/* A digest that nobody recorded would be a wrong one, and the loader says so. */
static void replay(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                   size_t n)
{
    digests *d = ctx;
    (void)part;
    (void)bytes;
    (void)n;
    memset(digest, 0, MOTE_DIGEST_BYTES);
    if (d->at < d->n) memcpy(digest, d->all[d->at++], MOTE_DIGEST_BYTES);
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

typedef struct package {
    const uint8_t *file;
    size_t file_bytes;
    void *work, *block;
    size_t work_bytes, block_bytes;
    size_t elements, bytes; /**< of all tensors, dense */
} package;

/* The whole package: dense to `to`, native to the block. `to` NULL: find out how much of everything it takes. */
static mote_status decode(package *p, const mote_crypto *crypto, mote_form form, uint8_t *to)
{
    const mote_loader_config config = {
        .crypto = *crypto, .kern = mote_kern_best(), .inflate = mote_zstd_inflate, .form = form, .steady = true
    };
    mote_loader *ld;
    mote_event ev = { 0 };
    mote_in in = { p->file, p->file_bytes };
    size_t bytes[4096], at = 0;
    mote_status st = mote_loader_init(&ld, p->work, p->work_bytes, &config);
    while (st == MOTE_OK && ev.type != MOTE_EVENT_DONE) {
        mote_out out = { p->block, p->block_bytes };
        st = mote_loader_step(ld, &in, &out, &ev);
        if (st == MOTE_ERR_MEMORY && mote_loader_needed(ld) > p->work_bytes) {
            p->work_bytes = mote_loader_needed(ld); /* the loader lies in the memory that is given back */
            free(p->work);
            p->work = get(p->work_bytes);
            in = (mote_in){ p->file, p->file_bytes };
            st = mote_loader_init(&ld, p->work, p->work_bytes, &config);
        } else if (st == MOTE_NEED_OUTPUT) {
            free(p->block);
            p->block_bytes = ev.need;
            p->block = get(p->block_bytes);
            st = MOTE_OK;
        } else if (st == MOTE_OK && ev.type == MOTE_EVENT_TENSOR) {
            if (!to) p->elements += ev.tensor.elements;
            if (to && form == MOTE_FORM_DENSE) st = mote_loader_target(ld, to + at, bytes[ev.index]);
            at += bytes[ev.index];
        } else if (st == MOTE_OK && ev.type == MOTE_EVENT_ENTRY) {
            if (ev.index >= sizeof bytes / sizeof *bytes) return MOTE_ERR_LIMIT;
            bytes[ev.index] = ev.entry->bytes;
        }
    }
    if (!to) p->bytes = at;
    return st == MOTE_NEED_INPUT ? mote_loader_end(ld) : st;
}

/* To `kept`, or to new memory. */
static double decode_timed(package *p, const mote_crypto *crypto, mote_form form, uint8_t *kept)
{
    const double begin = now();
    uint8_t *to = kept ? kept : get_new(form == MOTE_FORM_DENSE ? p->bytes : 1);
    check(decode(p, crypto, form, to), "decode");
    if (!kept) free(to);
    return now() - begin;
}

static void decode_all(const char *form_name, const char *path, unsigned runs)
{
    const mote_form form = strcmp(form_name, "native") == 0 ? MOTE_FORM_NATIVE : MOTE_FORM_DENSE;
    package p = { .work_bytes = mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX) };
    digests known = { 0 };
    const mote_crypto recorded = { .sha256 = record, .ctx = &known }, replayed = { .sha256 = replay, .ctx = &known };
    p.file = load(path, &p.file_bytes);
    p.work = get(p.work_bytes);
    check(decode(&p, mote_crypto_host(), form, NULL), path);
    uint8_t *kept = get(p.bytes);
    check(decode(&p, &recorded, form, kept), path);
    double on = 1e9, off = 1e9, again = 1e9;
    for (unsigned i = 0; i < runs; i++) {
        on = least(on, decode_timed(&p, mote_crypto_host(), form, NULL));
        known.at = 0;
        off = least(off, decode_timed(&p, &replayed, form, NULL));
        known.at = 0;
        again = least(again, decode_timed(&p, &replayed, form, kept));
    }
    printf("%zu,%zu,%.6f,%.6f,%.6f\n", p.elements, p.bytes, on, off, again);
    free(kept);
    free(p.block);
    free(p.work);
}

/* --- encoding ----------------------------------------------------------------------------------------------------- */

static int drop(void *ctx, const uint8_t *data, size_t n)
{
    (void)ctx;
    (void)data;
    (void)n;
    return 0;
}

static void options_of(mote_encode_options *o, const char *how)
{
    char *end;
    o->profile = MOTE_PROFILE_HOST;
    if (strncmp(how, "bits=", 5) == 0) {
        o->method = MOTE_METHOD_AFFINE;
        o->bits = (unsigned)strtoul(how + 5, NULL, 10);
    } else if (strncmp(how, "snr=", 4) == 0) {
        o->method = MOTE_METHOD_TRELLIS;
        o->snr_db = strtod(how + 4, &end);
        o->states = *end ? (unsigned)strtoul(end + 1, NULL, 10) : o->states;
    } else if (strcmp(how, "lossless") != 0) {
        check(MOTE_ERR_ARG, how);
    }
}

static void encode_all(const char *how, const char *path, unsigned runs)
{
    mote_pack_options o = MOTE_PACK_OPTIONS_INIT;
    options_of(&o.encode, how);
    o.threads = 1;
    size_t file_bytes, n, elements = 0, bytes = 0;
    const uint8_t *file = load(path, &file_bytes);
    double on = 1e9, off = 1e9;
    for (unsigned i = 0; i < runs; i++) {
        mote_model_error error;
        mote_model *model;
        check(mote_model_open(&model, file, file_bytes, &error), path);
        double begin = now();
        const mote_model_tensor *t = mote_model_tensors(model, &n);
        for (size_t k = elements = bytes = 0; k < n; k++) {
            const uint8_t *data;
            mote_coded coded = { 0 };
            check(mote_model_data(model, k, &data, &error), t[k].name);
            check(mote_encode_tensor(&coded, &o.encode, &t[k], data, &error), t[k].name);
            mote_coded_free(&coded);
            mote_model_release(model, k);
            elements += t[k].elements;
            bytes += t[k].bytes;
        }
        off = least(off, now() - begin);
        mote_pack_result result;
        begin = now();
        check(mote_pack(&o, model, drop, NULL, &result, &error), "pack");
        on = least(on, now() - begin);
        mote_pack_result_free(&result);
        mote_model_close(model);
    }
    printf("%zu,%zu,%.6f,%.6f\n", elements, bytes, on, off);
}

int main(int argc, char **argv)
{
    if (argc != 5 || !mote_crypto_host()) return 2;
    const unsigned runs = (unsigned)strtoul(argv[4], NULL, 10);
    if (strcmp(argv[1], "decode") == 0)
        decode_all(argv[2], argv[3], runs);
    else if (strcmp(argv[1], "encode") == 0)
        encode_all(argv[2], argv[3], runs);
    else
        return 2;
    return 0;
}
